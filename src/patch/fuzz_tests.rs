//! Any bytes are a patch or an error, and any patch applies to any file or does not: nothing panics, nothing takes long.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::files::Files;
use crate::git::objects::{Changes, Mode, Objects};
use crate::names::{RelPath, SeriesName, TreeId, UpstreamName};
use crate::patch::{Dialect, Outcome, PatchFile, Series, apply, explain};

const SAMPLES: [&str; 4] = [
    "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: =?UTF-8?q?=C3=85?= <a@b>\n\
     Date: Tue, 14 Nov 2023 23:43:20 +0130\nSubject: [PATCH 1/2] x\n y\n\nFrom: B <b@c>\n\nBody\n---\n f | 2 +-\n\n\
     diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -2,5 +2,6 @@ func\n b\n c\n-d\n+D\n+DD\n e\n f\n\
     @@ -8,2 +9 @@\n h\n-i\n\\ No newline at end of file\n-- \n2.39.5\n\n",
    "diff --git a/f b/g\nsimilarity index 90%\nrename from f\nrename to g\n--- a/f\n+++ b/g\n@@ -1,3 +1,3 @@\n-a\n+A\n b\n c\n\
     diff --git \"a/\\303\\244\" \"b/\\303\\244\"\nold mode 100644\nnew mode 100755\n\
     diff --git a/n b/n\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+t\n\\ No newline at end of file\n",
    "diff --git a/bin b/bin\nindex e69de29bb2d1d6434b8b29ae775ad8c2e48c5391..b66efb8a8a9c1a5fcb4d7a1d3d4d5d1d3d4d5d1d 100644\n\
     GIT binary patch\nliteral 10\nUcmV+l0QLU>0RjUA1qKHQ2>`DEE&u=k\n\ndelta 18\nccmV+t0PX*P2!IH%^Z^9`00000v-trB0x!=5aR2}S\n\n",
    "Description: x\n .\n y\nAuthor: a@b (A)\nForwarded: no\n---\nIndex: f\n===\n--- p.orig/f\t1970-01-01 05:30:00.000 +0530\n\
     +++ p/f\t2020-01-01 10:00:00 +0100\n@@ -0,0 +1,2 @@\n+a\n+b\n--- a/f\n+++ b/f\n@@ -1,9 +0,0 @@\n-a\n-b\n-c\n-d\n-e\n-f\n-g\n-h\n-i\n",
];

/// Bytes that mean something somewhere.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"\n",
        b"\r\n",
        b"",
        b" ",
        b"-",
        b"+",
        b"\\",
        b"@@ -1 +1 @@\n",
        b"@@ -0,0 +4294967295,4294967295 @@\n",
        b"--- ",
        b"+++ ",
        b"diff --git ",
        b"\"",
        b"/dev/null",
        b"../",
        b"\0",
        b"\xff\xfe",
        b"=?",
        b"=",
        b"9999999999",
        b"-1",
        b"\t",
        b"From ",
        b": ",
    ];
    prop_oneof![proptest::sample::select(words).prop_map(<[u8]>::to_vec), vec(any::<u8>(), 0..6)]
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<prop::sample::Index>(), 0usize..12, fragment()), 1..6);
    (proptest::sample::select(SAMPLES.to_vec()), edits).prop_map(|(sample, edits)| {
        let mut bytes = sample.as_bytes().to_vec();
        for (at, remove, insert) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, insert);
        }
        bytes
    })
}

fn base(objects: &Objects) -> TreeId {
    let mut changes = Changes::new();
    for (path, text) in [("f", "a\nb\nc\nd\ne\nf\ng\nh\ni"), ("ä", "x"), ("bin", "")] {
        changes.insert(RelPath::new(path).unwrap(), Some((Mode::File, text.as_bytes().to_vec())));
    }
    objects.write(None, &changes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_patch_or_an_error(bytes in prop_oneof![mutated(), vec(any::<u8>(), 0..300)], strip in 0usize..3) {
        for dialect in [Dialect::Git, Dialect::Quilt] {
            if let Err(e) = PatchFile::parse(&bytes, strip, dialect) {
                prop_assert!(!e.to_string().is_empty() && !e.advice().is_empty());
            }
        }
    }

    #[test]
    fn any_list_is_a_series_or_an_error(toml in "(\\[\\[patch\\]\\]\n|file = \"a.patch\"\n|one_of = \\[\\]\n|[ -~\n]{0,9}){0,6}") {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("patches/u/s");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.patch"), SAMPLES[0]).unwrap();
        for name in ["series", "series.toml"] {
            fs::write(folder.join(name), &toml).unwrap();
            let files = Files::new(Some(dir.path().to_owned()));
            if let Err(e) = Series::load(&files, &UpstreamName::new("u").unwrap(), &SeriesName::new("s").unwrap()) {
                let shown = format!("{:?}", miette::Report::new(e));
                prop_assert!(!shown.is_empty());
            }
        }
    }
}

#[test]
fn any_patch_applies_or_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::init(&dir.path().join("store.git")).unwrap();
    let base = base(&objects);
    let folder = dir.path().join("patches/u/s");
    fs::create_dir_all(&folder).unwrap();
    let files = Files::new(Some(dir.path().to_owned()));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        cases: 600,
        ..ProptestConfig::default()
    });
    let applied = std::cell::Cell::new(0);
    let result = runner.run(&mutated(), |bytes| {
        fs::write(folder.join("a.patch"), &bytes).unwrap();
        let Ok(series) = Series::load(&files, &UpstreamName::new("u").unwrap(), &SeriesName::new("s").unwrap()) else {
            return Ok(());
        };
        match apply(&objects, &base, None, &[&series]).unwrap() {
            // What was written can be materialised.
            Outcome::Applied { tree, .. } => {
                applied.set(applied.get() + 1);
                prop_assert!(objects.walk(&tree).is_ok());
            }
            Outcome::Failed { failures, .. } => prop_assert!(failures.iter().all(|f| explain(f, "c").lines().count() > 1)),
        }
        Ok(())
    });
    result.unwrap();
    assert!(applied.get() > 0, "no mutation was harmless");
}
