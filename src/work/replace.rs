//! Writing a series' folder as a whole: whoever looks sees the old one or the new one, also after a crash.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::disk::{DiskError, create_dir_all, remove_dir_all, rename_synced, write_atomic};
use crate::files::Draft;

/// How names of folders begin that are about to become a series, or were one a moment ago.
const PREFIX: &str = ".forge-";

/// Makes the files of `folder` those of `draft`; `old` are the files that it is known to have, of which those that the draft
/// lacks go away. Everything else in the folder stays. Nothing is written where nothing differs.
pub fn replace(folder: &Path, old: &Draft, draft: &Draft) -> Result<u64, DiskError> {
    let changed: BTreeSet<&String> =
        draft.iter().filter(|(name, bytes)| old.get(*name) != Some(bytes)).map(|(name, _)| name).collect();
    let gone: BTreeSet<&String> = old.keys().filter(|name| !draft.contains_key(*name)).collect();
    let bytes = changed.iter().map(|name| draft[*name].len() as u64).sum();
    if changed.is_empty() && gone.is_empty() {
        return Ok(0);
    }
    // What a link leads to is replaced, not the link.
    let folder = &fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let exists = folder.is_dir();
    if let (true, [name], true) = (exists, &changed.iter().collect::<Vec<_>>()[..], gone.is_empty()) {
        let path = folder.join(name);
        write_atomic(&path, &draft[**name], mode_of(&path))?;
        return Ok(bytes);
    }
    let parent = folder.parent().unwrap_or(folder);
    create_dir_all(parent)?;
    sweep(parent);
    let fail = |source| DiskError::new("write", folder, source);
    let new = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).map_err(fail)?;
    let staged = new.path().join("series");
    fs::create_dir(&staged).map_err(fail)?;
    if exists {
        let meta = fs::metadata(folder).map_err(fail)?;
        fs::set_permissions(&staged, meta.permissions()).map_err(fail)?;
        let skip = |name: &str| changed.contains(&name.to_owned()) || gone.contains(&name.to_owned());
        link_all(folder, &staged, &skip)?;
    }
    for name in &changed {
        write_atomic(&staged.join(name), &draft[*name], mode_of(&folder.join(name)))?;
    }
    if exists {
        exchange(&staged, folder)?
    } else {
        rename_synced(&staged, folder)?
    }
    drop(new);
    Ok(bytes)
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).map_or(0o644, |meta| meta.permissions().mode() & 0o777)
}

/// Files by links, so that nothing that stays is copied; folders anew.
fn link_all(from: &Path, to: &Path, skip: &dyn Fn(&str) -> bool) -> Result<(), DiskError> {
    let read = |e| DiskError::new("read", from, e);
    for entry in fs::read_dir(from).map_err(read)? {
        let entry = entry.map_err(read)?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name().to_str().is_some_and(skip) {
            continue;
        }
        let kind = entry.file_type().map_err(read)?;
        let fail = |e| DiskError::new("write", &target, e);
        if kind.is_dir() {
            fs::create_dir(&target).map_err(fail)?;
            link_all(&path, &target, &|_| false)?;
        } else if kind.is_symlink() {
            let leads = fs::read_link(&path).map_err(read)?;
            std::os::unix::fs::symlink(leads, &target).map_err(fail)?;
        } else if fs::hard_link(&path, &target).is_err() {
            crate::disk::copy_atomic(&path, &target, mode_of(&path))?;
        }
    }
    Ok(())
}

/// Swaps two folders in one step. On file systems that cannot, the old one steps aside first: [`recover`] brings it back if
/// forge ends between the two steps.
fn exchange(staged: &Path, folder: &Path) -> Result<(), DiskError> {
    match renameat_with(CWD, staged, CWD, folder, RenameFlags::EXCHANGE) {
        Ok(()) => {
            let parent = folder.parent().unwrap_or(folder);
            let _ = fs::File::open(parent).and_then(|dir| dir.sync_all());
            return Ok(());
        }
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
        Err(e) => return Err(DiskError::new("write", folder, e.into())),
    }
    let aside = aside(folder);
    rename_synced(folder, &aside)?;
    if let Err(error) = rename_synced(staged, folder) {
        let _ = fs::rename(&aside, folder);
        return Err(error);
    }
    remove_dir_all(&aside)
}

/// Where a folder steps aside to.
fn aside(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!("{PREFIX}old-{name}"))
}

/// Brings a folder back that a killed forge had moved aside.
pub fn recover(folder: &Path) -> Result<(), DiskError> {
    let aside = aside(folder);
    match fs::symlink_metadata(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && aside.is_dir() => rename_synced(&aside, folder),
        _ => Ok(()),
    }
}

/// Removes what killed forges left. What another one is about to write is never older than an hour.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && !name.starts_with(".forge-old-"));
        let age = entry.metadata().ok().and_then(|meta| meta.modified().ok()?.elapsed().ok());
        if is_ours && age.is_some_and(|age| age.as_secs() > 3600) {
            let _ = remove_dir_all(&entry.path());
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
    fn a_folder_changes_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("s");
        let one = draft(&[("a.patch", "a"), ("b.patch", "b")]);
        assert_eq!(replace(&folder, &Draft::new(), &one).unwrap(), 2);
        fs::create_dir(folder.join("notes")).unwrap();
        fs::write(folder.join("notes/x"), "x").unwrap();
        std::os::unix::fs::symlink("a.patch", folder.join("link")).unwrap();
        let before = fs::metadata(folder.join("a.patch")).unwrap();
        let two = draft(&[("a.patch", "a"), ("c.patch", "ccc")]);
        assert_eq!(replace(&folder, &one, &two).unwrap(), 3);
        assert!(!folder.join("b.patch").exists());
        assert_eq!(fs::read(folder.join("c.patch")).unwrap(), b"ccc");
        assert_eq!(fs::read(folder.join("notes/x")).unwrap(), b"x");
        assert_eq!(fs::read_link(folder.join("link")).unwrap(), Path::new("a.patch"));
        assert_eq!(fs::metadata(folder.join("a.patch")).unwrap().modified().unwrap(), before.modified().unwrap());
        assert_eq!(replace(&folder, &two, &two).unwrap(), 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something was left behind");
    }

    #[test]
    fn a_folder_that_stepped_aside_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("s");
        fs::create_dir(aside(&folder)).unwrap();
        fs::write(aside(&folder).join("a.patch"), "a").unwrap();
        recover(&folder).unwrap();
        assert!(folder.join("a.patch").exists());
        recover(&folder).unwrap();
    }
}
