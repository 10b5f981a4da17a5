//! Saving what is no plain `series.toml`: quilt folders, folders of patches, built-in series, several series, forms; and what a
//! kill in the midst of it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kit::{Sandbox, Upstream, git, installed, names, skip, tool_ok};

fn commit(work: &Path, path: &str, text: &str, args: &[&str]) {
    fs::write(work.join(path), text).unwrap();
    git(work, &["add", "-A"]);
    git(work, &[&["commit", "-q"], args].concat());
}

fn work(sandbox: &Sandbox) -> PathBuf {
    sandbox.project().join("work/app/app")
}

/// Two patches of files of their own.
fn sandbox(series: &[&str]) -> (Sandbox, Upstream, [String; 2]) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let patches = ["One", "Two"].map(|n| up.patch("v1.2.3", n, &[(n, &format!("{n}\n"))]));
    let list = series.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(", ");
    sandbox.recipe("app", &format!("[component.app]\nlines = [\"~1.2\"]\nseries = [{list}]\n"));
    (sandbox, up, patches)
}

#[test]
fn a_quilt_folder_stays_one() {
    let (sandbox, up, [one, two]) = sandbox(&["q"]);
    sandbox.write("patches/app/q/one.patch", &one);
    sandbox.write("patches/app/q/two.patch", &two);
    sandbox.write("patches/app/q/series", "# mine\none.patch -p1 # first\n\n# later\ntwo.patch\n");
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    forge(&["patch", "save"]).ok().prints("nothing to save");
    git(&work, &["-c", "sequence.editor=sed -i -e '1{h;d};2G'", "rebase", "-q", "-i", "refs/forge/base"]);
    commit(&work, "Three", "3\n", &["-m", "Three"]);
    forge(&["patch", "save"]).ok().prints("new q/three.patch").prints("reordered");
    assert_eq!(sandbox.read("patches/app/q/series"), "\n# later\ntwo.patch\n# mine\none.patch -p1 # first\nthree.patch\n");
    assert_eq!(sandbox.read("patches/app/q/one.patch"), one);
    commit(&work, "bin", "a\0b", &["-m", "No text"]);
    forge(&["patch", "save"]).code(1).says("patch(1), and so quilt, cannot apply git's binary patches");
    git(&work, &["reset", "-q", "--hard", "HEAD~1"]);
    if !installed("quilt") {
        return skip("quilt is not installed");
    }
    let tree = sandbox.root().join("quilt");
    up.clone_to(&tree);
    git(&tree, &["checkout", "-q", "v1.2.3"]);
    std::os::unix::fs::symlink(sandbox.project().join("patches/app/q"), tree.join("patches")).unwrap();
    tool_ok(&tree, "quilt", &["push", "-a", "--fuzz=0"]);
    for file in ["One", "Two", "Three"] {
        assert_eq!(fs::read(tree.join(file)).unwrap(), fs::read(work.join(file)).unwrap());
    }
}

#[test]
fn a_folder_without_a_list_gets_one_when_names_do_not_say_the_order() {
    let (sandbox, _up, [one, two]) = sandbox(&["s"]);
    sandbox.write("patches/app/s/0001-one.patch", &one);
    sandbox.write("patches/app/s/0002-two.patch", &two);
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    commit(&work, "Three", "3\n", &["-m", "Three"]);
    forge(&["patch", "save"]).ok().prints("new s/0003-three.patch");
    assert_eq!(names(&sandbox.project().join("patches/app/s")), ["0001-one.patch", "0002-two.patch", "0003-three.patch"]);
    commit(&work, "Three", "three\n", &["--amend", "--no-edit"]);
    forge(&["patch", "save"]).ok().prints("changed s/0003-three.patch");
    assert_eq!(names(&sandbox.project().join("patches/app/s")).len(), 3);
    git(&work, &["-c", "sequence.editor=sed -i -e '1{h;d};2G'", "rebase", "-q", "-i", "refs/forge/base"]);
    forge(&["patch", "save"]).ok().prints("reordered");
    let order: Vec<String> =
        sandbox.read("patches/app/s/series.toml").lines().filter(|l| l.starts_with("file")).map(str::to_owned).collect();
    assert_eq!(order, ["file = \"0002-two.patch\"", "file = \"0001-one.patch\"", "file = \"0003-three.patch\""]);
    assert_eq!(sandbox.read("patches/app/s/0001-one.patch"), one);
    // With it, a patch has a place for its base.
    commit(&work, "Three", "drei\n", &["--amend", "--no-edit"]);
    forge(&["patch", "save"]).ok();
    assert!(sandbox.read("patches/app/s/series.toml").contains("file = \"0003-three.patch\"\nbase = \"v1.2.3\"\n"));
}

