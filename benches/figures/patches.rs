//! A series of ten patches on a tree of 1,000 files: from object store to object store against `git am` in a clone.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use forge::files::Files;
use forge::git::objects::Objects;
use forge::names::{SeriesName, TreeId, UpstreamName};
use forge::patch::{Outcome, Series, apply};

use super::child::{git, output, text, time};
use super::project::copy;
use super::table::{Table, in_turn};

const FILES: usize = 1000;
const LINES: usize = 120;
const PATCHES: usize = 10;

pub(crate) fn run(table: &mut Table) {
    let keep = tempfile::tempdir().unwrap();
    let clone = keep.path().join("clone");
    let series = keep.path().join("project/patches/up/ten");
    make(&clone, &series);
    let base = TreeId::new(text(git(&clone).args(["rev-parse", "base^{tree}"]))).unwrap();
    let wanted = text(git(&clone).args(["rev-parse", "main^{tree}"]));
    let mut mails: Vec<_> = fs::read_dir(&series).unwrap().map(|e| e.unwrap().path()).collect();
    mails.sort();
    assert_eq!(mails.len(), PATCHES);
    let (bare, packed) = (keep.path().join("store.git"), keep.path().join("packed.git"));
    output(git(keep.path()).args(["clone", "-q", "--bare", "--single-branch", "--branch", "base-only"]).arg(&clone).arg(&packed));
    let files = Files::new(Some(keep.path().join("project")));
    let names = (UpstreamName::new("up").unwrap(), SeriesName::new("ten").unwrap());
    let (forge, am) = in_turn(
        15,
        || {
            // A new store each time, so that every object is really written; git may keep those that it wrote before.
            let _ = fs::remove_dir_all(&bare);
            copy(&packed, &bare);
            let begun = Instant::now();
            let objects = Objects::open(&bare).unwrap();
            let series = Series::load(&files, &names.0, &names.1).unwrap();
            let outcome = apply(&objects, &base, None, &[&series]).unwrap();
            let took = begun.elapsed();
            let Outcome::Applied { tree, .. } = outcome else { panic!("the series does not apply") };
            assert_eq!(tree.as_str(), wanted);
            took
        },
        || {
            output(git(&clone).args(["checkout", "-q", "--detach", "base"]));
            output(git(&clone).args(["reset", "-q", "--hard"]));
            let took = time(git(&clone).args(["am", "-q", "--keep-cr"]).args(&mails));
            assert_eq!(text(git(&clone).args(["rev-parse", "HEAD^{tree}"])), wanted);
            took
        },
    );
    let ratio = am.seconds() / forge.seconds();
    let name = "ten patches on 1,000 files";
    table.row(name, forge.to_string(), format!("`git am` {am}"), format!("{ratio:.0} x"), "20 x or more", ratio >= 20.0);
}

/// A line of some length that is not the same everywhere.
fn line(file: usize, line: usize, version: usize) -> String {
    let mut x = (file * 7919 + line * 104_729 + version * 15_485_863) as u64 | 1;
    let mut out = format!("\tcase {line}:");
    for _ in 0..4 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let _ = write!(out, " value{:x}()", x >> 44);
    }
    out
}

/// The tree as a branch `base`, ten commits on it as `main`, and these as mails: each changes three files in two places and
/// makes a new one; every second file is one that the patch before has changed, too.
fn make(clone: &Path, series: &Path) {
    fs::create_dir_all(clone).unwrap();
    fs::create_dir_all(series).unwrap();
    let path = |file: usize| clone.join(format!("pkg{}/file{file}.go", file / 40));
    let mut texts: Vec<Vec<String>> = (0..FILES).map(|f| (0..LINES).map(|l| line(f, l, 0)).collect()).collect();
    let write = |file: usize, text: &[String]| {
        fs::create_dir_all(path(file).parent().unwrap()).unwrap();
        fs::write(path(file), text.join("\n") + "\n").unwrap();
    };
    for (file, text) in texts.iter().enumerate() {
        write(file, text);
    }
    let run = |words: &[&str]| output(git(clone).args(words));
    run(&["init", "-q", "-b", "main"]);
    run(&["add", "-A"]);
    run(&["commit", "-q", "-m", "base"]);
    run(&["tag", "base"]);
    run(&["branch", "base-only"]);
    for patch in 1..=PATCHES {
        for k in 0..3 {
            let file = (patch + k) * 61 % FILES;
            for at in [10 + patch, 60 + patch] {
                texts[file][at] = line(file, at, patch);
                texts[file].insert(at, line(file, at, patch + 100));
            }
            write(file, &texts[file]);
        }
        fs::write(clone.join(format!("new{patch}.go")), (0..60).map(|l| line(patch, l, 7) + "\n").collect::<String>()).unwrap();
        run(&["add", "-A"]);
        run(&["commit", "-q", "-m", &format!("change {patch}\n\nIt says why, in a sentence or two.")]);
    }
    run(&["format-patch", "-q", "--full-index", "base..main", "-o", series.to_str().unwrap()]);
    run(&["gc", "-q"]);
}
