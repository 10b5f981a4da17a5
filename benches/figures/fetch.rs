//! What a release costs on the wire: one into an empty store, then the next one, against clones.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use forge::names::Revision;
use forge::release::Release;

use super::child::{forge, git, output, text};
use super::server::{Server, Traffic};
use super::table::Table;

const FILES: usize = 1200;
const RELEASES: usize = 60;

pub(crate) fn run(table: &mut Table) {
    let keep = tempfile::tempdir().unwrap();
    let served = keep.path().join("served");
    std::fs::create_dir_all(&served).unwrap();
    let server = Server::start(served.clone());
    make(&served.join("made.git"));
    upstream(table, &server, &served, keep.path(), "made.git", "an upstream of 1,200 files", None);
    if let Some(k0s) = std::env::var_os("FORGE_BENCH_K0S") {
        symlink(PathBuf::from(k0s), served.join("k0s.git")).unwrap();
        upstream(table, &server, &served, keep.path(), "k0s.git", "k0s", Some(3_200_000));
    }
}

/// The two newest releases, first the older.
fn newest(repository: &Path) -> [String; 2] {
    let tags = text(git(repository).args(["-c", "safe.directory=*", "tag", "--list", "v*"]));
    let mut releases: Vec<Release> = tags.lines().filter_map(|t| Release::parse(&Revision::new(t).ok()?)).collect();
    releases.retain(|r| !r.is_pre_release());
    releases.sort();
    let [.., older, newer] = &releases[..] else { panic!("{} has no two releases", repository.display()) };
    [older.tag().to_string(), newer.tag().to_string()]
}

fn shown(traffic: Traffic) -> String {
    let bytes = traffic.bytes as f64;
    let bytes = if bytes < 1e6 { format!("{:.1} kB", bytes / 1e3) } else { format!("{:.2} MB", bytes / 1e6) };
    format!("{bytes}, {} requests", traffic.requests)
}

fn upstream(table: &mut Table, server: &Server, served: &Path, folder: &Path, repository: &str, name: &str, most: Option<u64>) {
    let url = server.url(repository);
    let [first, next] = newest(&served.join(repository));
    let project = folder.join(format!("project-{repository}"));
    std::fs::create_dir_all(project.join("recipes")).unwrap();
    let recipe = format!("[component.up]\ngit = {url:?}\nversion = {first:?}\n");
    std::fs::write(project.join("recipes/fetch.toml"), recipe).unwrap();
    let store = project.join("store");
    let fetched = |release: &str| {
        server.take();
        let mut command = forge(&project, &store);
        output(
            command
                .args(["tree", &format!("up@{release}"), "--unpatched", "--recipe", "fetch", "--out"])
                .arg(project.join(release)),
        );
        server.take()
    };
    // A mirror may lack objects of old times: then what came until it said so counts, and is marked.
    let cloned = |words: &[&str], to: &str| {
        server.take();
        let done = git(&project).args(["clone", "-q"]).args(words).arg(&url).arg(to).output().unwrap();
        let traffic = server.take();
        (traffic, if done.status.success() { "" } else { " and more: the served copy is not complete" })
    };
    let one = fetched(&first);
    // By its commit, as a build of a locked recipe does.
    let commit = text(git(&served.join(repository)).args(["-c", "safe.directory=*", "rev-parse", &format!("{next}^{{commit}}")]));
    let two = fetched(&commit);
    let (shallow, not_all) = cloned(&["--depth", "1", "--branch", &first], "shallow");
    assert_eq!(not_all, "", "{url} cannot give {first}");
    let (full, not_all) = cloned(&["--bare"], "full");
    let ratio = |rival: Traffic, own: Traffic| format!("{:.1} x", rival.bytes as f64 / own.bytes as f64);
    let met = one.requests <= 4 && most.is_none_or(|most| one.bytes <= most);
    let wanted = most.map_or("at most 4 requests".to_owned(), |m| format!("at most {:.1} MB, 4 requests", m as f64 / 1e6));
    let label = format!("{name} {first} by its tag, empty store");
    table.row(label, shown(one), format!("`clone --depth 1` {}", shown(shallow)), ratio(shallow, one), wanted, met);
    table.row("the same", shown(one), format!("`clone` {}{not_all}", shown(full)), ratio(full, one), "", true);
    let label = format!("{name} {next}, the next release, locked");
    let met = two.bytes <= 60_000 && two.requests <= 4;
    table.row(label, shown(two), format!("`clone --depth 1` {}", shown(shallow)), ratio(shallow, two), "some 10 kB", met);
}

/// A repository with many releases, by way of `git fast-import`: text that compresses like source code does, five files
/// changed from one release to the next.
fn make(path: &Path) {
    output(git(path.parent().unwrap()).args(["init", "-q", "--bare", "-b", "main"]).arg(path));
    let mut stream = String::new();
    let mut seed = 1;
    for release in 0..RELEASES {
        let changed: Vec<usize> =
            if release == 0 { (0..FILES).collect() } else { (0..5).map(|k| (release * 97 + k * 31) % FILES).collect() };
        let _ = writeln!(stream, "commit refs/heads/main\nmark :{}", release + 1);
        let _ = writeln!(stream, "committer Bench <bench@example.org> {} +0000\ndata 1\nx", 1_700_000_000 + release * 86_400);
        if release > 0 {
            let _ = writeln!(stream, "from :{release}");
        }
        for file in changed {
            let text = source(&mut seed);
            let _ = writeln!(stream, "M 100644 inline pkg{}/file{file}.go\ndata {}\n{text}", file / 40, text.len());
        }
        let _ = writeln!(stream, "reset refs/tags/v1.{release}.0\nfrom :{}\n", release + 1);
    }
    let mut command = git(path);
    let mut child = command.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    output(git(path).args(["gc", "-q"]));
}

fn source(seed: &mut u64) -> String {
    const WORDS: [&str; 24] = [
        "func",
        "return",
        "err",
        "ctx",
        "nil",
        "if",
        "range",
        "for",
        "string",
        "context",
        "config",
        "cluster",
        "node",
        "Spec",
        "Status",
        "log",
        "fmt",
        "Errorf",
        "append",
        "map",
        "struct",
        "interface",
        "client",
        "update",
    ];
    let mut text = String::new();
    let mut next = |n: u64| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % n
    };
    for _ in 0..next(300) + 40 {
        text.push('\t');
        for _ in 0..next(7) + 2 {
            let word = WORDS[usize::try_from(next(WORDS.len() as u64)).unwrap()];
            let _ = write!(text, "{word} ");
        }
        let _ = writeln!(text, "x{:x}", next(5000));
    }
    text
}
