//! A repository to work in: a release, one commit for each patch, and a history that its user goes on writing with any git
//! tool. It stands on its own: the store may go away.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, IndexEntry, IndexTime, ObjectType, Time};

use super::checkout::fill;
use super::history::Step;
use super::objects::{Entry, Mode, Objects, ObjectsError, tree_id};
use super::stamp::{EMAIL, NAME, commit_id, copy_tree, init_work, signature, write_commit};
use crate::disk::{DiskError, create_dir_all, write_atomic};
use crate::names::{CommitId, RelPath, TreeId};

/// What keeps git from seeing other bytes than those of the objects. Hooks, excludes and everything else are the user's.
const CONFIG: &[(&str, &str)] = &[
    ("core.autocrlf", "false"),
    ("core.safecrlf", "false"),
    ("core.attributesfile", "/dev/null"),
    ("core.sparsecheckout", "false"),
    ("advice.detachedHead", "false"),
];

/// A commit, as values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// Its parents, the first first.
    pub parents: Vec<CommitId>,
    /// What it says.
    pub step: Step,
}

/// One side of a file that could not be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmerged {
    /// The file.
    pub path: RelPath,
    /// Before the patch, on the release that it was written on; as it is now; after the patch.
    pub sides: [Option<Entry>; 3],
}

/// A repository to work in.
pub struct WorkRepo {
    objects: Objects,
    dir: PathBuf,
}

impl WorkRepo {
    /// Makes one in `dir`, which must be new or empty.
    pub fn init(dir: &Path) -> Result<Self, ObjectsError> {
        create_dir_all(dir)?;
        let objects = init_work(dir, CONFIG)?;
        Ok(Self { objects, dir: dir.to_owned() })
    }

    /// Opens the one in `dir`.
    pub fn open(dir: &Path) -> Result<Self, ObjectsError> {
        Ok(Self { objects: Objects::open(&dir.join(".git"))?, dir: dir.to_owned() })
    }

    /// Opens any repository of the user's, to be read: a clone, with or without files.
    pub fn open_clone(dir: &Path) -> Result<Self, ObjectsError> {
        Ok(Self { objects: Objects::open(dir)?, dir: dir.to_owned() })
    }

    /// Its objects.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The folder of the files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder `.git`.
    pub fn git_dir(&self) -> PathBuf {
        self.dir.join(".git")
    }

