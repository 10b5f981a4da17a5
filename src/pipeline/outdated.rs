//! Moving on: tags compared with the lock, and entries resolved anew.

use crate::names::{ComponentName, Revision};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve::Mode;
use crate::pipeline::resolve_all::resolve_all;
use crate::pipeline::select::{Selected, picks};
use crate::pipeline::session::Session;
use crate::plan::{Lock, LockChange, LockEntry, Origin};
use crate::recipe::model::Source;
use crate::release::{Release, Req, Wanted};
use crate::source::check_tag;

/// What `update` did, or would do.
#[derive(Debug)]
pub struct Moved {
    /// Every change of the lock.
    pub changes: Vec<LockChange>,
    /// Newer releases outside of the lines, as notes: component, locked, newest.
    pub beyond: Vec<(ComponentName, Revision, Revision)>,
}

/// Fails where a tag of the lock now points elsewhere. Entries that are no tags are passed over.
pub fn check_tags(session: &Session<'_>, lock: &Lock) -> Result<usize, PipelineError> {
    let mut checked = 0;
    for entry in lock.entries() {
        let Origin::Git { commit, reference: Some(reference), tag_object, .. } = &entry.origin else { continue };
        let Some(tag) = reference.strip_prefix("refs/tags/") else { continue };
        let Some(component) = session.recipe.components.get(&entry.name) else { continue };
        let Source::Git(home) = &component.upstream.source else { continue };
        let url = session.options.sources.get(&entry.name).unwrap_or(home);
        check_tag(&session.tags(url)?, url, &Revision::new(tag)?, commit, tag_object.as_ref(), session.reporter)?;
        checked += 1;
    }
    Ok(checked)
}

/// Resolves the selected entries anew. With `dry_run` nothing is written.
pub fn update(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    file: &mut LockFile,
    dry_run: bool,
) -> Result<Moved, PipelineError> {
    let _guard = file.guard(session)?;
    file.reread(session)?;
    let before = file.lock.clone();
    for selected in selected {
        session.resolve(selected, &mut file.lock, &before, Mode::Fresh)?;
    }
    let beyond = beyond(session, selected, &file.lock)?;
    let changes = if dry_run { before.changes_to(&file.lock) } else { file.settle(session, &before)? };
    Ok(Moved { changes, beyond })
}

/// Makes sure that everything selected is locked and in the store.
pub fn fetch(session: &Session<'_>, selected: &[Selected<'_>], file: &mut LockFile) -> Result<Vec<LockEntry>, PipelineError> {
    let resolved = resolve_all(session, selected, file)?;
    let mut entries = Vec::new();
    for (selected, resolved) in selected.iter().zip(resolved) {
        session.entry_objects(selected.component, &resolved.entry)?;
        for part in &resolved.parts {
            session.part_objects(part)?;
            entries.extend(part.entry.clone());
        }
        for asset in session.targets().iter().filter_map(|target| resolved.entry.payload.get(target)) {
            session.donor(selected.component, asset)?;
        }
        if let Some(go) = &resolved.entry.go {
            session.fetch_modules(selected.component, &resolved, go)?;
        }
        entries.push(resolved.entry);
    }
    Ok(entries)
}

/// The newest release of each upstream that no line of the recipe takes in.
fn beyond(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    lock: &Lock,
) -> Result<Vec<(ComponentName, Revision, Revision)>, PipelineError> {
    let mut out: Vec<(ComponentName, Revision, Revision)> = Vec::new();
    for Selected { component, .. } in selected {
        let Source::Git(home) = &component.upstream.source else { continue };
        if out.iter().any(|(name, _, _)| *name == component.name) {
            continue;
        }
        let locked = picks(component)
            .iter()
            .filter_map(|p| lock.find(&component.name, &p.key()))
            .filter_map(|e| Release::parse(&e.release))
            .max();
        let url = session.options.sources.get(&component.name).unwrap_or(home);
        let tags: Vec<Revision> = session.tags(url)?.iter().map(|t| t.name.clone()).collect();
        let stable: Vec<Revision> = tags.into_iter().filter(|t| Release::parse(t).is_some_and(|r| !r.is_pre_release())).collect();
        let any = Wanted::Range(Req::any());
        let newest = crate::source::choose_release(&stable, &component.upstream.releases, &any, &url.to_string()).ok();
        if let (Some(locked), Some(newest)) = (locked, newest)
            && newest > locked
        {
            out.push((component.name.clone(), locked.tag().clone(), newest.tag().clone()));
        }
    }
    Ok(out)
}
