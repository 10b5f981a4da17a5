//! The life of a series: `forge patch start`, `save`, `status` and `undo`, with the real git in the work folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::{Sandbox, Upstream, git, names, tool};

const RECIPE: &str = "[component.app]\nlines = [\"~1.2\"]\nseries = [\"polite\"]\n";

const EDIT: &str = "description = \"Call it\" # short\n\n[[edit]]\nfile   = \"greet.go\"\nin     = \"greeting\"\nbefore = \"return $X\"\ninsert = 'polite()' # here\n";

/// A series of two mails, an edit between them, and a patch that is for other releases.
fn sandbox() -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let one = up.patch("v1.2.3", "A word for it", &[("polite.go", "package main\n\nfunc polite() {}\n")]);
    let two = up.patch("v1.2.3", "Tell the release", &[("RELEASE", "v1.2.3 or so\n")]);
    let other = up.patch("v1.2.3", "For later", &[("LATER", "later\n")]);
    let files = [("a-word.patch", &*one), ("call-it.edit.toml", EDIT), ("later.patch", &other), ("tell-the-release.patch", &two)];
    sandbox.series("app", "polite", &files);
    let list = "# What it is for.\n\n# First.\n[[patch]]\nfile = \"a-word.patch\" # one\nbase = \"v1.2.3\"\n\n[[patch]]\nfile = \
                \"call-it.edit.toml\"\n\n[[patch]]\nversions = \">=2\"\nfile = \"later.patch\"\n\n# Last.\n[[patch]]\nfile = \
                \"tell-the-release.patch\"\nbase = \"v1.2.0\"\n";
    sandbox.write("patches/app/polite/series.toml", list);
    sandbox.recipe("app", RECIPE);
    (sandbox, up)
}

const SERIES: &str = "patches/app/polite";

fn work(sandbox: &Sandbox) -> PathBuf {
    sandbox.project().join("work/app/app")
}

/// Every file of the series.
fn series(sandbox: &Sandbox) -> Vec<(String, String)> {
    names(&sandbox.project().join(SERIES))
        .into_iter()
        .map(|name| (name.clone(), sandbox.read(&format!("{SERIES}/{name}"))))
        .collect()
}

fn subjects(work: &Path) -> Vec<String> {
    git(work, &["log", "--reverse", "--format=%s", "refs/forge/base..HEAD"]).lines().map(str::to_owned).collect()
}

fn commit(work: &Path, path: &str, text: &str, args: &[&str]) {
    fs::write(work.join(path), text).unwrap();
    git(work, &["add", "-A"]);
    git(work, &[&["commit", "-q"], args].concat());
}

/// `git rebase -i` with a script for sed.
fn rebase(work: &Path, script: &str) {
    git(work, &["-c", &format!("sequence.editor=sed -i -e {script}"), "rebase", "-q", "-i", "refs/forge/base"]);
}

#[test]
fn a_work_folder_is_a_repository_with_one_commit_per_patch() {
    let (sandbox, up) = sandbox();
    let ran = sandbox.forge(&["patch", "start", "app"]);
    ran.ok().prints("work/app/app: app v1.2.3, 3 commits");
    let work = work(&sandbox);
    assert_eq!(git(&work, &["status", "--porcelain"]), "");
    assert_eq!(git(&work, &["rev-parse", "refs/forge/base", "v1.2.3"]), [up.id("v1.2.3"), up.id("v1.2.3")].join("\n"));
    assert_eq!(subjects(&work), ["A word for it", "Call it", "Tell the release"]);
    assert_eq!(git(&work, &["fsck", "--strict", "--no-dangling"]), "");
    sandbox.forge(&["tree", "app", "--out", "tree", "--git"]).ok();
    let tree = git(&sandbox.project().join("tree"), &["rev-parse", "HEAD^{tree}"]);
    assert_eq!(git(&work, &["rev-parse", "HEAD^{tree}"]), tree);
    assert_eq!(sandbox.read("work/.gitignore"), "*\n");
    // It stands on its own.
    fs::remove_dir_all(sandbox.store()).unwrap();
    assert_eq!(git(&work, &["fsck", "--strict", "--no-dangling"]), "");
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("nothing to save: 3 patches");
    sandbox.command(&["patch", "start"]).cwd(&work).run().ok().prints("as it was");
}

