//! The life of a series: saving what did not change, opening a work folder against `git worktree add` and `git am`, and bringing
//! fifty patches to another release against `git rebase`.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::child::{forge, git, output, program, text, time};
use super::project::copy;
use super::table::{Table, in_turn};

const FILES: usize = 1000;
const LINES: usize = 120;
const PATCHES: usize = 50;

pub(crate) fn run(table: &mut Table) {
    let keep = tempfile::tempdir().unwrap();
    let made = Made::new(keep.path());
    made.save(table);
    made.start(table);
    made.rebase(table);
    if let Some(clone) = std::env::var_os("FORGE_BENCH_K0S") {
        k0s(table, keep.path(), Path::new(&clone));
    }
}

/// An upstream with two releases, fifty commits on the first, and these as a series.
struct Made {
    clone: PathBuf,
    project: PathBuf,
}

/// A file of lines that are all different.
fn lines(file: usize) -> Vec<String> {
    (0..LINES).map(|line| format!("\tcase {line}: return value{}x{}()", file * 7919 % 1013, line * 104_729 % 8191)).collect()
}

impl Made {
    fn new(keep: &Path) -> Self {
        let (clone, project) = (keep.join("clone"), keep.join("project"));
        let series = project.join("patches/up/fifty");
        for folder in [&clone, &series, &project.join("recipes/upstreams")] {
            fs::create_dir_all(folder).unwrap();
        }
        let run = |words: &[&str]| output(git(&clone).args(words));
        let write = |file: usize, text: &[String]| {
            let path = clone.join(format!("pkg{}/file{file}.go", file / 40));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.join("\n") + "\n").unwrap();
        };
        run(&["init", "-q", "-b", "main"]);
        (0..FILES).for_each(|file| write(file, &lines(file)));
        run(&["add", "-A"]);
        run(&["commit", "-q", "-m", "base"]);
        run(&["tag", "v1.0.0"]);
        // The next release changes what stands near the place of every second patch.
        for patch in (0..PATCHES).step_by(2) {
            let mut text = lines(patch * 17);
            text[57].push_str(" // moved on");
            text.insert(3, "\t// one more".to_owned());
            write(patch * 17, &text);
        }
        run(&["commit", "-q", "-a", "-m", "next"]);
        run(&["tag", "v2.0.0"]);
        run(&["checkout", "-q", "-b", "mine", "v1.0.0"]);
        for patch in 0..PATCHES {
            let mut text = lines(patch * 17);
            text[60].push_str(" // patched");
            write(patch * 17, &text);
            run(&["commit", "-q", "-a", "-m", &format!("change {patch}\n\nIt says why.")]);
        }
        run(&["format-patch", "-q", "--full-index", "v1.0.0..mine", "-o", series.to_str().unwrap()]);
        run(&["gc", "-q"]);
        let upstream = format!("git = \"file://{}\"\nreleases = {{ tags = \"v*\" }}\n", clone.display());
        fs::write(project.join("recipes/upstreams/up.toml"), upstream).unwrap();
        let recipe = "description = \"fifty\"\n[component.up]\nversion = \"v1.0.0\"\nseries = [\"fifty\"]\n";
        fs::write(project.join("recipes/fifty.toml"), recipe).unwrap();
        Self { clone, project }
    }

    fn forge(&self, folder: &Path, words: &[&str]) -> Command {
        let mut command = forge(folder, &self.project.join("store"));
        command.env("XDG_STATE_HOME", self.project.join("state")).arg("patch").args(words);
        command
    }

    fn work(&self) -> PathBuf {
        self.project.join("work/fifty/up")
    }

    fn save(&self, table: &mut Table) {
        output(&mut self.forge(&self.project, &["start", "up"]));
        let save = || time(&mut self.forge(&self.work(), &["save"]));
        let (took, _) = in_turn(15, save, || Duration::ZERO);
        let document = text(&mut self.forge(&self.work(), &["save", "--json"]));
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let bytes = document["bytes"].as_u64().unwrap();
        assert_eq!(document["patches"].as_array().unwrap().len(), PATCHES);
        let met = bytes == 0 && took.seconds() <= 0.1;
        table.row("save of 50 patches that did not change", format!("{took}, {bytes} bytes"), "", "", "100 ms, 0 bytes", met);
    }

    fn start(&self, table: &mut Table) {
        let mut mails: Vec<PathBuf> =
            fs::read_dir(self.project.join("patches/up/fifty")).unwrap().map(|e| e.unwrap().path()).collect();
        mails.sort();
        let forge = |dir: &Path| time(&mut self.forge(&self.project, &["start", "up", "--dir", dir.to_str().unwrap()]));
        against_am(table, "work folder of 50 patches on 1,000 files", &self.clone, "v1.0.0", &mails, forge);
    }

    fn rebase(&self, table: &mut Table) {
        output(git(&self.clone).args(["checkout", "-q", "mine"]));
        // What the other one has left to be written is not charged to this one, whose fsync would write it.
        let settle = || output(program("sync", &self.clone).arg("-f").arg(&self.clone));
        let rebase = || {
            settle();
            let took = time(&mut self.forge(&self.project, &["rebase", "up@v2.0.0"]));
            output(&mut self.forge(&self.project, &["undo"]));
            took
        };
        let rival = || {
            output(git(&self.clone).args(["checkout", "-q", "-B", "again", "mine"]));
            settle();
            time(git(&self.clone).args(["rebase", "-q", "v2.0.0"]))
        };
        let (forge, of_git) = in_turn(7, rebase, rival);
        let ratio = of_git.seconds() / forge.seconds();
        let name = "50 patches on 1,000 files to another release";
        table.row(
            name,
            forge.to_string(),
            format!("`git rebase` {of_git}"),
            format!("{ratio:.1} x"),
            "10 x or more",
            ratio >= 10.0,
        );
    }
}

