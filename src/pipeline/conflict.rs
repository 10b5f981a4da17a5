//! A patch that does not apply, shown in the work folder as `git rebase` shows one: what fits is done, the rest is marked.
//!
//! The text that both sides come from is the patch's own base: the tree before and after it on a release where it applies. Only
//! there it is known what the patch meant.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::git::history::Step;
use crate::git::merge::{Labels, Merged, merge};
use crate::git::work::WorkRepo;
use crate::names::{Revision, TreeId};
use crate::patch::{self, Outcome, Patch, Series};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::select::{Pick, picks};
use crate::pipeline::session::Session;
use crate::pipeline::tree::patch_step;
use crate::pipeline::workspace::{Workspace, flat};
use crate::recipe::model::Component;
use crate::release::{Release, Wanted};

/// How a work folder shows a patch that does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The release that the patch was taken from; `None`: it applies nowhere that is known.
    pub from: Option<Revision>,
    /// Files with conflict markers.
    pub files: Vec<String>,
    /// The tree with the markers.
    pub(super) shown: Option<TreeId>,
}

/// The trees before and after a patch, on a release where it applies.
pub(super) struct Meant {
    pub(super) release: Revision,
    pub(super) before: TreeId,
    pub(super) after: TreeId,
}

/// Puts what can be merged of the patch `at` into index and files.
pub(super) fn open_conflict(
    session: &Session<'_>,
    component: &Component,
    series: &[Series],
    at: usize,
    space: &Workspace<'_>,
    file: &mut LockFile,
) -> Result<Conflict, PipelineError> {
    let mut known = Known::default();
    let Some(meant) = known.find(session, component, (&flat(series), at), &space.repo, &space.state.release, file)? else {
        let text = format!(
            "no release is known on which {} applies: nothing of it is in the files, make its change by hand",
            space.state.patches[at].patch
        );
        space.reporter.report(Event::Warning { text });
        return Ok(Conflict { from: None, files: Vec::new(), shown: None });
    };
    let objects = space.repo.objects();
    let ours = objects.commit_tree(&space.state.tip)?;
    let patch = space.state.patches[at].patch.to_string();
    let (release, from) = (space.state.release.to_string(), meant.release.to_string());
    let labels = Labels { ancestor: &from, ours: &release, theirs: &patch };
    let (tree, unmerged) = match merge(objects, &meant.before, &ours, &meant.after, labels)? {
        Merged::Clean(tree) => (tree, Vec::new()),
        Merged::Conflicts { tree, unmerged } => session.resolve_known(component, &patch, objects, tree, unmerged)?,
    };
    let shown = space.unseen(&tree)?;
    space.repo.move_files(space.exec, &space.state.tip, &shown)?;
    space.repo.mark_unmerged(&unmerged)?;
    let files = unmerged.iter().map(|u| u.path.to_string()).collect();
    Ok(Conflict { from: Some(meant.release), files, shown: Some(tree) })
}

/// What the patches mean on releases, each of which is looked at once.
#[derive(Default)]
pub(super) struct Known(BTreeMap<String, Option<KnownRelease>>);

/// A release with its patches, as far as they apply.
struct KnownRelease {
    release: Revision,
    base: TreeId,
    /// The tree after each patch.
    trees: Vec<TreeId>,
}

impl Known {
    /// What the patch at a place means: on the recipe's own release, else on one that its forms were written on.
    pub(super) fn find(
        &mut self,
        session: &Session<'_>,
        component: &Component,
        (patches, at): (&[(&Series, &Patch)], usize),
        repo: &WorkRepo,
        not_on: &Revision,
        file: &mut LockFile,
    ) -> Result<Option<Meant>, PipelineError> {
        let forms = patches[at].1.forms.iter().filter_map(|form| form.base.clone());
        let written_on = forms.map(|base| Some(Pick { wanted: Wanted::Revision(base), named: None, ad_hoc: true }));
        for pick in std::iter::once(picks(component).into_iter().next()).chain(written_on) {
            let key = pick.as_ref().map_or_else(String::new, |pick| format!("{} {}", pick.ad_hoc, pick.wanted));
            if !self.0.contains_key(&key) {
                let found = look(session, component, pick.as_ref(), patches, repo, file)?;
                self.0.insert(key.clone(), found);
            }
            let Some(Some(on)) = self.0.get(&key) else { continue };
            let before = at.checked_sub(1).map_or(Some(&on.base), |before| on.trees.get(before));
            if let (Some(before), Some(after)) = (before, on.trees.get(at))
                && on.release != *not_on
                && before != after
            {
                return Ok(Some(Meant { release: on.release.clone(), before: before.clone(), after: after.clone() }));
            }
        }
        Ok(None)
    }
}

/// Applies the patches to a release; `None` where it cannot be had.
fn look(
    session: &Session<'_>,
    component: &Component,
    pick: Option<&Pick>,
    patches: &[(&Series, &Patch)],
    repo: &WorkRepo,
    file: &mut LockFile,
) -> Result<Option<KnownRelease>, PipelineError> {
    let (objects, base) = match session.unpatched(component, pick, file) {
        Ok(found) => found,
        // A base may be gone, or out of reach: another one may do.
        Err(error) => {
            session.check_interrupt()?;
            let text = format!("a release that patches of {} could be taken from: {error}", component.name);
            session.reporter.report(Event::Detail { text });
            return Ok(None);
        }
    };
    match &base.commit {
        Some(_) => repo.take_packs(&objects)?,
        None => repo.take_tree(&objects, &base.tree)?,
    }
    let version = Release::parse(&base.release);
    let steps = match patch::apply_some(repo.objects(), &base.tree, version.as_ref(), patches)? {
        Outcome::Applied { steps, .. } | Outcome::Failed { steps, .. } => steps,
    };
    // Behind the first that fails, no step has a tree.
    let trees = steps.into_iter().map_while(|step| step.tree).collect();
    Ok(Some(KnownRelease { release: base.release, base: base.tree, trees }))
}

/// The commit of the patch that waited, with the files that are staged now.
pub(super) fn resolved_step(space: &Workspace<'_>, patch: &Patch, tree: &TreeId, time: i64) -> Step {
    let form = patch.forms.last();
    match form {
        Some(form) => patch_step(form, tree, time),
        None => Step::of_forge(tree, time, format!("{}\n", space.state.component)),
    }
}
