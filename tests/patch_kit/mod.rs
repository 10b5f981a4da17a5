//! A repository to play in, a random number generator that repeats itself, and random changes of a tree.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

/// xorshift: good enough to choose with, and the same everywhere.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

pub(crate) struct Lab {
    pub(crate) root: tempfile::TempDir,
}

/// Runs a program with nothing of the user's environment but PATH.
#[expect(clippy::disallowed_methods, reason = "tests compare forge with the real git, quilt and patch")]
pub(crate) fn run(dir: &Path, program: &str, args: &[&str]) -> Output {
    std::process::Command::new(program)
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", "1700000000 +0130")
        .env("GIT_COMMITTER_NAME", "C")
        .env("GIT_COMMITTER_EMAIL", "c@example.org")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"))
}

impl Lab {
    pub(crate) fn new() -> Self {
        let lab = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir_all(lab.repo()).unwrap();
        fs::create_dir_all(lab.series()).unwrap();
        lab.git(&["init", "-q", "-b", "main"]);
        // Speed only: these repositories live for a second.
        for (key, value) in [("core.fsync", "none"), ("gc.auto", "0"), ("advice.detachedHead", "false")] {
            lab.git(&["config", key, value]);
        }
        lab
    }
    pub(crate) fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }
    pub(crate) fn series(&self) -> PathBuf {
        self.root.path().join("project/patches/up/s")
    }
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let out = run(&self.repo(), "git", args);
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }
    pub(crate) fn tree(&self, rev: &str) -> String {
        self.git(&["rev-parse", &format!("{rev}^{{tree}}")]).trim().to_owned()
    }
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::write(path, bytes).unwrap();
    }
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap()
    }
    pub(crate) fn commit(&self, subject: &str, rng: &mut Rng) {
        self.git(&["add", "-A"]);
        let authors = [
            "A U Thor <a@example.org>",
            "Åsa Öberg <åsa@exämple.org>",
            "\"Smith, J.\" <j.smith@example.org>",
            "张伟 <zhang@example.cn>",
            "Dr. O'Neil (Work) <o@example.org>",
            "Jörg-Wilhelm Maria von und zu Hohenstaufen-Langenbach Ümläut <joerg@example.org>",
        ];
        let subjects = [
            "",
            ": größere Änderung für alle, die lange Betreffzeilen mit Umlauten über mehrere Zeilen hinweg mögen",
            " with [brackets] and \"quotes\" = ?",
            ": a long subject that must be folded because it has more than seventy-eight characters, hasn't it",
        ];
        let bodies = [
            "",
            "\n\nOne line.",
            "\n\nTwo\n\n\n\nparagraphs   \nwith blanks.\n\nSigned-off-by: X <x@example.org>",
            "\n\n  indented — und ümlaut\n\tBug: https://example.org/1",
        ];
        let message = format!("{subject}{}{}", subjects[rng.below(4)], bodies[rng.below(4)]);
        let author = authors[rng.below(authors.len())];
        self.git(&["commit", "-q", "--allow-empty", "--author", author, "-m", &message]);
    }
    pub(crate) fn export(&self, args: &[&str]) {
        let out = self.series();
        let out = out.to_str().unwrap();
        self.git(&[&["format-patch", "-q", "-o", out], args].concat());
    }
    /// The exported patches, in order.
    pub(crate) fn patches(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut paths: Vec<PathBuf> = fs::read_dir(self.series()).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(|p| (p.clone(), fs::read(p).unwrap())).collect()
    }
    /// `git am --keep-cr` of the exported series; true where it took all of it.
    pub(crate) fn am(&self) -> bool {
        let patches: Vec<String> = self.patches().into_iter().map(|(p, _)| p.to_str().unwrap().to_owned()).collect();
        let mut args = vec!["am", "-q", "--keep-cr"];
        args.extend(patches.iter().map(String::as_str));
        let ok = run(&self.repo(), "git", &args).status.success();
        if !ok {
            run(&self.repo(), "git", &["am", "--abort"]);
        }
        ok
    }
    /// Paths of the files, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let out = self.git(&["ls-files", "-co", "--exclude-standard", "-z"]);
        let all = out.split('\0').filter(|p| !p.is_empty() && fs::symlink_metadata(self.repo().join(p)).is_ok());
        all.map(str::to_owned).collect()
    }

    pub(crate) fn random_files(&self, rng: &mut Rng) {
        let names = ["a.go", "b.txt", "dir/c.go", "dir/sub/d", "with space.txt", "dir/ümläut", "quo\"te", "e.go", "f.go"];
        for name in names {
            let bytes = random_text(rng);
            self.write(name, &bytes);
            if rng.one_in(5) {
                fs::set_permissions(self.repo().join(name), fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        self.write("bin.dat", &random_binary(rng));
        self.write("empty", b"");
        std::os::unix::fs::symlink("a.go", self.repo().join("link")).unwrap();
    }

    /// Some changes of all kinds that git can export.
    pub(crate) fn random_change(&self, rng: &mut Rng, count: usize) {
        for n in 0..1 + rng.below(count) {
            let files = self.files();
            let path = files[rng.below(files.len())].clone();
            let full = self.repo().join(&path);
            let is_link = fs::symlink_metadata(&full).unwrap().is_symlink();
            match rng.below(14) {
                0 => self.write(&format!("new/file{}{n}", rng.below(100)), &random_text(rng)),
                1 => fs::remove_file(&full).unwrap(),
                2 if !is_link => {
                    let to = self.repo().join(format!("moved/to {}{n}", rng.below(100)));
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::rename(&full, &to).unwrap();
                    if rng.one_in(2) {
                        edit(&to, rng, 1);
                    }
                }
                3 if !is_link => {
                    let mode = fs::metadata(&full).unwrap().permissions().mode() ^ 0o111;
                    fs::set_permissions(&full, fs::Permissions::from_mode(mode)).unwrap();
                }
                4 => self.write("bin.dat", &random_binary(rng)),
                5 => self.write(&format!("new/empty{n}"), b""),
                6 if !is_link => {
                    let to = self.repo().join(format!("copy-of-{}{n}", rng.below(100)));
                    fs::copy(&full, &to).unwrap();
                    edit(&full, rng, 1);
                }
                7 => {
                    fs::remove_file(&full).unwrap();
                    let target = ["a.go", "dir/c.go", "nowhere"][rng.below(3)];
                    std::os::unix::fs::symlink(target, &full).unwrap();
                }
                8 if is_link => {
                    self.write(&path, &random_text(rng));
                }
                _ if !is_link => {
                    let edits = 1 + rng.below(3);
                    edit(&full, rng, edits);
                }
                _ => {}
            }
        }
        // A commit without changes makes no patch.
        self.write(&format!("always{}", rng.below(1_000_000)), b"x\n");
    }

    /// Changes that diff(1) (`plain`) or patch(1) can express.
    pub(crate) fn text_change(&self, rng: &mut Rng, count: usize, plain: bool) {
        for n in 0..1 + rng.below(count) {
            let files: Vec<String> = self.files().into_iter().filter(|f| f != "link" && f != "bin.dat").collect();
            let path = files[rng.below(files.len())].clone();
            let full = self.repo().join(&path);
            match rng.below(8) {
                0 => self.write(&format!("new/file{}{n}", rng.below(100)), &random_text(rng)),
                1 => fs::remove_file(&full).unwrap(),
                2 if !plain => {
                    let to = self.repo().join(format!("moved/to {}{n}", rng.below(100)));
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::rename(&full, &to).unwrap();
                    edit(&to, rng, 1);
                }
                3 if !plain => {
                    let mode = fs::metadata(&full).unwrap().permissions().mode() ^ 0o111;
                    fs::set_permissions(&full, fs::Permissions::from_mode(mode)).unwrap();
                }
                _ => edit(&full, rng, 2),
            }
        }
        self.write(&format!("always{}", rng.below(1_000_000)), b"x\n");
    }

    /// What an upstream does between releases: mostly small edits elsewhere.
    pub(crate) fn random_drift(&self, rng: &mut Rng) {
        for path in self.files() {
            let full = self.repo().join(&path);
            if !fs::symlink_metadata(&full).unwrap().is_symlink() && rng.one_in(3) {
                match rng.below(24) {
                    0 => fs::remove_file(&full).unwrap(),
                    1 | 8..20 => fs::write(&full, [b"top\n", &fs::read(&full).unwrap()[..]].concat()).unwrap(),
                    2 => fs::write(&full, [&fs::read(&full).unwrap()[..], b"end\n"].concat()).unwrap(),
                    3 => fs::set_permissions(&full, fs::Permissions::from_mode(0o755)).unwrap(),
                    4 => {
                        // The same text again: what was unique is not any more.
                        let bytes = fs::read(&full).unwrap();
                        fs::write(&full, [&bytes[..], &bytes[..]].concat()).unwrap();
                    }
                    _ => edit(&full, rng, 1),
                }
            }
        }
    }
}

/// Lines of a small vocabulary, so that some of them repeat; the endings differ.
fn random_text(rng: &mut Rng) -> Vec<u8> {
    let end = if rng.one_in(4) { "\r\n" } else { "\n" };
    let variety = [3, 12, 1000][rng.below(3)];
    let mut out = String::new();
    for _ in 0..rng.below(70) {
        out.push_str(&random_line(rng, variety));
        out.push_str(end);
    }
    if rng.one_in(5) {
        out.truncate(out.trim_end().len());
    }
    out.into_bytes()
}

fn random_line(rng: &mut Rng, variety: usize) -> String {
    let n = rng.below(variety);
    match n % 7 {
        0 => "}".to_owned(),
        1 => String::new(),
        2 => format!("- item {n}"),
        3 => format!("--- {n}"),
        4 => format!("+++ x{n}"),
        5 => format!("\tcall({n}) // ä "),
        _ => format!("@@ -{n} line"),
    }
}

fn random_binary(rng: &mut Rng) -> Vec<u8> {
    let mut out = b"head\0".to_vec();
    for i in 0..200 + rng.below(300) {
        out.push(if rng.one_in(6) { rng.below(256) as u8 } else { (i % 251) as u8 });
    }
    out
}

/// Inserts, deletes and replaces lines.
fn edit(path: &Path, rng: &mut Rng, times: usize) {
    let bytes = fs::read(path).unwrap();
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..times {
        let at = rng.below(lines.len() + 1);
        let new = format!("{}\n", random_line(rng, 1000)).into_bytes();
        match rng.below(4) {
            0 => lines.insert(at, new),
            1 if at < lines.len() => drop(lines.remove(at)),
            2 if at < lines.len() => lines[at] = new,
            _ => {
                lines.insert(at, new.clone());
                lines.insert(at, new);
            }
        }
    }
    if rng.one_in(10)
        && let Some(last) = lines.last_mut()
        && last.ends_with(b"\n")
    {
        last.pop();
    }
    fs::write(path, lines.concat()).unwrap();
}

/// A patch after a slip of the hand below its message.
pub(crate) fn mutated(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let start = lines.iter().position(|l| l == b"---\n").map_or(0, |i| i + 1);
    for _ in 0..1 + rng.below(2) {
        let [at, other] = [0, 1].map(|_| start + rng.below(lines.len() - start));
        match rng.below(7) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines.swap(at, other),
            3 => lines[at][0] = b" +-\\@\nx"[rng.below(7)],
            4 => {
                if let Some(digit) = lines[at].iter_mut().find(|b| b.is_ascii_digit()) {
                    *digit = b'0' + rng.below(10) as u8;
                }
            }
            5 => lines[at].insert(0, b' '),
            _ => {
                let byte = rng.below(lines[at].len());
                lines[at][byte] = b"a/ \t1,"[rng.below(6)];
            }
        }
    }
    lines.concat()
}
