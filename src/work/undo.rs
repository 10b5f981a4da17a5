//! What a save, an import or a rebase replaced: kept beside the user's other state, never in the series.
//!
//! A record is there before anything is replaced, so that it says after a crash what was about to happen.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{DiskError, create_dir_all, remove_dir_all, rename_synced, write_atomic};
use crate::files::{Draft, read_limited};
use crate::names::Sha256;
use crate::work::replace::replace;
use crate::work::state::WorkState;

/// How many records of a project are kept.
const KEPT: usize = 20;

const FORMAT: u32 = 1;

/// A series' folder, before and after.
#[derive(Debug, Clone)]
pub struct Change {
    /// The folder.
    pub folder: PathBuf,
    /// The files that were there.
    pub old: Draft,
    /// The files that are there now.
    pub new: Draft,
}

/// What was done to one folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRecord {
    /// The folder.
    pub folder: PathBuf,
    /// Files that changed: their digests before and after, `None` where there was none.
    pub files: BTreeMap<String, (Option<Sha256>, Option<Sha256>)>,
}

/// A work folder, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkRecord {
    /// The folder.
    pub dir: PathBuf,
    /// What was remembered of it.
    pub before: WorkState,
    /// What is.
    pub after: WorkState,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    /// The command: "save", "import", "rebase".
    pub what: String,
    /// Each folder.
    pub folders: Vec<FolderRecord>,
    /// The work folder that it came from.
    pub work: Option<WorkRecord>,
}

/// The records of one project.
#[derive(Debug)]
pub struct UndoLog {
    dir: PathBuf,
}

/// How a folder stands to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// As the command left it.
    Done,
    /// As it was before: the command was killed, or is taken back already.
    NotDone,
    /// Neither: these files were changed since.
    Changed(Vec<String>),
}

fn digest(bytes: Option<&Vec<u8>>) -> Option<Sha256> {
    bytes.map(|bytes| crate::patch::sha256(bytes))
}

impl FolderRecord {
    /// How a folder with these files stands.
    pub fn standing(&self, now: &Draft) -> Standing {
        let found = |name: &String| digest(now.get(name));
        if self.files.iter().all(|(name, (_, after))| found(name) == *after) {
            return Standing::Done;
        }
        if self.files.iter().all(|(name, (before, _))| found(name) == *before) {
            return Standing::NotDone;
        }
        let changed = self.files.iter().filter(|(name, (_, after))| found(name) != *after);
        Standing::Changed(changed.map(|(name, _)| name.clone()).collect())
    }
}

