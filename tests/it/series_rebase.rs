//! `forge patch rebase`: a series brought to another release, without losing one.

use std::fs;

use crate::kit::{Sandbox, Upstream, git, names};

const SERIES: &str = "patches/app/polite";

/// A file with room around its lines.
fn lines(word: &str, top: &str) -> String {
    format!("{top}one\ntwo\nthree\n{word}\nfive\nsix\nseven\n")
}

/// v1.2.3 has the file; releases after it change what stands right beside the patch's line, or the line itself.
fn sandbox(next: &str) -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&[]);
    up.release_with("v1.2.3", &[("text", &lines("four", "")), ("late", &lines("four", ""))]);
    let patches = [
        ("one.patch", up.patch("v1.2.3", "One", &[("ONE", "1\n")])),
        ("two.patch", up.patch("v1.2.3", "Two", &[("text", &lines("FOUR", ""))])),
        ("three.patch", up.patch("v1.2.3", "Three", &[("THREE", "3\n")])),
    ];
    let files: Vec<(&str, &str)> = patches.iter().map(|(name, text)| (*name, text.as_str())).collect();
    sandbox.series("app", "polite", &files);
    up.release_with("v1.3.0", &[("text", next)]);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\nseries = [\"polite\"]\nholds = \">=1.2\"\n");
    (sandbox, up)
}

#[test]
fn what_merges_gets_a_form_beside_the_old_one_where_both_are_needed() {
    let (sandbox, up) = sandbox(&lines("four", "zero\n").replace("two", "zwei"));
    let before = names(&sandbox.project().join(SERIES));
    let ran = sandbox.forge(&["patch", "rebase", "app@v1.3.0", "--dry-run"]);
    ran.ok().prints("app: v1.2.3 -> v1.3.0").prints("merged polite/two.patch").prints("form added polite/two.1.3.patch");
    ran.prints("before: 1 of 2 promised releases clean")
        .prints("after:  2 of 2 promised releases clean")
        .prints("gained: v1.3.0");
    ran.prints("! 2:");
    assert_eq!(names(&sandbox.project().join(SERIES)), before, "--dry-run has written");
    let old = sandbox.read(&format!("{SERIES}/two.patch"));
    sandbox.forge(&["patch", "rebase", "app@v1.3.0"]).ok();
    assert_eq!(sandbox.read(&format!("{SERIES}/two.patch")), old);
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(
        list.contains("one_of = [\n  { file = \"two.patch\" },\n  { file = \"two.1.3.patch\", base = \"v1.3.0\" },\n]\n"),
        "{list}"
    );
    for release in ["app@v1.2.3", "app@v1.3.0"] {
        sandbox.forge(&["patch", "show", release]).ok().prints("+FOUR");
    }
    // The same tree as git's own rebase makes.
    let clone = sandbox.root().join("clone");
    up.clone_to(&clone);
    git(&clone, &["checkout", "-q", "-b", "mine", "v1.2.3"]);
    for patch in ["one.patch", "two.patch", "three.patch"] {
        git(&clone, &["am", "-q", sandbox.project().join(SERIES).join(patch).to_str().unwrap()]);
    }
    git(&clone, &["rebase", "-q", "v1.3.0"]);
    sandbox.forge(&["tree", "app@v1.3.0", "--git", "--out", "tree"]).ok();
    let tree = git(&sandbox.project().join("tree"), &["rev-parse", "HEAD^{tree}"]);
    assert_eq!(tree, git(&clone, &["rev-parse", "HEAD^{tree}"]));
    sandbox.forge(&["patch", "rebase", "app@v1.3.0"]).ok().prints("applies polite/two");
    sandbox.forge(&["patch", "undo"]).ok().prints("took the last rebase back");
    assert_eq!(names(&sandbox.project().join(SERIES)), before);
    // Loss is a choice.
    let ran = sandbox.forge(&["patch", "rebase", "app@v1.3.0", "--overwrite", "--json"]);
    let document = ran.ok().json();
    assert_eq!(document["lost"][0], "v1.2.3");
    assert_eq!(document["patches"][1]["turn"], "merged");
    assert_eq!(names(&sandbox.project().join(SERIES)), before);
    sandbox.forge(&["patch", "show", "app@v1.2.3"]).code(3);
}