#[test]
fn several_series_keep_their_own_and_their_order() {
    let (sandbox, _up, [one, two]) = sandbox(&["a", "b"]);
    sandbox.series("app", "a", &[("one.patch", &one)]);
    sandbox.series("app", "b", &[("two.patch", &two)]);
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    // A new commit is of the series of the one below it.
    git(&work, &["reset", "-q", "--hard", "HEAD~1"]);
    commit(&work, "Between", "x\n", &["-m", "Between"]);
    git(&work, &["cherry-pick", "main@{2}"]);
    commit(&work, "Last", "x\n", &["-m", "Last"]);
    forge(&["patch", "save"]).ok().prints("new a/between.patch").prints("new b/last.patch");
    assert_eq!(names(&sandbox.project().join("patches/app/b")), ["last.patch", "series.toml", "two.patch"]);
    git(&work, &["-c", "sequence.editor=sed -i -e '1{h;d};$G'", "rebase", "-q", "-i", "refs/forge/base"]);
    forge(&["patch", "save"]).code(1).says("is of the series a, but stands behind commits of b");
}

#[test]
fn the_form_that_applied_is_the_one_that_changes() {
    let (sandbox, up, _) = sandbox(&["s"]);
    up.release_with("v1.2.4", &[("greet.go", "package main\n\nfunc greeting() string { return \"hello\" }\n")]);
    let old = up.greeting_patch("v1.2.3", "hi");
    let new = up.greeting_patch("v1.2.4", "hi");
    sandbox.write("patches/app/s/hi.1.patch", &old);
    sandbox.write("patches/app/s/hi.2.patch", &new);
    let list = "[[patch]]\nreason = \"one line\"\none_of = [\n  { file = \"hi.1.patch\", base = \"v1.2.3\" }, # old\n  { file = \"hi.2.patch\", base = \"v1.2.0\" },\n]\n";
    sandbox.write("patches/app/s/series.toml", list);
    sandbox.forge(&["patch", "start", "app"]).ok();
    let work = work(&sandbox);
    commit(&work, "greet.go", "package main\n\nfunc greeting() string { return \"ho\" }\n", &["--amend", "--no-edit"]);
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("changed s/hi.2.patch");
    assert_eq!(sandbox.read("patches/app/s/hi.1.patch"), old);
    assert_eq!(sandbox.read("patches/app/s/series.toml"), list.replace("v1.2.0", "v1.2.4"));
}

#[test]
fn a_built_in_series_goes_to_disk_once_it_is_another_one() {
    let sandbox = Sandbox::new();
    sandbox.forge(&["patch", "start", "demo", "--recipe", "demo"]).ok();
    let work = sandbox.project().join("work/demo/demo");
    let forge = |args: &[&str]| sandbox.command(args).cwd(&work).run();
    forge(&["patch", "save"]).ok().prints("nothing to save");
    assert!(!sandbox.has("patches/demo"));
    commit(&work, "NEW", "x\n", &["-m", "New"]);
    forge(&["patch", "save"]).ok().prints("new systemd-unit-path/new.patch");
    let files = names(&sandbox.project().join("patches/demo/systemd-unit-path"));
    assert!(files.contains(&"readme.patch".to_owned()) && files.contains(&"new.patch".to_owned()), "{files:?}");
    forge(&["patch", "save"]).ok().prints("nothing to save");
    forge(&["patch", "undo"]).ok();
    assert!(!sandbox.has("patches/demo/systemd-unit-path"));
    // Without a project there is no place for a work folder.
    sandbox.command(&["patch", "start", "demo", "-r", "demo"]).cwd(sandbox.empty()).run().code(1).says("make a folder `recipes`");
}

/// Kills forge after ever longer times, in the midst of what it does.
fn killed_again_and_again(mut spawn: impl FnMut() -> std::process::Child, mut check: impl FnMut()) {
    for step in 0..40 {
        let mut child = spawn();
        std::thread::sleep(Duration::from_millis(step * 3));
        let _ = child.kill();
        let ended = child.wait_with_output().unwrap();
        check();
        if ended.status.code().is_some() && step > 5 {
            return;
        }
    }
}

