//! `forge matrix` through the program: what it says of each release, what it asks of the network, and how it ends.

use std::fs;

use serde_json::Value;

use crate::kit::{Sandbox, Upstream, service_go_mod};

fn greet(body: &str) -> String {
    format!("package main\n\n// greeting is what the program says.\nfunc greeting() string {{\n{body}\n}}\n")
}

/// Releases of a program whose greeting moves, changes its name, and goes away; a series of a mail with a hunk and an edit.
fn moving() -> (Sandbox, Upstream) {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Default::default());
    up.config("uploadpack.allowFilter", "true");
    let base = greet("\t_ = 1\n\t_ = 2\n\twords := \"hello\"\n\tprintln(words)\n\treturn words");
    up.release_with("v1.0.0", &[("greet.go", &base)]);
    up.release_with("v1.0.1", &[("other.txt", "no Go\n")]);
    up.release_with("v1.1.0", &[("greet.go", &base.replace("package main\n", "package main\n\nvar a = 1\n"))]);
    up.release_with("v1.2.0-rc.1", &[("other.txt", "soon\n")]);
    // The same lines, in another function.
    let elsewhere = base.replace("func greeting()", "func farewell()") + "\nfunc greeting() string { return farewell() }\n";
    up.release_with("v1.2.0", &[("greet.go", &elsewhere)]);
    up.release_with("v1.3.0", &[("greet.go", &base.replace("println(words)", "print(words)"))]);
    up.release_with("v1.4.0", &[("greet.go", ""), ("main.go", "package main\n\nfunc main() {}\n")]);
    let new = base.replace("\tprintln(words)\n", "\tprintln(words)\n\twords = words + \"!\"\n");
    let mail = up.patch("v1.0.0", "Be louder", &[("greet.go", &new)]);
    sandbox.write("patches/app/loud/loud.patch", &mail);
    sandbox.write("patches/app/loud/series.toml", "[[patch]]\nfile = \"loud.patch\"\nbase = \"v1.0.0\"\n");
    sandbox.upstream_file(&up);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.1\"]\nseries = [\"loud\"]\nholds = \"<1.2\"\n");
    (sandbox, up)
}

