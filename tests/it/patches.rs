//! Series of patches through the program: every kind of them, what is refused, and the trees that come of it compared with
//! those of git and quilt.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::{Sandbox, Upstream, git, installed, names, output_of, skip, tool, tool_ok};

const PLAIN: &str = "[component.app]\nlines = [\"~1.2\"]\n";

/// The id of the tree that a folder's files make, `.git` left out and nothing converted.
fn tree_of(folder: &Path) -> String {
    let copy = tempfile::tempdir().unwrap();
    let work = copy.path().join("work");
    tool_ok(copy.path(), "cp", &["-a", folder.to_str().unwrap(), work.to_str().unwrap()]);
    tool_ok(&work, "rm", &["-rf", ".git", ".pc"]);
    git(&work, &["init", "-q"]);
    fs::create_dir_all(work.join(".git/info")).unwrap();
    fs::write(work.join(".git/info/attributes"), "* -text -eol -ident -filter\n").unwrap();
    git(&work, &["add", "-A", "-f", "."]);
    git(&work, &["write-tree"])
}

/// A clone at a tag.
fn clone(sandbox: &Sandbox, up: &Upstream, name: &str, tag: &str) -> PathBuf {
    let folder = sandbox.root().join(name);
    up.clone_to(&folder);
    git(&folder, &["checkout", "-q", tag]);
    folder
}

