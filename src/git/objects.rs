//! Objects of one store: commits, trees and blobs, read and written in process. No `git2` type leaves this file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};
use serde::{Deserialize, Serialize};

use super::kept::{Kept, Key};
pub use super::objects_error::ObjectsError;
use crate::names::{BlobId, CommitId, RelPath, TreeId};

/// What kind of thing a tree entry is. The names follow git's file modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// 100644
    File,
    /// 100755
    Executable,
    /// 120000; the content is the target.
    Symlink,
    /// 160000, a submodule's commit. Never read, kept as it is.
    Submodule,
}

impl Mode {
    /// The mode as git writes it in a tree or a patch.
    pub fn bits(self) -> i32 {
        match self {
            Self::File => 0o100_644,
            Self::Executable => 0o100_755,
            Self::Symlink => 0o120_000,
            Self::Submodule => 0o160_000,
        }
    }
    /// Reads a mode; 100664, which old gits wrote, counts as a file.
    pub fn from_bits(bits: i32) -> Option<Self> {
        match bits {
            0o100_644 | 0o100_664 => Some(Self::File),
            0o100_755 => Some(Self::Executable),
            0o120_000 => Some(Self::Symlink),
            0o160_000 => Some(Self::Submodule),
            _ => None,
        }
    }
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: RelPath,
    /// What it is.
    pub mode: Mode,
    /// Its content.
    pub id: BlobId,
}

/// A file's new state: `None` removes it.
pub type Changes = BTreeMap<RelPath, Option<(Mode, Vec<u8>)>>;

/// One bare repository, opened for its objects.
pub struct Objects {
    repo: Repository,
    path: PathBuf,
    /// Only where what is written stays in memory.
    pub(super) kept: RefCell<Option<Kept>>,
}

impl Objects {
    /// Opens the bare repository at `path`. Nothing of the user's git configuration applies to it.
    pub fn open(path: &Path) -> Result<Self, ObjectsError> {
        // `open_bare` would not honour the `shallow` file.
        let repo =
            Repository::open(path).map_err(|e| ObjectsError::Open { path: path.to_owned(), message: e.message().to_owned() })?;
        Ok(Self { repo, path: path.to_owned(), kept: RefCell::new(None) })
    }

