//! Resolving all that a run is about, and keeping the lock in step with it.

use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve::{Mode, Resolved};
use crate::pipeline::select::Selected;
use crate::pipeline::session::{Session, Trust};
use crate::plan::{Lock, LockEntry};
use crate::recipe::model::Component;
use crate::recipe::rule::build_rule;
use crate::release::Release;

/// Resolves everything selected, and writes the lock where it changed (or fails, with `--locked`). Where one cannot be
/// resolved, nothing is written.
pub fn resolve_all(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    file: &mut LockFile,
) -> Result<Vec<Resolved>, PipelineError> {
    resolve(session, selected, file, true)?.into_iter().collect()
}

/// The same for each by itself: the entries of those that can be resolved are written, those of the others stay as they were.
pub(super) fn resolve_each(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    file: &mut LockFile,
) -> Result<Vec<Result<Resolved, PipelineError>>, PipelineError> {
    resolve(session, selected, file, false)
}

fn resolve(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    file: &mut LockFile,
    all_or_nothing: bool,
) -> Result<Vec<Result<Resolved, PipelineError>>, PipelineError> {
    if let Some(ad_hoc) = selected.iter().find(|s| s.pick.ad_hoc).filter(|_| session.options.locked) {
        return Err(PipelineError::LockedAdHoc(format!("{}@{}", ad_hoc.component.name, ad_hoc.pick.wanted)));
    }
    if file.is_tidy(session.recipe)
        && let Ok(Some(known)) = session.recall_all(selected, &file.lock)
    {
        return Ok(known.into_iter().map(Ok).collect());
    }
    let _guard = file.guard(session)?;
    file.reread(session)?;
    let before = file.lock.clone();
    let mut out = Vec::new();
    for selected in selected {
        let resolved = session.resolve_one(selected, file, &before);
        // Whoever asked to stop does not want the next one tried.
        session.check_interrupt()?;
        if all_or_nothing && resolved.is_err() {
            return resolved.map(|_| Vec::new());
        }
        out.push(resolved);
    }
    if out.iter().any(Result::is_ok) {
        file.settle(session, &before)?;
    }
    Ok(out)
}

impl Session<'_> {
    fn resolve_one(&self, selected: &Selected<'_>, file: &mut LockFile, before: &Lock) -> Result<Resolved, PipelineError> {
        if selected.pick.ad_hoc {
            return self.resolve(selected, &mut Lock::default(), before, Mode::Fresh);
        }
        let mut lock = file.lock.clone();
        let resolved = self.resolve(selected, &mut lock, before, Mode::Keep)?;
        // What is only for this run never reaches the lock.
        if self.options.replaces.is_empty()
            && self.options.trust != Trust::Sources
            && self.as_the_recipe_drives(selected.component, &resolved.entry)?
        {
            file.lock = lock;
        }
        Ok(resolved)
    }

    /// True where an entry is built as the recipe says: `--driver` names no other way.
    pub(super) fn as_the_recipe_drives(&self, component: &Component, entry: &LockEntry) -> Result<bool, PipelineError> {
        let Some((_, build)) = self.options.driver.zip(entry.build.as_ref()) else { return Ok(true) };
        let own = build_rule(&component.upstream, Release::parse(&entry.release).as_ref(), None)?;
        Ok(own.driver == build.driver())
    }
}