#[test]
fn what_did_not_change_keeps_its_bytes_whatever_git_is_set_to() {
    let (sandbox, _up) = sandbox();
    for (key, value) in [
        ("format.signature", "me"),
        ("diff.noprefix", "true"),
        ("diff.context", "9"),
        ("diff.algorithm", "patience"),
        ("core.abbrev", "7"),
        ("core.autocrlf", "true"),
        ("status.showUntrackedFiles", "no"),
        ("color.ui", "always"),
    ] {
        sandbox.git_config(key, value);
    }
    sandbox.forge(&["patch", "start", "app"]).ok();
    let (work, before) = (work(&sandbox), series(&sandbox));
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok();
    assert_eq!(series(&sandbox), before);
    // Other ids, the same patches.
    git(&work, &["rebase", "-q", "--force-rebase", "refs/forge/base"]);
    sandbox.command(&["patch", "save"]).cwd(work.join("..").join("app")).run().ok().prints("3 patches are as they were");
    assert_eq!(series(&sandbox), before);
    commit(&work, "RELEASE", "v1.2.3, more or less\n", &["--amend", "--no-edit"]);
    let ran = sandbox.command(&["patch", "save"]).cwd(&work).run();
    ran.ok().prints("changed polite/tell-the-release.patch").prints("2 patches are as they were");
    let text = sandbox.read(&format!("{SERIES}/tell-the-release.patch"));
    assert!(text.contains("+v1.2.3, more or less\n") && text.ends_with("-- \nforge\n"), "{text}");
    assert!(text.contains("--- a/RELEASE\n+++ b/RELEASE\n"), "{text}");
    let index = text.lines().find(|l| l.starts_with("index ")).unwrap();
    assert_eq!(index.len(), "index ".len() + 40 + 2 + 40 + " 100644".len(), "{index}");
    for (name, text) in before.iter().filter(|(name, _)| name != "tell-the-release.patch" && name != "series.toml") {
        assert_eq!(sandbox.read(&format!("{SERIES}/{name}")), *text);
    }
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(list.contains("# Last.\n[[patch]]\nfile = \"tell-the-release.patch\"\nbase = \"v1.2.3\"\n"), "{list}");
    sandbox.forge(&["build", "app"]).ok();
}

#[test]
fn commits_that_are_new_moved_split_and_dropped_are_saved_and_taken_back() {
    let (sandbox, _up) = sandbox();
    sandbox.forge(&["patch", "start", "app"]).ok();
    let (work, before) = (work(&sandbox), series(&sandbox));
    // Another order; the edit's commit goes; something new comes, with a message that has to be encoded.
    rebase(&work, "'1{h;d};2d;3G'");
    assert_eq!(subjects(&work), ["Tell the release", "A word for it"]);
    commit(&work, "NEW", "new\r\nfile", &["-m", "Größer: [neu], \"anders\"\n\nSigned-off-by: Ä <a@example.org>"]);
    let dry = sandbox.command(&["patch", "save", "--dry-run", "--json"]).cwd(&work).run();
    assert_eq!(dry.ok().json()["patches"][2]["what"], "new");
    assert_eq!(series(&sandbox), before, "--dry-run has written");
    let ran = sandbox.command(&["patch", "status"]).cwd(&work).run();
    ran.ok().prints("= ").prints("[tell-the-release.patch]").prints("-              call-it.edit.toml").prints("Größer");
    let ran = sandbox.command(&["patch", "save"]).cwd(&work).run();
    ran.ok()
        .prints("new polite/gr-er-neu-anders.patch")
        .prints("dropped polite/call-it.edit.toml")
        .prints("reordered the patches");
    assert!(!sandbox.has(&format!("{SERIES}/call-it.edit.toml")));
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    let order: Vec<&str> = list.lines().filter_map(|l| l.strip_prefix("file = \"")?.split('"').next()).collect();
    assert_eq!(order, ["tell-the-release.patch", "a-word.patch", "gr-er-neu-anders.patch", "later.patch"]);
    assert!(list.starts_with("# What it is for.\n\n# Last.\n[[patch]]"), "{list}");
    assert!(list.contains("# First.\n[[patch]]\nfile = \"a-word.patch\" # one"), "{list}");
    // The same once more from the series, and by git am.
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("nothing to save");
    let tree = git(&work, &["rev-parse", "HEAD^{tree}"]);
    sandbox.forge(&["tree", "app", "--out", "tree", "--git"]).ok();
    assert_eq!(git(&sandbox.project().join("tree"), &["rev-parse", "HEAD^{tree}"]), tree);
    let clone = sandbox.root().join("clone");
    git(Path::new("/"), &["clone", "-q", work.to_str().unwrap(), clone.to_str().unwrap()]);
    git(&clone, &["checkout", "-q", "--detach", "v1.2.3"]);
    for file in &order[..3] {
        let file = sandbox.project().join(SERIES).join(file);
        git(&clone, &["am", "-q", "--keep-cr", file.to_str().unwrap()]);
    }
    assert_eq!(git(&clone, &["rev-parse", "HEAD^{tree}"]), tree);
    assert_eq!(git(&clone, &["log", "-1", "--format=%B"]), "Größer: [neu], \"anders\"\n\nSigned-off-by: Ä <a@example.org>");

    sandbox.command(&["patch", "undo"]).cwd(&work).run().ok().prints("took the last save back");
    assert_eq!(series(&sandbox), before);
    sandbox.command(&["patch", "status"]).cwd(&work).run().ok().prints("+ ");
    sandbox.command(&["patch", "undo"]).cwd(&work).run().code(1).says("there is nothing to take back");
    // The commits are still there, and can be saved again.
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("new polite/gr-er-neu-anders.patch");
    sandbox.write(&format!("{SERIES}/gr-er-neu-anders.patch"), "changed by hand");
    sandbox.forge(&["patch", "undo"]).code(1).says("gr-er-neu-anders.patch").says("would lose these changes");
}

