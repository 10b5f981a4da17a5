//! Trees from folders: the releases of a `path` upstream, on disk or built in, and folders that a recipe replaces modules by.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::files::{Files, Listing, Origin};
use crate::git::objects::{Changes, Mode, Objects};
use crate::names::{RelPath, Revision, Sha256, TreeId};
use crate::plan::KeyBuilder;
use crate::source::checkout::{Checkout, SourceError};
use crate::store::Store;

/// A file that is larger than this is no source file.
const LIMIT: u64 = 64 << 20;

/// The releases of a `path` upstream: the names of its folders.
pub fn folder_releases(files: &Files, folder: &RelPath) -> Result<Vec<Revision>, SourceError> {
    let listing = files.list(folder)?.ok_or_else(|| SourceError::NoFolder { folder: folder.to_string() })?;
    Ok(listing.folders.iter().filter_map(|name| Revision::new(name.clone()).ok()).collect())
}

/// The tree of one folder of the project.
pub fn from_project_folder(store: &Store, files: &Files, folder: &RelPath) -> Result<Checkout, SourceError> {
    let changes = read_project_folder(files, folder)?;
    import(store, &changes)
}

/// A digest of one folder of the project; differs where the tree differs. Writes nothing.
pub fn digest_project_folder(files: &Files, folder: &RelPath) -> Result<Sha256, SourceError> {
    Ok(digest(&read_project_folder(files, folder)?))
}

/// The tree of a folder anywhere on disk (a `replace` by path).
pub fn from_folder(store: &Store, folder: &Path) -> Result<Checkout, SourceError> {
    import(store, &read_folder(folder)?)
}

/// A digest of a folder anywhere on disk.
pub fn digest_folder(folder: &Path) -> Result<Sha256, SourceError> {
    Ok(digest(&read_folder(folder)?))
}

fn import(store: &Store, changes: &Changes) -> Result<Checkout, SourceError> {
    let path = store.folders();
    let tree: TreeId = Objects::init(&path)?.write(None, changes)?;
    Ok(Checkout::new(path, tree))
}

fn digest(changes: &Changes) -> Sha256 {
    let mut key = KeyBuilder::new("folder");
    for (path, change) in changes {
        let Some((mode, content)) = change else { continue };
        key = key.field(path.as_str(), mode.bits().to_string()).field("", content);
    }
    key.finish()
}

fn read_project_folder(files: &Files, folder: &RelPath) -> Result<Changes, SourceError> {
    let listing = files.list(folder)?.ok_or_else(|| SourceError::NoFolder { folder: folder.to_string() })?;
    if let Origin::Disk(path) = &listing.origin {
        return read_folder(path);
    }
    let mut changes = Changes::new();
    read_built_in(files, folder, &listing, "", &mut changes)?;
    Ok(changes)
}

fn read_built_in(
    files: &Files,
    folder: &RelPath,
    listing: &Listing,
    prefix: &str,
    changes: &mut Changes,
) -> Result<(), SourceError> {
    let name_error =
        |e: crate::names::NameError| SourceError::Folder { path: folder.as_path().to_owned(), reason: e.to_string() };
    for name in &listing.files {
        let Some(found) = files.read_in(listing, name, LIMIT)? else { continue };
        changes.insert(RelPath::new(format!("{prefix}{name}")).map_err(name_error)?, Some((Mode::File, found.bytes)));
    }
    for name in &listing.folders {
        let below = folder.join(name).map_err(name_error)?;
        if let Some(inner) = files.list_built_in(&below) {
            read_built_in(files, &below, &inner, &format!("{prefix}{name}/"), changes)?;
        }
    }
    Ok(())
}

fn read_folder(root: &Path) -> Result<Changes, SourceError> {
    let mut changes = Changes::new();
    read_level(root, "", &mut changes)?;
    Ok(changes)
}

fn read_level(folder: &Path, prefix: &str, changes: &mut Changes) -> Result<(), SourceError> {
    let wrong = |path: &Path, reason: String| SourceError::Folder { path: path.to_owned(), reason };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(SourceError::NoFolder { folder: folder.display().to_string() });
        }
        Err(e) => return Err(wrong(folder, e.to_string())),
    };
    for entry in entries {
        let path = entry.map_err(|e| wrong(folder, e.to_string()))?.path();
        let meta = fs::symlink_metadata(&path).map_err(|e| wrong(&path, e.to_string()))?;
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
            return Err(wrong(&path, "the name is not UTF-8".into()));
        };
        // A repository's own data is no source.
        if name == ".git" {
            continue;
        }
        let relative = RelPath::new(format!("{prefix}{name}")).map_err(|e| wrong(&path, e.to_string()))?;
        if meta.is_dir() {
            read_level(&path, &format!("{relative}/"), changes)?;
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(|e| wrong(&path, e.to_string()))?;
            let target = target.to_str().ok_or_else(|| wrong(&path, "the link's target is not UTF-8".into()))?;
            changes.insert(relative, Some((Mode::Symlink, target.as_bytes().to_vec())));
        } else if meta.is_file() {
            if meta.size() > LIMIT {
                return Err(wrong(&path, format!("it has more than {LIMIT} bytes")));
            }
            let mode = if meta.permissions().mode() & 0o100 == 0 { Mode::File } else { Mode::Executable };
            changes.insert(relative, Some((mode, fs::read(&path).map_err(|e| wrong(&path, e.to_string()))?)));
        } else {
            return Err(wrong(&path, "it is neither a file nor a folder nor a link".into()));
        }
    }
    Ok(())
}
