//! `forge patch import` and `export`, against the real git and quilt.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::{Sandbox, Upstream, git, installed, names, skip, tool_ok};

const SERIES: &str = "patches/app/polite";

const EDIT: &str = "description = \"Call it\"\n\n[[edit]]\nfile = \"greet.go\"\nin = \"greeting\"\nbefore = \"return $X\"\ninsert = 'polite()'\n";

/// A mail, an edit, and a patch that is for later releases.
fn sandbox() -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let one = up.patch(
        "v1.2.3",
        "Größer: a word\n\nWhy.\n\nSigned-off-by: Ä <a@example.org>",
        &[("polite.go", "package main\n\nfunc polite() {}\n")],
    );
    let other = up.patch("v1.2.3", "For later", &[("LATER", "later\n")]);
    sandbox.series("app", "polite", &[("0001-a-word.patch", &*one), ("call-it.edit.toml", EDIT), ("later.patch", &other)]);
    sandbox.edit(&format!("{SERIES}/series.toml"), "file = \"later.patch\"", "versions = \">=2\"\nfile = \"later.patch\"");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\nseries = [\"polite\"]\n");
    (sandbox, up)
}

fn clone(sandbox: &Sandbox, up: &Upstream, name: &str) -> PathBuf {
    let clone = sandbox.root().join(name);
    up.clone_to(&clone);
    git(&clone, &["checkout", "-q", "--detach", "v1.2.3"]);
    clone
}

fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    names(folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

/// The tree that forge makes.
fn tree(sandbox: &Sandbox, out: &str) -> String {
    sandbox.forge(&["tree", "app", "--out", out, "--git"]).ok();
    git(&sandbox.project().join(out), &["rev-parse", "HEAD^{tree}"])
}

#[test]
fn mails_go_to_git_and_back_with_equal_bytes() {
    let (sandbox, up) = sandbox();
    let wanted = tree(&sandbox, "tree");
    sandbox.forge(&["patch", "export", "app", "--mails", "out"]).ok().prints(&format!("2 patches, which give the tree {wanted}"));
    let out = sandbox.project().join("out");
    assert_eq!(names(&out), ["0001-a-word.patch", "0002-call-it.patch"]);
    sandbox.forge(&["patch", "export", "app", "--mails", "out"]).code(1).says("is not empty");
    sandbox.forge(&["patch", "export", "app", "--mbox", "box"]).ok();
    for (name, args) in [("by-file", vec!["out/0001-a-word.patch", "out/0002-call-it.patch"]), ("by-box", vec!["box"])] {
        let clone = clone(&sandbox, &up, name);
        for file in args {
            git(&clone, &["am", "-q", "--keep-cr", sandbox.project().join(file).to_str().unwrap()]);
        }
        assert_eq!(git(&clone, &["rev-parse", "HEAD^{tree}"]), wanted);
        assert_eq!(
            git(&clone, &["log", "-1", "--format=%B", "HEAD~1"]),
            "Größer: a word\n\nWhy.\n\nSigned-off-by: Ä <a@example.org>"
        );
        git(&clone, &["branch", "mine"]);
        // From that branch into an empty series, and out again.
        sandbox.write("patches/app/second/series.toml", "# new\n");
        sandbox.recipe("second", "[component.app]\nlines = [\"~1.2\"]\nseries = [\"second\"]\n");
        let import =
            ["patch", "import", "-r", "second", "--into", "app", "--from-branch", "v1.2.3..mine", clone.to_str().unwrap()];
        sandbox.forge(&import).ok().prints("new second/gr-er-a-word.patch").prints("new second/call-it.patch");
        let back = format!("back-{name}");
        sandbox.forge(&["patch", "export", "-r", "second", "app", "--mails", &back]).ok();
        let bytes = |folder: &Path| content(folder).into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>();
        assert_eq!(bytes(&out), bytes(&sandbox.project().join(back)));
        sandbox.forge(&["patch", "undo"]).ok().prints("took the last import back");
        assert_eq!(sandbox.read("patches/app/second/series.toml"), "# new\n");
    }
    // A box comes back as the same mails, byte for byte.
    sandbox.forge(&["patch", "import", "-r", "second", "--into", "app", "box"]).ok();
    let list = sandbox.read("patches/app/second/series.toml");
    assert!(list.starts_with("# new\n\n[[patch]]\nfile = \"gr-er-a-word.patch\"\nbase = \"v1.2.3\"\n"), "{list}");
    assert_eq!(sandbox.read("patches/app/second/call-it.patch"), sandbox.read("out/0002-call-it.patch"));
    assert_eq!(sandbox.read("patches/app/second/gr-er-a-word.patch"), sandbox.read("out/0001-a-word.patch"));
}

#[test]
fn a_branch_is_made_in_a_clone() {
    let (sandbox, up) = sandbox();
    let wanted = tree(&sandbox, "tree");
    let clone = clone(&sandbox, &up, "clone");
    let args = ["patch", "export", "app", "--branch", "polite", "--clone", clone.to_str().unwrap()];
    sandbox.forge(&args).ok().prints("Größer: a word\nCall it\n");
    assert_eq!(git(&clone, &["rev-parse", "polite^{tree}", "polite~2"]), format!("{wanted}\n{}", up.id("v1.2.3")));
    assert_eq!(git(&clone, &["fsck", "--strict"]), "");
    sandbox.forge(&args).ok();
    git(&clone, &["branch", "-f", "polite", "HEAD"]);
    sandbox.forge(&args).code(1).says("has a branch polite already");
    let other = sandbox.root().join("other");
    git(Path::new("/"), &["init", "-q", other.to_str().unwrap()]);
    let args = ["patch", "export", "app", "--branch", "polite", "--clone", other.to_str().unwrap()];
    sandbox.forge(&args).code(1).says("does not have the release v1.2.3");
    sandbox.forge(&["patch", "export", "app"]).code(2);
    sandbox.forge(&["patch", "export", "app", "--branch", "-x"]).code(2);
}

#[test]
fn quilt_takes_what_is_exported_and_is_imported() {
    let (sandbox, up) = sandbox();
    let wanted = tree(&sandbox, "tree");
    sandbox.forge(&["patch", "export", "app", "--quilt", "out"]).ok();
    assert_eq!(sandbox.read("out/series"), "a-word.patch\ncall-it.patch\n");
    // As quilt writes them: -p0, DEP-3, timestamps.
    let diff = "Description: More of it\n Really.\nAuthor: Ada <ada@example.org>\n\nIndex: RELEASE\n===================================================================\n--- RELEASE.orig\t2024-01-01 00:00:00.000000000 +0000\n+++ RELEASE\t2024-01-01 00:00:00.000000000 +0000\n@@ -1 +1 @@\n-v1.2.3\n+v1.2.3, quilted\n";
    sandbox.write("theirs/more.diff", diff);
    sandbox.write("theirs/series", "# theirs\nmore.diff -p0\n");
    sandbox.forge(&["patch", "import", "--into", "app", "--dry-run", "theirs"]).ok().prints("1 patches would be in polite");
    assert!(!sandbox.has(&format!("{SERIES}/more.patch")));
    sandbox.forge(&["patch", "import", "--into", "app", "theirs"]).ok().prints("new polite/more.patch, rewritten as a git mail");
    let mail = sandbox.read(&format!("{SERIES}/more.patch"));
    assert!(
        mail.contains("From: Ada <ada@example.org>\n") && mail.contains("Subject: [PATCH] More of it\n\nReally.\n---\n"),
        "{mail}"
    );
    sandbox.forge(&["patch", "export", "app", "--quilt", "again"]).ok();
    let both = tree(&sandbox, "both");
    sandbox.forge(&["patch", "export", "app", "--mails", "mails"]).ok();
    if !installed("quilt") {
        return skip("quilt is not installed");
    }
    for (folder, wanted) in [("out", wanted), ("again", both)] {
        let clone = clone(&sandbox, &up, &format!("quilt-{folder}"));
        std::os::unix::fs::symlink(sandbox.project().join(folder), clone.join("patches")).unwrap();
        tool_ok(&clone, "quilt", &["push", "-a", "--fuzz=0"]);
        fs::remove_file(clone.join("patches")).unwrap();
        fs::remove_dir_all(clone.join(".pc")).unwrap();
        git(&clone, &["add", "-A"]);
        assert_eq!(git(&clone, &["write-tree"]), wanted);
    }
}

#[test]
fn what_does_not_apply_or_is_no_patch_is_refused_whole() {
    let (sandbox, up) = sandbox();
    let before = content(&sandbox.project().join(SERIES));
    let good = up.patch("v1.2.3", "Good", &[("GOOD", "x\n")]);
    sandbox.write("in/1-good.patch", &good);
    sandbox.write("in/2-bad.patch", &up.greeting_patch("v1.2.3", "hi").replace("-\treturn \"hello\"", "-\treturn \"hallo\""));
    let ran = sandbox.forge(&["patch", "import", "--into", "app", "in"]);
    ran.code(3).says("bad.patch").says("hallo");
    sandbox.write("text", "no patch\n");
    sandbox.forge(&["patch", "import", "--into", "app", "text"]).code(1).says("holds no diff");
    sandbox.forge(&["patch", "import", "--into", "app", "empty"]).code(1);
    fs::create_dir(sandbox.project().join("empty")).unwrap();
    sandbox.forge(&["patch", "import", "--into", "app", "empty"]).code(1).says("holds neither a quilt `series` nor a `*.patch`");
    sandbox.write("evil/series", "../../../etc/passwd\n");
    sandbox.forge(&["patch", "import", "--into", "app", "evil"]).code(1);
    sandbox.forge(&["patch", "import", "--into", "app", "--series", "other", "in"]).code(1).says("app has no series other");
    sandbox.forge(&["patch", "import", "in"]).code(2).says("it is not said which component");
    assert_eq!(content(&sandbox.project().join(SERIES)), before);
    // A plain diff without a word keeps its bytes; a mail does, too.
    let diff = good.split("---\n").last().map(|_| good[good.find("diff --git").unwrap()..].to_owned()).unwrap();
    sandbox.write("plain.diff", &diff);
    sandbox.forge(&["patch", "import", "--into", "app", "plain.diff"]).ok();
    assert_eq!(sandbox.read(&format!("{SERIES}/plain.patch")), diff);
    sandbox.forge(&["patch", "undo"]).ok();
    sandbox.forge(&["patch", "import", "--into", "app", "in/1-good.patch"]).ok();
    assert_eq!(sandbox.read(&format!("{SERIES}/good.patch")), good);
    // In a work folder its component is meant.
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = sandbox.project().join("work/app/app");
    sandbox.command(&["patch", "export", "--mails", "../out"]).cwd(&work).run().ok();
    assert_eq!(names(&sandbox.project().join("work/app/out")).len(), 3);
}

#[test]
fn lint_says_what_a_reviewer_would() {
    let (sandbox, up) = sandbox();
    sandbox.forge(&["patch", "lint"]).ok().prints("3 patches, 0 findings");
    let bad = up.patch("v1.2.3", "Bad", &[("BAD", "one \n>>>>>>> x\ntwo\t\n"), ("RELEASE", "other\n")]);
    sandbox.write(&format!("{SERIES}/bad.patch"), &bad);
    sandbox.write(&format!("{SERIES}/bare.patch"), &bad[bad.find("diff --git").unwrap()..]);
    sandbox.write(&format!("{SERIES}/call-it.edit.toml"), &EDIT.replace("description = \"Call it\"\n", ""));
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    let more = "[[patch]]\nfile = \"bad.patch\"\nbase = \"v1.2.3\"\n[[patch]]\nfile = \"bare.patch\"\nbase = \"v1.2.3\"\n";
    sandbox.write(&format!("{SERIES}/series.toml"), &format!("{list}{more}"));
    let ran = sandbox.forge(&["patch", "lint", "app"]);
    let line = 1 + bad.lines().position(|l| l == "+one ").unwrap();
    ran.code(1).prints(&format!("polite/bad.patch:{line}: adds blanks at the end of a line of BAD, and in 1 more"));
    ran.prints(&format!("polite/bad.patch:{}: adds a conflict marker to BAD\n", line + 1));
    ran.prints("polite/bad.patch: it adds files and changes others").prints("polite/bare.patch: it has no author");
    ran.prints("polite/bare.patch: it says nothing about itself")
        .prints("polite/call-it.edit.toml: it says nothing about itself");
    ran.prints("polite/0001-a-word.patch: series.toml does not say");
    let document = sandbox.forge(&["patch", "lint", "--json"]).code(1).json();
    assert_eq!(document["findings"][0]["kind"], "no-base");
}
