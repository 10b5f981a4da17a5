//! Writing files so that a kill at any moment leaves the old or the new, and locks that end with their holder.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::event::{Event, Reporter};
use crate::exec::{Interrupt, Interrupted};

/// Something on disk could not be done.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DiskError {
    /// No space is left, or the user's quota is used up.
    #[error("no space is left for {}", path.display())]
    #[diagnostic(help(
        "free some space (the store may be removed at any time), or choose another place with `--store DIR` or `--out DIR`"
    ))]
    Full {
        /// What was to be written.
        path: PathBuf,
    },
    /// Writing is forbidden there.
    #[error("{} cannot be written: {source}", path.display())]
    #[diagnostic(help(
        "see who owns the folder and whether it is read-only, or choose another place with `--store DIR` or `--out DIR`"
    ))]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot {what} {}: {source}", path.display())]
    #[diagnostic(help("see that the path and the folder around it are what you expect"))]
    Io {
        /// What was tried, in the infinitive.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// forge was asked to stop while it waited.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl DiskError {
    /// The error for `path`, told by the kind of `source`. `what` is a verb in the infinitive, such as "write".
    pub fn new(what: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied if what != "read" => {
                Self::ReadOnly { path, source }
            }
            _ => Self::Io { what, path, source },
        }
    }
}

/// True for a folder that holds nothing, or is not there.
pub fn is_free(dir: &Path) -> Result<bool, DiskError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(DiskError::new("read", dir, source)),
    }
}

/// Makes a folder and those above it.
pub fn create_dir_all(path: &Path) -> Result<(), DiskError> {
    fs::create_dir_all(path).map_err(|e| DiskError::new("create", path, e))
}

/// Writes a file as a whole: other processes see the old or the new content, also after a crash. `mode` is the new
/// file's, whatever the umask. The folder must exist.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DiskError> {
    write_atomic_with(path, mode, |file| file.write_all(bytes))
}

/// Like [`write_atomic`], with content that `fill` writes.
pub fn write_atomic_with(path: &Path, mode: u32, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), DiskError> {
    let fail = |source| DiskError::new("write", path, source);
    let mut temporary = temporary_beside(path)?;
    fill(temporary.as_file_mut()).map_err(fail)?;
    temporary.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(fail)?;
    temporary.as_file().sync_all().map_err(fail)?;
    temporary.persist(path).map_err(|e| fail(e.error))?;
    sync_dir(parent(path))
}

/// Like [`write_atomic`], for a file that is not there yet: one that came meanwhile stays, and is an error.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DiskError> {
    let fail = |source| DiskError::new("create", path, source);
    let mut temporary = temporary_beside(path)?;
    temporary.as_file_mut().write_all(bytes).map_err(fail)?;
    temporary.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(fail)?;
    temporary.as_file().sync_all().map_err(fail)?;
    temporary.persist_noclobber(path).map_err(|e| fail(e.error))?;
    sync_dir(parent(path))
}

/// Copies a file as a whole, as [`write_atomic`] writes one. Gives the number of bytes.
pub fn copy_atomic(from: &Path, to: &Path, mode: u32) -> Result<u64, DiskError> {
    let mut source = File::open(from).map_err(|e| DiskError::new("read", from, e))?;
    let mut copied = 0;
    write_atomic_with(to, mode, |file| {
        copied = io::copy(&mut source, file)?;
        Ok(())
    })?;
    Ok(copied)
}

/// Moves a file to another folder of the same file system and makes it last, with this mode. The folder must exist.
pub fn move_file(from: &Path, to: &Path, mode: u32) -> Result<u64, DiskError> {
    let fail = |source| DiskError::new("write", to, source);
    let file = File::open(from).map_err(|e| DiskError::new("read", from, e))?;
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    rename_synced(from, to)?;
    Ok(file.metadata().map_err(fail)?.len())
}

/// Moves a finished file or folder to its final name on the same file system and sees that the name lasts. Its content must
/// have been synced before.
pub fn rename_synced(from: &Path, to: &Path) -> Result<(), DiskError> {
    fs::rename(from, to).map_err(|e| DiskError::new("write", to, e))?;
    sync_dir(parent(to))
}

/// An empty file in the folder of `path` that goes away when it is dropped; its name starts with `.tmp-`.
fn temporary_beside(path: &Path) -> Result<tempfile::NamedTempFile, DiskError> {
    let mut name = OsString::from(".tmp-");
    name.push(path.file_name().unwrap_or_default());
    // The longest name that common file systems take is 255 bytes; what the random part adds must fit.
    let name = if name.len() > 200 { OsString::from(".tmp-long") } else { name };
    tempfile::Builder::new().prefix(&name).tempfile_in(parent(path)).map_err(|e| DiskError::new("write", path, e))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn sync_dir(path: &Path) -> Result<(), DiskError> {
    let synced = File::open(path).and_then(|dir| dir.sync_all());
    match synced {
        // Some network file systems cannot sync a folder; the rename was done all the same.
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(DiskError::new("sync", path, e))
        }
        _ => Ok(()),
    }
}