#[test]
fn a_kill_leaves_the_old_series_or_the_new_one_and_every_commit() {
    let (sandbox, _up, [one, two]) = sandbox(&["s"]);
    sandbox.series("app", "s", &[("one.patch", &one), ("two.patch", &two)]);
    let work = work(&sandbox);
    killed_again_and_again(
        || sandbox.command(&["patch", "start", "app"]).spawn(),
        || assert!(!work.exists() || work.join(".git/forge/state.json").exists(), "half a work folder"),
    );
    sandbox.forge(&["patch", "start", "app"]).ok();
    let folder = sandbox.project().join("patches/app/s");
    let content = || -> Vec<(String, Vec<u8>)> {
        names(&folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
    };
    let before = content();
    git(&work, &["commit", "-q", "--amend", "-m", "Two, in other words"]);
    commit(&work, "Three", "3\n", &["-m", "Three"]);
    let head = git(&work, &["rev-parse", "HEAD"]);
    let mut seen = std::collections::BTreeSet::new();
    killed_again_and_again(
        || sandbox.command(&["patch", "save"]).cwd(&work).spawn(),
        || {
            let now = content();
            seen.insert(now != before);
            assert!(now == before || now.len() == before.len() + 1, "half a series: {:?}", names(&folder));
            assert_eq!(git(&work, &["rev-parse", "HEAD"]), head);
        },
    );
    // One that was killed while it held a ref.
    for name in ["base", "saved"] {
        fs::write(work.join(format!(".git/refs/forge/{name}.lock")), "").unwrap();
    }
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok();
    let after = content();
    assert_eq!(after.len(), before.len() + 1);
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("nothing to save: 3 patches");
    killed_again_and_again(
        || sandbox.command(&["patch", "undo"]).cwd(&work).spawn(),
        || assert!(content() == before || content() == after, "half a series"),
    );
    // Where the machine is slow, none of them came to its end.
    if content() == after {
        sandbox.command(&["patch", "undo"]).cwd(&work).run().ok();
    }
    assert_eq!(content(), before);
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok();
    assert_eq!(content(), after);
    // An undo that was killed once the files were back.
    let saved = fs::read(work.join(".git/forge/state.json")).unwrap();
    let log = fs::read_dir(sandbox.state().join("undo")).unwrap().next().unwrap().unwrap().path();
    let last = names(&log).into_iter().filter_map(|n| n.parse::<u64>().ok()).max().unwrap();
    fs::write(log.join(last.to_string()).join("undoing"), "").unwrap();
    for (name, _) in &after {
        fs::remove_file(folder.join(name)).unwrap();
    }
    for (name, bytes) in &before {
        fs::write(folder.join(name), bytes).unwrap();
    }
    assert_eq!(fs::read(work.join(".git/forge/state.json")).unwrap(), saved);
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().says("the last undo was ended before it was told");
    assert_eq!(content(), after);
    let left: Vec<String> =
        names(&sandbox.project().join("patches/app")).into_iter().filter(|n| n.starts_with(".forge-old")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_move_that_was_killed_is_finished_by_the_next_forge() {
    let (sandbox, up, [one, two]) = sandbox(&["s"]);
    sandbox.series("app", "s", &[("one.patch", &one), ("two.patch", &two)]);
    up.release("v1.2.4");
    sandbox.forge(&["patch", "start", "app@v1.2.3"]).ok();
    let work = work(&sandbox);
    let old = git(&work, &["rev-parse", "HEAD"]);
    sandbox.forge(&["patch", "start", "app"]).ok();
    let new = git(&work, &["rev-parse", "HEAD"]);
    // As it is in the midst of it: the state says where to, files and index are half way, the branch is where it was.
    git(&work, &["reset", "-q", "--hard", &old]);
    fs::remove_file(work.join("One")).unwrap();
    fs::write(work.join(".git/index.lock"), "").unwrap();
    let state = work.join(".git/forge/state.json");
    let text = fs::read_to_string(&state).unwrap();
    assert!(text.contains("\"moving\": null"), "{text}");
    fs::write(&state, text.replace("\"moving\": null", &format!("\"moving\": \"{new}\""))).unwrap();
    sandbox.command(&["patch", "status"]).cwd(&work).run().ok().says("was ended while it moved the files");
    assert_eq!(git(&work, &["rev-parse", "HEAD"]), new);
    assert_eq!(git(&work, &["status", "--porcelain"]), "");
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("nothing to save");
}