fn put(folder: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// What a commit is: author, date with zone, message.
fn log(folder: &Path, range: &str) -> Vec<String> {
    let text = git(folder, &["log", "--reverse", "--format=%an <%ae> %ad%n%B%x00", "--date=raw", range]);
    text.split('\0').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect()
}

#[test]
fn a_series_of_mails_gives_the_tree_and_the_history_of_git_am() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    // An upstream with everything that is awkward: CRLF, attributes, modes, links, binaries, odd names.
    let work = clone(&sandbox, &up, "work", "v1.2.3");
    put(&work, "crlf.txt", "one\r\ntwo\r\nthree\r\n");
    put(&work, "mixed.txt", "one\r\ntwo\nthree");
    put(&work, ".gitattributes", "*.txt text eol=crlf\n");
    put(&work, "old name.txt", (0..30).map(|n| format!("line {n}\n")).collect::<String>());
    put(&work, "run.sh", "#!/bin/sh\necho run\n");
    put(&work, "bytes.bin", (0..=255u8).cycle().take(3000).collect::<Vec<u8>>());
    put(&work, "gone.txt", "going\n");
    put(&work, "empty", "");
    fs::create_dir_all(work.join(".git/info")).unwrap();
    put(&work, ".git/info/attributes", "* -text\n");
    std::os::unix::fs::symlink("run.sh", work.join("link")).unwrap();
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-q", "-m", "awkward files"]);
    git(&work, &["tag", "v1.2.4"]);
    git(&work, &["push", "-q", "origin", "v1.2.4"]);

    let commit = |author: &str, date: &str, message: &str| {
        git(&work, &["add", "-A"]);
        git(&work, &["commit", "-q", "--author", author, "--date", date, "-m", message]);
    };
    put(&work, "crlf.txt", "one\r\n2\r\nthree\r\nfour\r\n");
    put(&work, "mixed.txt", "one\r\ntwo\nthree, still without newline");
    commit(
        "Åsa Öberg <asa@example.org>",
        "1600000000 +0530",
        "Größere Änderung\n\nMit Umlauten — and [brackets].\n\nSigned-off-by: Å <a@x>",
    );
    git(&work, &["mv", "old name.txt", "new näme.txt"]);
    put(&work, "new näme.txt", fs::read_to_string(work.join("new näme.txt")).unwrap().replace("line 7\n", "line seven\n"));
    tool_ok(&work, "chmod", &["755", "run.sh"]);
    fs::remove_file(work.join("gone.txt")).unwrap();
    fs::remove_file(work.join("link")).unwrap();
    std::os::unix::fs::symlink("crlf.txt", work.join("link")).unwrap();
    commit(
        "\"Smith, J.\" <j@example.org>",
        "1600000001 -0800",
        "Rename, chmod, delete and relink: a subject that is so long that git folds it over lines, because it has more than 78 characters",
    );
    let mut bytes = fs::read(work.join("bytes.bin")).unwrap();
    bytes[1500] = 7;
    put(&work, "bytes.bin", bytes);
    put(&work, "dir/new.go.txt", "package x");
    put(&work, "greet.go", "package main\n\nfunc greeting() string { return \"three mails\" }\n");
    commit("Ada <ada@example.org>", "1600000002 +0000", "Change a binary\n\n---not a separator\n- a list\n@@ no hunk\n");
    let folder = sandbox.project().join("patches/app/s");
    git(&work, &["format-patch", "-q", "--binary", "-M", "-o", folder.to_str().unwrap(), "v1.2.4..HEAD"]);
    let mails = names(&folder);
    assert_eq!(mails.len(), 3);
    sandbox.recipe("app", &format!("{PLAIN}series = [\"s\"]\n"));

    // What git makes of it.
    let am = clone(&sandbox, &up, "am", "v1.2.4");
    put(&am, ".git/info/attributes", "* -text\n");
    git(&am, &["checkout", "-q", "-f", "HEAD"]);
    let paths: Vec<String> = mails.iter().map(|m| folder.join(m).to_str().unwrap().to_owned()).collect();
    git(&am, &[&["am", "-q", "--keep-cr"], paths.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
    let wanted = git(&am, &["rev-parse", "HEAD^{tree}"]);

    sandbox.forge(&["tree", "app", "--out", "tree"]).ok().prints("tree: app v1.2.4, ");
    assert_eq!(tree_of(&sandbox.project().join("tree")), wanted);
    assert!(!sandbox.has("tree/.git"));
    sandbox.forge(&["tree", "app", "--out", "base", "--unpatched"]).ok();
    assert_eq!(tree_of(&sandbox.project().join("base")), up.tree("v1.2.4"));

    sandbox.forge(&["tree", "app", "--out", "history", "--git"]).ok();
    let history = sandbox.project().join("history");
    assert_eq!(git(&history, &["rev-parse", "HEAD^{tree}"]), wanted);
    assert_eq!(tree_of(&history), wanted);
    assert_eq!(git(&history, &["status", "--porcelain", "--ignored"]), "");
    git(&history, &["fsck", "--strict"]);
    let all = log(&history, "HEAD");
    assert_eq!(all.len(), 4, "{all:#?}");
    assert!(all[0].ends_with("app v1.2.4, unpatched"), "{}", all[0]);
    assert_eq!(all[1..], log(&am, "v1.2.4..HEAD"));
    assert_eq!(git(&history, &["rev-parse", "HEAD~3^{tree}"]), up.tree("v1.2.4"));

    // The result is what the lock and the binary say.
    sandbox.forge(&["build"]).ok();
    assert!(sandbox.read("recipes/app.lock").contains(&format!("result = \"{wanted}\"")));
    assert_eq!(output_of(&sandbox.binary("dist", "app-"), &[]), "three mails\n");
    for args in [&["tree", "app", "--out", "tree"][..], &["tree", "app", "--out", "history", "--git"]] {
        sandbox.forge(args).code(1).says("is not empty").says("--out");
    }
    fs::create_dir(sandbox.project().join("made-before")).unwrap();
    sandbox.forge(&["tree", "app", "--out", "made-before"]).ok();
}

#[test]
fn a_quilt_folder_gives_the_tree_of_quilt() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    up.release_with("v1.2.4", &[("notes/a.txt", "one\ntwo\nthree\n"), ("b.txt", "only\n")]);
    let folder = "patches/app/debian";
    sandbox.write(
        &format!("{folder}/series"),
        "# Debian's\nchange.diff\n\n  p0.patch -p0 # another level\nlast.patch -p1\n#dropped.patch\n",
    );
    sandbox.write(&format!("{folder}/dropped.patch"), "nothing of worth\n");
    sandbox.write(
        &format!("{folder}/change.diff"),
        "Description: no mail at all\nForwarded: no\n\nIndex: app/notes/a.txt\n===================================================================\n--- app.orig/notes/a.txt\n+++ app/notes/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n",
    );
    sandbox.write(
        &format!("{folder}/p0.patch"),
        "--- greet.go\t2020-01-01 00:00:00.000000000 +0000\n+++ greet.go\n@@ -4,3 +4,3 @@\n func greeting() string {\n-\treturn \"hello\"\n+\treturn \"quilted\"\n }\n",
    );
    sandbox.write(
        &format!("{folder}/last.patch"),
        "--- /dev/null\n+++ b/debian/new.txt\n@@ -0,0 +1 @@\n+new\n--- a/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-only\n",
    );
    sandbox.recipe("app", &format!("{PLAIN}series = [\"debian\"]\n"));
    sandbox.forge(&["build"]).ok().says("Patched app v1.2.4: 3 patches");
    assert_eq!(output_of(&sandbox.binary("dist", "app-"), &[]), "quilted\n");
    sandbox.forge(&["tree", "app", "--out", "tree"]).ok();
    assert!(!sandbox.has("tree/b.txt"));
    assert_eq!(sandbox.read("tree/debian/new.txt"), "new\n");
    sandbox.forge(&["tree", "app", "--out", "history", "--git"]).ok();
    assert_eq!(git(&sandbox.project().join("history"), &["rev-list", "--count", "HEAD"]), "4");
    if !installed("quilt") {
        return skip("no quilt to compare the tree with");
    }
    let by_quilt = clone(&sandbox, &up, "by-quilt", "v1.2.4");
    let patches = format!("QUILT_PATCHES={}", sandbox.project().join(folder).display());
    tool_ok(&by_quilt, "env", &[&patches, "quilt", "--quiltrc", "-", "push", "-a", "--fuzz=0"]);
    assert_eq!(tree_of(&sandbox.project().join("tree")), tree_of(&by_quilt));
    // What quilt could apply with fuzz or in reverse is refused when it is read.
    sandbox.edit(&format!("{folder}/series"), "last.patch -p1", "last.patch -p1 -R");
    sandbox.forge(&["build"]).code(1).says("-R");
}

#[test]
fn a_folder_of_mails_needs_no_list() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.write("patches/app/bare/0002-second.patch", &up.patch("v1.2.3", "Second", &[("second.txt", "2\n")]));
    sandbox.write("patches/app/bare/0001-first.patch", &up.greeting_patch("v1.2.3", "bare"));
    sandbox.recipe("app", &format!("{PLAIN}series = [\"bare\"]\n"));
    sandbox.forge(&["build"]).ok();
    assert_eq!(output_of(&sandbox.binary("dist", "app-"), &[]), "bare\n");
    let log = fs::read_to_string(format!("{}.log", sandbox.binary("dist", "app-").display())).unwrap();
    let order: Vec<&str> = log.lines().filter_map(|l| l.strip_prefix("patch: ")).collect();
    assert_eq!(order, ["bare/0001-first.patch", "bare/0002-second.patch"]);
    sandbox.write("patches/app/bare/series.toml", "[[patch]]\nfile = \"0001-first.patch\"\n");
    sandbox.forge(&["build"]).code(1).says("0002-second.patch").says("not listed");
}

