//! Toolchains as they come: a module zip of a proxy, or go.dev's archive. Both hold regular files and folders, and nothing of
//! them is written outside of the folder that they are unpacked to.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256 as Hasher};

use crate::disk::DiskError;
use crate::exec::{Interrupt, Interrupted};
use crate::names::{NameError, RelPath, visible};
use crate::plan::hex;

/// The most that a toolchain may hold: Go 1.26 has 12,000 files of 250 MB, and twice that in its archive.
const MOST_FILES: usize = 60_000;
const MOST_BYTES: u64 = 2 << 30;

/// Why a toolchain cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    /// A file of it cannot be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A name leads elsewhere.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It is not what it should be.
    #[error("{0}")]
    Form(String),
    /// forge was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Writes files below a folder, up to the limits.
struct Place<'a> {
    folder: &'a Path,
    interrupt: &'a Interrupt,
    files: usize,
    bytes: u64,
}

impl<'a> Place<'a> {
    fn new(folder: &'a Path, interrupt: &'a Interrupt) -> Self {
        Self { folder, interrupt, files: 0, bytes: 0 }
    }

    /// Writes one file, which must be new, and gives the SHA-256 of its content in hex.
    fn file(&mut self, name: &RelPath, executable: bool, from: &mut dyn Read) -> Result<String, UnpackError> {
        self.interrupt.check()?;
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(UnpackError::Form(format!("it holds more than {MOST_FILES} files")));
        }
        let path = name.below(self.folder);
        if let Some(folder) = path.parent() {
            crate::disk::create_dir_all(folder)?;
        }
        let fail = |e| DiskError::new("write", &path, e);
        let mode = if executable { 0o755 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).map_err(fail)?;
        let mut file = BufWriter::with_capacity(1 << 16, file);
        let mut hasher = Hasher::new();
        let mut piece = [0; 1 << 14];
        loop {
            let read = from.read(&mut piece).map_err(|e| UnpackError::Form(format!("{}: {e}", visible(name.as_str()))))?;
            if read == 0 {
                break;
            }
            self.bytes += read as u64;
            if self.bytes > MOST_BYTES {
                return Err(UnpackError::Form(format!("it holds more than {MOST_BYTES} bytes")));
            }
            hasher.update(&piece[..read]);
            file.write_all(&piece[..read]).map_err(fail)?;
        }
        file.flush().map_err(fail)?;
        Ok(hex(&hasher.finalize()).to_string())
    }
}

fn reading(path: &Path) -> impl Fn(io::Error) -> UnpackError {
    let path = path.to_owned();
    move |e| DiskError::new("read", &path, e).into()
}

/// Unpacks a module zip (<https://go.dev/ref/mod#zip-files>), whose names all begin with `MODULE@VERSION/`, and gives its `h1:`
/// sum: `Hash1` of golang.org/x/mod/sumdb/dirhash over all names with the prefix.
pub(super) fn unpack_module(zip: &Path, prefix: &str, folder: &Path, interrupt: &Interrupt) -> Result<String, UnpackError> {
    let form = |e: zip::result::ZipError| UnpackError::Form(format!("it is no zip file ({e})"));
    let file = BufReader::with_capacity(1 << 17, File::open(zip).map_err(reading(zip))?);
    let mut archive = zip::ZipArchive::new(file).map_err(form)?;
    let mut place = Place::new(folder, interrupt);
    let mut sums = BTreeMap::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(form)?;
        let name = std::str::from_utf8(member.name_raw()).map_err(|_| UnpackError::Form("a name is not UTF-8".into()))?;
        let name = name.to_owned();
        let inner = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
        let inner = inner.ok_or_else(|| UnpackError::Form(format!("{:?} is not below {prefix}/", visible(&name))))?;
        let sum = place.file(&RelPath::new(inner)?, false, &mut member)?;
        sums.insert(name, sum);
    }
    Ok(hash1(&sums))
}

/// `h1:` and the SHA-256, in base64, of a line for each file in the order of their names: SHA-256 in hex, two spaces, name.
fn hash1(sums: &BTreeMap<String, String>) -> String {
    let mut hasher = Hasher::new();
    for (name, sum) in sums {
        hasher.update(format!("{sum}  {name}\n"));
    }
    format!("h1:{}", STANDARD.encode(hasher.finalize()))
}

/// What the go command does with a toolchain that came as a module (`cmd/go/internal/toolchain/select.go`): a module's zip has
/// no modes, and no go.mod below its own.
pub(super) fn finish_module(folder: &Path) -> Result<(), DiskError> {
    for path in files(&folder.join("pkg/tool"))?.into_iter().chain(files(&folder.join("bin"))?) {
        executable(&path)?;
    }
    for path in files(&folder.join("lib"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("go_") && name.ends_with("_exec") {
            executable(&path)?;
        }
    }
    for path in files(folder)?.into_iter().filter(|path| path.file_name().is_some_and(|name| name == "_go.mod")) {
        let to = path.with_file_name("go.mod");
        fs::copy(&path, &to).map_err(|e| DiskError::new("write", &to, e))?;
    }
    Ok(())
}

fn executable(path: &Path) -> Result<(), DiskError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(|e| DiskError::new("write", path, e))
}

