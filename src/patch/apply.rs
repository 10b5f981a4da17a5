//! Applying series: one function from tree to tree, used by every command.
//!
//! All in memory over the base tree, every patch on the result of those before it; a tree is written once, at the end, when
//! everything applied. A patch that does not apply is left out and the next ones are tried without it, so that one run
//! reports all that is wrong.

use crate::git::objects::{Objects, ObjectsError};
use crate::names::{RelPath, TreeId};
use crate::patch::form::{self, Made};
use crate::patch::memo::Memo;
use crate::patch::outcome::{Cause, FormFailure, Outcome, PatchFailure, PatchRef, Status, Step};
use crate::patch::overlay::{Overlay, Staged};
use crate::patch::position::{self, Position};
use crate::patch::series::{Form, Patch, Series};
use crate::release::Release;

/// Applying could not even be tried: objects of the store are missing or broken.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ApplyError {
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Objects(#[from] ObjectsError),
}

/// Applies series to the tree `base`, in order. `release` decides which patches are for it; without one (a branch, a commit)
/// all are. The tree is written only when every patch applied.
pub fn apply(objects: &Objects, base: &TreeId, release: Option<&Release>, series: &[&Series]) -> Result<Outcome, ApplyError> {
    run(objects, base, release, series, Ways::default(), &mut |_, _, _| Ok(()))
}

/// Like [`apply`], with what other trees had to say.
pub fn apply_with(
    objects: &Objects,
    base: &TreeId,
    release: Option<&Release>,
    series: &[&Series],
    memo: &Memo,
) -> Result<Outcome, ApplyError> {
    run(objects, base, release, series, Ways { memo: Some(memo), ..Ways::default() }, &mut |_, _, _| Ok(()))
}

/// Like [`apply`], and writes the tree after each patch too (`tree --git`).
pub fn apply_stepwise(
    objects: &Objects,
    base: &TreeId,
    release: Option<&Release>,
    series: &[&Series],
) -> Result<Outcome, ApplyError> {
    run(objects, base, release, series, Ways { stepwise: true, ..Ways::default() }, &mut |_, _, _| Ok(()))
}

/// Like [`apply_stepwise`], of some patches: each with the series that it is of.
pub fn apply_some(
    objects: &Objects,
    base: &TreeId,
    release: Option<&Release>,
    patches: &[(&Series, &Patch)],
) -> Result<Outcome, ApplyError> {
    run_some(objects, base, release, patches, Ways { stepwise: true, ..Ways::default() }, &mut |_, _, _| Ok(()))
}

/// Sees each applied patch before its result becomes part of the tree.
pub(crate) type Observer<'o> = dyn FnMut(&PatchRef, &Applied<'_>, &mut Overlay<'_>) -> Result<(), ObjectsError> + 'o;

/// A patch that applies.
pub(crate) struct Applied<'a> {
    /// The form that was taken.
    pub(crate) form: &'a Form,
    /// What it makes.
    pub(crate) made: &'a Made,
}

/// How a series is applied.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ways<'m> {
    /// A tree is written after each patch.
    pub(crate) stepwise: bool,
    /// No tree is written at all; the base stands for the result.
    pub(crate) dry: bool,
    /// What other trees had to say.
    pub(crate) memo: Option<&'m Memo>,
}

/// Whether the series applies, without writing anything: in [`Outcome::Applied`] the tree is `base`. Of every patch that
/// applies, it also says in which declarations of Go files its hunks stand.
pub fn judge(
    objects: &Objects,
    base: &TreeId,
    release: Option<&Release>,
    series: &[&Series],
    memo: &Memo,
) -> Result<(Outcome, Vec<Position>), ApplyError> {
    let ways = Ways { dry: true, memo: Some(memo), ..Ways::default() };
    let mut positions = Vec::new();
    let outcome = run(objects, base, release, series, ways, &mut |at, made, overlay| {
        positions.extend(position::of_patch(at, made, overlay)?);
        Ok(())
    })?;
    Ok((outcome, positions))
}

pub(crate) fn run(
    objects: &Objects,
    base: &TreeId,
    release: Option<&Release>,
    series: &[&Series],
    ways: Ways<'_>,
    observer: &mut Observer<'_>,
) -> Result<Outcome, ApplyError> {
    let patches: Vec<(&Series, &Patch)> = series.iter().flat_map(|s| s.patches().iter().map(move |p| (*s, p))).collect();
    run_some(objects, base, release, &patches, ways, observer)
}

