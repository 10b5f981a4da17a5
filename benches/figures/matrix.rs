//! A series against all releases of an upstream: `forge matrix`, as a whole process, against loops with git; what 2,000
//! releases cost more than 200; and what the first look at an upstream costs on the wire.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::child::{forge, output, program, time};
use super::matrix_upstream::{Loop, diff_of, make, project};
use super::project::copy;
use super::server::{Server, Traffic};
use super::table::{Table, Times, alone, in_turn};

/// How many releases the loop with working trees really does.
const SAMPLE: usize = 20;

pub(crate) fn run(table: &mut Table) {
    let keep = tempfile::tempdir().unwrap();
    made(table, keep.path());
    if let Some(clone) = std::env::var_os("FORGE_BENCH_K0S") {
        k0s(table, keep.path(), Path::new(&clone));
    }
}

/// A project and a store, and how its matrix is asked for.
struct Asked {
    project: PathBuf,
    store: PathBuf,
    words: Vec<String>,
}

impl Asked {
    fn new(project: PathBuf, words: &[&str]) -> Self {
        let store = project.join("store");
        Self { project, store, words: words.iter().map(|w| (*w).to_owned()).collect() }
    }

    fn matrix(&self, more: &[&str]) -> std::process::Command {
        let mut command = forge(&self.project, &self.store);
        command.arg("matrix").args(&self.words).args(more);
        command
    }

    /// Fills the store; gives the releases, newest first, and how many of them are good.
    fn fill(&self) -> (Vec<String>, usize) {
        let document: Value = serde_json::from_slice(&output(self.matrix(&["--json"]).arg("-q"))).unwrap();
        let releases = document["components"][0]["releases"].as_array().unwrap();
        let tags = releases.iter().map(|r| r["version"].as_str().unwrap().to_owned()).collect();
        (tags, releases.iter().filter(|r| r["verdict"].as_str().unwrap().starts_with("clean")).count())
    }

    fn warm(&self) -> std::time::Duration {
        time(&mut self.matrix(&["--offline"]))
    }

    fn without_verdicts(&self) -> std::time::Duration {
        let _ = fs::remove_dir_all(self.store.join("memo/verdicts"));
        self.warm()
    }
}

fn made(table: &mut Table, folder: &Path) {
    let served = folder.join("served");
    fs::create_dir_all(&served).unwrap();
    let server = Server::start(served.clone());
    let upstream = |releases: usize| {
        let name = format!("up{releases}.git");
        make(&served.join(&name), releases);
        let place = folder.join(format!("many-{releases}"));
        fs::create_dir_all(&place).unwrap();
        project(&place, &server.url(&name), &served.join(&name));
        (Asked::new(place, &["up", "--recipe", "many"]), served.join(name))
    };
    let (asked, clone) = upstream(255);
    server.take();
    let (tags, good) = asked.fill();
    let first = server.take();
    assert_eq!(tags.len(), 255);
    wire(table, &server, &asked, "made upstream", tags.len(), first);
    let newest = format!("up@{}", tags[0]);
    compare(table, &asked, "a made upstream", &newest, &clone, (tags, good), false);

    let (few, many) = (upstream(200).0, upstream(2000).0);
    few.fill();
    many.fill();
    growth(table, "empty verdict cache", in_turn(11, || few.without_verdicts(), || many.without_verdicts()));
    growth(table, "warm", in_turn(21, || few.warm(), || many.warm()));
}

fn growth(table: &mut Table, what: &str, (few, many): (Times, Times)) {
    let ratio = many.seconds() / few.seconds();
    let name = format!("2,000 releases against 200, the same files, {what}");
    table.row(name, many.to_string(), format!("200: {few}"), format!("{ratio:.1} x"), "at most 2 x", ratio <= 2.0);
}

