//! The walls of `src/lib.rs` and of the module list there, held by reading the sources: who imports whom, and who alone may
//! spawn, print, read the environment and name git2 or clap. Where a rule has an exception, it stands here with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use regex::Regex;

/// What every stage may use.
const FOUNDATIONS: [&str; 10] = ["names", "release", "event", "files", "disk", "exec", "git", "net", "store", "go_syntax"];

/// The stages, in the order of the data.
const STAGES: [&str; 7] = ["recipe", "plan", "source", "patch", "gomod", "build", "artifact"];

/// What foundations use of each other: never a stage.
const BELOW: [(&str, &[&str]); 10] = [
    ("names", &[]),
    ("release", &["names"]),
    ("event", &["names"]),
    ("files", &["names"]),
    ("exec", &["names"]),
    ("disk", &["names", "event", "exec"]),
    ("git", &["names", "event", "exec", "disk"]),
    ("net", &["names", "event", "exec"]),
    ("store", &["names", "event", "disk"]),
    ("go_syntax", &[]),
];

/// Imports that the order does not allow, as `FROM PATH`, and why they are right nevertheless.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("store plan::KeyBuilder", "a digest of named fields; no part of a plan"),
    ("plan git::stamp", "the identity of the stamped commit, three constants that the script has to print"),
    ("source gomod", "a module's sources come through the go command, whose door gomod is; gomod itself uses no stage but plan"),
];

/// Files that may be long, and why.
const LONG: &[(&str, &str)] = &[];

const MOST_LINES: usize = 450;

/// A source file without comments and tests.
struct Source {
    /// Relative to `src`.
    path: String,
    /// The module at the top: `git` for `git/store.rs`.
    module: String,
    code: String,
    /// As it is on disk.
    text: String,
}

/// Every file that is part of the program.
fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(read_all)
}

fn read_all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut out: Vec<Source> = files(&root).into_iter().filter_map(|path| read(&root, &path)).collect();
    out.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(out.len() > 50, "the sources were not found");
    out
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// `None` for files that hold only tests.
fn read(root: &Path, path: &Path) -> Option<Source> {
    let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    // A page's template, style and script stand beside the code that fills it in.
    if path.extension()? != "rs" {
        return None;
    }
    let name = path.file_stem()?.to_str()?;
    if matches!(name, "tests" | "testing") || name.ends_with("_tests") || relative.contains("/tests/") {
        return None;
    }
    let text = fs::read_to_string(path).unwrap();
    let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<&str> = program.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let module = relative.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    Some(Source { path: relative, module, code: code.join("\n"), text })
}

/// `module path::inside` for everything of the crate that a file names.
fn imports(source: &Source) -> BTreeSet<String> {
    static PATH: OnceLock<Regex> = OnceLock::new();
    let path = PATH.get_or_init(|| Regex::new(r"(?-u)\bcrate::([a-z_0-9]+)((?:::\w+)*)").unwrap());
    assert!(!source.code.contains("crate::{"), "{}: a group at the crate's root hides what is imported", source.path);
    assert!(!source.code.contains("super::super"), "{}: say crate::, so that it is seen what is imported", source.path);
    assert!(source.path.contains('/') || !source.code.contains("super::"), "{}: say crate::", source.path);
    path.captures_iter(&source.code).map(|c| format!("{}{}", &c[1], &c[2])).filter(|p| top(p) != source.module).collect()
}

fn top(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

/// The modules that a module may name.
fn allowed(module: &str) -> BTreeSet<&'static str> {
    if let Some((_, below)) = BELOW.iter().find(|(name, _)| *name == module) {
        return below.iter().copied().collect();
    }
    if let Some(at) = STAGES.iter().position(|stage| *stage == module) {
        let mut all: BTreeSet<&str> = FOUNDATIONS.into_iter().collect();
        match module {
            "recipe" => {}
            // Pure: of the foundations only those that are values.
            "plan" => all = BTreeSet::from(["names", "release", "recipe"]),
            _ => all.extend(["recipe", "plan", STAGES[at - 1]]),
        }
        return all;
    }
    match module {
        // A view on patches, beside the road to the binary.
        "matrix" => FOUNDATIONS.into_iter().chain(["recipe", "patch"]).collect(),
        // Finished binaries on hosts; of a plan it takes the digest of named fields.
        "trial" => FOUNDATIONS.into_iter().chain(["recipe", "plan"]).collect(),
        // Where a series is changed: patches and the commits that stand for them.
        "work" => FOUNDATIONS.into_iter().chain(["patch"]).collect(),
        "report" => FOUNDATIONS.into_iter().chain(["recipe", "trial"]).collect(),
        "pipeline" => FOUNDATIONS.into_iter().chain(STAGES).chain(["matrix", "trial", "work", "report"]).collect(),
        "ui" => BTreeSet::from(["names", "event"]),
        "cli" => FOUNDATIONS.into_iter().chain(STAGES).chain(["matrix", "trial", "work", "report", "pipeline", "ui"]).collect(),
        "main" | "lib" => BTreeSet::new(),
        _ => panic!("tests/architecture.rs does not know the module {module}: give it a place in the order"),
    }
}

fn excepted(module: &str, path: &str) -> bool {
    EXCEPTIONS.iter().any(|(rule, _)| {
        let (from, to) = rule.split_once(' ').unwrap();
        from == module && (path == to || path.strip_prefix(to).is_some_and(|rest| rest.starts_with("::")))
    })
}