    /// Makes an empty bare repository at `path`, or opens the one that is there. Made elsewhere and renamed: it is whole from
    /// its first moment, whoever makes it at the same time and whenever forge is killed.
    pub fn init(path: &Path) -> Result<Self, ObjectsError> {
        if path.join("HEAD").is_file() {
            return Self::open(path);
        }
        let fail = |message: String| ObjectsError::Open { path: path.to_owned(), message };
        let parent = path.parent().unwrap_or(path);
        fs::create_dir_all(parent).map_err(|e| fail(e.to_string()))?;
        // What umask leaves of it, as for every other folder of the store.
        let mode = fs::Permissions::from_mode(0o777);
        let new = tempfile::Builder::new().prefix(".new-").permissions(mode).tempdir_in(parent);
        let new = new.map_err(|e| fail(e.to_string()))?;
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).external_template(false).initial_head("main");
        Repository::init_opts(new.path(), &options).map_err(|e| fail(e.message().to_owned()))?;
        match fs::rename(new.path(), path) {
            Ok(()) => drop(new.keep()),
            // Somebody else was quicker.
            Err(_) if path.join("HEAD").is_file() => {}
            Err(e) => return Err(fail(e.to_string())),
        }
        Self::open(path)
    }

    /// For the neighbours in `git`: libgit2's view of the repository.
    pub(super) fn repo(&self) -> &Repository {
        &self.repo
    }

    /// The commit that a ref (by its full name) points to, where there is such a ref.
    pub fn ref_commit(&self, name: &str) -> Result<Option<CommitId>, ObjectsError> {
        let reference = match self.repo.find_reference(name) {
            Ok(reference) => reference,
            Err(e) if e.code() == ErrorCode::NotFound => return Ok(None),
            Err(e) => return Err(self.fail(&e)),
        };
        let commit = reference.peel_to_commit().map_err(|e| self.find(name, &e))?;
        Ok(Some(CommitId::new(commit.id().to_string()).expect("libgit2 prints 40 hex digits")))
    }

    /// Fails where a file or folder of the tree is missing, or must not be written to disk (see [`Objects::walk`]).
    pub fn check_complete(&self, tree: &TreeId) -> Result<(), ObjectsError> {
        let odb = self.repo.odb().map_err(|e| self.fail(&e))?;
        for entry in self.walk(tree)? {
            if entry.mode != Mode::Submodule && !odb.exists(self.oid(entry.id.as_str())?) {
                return Err(ObjectsError::Missing { id: entry.id.to_string(), path: self.path.clone() });
            }
        }
        Ok(())
    }

    /// The bare repository's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fail(&self, error: &git2::Error) -> ObjectsError {
        ObjectsError::Failed { path: self.path.clone(), message: error.message().to_owned() }
    }

    pub(super) fn find(&self, id: &str, error: &git2::Error) -> ObjectsError {
        if error.code() == ErrorCode::NotFound {
            ObjectsError::Missing { id: id.to_owned(), path: self.path.clone() }
        } else {
            self.fail(error)
        }
    }

    pub(super) fn oid(&self, id: &str) -> Result<Oid, ObjectsError> {
        Oid::from_str(id).map_err(|e| self.fail(&e))
    }

    /// True where the commit and its tree are here. (Only the commit's own presence and its root tree are looked at.)
    pub fn has_commit(&self, commit: &CommitId) -> bool {
        self.commit_tree(commit).is_ok()
    }

    /// True where the tree object is here.
    pub fn has_tree(&self, tree: &TreeId) -> bool {
        self.oid(tree.as_str()).is_ok_and(|oid| self.repo.find_tree(oid).is_ok())
    }

    /// The tree of a commit.
    pub fn commit_tree(&self, commit: &CommitId) -> Result<TreeId, ObjectsError> {
        let found = self.repo.find_commit(self.oid(commit.as_str())?).map_err(|e| self.find(commit.as_str(), &e))?;
        let tree = found.tree_id();
        let odb = self.repo.odb().map_err(|e| self.fail(&e))?;
        if !odb.exists(tree) {
            return Err(ObjectsError::Missing { id: tree.to_string(), path: self.path.clone() });
        }
        Ok(tree_id(tree))
    }

    /// The committer's time in seconds since 1970.
    pub fn commit_time(&self, commit: &CommitId) -> Result<i64, ObjectsError> {
        let found = self.repo.find_commit(self.oid(commit.as_str())?).map_err(|e| self.find(commit.as_str(), &e))?;
        Ok(found.time().seconds())
    }

    /// The entry at `path`, where there is one. A folder counts as none.
    pub fn entry(&self, tree: &TreeId, path: &RelPath) -> Result<Option<Entry>, ObjectsError> {
        let root = self.repo.find_tree(self.oid(tree.as_str())?).map_err(|e| self.find(tree.as_str(), &e))?;
        let entry = match root.get_path(path.as_path()) {
            Ok(entry) => entry,
            Err(e) if e.code() == ErrorCode::NotFound => return Ok(None),
            Err(e) => return Err(self.fail(&e)),
        };
        Ok(Mode::from_bits(entry.filemode_raw()).map(|mode| Entry { path: path.clone(), mode, id: blob_id(entry.id()) }))
    }

    /// True where `path` is a folder of the tree.
    pub fn is_folder(&self, tree: &TreeId, path: &RelPath) -> Result<bool, ObjectsError> {
        let root = self.repo.find_tree(self.oid(tree.as_str())?).map_err(|e| self.find(tree.as_str(), &e))?;
        match root.get_path(path.as_path()) {
            Ok(entry) => Ok(entry.kind() == Some(ObjectType::Tree)),
            Err(e) if e.code() == ErrorCode::NotFound => Ok(false),
            Err(e) => Err(self.fail(&e)),
        }
    }

    /// A blob's content.
    pub fn blob(&self, id: &BlobId) -> Result<Vec<u8>, ObjectsError> {
        let oid = self.oid(id.as_str())?;
        self.remembered(Key::Blob(oid), || {
            let blob = self.repo.find_blob(oid).map_err(|e| self.find(id.as_str(), &e))?;
            Ok(blob.content().to_vec())
        })
    }

    /// The content of the file at `path`, where there is one.
    pub fn read(&self, tree: &TreeId, path: &RelPath) -> Result<Option<Vec<u8>>, ObjectsError> {
        match self.entry(tree, path)? {
            Some(entry) if entry.mode != Mode::Submodule => self.blob(&entry.id).map(Some),
            _ => Ok(None),
        }
    }

    /// The id that content has or would have; writes nothing.
    pub fn blob_id_of(content: &[u8]) -> BlobId {
        let oid = Oid::hash_object(ObjectType::Blob, content).expect("hashing in memory does not fail");
        blob_id(oid)
    }

    /// Writes a tree that is `base` (or the empty tree) with `changes`. Folders that become empty go away. The result is
    /// complete before it has an id: nothing refers to half a tree.
    pub fn write(&self, base: Option<&TreeId>, changes: &Changes) -> Result<TreeId, ObjectsError> {
        if !self.is_in_memory() {
            return self.write_anew(base, changes);
        }
        let key = Key::Written(base.cloned(), changes.clone());
        let id = self.remembered(key, || Ok(self.write_anew(base, changes)?.as_str().into()))?;
        Ok(TreeId::new(String::from_utf8_lossy(&id)).expect("it was an id when it was remembered"))
    }

    fn write_anew(&self, base: Option<&TreeId>, changes: &Changes) -> Result<TreeId, ObjectsError> {
        let odb = self.repo.odb().map_err(|e| self.fail(&e))?;
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, change) in changes {
            match change {
                Some((mode, content)) => {
                    let oid = odb.write(ObjectType::Blob, content).map_err(|e| self.fail(&e))?;
                    self.remember(Key::Blob(oid), content);
                    let mode = match mode {
                        Mode::File => git2::FileMode::Blob,
                        Mode::Executable => git2::FileMode::BlobExecutable,
                        Mode::Symlink => git2::FileMode::Link,
                        Mode::Submodule => git2::FileMode::Commit,
                    };
                    update.upsert(path.as_str(), oid, mode);
                }
                None => {
                    update.remove(path.as_str());
                }
            }
        }
        let base = match base {
            Some(base) => self.oid(base.as_str())?,
            None => odb.write(ObjectType::Tree, b"").map_err(|e| self.fail(&e))?,
        };
        let base = self.repo.find_tree(base).map_err(|e| self.fail(&e))?;
        let oid = update.create_updated(&self.repo, &base).map_err(|e| self.fail(&e))?;
        Ok(tree_id(oid))
    }

    /// Every file of the tree in git's order. Fails on a path that must not be written to disk (see [`RelPath`]), on an
    /// unknown mode and on two entries of one name, so that what it returns can be materialised.
    pub fn walk(&self, tree: &TreeId) -> Result<Vec<Entry>, ObjectsError> {
        let root = self.repo.find_tree(self.oid(tree.as_str())?).map_err(|e| self.find(tree.as_str(), &e))?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut wrong: Option<ObjectsError> = None;
        // Not only neighbours: git sorts `a`, `a-b`, `a/`, and a tree may be badly sorted on purpose.
        let mut seen = std::collections::HashSet::new();
        let walked = root.walk(TreeWalkMode::PreOrder, |parent, entry| {
            let name = String::from_utf8_lossy(entry.name_bytes());
            let full = format!("{parent}{name}");
            let path = match RelPath::new(full.clone()) {
                Ok(path) if std::str::from_utf8(entry.name_bytes()).is_ok() => path,
                Ok(_) => {
                    wrong = Some(ObjectsError::Malformed { tree: tree.clone(), path: full, reason: "the name is not UTF-8" });
                    return TreeWalkResult::Abort;
                }
                Err(source) => {
                    wrong = Some(ObjectsError::UnsafePath { tree: tree.clone(), source });
                    return TreeWalkResult::Abort;
                }
            };
            if !seen.insert(full.clone()) {
                wrong = Some(ObjectsError::Malformed { tree: tree.clone(), path: full, reason: "two entries have this name" });
                return TreeWalkResult::Abort;
            }
            if entry.kind() != Some(ObjectType::Tree) {
                match Mode::from_bits(entry.filemode_raw()) {
                    Some(mode) => entries.push(Entry { path, mode, id: blob_id(entry.id()) }),
                    None => {
                        wrong = Some(ObjectsError::Malformed { tree: tree.clone(), path: full, reason: "its mode is unknown" });
                        return TreeWalkResult::Abort;
                    }
                }
            }
            TreeWalkResult::Ok
        });
        match (wrong, walked) {
            (Some(error), _) => Err(error),
            (None, Err(e)) => Err(self.find(tree.as_str(), &e)),
            (None, Ok(())) => Ok(entries),
        }
    }
}

