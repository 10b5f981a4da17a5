//! The lock: written on first use, kept, compared, moved on by `update` alone.

use std::fs;

use crate::kit::{Program, Sandbox, Upstream};

const RECIPE: &str = "recipes/app.toml";
const LOCK: &str = "recipes/app.lock";

/// A project with the series `polite`, locked.
fn polite() -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.1.0", "v1.2.0"]);
    sandbox.series("app", "polite", &[("greet.patch", &up.greeting_patch("main", "good day"))]);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\", \"~1.1\"]\nseries = [\"polite\"]\n");
    (sandbox, up)
}

#[test]
fn the_lock_is_written_on_first_use_and_told() {
    let (sandbox, _up) = polite();
    sandbox.forge(&["build"]).ok().says("Note lock: app v1.2.0 is new").lacks("v1.1.0");
    let lock = sandbox.read(LOCK);
    sandbox.forge(&["build"]).ok().lacks("Note");
    sandbox.forge(&["build", "--all"]).ok().says("Note lock: app v1.1.0 is new").lacks("v1.2.0 is new");
    assert!(sandbox.read(LOCK).len() > lock.len());
}

#[test]
fn the_same_recipe_gives_the_same_bytes() {
    let (sandbox, _up) = polite();
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read(LOCK);
    let modified = || fs::metadata(sandbox.project().join(LOCK)).unwrap().modified().unwrap();
    let before = modified();
    for args in [&["lock"][..], &["fetch"], &["update"], &["build", "--locked"], &["lock", "--locked"]] {
        sandbox.forge(args).ok();
        assert_eq!(sandbox.read(LOCK), lock, "{args:?}");
    }
    assert_eq!(modified(), before, "a lock that does not change is not written");
    fs::remove_file(sandbox.project().join(LOCK)).unwrap();
    fs::remove_dir_all(sandbox.store()).unwrap();
    sandbox.forge(&["lock"]).ok();
    assert_eq!(sandbox.read(LOCK), lock);
}

#[test]
fn without_a_lock_locked_refuses_and_writes_nothing() {
    let (sandbox, _up) = polite();
    for command in ["build", "lock", "fetch", "plan"] {
        sandbox.forge(&[command, "--locked"]).code(1).says("is not up to date").says("app v1.2.0 is new");
        assert!(!sandbox.has(LOCK) && !sandbox.has("dist"), "{command}");
    }
}

#[test]
fn a_changed_patch_rewrites_the_entry_and_says_so() {
    let (sandbox, up) = polite();
    sandbox.forge(&["build"]).ok();
    let lock = sandbox.read(LOCK);
    sandbox.series("app", "polite", &[("greet.patch", &up.greeting_patch("main", "good evening"))]);
    let ran = sandbox.forge(&["build", "--locked"]);
    ran.code(1).says("is not up to date").says("app patched tree:").says("run the command without --locked");
    assert_eq!(sandbox.read(LOCK), lock);
    sandbox.forge(&["build"]).ok().says("Note lock: app patched tree:").lacks("app tree:");
    assert_ne!(sandbox.read(LOCK), lock);
    sandbox.forge(&["build", "--locked"]).ok();
    // What only the reader of a patch sees is no change.
    let mail = sandbox.read("patches/app/polite/greet.patch");
    sandbox.write("patches/app/polite/greet.patch", &mail.replace("Subject: [PATCH] Say", "Subject: [PATCH] To say"));
    sandbox.forge(&["build", "--locked"]).ok();
}

#[test]
fn a_patch_that_does_not_apply_leaves_the_lock_alone() {
    let (sandbox, up) = polite();
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read(LOCK);
    let mail = up.greeting_patch("main", "good evening").replace("-\treturn \"hello\"", "-\treturn \"hullo\"");
    sandbox.series("app", "polite", &[("greet.patch", &mail)]);
    for command in ["build", "lock", "update"] {
        sandbox.forge(&[command]).code(3).says("greet.patch");
        assert_eq!(sandbox.read(LOCK), lock, "{command}");
    }
}

#[test]
fn changed_operations_on_go_mod_rewrite_the_entry() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program { service: true, makefile: false });
    up.release("v1.2.0");
    sandbox.upstream_file(&up);
    let recipe = |more: &str| sandbox.recipe("app", &format!("[component.app]\nlines = [\"~1.2\"]\n{more}\n"));
    recipe("");
    sandbox.forge(&["lock"]).ok();
    recipe("replace = [\"github.com/kardianos/service => github.com/kardianos/service@v1.2.4\"]");
    sandbox.forge(&["plan", "--locked"]).code(1).says("app go.mod or go.sum changed");
    sandbox.forge(&["lock"]).ok().says("Note lock: app go.mod or go.sum changed");
    assert!(sandbox.read(LOCK).contains("replace github.com/kardianos/service => github.com/kardianos/service v1.2.4"));
    recipe("");
    sandbox.forge(&["lock"]).ok().says("app go.mod or go.sum changed");
    assert!(!sandbox.read(LOCK).contains("v1.2.4"));
    recipe("go = \"1.22\"");
    sandbox.forge(&["plan", "--locked"]).code(1);
}