/// The lines with a match.
fn found(pattern: &Regex, text: &str) -> Vec<String> {
    let line = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        text[start..].lines().next().unwrap_or_default().trim().to_owned()
    };
    pattern.find_iter(text).map(|m| line(m.start())).collect()
}

/// Fails with all of them at once.
#[track_caller]
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

#[test]
fn data_flows_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = allowed(&source.module);
        for path in imports(source) {
            if !allowed.contains(top(&path)) && !excepted(&source.module, &path) {
                wrong.push(format!("{} imports {path}", source.path));
            }
        }
    }
    none(wrong);
}

#[test]
fn every_exception_is_needed() {
    let all = sources();
    let needed = |rule: &str| {
        let (from, to) = rule.split_once(' ').unwrap();
        all.iter().filter(|s| s.module == from).any(|s| imports(s).iter().any(|path| path.starts_with(to)))
    };
    none(EXCEPTIONS.iter().filter(|(rule, _)| !needed(rule)).map(|(rule, _)| (*rule).to_owned()).collect());
    let long = |path: &str| all.iter().any(|s| s.path == path && lines(s) > MOST_LINES);
    none(LONG.iter().filter(|(path, _)| !long(path)).map(|(path, _)| format!("{path} is not long any more")).collect());
}

#[test]
fn each_door_has_one_keeper() {
    // What only one module may write, and which. Clippy sees the methods, but not the names of crates.
    let doors = [
        (r"\bduct\b", "exec"),
        (r"\bstd::process::(Command|Child|Stdio)\b|\bprocess::(Command|Child|Stdio)\b", "exec"),
        (r"\bgit2\b", "git"),
        (r"\b(ureq|rustls|rustls_native_certs)\b|\bstd::net::(TcpStream|TcpListener|UdpSocket)\b", "net"),
        (r"\b(print|println|eprint|eprintln|dbg)!", "ui"),
        (r"\b(stdout|stderr)\(\)", "ui"),
        (r"\bindicatif\b", "ui"),
        (r"\bclap(_complete)?\b", "cli"),
        (r"\benv::(var|var_os|vars|vars_os|args|args_os|current_dir|set_current_dir|home_dir|temp_dir)\b", "cli"),
        (r"\bsignal_hook\b", "exec"),
        // Both change files of people's in place.
        (r"\btoml_edit\b", "recipe patch"),
        (r"\bmailparse\b|\bdiffy\b", "patch"),
    ];
    let mut wrong = Vec::new();
    for (pattern, keeper) in doors {
        let pattern = Regex::new(&format!("(?-u){pattern}")).unwrap();
        for source in sources().iter().filter(|s| !keeper.split(' ').any(|keeper| keeper == s.module)) {
            for line in found(&pattern, &source.code) {
                wrong.push(format!("{}: only {keeper} may write this: {line}", source.path));
            }
        }
    }
    none(wrong);
}

#[test]
fn a_plan_is_made_without_looking_at_the_world() {
    let door =
        Regex::new(r"(?-u)\bstd::(fs|net|process|env|thread|time)\b|\bfs::|\bFile::(open|create)\b|\btempfile\b|\brustix\b")
            .unwrap();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| matches!(s.module.as_str(), "plan" | "names" | "release" | "event")) {
        // `std::env::consts` is known when forge is compiled.
        for line in found(&door, &source.code.replace("std::env::consts", "")) {
            wrong.push(format!("{}: {line}", source.path));
        }
    }
    none(wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let later = Regex::new(r"(?-u)\b(todo|unimplemented)!|\b(TODO|FIXME|XXX)\b").unwrap();
    let of = |s: &Source| found(&later, &s.text).iter().map(|line| format!("{}: {line}", s.path)).collect::<Vec<_>>();
    none(sources().iter().flat_map(of).collect());
}

/// The lines of the program itself, with its comments.
fn lines(source: &Source) -> usize {
    source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count()
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    let long = |s: &&Source| lines(s) > MOST_LINES && !LONG.iter().any(|(path, _)| *path == s.path);
    none(sources().iter().filter(long).map(|s| format!("{} has {} lines: split it, or say why", s.path, lines(s))).collect());
}

#[test]
fn a_mod_rs_has_no_logic() {
    // Docs, attributes, modules and re-exports, which may go over several lines.
    let line = Regex::new(r"^(//.*|#!?\[.*|(pub(\([a-z: ]+\))? )?(mod|use) [^=]*;|)$").unwrap();
    let group = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.path.ends_with("/mod.rs") || s.path == "lib.rs") {
        let folded = group.replace_all(&source.text, "{}").into_owned();
        wrong.extend(folded.lines().filter(|l| !line.is_match(l)).map(|l| format!("{}: {l}", source.path)));
    }
    none(wrong);
}

#[test]
fn every_file_says_what_it_is_for() {
    let told = |s: &Source| s.text.starts_with("//! ") || s.path == "main.rs" && s.text.contains("//!");
    none(sources().iter().filter(|s| !told(s)).map(|s| format!("{} does not begin with `//! `", s.path)).collect());
}

#[test]
fn the_stages_of_this_test_are_those_of_the_program() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared: BTreeSet<&str> = text.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let known: BTreeMap<&str, ()> = FOUNDATIONS
        .into_iter()
        .chain(STAGES)
        .chain(["matrix", "trial", "work", "report", "pipeline", "ui", "cli"])
        .map(|m| (m, ()))
        .collect();
    assert_eq!(declared, known.into_keys().collect());
}
