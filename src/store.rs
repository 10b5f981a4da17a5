//! The store: clones, trees, finished builds and small remembered facts, in one folder that any number of forges share.
//!
//! ```text
//! format            "1"
//! git/NAME-HASH.git         one bare repository per git origin (shallow and complete)
//! survey/NAME-HASH.git      many releases of an origin, without history and files, and the files that patches touch
//! modules/NAME-HASH.git     trees of Go modules
//! folders/HASH.git          trees of project folders
//! toolchains/NAME/          a Go that forge fetched, whole
//! downloads/SHA256          a file that upstream released, whole
//! builds/KEY/               binary, log and record of a finished build
//! memo/KIND/KEY             a remembered fact: a pure function of what KEY digests
//! work/NAME.XXXXXX/         trees that are being built; gone afterwards
//! failed/NAME/              the tree of a failed build, until the next one of that name
//! locks/                    files that stand for what must not be done twice at once
//! ```

mod gc;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{DiskError, remove_dir_all, write_atomic};
use crate::names::{GitUrl, ModulePath, Sha256};
use crate::plan::KeyBuilder;

pub use gc::{Budget, Cleaned, Item, Kind, clean};

/// The layout that this program reads and writes.
const FORMAT: &str = "1\n";

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StoreError {
    /// A file or folder of it cannot be made, read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(#[from] DiskError),
    /// It was written by another version.
    #[error("the store {} has format {found:?}; this forge knows 1", path.display())]
    #[diagnostic(help("choose another folder with --store, or remove this one"))]
    Format {
        /// The store.
        path: PathBuf,
        /// What its format file says.
        found: String,
    },
    /// Something of the store cannot be used.
    #[error("the store's {}: {source}", path.display())]
    #[diagnostic(help("is the folder yours and on a disk with space? --store DIR chooses another"))]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// A store.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    /// A shared lock that lasts as long as the store is used: what is removed from it, is removed while there is none.
    _used: Option<Arc<File>>,
}

/// A folder for work in progress. It goes away when dropped; a killed forge's is swept by the next one.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Store {
    /// Opens the store at `root`, making it where it is missing.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let marker = prepare(root)?;
        // A file system without locks has no cleaning that could be in the way.
        let used = File::open(&marker).ok().filter(|file| file.lock_shared().is_ok());
        Ok(Self { root: root.to_owned(), _used: used.map(Arc::new) })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The bare repository of a git origin. Credentials in a URL are no part of its name.
    pub fn git(&self, url: &GitUrl) -> PathBuf {
        self.named("git", &url.to_string())
    }

    /// The survey of a git origin.
    pub fn survey(&self, url: &GitUrl) -> PathBuf {
        self.named("survey", &url.to_string())
    }

    /// The history of a git origin.
    pub fn history(&self, url: &GitUrl) -> PathBuf {
        self.named("history", &url.to_string())
    }

    /// The bare repository that holds the trees of a Go module.
    pub fn module(&self, module: &ModulePath) -> PathBuf {
        self.named("modules", module.as_str())
    }

    /// The bare repository that holds the trees of folders.
    pub fn folders(&self) -> PathBuf {
        self.root.join("folders/trees.git")
    }

    /// Where a toolchain is kept. `name` is a file name.
    pub fn toolchain(&self, name: &str) -> PathBuf {
        self.root.join("toolchains").join(name)
    }

    /// Where a released file is kept, by its content.
    pub fn download(&self, sha256: &Sha256) -> PathBuf {
        self.root.join("downloads").join(sha256.as_str())
    }

    fn named(&self, kind: &str, what: &str) -> PathBuf {
        let last = what.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or("x");
        let name: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(40).collect();
        let hash = KeyBuilder::new(kind).field("name", what).finish();
        self.root.join(kind).join(format!("{name}-{}.git", &hash.as_str()[..12]))
    }

    /// Where a finished build is kept.
    pub fn build(&self, key: &Sha256) -> PathBuf {
        self.root.join("builds").join(key.as_str())
    }

    /// Reads a remembered fact.
    pub fn recall(&self, kind: &str, key: &Sha256) -> Option<String> {
        fs::read_to_string(self.memo(kind, key)).ok()
    }

    /// Remembers a fact. `value` must follow from what `key` digests; a fact that cannot be written is only found anew.
    pub fn remember(&self, kind: &str, key: &Sha256, value: &str) {
        let path = self.memo(kind, key);
        if path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok()) {
            let _ = write_atomic(&path, value.as_bytes(), 0o644);
        }
    }

    /// A file to lock for `what`, of which there may be many; kept here because the thing itself is replaced by renaming.
    pub fn lock(&self, kind: &str, what: &str) -> Result<PathBuf, StoreError> {
        let folder = self.root.join("locks");
        crate::disk::create_dir_all(&folder)?;
        let key = KeyBuilder::new("lock").field(kind, what).finish();
        Ok(folder.join(format!("{kind}-{}", &key.as_str()[..16])))
    }

    fn memo(&self, kind: &str, key: &Sha256) -> PathBuf {
        self.root.join("memo").join(kind).join(key.as_str())
    }

    /// Makes a new folder for work in progress, and removes what killed forges left.
    pub fn work_dir(&self, name: &str) -> Result<WorkDir, StoreError> {
        let parent = self.root.join("work");
        fs::create_dir_all(&parent).map_err(|source| StoreError::Io { path: parent.clone(), source })?;
        self.sweep(&parent);
        let fail = |source| StoreError::Io { path: parent.clone(), source };
        // The lock is taken before the folder exists: a sweeping forge never sees one without the other.
        let lock = tempfile::Builder::new().prefix(&format!("{name}.")).suffix(".lock").tempfile_in(&parent).map_err(fail)?;
        lock.as_file().lock().map_err(fail)?;
        let (lock, lock_path) = lock.keep().map_err(|e| fail(e.error))?;
        let path = lock_path.with_extension("");
        fs::create_dir(&path).map_err(fail)?;
        Ok(WorkDir { path, lock_path, _lock: lock })
    }

    fn sweep(&self, parent: &Path) {
        let Ok(entries) = fs::read_dir(parent) else { return };
        for lock_path in entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "lock")) {
            let Ok(lock) = File::open(&lock_path) else { continue };
            if lock.try_lock().is_ok() {
                let _ = remove_dir_all(&lock_path.with_extension(""));
                let _ = fs::remove_file(&lock_path);
            }
        }
    }

    /// Moves the tree of a failed build to where the user finds it, in the place of an earlier one of that name.
    pub fn keep_failed(&self, work: WorkDir, name: &str) -> Result<PathBuf, StoreError> {
        let kept = self.root.join("failed").join(name);
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        fs::create_dir_all(self.root.join("failed")).map_err(fail(&kept))?;
        if kept.exists() {
            remove_dir_all(&kept)?;
        }
        fs::rename(&work.path, &kept).map_err(fail(&kept))?;
        Ok(kept)
    }
}