#[test]
fn a_split_commit_is_its_patch_and_a_new_one() {
    let (sandbox, _up) = sandbox();
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    git(&work, &["reset", "-q", "--soft", "HEAD~1"]);
    git(&work, &["reset", "-q", "--hard"]);
    commit(&work, "NOTES", "first half\n", &["-m", "Half of it"]);
    let late = ["-m", "Tell the release", "--date", "1700000001 +0000"];
    commit(&work, "RELEASE", "v1.2.3 or so\n", &late);
    let ran = sandbox.command(&["patch", "save"]).cwd(&work).run();
    ran.ok().prints("new polite/half-of-it.patch").prints("changed polite/tell-the-release.patch");
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(list.find("half-of-it").unwrap() < list.find("tell-the-release").unwrap(), "{list}");
}

#[test]
fn a_changed_edit_becomes_an_edit_again_or_is_asked_about() {
    let (sandbox, _up) = sandbox();
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    let at_edit = |change: &dyn Fn(String) -> String| {
        git(&work, &["checkout", "-q", "--detach", ":/Call it"]);
        let text = change(fs::read_to_string(work.join("greet.go")).unwrap());
        commit(&work, "greet.go", &text, &["--amend", "--no-edit"]);
        git(&work, &["cherry-pick", ":/Tell the release"]);
    };
    at_edit(&|text| text.replace("\tpolite()\n", "\tif true {\n\t\tpolite()\n\t}\n"));
    let ran = sandbox.command(&["patch", "save"]).cwd(&work).run();
    ran.ok().prints("changed polite/call-it.edit.toml").prints("2 patches are as they were");
    let text = sandbox.read(&format!("{SERIES}/call-it.edit.toml"));
    assert_eq!(text, EDIT.replace("'polite()'", "'''\nif true {\n\tpolite()\n}\n'''"));
    // More than its own code: no edit says that.
    at_edit(&|text| text.replace("hello", "good day"));
    let before = series(&sandbox);
    let ran = sandbox.command(&["patch", "save"]).cwd(&work).run();
    ran.code(1).says("call-it.edit.toml came from structural edits").says("--as-mail call-it.edit.toml");
    assert_eq!(series(&sandbox), before);
    let ran = sandbox.command(&["patch", "save", "--as-mail", "a-word.patch"]).cwd(&work).run();
    ran.code(1);
    let ran = sandbox.command(&["patch", "save", "--as-mail", "call-it.edit.toml"]).cwd(&work).run();
    ran.ok().prints("edit to mail polite/call-it.patch");
    assert!(!sandbox.has(&format!("{SERIES}/call-it.edit.toml")));
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    assert!(list.contains("[[patch]]\nfile = \"call-it.patch\"\nbase = \"v1.2.3\"\n"), "{list}");
    // Only its words: the description.
    sandbox.command(&["patch", "undo"]).cwd(&work).run().ok();
}

