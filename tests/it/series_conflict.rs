//! A patch that does not apply: the work folder opens with it, as `git rebase` would.

use std::fs;
use std::path::PathBuf;

use crate::kit::{Sandbox, Upstream, git};

const SERIES: &str = "patches/app/polite";

/// v1.2.4 says something else where the second of three patches is.
fn sandbox() -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let greet = up.git(&["show", "v1.2.3:greet.go"]) + "\n";
    let patches = [
        ("one.patch", up.patch("v1.2.3", "One", &[("ONE", "1\n")])),
        ("two.patch", up.patch("v1.2.3", "Two", &[("greet.go", &greet.replace("hello", "dear hello")), ("TWO", "2\n")])),
        ("three.patch", up.patch("v1.2.3", "Three", &[("THREE", "3\n")])),
    ];
    let files: Vec<(&str, &str)> = patches.iter().map(|(name, text)| (*name, text.as_str())).collect();
    sandbox.series("app", "polite", &files);
    sandbox.edit(&format!("{SERIES}/series.toml"), "file = \"two.patch\"\n", "file = \"two.patch\"\nbase = \"v1.2.3\"\n");
    up.release_with("v1.2.4", &[("greet.go", &greet.replace("hello", "good day"))]);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\nseries = [\"polite\"]\n");
    (sandbox, up)
}

fn work(sandbox: &Sandbox) -> PathBuf {
    sandbox.project().join("work/app/app")
}

#[test]
fn it_opens_with_markers_and_goes_on() {
    let (sandbox, _up) = sandbox();
    let ran = sandbox.forge(&["patch", "start", "app"]);
    ran.code(3).says("two.patch does not apply to v1.2.4").says("merged as it applies to v1.2.3; mend greet.go");
    let work = work(&sandbox);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    assert_eq!(git(&work, &["status", "--porcelain"]), "A  TWO\nUU greet.go");
    let text = fs::read_to_string(work.join("greet.go")).unwrap();
    assert!(text.contains("<<<<<<< v1.2.4\n\treturn \"good day\"\n||||||| v1.2.3\n\treturn \"hello\"\n=======\n\treturn \"dear hello\"\n>>>>>>> two.patch\n"), "{text}");
    forge(&["patch", "save"]).code(1).says("waits at two.patch");
    forge(&["patch", "status"]).ok().prints("two.patch does not apply and waits").prints("not resolved: greet.go");
    forge(&["patch", "start", "--continue"]).code(1).says("not resolved yet: greet.go");
    git(&work, &["add", "greet.go"]);
    forge(&["patch", "start", "--continue"]).code(1).says("conflict markers are left in greet.go");
    let greet = git(&work, &["show", "HEAD:greet.go"]) + "\n";
    fs::write(work.join("greet.go"), greet.replace("good day", "dear good day")).unwrap();
    git(&work, &["add", "greet.go"]);
    forge(&["patch", "start", "--continue"]).ok().prints("3 commits");
    assert_eq!(git(&work, &["log", "--reverse", "--format=%s", "refs/forge/base..HEAD"]), "One\nTwo\nThree");
    assert_eq!(git(&work, &["status", "--porcelain"]), "");
    // The old form stays for the releases that it is good for.
    forge(&["patch", "save"]).ok().prints("form added polite/two.1.2.patch");
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(
        list.contains(
            "one_of = [\n  { file = \"two.patch\", base = \"v1.2.3\" },\n  { file = \"two.1.2.patch\", base = \"v1.2.4\" },\n]\n"
        ),
        "{list}"
    );
    for release in ["app@v1.2.3", "app@v1.2.4"] {
        sandbox.forge(&["patch", "show", release]).ok().prints("dear");
    }
    forge(&["patch", "save"]).ok().prints("nothing to save");
    forge(&["patch", "start", "--continue"]).code(1).says("nothing waits to be continued");
}

#[test]
fn the_new_form_can_replace_the_old_one() {
    let (sandbox, _up) = sandbox();
    sandbox.forge(&["patch", "start", "app"]).code(3);
    let work = work(&sandbox);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    let greet = git(&work, &["show", "HEAD:greet.go"]) + "\n";
    fs::write(work.join("greet.go"), greet.replace("good day", "dear good day")).unwrap();
    // The user's own commit is as good.
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-qm", "Two, again"]);
    forge(&["patch", "start", "--continue"]).ok();
    forge(&["patch", "save", "--overwrite"]).ok().prints("changed polite/two.patch");
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(list.contains("file = \"two.patch\"\nbase = \"v1.2.4\"\n") && !list.contains("one_of"), "{list}");
    assert!(sandbox.read(&format!("{SERIES}/two.patch")).contains("Subject: [PATCH] Two, again\n"));
    sandbox.forge(&["patch", "show", "app@v1.2.4"]).ok();
    sandbox.forge(&["patch", "show", "app@v1.2.3"]).code(3);
}

#[test]
fn a_start_that_waits_can_be_taken_back_or_go_on_without() {
    let (sandbox, _up) = sandbox();
    sandbox.forge(&["patch", "start", "app"]).code(3);
    let work = work(&sandbox);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    sandbox.forge(&["patch", "start", "app"]).code(1).says("waits at two.patch");
    forge(&["patch", "start", "--abort"]).ok().prints("is gone again");
    assert!(!work.exists());
    sandbox.forge(&["patch", "start", "app@v1.2.3"]).ok();
    // A folder that was there is brought to another release, and back.
    let before = git(&work, &["rev-parse", "HEAD"]);
    sandbox.forge(&["patch", "start", "app"]).code(3).says("two.patch does not apply");
    forge(&["patch", "start", "--abort"]).ok().prints("is as it was");
    assert_eq!(git(&work, &["rev-parse", "HEAD"]), before);
    assert_eq!(git(&work, &["status", "--porcelain"]), "");
    forge(&["patch", "save"]).ok().prints("nothing to save");
    sandbox.forge(&["patch", "start", "app"]).code(3);
    forge(&["patch", "start", "--skip"]).ok().prints("2 commits");
    forge(&["patch", "save"]).ok().prints("dropped polite/two.patch");
    assert!(!sandbox.has(&format!("{SERIES}/two.patch")));
}
