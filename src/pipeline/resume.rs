//! `forge patch start --continue` and `--abort`: on from a patch that did not apply, or back to where nothing had begun.

use crate::disk::{FileLock, remove_dir_all, rename_synced};
use crate::names::CommitId;
use crate::patch::Patch;
use crate::pipeline::conflict::{open_conflict, resolved_step};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::merging::{Onto, stack_merging};
use crate::pipeline::session::Session;
use crate::pipeline::start::{Opened, StoppedAt};
use crate::pipeline::workspace::{Workspace, flat, some};
use crate::recipe::model::Component;
use crate::work::WorkState;
use crate::work::state::Stopped;

/// Makes a commit of what is staged, and goes on with the patches behind it. With `skip`, the patch that waits gets no commit.
pub fn resume(
    session: &Session<'_>,
    component: &Component,
    mut space: Workspace<'_>,
    skip: bool,
    file: &mut LockFile,
) -> Result<Opened, PipelineError> {
    let _lock = FileLock::acquire(&WorkState::lock_file(&space.dir), session.reporter, session.exec.interrupt())?;
    let Some(stopped) = space.state.stopped.clone() else {
        return Err(LifeError::NotWaiting { path: space.dir.clone() }.into());
    };
    let series = space.series()?;
    space.check_series(&series)?;
    let patches = flat(&series);
    let time = patch_time(&space)?;
    let resolved = match skip {
        true => None,
        false => Some(resolve(&space, &stopped, patches[stopped.at].1, time)?),
    };
    if let Some(commit) = &resolved {
        session.remember_resolution(component, &space, &stopped, &space.repo.objects().commit_tree(commit)?)?;
    }
    if skip {
        space.repo.reset_files(space.exec, &stopped.onto)?;
        space.notice(format!(
            "{} gets no commit: `forge patch save` drops it from the series",
            space.state.patches[stopped.at].patch
        ));
    }
    let head = space.head()?;
    let tip = resolved.clone().unwrap_or_else(|| head.clone());
    space.state.patches[stopped.at].commit = resolved;
    let from = stopped.at + 1;
    let release = space.state.release.clone();
    let onto = Onto { release: &release, time, merge: space.state.merging };
    let stacked = stack_merging(session, component, &space.repo, &tip, &patches, from, onto, file)?;
    for (known, new) in space.state.patches[from..].iter_mut().zip(stacked.patches) {
        *known = new;
    }
    space.state.tip = stacked.tip.clone();
    space.state.stopped = stacked.failure.as_ref().map(|(at, _)| Stopped {
        at: *at,
        onto: stacked.tip.clone(),
        files: Vec::new(),
        shown: None,
        before: stopped.before.clone(),
    });
    // What is staged is what the new commit holds.
    space.move_to_tip(&tip, "forge patch start --continue")?;
    let mut opened =
        Opened { dir: space.dir.clone(), release: space.state.release.clone(), commits: 0, was_there: Some(true), stopped: None };
    if let Some((at, failure)) = stacked.failure {
        let conflict = open_conflict(session, component, &series, at, &space, file)?;
        let onto = space.state.tip.clone();
        space.state.stopped = Some(Stopped {
            at,
            onto,
            files: conflict.files.clone(),
            shown: conflict.shown.clone(),
            before: stopped.before.clone(),
        });
        opened.stopped = Some(StoppedAt { patch: space.state.patches[at].patch.clone(), failure, conflict });
    }
    space.remember()?;
    opened.commits = space.state.commits();
    Ok(opened)
}

/// The date of commits that have none of their own: the release's.
fn patch_time(space: &Workspace<'_>) -> Result<i64, PipelineError> {
    Ok(space.repo.objects().commit_time(&space.state.base)?)
}

