//! What a save makes of each commit: which patch it was, whether that still says it, and where it goes in the list.

use std::collections::BTreeMap;

use crate::files::Draft;
use crate::git::diff::tree_diff;
use crate::git::work::Commit;
use crate::names::{CommitId, PatchName, RelPath, TreeId};
use crate::patch::{self, Bound, Content, Planned, Series};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::save::{SaveOptions, SavedPatch, What};
use crate::pipeline::workspace::{Workspace, draft_of, flat, folder_of, shown};
use crate::work::stack::{match_commits, subject};

/// A commit, and the patch that it will be.
pub(super) struct Link {
    pub(super) commit: Commit,
    /// The tree before it.
    pub(super) before: TreeId,
    /// The patch that it was, by its place among all.
    pub(super) was: Option<usize>,
}

/// One series that is about to be written.
pub(super) struct Plan {
    pub(super) folder: RelPath,
    pub(super) old: Draft,
    pub(super) on_disk: bool,
    pub(super) new: Draft,
    pub(super) list: Vec<Planned>,
}

/// A commit of the new series.
pub(super) struct Made {
    pub(super) commit: Commit,
    /// The tree before it.
    pub(super) before: TreeId,
    /// Whether something of it is written.
    pub(super) changed: bool,
}

/// Says what every commit becomes.
pub(super) struct Saver<'s, 'w> {
    pub(super) space: &'s Workspace<'w>,
    pub(super) series: &'s [Series],
    pub(super) options: &'s SaveOptions,
    pub(super) plans: BTreeMap<usize, Plan>,
    pub(super) saved: Vec<SavedPatch>,
}

impl Saver<'_, '_> {
    /// Says what every commit becomes, and the lists. Gives the edits that need a word of the user's, too.
    pub(super) fn plan(&mut self, head: &CommitId) -> Result<(Vec<Made>, Vec<PatchName>), PipelineError> {
        let links = self.links(head)?;
        for (at, series) in self.series.iter().enumerate() {
            let folder = folder_of(series.upstream(), series.name())?;
            let (old, on_disk) = draft_of(self.space.files, &folder)?;
            self.plans.insert(at, Plan { folder, new: old.clone(), old, on_disk, list: Vec::new() });
        }
        let patches = flat(self.series);
        let mut now = 0;
        let (mut made, mut needs_mail, mut changed_edits) = (Vec::new(), Vec::new(), Vec::new());
        let mut placed = vec![false; patches.len()];
        self.skipped_behind(None, now, &mut placed);
        for link in links {
            let of = link.was.map(|was| self.series_index(was));
            if let Some(of) = of {
                if of < now {
                    let (series, after) = (self.series[of].name().clone(), self.series[now].name().clone());
                    return Err(LifeError::Mixed { commit: shown(&link.commit), series, after }.into());
                }
                while now < of {
                    now += 1;
                    self.skipped_behind(None, now, &mut placed);
                }
            }
            let (file, what, planned) = match link.was {
                Some(was) => {
                    placed[was] = true;
                    match self.changed(was, &link)? {
                        Some(done) => done,
                        None => {
                            needs_mail.push(patches[was].1.name.clone());
                            continue;
                        }
                    }
                }
                None => self.new_patch(now, &link.commit, &link.before)?,
            };
            if let (Some(was), What::Changed | What::EditToMail) = (link.was, what)
                && self.is_edit(was)
            {
                changed_edits.push(patches[was].1.forms[0].file.clone());
            }
            self.plan_of(now).list.push(planned);
            let series = self.series[now].name().clone();
            self.saved.push(SavedPatch { series, file, what });
            made.push(Made { commit: link.commit, before: link.before, changed: what != What::Kept });
            if let Some(was) = link.was {
                self.skipped_behind(Some(was), now, &mut placed);
            }
        }
        if let Some(wrong) = self.options.as_mail.iter().find(|name| !changed_edits.contains(name)) {
            return Err(LifeError::NotAnEdit { patch: wrong.clone(), changed: changed_edits }.into());
        }
        self.drop_rest(&placed);
        for at in 0..self.series.len() {
            let series = &self.series[at];
            let plan = self.plan_of(at);
            let (mut new, list) = (std::mem::take(&mut plan.new), std::mem::take(&mut plan.list));
            patch::relist(series, &mut new, &list)?;
            let plan = self.plan_of(at);
            (plan.new, plan.list) = (new, list);
        }
        Ok((made, needs_mail))
    }

    /// True where every patch that is for the release has the commit that it was given.
    pub(super) fn is_as_opened(&self) -> bool {
        let same = |(at, known): (usize, &crate::work::OpenedPatch)| match known.commit {
            Some(_) => known.form.is_some(),
            None => !known.upstreamed && !self.was_dropped(at),
        };
        self.space.state.patches.iter().enumerate().all(same)
    }

    pub(super) fn plan_of(&mut self, series: usize) -> &mut Plan {
        self.plans.get_mut(&series).expect("every series has a plan from the beginning")
    }