#[test]
fn forms_and_ranges_choose_what_a_release_gets() {
    let (sandbox, up) = Sandbox::with_app(&["v1.1.0"]);
    up.release_with(
        "v1.2.0",
        &[("greet.go", "package main\n\nvar word = \"hello\"\n\nfunc greeting() string { return word }\n")],
    );
    let old = up.greeting_patch("v1.1.0", "one");
    let new = up.patch(
        "v1.2.0",
        "Say two",
        &[("greet.go", "package main\n\nvar word = \"two\"\n\nfunc greeting() string { return word }\n")],
    );
    let only_old = up.patch("v1.1.0", "For the old", &[("main.go", "")]);
    for (name, text) in [("say.1.1.patch", &old), ("say.1.2.patch", &new), ("old.patch", &only_old)] {
        sandbox.write(&format!("patches/app/s/{name}"), text);
    }
    let forms = "one_of = [{ file = \"say.1.1.patch\", base = \"v1.1.0\" }, { file = \"say.1.2.patch\", base = \"v1.2.0\" }]";
    sandbox.write(
        "patches/app/s/series.toml",
        &format!("[[patch]]\n{forms}\n[[patch]]\nfile = \"old.patch\"\nversions = \">=9\"\nreason = \"not yet\"\n"),
    );
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\", \"~1.1\"]\nseries = [\"s\"]\n");
    let ran = sandbox.forge(&["build", "--all", "-v"]);
    ran.ok().says("old.patch is not for this release").says("not yet");
    assert_eq!(output_of(&sandbox.binary("dist", "app-v1.1.0-"), &[]), "one\n");
    assert_eq!(output_of(&sandbox.binary("dist", "app-v1.2.0-"), &[]), "two\n");

    // No form fits: each is explained.
    up.release_with("v1.2.1", &[("greet.go", "package main\n\nfunc greeting() string { return \"changed\" }\n")]);
    sandbox.forge(&["update"]).code(3).says("form say.1.1.patch").says("form say.1.2.patch").says("v1.2.1");
    // Two fit and differ.
    sandbox.write("patches/app/s/say.1.2.patch", &up.greeting_patch("v1.1.0", "another"));
    let ran = sandbox.forge(&["build", "app@v1.1.0"]);
    ran.code(3).says("2 forms apply, with different results").says("they differ in greet.go");
    // Two that do the same are one.
    sandbox.write("patches/app/s/say.1.2.patch", &up.greeting_patch("v1.1.0", "one"));
    sandbox.forge(&["build", "app@v1.1.0"]).ok();
}