/// The recipe and the series of the project itself, and each stable release of k0s.
fn k0s(table: &mut Table, folder: &Path, clone: &Path) {
    let from = std::env::var_os("FORGE_BENCH_PROJECT").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let place = folder.join("k0s");
    for part in ["recipes", "patches"] {
        copy(&from.join(part), &place.join(part));
    }
    if !place.join("patches/k0s").is_dir() {
        eprintln!("  {} has no series for k0s", from.display());
        return;
    }
    let served = folder.join("served-k0s");
    fs::create_dir_all(&served).unwrap();
    std::os::unix::fs::symlink(clone, served.join("k0s.git")).unwrap();
    let server = Server::start(served);
    // Without the promise, and with the releases of before it, too.
    let recipe = format!(
        "[component.k0s]\ngit = {:?}\nlines = [\"~1.36\"]\nreleases = {{ tags = \"v*\", versions = \">=0\" }}\nseries = [\"systemd-unit-path\"]\n\
         replace = [\"service\"]\n[component.service]\nseries = [\"systemd-unit-path\"]\n",
        server.url("k0s.git"),
    );
    fs::write(place.join("recipes/all.toml"), recipe).unwrap();
    // Both components: with the pins of the second.
    let both = Asked::new(place.clone(), &["--recipe", "all"]);
    both.fill();
    let first = server.take();
    let asked = Asked::new(place, &["k0s", "--recipe", "all"]);
    let (tags, good) = asked.fill();
    wire(table, &server, &both, "k0s with the pins of service", tags.len(), first);
    let newest = format!("k0s@{}", tags[0]);
    compare(table, &asked, "k0s", &newest, clone, (tags, good), true);
    let times = alone(21, || both.warm());
    table.row("the same with the service series on the versions that k0s pins, warm", times.to_string(), "", "", "", true);
}

fn shown(traffic: Traffic) -> String {
    format!("{:.2} MB, {} requests", traffic.bytes as f64 / 1e6, traffic.requests)
}

/// What came over the wire at first, and what comes when nothing is new.
fn wire(table: &mut Table, server: &Server, asked: &Asked, name: &str, releases: usize, first: Traffic) {
    let met = first.bytes <= 1_700_000 && first.requests <= 8;
    let label = format!("{name}, {releases} releases, empty store");
    table.row(label, shown(first), "", "", "at most 1.7 MB, 8 requests", met);
    server.take();
    output(&mut asked.matrix(&["-q"]));
    let again = server.take();
    let list = format!("{:.1} kB, {} requests", again.bytes as f64 / 1e3, again.requests);
    table.row("the same again, nothing is new", list, "", "", "the list of tags only: 2 requests", again.requests <= 2);
}

fn compare(
    table: &mut Table,
    asked: &Asked,
    name: &str,
    newest: &str,
    clone: &Path,
    (tags, good): (Vec<String>, usize),
    promised: bool,
) {
    let scratch = asked.project.join("scratch");
    fs::create_dir_all(&scratch).unwrap();
    let tree = scratch.join("newest");
    let recipe: Vec<&String> = asked.words.iter().skip(1).collect();
    output(forge(&asked.project, &asked.store).args(["tree", newest, "--git"]).args(&recipe).arg("--out").arg(&tree));
    let diff = diff_of(&tree, scratch.join("series.diff"));
    let count = tags.len();
    let by_git = Loop { clone, diff, tags, scratch };
    let mut taken = 0;
    let (empty, index) = in_turn(
        5,
        || asked.without_verdicts(),
        || {
            let (took, good) = by_git.by_index();
            taken = good;
            took
        },
    );
    let warm = alone(41, || asked.warm());
    let rival = format!("`read-tree` + `apply --cached --check` of the series as one diff {index}");
    let ratio = index.seconds() / warm.seconds();
    let label = format!("`forge matrix`, {name}, {count} releases ({good} good; git takes its diff on {taken}), warm");
    table.row(
        label,
        warm.to_string(),
        &*rival,
        format!("{ratio:.0} x"),
        "at most 20 ms, 90 x",
        warm.seconds() <= 0.020 && ratio >= 90.0,
    );
    let ratio = index.seconds() / empty.seconds();
    let met = !promised || empty.seconds() <= 0.150;
    table.row("the same, empty verdict cache", empty.to_string(), &*rival, format!("{ratio:.0} x"), "at most 150 ms", met);
    let worktrees = by_git.by_worktree(SAMPLE);
    let rival = format!("`worktree add` + `apply --check`: {SAMPLE} releases, scaled to all: {:.0} s", worktrees.as_secs_f64());
    let ratio = format!("{:.0} x", worktrees.as_secs_f64() / empty.seconds());
    table.row("the same", empty.to_string(), rival, ratio, "", true);
    let floor = alone(21, || time(program(env!("CARGO_BIN_EXE_forge"), &asked.project).arg("--version")));
    table.row("of which: starting forge", floor.to_string(), "", "", "", true);
}
