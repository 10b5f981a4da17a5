//! A work folder and what it is about: its repository, its state, and the series that it opened.

use std::path::{Path, PathBuf};

use crate::disk::FileLock;
use crate::event::{Event, Reporter};
use crate::exec::Exec;
use crate::files::{Draft, Files, Listing, Origin};
use crate::git::history::Step as CommitStep;
use crate::git::objects::Objects;
use crate::git::work::{Commit, WorkRepo};
use crate::names::{CommitId, ComponentName, RelPath, SeriesName, TreeId, UpstreamName, few};
use crate::patch::{self, Outcome, PATCH_LIMIT, Patch, PatchFailure, Series, Status, Step};
use crate::pipeline::choice::is_open;
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::tree::{BaseTree, base_step, patch_step};
use crate::release::Release;
use crate::work::state::{BASE_REF, SAVED_REF, WorkState};
use crate::work::{OpenedPatch, OpenedSeries, WorkError};

/// A work folder, opened.
pub struct Workspace<'a> {
    /// The project's files.
    pub files: &'a Files,
    /// The door to git.
    pub exec: &'a Exec,
    /// Who is told what happens.
    pub reporter: &'a dyn Reporter,
    /// The folder.
    pub dir: PathBuf,
    /// Its repository.
    pub repo: WorkRepo,
    /// What is remembered of it.
    pub state: WorkState,
}

impl<'a> Workspace<'a> {
    /// Opens the work folder that `from` is in. It must belong to the user `uid`.
    pub fn open(
        files: &'a Files,
        exec: &'a Exec,
        reporter: &'a dyn Reporter,
        from: &Path,
        uid: u32,
    ) -> Result<Self, PipelineError> {
        let none = || WorkError::None { path: from.to_owned() };
        let dir = WorkState::find(from).ok_or_else(none)?;
        let state = WorkState::read(&dir, uid)?.ok_or_else(none)?;
        let repo = WorkRepo::open(&dir)?;
        let mut space = Self { files, exec, reporter, dir, repo, state };
        space.settle()?;
        Ok(space)
    }

    /// Finishes what a killed forge had begun.
    pub(super) fn settle(&mut self) -> Result<(), PipelineError> {
        let Some(to) = self.state.moving.clone() else { return Ok(()) };
        // Whoever holds the lock is at work right now; dead, it does not hold it any more.
        let _lock = FileLock::acquire(&WorkState::lock_file(&self.dir), self.reporter, self.exec.interrupt())?;
        let _ = std::fs::remove_file(self.repo.git_dir().join("index.lock"));
        self.repo.unlock_ref(&self.repo.head_name()?)?;
        self.warn(format!("an earlier forge was ended while it moved the files of {}: going on", self.dir.display()));
        self.repo.reset_files(self.exec, &to)?;
        self.repo.set_head(&to, "forge: going on after a kill")?;
        self.state.moving = None;
        self.remember()
    }

    /// Moves files and branch to the commit that the state, already changed, ends in. Ended on the way, the next forge goes on.
    pub(super) fn move_to_tip(&mut self, from: &CommitId, why: &str) -> Result<(), PipelineError> {
        let to = self.state.tip.clone();
        self.state.moving = Some(to.clone());
        self.state.write(&self.dir)?;
        self.repo.move_files(self.exec, from, &to)?;
        self.repo.set_head(&to, why)?;
        self.state.moving = None;
        Ok(())
    }

    /// The series as they are now, in the order of the recipe.
    pub(super) fn series(&self) -> Result<Vec<Series>, PipelineError> {
        self.load(self.files)
    }

    pub(super) fn load(&self, files: &Files) -> Result<Vec<Series>, PipelineError> {
        self.state.series.iter().map(|s| Ok(Series::load(files, &s.upstream, &s.name)?)).collect()
    }

    /// The release as a version, where it is one.
    pub(super) fn version(&self) -> Option<Release> {
        Release::parse(&self.state.release)
    }