#[test]
fn a_patch_for_another_release_is_explained_and_leaves_nothing() {
    let (sandbox, up) = Sandbox::with_app(&["v1.1.0"]);
    let context: String = (0..20).map(|n| format!("line {n}\n")).collect();
    up.release_with("v1.1.1", &[("context.txt", &context), ("gone.txt", "was here\n")]);
    let first = up.greeting_patch("v1.1.1", "first");
    let second =
        up.patch("v1.1.1", "Second", &[("context.txt", &context.replace("line 10\n", "line ten\n")), ("gone.txt", "is here\n")]);
    let good = up.patch("v1.1.1", "Good", &[("good.txt", "good\n")]);
    up.release_with(
        "v1.2.0",
        &[
            ("greet.go", "package main\n\nfunc greeting() string {\n\treturn \"welcome\"\n}\n"),
            ("context.txt", &context.replace("line 11\n", "line XI\n")),
            ("gone.txt", ""),
        ],
    );
    sandbox.series("app", "s", &[("first.patch", &first), ("good.patch", &good), ("second.patch", &second)]);
    sandbox.recipe("app", &format!("{PLAIN}series = [\"s\"]\n"));
    for args in
        [&["build"][..], &["plan"], &["lock"], &["tree", "app", "--out", "tree"], &["tree", "app", "--git", "--out", "tree"]]
    {
        let ran = sandbox.forge(args);
        ran.code(3)
            .says("app v1.2.0: first.patch, second.patch of the series does not apply")
            .says("s/first.patch does not apply")
            .says("greet.go:2: hunk 1 of 1 finds other text")
            .says("- return \"hello\" + return \"welcome\"")
            .says("patches/app/s/first.patch:")
            .says("context.txt:8: hunk 1 of 1 finds other text")
            .says("- line 11 + line XI")
            .says("gone.txt is not in this tree")
            .says("patches/app/s/second.patch:")
            .says("forge tree app --unpatched --out DIR")
            .lacks("good.patch does not apply");
        assert_eq!(ran.stdout, "");
        assert!(!sandbox.has("dist") && !sandbox.has("recipes/app.lock") && !sandbox.has("tree"), "{args:?}");
        assert!(sandbox.work_left().is_empty());
    }
    // An offset is allowed, and told.
    up.release_with("v1.2.1", &[("greet.go", "package main\n\n// A comment.\n// And another.\n\n// greeting is what the program says.\nfunc greeting() string {\n\treturn \"hello\"\n}\n")]);
    sandbox.series("app", "s", &[("first.patch", &first), ("good.patch", &good)]);
    fs::remove_file(sandbox.project().join("patches/app/s/second.patch")).unwrap();
    sandbox.forge(&["build"]).ok().says("first.patch applies to greet.go with an offset of 3 lines (hunk 1)");
    assert_eq!(output_of(&sandbox.binary("dist", "app-"), &[]), "first\n");
}