impl UndoLog {
    /// The records of the project at `root`, below the user's folder for state.
    pub fn of(state: &Path, root: &Path) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let name = crate::patch::sha256(root.as_os_str().as_encoded_bytes());
        Self { dir: state.join("undo").join(&name.as_str()[..16]) }
    }

    /// The file to lock while series of the project change.
    pub fn lock_file(&self) -> PathBuf {
        self.dir.join("lock")
    }

    fn numbers(&self) -> Vec<u64> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut numbers: Vec<u64> = entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Remembers what is about to be replaced.
    pub fn push(&self, what: &str, changes: &[Change], work: Option<WorkRecord>) -> Result<(), DiskError> {
        create_dir_all(&self.dir)?;
        let fail = |source| DiskError::new("write", &self.dir, source);
        let new = tempfile::Builder::new().prefix(".new-").tempdir_in(&self.dir).map_err(fail)?;
        let mut folders = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            let kept = new.path().join(at.to_string());
            create_dir_all(&kept)?;
            let mut files = BTreeMap::new();
            for name in change.old.keys().chain(change.new.keys()) {
                let (old, now) = (change.old.get(name), change.new.get(name));
                if old == now {
                    continue;
                }
                if let Some(old) = old {
                    write_atomic(&kept.join(name), old, 0o644)?;
                }
                files.insert(name.clone(), (digest(old), digest(now)));
            }
            folders.push(FolderRecord { folder: change.folder.clone(), files });
        }
        let record = Record { format: FORMAT, what: what.to_owned(), folders, work };
        write_atomic(&new.path().join("record.json"), &serde_json::to_vec_pretty(&record).unwrap_or_default(), 0o644)?;
        let numbers = self.numbers();
        let next = numbers.last().map_or(1, |last| last + 1);
        rename_synced(&new.keep(), &self.dir.join(next.to_string()))?;
        for old in numbers.iter().rev().skip(KEPT - 1) {
            remove_dir_all(&self.dir.join(old.to_string()))?;
        }
        Ok(())
    }

    /// Remembers changes, and makes them.
    pub fn write(&self, what: &str, changes: &[Change], work: Option<WorkRecord>) -> Result<(), DiskError> {
        self.push(what, changes, work)?;
        changes.iter().try_for_each(|change| replace(&change.folder, &change.old, &change.new).map(drop))
    }

    /// The last record; one that cannot be read is none.
    pub fn last(&self) -> Option<Record> {
        let last = self.numbers().pop()?;
        let bytes = read_limited(&self.dir.join(last.to_string()).join("record.json"), 64 << 20).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|record: &Record| record.format == FORMAT)
    }

    /// The files of a folder of the last record as they were: `now` with what changed taken back.
    pub fn before(&self, record: &Record, at: usize, now: &Draft) -> Result<Draft, DiskError> {
        let Some(last) = self.numbers().pop() else { return Ok(now.clone()) };
        let kept = self.dir.join(last.to_string()).join(at.to_string());
        let mut draft = now.clone();
        for (name, (before, _)) in &record.folders[at].files {
            match before {
                Some(_) => {
                    let path = kept.join(name);
                    draft.insert(name.clone(), fs::read(&path).map_err(|e| DiskError::new("read", &path, e))?);
                }
                None => {
                    draft.remove(name);
                }
            }
        }
        Ok(draft)
    }

    /// Remembers that the last record is being taken back. Says whether an earlier forge had begun with it.
    pub fn begin_undo(&self) -> Result<bool, DiskError> {
        let begun = self.is_undoing();
        if let (false, Some(mark)) = (begun, self.mark()) {
            write_atomic(&mark, b"", 0o644)?;
        }
        Ok(begun)
    }

    /// Whether somebody has begun to take the last record back.
    pub fn is_undoing(&self) -> bool {
        self.mark().is_some_and(|mark| mark.exists())
    }

    fn mark(&self) -> Option<PathBuf> {
        Some(self.dir.join(self.numbers().pop()?.to_string()).join("undoing"))
    }

    /// Forgets the last record.
    pub fn pop(&self) -> Result<(), DiskError> {
        match self.numbers().pop() {
            Some(last) => remove_dir_all(&self.dir.join(last.to_string())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(files: &[(&str, &str)]) -> Draft {
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_was_replaced_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let log = UndoLog::of(dir.path(), dir.path());
        assert!(log.last().is_none());
        let (old, new) = (draft(&[("a", "1"), ("b", "2"), ("c", "3")]), draft(&[("a", "1"), ("b", "two"), ("d", "4")]));
        let change = Change { folder: "/x".into(), old: old.clone(), new: new.clone() };
        log.push("save", &[change], None).unwrap();
        let record = log.last().unwrap();
        assert_eq!(record.folders[0].standing(&new), Standing::Done);
        assert_eq!(record.folders[0].standing(&old), Standing::NotDone);
        let edited = draft(&[("a", "1"), ("b", "TWO"), ("d", "4")]);
        assert_eq!(record.folders[0].standing(&edited), Standing::Changed(vec!["b".into()]));
        let kept = draft(&[("a", "changed since"), ("b", "two"), ("d", "4")]);
        let before = log.before(&record, 0, &kept).unwrap();
        assert_eq!(before, draft(&[("a", "changed since"), ("b", "2"), ("c", "3")]));
        for _ in 0..KEPT + 3 {
            log.push("save", &[], None).unwrap();
        }
        assert_eq!(log.numbers().len(), KEPT);
        log.pop().unwrap();
        assert_eq!(log.numbers().len(), KEPT - 1);
    }
}