#[test]
fn one_form_is_enough_where_nothing_is_lost() {
    let (sandbox, _up) = sandbox(&lines("four", "zero\n").replace("two", "zwei"));
    sandbox.edit("recipes/app.toml", ">=1.2\"", ">=1.3\"");
    sandbox.forge(&["patch", "rebase", "app@v1.3.0"]).ok().prints("changed polite/two.patch").prints("gained: v1.3.0");
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(list.contains("file = \"two.patch\"\nbase = \"v1.3.0\"\n") && !list.contains("one_of"), "{list}");
}

#[test]
fn what_conflicts_is_left_in_a_work_folder() {
    let (sandbox, _up) = sandbox(&lines("vier", ""));
    sandbox.forge(&["patch", "rebase", "app@v1.3.0", "--dry-run"]).code(3).prints("conflict polite/two.patch");
    assert!(!sandbox.has("work"));
    let ran = sandbox.forge(&["patch", "rebase", "app@v1.3.0"]);
    ran.code(3).prints("work/app/app").says("merged as it applies to v1.2.3; mend text");
    let work = sandbox.project().join("work/app/app");
    let text = fs::read_to_string(work.join("text")).unwrap();
    assert!(text.contains("<<<<<<< v1.3.0\nvier\n||||||| v1.2.3\nfour\n=======\nFOUR\n>>>>>>> two.patch\n"), "{text}");
    fs::write(work.join("text"), lines("VIER", "")).unwrap();
    git(&work, &["add", "text"]);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    forge(&["patch", "start", "--continue"]).ok().prints("3 commits");
    forge(&["patch", "save"]).ok().prints("form added polite/two.1.3.patch");
    sandbox.forge(&["matrix", "app"]).ok().prints("2 of 2 promised releases clean");
}

#[test]
fn what_the_upstream_has_is_for_older_releases_from_then_on() {
    let (sandbox, up) = sandbox(&lines("FOUR", ""));
    up.config("uploadpack.allowFilter", "true");
    // Behind it stands a patch that has to be merged, and one that applies.
    up.release_with("v1.4.0", &[("late", &lines("four", "zero\n").replace("two", "zwei"))]);
    let late = up.patch("v1.2.3", "Late", &[("late", &lines("LATE", ""))]);
    let patches: Vec<(String, String)> = ["one.patch", "two.patch", "three.patch"]
        .map(|name| (name.to_owned(), sandbox.read(&format!("{SERIES}/{name}"))))
        .into_iter()
        .chain([("zz.patch".to_owned(), late)])
        .collect();
    let files: Vec<(&str, &str)> = patches.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    sandbox.series("app", "polite", &files);
    let before = sandbox.read(&format!("{SERIES}/series.toml"));
    let ran = sandbox.forge(&["patch", "rebase", "app@v1.4.0", "--dry-run"]);
    ran.ok().prints("upstreamed polite/two.patch").prints("ended polite/two.patch").prints("merged polite/zz.patch");
    assert_eq!(sandbox.read(&format!("{SERIES}/series.toml")), before, "--dry-run has written");
    let ran = sandbox.forge(&["patch", "rebase", "app@v1.4.0", "--json"]);
    let document = ran.ok().json();
    assert_eq!(document["patches"][1]["turn"], "upstreamed");
    let ended = &document["ended"][0];
    assert_eq!((&ended["patch"], &ended["below"], &ended["needed"]), (&"two.patch".into(), &"v1.3.0".into(), &true.into()));
    // The commit that brought it is named, with its date and subject.
    let commit = git(up.path(), &["rev-parse", "--short=10", "v1.3.0^{commit}"]);
    let reason = ended["reason"].as_str().unwrap();
    assert!(reason.starts_with(&format!("upstream has it by {commit} ")) && reason.ends_with(", in v1.3.0"), "{reason}");
    assert_eq!(document["after"], "3 of 3 promised releases clean");
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(list.contains("file = \"two.patch\"\nversions = \"<1.3.0\"\nreason = \"upstream has it by "), "{list}");
    sandbox.forge(&["patch", "rebase", "app@v1.4.0"]).ok().prints("skipped polite/two.patch").prints("applies polite/zz");
    sandbox.forge(&["patch", "undo"]).ok();
    assert_eq!(sandbox.read(&format!("{SERIES}/series.toml")), before);
    sandbox.forge(&["patch", "rebase", "app"]).code(2).says("it is not said which release");
    // Where nothing older is promised, it is proposed for removal.
    sandbox.edit("recipes/app.toml", ">=1.2\"", ">=1.3\"");
    sandbox.forge(&["patch", "rebase", "app@v1.4.0"]).ok().prints("no release needs it any more: remove it");
}