    /// Fails where a series is not the one that was opened.
    pub(super) fn check_series(&self, series: &[Series]) -> Result<(), PipelineError> {
        match series.iter().zip(&self.state.series).find(|(now, then)| now.digest() != then.digest) {
            Some((now, _)) => {
                let (series, component) = (now.name().clone(), self.state.component.clone());
                Err(LifeError::SeriesChanged { series, component }.into())
            }
            None => Ok(()),
        }
    }

    /// Fails where a patch waits for its resolution.
    pub(super) fn check_not_waiting(&self) -> Result<(), PipelineError> {
        let Some(stopped) = &self.state.stopped else { return Ok(()) };
        let patch = self.state.patches[stopped.at].patch.clone();
        Err(LifeError::Waiting { path: self.dir.clone(), patch, release: self.state.release.clone() }.into())
    }

    /// Fails where something is in no commit, or git is at something.
    pub(super) fn check_clean(&self) -> Result<(), PipelineError> {
        let mut status = self.repo.status(self.exec)?;
        if let Some(what) = status.in_progress {
            return Err(LifeError::InProgress { path: self.dir.clone(), what }.into());
        }
        let mut files = std::mem::take(&mut status.changed);
        files.append(&mut status.untracked);
        if files.is_empty() { Ok(()) } else { Err(LifeError::Dirty { path: self.dir.clone(), files: some(files) }.into()) }
    }

    /// Whether patches got forms for this release, or became upstream: what to write is a question to all releases then.
    pub fn asks_releases(&self) -> bool {
        is_open(self)
    }

    /// What is checked out.
    pub(super) fn head(&self) -> Result<CommitId, PipelineError> {
        let none = || LifeError::NoBase { path: self.dir.clone(), release: self.state.release.clone() };
        Ok(self.repo.head()?.ok_or_else(none)?)
    }

    /// The commits on the release, oldest first; a merge among them is an error.
    pub(super) fn commits(&self, head: &CommitId) -> Result<Vec<Commit>, PipelineError> {
        let Some(commits) = self.repo.since(&self.state.base, head)? else {
            return Err(LifeError::NoBase { path: self.dir.clone(), release: self.state.release.clone() }.into());
        };
        match commits.iter().find(|commit| commit.parents.len() != 1) {
            Some(merge) => Err(LifeError::Merge { commit: shown(merge) }.into()),
            None => Ok(commits),
        }
    }

    /// A commit that nobody sees, for git to compare the files with or to take them from.
    pub(super) fn unseen(&self, tree: &TreeId) -> Result<CommitId, PipelineError> {
        Ok(self.repo.commit(&CommitStep::of_forge(tree, 0, "files\n".to_owned()), Some(&self.state.tip))?)
    }

    /// The tree of the unpatched release.
    pub(super) fn base_tree(&self) -> Result<TreeId, PipelineError> {
        Ok(self.repo.objects().commit_tree(&self.state.base)?)
    }

    pub(super) fn notice(&self, text: String) {
        self.reporter.report(Event::Notice { text });
    }

    pub(super) fn warn(&self, text: String) {
        self.reporter.report(Event::Warning { text });
    }

    /// Writes the state, with refs that keep the commits alive.
    pub(super) fn remember(&self) -> Result<(), PipelineError> {
        for name in [BASE_REF, SAVED_REF] {
            self.repo.unlock_ref(name)?;
        }
        self.repo.set_ref(BASE_REF, &self.state.base, "forge")?;
        self.repo.set_ref(SAVED_REF, &self.state.tip, "forge")?;
        Ok(self.state.write(&self.dir)?)
    }
}

/// The first few of many names.
pub(super) fn some(names: Vec<String>) -> Vec<String> {
    few(&names, 8)
}

/// A commit in messages: its id, abbreviated, and its subject.
pub(super) fn shown(commit: &Commit) -> String {
    format!("{} ({})", &commit.id.as_str()[..12], crate::names::visible(crate::work::stack::subject(commit)))
}

/// What is remembered of series.
pub(super) fn opened(series: &[Series]) -> Vec<OpenedSeries> {
    let one = |s: &Series| OpenedSeries { upstream: s.upstream().clone(), name: s.name().clone(), digest: s.digest() };
    series.iter().map(one).collect()
}