#[test]
fn patches_that_leave_the_tree_are_refused() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let work = clone(&sandbox, &up, "work", "v1.2.3");
    std::os::unix::fs::symlink("/tmp", work.join("out")).unwrap();
    std::os::unix::fs::symlink("..", work.join("up")).unwrap();
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-q", "-m", "links"]);
    git(&work, &["tag", "v1.2.4"]);
    git(&work, &["push", "-q", "origin", "v1.2.4"]);
    sandbox.recipe("app", &format!("{PLAIN}series = [\"s\"]\n"));
    let outside = sandbox.root().join("escaped");
    let absolute = outside.to_str().unwrap().to_owned();
    let cases: Vec<(String, i32, &str)> = vec![
        ("../escaped".into(), 1, "`.` and `..` are not allowed"),
        ("a/../../escaped".into(), 1, "`.` and `..` are not allowed"),
        (absolute, 1, ""),
        (".git/hooks/post-checkout".into(), 1, "leads into `.git`"),
        (".GIT/hooks/post-checkout".into(), 1, "leads into `.git`"),
        ("sub/.git/config".into(), 1, "leads into `.git`"),
        (".git./config".into(), 1, "leads into `.git`"),
        ("git~1/config".into(), 1, "leads into `.git`"),
        (".g\u{200c}it/config".into(), 1, "leads into `.git`"),
        ("a\\b".into(), 1, ""),
        ("out/escaped".into(), 3, "out is a symbolic link"),
        ("up/escaped".into(), 3, "up is a symbolic link"),
    ];
    for (path, code, text) in cases {
        for (prefix, kind) in [("b/", "mail"), ("", "quilt")] {
            let header = format!("--- /dev/null\n+++ {prefix}{path}\n@@ -0,0 +1 @@\n+escaped\n");
            let folder = sandbox.project().join("patches/app/s");
            let _ = fs::remove_dir_all(&folder);
            if kind == "mail" {
                let mail = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <a@x>\nDate: Tue, 14 Nov 2023 22:13:20 +0100\nSubject: [PATCH] Leave\n\n---\n";
                let git_header = format!("diff --git a/{path} b/{path}\nnew file mode 100644\n");
                sandbox.series("app", "s", &[("leave.patch", &format!("{mail}{git_header}{header}"))]);
            } else {
                sandbox.write("patches/app/s/leave.patch", &header);
                sandbox.write("patches/app/s/series", "leave.patch -p0\n");
            }
            // git's names are taken apart at runs of slashes: there this one is a path inside of the tree.
            if kind == "mail" && path.starts_with('/') {
                continue;
            }
            let ran = sandbox.forge(&["build"]);
            assert_eq!(ran.code, code, "{kind} {path}: {}", ran.stderr);
            ran.says(text).says("leave.patch");
            assert!(!outside.exists() && !sandbox.has("dist") && !sandbox.has("recipes/app.lock"), "{kind} {path}");
        }
    }
    // A link that a patch makes is not followed by the next one either.
    let link = up.patch("v1.2.3", "Nothing", &[("x", "y\n")]);
    let header = link.split("---\n").next().unwrap().to_owned();
    let made = format!(
        "{header}---\ndiff --git a/way b/way\nnew file mode 120000\nindex 0000000..1111111\n--- /dev/null\n+++ b/way\n@@ -0,0 +1 @@\n+..\n\\ No newline at end of file\n"
    );
    let used = format!(
        "{header}---\ndiff --git a/way/escaped b/way/escaped\nnew file mode 100644\n--- /dev/null\n+++ b/way/escaped\n@@ -0,0 +1 @@\n+x\n"
    );
    let _ = fs::remove_dir_all(sandbox.project().join("patches/app/s"));
    sandbox.series("app", "s", &[("made.patch", &made), ("used.patch", &used)]);
    sandbox.forge(&["build"]).code(3).says("way is a symbolic link");
    assert!(!outside.exists());
}

#[test]
fn vendored_modules_are_not_patched() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    up.release_with("v1.2.4", &[("vendor/modules.txt", "# x/y v1.0.0\n"), ("vendor/x/y/y.go", "package y\n")]);
    let patch = up.patch("v1.2.4", "Patch a copy", &[("vendor/x/y/y.go", "package y\n\nconst patched = true\n")]);
    sandbox.series("app", "s", &[("copy.patch", &patch)]);
    sandbox.recipe("app", &format!("{PLAIN}series = [\"s\"]\n"));
    sandbox
        .forge(&["build"])
        .code(1)
        .says("the patch copy.patch changes vendor/x/y/y.go, and this program's modules are vendored")
        .says("make it a component of the recipe and `replace` it");
    assert!(!sandbox.has("recipes/app.lock"));
    assert!(tool(sandbox.root(), "true", &[]).status.success());
}

#[test]
fn every_tree_of_a_component_that_follows_its_user() {
    let (sandbox, up) = Sandbox::with_patched_service();
    sandbox.forge(&["tree", "app", "--out", "whole"]).ok();
    assert!(sandbox.read("whole/.forge/service/service.go").contains("a patched platform"));
    assert!(sandbox.read("whole/go.mod").contains("replace github.com/kardianos/service => ./.forge/service"));
    sandbox.forge(&["tree", "service", "--out", "service"]).ok().prints("service: service v1.2.4, ");
    assert!(sandbox.read("service/service.go").contains("a patched platform"));
    sandbox.forge(&["tree", "service", "--out", "stock", "--unpatched"]).ok();
    assert!(!sandbox.read("stock/service.go").contains("a patched platform"));
    sandbox.forge(&["tree", "service", "--out", "history", "--git"]).ok();
    let history = sandbox.project().join("history");
    let all = log(&history, "HEAD");
    assert_eq!(all[1], "Petra Patcher <petra@example.org> 1699996400 +0100\nName the platform");
    assert_eq!(git(&history, &["status", "--porcelain"]), "");
    sandbox.forge(&["tree", "app@v1.2.3+k0s.0", "--out", "other", "--unpatched"]).ok();
    assert_eq!(tree_of(&sandbox.project().join("other")), up.tree("v1.2.3+k0s.0"));
    sandbox.forge(&["tree", "servise", "--out", "x"]).code(1).says("service");
    assert!(!sandbox.has("x"));
}
