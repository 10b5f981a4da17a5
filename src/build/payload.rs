//! Grafting: the zip at the end of a donor is appended to a bare executable. Offsets in a zip are relative to its own
//! beginning, so nothing in it is rewritten; what has to be known is where it begins, and that it fits.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{FileKind, ReadCache, ReadRef};
use sha2::{Digest, Sha256 as Hasher};

use crate::build::info::{InfoError, read_build_info};
use crate::disk::DiskError;
use crate::exec::{Interrupt, Interrupted};
use crate::names::{Revision, Target, visible};
use crate::plan::{Payload, hex};

/// Why a payload cannot be grafted.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PayloadError {
    /// A file cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(#[from] DiskError),
    /// The donor is no Go program.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Info(#[from] InfoError),
    /// Not an ELF file.
    #[error("{} cannot carry a payload: {reason}", path.display())]
    #[diagnostic(help("payloads are appended to ELF executables, those of linux"))]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No zip at its end, or none that can be cut off.
    #[error("{} has no payload to take: {reason}", path.display())]
    #[diagnostic(help("a donor is an executable as upstream released it, with a zip appended to it"))]
    Donor {
        /// The donor.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A member is damaged.
    #[error("{}: {member} in its payload is damaged: {reason}", path.display())]
    Member {
        /// The file.
        path: PathBuf,
        /// The member.
        member: String,
        /// What is wrong.
        reason: String,
    },
    /// The donor is for another platform.
    #[error("{} is for {found}, and its payload is wanted for {wanted}", path.display())]
    Target {
        /// The donor.
        path: PathBuf,
        /// Its platform.
        found: String,
        /// What is built.
        wanted: Target,
    },
    /// The donor is another release.
    #[error("{} is not {wanted}: that version is nowhere in it", path.display())]
    #[diagnostic(help("a payload belongs to one release: take the same one's"))]
    Version {
        /// The donor.
        path: PathBuf,
        /// What is built.
        wanted: Revision,
    },
    /// What was built has something behind its image already.
    #[error("{} is no bare executable: {} bytes follow its image", path.display(), size - end)]
    #[diagnostic(help("what make embeds cannot be replaced: build it without embedded programs"))]
    NotBare {
        /// What was built.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The end of its image.
        end: u64,
    },
    /// The result is not what it should be.
    #[error("the payload is not whole after it was appended to {}: {reason}", path.display())]
    Broken {
        /// The result.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// forge was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Finds the payload of a donor, which must be of this release and for this platform, and reads all of it.
pub fn inspect(donor: &Path, version: &Revision, target: &Target, interrupt: &Interrupt) -> Result<Payload, PayloadError> {
    let refuse = |reason: String| PayloadError::Donor { path: donor.to_owned(), reason };
    let (end, size) = image_end(donor)?;
    if end == size {
        return Err(refuse("nothing follows its image, it is a bare executable".into()));
    }
    let (start, members) = read_zip(donor, interrupt)?;
    if start == 0 {
        return Err(refuse("the offsets in its zip count from the beginning of the file, as `zip -A` makes them".into()));
    }
    if start != end {
        return Err(refuse(format!("its zip begins at byte {start}, and its image ends at byte {end}")));
    }
    match read_build_info(donor)?.target() {
        Some(found) if found == *target => {}
        found => {
            let found = found.map_or_else(|| "an unknown platform".to_owned(), |t| t.to_string());
            return Err(PayloadError::Target { path: donor.to_owned(), found, wanted: target.clone() });
        }
    }
    if !tells(donor, end, version.as_str()).map_err(reading(donor))? {
        return Err(PayloadError::Version { path: donor.to_owned(), wanted: version.clone() });
    }
    let (mut sha256, mut crc32) = (Hasher::new(), crc32fast::Hasher::new());
    read_from(donor, start, interrupt, &mut |bytes| {
        sha256.update(bytes);
        crc32.update(bytes);
    })?;
    let (sha256, crc32) = (hex(&sha256.finalize()), crc32.finalize());
    Ok(Payload { donor: donor.to_owned(), release: None, start, size: size - start, sha256, crc32, members })
}

/// Appends a payload to a bare executable, and reads it there: while the disk writes. The CRC of the whole was taken when that
/// of each member was compared, so that a copy that has the one has the others, too.
pub fn graft(binary: &Path, payload: &Payload, interrupt: &Interrupt) -> Result<(), PayloadError> {
    let (end, size) = image_end(binary)?;
    if end != size {
        return Err(PayloadError::NotBare { path: binary.to_owned(), size, end });
    }
    let broken = |reason: String| PayloadError::Broken { path: binary.to_owned(), reason };
    let (out, copied) = append(binary, payload)?;
    if copied != payload.size {
        return Err(broken(format!("{} gave {copied} bytes, and {} are wanted", payload.donor.display(), payload.size)));
    }
    let (synced, found) = std::thread::scope(|scope| {
        let synced = scope.spawn(|| out.sync_all());
        let mut crc32 = crc32fast::Hasher::new();
        let read = members(binary).and_then(|found| {
            read_from(binary, size, interrupt, &mut |bytes| crc32.update(bytes))?;
            Ok(found)
        });
        let found = read.map(|found| (found, crc32.finalize()));
        (synced.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), found)
    });
    synced.map_err(|e| DiskError::new("write", binary, e))?;
    let ((start, members), crc32) = match found {
        Ok(found) => found,
        Err(error @ (PayloadError::Interrupted(_) | PayloadError::Disk(_))) => return Err(error),
        Err(error) => return Err(broken(error.to_string())),
    };
    if (start, members) != (size, payload.members) {
        return Err(broken(format!("{members} files from byte {start} on; {} from byte {size} on are wanted", payload.members)));
    }
    if crc32 != payload.crc32 {
        return Err(broken("its CRC is another one".into()));
    }
    Ok(())
}

/// Copies without looking; the system does so from file to file by itself where it can.
fn append(binary: &Path, payload: &Payload) -> Result<(File, u64), PayloadError> {
    let mut donor = File::open(&payload.donor).map_err(reading(&payload.donor))?;
    donor.seek(SeekFrom::Start(payload.start)).map_err(reading(&payload.donor))?;
    let fail = |e| DiskError::new("write", binary, e);
    // Not in append mode, in which the system does not copy from file to file by itself.
    let mut out = OpenOptions::new().write(true).open(binary).map_err(fail)?;
    out.seek(SeekFrom::End(0)).map_err(fail)?;
    let copied = io::copy(&mut donor.take(payload.size), &mut out).map_err(fail)?;
    Ok((out, copied))
}

fn reading(path: &Path) -> impl Fn(io::Error) -> PayloadError {
    let path = path.to_owned();
    move |e| DiskError::new("read", &path, e).into()
}

/// The zip of a file.
fn open_zip(path: &Path) -> Result<zip::ZipArchive<io::BufReader<File>>, PayloadError> {
    let file = File::open(path).map_err(reading(path))?;
    let refuse =
        |e: zip::result::ZipError| PayloadError::Donor { path: path.to_owned(), reason: format!("no zip at its end ({e})") };
    zip::ZipArchive::new(io::BufReader::with_capacity(1 << 17, file)).map_err(refuse)
}

/// Where the zip of a file begins and how many members it has, by its directory.
fn members(path: &Path) -> Result<(u64, usize), PayloadError> {
    let archive = open_zip(path)?;
    Ok((archive.offset(), archive.len()))
}

/// The same; each member is read to its end, which compares its CRC.
fn read_zip(path: &Path, interrupt: &Interrupt) -> Result<(u64, usize), PayloadError> {
    let mut archive = open_zip(path)?;
    for index in 0..archive.len() {
        interrupt.check()?;
        let name = archive.name_for_index(index).and_then(Result::ok).map(|name| visible(&name)).unwrap_or_default();
        let damaged = |reason: String| PayloadError::Member { path: path.to_owned(), member: name.clone(), reason };
        let mut member = archive.by_index(index).map_err(|e| damaged(e.to_string()))?;
        io::copy(&mut member, &mut io::sink()).map_err(|e| damaged(e.to_string()))?;
    }
    Ok((archive.offset(), archive.len()))
}

/// The end of an ELF image, by its header, segments and sections, and the size of the file.
fn image_end(path: &Path) -> Result<(u64, u64), PayloadError> {
    let refuse = |reason: String| PayloadError::Image { path: path.to_owned(), reason };
    let file = File::open(path).map_err(reading(path))?;
    let size = file.metadata().map_err(reading(path))?.len();
    let cache = ReadCache::new(file);
    let end = match FileKind::parse(&cache) {
        Ok(FileKind::Elf32) => end_of::<object::elf::FileHeader32<object::Endianness>, _>(&cache),
        Ok(FileKind::Elf64) => end_of::<object::elf::FileHeader64<object::Endianness>, _>(&cache),
        Ok(kind) => return Err(refuse(format!("it is {kind:?}, not ELF"))),
        Err(_) => return Err(refuse("it is no executable".into())),
    };
    end.map(|end| (end, size)).map_err(|e| refuse(e.to_string()))
}

fn end_of<'d, E: FileHeader, R: ReadRef<'d>>(data: R) -> object::Result<u64> {
    let header = E::parse(data)?;
    let endian = header.endian()?;
    let tables = [
        (header.e_phoff(endian).into(), u64::from(header.e_phentsize(endian)) * u64::from(header.e_phnum(endian))),
        (header.e_shoff(endian).into(), u64::from(header.e_shentsize(endian)) * u64::from(header.e_shnum(endian))),
    ];
    let segments = header.program_headers(endian, data)?.iter().map(|s| s.file_range(endian));
    let sections = header.section_headers(endian, data)?.iter().filter_map(|s| s.file_range(endian));
    let ranges = tables.into_iter().chain(segments).chain(sections);
    Ok(ranges.map(|(offset, size)| offset.saturating_add(size)).max().unwrap_or_default())
}

/// Whether the image of a program has this text with a zero behind it, as the linker leaves a string that was set by a flag:
/// `v1.36.3+k0s.2` is no part of `v1.36.3+k0s.20`.
fn tells(path: &Path, end: u64, version: &str) -> io::Result<bool> {
    const CHUNK: u64 = 1 << 20;
    let text = [version.as_bytes(), b"\0"].concat();
    let finder = memchr::memmem::Finder::new(&text);
    let mut file = File::open(path)?.take(end);
    let mut window = Vec::new();
    loop {
        let read = file.by_ref().take(CHUNK).read_to_end(&mut window)?;
        if finder.find(&window).is_some() {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        let keep = window.len().saturating_sub(text.len());
        window.drain(..keep);
    }
}

/// Gives the bytes from `start` on to `take`.
fn read_from(path: &Path, start: u64, interrupt: &Interrupt, take: &mut dyn FnMut(&[u8])) -> Result<(), PayloadError> {
    let mut file = File::open(path).map_err(reading(path))?;
    file.seek(SeekFrom::Start(start)).map_err(reading(path))?;
    let mut chunk = vec![0; 1 << 18];
    loop {
        interrupt.check()?;
        match file.read(&mut chunk).map_err(reading(path))? {
            0 => return Ok(()),
            n => take(&chunk[..n]),
        }
    }
}