#[test]
fn a_resolution_that_holds_everywhere_takes_the_place_of_the_old_form() {
    let (sandbox, _up) = sandbox(&lines("vier", ""));
    sandbox.edit("recipes/app.toml", ">=1.2\"", ">=1.3\"");
    sandbox.forge(&["patch", "rebase", "app@v1.3.0"]).code(3);
    let work = sandbox.project().join("work/app/app");
    fs::write(work.join("text"), lines("VIER", "")).unwrap();
    git(&work, &["add", "text"]);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    forge(&["patch", "start", "--continue"]).ok();
    // Without a look at the releases nothing is given up.
    forge(&["patch", "save", "--dry-run"]).ok().prints("changed polite/two.patch").prints("gained: v1.3.0");
    let ran = forge(&["patch", "save", "--json"]);
    assert_eq!(ran.ok().json()["gained"], serde_json::json!(["v1.3.0"]));
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(!list.contains("one_of"), "{list}");
}

#[test]
fn a_resolution_is_remembered_in_the_project_and_used_again() {
    let (sandbox, up) = sandbox(&lines("vier", ""));
    sandbox.forge(&["patch", "rebase", "app@v1.3.0"]).code(3);
    let work = sandbox.project().join("work/app/app");
    fs::write(work.join("text"), lines("VIER", "")).unwrap();
    git(&work, &["add", "text"]);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    forge(&["patch", "start", "--continue"]).ok().says("how text was resolved is remembered in patches/app/.resolutions/");
    fs::remove_dir_all(&work).unwrap();
    // The same conflict on another release, somewhere else in the file.
    up.release_with("v1.4.0", &[("text", &lines("vier", "zero\n"))]);
    let known = names(&sandbox.project().join("patches/app/.resolutions"));
    assert_eq!(known.len(), 1);
    let file = format!("patches/app/.resolutions/{}", known[0]);
    let text = sandbox.read(&file);
    assert!(text.contains("VIER\n") && text.contains("release = \"v1.3.0\""), "{text}");
    let ran = sandbox.forge(&["patch", "rebase", "app@v1.4.0"]);
    ran.ok().prints("merged polite/two.patch").says(&format!("two.patch: text is resolved as in {file}"));
    sandbox.forge(&["tree", "app@v1.4.0", "--out", "tree"]).ok();
    assert_eq!(sandbox.read("tree/text"), lines("VIER", "zero\n"));
    sandbox.forge(&["patch", "undo"]).ok();
    // A file that is broken, or not there, is no reason to fail.
    sandbox.write(&file, "resolution = 1\n");
    sandbox.forge(&["patch", "rebase", "app@v1.4.0", "--dry-run"]).code(3).says("is not used");
    fs::remove_file(sandbox.project().join(&file)).unwrap();
    sandbox.forge(&["patch", "rebase", "app@v1.4.0", "--dry-run"]).code(3).prints("conflict polite/two.patch");
}