/// Sees that everything below a folder lasts, before the folder is renamed.
pub fn sync_below(folder: &Path) -> Result<(), DiskError> {
    let fail = |e: io::Error| DiskError::new("sync", folder, e);
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(folder).map_err(fail)?).map_err(|e| fail(e.into()))?;
    #[cfg(not(target_os = "linux"))]
    {
        File::open(folder).map_err(fail)?;
        rustix::fs::sync();
    }
    Ok(())
}

/// Removes a folder and all in it, also where folders in it are read-only (as Go's module cache makes them). Symbolic links
/// are removed, not followed. That it is not there is no error.
pub fn remove_dir_all(path: &Path) -> Result<(), DiskError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => unlock_folders(path)?,
        Err(e) => return Err(DiskError::new("remove", path, e)),
        Ok(()) => return Ok(()),
    }
    fs::remove_dir_all(path).map_err(|e| DiskError::new("remove", path, e))
}

fn unlock_folders(path: &Path) -> Result<(), DiskError> {
    let fail = |source| DiskError::new("remove", path, source);
    let mode = fs::symlink_metadata(path).map_err(fail)?.permissions().mode();
    if mode & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700)).map_err(fail)?;
    }
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_dir() {
            unlock_folders(&entry.path())?;
        }
    }
    Ok(())
}

/// An exclusive lock on a file, held until it is dropped. It is the system's lock on the open file (flock), so it ends with
/// its holder, however that dies. The file itself stays: removing it would let two holders lock two different files.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock; where another process has it, tells `reporter` once and waits, in reach of `interrupt`.
    pub fn acquire(path: &Path, reporter: &dyn Reporter, interrupt: &Interrupt) -> Result<Self, DiskError> {
        if let Some(lock) = Self::try_acquire(path)? {
            return Ok(lock);
        }
        reporter.report(Event::Waiting { lock: path.to_owned() });
        let mut pause = Duration::from_millis(1);
        loop {
            interrupt.check()?;
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(lock);
            }
        }
    }

    /// Takes the lock where nobody has it.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, DiskError> {
        let fail = |source| DiskError::new("lock", path, source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o666);
        let file = match options.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                create_dir_all(parent(path))?;
                options.open(path).map_err(fail)?
            }
            opened => opened.map_err(fail)?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file, path: path.to_owned() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(fail(e)),
        }
    }

    /// A second hold on the same lock, for a child to inherit: see [`crate::exec::Run::keep_open`].
    pub fn share(&self) -> Result<OwnedFd, DiskError> {
        self.file.try_clone().map(OwnedFd::from).map_err(|e| DiskError::new("lock", &self.path, e))
    }

    /// The lock's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::event::Silent;

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_atomic(&path, b"one", 0o644).unwrap();
        write_atomic(&path, b"two", 0o755).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o755);
        let to = dir.path().join("y");
        assert_eq!(copy_atomic(&path, &to, 0o600).unwrap(), 3);
        let full = write_atomic_with(&to, 0o644, |_| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
        assert!(matches!(full, DiskError::Full { .. }));
        assert_eq!(fs::read(&to).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "a temporary file stayed");
        let error = write_atomic(&dir.path().join("no/x"), b"", 0o644).unwrap_err();
        assert!(error.to_string().contains("no/x"), "{error}");
        write_atomic(&dir.path().join("n".repeat(255)), b"", 0o644).unwrap();
        assert!(write_new(&path, b"three", 0o644).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        write_new(&dir.path().join("new"), b"new", 0o644).unwrap();
        assert_eq!(fs::read(dir.path().join("new")).unwrap(), b"new");
    }

    #[test]
    fn a_lock_excludes_and_ends_with_its_holder() {
        struct Count(AtomicUsize);
        impl Reporter for Count {
            fn report(&self, event: Event) {
                assert!(matches!(event, Event::Waiting { .. }));
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/lock");
        let held = FileLock::acquire(&path, &Silent, &Interrupt::never()).unwrap();
        assert!(FileLock::try_acquire(&path).unwrap().is_none());
        let interrupt = Interrupt::by_hand().unwrap();
        let count = Count(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| FileLock::acquire(&path, &count, &Interrupt::never()).map(drop));
            let stopped = scope.spawn(|| FileLock::acquire(&path, &Silent, &interrupt).map(drop));
            std::thread::sleep(Duration::from_millis(30));
            interrupt.raise(2);
            assert!(matches!(stopped.join().unwrap(), Err(DiskError::Interrupted(Interrupted { signal: 2 }))));
            drop(held);
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(FileLock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn read_only_folders_are_removed_and_links_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let keep = dir.path().join("keep");
        fs::create_dir(&keep).unwrap();
        fs::write(keep.join("x"), "").unwrap();
        let gone = dir.path().join("gone");
        fs::create_dir_all(gone.join("a/b")).unwrap();
        fs::write(gone.join("a/b/f"), "").unwrap();
        std::os::unix::fs::symlink(&keep, gone.join("a/link")).unwrap();
        for folder in ["a/b", "a"] {
            fs::set_permissions(gone.join(folder), fs::Permissions::from_mode(0o555)).unwrap();
        }
        unlock_folders(&gone).unwrap(); // root would get through without
        remove_dir_all(&gone).unwrap();
        remove_dir_all(&gone).unwrap();
        assert!(!gone.exists() && keep.join("x").exists());
    }
}