fn run_some(
    objects: &Objects,
    base: &TreeId,
    release: Option<&Release>,
    patches: &[(&Series, &Patch)],
    ways: Ways<'_>,
    observer: &mut Observer<'_>,
) -> Result<Outcome, ApplyError> {
    let mut overlay = Overlay::new(objects, base, ways.memo);
    let mut steps = Vec::new();
    let mut failures: Vec<(PatchFailure, Vec<RelPath>)> = Vec::new();
    for (one, patch) in patches.iter().copied() {
        let at = PatchRef { series: one.name().clone(), patch: patch.name.clone() };
        if let Some(reason) = not_for(patch, release) {
            let tree = tree_after(&mut overlay, ways.stepwise, &failures)?;
            steps.push(Step { at, status: Status::Skipped { reason }, tree });
            continue;
        }
        match one_form(&mut overlay, patch, release)? {
            Ok((form, made)) => {
                observer(&at, &Applied { form, made: &made }, &mut overlay)?;
                overlay.commit(made.staged)?;
                let status = Status::Applied { form: form.file.clone(), offsets: made.offsets, files: made.touched };
                let tree = tree_after(&mut overlay, ways.stepwise, &failures)?;
                steps.push(Step { at, status, tree });
            }
            Err(cause) => {
                let touched: Vec<RelPath> = patch.forms.iter().flat_map(|f| f.content.paths()).collect();
                let perhaps_because_of = failures
                    .iter()
                    .filter(|(_, before)| before.iter().any(|path| touched.contains(path)))
                    .map(|(failure, _)| failure.at.clone())
                    .collect();
                failures.push((PatchFailure { at, cause, perhaps_because_of }, touched));
            }
        }
    }
    if failures.is_empty() {
        let tree = if ways.dry { base.clone() } else { overlay.write()? };
        Ok(Outcome::Applied { tree, steps })
    } else {
        Ok(Outcome::Failed { steps, failures: failures.into_iter().map(|(failure, _)| failure).collect() })
    }
}

fn tree_after<T>(overlay: &mut Overlay<'_>, stepwise: bool, failures: &[T]) -> Result<Option<TreeId>, ObjectsError> {
    if stepwise && failures.is_empty() { overlay.write().map(Some) } else { Ok(None) }
}

/// Why a patch is not for the release, if it is not.
fn not_for(patch: &Patch, release: Option<&Release>) -> Option<String> {
    let (versions, release) = (patch.versions.as_ref()?, release?);
    if versions.matches(release) {
        return None;
    }
    let reason = patch.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
    Some(format!("it is for {versions}{reason}"))
}

/// The one form that applies. Several are fine where they make the same files.
fn one_form<'p>(
    overlay: &mut Overlay<'_>,
    patch: &'p Patch,
    release: Option<&Release>,
) -> Result<Result<(&'p Form, Made), Cause>, ObjectsError> {
    let mut good: Option<(&Form, Made)> = None;
    let mut others = Vec::new();
    let mut bad: Vec<FormFailure> = Vec::new();
    let mut differ_in: Vec<RelPath> = Vec::new();
    for form in &patch.forms {
        match form::make(overlay, form, release)? {
            Ok(made) => match &good {
                None => good = Some((form, made)),
                Some((_, first)) => {
                    let differing = different(overlay, &first.staged, &made.staged)?;
                    if !differing.is_empty() {
                        others.push(form.file.clone());
                        differ_in.extend(differing.into_iter().filter(|p| !differ_in.contains(p)).collect::<Vec<_>>());
                    }
                }
            },
            Err(failure) => bad.push(failure),
        }
    }
    Ok(match good {
        None => Err(Cause::NoForm { forms: bad }),
        Some(good) if others.is_empty() => Ok(good),
        Some((first, _)) => {
            others.insert(0, first.file.clone());
            Err(Cause::SeveralForms { forms: others, differ_in })
        }
    })
}

/// Files that the two results leave in different states.
fn different(overlay: &mut Overlay<'_>, a: &Staged, b: &Staged) -> Result<Vec<RelPath>, ObjectsError> {
    let mut out = Vec::new();
    for path in a.keys().chain(b.keys().filter(|p| !a.contains_key(p))) {
        let state = |overlay: &mut Overlay<'_>, staged: &Staged| match staged.get(path) {
            Some(state) => Ok(state.clone()),
            None => overlay.get(path),
        };
        if state(overlay, a)? != state(overlay, b)? {
            out.push(path.clone());
        }
    }
    Ok(out)
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