/// Makes a store where there is none. Gives the file that says its format.
fn prepare(root: &Path) -> Result<PathBuf, StoreError> {
    let marker = root.join("format");
    match fs::read_to_string(&marker) {
        Ok(text) if text == FORMAT => {}
        Ok(found) => return Err(StoreError::Format { path: root.to_owned(), found: found.trim().to_owned() }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            for folder in ["git", "modules", "folders", "builds", "memo", "work", "failed"] {
                let path = root.join(folder);
                fs::create_dir_all(&path).map_err(|source| StoreError::Io { path, source })?;
            }
            write_atomic(&marker, FORMAT.as_bytes(), 0o644)?;
        }
        Err(source) => return Err(StoreError::Io { path: marker, source }),
    }
    Ok(marker)
}

impl WorkDir {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = remove_dir_all(&self.path);
        let _ = fs::remove_file(&self.lock_path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_the_living_stays_and_of_the_dead_goes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let living = store.work_dir("a").unwrap();
        fs::write(living.path().join("x"), "x").unwrap();
        let dead = dir.path().join("work/b.dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dir.path().join("work/b.dead.lock"), "").unwrap();
        let other = store.work_dir("c").unwrap();
        assert!(living.path().join("x").exists());
        assert!(!dead.exists());
        drop(other);
        let kept = store.keep_failed(living, "a").unwrap();
        assert!(kept.join("x").exists());
        assert_eq!(fs::read_dir(dir.path().join("work")).unwrap().count(), 0);
    }

    #[test]
    fn a_store_of_another_format_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("format"), "9\n").unwrap();
        assert!(matches!(Store::open(dir.path()), Err(StoreError::Format { .. })));
    }

    #[test]
    fn names_of_repositories_carry_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let with = store.git(&GitUrl::new("https://u:secret@h/k0s.git").unwrap());
        assert!(with.file_name().unwrap().to_str().unwrap().starts_with("k0s-"));
        assert!(!with.display().to_string().contains("secret"));
    }
}
