//! An upstream with many releases that share most files, a series for it, and what a user without forge would loop over.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::child::{git, output, text};

/// Files that the series changes, and how many versions of each there are: 54 pairs, as many as k0s has for a series over
/// three files.
const TOUCHED: usize = 6;
const VERSIONS: usize = 9;
/// All files.
const FILES: usize = 1000;

/// `git fast-import` of `releases` releases `v1.N.M`. However many there are, the files that the series changes have the same
/// versions.
pub(crate) fn make(path: &Path, releases: usize) {
    output(git(path.parent().unwrap()).args(["init", "-q", "--bare", "-b", "main"]).arg(path));
    let mut stream = String::new();
    let mut before = None;
    for release in 0..releases {
        let version = release * VERSIONS / releases;
        let _ = writeln!(stream, "commit refs/heads/main\nmark :{}", release + 1);
        let _ = writeln!(stream, "committer Bench <bench@example.org> {} +0000\ndata 1\nx", 1_700_000_000 + release * 86_400);
        if release > 0 {
            let _ = writeln!(stream, "from :{release}");
        }
        let mut put = |path: String, text: &str| {
            let _ = writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        };
        put("VERSION".into(), &format!("{release}\n"));
        if before != Some(version) {
            before = Some(version);
            (0..TOUCHED).for_each(|file| put(touched(file), &source(file, version)));
        }
        for file in TOUCHED..FILES {
            // Few others change, in other folders.
            if release == 0 || (file + release) % 200 == 0 {
                put(format!("pkg{}/file{file}.go", file / 40), &format!("package p\n\n// {file} {release}\n"));
            }
        }
        let _ = writeln!(stream, "reset refs/tags/{}\nfrom :{}\n", tag(release), release + 1);
    }
    let mut child = git(path).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    output(git(path).args(["repack", "-adq"]));
}

fn tag(release: usize) -> String {
    format!("v1.{}.{}", release / 20, release % 20)
}

fn touched(file: usize) -> String {
    format!("cmd{}/sub/file{file}.go", file % 3)
}

/// Functions of some lines; versions differ in a few of them, and in length above the places that the series changes.
fn source(file: usize, version: usize) -> String {
    let mut text = "package p\n\n".to_owned();
    (0..version).for_each(|n| text += &format!("// note {n}\n"));
    for function in 0..40 {
        let _ = write!(text, "\n// do{function} does it.\nfunc do{function}(a int) int {{\n");
        let of = if function % 7 == 0 { version } else { 0 };
        for line in 0..8 {
            let _ = writeln!(text, "\tif a > {line} && check(\"{file} {function} {line}\", {of}) {{\n\t\ta += {line}\n\t}}");
        }
        text += "\treturn a\n}\n";
    }
    text
}

/// A project with a recipe `many` for component `up`: a mail that changes half of the files and adds one, and an edit of the
/// others.
pub(crate) fn project(folder: &Path, upstream: &str, clone: &Path) {
    let series = folder.join("patches/up/s");
    fs::create_dir_all(&series).unwrap();
    fs::create_dir_all(folder.join("recipes")).unwrap();
    let recipe =
        format!("[component.up]\ngit = {upstream:?}\nlines = [\"~1.0\"]\nreleases = {{ tags = \"v*\" }}\nseries = [\"s\"]\n");
    fs::write(folder.join("recipes/many.toml"), recipe).unwrap();
    let work = folder.join("work");
    output(git(folder).args(["clone", "-q", "--branch", "v1.0.0"]).arg(clone).arg(&work));
    for file in 0..TOUCHED / 2 {
        let path = work.join(touched(file));
        let old = fs::read_to_string(&path).unwrap();
        let needle = format!("\tif a > 3 && check(\"{file} 20 3\", 0) {{\n");
        fs::write(&path, old.replace(&needle, &format!("\thook(a)\n{needle}"))).unwrap();
    }
    fs::write(work.join("cmd0/hook.go"), "package p\n\nfunc hook(int) {}\n").unwrap();
    output(git(&work).args(["add", "-A"]));
    output(git(&work).args(["commit", "-q", "-m", "Add hooks"]));
    output(git(&work).args(["format-patch", "-q", "-1", "-o"]).arg(&series));
    let mut edits = "description = \"More hooks\"\n".to_owned();
    for file in TOUCHED / 2..TOUCHED {
        let path = touched(file);
        let _ = write!(edits, "\n[[edit]]\nfile = {path:?}\nin = \"do22\"\nbefore = \"return a\"\ninsert = \"hook(a)\"\n");
    }
    fs::write(series.join("hooks.edit.toml"), edits).unwrap();
    let list = "[[patch]]\nfile = \"0001-Add-hooks.patch\"\nbase = \"v1.0.0\"\n\n[[patch]]\nfile = \"hooks.edit.toml\"\n";
    fs::write(series.join("series.toml"), list).unwrap();
}

/// A loop over releases with git alone: a diff, and a repository that has them.
pub(crate) struct Loop<'a> {
    pub(crate) clone: &'a Path,
    pub(crate) diff: PathBuf,
    pub(crate) tags: Vec<String>,
    /// For the index and the working trees.
    pub(crate) scratch: PathBuf,
}

impl Loop<'_> {
    /// `git read-tree` and `git apply --cached --check` for each release. Gives how many take the diff, too.
    pub(crate) fn by_index(&self) -> (Duration, usize) {
        let index = self.scratch.join("index");
        let run = |words: &[&str]| {
            let mut command = git(self.clone);
            command.args(["-c", "safe.directory=*"]).args(words).env("GIT_INDEX_FILE", &index);
            command
        };
        let begun = Instant::now();
        let mut good = 0;
        for tag in &self.tags {
            output(&mut run(&["read-tree", tag]));
            let mut apply = run(&["apply", "--cached", "--check"]);
            good += usize::from(apply.arg(&self.diff).output().unwrap().status.success());
        }
        (begun.elapsed(), good)
    }

    /// `git worktree add` and `git apply --check` for some of the releases, scaled to all. Taking the trees away again is not
    /// counted.
    pub(crate) fn by_worktree(&self, sample: usize) -> Duration {
        let copy = self.scratch.join("copy.git");
        if !copy.exists() {
            let clone = ["-c", "safe.directory=*", "clone", "-q", "--bare", "--shared"];
            output(git(&self.scratch).args(clone).arg(self.clone).arg(&copy));
        }
        let step = self.tags.len().div_ceil(sample);
        let chosen: Vec<&String> = self.tags.iter().step_by(step).collect();
        let tree = self.scratch.join("tree");
        let mut took = Duration::ZERO;
        for tag in &chosen {
            let begun = Instant::now();
            output(git(&copy).args(["worktree", "add", "-q", "--detach"]).arg(&tree).arg(tag));
            let _ = git(&tree).args(["apply", "--check"]).arg(&self.diff).output().unwrap();
            took += begun.elapsed();
            output(git(&copy).args(["worktree", "remove", "--force"]).arg(&tree));
        }
        took.mul_f64(self.tags.len() as f64 / chosen.len() as f64)
    }
}

/// The effect of a series as one diff, as somebody without edits has it: from the two ends of what `forge tree --git` wrote.
pub(crate) fn diff_of(tree: &Path, to: PathBuf) -> PathBuf {
    let root = text(git(tree).args(["rev-list", "--max-parents=0", "HEAD"]));
    fs::write(&to, output(git(tree).args(["diff", "--binary", "--full-index", &root, "HEAD"]))).unwrap();
    to
}