    /// The commits, and which patch each of them was.
    pub(super) fn links(&self, head: &CommitId) -> Result<Vec<Link>, PipelineError> {
        let commits = self.space.commits(head)?;
        let mut old = Vec::new();
        for (at, known) in self.space.state.patches.iter().enumerate() {
            if let Some(commit) = &known.commit {
                old.push((at, self.space.repo.read(commit)?));
            }
        }
        let olds: Vec<Commit> = old.iter().map(|(_, commit)| commit.clone()).collect();
        let objects = self.space.repo.objects();
        let diff = |commit: &Commit| -> Option<Vec<u8>> {
            let parent = objects.commit_tree(commit.parents.first()?).ok()?;
            tree_diff(objects, &parent, &commit.step.tree).ok()
        };
        let found = match_commits(&olds, &commits, &mut |a, b| same_lines(diff(a), diff(b)));
        let mut before = self.space.base_tree()?;
        let mut links = Vec::new();
        for (commit, found) in commits.into_iter().zip(found) {
            let after = commit.step.tree.clone();
            if before == after {
                self.space.warn(format!("the commit {} changes nothing: it makes no patch", shown(&commit)));
                continue;
            }
            if ["fixup! ", "squash! ", "amend! "].iter().any(|start| subject(&commit).starts_with(start)) {
                let text = "is saved as it is: `git rebase -i --autosquash refs/forge/base` folds it into its patch";
                self.space.warn(format!("the commit {} {text}", shown(&commit)));
            }
            let before = std::mem::replace(&mut before, after);
            links.push(Link { commit, before, was: found.map(|i| old[i].0) });
        }
        Ok(links)
    }

    pub(super) fn series_index(&self, was: usize) -> usize {
        let name = &self.space.state.patches[was].series;
        self.series.iter().position(|s| s.name() == name).unwrap_or(0)
    }

    /// The place of a patch in its own series.
    pub(super) fn index(&self, was: usize) -> usize {
        let name = &self.space.state.patches[was].series;
        self.space.state.patches[..was].iter().filter(|p| p.series == *name).count()
    }

    fn is_edit(&self, was: usize) -> bool {
        let form = self.space.state.patches[was].form.as_ref();
        let forms = &flat(self.series)[was].1.forms;
        forms.iter().any(|f| form.is_none_or(|form| f.file == *form) && matches!(f.content, Content::Edit(_)))
    }

    /// Patches that are not for this release stay behind the patch that they stood behind.
    fn skipped_behind(&mut self, was: Option<usize>, series: usize, placed: &mut [bool]) {
        let name = self.series[series].name().clone();
        let state = &self.space.state.patches;
        let first = match was {
            Some(was) => was + 1,
            None => state.iter().position(|p| p.series == name).unwrap_or(state.len()),
        };
        let mut more = Vec::new();
        for (at, known) in state.iter().enumerate().skip(first) {
            if known.series != name || known.commit.is_some() || known.form.is_some() || self.was_dropped(at) {
                break;
            }
            if !std::mem::replace(&mut placed[at], true) {
                more.push(self.without_commit(at));
            }
        }
        self.plan_of(series).list.extend(more);
    }

    /// What becomes of a patch that is not for this release, or that the upstream has.
    fn without_commit(&mut self, at: usize) -> Planned {
        let (index, known) = (self.index(at), &self.space.state.patches[at]);
        if !known.upstreamed {
            return Planned::Kept { index, change: None };
        }
        let bound = self.options.bounds.iter().find(|(patch, _)| *patch == known.patch).map(|(_, bound)| bound.clone());
        let bound = bound.unwrap_or_else(|| Bound::since(&self.space.state.release));
        self.saved.push(SavedPatch { series: known.series.clone(), file: known.patch.clone(), what: What::Ended });
        Planned::Ended { index, bound }
    }

    /// A patch that is for this release, and got no commit when the folder was opened: the user skipped it.
    fn was_dropped(&self, at: usize) -> bool {
        let patch = flat(self.series)[at].1;
        let (versions, release) = (&patch.versions, self.space.version());
        match (versions, release) {
            _ if self.space.state.patches[at].upstreamed => false,
            (Some(versions), Some(release)) => versions.matches(&release),
            _ => true,
        }
    }

    /// What is left over: patches without a commit are dropped with all their forms; those that are not for this release
    /// stay, at the end where what they stood behind is gone.
    fn drop_rest(&mut self, placed: &[bool]) {
        let all = flat(self.series);
        for at in (0..placed.len()).filter(|at| !placed[*at]) {
            let series = self.series_index(at);
            let known = &self.space.state.patches[at];
            if known.commit.is_none() && known.form.is_none() && !self.was_dropped(at) {
                let planned = self.without_commit(at);
                self.plan_of(series).list.push(planned);
                continue;
            }
            let (name, file) = (known.series.clone(), all[at].1.name.clone());
            let files: Vec<String> = all[at].1.forms.iter().map(|form| form.file.to_string()).collect();
            let plan = self.plan_of(series);
            for file in files {
                plan.new.remove(&file);
            }
            self.saved.push(SavedPatch { series: name, file, what: What::Dropped });
        }
    }
}

/// Whether two diffs add and remove the same lines, wherever they stand.
fn same_lines(a: Option<Vec<u8>>, b: Option<Vec<u8>>) -> bool {
    let lines = |diff: &[u8]| -> Vec<Vec<u8>> {
        let changed = |line: &&[u8]| matches!(line.first(), Some(b'+' | b'-')) || line.starts_with(b"diff ");
        diff.split(|b| *b == b'\n').filter(changed).map(<[u8]>::to_vec).collect()
    };
    matches!((a, b), (Some(a), Some(b)) if lines(&a) == lines(&b))
}
