//! Three-way merging of patches, which happens when a series is brought to another release and nowhere else. What a patch meant
//! is the change that it makes on a release where it applies.

use crate::git::merge::{Labels, Merged, merge};
use crate::git::work::WorkRepo;
use crate::names::{CommitId, Revision};
use crate::patch::{Cause, Patch, PatchFailure, Series};
use crate::pipeline::conflict::Known;
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::session::Session;
use crate::pipeline::tree::patch_step;
use crate::pipeline::workspace::{Stacked, stack};
use crate::recipe::model::Component;
use crate::release::Release;
use crate::work::OpenedPatch;

/// What patches are put on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Onto<'a> {
    /// The release.
    pub(super) release: &'a Revision,
    /// The date of commits that no other is known of.
    pub(super) time: i64,
    /// Whether what does not apply is merged.
    pub(super) merge: bool,
}

/// Makes a commit of each of the `patches` from `first` on; where it is wanted, those that do not apply are merged. Stops at the
/// first that cannot be: its place in the result counts from the first of `patches`.
#[expect(clippy::too_many_arguments, reason = "what is put where, and what is asked about it")]
pub(super) fn stack_merging(
    session: &Session<'_>,
    component: &Component,
    repo: &WorkRepo,
    tip: &CommitId,
    patches: &[(&Series, &Patch)],
    first: usize,
    onto: Onto<'_>,
    file: &mut LockFile,
) -> Result<Stacked, PipelineError> {
    let version = Release::parse(onto.release);
    let mut known = Known::default();
    let mut done = Stacked { patches: Vec::new(), tip: tip.clone(), failure: None };
    loop {
        let at = first + done.patches.len();
        let more = stack(repo, &done.tip, version.as_ref(), &patches[at..], onto.time + at as i64)?;
        done.patches.extend(more.patches);
        done.tip = more.tip;
        let Some((next, failure)) = more.failure else { return Ok(done) };
        let at = at + next;
        if onto.merge && is_upstream(&failure) {
            let (series, patch) = (patches[at].0.name().clone(), patches[at].1.name.clone());
            done.patches.push(OpenedPatch { upstreamed: true, ..OpenedPatch::new(series, patch) });
            continue;
        }
        let merged = match onto.merge {
            true => merged(session, component, repo, &done.tip, (patches, at), onto, &mut known, file)?,
            false => None,
        };
        let Some(commit) = merged else {
            done.failure = Some((at, failure));
            return Ok(done);
        };
        let (series, patch) = patches[at];
        let (series, patch) = (series.name().clone(), patch.name.clone());
        done.patches.push(OpenedPatch { commit: Some(commit.clone()), ..OpenedPatch::new(series, patch) });
        done.tip = commit;
    }
}

/// Whether the upstream has the whole change already, by proof: taken back, it applies exactly.
fn is_upstream(failure: &PatchFailure) -> bool {
    matches!(&failure.cause, Cause::NoForm { forms } if forms.iter().any(|form| form.already_applied))
}

/// The commit of the patch at a place, merged; `None` where that leaves a conflict, or nothing.
#[expect(clippy::too_many_arguments, reason = "what is put where, and what is asked about it")]
fn merged(
    session: &Session<'_>,
    component: &Component,
    repo: &WorkRepo,
    tip: &CommitId,
    (patches, at): (&[(&Series, &Patch)], usize),
    onto: Onto<'_>,
    known: &mut Known,
    file: &mut LockFile,
) -> Result<Option<CommitId>, PipelineError> {
    let Some(meant) = known.find(session, component, (patches, at), repo, onto.release, file)? else { return Ok(None) };
    let ours = repo.objects().commit_tree(tip)?;
    let labels = Labels { ancestor: meant.release.as_str(), ours: onto.release.as_str(), theirs: "patch" };
    let tree = match merge(repo.objects(), &meant.before, &ours, &meant.after, labels)? {
        Merged::Clean(tree) => tree,
        Merged::Conflicts { tree, unmerged } => {
            let patch = patches[at].1.name.as_str();
            match session.resolve_known(component, patch, repo.objects(), tree, unmerged)? {
                (tree, left) if left.is_empty() => tree,
                _ => return Ok(None),
            }
        }
    };
    let Some(form) = patches[at].1.forms.last().filter(|_| tree != ours) else { return Ok(None) };
    Ok(Some(repo.commit(&patch_step(form, &tree, onto.time + 1 + at as i64), Some(tip))?))
}
