//! `forge patch start`: a work folder with one commit per patch, or the series' changes brought into one that is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::{FileLock, create_dir_all, is_free, rename_synced, write_atomic};
use crate::git::work::WorkRepo;
use crate::names::{CommitId, PatchName, Revision, TreeId};
use crate::patch::{PatchFailure, Series};
use crate::pipeline::conflict::{Conflict, open_conflict};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::merging::{Onto, stack_merging};
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::pipeline::tree::BaseTree;
use crate::pipeline::workspace::{Stacked, Workspace, flat, opened, synthetic, take};
use crate::recipe::model::Component;
use crate::work::state::{FORMAT, Stopped};
use crate::work::{OpenedPatch, WorkState};

/// What became of a work folder.
#[derive(Debug)]
pub struct Opened {
    /// The folder.
    pub dir: PathBuf,
    /// The release.
    pub release: Revision,
    /// Commits that stand for patches.
    pub commits: usize,
    /// Whether anything changed in a folder that was there.
    pub was_there: Option<bool>,
    /// The patch that does not apply, where one does not.
    pub stopped: Option<StoppedAt>,
}

/// Where a series stopped.
#[derive(Debug)]
pub struct StoppedAt {
    /// The patch.
    pub patch: PatchName,
    /// Why.
    pub failure: Box<PatchFailure>,
    /// How the folder shows it.
    pub conflict: Conflict,
}

/// How a work folder is opened.
#[derive(Debug)]
pub struct StartOptions {
    /// The release, where not the recipe's.
    pub pick: Option<Pick>,
    /// The folder, where not the usual one.
    pub dir: Option<PathBuf>,
    /// The recipe, as `--recipe` takes it.
    pub recipe: String,
    /// The user.
    pub uid: u32,
    /// Whether what does not apply, and can be merged without a conflict, is merged.
    pub merge: bool,
}

/// Opens a work folder for the series of a component.
pub fn start(
    session: &Session<'_>,
    component: &Component,
    options: &StartOptions,
    file: &mut LockFile,
) -> Result<Opened, PipelineError> {
    if component.series.is_empty() {
        return Err(PipelineError::NoSeries(component.name.clone()));
    }
    let root = session.files.root().ok_or(LifeError::NoProject)?;
    let usual = root.join("work").join(session.recipe.name.as_str()).join(component.name.as_str());
    let dir = options.dir.clone().unwrap_or_else(|| usual.clone());
    let there = WorkState::read(&dir, options.uid)?;
    if there.is_none() && !is_free(&dir)? {
        return Err(LifeError::Unknown { path: dir }.into());
    }
    let source = session.unpatched(component, options.pick.as_ref(), file)?;
    let opening = Opening { session, component, options, root, series: session.series_of(component)? };
    match there {
        Some(state) => opening.refresh(&dir, state, &source.0, &source.1, file),
        None => {
            if dir == usual {
                keep_out_of_git(&root.join("work"))?;
            }
            opening.make(&dir, &source.0, &source.1, file)
        }
    }
}

/// Work folders are nobody else's: the folder around them says so to git.
fn keep_out_of_git(work: &Path) -> Result<(), PipelineError> {
    create_dir_all(work)?;
    let ignore = work.join(".gitignore");
    if fs::symlink_metadata(&ignore).is_err() {
        write_atomic(&ignore, b"*\n", 0o644)?;
    }
    Ok(())
}

struct Opening<'s, 'a> {
    session: &'s Session<'a>,
    component: &'s Component,
    options: &'s StartOptions,
    root: &'s Path,
    series: Vec<Series>,
}

impl Opening<'_, '_> {
    /// A new folder. It has its name once it is whole.
    fn make(
        &self,
        dir: &Path,
        objects: &crate::git::objects::Objects,
        base: &BaseTree,
        file: &mut LockFile,
    ) -> Result<Opened, PipelineError> {
        let parent = dir.parent().unwrap_or(dir);
        create_dir_all(parent)?;
        let io = |source| PipelineError::Io { path: parent.to_owned(), source };
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let temporary = tempfile::Builder::new().prefix(&format!(".{name}.new-")).tempdir_in(parent).map_err(io)?;
        let new = temporary.path().join("work");
        let repo = WorkRepo::init(&new)?;
        let commit = take(&repo, objects, base, &self.component.name)?;
        let stacked = self.stack(&repo, &commit, base, file)?;
        repo.set_ref("refs/heads/main", &stacked.tip, "forge patch start")?;
        repo.set_ref(&format!("refs/tags/{}", base.release), &commit, "forge patch start")?;
        repo.check_out_first(&repo.objects().commit_tree(&stacked.tip)?)?;
        let state = self.state(dir, base, commit, &stacked.tip, stacked.patches);
        let mut space = self.workspace(new.clone(), repo, state);
        let stopped = self.stop(&mut space, stacked.failure, None, None, file)?;
        space.remember()?;
        let commits = space.state.commits();
        drop(space);
        // An empty folder may be in the place.
        let _ = fs::remove_dir(dir);
        rename_synced(&new, dir)?;
        let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        Ok(Opened { dir, release: base.release.clone(), commits, was_there: None, stopped })
    }

