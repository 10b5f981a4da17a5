//! What a save asks of changed Go code: whether a structural edit can say it, and whether it is formatted.

use std::collections::{BTreeMap, BTreeSet};

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
    for path in paths.collect::<BTreeSet<RelPath>>() {
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
    let mut files = Vec::new();
    for one in made.iter().filter(|one| one.changed) {
        for path in changed_paths(objects, &one.before, &one.commit.step.tree)? {
            if path.as_str().ends_with(".go") && objects.entry(&one.commit.step.tree, &path)?.is_some() {
                files.push((one, path));
            }
        }
    }
    let text = |tree: &TreeId, path: &RelPath| Ok::<_, PipelineError>(objects.read(tree, path)?.unwrap_or_default());
    let after = files.iter().map(|(one, path)| text(&one.commit.step.tree, path)).collect::<Result<Vec<_>, _>>()?;
    let wrong = unformatted(space, after)?;
    let suspects: Vec<&(&Made, RelPath)> = wrong.iter().map(|at| &files[*at]).collect();
    let before = suspects.iter().map(|(one, path)| text(&one.before, path)).collect::<Result<Vec<_>, _>>()?;
    let were = unformatted(space, before)?;
    for (_, (one, path)) in suspects.iter().enumerate().filter(|(at, _)| !were.contains(at)) {
        space.warn(format!("{path} is not as gofmt formats it after {}: `gofmt -w {path}`", shown(&one.commit)));
    }
    Ok(())
}

/// Which of these texts gofmt would write in another way, by their places. What it refuses to read counts as formatted: that is
/// the compiler's to tell. All in one run: starting it takes longer than reading a file.
fn unformatted(space: &Workspace<'_>, texts: Vec<Vec<u8>>) -> Result<BTreeSet<usize>, PipelineError> {
    if texts.is_empty() {
        return Ok(BTreeSet::new());
    }
    let io = |source| PipelineError::Io { path: space.dir.clone(), source };
    let dir = tempfile::tempdir().map_err(io)?;
    let mut run = space.exec.run(Tool::Gofmt)?.arg("-l").cwd(dir.path());
    for (at, text) in texts.iter().enumerate() {
        let name = format!("{at}.go");
        std::fs::write(dir.path().join(&name), text).map_err(io)?;
        run = run.arg(name);
    }
    let said = run.capture()?;
    Ok(String::from_utf8_lossy(&said.stdout).lines().filter_map(|line| line.strip_suffix(".go")?.parse().ok()).collect())
}
