//! What a save asks of changed Go code: whether a structural edit can say it, and whether it is formatted.

use std::collections::BTreeMap;

use crate::exec::Tool;
use crate::git::diff::changed_paths;
use crate::names::{RelPath, TreeId};
use crate::patch::edit::{EditFile, Wanted, rewrite};
use crate::pipeline::error::PipelineError;
use crate::pipeline::save_plan::Made;
use crate::pipeline::workspace::{Workspace, shown};

/// The edit file that makes the tree `after` of the tree `before`, where it can be derived from the old one.
pub(super) fn edit_again(
    space: &Workspace<'_>,
    edit: &EditFile,
    bytes: &[u8],
    before: &TreeId,
    after: &TreeId,
    message: Option<&str>,
) -> Result<Option<Vec<u8>>, PipelineError> {
    let objects = space.repo.objects();
    let mut files = BTreeMap::new();
    let paths = edit.paths().cloned().chain(changed_paths(objects, before, after)?);
    for path in paths.collect::<std::collections::BTreeSet<RelPath>>() {
        let read = |tree| objects.read(tree, &path);
        match (read(before)?, read(after)?) {
            (Some(old), Some(new)) => {
                let modes = [before, after].map(|tree| objects.entry(tree, &path).map(|e| e.map(|e| e.mode)));
                let [Ok(one), Ok(other)] = modes else { return Ok(None) };
                if one != other {
                    return Ok(None);
                }
                files.insert(path, Wanted { before: old, after: new });
            }
            (None, None) => {}
            // Edits make no files and take none away.
            _ => return Ok(None),
        }
    }
    Ok(rewrite(bytes, edit, space.version().as_ref(), &files, message))
}

/// Warns of Go files that were formatted before a changed patch and are not after it. Without gofmt nothing is said.
pub(super) fn check_format(space: &Workspace<'_>, made: &[Made]) -> Result<(), PipelineError> {
    let objects = space.repo.objects();
    if space.exec.find(Tool::Gofmt).is_err() {
        return Ok(());
    }
    for one in made.iter().filter(|one| one.changed) {
        for path in changed_paths(objects, &one.before, &one.commit.step.tree)? {
            if !path.as_str().ends_with(".go") {
                continue;
            }
            let Some(after) = objects.read(&one.commit.step.tree, &path)? else { continue };
            let before = objects.read(&one.before, &path)?;
            if !is_formatted(space, after)? && before.map_or(Ok(true), |text| is_formatted(space, text))? {
                space.warn(format!("{path} is not as gofmt formats it after {}: `gofmt -w {path}`", shown(&one.commit)));
            }
        }
    }
    Ok(())
}

/// What gofmt refuses to read counts as formatted: that is the compiler's to tell.
fn is_formatted(space: &Workspace<'_>, text: Vec<u8>) -> Result<bool, PipelineError> {
    let said = space.exec.run(Tool::Gofmt)?.arg("-l").cwd("/").stdin(text).capture()?;
    Ok(!said.status.success() || said.stdout.is_empty())
}
