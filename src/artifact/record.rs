//! The record of a finished build in the store: `builds/KEY/{binary,log,record.json}`. A folder is complete or absent.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256 as Hasher};

use crate::artifact::deliver::ArtifactError;
use crate::disk::{copy_atomic, move_file, remove_dir_all, write_atomic};
use crate::names::{ComponentName, GoVersion, Revision, Sha256, Target};
use crate::plan::{BuildPlan, hex};
use crate::store::Store;

/// What identifies a file without reading it: any write changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::artifact) struct FileStamp {
    size: u64,
    inode: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
}

impl FileStamp {
    /// Reads the stamp of a regular file (never of what a link points to).
    pub(in crate::artifact) fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::symlink_metadata(path)?;
        if !meta.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self {
            size: meta.size(),
            inode: meta.ino(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            ctime: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

/// What a finished build was: the flat record of what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The build key.
    pub key: Sha256,
    /// The component.
    pub component: ComponentName,
    /// The release.
    pub version: Revision,
    /// The platform.
    pub target: Target,
    /// The Go version.
    pub go: GoVersion,
    /// The binary's checksum.
    pub sha256: Sha256,
    /// The binary's size in bytes.
    pub size: u64,
    /// How long the build took, in milliseconds.
    pub took_ms: u64,
    /// Facts that were checked and held.
    pub facts: usize,
    /// Facts that need a run on a platform that cannot run here.
    pub facts_not_run: usize,
    stamp: FileStamp,
}

/// A build whose binary is in the store.
#[derive(Debug, Clone)]
pub struct Stored {
    folder: PathBuf,
    record: Record,
}

impl Stored {
    /// What happened.
    pub fn record(&self) -> &Record {
        &self.record
    }
    /// The binary in the store.
    pub fn binary(&self) -> PathBuf {
        self.folder.join("binary")
    }
    /// The log in the store.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
    pub(in crate::artifact) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The build of this key, where its binary is in the store and untouched. One that was touched is hashed again; one that is
/// not what it was is as good as absent.
pub fn find(store: &Store, key: &Sha256) -> Option<Stored> {
    let folder = store.build(key);
    let text = fs::read(folder.join("record.json")).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    let binary = folder.join("binary");
    let now = FileStamp::of(&binary).ok()?;
    if now != record.stamp && (now.size != record.size || sha256_file(&binary).ok()? != record.sha256) {
        return None;
    }
    if record.key != *key {
        return None;
    }
    remember_use(&folder.join("record.json"));
    Some(Stored { folder, record })
}

/// Notes that a build was used, by the time of its record: `store::clean` takes the longest unused first. Once an hour will do.
fn remember_use(record: &Path) {
    let noted = |file: &File| file.metadata().ok()?.modified().ok()?.elapsed().ok();
    if let Ok(file) = File::open(record)
        && noted(&file).is_some_and(|since| since > Duration::from_secs(3600))
    {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Puts a checked binary and its log into the store. The binary is moved: it must be in a work folder of the same store.
pub fn keep(
    store: &Store,
    plan: &BuildPlan,
    binary: &Path,
    log: &Path,
    took_ms: u64,
    facts: usize,
    facts_not_run: usize,
) -> Result<Stored, ArtifactError> {
    let folder = store.build(&plan.key);
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ArtifactError::Io { path, source }
    };
    let parent = store.root().join("builds");
    let fresh = tempfile::Builder::new().prefix("new.").tempdir_in(&parent).map_err(io(&parent))?;
    let kept = fresh.path().join("binary");
    let size = move_file(binary, &kept, 0o755)?;
    copy_atomic(log, &fresh.path().join("log"), 0o644)?;
    let record = Record {
        key: plan.key.clone(),
        component: plan.component.clone(),
        version: plan.version.clone(),
        target: plan.target.clone(),
        go: plan.build.go.clone(),
        sha256: sha256_file(&kept).map_err(io(&kept))?,
        size,
        took_ms,
        facts,
        facts_not_run,
        stamp: FileStamp::of(&kept).map_err(io(&kept))?,
    };
    let text = serde_json::to_vec_pretty(&record).expect("a record is plain data");
    write_atomic(&fresh.path().join("record.json"), &text, 0o644)?;
    let fresh = fresh.keep();
    if fs::rename(&fresh, &folder).is_err() {
        // Another forge was first, and may be copying it at this moment: same key, same bytes.
        if let Some(stored) = find(store, &plan.key) {
            remove_dir_all(&fresh)?;
            return Ok(stored);
        }
        // A damaged one lies there: ours is whole.
        remove_dir_all(&folder)?;
        fs::rename(&fresh, &folder).map_err(io(&folder))?;
    }
    Ok(Stored { folder, record })
}

/// The SHA-256 of a file.
pub fn sha256_file(path: &Path) -> io::Result<Sha256> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut chunk = vec![0; 1 << 17];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&chunk[..n]),
        }
    }
}

/// The SHA-256 of bytes.
pub fn sha256_bytes(bytes: &[u8]) -> Sha256 {
    hex(&Hasher::digest(bytes))
}
