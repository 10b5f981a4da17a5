//! `forge patch undo`: the last save, import, rebase or to-edit of the project, taken back.

use std::path::{Path, PathBuf};

use crate::disk::FileLock;
use crate::event::{Event, Reporter};
use crate::exec::Exec;
use crate::files::{Draft, Files, Origin};
use crate::git::work::WorkRepo;
use crate::names::RelPath;
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::workspace::{Workspace, draft_of};
use crate::work::WorkState;
use crate::work::replace::{recover, replace};
use crate::work::undo::{Record, Standing, UndoLog};

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The command.
    pub what: String,
    /// The folders that were changed.
    pub folders: Vec<PathBuf>,
}

/// Takes the last change of the project's series back. `state` is the user's folder for state, `uid` the user.
pub fn undo(files: &Files, exec: &Exec, reporter: &dyn Reporter, state: &Path, uid: u32) -> Result<Undone, PipelineError> {
    let root = files.root().ok_or(LifeError::NoProject)?;
    let log = UndoLog::of(state, root);
    let _lock = FileLock::acquire(&log.lock_file(), reporter, exec.interrupt())?;
    loop {
        let record = log.last().ok_or(LifeError::NothingToUndo)?;
        let mut folders = Vec::new();
        for (at, folder) in record.folders.iter().enumerate() {
            recover(&folder.folder)?;
            let now = now(files, root, &folder.folder)?;
            match folder.standing(&now) {
                Standing::Done => folders.push((at, now)),
                Standing::NotDone => {}
                Standing::Changed(files) => {
                    let (folder, what) = (folder.folder.clone(), record.what.clone());
                    return Err(LifeError::ChangedSince { folder, what, files }.into());
                }
            }
        }
        let begun = log.begin_undo()?;
        if folders.is_empty() && !record.folders.is_empty() && !begun {
            let text = format!("the last {} had changed nothing when it was ended; looking at the one before", record.what);
            reporter.report(Event::Detail { text });
            log.pop()?;
            continue;
        }
        let mut done = Undone { what: record.what.clone(), folders: Vec::new() };
        for (at, now) in folders {
            let folder = &record.folders[at].folder;
            let before = log.before(&record, at, &now)?;
            replace(folder, &now, &before)?;
            if before.is_empty() {
                // It was made by what is taken back.
                let _ = std::fs::remove_dir(folder);
            }
        }
        done.folders.extend(record.folders.iter().map(|folder| folder.folder.clone()));
        forget(files, exec, reporter, &record, uid)?;
        log.pop()?;
        return Ok(done);
    }
}

fn now(files: &Files, root: &Path, folder: &Path) -> Result<Draft, PipelineError> {
    let below = folder.strip_prefix(root).ok().and_then(|p| RelPath::new(p.to_str()?).ok());
    let Some(below) = below else { return Ok(Draft::new()) };
    let on_disk = files.list(&below)?.is_some_and(|listing| matches!(listing.origin, Origin::Disk(_)));
    Ok(if on_disk { draft_of(files, &below)?.0 } else { Draft::new() })
}

/// The work folder knows its commits as unsaved again.
fn forget(files: &Files, exec: &Exec, reporter: &dyn Reporter, record: &Record, uid: u32) -> Result<(), PipelineError> {
    let Some(work) = &record.work else { return Ok(()) };
    match WorkState::read(&work.dir, uid) {
        Ok(Some(state)) if state == work.after => {
            let repo = WorkRepo::open(&work.dir)?;
            let (dir, state) = (work.dir.clone(), work.before.clone());
            Workspace { files, exec, reporter, dir, repo, state }.remember()
        }
        _ => Ok(()),
    }
}
