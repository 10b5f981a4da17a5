//! A payload of 250 MB on a bare executable, until it is on the disk, against `cp` of a file of the same size and `sync` of that
//! file. Donor and executable are in memory, as after a build; what is written is not.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use forge::build::graft;
use forge::exec::Interrupt;
use forge::names::Sha256;
use forge::plan::Payload;
use zip::write::SimpleFileOptions;

use super::child::{output, peak_kib, program, time};
use super::table::{Table, in_turn};

/// The first argument of the process whose memory is measured.
pub(crate) const ALONE: &str = "--graft";

const MEMBERS: usize = 10;
const MEMBER: usize = 25_000_000;

pub(crate) fn run(table: &mut Table) {
    // Beside what is compiled: a folder for temporary files is often in memory.
    let keep = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).unwrap();
    let (bare, donor, made) = (keep.path().join("bare"), keep.path().join("donor"), keep.path().join("made"));
    // An ELF image and nothing behind it; grafting does not look at what it does.
    fs::copy("/bin/true", &bare).unwrap();
    let start = fs::metadata(&bare).unwrap().len();
    write_donor(&bare, &donor);
    let size = fs::metadata(&donor).unwrap().len() - start;
    let crc32 = crc32fast::hash(&fs::read(&donor).unwrap()[usize::try_from(start).unwrap()..]);
    let payload = payload(&donor, start, size, crc32);
    let fresh = || {
        let _ = fs::remove_file(&made);
        output(program("sync", keep.path()).arg("-f").arg(keep.path()));
    };
    let (ours, cp) = in_turn(
        9,
        || {
            fresh();
            fs::copy(&bare, &made).unwrap();
            let begun = Instant::now();
            graft(&made, &payload, &Interrupt::never()).unwrap();
            begun.elapsed()
        },
        || {
            fresh();
            time(program("cp", keep.path()).arg(&donor).arg(&made)) + time(program("sync", keep.path()).arg(&made))
        },
    );
    let ratio = ours.seconds() / cp.seconds();
    let what = "graft of 250 MB, onto the disk";
    table.row(what, ours.to_string(), format!("cp and sync {cp}"), format!("{ratio:.2}"), "at most 1.3", ratio <= 1.3);
    fs::copy(&bare, &made).unwrap();
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.current_dir(keep.path()).args([ALONE, made.to_str().unwrap(), donor.to_str().unwrap()]);
    alone.args([start.to_string(), size.to_string(), crc32.to_string()]);
    let mib = peak_kib(&alone) as f64 / 1024.0;
    table.row("memory of a graft", format!("{mib:.1} MiB"), "-", "-", "below 32 MiB", mib < 32.0);
}

/// Grafts, and does nothing else.
pub(crate) fn alone(words: &[String]) {
    let [made, donor, start, size, crc32] = words else { panic!("{words:?}") };
    let payload = payload(Path::new(donor), start.parse().unwrap(), size.parse().unwrap(), crc32.parse().unwrap());
    graft(Path::new(made), &payload, &Interrupt::never()).unwrap();
}

/// The checksum names a payload in a key; a graft does not look at it.
fn payload(donor: &Path, start: u64, size: u64, crc32: u32) -> Payload {
    let sha256 = Sha256::new("0".repeat(64)).unwrap();
    Payload { donor: donor.to_owned(), release: None, start, size, sha256, crc32, members: MEMBERS }
}

/// The executable and a zip of files that no file system makes smaller, stored as they are.
fn write_donor(bare: &Path, donor: &Path) {
    let mut out = File::create(donor).unwrap();
    out.write_all(&fs::read(bare).unwrap()).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let noise = File::open("/dev/urandom").unwrap();
    for number in 0..MEMBERS {
        zip.start_file(format!("bin/{number}"), SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
            .unwrap();
        std::io::copy(&mut (&noise).take(MEMBER as u64), &mut zip).unwrap();
    }
    out.write_all(&zip.finish().unwrap().into_inner()).unwrap();
    out.sync_all().unwrap();
}