    /// Takes over everything that is packed in another repository, as `git clone --local` does: packs never change, so they
    /// are shared by links where the file system can.
    pub fn take_packs(&self, from: &Objects) -> Result<(), ObjectsError> {
        let (theirs, ours) = (from.path().join("objects/pack"), self.git_dir().join("objects/pack"));
        let entries = match fs::read_dir(&theirs) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(DiskError::new("read", &theirs, e).into()),
        };
        create_dir_all(&ours)?;
        for entry in entries.flatten() {
            let index = entry.path();
            if index.extension().is_none_or(|e| e != "idx") {
                continue;
            }
            // A pack counts from the moment that its index is there.
            for file in [index.with_extension("pack"), index] {
                let to = ours.join(file.file_name().unwrap_or_default());
                if to.exists() {
                    continue;
                }
                if fs::hard_link(&file, &to).is_err() {
                    crate::disk::copy_atomic(&file, &to, 0o444)?;
                }
            }
        }
        Ok(())
    }

    /// Takes over a commit with its files, without its parents: the history begins there.
    pub fn take_commit(&self, from: &Objects, commit: &CommitId) -> Result<(), ObjectsError> {
        let id = from.oid(commit.as_str())?;
        let read = from.repo().odb().map_err(|e| from.fail(&e))?;
        let object = read.read(id).map_err(|e| from.find(commit.as_str(), &e))?;
        let write = self.objects.repo().odb().map_err(|e| self.objects.fail(&e))?;
        if !write.exists(id) {
            write.write(ObjectType::Commit, object.data()).map_err(|e| self.objects.fail(&e))?;
        }
        self.take_tree(from, &from.commit_tree(commit)?)?;
        let path = self.git_dir().join("shallow");
        let mut shallow = fs::read_to_string(&path).unwrap_or_default();
        if !shallow.lines().any(|line| line == commit.as_str()) {
            shallow.push_str(&format!("{commit}\n"));
            write_atomic(&path, shallow.as_bytes(), 0o644)?;
        }
        Ok(())
    }

    /// Takes over a tree with all that is in it.
    pub fn take_tree(&self, from: &Objects, tree: &TreeId) -> Result<(), ObjectsError> {
        copy_tree(from, &self.objects, from.oid(tree.as_str())?, &mut HashSet::new())?;
        Ok(())
    }

    /// Writes a commit that no ref points to yet. forge is the committer, at the author's date.
    pub fn commit(&self, step: &Step, parent: Option<&CommitId>) -> Result<CommitId, ObjectsError> {
        let when = Time::new(step.time, step.offset_minutes);
        let author = signature(&self.objects, &step.author, &step.email, when)?;
        let committer = signature(&self.objects, NAME, EMAIL, when)?;
        let parent = parent.map(|p| self.objects.oid(p.as_str())).transpose()?;
        Ok(commit_id(write_commit(&self.objects, &step.tree, &author, &committer, &step.message, parent)?))
    }

    /// Reads a commit.
    pub fn read(&self, commit: &CommitId) -> Result<Commit, ObjectsError> {
        let id = self.objects.oid(commit.as_str())?;
        let found = self.objects.repo().find_commit(id).map_err(|e| self.objects.find(commit.as_str(), &e))?;
        let author = found.author();
        Ok(Commit {
            id: commit.clone(),
            parents: found.parent_ids().map(commit_id).collect(),
            step: Step {
                tree: tree_id(found.tree_id()),
                author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
                email: String::from_utf8_lossy(author.email_bytes()).into_owned(),
                time: author.when().seconds(),
                offset_minutes: author.when().offset_minutes(),
                message: String::from_utf8_lossy(found.message_bytes()).into_owned(),
            },
        })
    }

    /// The commits after `base` up to `tip`, oldest first. `None`: `base` is not among the ancestors of `tip`. A merge ends the
    /// search: it is the first of the result then.
    pub fn since(&self, base: &CommitId, tip: &CommitId) -> Result<Option<Vec<Commit>>, ObjectsError> {
        // Not by libgit2's walk: it reads the file `shallow` once, and releases come later.
        let mut commits = Vec::new();
        let mut next = tip.clone();
        while next != *base {
            let commit = match self.read(&next) {
                Ok(commit) => commit,
                Err(ObjectsError::Missing { .. }) if !commits.is_empty() => return Ok(None),
                Err(error) => return Err(error),
            };
            let parent = commit.parents.first().cloned();
            let merge = commit.parents.len() > 1;
            commits.push(commit);
            match parent {
                _ if merge => break,
                Some(parent) => next = parent,
                None => return Ok(None),
            }
        }
        commits.reverse();
        Ok(Some(commits))
    }

    /// The commit that is checked out; `None` before the first one.
    pub fn head(&self) -> Result<Option<CommitId>, ObjectsError> {
        match self.objects.repo().head() {
            Ok(head) => Ok(head.target().map(commit_id)),
            Err(e) if matches!(e.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(e) => Err(self.objects.fail(&e)),
        }
    }

    /// What a name of the user's means; `None` where it means no commit.
    pub fn resolve(&self, revision: &str) -> Result<Option<CommitId>, ObjectsError> {
        match self.objects.repo().revparse_single(revision).and_then(|found| found.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit_id(commit.id()))),
            Err(e) if matches!(e.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Peel) => Ok(None),
            Err(e) => Err(self.objects.fail(&e)),
        }
    }

    /// Takes away what a killed forge left of its lock on a ref. Only for refs that forge alone writes, or is known to have been at,
    /// and under the lock of the work folder.
    pub fn unlock_ref(&self, name: &str) -> Result<(), ObjectsError> {
        let path = self.git_dir().join(format!("{name}.lock"));
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(DiskError::new("remove", &path, e).into()),
            _ => Ok(()),
        }
    }

    /// The branch that is checked out, by its full name, or `HEAD` itself.
    pub fn head_name(&self) -> Result<String, ObjectsError> {
        let head = self.objects.repo().find_reference("HEAD").map_err(|e| self.objects.fail(&e))?;
        Ok(head.symbolic_target().ok().flatten().unwrap_or("HEAD").to_owned())
    }

    /// Points a ref (by its full name) at a commit, whatever it pointed to.
    pub fn set_ref(&self, name: &str, commit: &CommitId, why: &str) -> Result<(), ObjectsError> {
        let id = self.objects.oid(commit.as_str())?;
        self.objects.repo().reference(name, id, true, why).map_err(|e| self.objects.fail(&e))?;
        Ok(())
    }

    /// Points what is checked out, a branch or HEAD itself, at a commit.
    pub fn set_head(&self, commit: &CommitId, why: &str) -> Result<(), ObjectsError> {
        self.set_ref(&self.head_name()?, commit, why)
    }

    /// Writes the files of a tree into the folder, which holds nothing but `.git`, and the index that goes with them.
    pub fn check_out_first(&self, tree: &TreeId) -> Result<usize, ObjectsError> {
        let stats = fill(&self.objects, tree, &self.dir)?;
        let write = |index: &mut git2::Index, entries: &[IndexEntry]| {
            index.clear()?;
            for entry in entries {
                index.add(entry)?;
            }
            index.write()
        };
        let entries: Vec<IndexEntry> =
            self.objects.walk(tree)?.iter().map(|entry| self.index_entry(entry)).collect::<Result<_, _>>()?;
        let mut index = self.objects.repo().index().map_err(|e| self.objects.fail(&e))?;
        write(&mut index, &entries).map_err(|e| self.objects.fail(&e))?;
        Ok(stats.files)
    }

    fn index_entry(&self, entry: &Entry) -> Result<IndexEntry, ObjectsError> {
        let path = entry.path.below(&self.dir);
        let meta = fs::symlink_metadata(&path).map_err(|e| DiskError::new("read", &path, e))?;
        Ok(IndexEntry {
            ctime: IndexTime::new(meta.ctime() as i32, meta.ctime_nsec() as u32),
            mtime: IndexTime::new(meta.mtime() as i32, meta.mtime_nsec() as u32),
            dev: meta.dev() as u32,
            ino: meta.ino() as u32,
            mode: entry.mode.bits() as u32,
            uid: meta.uid(),
            gid: meta.gid(),
            file_size: if entry.mode == Mode::Submodule { 0 } else { meta.size() as u32 },
            id: self.objects.oid(entry.id.as_str())?,
            flags: 0,
            flags_extended: 0,
            path: entry.path.as_str().as_bytes().to_vec(),
        })
    }

    /// Tells the index that these files are not merged, as `git merge` leaves them.
    pub fn mark_unmerged(&self, files: &[Unmerged]) -> Result<(), ObjectsError> {
        let mut entries = Vec::new();
        for file in files {
            for (side, stage) in file.sides.iter().zip(1u16..) {
                let Some(side) = side else { continue };
                entries.push(IndexEntry {
                    ctime: IndexTime::new(0, 0),
                    mtime: IndexTime::new(0, 0),
                    dev: 0,
                    ino: 0,
                    mode: side.mode.bits() as u32,
                    uid: 0,
                    gid: 0,
                    file_size: 0,
                    id: self.objects.oid(side.id.as_str())?,
                    // Bits 12 and 13 are the stage (index-format.txt).
                    flags: stage << 12,
                    flags_extended: 0,
                    path: file.path.as_str().as_bytes().to_vec(),
                });
            }
        }
        let write = || {
            let mut index = self.objects.repo().index()?;
            index.read(true)?;
            for file in files {
                index.remove(file.path.as_path(), 0)?;
            }
            for entry in &entries {
                index.add(entry)?;
            }
            index.write()
        };
        write().map_err(|e| self.objects.fail(&e))
    }

    /// The tree of what is staged; the files that are not merged where there are such.
    pub fn staged_tree(&self) -> Result<Result<TreeId, Vec<String>>, ObjectsError> {
        let write = || {
            let mut index = self.objects.repo().index()?;
            index.read(true)?;
            if index.has_conflicts() {
                let mut paths = Vec::new();
                for conflict in index.conflicts()? {
                    let conflict = conflict?;
                    let side = conflict.our.or(conflict.their).or(conflict.ancestor);
                    paths.extend(side.map(|side| String::from_utf8_lossy(&side.path).into_owned()));
                }
                return Ok(Err(paths));
            }
            Ok(Ok(tree_id(index.write_tree()?)))
        };
        write().map_err(|e| self.objects.fail(&e))
    }
}