    /// A folder that is there, brought to the series as it is now.
    fn refresh(
        &self,
        dir: &Path,
        state: WorkState,
        objects: &crate::git::objects::Objects,
        base: &BaseTree,
        file: &mut LockFile,
    ) -> Result<Opened, PipelineError> {
        let repo = WorkRepo::open(dir)?;
        let mut space = self.workspace(dir.to_owned(), repo, state);
        space.settle()?;
        let _lock = FileLock::acquire(&WorkState::lock_file(dir), self.session.reporter, self.session.exec.interrupt())?;
        if space.state.component != self.component.name || space.state.recipe != self.options.recipe {
            let (found, recipe) = (space.state.component.clone(), space.state.recipe.clone());
            return Err(LifeError::Other { path: dir.to_owned(), found, recipe }.into());
        }
        space.check_not_waiting()?;
        let head = space.head()?;
        let same_series = space.state.series == opened(&self.series);
        let base_commit = match &base.commit {
            Some(commit) => Some(commit.clone()),
            None => Some(synthetic(&space.repo, base, &self.component.name)?),
        };
        let same_base = base_commit.as_ref() == Some(&space.state.base);
        let release = base.release.clone();
        if same_series && same_base {
            let commits = space.state.commits();
            return Ok(Opened { dir: dir.to_owned(), release, commits, was_there: Some(false), stopped: None });
        }
        if head != space.state.tip {
            return Err(LifeError::Unsaved { path: dir.to_owned() }.into());
        }
        space.check_clean()?;
        let commit = take(&space.repo, objects, base, &self.component.name)?;
        let stacked = self.stack(&space.repo, &commit, base, file)?;
        space.repo.set_ref(&format!("refs/tags/{release}"), &commit, "forge patch start")?;
        let before = std::mem::replace(&mut space.state, self.state(dir, base, commit, &stacked.tip, stacked.patches));
        let stopped = self.stop(&mut space, stacked.failure, Some(before), Some(&head), file)?;
        space.remember()?;
        let commits = space.state.commits();
        Ok(Opened { dir: dir.to_owned(), release, commits, was_there: Some(true), stopped })
    }

    fn stack(&self, repo: &WorkRepo, tip: &CommitId, base: &BaseTree, file: &mut LockFile) -> Result<Stacked, PipelineError> {
        let patches = flat(&self.series);
        let onto = Onto { release: &base.release, time: base.time, merge: self.options.merge };
        stack_merging(self.session, self.component, repo, tip, &patches, 0, onto, file)
    }

    fn state(&self, dir: &Path, base: &BaseTree, commit: CommitId, tip: &CommitId, patches: Vec<OpenedPatch>) -> WorkState {
        let known = patches.len();
        let rest = flat(&self.series).into_iter().skip(known);
        let rest = rest.map(|(series, patch)| OpenedPatch::new(series.name().clone(), patch.name.clone()));
        WorkState {
            format: FORMAT,
            project: WorkState::project_name(dir, self.root),
            recipe: self.options.recipe.clone(),
            component: self.component.name.clone(),
            release: base.release.clone(),
            base: commit,
            tip: tip.clone(),
            series: opened(&self.series),
            patches: patches.into_iter().chain(rest).collect(),
            stopped: None,
            merging: self.options.merge,
            moving: None,
        }
    }

    fn workspace(&self, dir: PathBuf, repo: WorkRepo, state: WorkState) -> Workspace<'_> {
        let Session { files, exec, reporter, .. } = self.session;
        Workspace { files, exec, reporter: *reporter, dir, repo, state }
    }

    /// Moves files that are there to the new commits, and shows the patch that does not apply.
    fn stop(
        &self,
        space: &mut Workspace<'_>,
        failure: Option<(usize, Box<PatchFailure>)>,
        before: Option<WorkState>,
        from: Option<&CommitId>,
        file: &mut LockFile,
    ) -> Result<Option<StoppedAt>, PipelineError> {
        let stopped = |at: usize, onto: CommitId, files: Vec<String>, shown: Option<TreeId>| Stopped {
            at,
            onto,
            files,
            shown,
            before: before.clone().map(Box::new),
        };
        let onto = space.state.tip.clone();
        space.state.stopped = failure.as_ref().map(|(at, _)| stopped(*at, onto.clone(), Vec::new(), None));
        if let Some(from) = from {
            space.move_to_tip(from, "forge patch start: the series changed")?;
        }
        let Some((at, failure)) = failure else { return Ok(None) };
        let conflict = open_conflict(self.session, self.component, &self.series, at, space, file)?;
        space.state.stopped = Some(stopped(at, onto, conflict.files.clone(), conflict.shown.clone()));
        Ok(Some(StoppedAt { patch: space.state.patches[at].patch.clone(), failure, conflict }))
    }
}