#[test]
fn the_message_of_an_edit_is_its_description() {
    let (sandbox, _up) = sandbox();
    sandbox.edit(
        &format!("{SERIES}/series.toml"),
        "# Last.\n[[patch]]\nfile = \"tell-the-release.patch\"\nbase = \"v1.2.0\"\n",
        "",
    );
    fs::remove_file(sandbox.project().join(SERIES).join("tell-the-release.patch")).unwrap();
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    git(&work, &["commit", "-q", "--amend", "-m", "Call it\n\nBecause."]);
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("changed polite/call-it.edit.toml");
    let text = sandbox.read(&format!("{SERIES}/call-it.edit.toml"));
    assert_eq!(text, EDIT.replace("\"Call it\"", "'''\nCall it\n\nBecause.\n'''"));
}

#[test]
fn nothing_that_is_in_no_series_is_overwritten() {
    let (sandbox, up) = sandbox();
    sandbox.write("work/app/app/mine", "mine");
    sandbox.forge(&["patch", "start", "app"]).code(1).says("is not empty, and no work folder of forge");
    fs::remove_dir_all(work(&sandbox)).unwrap();
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    // The series changes elsewhere.
    let three = up.patch("v1.2.3", "Three", &[("THREE", "3\n")]);
    sandbox.write(&format!("{SERIES}/three.patch"), &three);
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    sandbox.write(&format!("{SERIES}/series.toml"), &format!("{list}\n[[patch]]\nfile = \"three.patch\"\n"));
    sandbox.command(&["patch", "save"]).cwd(&work).run().code(1).says("the series polite has changed since");
    sandbox.command(&["patch", "status"]).cwd(&work).run().ok().prints("the series polite has changed");
    fs::write(work.join("RELEASE"), "mine\n").unwrap();
    sandbox.forge(&["patch", "start", "app"]).code(1).says("changes that are in no commit: RELEASE");
    git(&work, &["commit", "-qam", "Mine"]);
    sandbox.forge(&["patch", "start", "app"]).code(1).says("has commits that are not saved");
    git(&work, &["branch", "mine"]);
    git(&work, &["reset", "-q", "--hard", "refs/forge/saved"]);
    fs::create_dir(work.join("ignored")).unwrap();
    sandbox.forge(&["patch", "start", "app"]).ok().prints("4 commits");
    assert_eq!(subjects(&work), ["A word for it", "Call it", "Tell the release", "Three"]);
    assert_eq!(git(&work, &["log", "-1", "--format=%s", "mine"]), "Mine");
    git(&work, &["cherry-pick", "mine"]);
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("new polite/mine.patch");
    // Another forge's folder, and one that git is busy in.
    let state = work.join(".git/forge/state.json");
    let text = fs::read_to_string(&state).unwrap();
    fs::write(&state, text.replace("\"format\": 2", "\"format\": 7")).unwrap();
    sandbox.command(&["patch", "save"]).cwd(&work).run().code(1).says("has format 7; this forge knows 2");
    sandbox.forge(&["patch", "start", "app"]).code(1).says("has format 7");
    fs::write(&state, text).unwrap();
    tool(&work, "git", &["-c", "sequence.editor=sed -i -e 1s/^pick/edit/", "rebase", "-i", "HEAD~1"]);
    sandbox.command(&["patch", "save"]).cwd(&work).run().code(1).says("git is in the midst of a rebase");
    sandbox.command(&["patch", "save"]).cwd(sandbox.empty()).run().code(1).says("is not in a work folder");
}

#[test]
fn merges_and_histories_without_the_release_are_told() {
    let (sandbox, _up) = sandbox();
    sandbox.forge(&["patch", "start", "app", "--dir", "elsewhere"]).ok();
    let work = sandbox.project().join("elsewhere");
    git(&work, &["checkout", "-q", "-b", "side", "HEAD~1"]);
    commit(&work, "SIDE", "x\n", &["-m", "Side"]);
    git(&work, &["checkout", "-q", "main"]);
    git(&work, &["merge", "-q", "side", "-m", "Merge it"]);
    sandbox.command(&["patch", "save"]).cwd(&work).run().code(1).says("is a merge, which is no patch");
    git(&work, &["checkout", "-q", "--orphan", "new"]);
    git(&work, &["commit", "-qm", "All"]);
    sandbox.command(&["patch", "save"]).cwd(&work).run().code(1).says("does not contain the release v1.2.3");
}