/// Opening a work folder against a worktree with the same mails. Every run has a folder of its own, and all go at the end: ext4
/// is slow to make files where some were removed within the last five seconds.
fn against_am(table: &mut Table, name: &str, clone: &Path, tag: &str, mails: &[PathBuf], forge: impl Fn(&Path) -> Duration) {
    let keep = tempfile::tempdir_in(clone.parent().unwrap()).unwrap();
    let (ours, theirs) = (Cell::new(0), Cell::new(0));
    let next = |count: &Cell<usize>, what: &str| {
        count.set(count.get() + 1);
        keep.path().join(format!("{what}{}", count.get()))
    };
    let (forge, am) = in_turn(
        9,
        || forge(&next(&ours, "forge")),
        || {
            let tree = next(&theirs, "git");
            let add = time(git(clone).args(["worktree", "add", "-q", "--detach"]).arg(&tree).arg(tag));
            add + time(git(&tree).args(["am", "-q", "--keep-cr"]).args(mails))
        },
    );
    drop(keep);
    output(git(clone).args(["worktree", "prune"]));
    let ratio = forge.seconds() / am.seconds();
    let rival = format!("`git worktree add` and `git am` {am}");
    table.row(name, forge.to_string(), rival, format!("{ratio:.2}"), "0.7 or less", ratio <= 0.7);
}

/// The project's own series for k0s, on its base.
fn k0s(table: &mut Table, keep: &Path, mirror: &Path) {
    const TAG: &str = "v1.36.3+k0s.2";
    let place = keep.join("k0s");
    for part in ["recipes", "patches"] {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(part), &place.join(part));
    }
    let clone = keep.join("k0s-clone");
    let url = format!("file://{}", mirror.display());
    output(git(keep).args(["clone", "-q", "--bare", "--depth", "1", "--branch", TAG, &url]).arg(&clone));
    let source = format!("k0s=file://{}", clone.display());
    let component = format!("k0s@{TAG}");
    let patch = |words: &[&str]| {
        let mut command = forge(&place, &place.join("store"));
        command.arg("patch").args(words).args([&component, "--recipe", "nixos", "--source", &source]);
        command
    };
    let out = place.join("mails");
    output(&mut patch(&["export", "--mails", out.to_str().unwrap()]));
    let mut mails: Vec<PathBuf> = fs::read_dir(&out).unwrap().map(|e| e.unwrap().path()).collect();
    mails.sort();
    let start = |dir: &Path| time(&mut patch(&["start", "--dir", dir.to_str().unwrap()]));
    against_am(table, "work folder of the k0s series", &clone, TAG, &mails, start);
}