pub(super) fn tree_id(oid: Oid) -> TreeId {
    TreeId::new(oid.to_string()).expect("libgit2 prints 40 hex digits")
}

pub(super) fn blob_id(oid: Oid) -> BlobId {
    BlobId::new(oid.to_string()).expect("libgit2 prints 40 hex digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn many_make_one_repository_at_once() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = dir.path().join(format!("stores/{round}.git"));
            std::thread::scope(|scope| {
                for thread in 0..6 {
                    let path = &path;
                    scope.spawn(move || {
                        let file = RelPath::new(format!("f{thread}")).unwrap();
                        let changes = Changes::from([(file, Some((Mode::File, b"x".to_vec())))]);
                        Objects::init(path).unwrap().write(None, &changes).unwrap();
                    });
                }
            });
        }
        let left = fs::read_dir(dir.path().join("stores")).unwrap().count();
        assert_eq!(left, 20, "nothing else is left behind");
    }

    #[test]
    fn a_written_tree_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::init(&dir.path().join("x.git")).unwrap();
        let mut changes = Changes::new();
        changes.insert(path("a/b"), Some((Mode::File, b"1".to_vec())));
        changes.insert(path("a/c"), Some((Mode::Executable, b"2".to_vec())));
        changes.insert(path("l"), Some((Mode::Symlink, b"a/b".to_vec())));
        let first = objects.write(None, &changes).unwrap();
        let walked: Vec<_> = objects.walk(&first).unwrap().into_iter().map(|e| (e.path.to_string(), e.mode)).collect();
        assert_eq!(walked, [("a/b".into(), Mode::File), ("a/c".into(), Mode::Executable), ("l".into(), Mode::Symlink)]);
        let mut changes = Changes::new();
        changes.insert(path("a/b"), None);
        changes.insert(path("a/c"), None);
        let second = objects.write(Some(&first), &changes).unwrap();
        assert_eq!(objects.walk(&second).unwrap().len(), 1);
        assert!(!objects.is_folder(&second, &path("a")).unwrap());
        assert_eq!(objects.read(&first, &path("a/b")).unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(objects.read(&second, &path("a/b")).unwrap(), None);
    }

    #[test]
    fn trees_with_evil_names_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::init(&dir.path().join("x.git")).unwrap();
        let odb = objects.repo.odb().unwrap();
        let blob = odb.write(ObjectType::Blob, b"x").unwrap();
        for name in ["..", ".git", ".GIT", "a\\b", "git~1"] {
            let mut raw = format!("100644 {name}\0").into_bytes();
            raw.extend_from_slice(blob.as_bytes());
            let tree = tree_id(odb.write(ObjectType::Tree, &raw).unwrap());
            assert!(objects.walk(&tree).is_err(), "{name} was taken");
        }
        let mut raw = Vec::new();
        for _ in 0..2 {
            raw.extend_from_slice(b"100644 a\0");
            raw.extend_from_slice(blob.as_bytes());
        }
        let tree = tree_id(odb.write(ObjectType::Tree, &raw).unwrap());
        assert!(objects.walk(&tree).is_err(), "duplicate entries were taken");
        let inner = [&b"100644 x\0"[..], blob.as_bytes()].concat();
        let inner = odb.write(ObjectType::Tree, &inner).unwrap();
        let raw =
            [&b"120000 a\0"[..], blob.as_bytes(), b"100644 a-b\0", blob.as_bytes(), b"40000 a\0", inner.as_bytes()].concat();
        let tree = tree_id(odb.write(ObjectType::Tree, &raw).unwrap());
        assert!(objects.walk(&tree).is_err(), "a link and a folder of one name were taken");
    }
}
