//! Delivery to the output folder: binary, log, and one line in `SHA256SUMS`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::artifact::record::{FileStamp, Stored, sha256_file};
use crate::disk::{DiskError, FileLock, copy_atomic, create_dir_all, write_atomic};
use crate::event::Reporter;
use crate::exec::Interrupt;
use crate::names::Sha256;
use crate::store::{Store, StoreError};

/// Why an artifact cannot be kept or delivered.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ArtifactError {
    /// The disk refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(#[from] DiskError),
    /// The store refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// A binary in the output folder.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The binary.
    pub path: PathBuf,
    /// True where it was there already, untouched.
    pub unchanged: bool,
}

#[derive(Serialize, Deserialize)]
struct Stamp {
    path: PathBuf,
    stamp: FileStamp,
}

fn stamp_path(stored: &Stored, path: &Path) -> PathBuf {
    let key = crate::plan::KeyBuilder::new("delivery").field("path", path.as_os_str().as_encoded_bytes()).finish();
    stored.folder().join(format!("delivered-{}.json", &key.as_str()[..16]))
}

/// True where this build's binary is at `dist/file_name`, untouched since it was put there, with its log and its line in
/// SHA256SUMS. Reads no binary.
pub fn delivered_already(stored: &Stored, dist: &Path, file_name: &str) -> bool {
    let path = dist.join(file_name);
    let known = fs::read(stamp_path(stored, &path)).ok().and_then(|text| serde_json::from_slice::<Stamp>(&text).ok());
    known.is_some_and(|known| known.path == path && FileStamp::of(&path).is_ok_and(|now| now == known.stamp))
        && dist.join(format!("{file_name}.log")).is_file()
        && read_sums(dist).is_ok_and(|sums| sums.get(file_name) == Some(&stored.record().sha256.to_string()))
}

/// Copies binary and log to `dist` (made where missing) and merges SHA256SUMS under a lock. Each file appears whole.
pub fn deliver(
    store: &Store,
    stored: &Stored,
    dist: &Path,
    file_name: &str,
    reporter: &dyn Reporter,
    interrupt: &Interrupt,
) -> Result<Delivered, ArtifactError> {
    let path = dist.join(file_name);
    if delivered_already(stored, dist, file_name) {
        return Ok(Delivered { path, unchanged: true });
    }
    create_dir_all(dist)?;
    let _lock = FileLock::acquire(&store.lock("dist", &dist.to_string_lossy())?, reporter, interrupt)?;
    let same = FileStamp::of(&path).is_ok() && sha256_file(&path).is_ok_and(|sum| sum == stored.record().sha256);
    if !same {
        copy_atomic(&stored.binary(), &path, 0o755)?;
    }
    copy_atomic(&stored.log(), &dist.join(format!("{file_name}.log")), 0o644)?;
    merge_sums(dist, file_name, &stored.record().sha256)?;
    let stamp = FileStamp::of(&path).map_err(|source| ArtifactError::Io { path: path.clone(), source })?;
    let text = serde_json::to_vec(&Stamp { path: path.clone(), stamp }).expect("a stamp is plain data");
    write_atomic(&stamp_path(stored, &path), &text, 0o644)?;
    Ok(Delivered { path, unchanged: same })
}

/// Adds a line; lines of files that are gone go too. Lines of other files in the folder stay.
fn merge_sums(dist: &Path, file_name: &str, sum: &Sha256) -> Result<(), ArtifactError> {
    let path = dist.join("SHA256SUMS");
    let mut sums = match read_sums(dist) {
        Ok(sums) => sums,
        Err(e) if e.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(source) => return Err(ArtifactError::Io { path, source }),
    };
    sums.retain(|name, _| dist.join(name).is_file());
    sums.insert(file_name.to_owned(), sum.to_string());
    let text: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    write_atomic(&path, text.as_bytes(), 0o644)?;
    Ok(())
}

/// The lines of SHA256SUMS, as `sha256sum` writes them.
fn read_sums(dist: &Path) -> io::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(dist.join("SHA256SUMS"))?;
    Ok(text
        .lines()
        .filter_map(|line| {
            line.split_once([' ']).map(|(sum, name)| (name.trim_start_matches([' ', '*']).to_owned(), sum.to_owned()))
        })
        .collect())
}
