//! Making room in a store: what nobody needs goes at once, what can be fetched or built again goes by age and size.
//!
//! Every forge that uses a store holds a shared lock on it. Finished builds and clones are taken away only while nobody does:
//! they are moved aside under the exclusive lock, which takes a moment, and removed afterwards.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Store, StoreError, prepare};
use crate::disk::{FileLock, remove_dir_all};

/// What may stay.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    /// The size of the whole store in bytes.
    pub size: Option<u64>,
    /// The time since something was used last.
    pub age: Option<Duration>,
}

/// What something in a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What a killed forge left.
    Rubbish,
    /// The tree of a failed build.
    Failed,
    /// A remembered fact.
    Memo,
    /// A finished build.
    Build,
    /// A Go that forge fetched.
    Toolchain,
    /// A file that upstream released.
    Download,
    /// Sources of an origin.
    Clone,
}

/// Something in a store that can be removed on its own.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub path: PathBuf,
    /// The room that it takes on the disk.
    pub bytes: u64,
    /// When it was used last, as far as that is known.
    pub used: SystemTime,
}

impl Item {
    /// The item and what lies beside it as `NAME.git.ENDING`: a clone's list of tags speaks of objects that go with it. Its lock
    /// stays, others may wait for it.
    fn paths(&self) -> Vec<PathBuf> {
        let mut paths = vec![self.path.clone()];
        if self.kind == Kind::Clone {
            let name = with_ending(&self.path, ".");
            let is_beside = |path: &PathBuf| path.as_os_str().as_encoded_bytes().starts_with(name.as_os_str().as_encoded_bytes());
            let beside = entries(self.path.parent().unwrap_or(&self.path)).into_iter().filter(is_beside);
            paths.extend(beside.filter(|path| path.extension().is_none_or(|e| e != "lock")));
        }
        paths
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(ending);
    path.into()
}

/// What was done, or would be.
#[derive(Debug, Clone, Default)]
pub struct Cleaned {
    /// What went.
    pub removed: Vec<Item>,
    /// The room that everything else takes.
    pub left: u64,
    /// Whether other forges are at work, so that nothing was taken that one of them might use.
    pub busy: bool,
}

/// Cleans the store at `root`. With `dry_run` nothing is changed.
pub fn clean(root: &Path, budget: Budget, dry_run: bool) -> Result<Cleaned, StoreError> {
    let marker = prepare(root)?;
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { path, source }
    };
    let lock = File::open(&marker).map_err(fail(&marker))?;
    let busy = lock.try_lock().is_err();
    let store = Store { root: root.to_owned(), _used: None };
    let items = store.items();
    let total: u64 = items.iter().map(|item| item.bytes).sum();
    let mut cleaned = Cleaned { removed: Vec::new(), left: total, busy };
    for item in chosen(items, total, budget, busy) {
        cleaned.left -= item.bytes;
        cleaned.removed.push(item);
    }
    if dry_run || cleaned.removed.is_empty() {
        return Ok(cleaned);
    }
    let aside = store.work_dir("gc")?;
    for (number, item) in cleaned.removed.iter().enumerate() {
        for (name, path) in item.paths().iter().enumerate() {
            match fs::rename(path, aside.path().join(format!("{number}.{name}"))) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(fail(path)(e)),
                _ => {}
            }
        }
    }
    drop(lock);
    remove_dir_all(aside.path())?;
    Ok(cleaned)
}

/// What goes: rubbish always, failed trees where there is no budget, the rest by age, and then the longest unused until the
/// size fits.
fn chosen(mut items: Vec<Item>, total: u64, budget: Budget, busy: bool) -> Vec<Item> {
    let now = SystemTime::now();
    items.sort_by_key(|item| (item.kind, item.used));
    let mut left = total;
    let mut out = Vec::new();
    for item in items {
        let old = budget.age.is_some_and(|age| now.duration_since(item.used).is_ok_and(|since| since >= age));
        let too_much = budget.size.is_some_and(|size| left > size);
        let goes = match item.kind {
            Kind::Rubbish => true,
            Kind::Failed => old || too_much || budget.age.is_none() && budget.size.is_none(),
            Kind::Memo | Kind::Build | Kind::Toolchain | Kind::Download | Kind::Clone => !busy && (old || too_much),
        };
        if goes {
            left -= item.bytes;
            out.push(item);
        }
    }
    out
}

impl Store {
    /// Everything that can be removed on its own. Work folders of living forges are not among it.
    fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut add = |kind: Kind, path: PathBuf, used: &[PathBuf]| {
            let times = used.iter().chain([&path]).filter_map(|p| fs::symlink_metadata(p).ok()?.modified().ok());
            let used = times.max().unwrap_or(SystemTime::UNIX_EPOCH);
            let mut item = Item { kind, path, bytes: 0, used };
            item.bytes = item.paths().iter().map(|p| size_of(p)).sum();
            items.push(item);
        };
        for path in entries(&self.root.join("failed")) {
            add(Kind::Failed, path, &[]);
        }
        for path in entries(&self.root.join("builds")) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // A build that was never finished is a folder `new.XXXXXX`; while others are at work it may be theirs.
            add(Kind::Build, path.clone(), &if name.starts_with("new.") { vec![] } else { vec![path.join("record.json")] });
        }
        for path in entries(&self.root.join("toolchains")) {
            add(Kind::Toolchain, path, &[]);
        }
        for path in entries(&self.root.join("downloads")) {
            add(Kind::Download, path, &[]);
        }
        for path in entries(&self.root.join("memo")) {
            add(Kind::Memo, path, &[]);
        }
        for folder in ["git", "modules", "folders", "survey", "history"] {
            for path in entries(&self.root.join(folder)).into_iter().filter(|p| p.extension().is_some_and(|e| e == "git")) {
                // A git that outlived its forge still holds it.
                let lock = with_ending(&path, ".lock");
                let free = lock.exists().then(|| FileLock::try_acquire(&lock));
                if matches!(free, Some(Ok(None))) {
                    continue;
                }
                add(Kind::Clone, path.clone(), &[path.join("refs/forge"), path.join("FETCH_HEAD"), path.join("objects")]);
            }
        }
        let work = entries(&self.root.join("work"));
        for path in work.iter().filter(|p| p.extension().is_none_or(|e| e != "lock")) {
            // A path is NAME.XXXXXX, its lock NAME.XXXXXX.lock.
            let living = File::open(with_ending(path, ".lock")).is_ok_and(|lock| lock.try_lock().is_err());
            if !living && path.is_dir() {
                add(Kind::Rubbish, path.clone(), &[]);
            }
        }
        items
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The blocks of a file or of everything below a folder, in bytes.
fn size_of(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    let below: u64 = if meta.is_dir() { entries(path).iter().map(|p| size_of(p)).sum() } else { 0 };
    meta.blocks() * 512 + below
}