fn releases(document: &Value) -> Vec<(String, String)> {
    let releases = document["components"][0]["releases"].as_array().unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    releases.iter().map(|r| (text(&r["version"]), text(&r["verdict"]))).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn every_release_gets_the_verdict_that_it_earns() {
    let (sandbox, _up) = moving();
    let promised = sandbox.forge(&["matrix", "--json"]);
    promised.ok();
    let document = promised.json();
    assert_eq!(document["schema"], 1);
    assert_eq!(releases(&document), pairs(&[("v1.1.0", "clean-offset"), ("v1.0.1", "clean"), ("v1.0.0", "clean")]));
    let reasons = &document["components"][0]["releases"][0]["patches"][0]["reasons"];
    assert!(reasons[0]["text"].as_str().unwrap().contains("hunk 1 stands 2 lines further down"), "{reasons}");

    // The others are not promised: whatever they are, the end is good.
    let all = sandbox.forge(&["matrix", "app@*", "--json"]);
    all.ok();
    let expected = [
        ("main", "missing-file"),
        ("v1.4.0", "missing-file"),
        ("v1.3.0", "conflict"),
        ("v1.2.0", "conflict"),
        ("v1.2.0-rc.1", "clean-offset"),
        ("v1.1.0", "clean-offset"),
        ("v1.0.1", "clean"),
        ("v1.0.0", "clean"),
    ];
    assert_eq!(releases(&all.json()), pairs(&expected));
    let text = all.out();
    assert!(text.contains("stands in function farewell, and in function greeting where the patch was written"), "{text}");
    let found = "+     print(words)";
    assert!(text.contains(found) && text.contains("-     println(words)"), "{text}");
}

#[test]
fn a_promise_that_is_broken_ends_with_3_and_says_where() {
    let (sandbox, _up) = moving();
    sandbox.edit("recipes/app.toml", "holds = \"<1.2\"", "holds = \"*\"");
    let ran = sandbox.forge(&["matrix", "--annotate", "github", "--code-quality", "quality.json"]);
    ran.code(3).prints("v1.3.0").prints("conflict").prints("stands in function farewell");
    ran.says("::error file=patches/app/loud/loud.patch,line=");
    let report: Value = serde_json::from_str(&sandbox.read("quality.json")).unwrap();
    assert_eq!(report[0]["location"]["path"], "patches/app/loud/loud.patch");
    // A component without a promise shows everything, and ends well; what the user names counts.
    sandbox.edit("recipes/app.toml", "holds = \"*\"\n", "");
    sandbox.forge(&["matrix"]).ok().prints("v1.3.0");
    sandbox.forge(&["matrix", "app@v1.3.0"]).code(3);
    sandbox.forge(&["matrix", "app@v1.0.1"]).ok();
}

#[test]
fn what_the_upstream_has_already_is_proved() {
    let (sandbox, up) = moving();
    let done = greet("\t_ = 1\n\t_ = 2\n\twords := \"hello\"\n\tprintln(words)\n\twords = words + \"!\"\n\treturn words");
    up.release_with("v1.5.0", &[("greet.go", &done)]);
    let ran = sandbox.forge(&["matrix", "app@v1.5.0", "--json"]);
    assert_eq!(releases(&ran.json()), pairs(&[("v1.5.0", "upstreamed")]));
}

#[test]
fn nothing_is_asked_twice_and_offline_works() {
    let (sandbox, up) = moving();
    let first = sandbox.forge(&["matrix", "--json"]);
    first.ok().says("3 releases").says("files");
    let again = sandbox.forge(&["matrix", "--json"]);
    again.ok().lacks("Surveyed");
    assert_eq!(first.out(), again.out());
    sandbox.forge(&["matrix", "app@v1.3.0", "--offline"]).code(1).says("is not in the store").says("without --offline");
    up.release_with("v1.1.1", &[("greet.go", &greet("\treturn \"new\""))]);
    let new = sandbox.forge(&["matrix", "--json"]);
    new.code(3).says("Surveyed app 1 releases");
    assert_eq!(releases(&new.json())[0], ("v1.1.1".to_owned(), "conflict".to_owned()));
    fs::remove_dir_all(up.path()).unwrap();
    let offline = sandbox.forge(&["matrix", "--json", "--offline"]);
    assert_eq!(offline.code(3).out(), new.out());
    // A changed patch is judged anew, from what is there.
    sandbox.edit("patches/app/loud/loud.patch", "+\twords = words + \"!\"", "+\twords = words + \"?\"");
    sandbox.forge(&["matrix", "--offline"]).code(3);
}

#[test]
fn a_nightly_job_looks_at_new_tags_only() {
    let (sandbox, _up) = moving();
    let ran = sandbox.forge(&["matrix", "app@*", "--new-since", "v1.2.0", "--json"]);
    let names: Vec<String> = releases(&ran.json()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["main", "v1.4.0", "v1.3.0"]);
    sandbox.forge(&["matrix", "--new-since", "v9.9.9"]).code(1).says("--new-since wants a tag");
}

#[test]
fn recorded_trees_are_those_that_forge_tree_writes() {
    let (sandbox, _up) = moving();
    sandbox.forge(&["matrix", "--record", "record.txt"]).ok();
    let record = sandbox.read("record.txt");
    for release in ["v1.0.0", "v1.0.1", "v1.1.0"] {
        let out = format!("tree-{release}");
        sandbox.forge(&["tree", &format!("app@{release}"), "--git", "--out", &out]).ok();
        let tree = crate::kit::git(&sandbox.project().join(&out), &["rev-parse", "HEAD^{tree}"]);
        let line = record.lines().find(|l| l.starts_with(&format!("app {release} "))).unwrap();
        assert!(line.ends_with(&tree), "{line}: {tree}");
    }
    // Nothing of it was written: trees in memory only.
    let before = sandbox.read("record.txt");
    sandbox.forge(&["matrix", "--record", "record.txt", "--offline"]).ok();
    assert_eq!(before, sandbox.read("record.txt"));
}

#[test]
fn a_library_is_judged_on_the_versions_that_programs_pin() {
    let (sandbox, up) = Sandbox::with_service(&["v1.0.0", "v1.1.0"]);
    up.config("uploadpack.allowFilter", "true");
    let old = service_go_mod("").replace("service v1.2.4", "service v1.2.2");
    up.release_with("v0.9.0", &[("go.mod", &old)]);
    sandbox.recipe(
        "app",
        "[component.app]\nlines = [\"~1.0\"]\nreplace = [\"service\"]\nholds = \">=0.9\"\n[component.service]\nseries = \
         [\"platform\"]\nholds = \"=1.2.4\"\n",
    );
    let ran = sandbox.forge(&["matrix", "--json"]);
    ran.ok();
    let document = ran.json();
    assert_eq!(document["components"][0]["component"], "service");
    assert_eq!(document["components"][0]["range"], "pins of app");
    let releases = document["components"][0]["releases"].as_array().unwrap();
    let of = |n: usize| (releases[n]["version"].as_str().unwrap(), releases[n]["required_by"].clone());
    assert_eq!(of(0), ("v1.2.4", serde_json::json!(["app v1.1.0", "app v1.0.0"])));
    assert_eq!(of(1), ("v1.2.2", serde_json::json!(["app v0.9.0"])));
    sandbox.forge(&["matrix", "app"]).code(1).says("app has no series");
    sandbox.forge(&["matrix", "--offline"]).ok();
}

#[test]
fn a_release_without_a_way_to_build_it_is_unbuildable() {
    let (sandbox, up) = moving();
    let file = up.toml().replace("[[build]]\n", "[[build]]\nversions = \">=1.0.1\"\n");
    sandbox.write("recipes/upstreams/app.toml", &file);
    let ran = sandbox.forge(&["matrix", "--json"]);
    ran.code(3);
    assert_eq!(releases(&ran.json())[2], ("v1.0.0".to_owned(), "unbuildable".to_owned()));
    assert!(ran.out().contains("no [[build]] for v1.0.0"), "{}", ran.out());
}

#[test]
fn what_was_swept_out_of_the_store_is_fetched_again() {
    let (sandbox, _up) = moving();
    let before = sandbox.forge(&["matrix", "--json"]).ok().json();
    sandbox.forge(&["gc", "--max-size", "0"]).ok().prints("clones");
    let left: Vec<String> = fs::read_dir(sandbox.store().join("survey"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    sandbox.forge(&["matrix", "--offline"]).code(1).says("the list of releases of app is not in the store");
    assert_eq!(sandbox.forge(&["matrix", "--json"]).ok().json(), before);
}

#[test]
fn as_much_and_as_colourful_as_wanted() {
    let (sandbox, _up) = moving();
    let told = |option: &str| sandbox.forge(&["matrix", option]);
    told("--verbose").ok().says("Recipe").says("Asking file://");
    sandbox.forge(&["matrix"]).ok().says("Recipe").lacks("Asking");
    let quiet = told("--quiet");
    assert_eq!(quiet.ok().err(), "");
    let colour = |when: &str| sandbox.forge(&["matrix", "--color", when]).ok().out().contains('\u{1b}');
    assert_eq!((colour("always"), colour("never"), colour("auto")), (true, false, false));
    sandbox.forge(&["matrix", "--color", "sometimes"]).code(2);
}