/// All files below a folder; none where there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let fail = |e| DiskError::new("read", folder, e);
    let mut out = Vec::new();
    if !folder.is_dir() {
        return Ok(out);
    }
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        match entry.file_type().map_err(fail)?.is_dir() {
            true => out.extend(files(&entry.path())?),
            false => out.push(entry.path()),
        }
    }
    Ok(out)
}

/// Unpacks go.dev's archive, in which everything is below `go/`.
pub(super) fn unpack_archive(archive: &Path, folder: &Path, interrupt: &Interrupt) -> Result<(), UnpackError> {
    let form = |e: io::Error| UnpackError::Form(format!("it is no tar.gz file ({e})"));
    let file = BufReader::with_capacity(1 << 17, File::open(archive).map_err(reading(archive))?);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut place = Place::new(folder, interrupt);
    for entry in archive.entries().map_err(form)? {
        let mut entry = entry.map_err(form)?;
        let name = String::from_utf8(entry.path_bytes().into_owned());
        let name = name.map_err(|_| UnpackError::Form("a name is not UTF-8".into()))?;
        let inner =
            name.strip_prefix("go/").ok_or_else(|| UnpackError::Form(format!("{:?} is not below go/", visible(&name))))?;
        match entry.header().entry_type() {
            tar::EntryType::Directory if inner.is_empty() => {}
            tar::EntryType::Directory => {
                let path = RelPath::new(inner.trim_end_matches('/'))?.below(folder);
                crate::disk::create_dir_all(&path)?;
            }
            tar::EntryType::Regular => {
                let executable = entry.header().mode().map_err(form)? & 0o111 != 0;
                place.file(&RelPath::new(inner)?, executable, &mut entry)?;
            }
            other => return Err(UnpackError::Form(format!("{:?} is neither file nor folder ({other:?})", visible(&name)))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zipped(dir: &Path, files: &[(&str, &str)]) -> PathBuf {
        let path = dir.join("x.zip");
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, text) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    #[test]
    fn a_sum_is_what_go_makes_of_it() {
        // The example of the documentation of dirhash: `sha256sum $(find . -type f | sort) | sha256sum`, in base64.
        let dir = tempfile::tempdir().unwrap();
        let zip = zipped(dir.path(), &[("m@v/xyz", "data for xyz"), ("m@v/abc", "data for abc")]);
        let sum = unpack_module(&zip, "m@v", &dir.path().join("out"), &Interrupt::never()).unwrap();
        let lines = [("data for abc", "m@v/abc"), ("data for xyz", "m@v/xyz")].map(|(text, name)| {
            let hex: String = Hasher::digest(text).iter().map(|b| format!("{b:02x}")).collect();
            format!("{hex}  {name}\n")
        });
        assert_eq!(sum, format!("h1:{}", STANDARD.encode(Hasher::digest(lines.concat()))));
        assert_eq!(fs::read(dir.path().join("out/xyz")).unwrap(), b"data for xyz");
    }

    #[test]
    fn a_module_stays_below_its_prefix() {
        for name in ["other/x", "m@v/../x", "m@v//x", "m@v/a/", "m@v/.git/config", "m@v\\x", "m@v"] {
            let dir = tempfile::tempdir().unwrap();
            let zip = zipped(dir.path(), &[(name, "x")]);
            let done = unpack_module(&zip, "m@v", &dir.path().join("out"), &Interrupt::never());
            assert!(matches!(done, Err(UnpackError::Form(_) | UnpackError::Name(_))), "{name}: {done:?}");
        }
    }

    #[test]
    fn an_archive_holds_files_and_folders_below_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tar.gz");
        let make = |name: &str, kind: tar::EntryType, mode: u32| {
            let gz = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
            let mut builder = tar::Builder::new(gz);
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_size(if kind == tar::EntryType::Regular { 1 } else { 0 });
            if kind == tar::EntryType::Symlink {
                header.set_link_name("/etc").unwrap();
            }
            header.set_cksum();
            builder.append(&header, &b"x"[..header.size().unwrap() as usize]).unwrap();
            builder.into_inner().unwrap().finish().unwrap();
        };
        let unpack = |to: &str| unpack_archive(&path, &dir.path().join(to), &Interrupt::never());
        make("go/bin/go", tar::EntryType::Regular, 0o4755);
        unpack("good").unwrap();
        let mode = fs::metadata(dir.path().join("good/bin/go")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777 & !0o022, 0o755 & !0o022);
        for (name, kind) in [
            ("go/x", tar::EntryType::Symlink),
            ("go/x", tar::EntryType::Link),
            ("go/x", tar::EntryType::Char),
            ("go/../x", tar::EntryType::Regular),
            ("/x", tar::EntryType::Regular),
            ("go/../../d/", tar::EntryType::Directory),
            ("x", tar::EntryType::Regular),
        ] {
            make(name, kind, 0o644);
            assert!(unpack("bad").is_err(), "{name} {kind:?} was taken");
        }
        fs::write(&path, "no archive").unwrap();
        assert!(matches!(unpack("bad"), Err(UnpackError::Form(_))));
    }

    #[test]
    fn a_stop_is_heard() {
        let dir = tempfile::tempdir().unwrap();
        let zip = zipped(dir.path(), &[("m@v/x", "x")]);
        let interrupt = Interrupt::by_hand().unwrap();
        interrupt.raise(2);
        let done = unpack_module(&zip, "m@v", &dir.path().join("out"), &interrupt);
        assert!(matches!(done, Err(UnpackError::Interrupted(_))), "{done:?}");
    }
}