/// All patches, each with its series.
pub(super) fn flat(series: &[Series]) -> Vec<(&Series, &Patch)> {
    series.iter().flat_map(|s| s.patches().iter().map(move |p| (s, p))).collect()
}

/// What came of putting patches on a history.
pub(super) struct Stacked {
    /// What is remembered of the patches that were put there, or skipped.
    pub(super) patches: Vec<OpenedPatch>,
    /// The last commit.
    pub(super) tip: CommitId,
    /// The patch that does not apply there, by its place among those that were given.
    pub(super) failure: Option<(usize, Box<PatchFailure>)>,
}

/// Makes a commit of each patch on top of `tip`, up to the first that does not apply. Commits that no date is known of get
/// `time` plus their place, so that no two are alike.
pub(super) fn stack(
    repo: &WorkRepo,
    tip: &CommitId,
    release: Option<&Release>,
    patches: &[(&Series, &Patch)],
    time: i64,
) -> Result<Stacked, PipelineError> {
    let objects = repo.objects();
    let mut tree = objects.commit_tree(tip)?;
    let mut done = Stacked { patches: Vec::new(), tip: tip.clone(), failure: None };
    for (at, (series, patch)) in patches.iter().copied().enumerate() {
        // One at a time: what stands behind a patch that fails is not looked at.
        let step = match patch::apply_some(objects, &tree, release, &[(series, patch)])? {
            Outcome::Applied { mut steps, .. } => steps.pop(),
            Outcome::Failed { mut failures, .. } => {
                done.failure = failures.pop().map(|failure| (at, Box::new(failure)));
                return Ok(done);
            }
        };
        let mut known = OpenedPatch::new(series.name().clone(), patch.name.clone());
        if let Some(Step { status: Status::Applied { form, .. }, tree: after, .. }) = step {
            let after = after.unwrap_or_else(|| tree.clone());
            if let Some(found) = patch.forms.iter().find(|f| f.file == form) {
                let commit = patch_step(found, &after, time + 1 + at as i64);
                done.tip = repo.commit(&commit, Some(&done.tip))?;
                known.commit = Some(done.tip.clone());
            }
            known.form = Some(form);
            tree = after;
        }
        done.patches.push(known);
    }
    Ok(done)
}

/// The commit of an unpatched release, in a work folder's repository.
pub(super) fn take(
    repo: &WorkRepo,
    objects: &Objects,
    base: &BaseTree,
    component: &ComponentName,
) -> Result<CommitId, PipelineError> {
    match &base.commit {
        Some(commit) => {
            repo.take_packs(objects)?;
            repo.take_commit(objects, commit)?;
            Ok(commit.clone())
        }
        None => {
            repo.take_tree(objects, &base.tree)?;
            synthetic(repo, base, component)
        }
    }
}

/// A commit that stands for an unpatched tree that no git upstream has.
pub(super) fn synthetic(repo: &WorkRepo, base: &BaseTree, component: &ComponentName) -> Result<CommitId, PipelineError> {
    Ok(repo.commit(&base_step(&base.tree, component, base.release.as_str(), base.time), None)?)
}

/// The folder of a series, relative to the project.
pub(super) fn folder_of(upstream: &UpstreamName, name: &SeriesName) -> Result<RelPath, PipelineError> {
    Ok(RelPath::new(format!("patches/{upstream}/{name}"))?)
}

/// The files of a series' folder, and whether they are on disk. Built-in ones are not: what is saved of them goes to disk.
pub(super) fn draft_of(files: &Files, folder: &RelPath) -> Result<(Draft, bool), PipelineError> {
    let Some(listing) = files.list(folder)? else { return Ok((Draft::new(), false)) };
    let mut draft = Draft::new();
    for name in listing.files.iter().filter(|name| !name.starts_with('.')) {
        draft.extend(read(files, &listing, name)?.map(|bytes| (name.clone(), bytes)));
    }
    Ok((draft, matches!(listing.origin, Origin::Disk(_))))
}

fn read(files: &Files, listing: &Listing, name: &str) -> Result<Option<Vec<u8>>, PipelineError> {
    Ok(files.read_in(listing, name, PATCH_LIMIT)?.map(|found| found.bytes))
}