/// The commit of the patch that waited: what is staged, or what the user has committed.
fn resolve(space: &Workspace<'_>, stopped: &Stopped, patch: &Patch, time: i64) -> Result<CommitId, PipelineError> {
    let staged = match space.repo.staged_tree()? {
        Ok(tree) => tree,
        Err(files) => return Err(LifeError::Unresolved { files: some(files) }.into()),
    };
    let status = space.repo.status(space.exec)?;
    if let Some(what) = status.in_progress {
        return Err(LifeError::InProgress { path: space.dir.clone(), what }.into());
    }
    let head = space.head()?;
    let of_head = space.repo.objects().commit_tree(&head)?;
    let marked = marked_files(space, &staged, &stopped.files)?;
    if !marked.is_empty() {
        return Err(LifeError::Markers { files: some(marked) }.into());
    }
    if head != stopped.onto {
        // The user has committed it.
        if staged != of_head {
            return Err(LifeError::Dirty { path: space.dir.clone(), files: some(status.changed) }.into());
        }
        space
            .repo
            .since(&stopped.onto, &head)?
            .ok_or_else(|| LifeError::NoBase { path: space.dir.clone(), release: space.state.release.clone() })?;
        return Ok(head);
    }
    if !only_staged(space, &staged)? {
        return Err(LifeError::Dirty { path: space.dir.clone(), files: some(status.changed) }.into());
    }
    if staged == of_head {
        return Err(LifeError::NothingStaged { patch: patch.name.clone() }.into());
    }
    let step = resolved_step(space, patch, &staged, time + 1 + stopped.at as i64);
    Ok(space.repo.commit(&step, Some(&head))?)
}

/// True where the files on disk are those that are staged.
fn only_staged(space: &Workspace<'_>, staged: &crate::names::TreeId) -> Result<bool, PipelineError> {
    Ok(space.repo.files_are(space.exec, &space.unseen(staged)?)?)
}

/// Files of the conflict that still have its markers.
fn marked_files(space: &Workspace<'_>, tree: &crate::names::TreeId, files: &[String]) -> Result<Vec<String>, PipelineError> {
    let mut marked = Vec::new();
    for file in files {
        let path = crate::names::RelPath::new(file.clone())?;
        let text = space.repo.objects().read(tree, &path)?.unwrap_or_default();
        let lines = || text.split(|b| *b == b'\n');
        if lines().any(|line| line.starts_with(b"<<<<<<< ")) && lines().any(|line| line.starts_with(b">>>>>>> ")) {
            marked.push(file.clone());
        }
    }
    Ok(marked)
}

/// What became of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aborted {
    /// It was new, and is gone.
    Removed,
    /// It is as it was.
    Restored,
}

/// Takes a start back that waits at a patch.
pub fn abort(space: Workspace<'_>) -> Result<Aborted, PipelineError> {
    let _lock = FileLock::acquire(&WorkState::lock_file(&space.dir), space.reporter, space.exec.interrupt())?;
    let Some(stopped) = &space.state.stopped else {
        return Err(LifeError::NotWaiting { path: space.dir.clone() }.into());
    };
    // Commits of the user's are not forge's to throw away.
    if space.head()? != stopped.onto {
        return Err(LifeError::Unsaved { path: space.dir.clone() }.into());
    }
    match &stopped.before {
        Some(before) => {
            let mut state = (**before).clone();
            state.moving = Some(state.tip.clone());
            state.write(&space.dir)?;
            space.repo.reset_files(space.exec, &state.tip)?;
            space.repo.set_head(&state.tip, "forge patch start --abort")?;
            state.moving = None;
            Workspace { state, ..space }.remember()?;
            Ok(Aborted::Restored)
        }
        None => {
            // Under another name first: half a folder must not be taken for a whole one.
            let name = space.dir.file_name().unwrap_or_default().to_string_lossy();
            let aside = space.dir.with_file_name(format!(".{name}.gone-{}", &stopped.onto.as_str()[..12]));
            rename_synced(&space.dir, &aside)?;
            remove_dir_all(&aside)?;
            Ok(Aborted::Removed)
        }
    }
}
