//! `forge matrix --blame`: which commit of the upstream's a conflict comes from.

use std::fs;

use serde_json::Value;

use crate::kit::{Sandbox, Upstream};

const BASE: &str = "package main\n\n// greeting is what the program says.\nfunc greeting() string {\n\t_ = 1\n\t_ = 2\n\twords := \
                    \"hello\"\n\tprintln(words)\n\treturn words\n}\n";

/// A program and a mail that was written on its first release.
fn louder() -> (Sandbox, Upstream) {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Default::default());
    up.release_with("v1.0.0", &[("greet.go", BASE)]);
    let mail = up.patch("v1.0.0", "Be louder", &[("greet.go", &BASE.replace("\tprintln", "\twords += \"!\"\n\tprintln"))]);
    sandbox.write("patches/app/loud/loud.patch", &mail);
    sandbox.write("patches/app/loud/series.toml", "[[patch]]\nfile = \"loud.patch\"\nbase = \"v1.0.0\"\n");
    sandbox.upstream_file(&up);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.0\"]\nseries = [\"loud\"]\n");
    (sandbox, up)
}

/// What is said about each release: its version, and the reason that names a commit.
fn blamed(document: &Value) -> Vec<(String, Option<String>)> {
    let releases = document["components"][0]["releases"].as_array().unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let of = |r: &Value| {
        let reasons = r["patches"][0]["reasons"].as_array().cloned().unwrap_or_default();
        let broken = reasons.iter().map(|r| text(&r["text"])).find(|t| t.starts_with("broken"));
        (text(&r["version"]), broken)
    };
    releases.iter().map(of).collect()
}

fn found(list: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    list.iter().map(|(version, text)| ((*version).to_owned(), text.map(str::to_owned))).collect()
}

#[test]
fn the_commit_between_two_releases_that_changed_the_lines_is_named() {
    let (sandbox, up) = louder();
    up.commit("main", "Somewhere else", &[("other.txt", "1\n")]);
    let higher = BASE.replace("package main\n", "package main\n\nvar a = 1\n");
    up.commit("main", "Further up", &[("greet.go", &higher)]);
    let printed = higher.replace("println(words)", "print(words)");
    let culprit = up.commit("main", "Print \u{1b}[1mwithout\ta newline\n\nAnd say why.", &[("greet.go", &printed)]);
    up.commit("main", "Further up again", &[("greet.go", &printed.replace("var a", "var b"))]);
    up.release("v1.1.0");
    up.release("v1.2.0");
    up.release_with("v1.3.0", &[("greet.go", BASE)]);
    let gone = up.commit("main", "Say nothing", &[("greet.go", "")]);
    up.release("v1.4.0");

    let plain = sandbox.forge(&["matrix", "--json"]);
    assert_eq!(blamed(&plain.ok().json()).into_iter().filter_map(|(_, text)| text).count(), 0);
    assert!(!sandbox.store().join("history").exists(), "nobody asked for the history");
    let ran = sandbox.forge(&["matrix", "--json", "--blame"]);
    let first = format!("broken by {} 2023-11-14 Print \\u{{1b}}[1mwithout a newline", &culprit[..10]);
    let second = format!("broken by {} 2023-11-14 Say nothing", &gone[..10]);
    let expected = [
        ("v1.4.0", Some(second.as_str())),
        ("v1.3.0", None),
        ("v1.2.0", Some(first.as_str())),
        ("v1.1.0", Some(first.as_str())),
        ("v1.0.0", None),
    ];
    assert_eq!(blamed(&ran.ok().json()), found(&expected));

    // Everything is kept: the same without the upstream, and nothing is asked for where nothing is new.
    sandbox.forge(&["matrix", "--json", "--blame"]).ok().lacks("histories");
    fs::remove_dir_all(up.path()).unwrap();
    let offline = sandbox.forge(&["matrix", "--json", "--blame", "--offline"]);
    assert_eq!(offline.ok().out(), ran.out());
    fs::remove_dir_all(sandbox.store().join("history")).unwrap();
    sandbox.forge(&["matrix", "--blame", "--offline"]).code(1).says("the history of app").says("without --offline");
}

#[test]
fn a_commit_of_a_merged_branch_is_named_and_not_the_merge() {
    let (sandbox, up) = louder();
    up.branch("side", &up.id("main"));
    let begun = BASE.replace("what the program says", "printed");
    up.commit("side", "Begin", &[("greet.go", &begun)]);
    let ended = begun.replace("println(words)", "print(words)");
    let culprit = up.commit("side", "Print", &[("greet.go", &ended)]);
    up.commit("main", "Meanwhile", &[("other.txt", "1\n")]);
    // main's files with greet.go as the branch has it.
    up.branch("merged", &up.commit("main", "tree of the merge", &[("greet.go", &ended)]));
    let (tree, main) = (up.tree("merged"), up.id("main~1"));
    let merge = up.git(&["commit-tree", &tree, "-p", &main, "-p", "side", "-m", "Merge side"]);
    up.git(&["update-ref", "refs/heads/main", &merge]);
    up.release("v1.1.0");
    let ran = sandbox.forge(&["matrix", "--json", "--blame"]);
    let text = format!("broken by {} 2023-11-14 Print", &culprit[..10]);
    assert_eq!(blamed(&ran.ok().json()), found(&[("v1.1.0", Some(&text)), ("v1.0.0", None)]));
}

#[test]
fn release_branches_are_compared_by_what_they_do_not_share() {
    let (sandbox, up) = louder();
    up.branch("release-1.0", &up.id("main"));
    let printed = BASE.replace("println(words)", "print(words)");
    let culprit = up.commit("main", "Print", &[("greet.go", &printed)]);
    up.release("v1.1.0");
    // The older line goes on after the newer one has begun.
    let fix = up.commit("release-1.0", "Fix something", &[("other.txt", "1\n")]);
    up.tag("v1.0.1", &fix);
    let ran = sandbox.forge(&["matrix", "--json", "--blame"]);
    let text = format!("broken by {} 2023-11-14 Print", &culprit[..10]);
    assert_eq!(blamed(&ran.ok().json()), found(&[("v1.1.0", Some(&text)), ("v1.0.1", None), ("v1.0.0", None)]));
}