#[test]
fn changed_flags_are_in_the_notice() {
    let (sandbox, _up) = polite();
    sandbox.forge(&["lock"]).ok();
    sandbox.edit("recipes/upstreams/app.toml", "\"-trimpath\"", "\"-trimpath\", \"-race=false\"");
    sandbox.forge(&["lock", "--locked"]).code(1).says("app flag added: -race=false");
    sandbox.forge(&["lock"]).ok().says("app flag added: -race=false");
}

#[test]
fn what_the_recipe_no_longer_leads_to_leaves_the_lock() {
    let (sandbox, _up) = polite();
    sandbox.forge(&["lock"]).ok();
    sandbox.edit(RECIPE, ", \"~1.1\"", "");
    let lock = sandbox.read(LOCK);
    sandbox.forge(&["lock", "--locked"]).code(1).says("app v1.1.0 is no longer used");
    assert_eq!(sandbox.read(LOCK), lock);
    sandbox.forge(&["lock"]).ok().says("app v1.1.0 is no longer used");
    assert!(!sandbox.read(LOCK).contains("v1.1.0"));
}

#[test]
fn a_removed_component_leaves_the_lock() {
    let sandbox = Sandbox::new();
    let (one, two) = (sandbox.upstream("one", Program::default()), sandbox.upstream("two", Program::default()));
    for up in [&one, &two] {
        up.release("v1.2.0");
        sandbox.upstream_file(up);
    }
    sandbox.recipe("app", "[component.one]\nlines = [\"~1.2\"]\n[component.two]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["lock"]).ok();
    sandbox.recipe("app", "[component.one]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["lock"]).ok().says("two v1.2.0 is no longer used");
    assert!(!sandbox.read(LOCK).contains("two"));
}

#[test]
fn a_damaged_lock_is_an_error_and_stays() {
    let (sandbox, up) = polite();
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read(LOCK);
    let other = up.tree("v1.1.0");
    let damage = |text: String, commands: &[&str], says: &str| {
        sandbox.write(LOCK, &text);
        for command in commands {
            sandbox.forge(&[command]).code(1).says(says);
            assert_eq!(sandbox.read(LOCK), text);
        }
    };
    let every = ["build", "lock", "update", "plan", "show"];
    damage(lock.replace("[[component]]", "[[component]"), &every, "recipes/app.lock: TOML parse error at line");
    damage(lock.replace("version = 1", "version = 7"), &every, "has format 7; this forge knows 1");
    damage(lock.replace("version = 1\n", ""), &every, "missing field `version`");
    damage(lock.replace("\nrelease", "\nreleases"), &every, "releases");
    damage(lock.replace(&up.id("v1.2.0"), "zzz"), &every, "recipes/app.lock: TOML parse error at line");
    // A commit has one tree; `update` alone asks anew.
    damage(lock.replace(&up.tree("v1.2.0"), &other), &["build", "lock", "plan"], &format!("and the lock says {other}"));
    damage(lock.clone() + &lock.replace("version = 1\n", ""), &every, "app has two entries for the same release");
    damage("<<<<<<< ours\n".to_owned() + &lock, &every, "restore it from version control");
}

#[test]
fn update_stays_inside_the_lines_and_tells_what_is_beyond() {
    let (sandbox, up) = polite();
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read(LOCK);
    up.release_with("v1.2.1", &[("go.mod", "module forge.example/app\n\ngo 1.21\n\ntoolchain go1.26.0\n")]);
    up.release("v1.3.0");
    let ran = sandbox.forge(&["update", "--dry-run"]);
    ran.ok()
        .prints("app release: v1.2.0 -> v1.2.1")
        .prints("app Go: ")
        .prints("app v1.3.0 is newer than every line of the recipe");
    assert_eq!(sandbox.read(LOCK), lock, "--dry-run changes nothing");
    let json = sandbox.forge(&["update", "--dry-run", "--json"]).ok().json();
    assert_eq!((&json["changes"][0]["from"], &json["changes"][0]["to"]), (&"v1.2.0".into(), &"v1.2.1".into()));
    assert_eq!(json["beyond_lines"][0]["newest"], "v1.3.0");
    sandbox.forge(&["lock"]).ok();
    assert_eq!(sandbox.read(LOCK), lock, "only update moves on");
    sandbox.forge(&["update"]).ok().prints("app release: v1.2.0 -> v1.2.1");
    assert!(sandbox.read(LOCK).contains("v1.2.1") && sandbox.read(LOCK).contains("v1.1.0"));
    sandbox.forge(&["update"]).ok().prints("everything is up to date");
}

#[test]
fn update_to_a_version_rewrites_the_recipe_and_keeps_its_comments() {
    let (sandbox, up) = polite();
    let text = sandbox.read(RECIPE).replace("[component.app]\n", "# The program.\n[component.app] # it\n");
    sandbox.write(RECIPE, &text);
    up.release("v1.3.0");
    sandbox.forge(&["lock"]).ok();
    let dry = sandbox.forge(&["update", "app@~1.3", "--dry-run"]);
    dry.ok().says("first line ~1.2 -> ~1.3");
    assert_eq!(sandbox.read(RECIPE), text);
    sandbox.forge(&["update", "app@~1.3"]).ok().prints("v1.3.0");
    assert_eq!(sandbox.read(RECIPE), text.replace("~1.2", "~1.3"));
    assert!(sandbox.read(LOCK).contains("v1.3.0"));
    sandbox.forge(&["update", "app@v1.1.0"]).ok();
    let now = sandbox.read(RECIPE);
    assert!(now.contains("# The program.\n[component.app] # it\n") && now.contains("version = \"v1.1.0\""), "{now}");
    assert!(!now.contains("lines"));
    sandbox.forge(&["build", "--locked"]).ok();
}

#[test]
fn a_recipe_that_cannot_be_resolved_is_put_back() {
    let (sandbox, _up) = polite();
    sandbox.forge(&["lock"]).ok();
    let (recipe, lock) = (sandbox.read(RECIPE), sandbox.read(LOCK));
    sandbox.forge(&["update", "app@~1.7"]).code(1).says("matches ~1.7").says("recipes/app.toml is as it was");
    sandbox.forge(&["update", "app@v9.9.9"]).code(1).says("v9.9.9");
    sandbox.forge(&["update", "app@~1.1"]).code(1).says("line ~1.1 is listed twice").says("is as it was");
    sandbox.forge(&["update", "app@~1.1", "apq@~1.1"]).code(1).says("is as it was");
    sandbox.forge(&["update", "app@~1.0", "apq"]).code(1).says("did you mean app?").says("is as it was");
    assert_eq!((sandbox.read(RECIPE), sandbox.read(LOCK)), (recipe, lock));
}

#[test]
fn a_release_named_on_the_command_line_leaves_the_lock_alone() {
    let (sandbox, up) = polite();
    sandbox.forge(&["build", "app@1.1"]).ok().lacks("lock:");
    assert!(!sandbox.has(LOCK));
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read(LOCK);
    // Nor is it read: 1.2 means the newest now.
    up.release("v1.2.1");
    let built = sandbox.forge(&["build", "app@~1.2", "--json"]);
    assert_eq!(built.ok().json()["artifacts"][0]["version"], "v1.2.1");
    sandbox.forge(&["tree", "app@v1.1.0", "--out", "tree"]).ok();
    assert_eq!(sandbox.read("tree/RELEASE"), "v1.1.0\n");
    assert_eq!(sandbox.read(LOCK), lock);
    for args in
        [&["build", "app@1.1", "--locked"][..], &["plan", "app@1.1", "--locked"], &["tree", "app@1.1", "--out", "t", "--locked"]]
    {
        sandbox.forge(args).code(2).says("without the lock: --locked cannot hold for it");
    }
}

#[test]
fn a_replacement_for_one_run_leaves_the_lock_alone() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program { service: true, makefile: false });
    up.release("v1.2.0");
    sandbox.upstream_file(&up);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read(LOCK);
    let replace = "github.com/kardianos/service=github.com/kardianos/service@v1.2.4";
    let built = sandbox.forge(&["build", "--json", "--replace", replace]);
    assert!(built.ok().json()["artifacts"][0]["path"].as_str().unwrap().contains("-local."));
    assert_eq!(sandbox.read(LOCK), lock);
    sandbox.forge(&["build", "--locked", "--replace", replace]).ok();
    assert_eq!(sandbox.read(LOCK), lock);
}

#[test]
fn two_at_once_write_one_good_lock() {
    let (sandbox, _up) = polite();
    let children: Vec<_> = (0..4).map(|_| sandbox.command(&["lock"]).spawn()).collect();
    for child in children {
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    sandbox.forge(&["build", "--locked", "--all"]).ok();
}

#[test]
fn a_lock_that_cannot_be_written_is_told() {
    let (sandbox, _up) = polite();
    // A folder in its place: root may write anywhere.
    fs::create_dir(sandbox.project().join(LOCK)).unwrap();
    sandbox.forge(&["build"]).code(1).says("recipes/app.lock");
    assert!(!sandbox.has("dist"));
}
