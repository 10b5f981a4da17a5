//! Where sources come from: releases, tags, branches, commits, other origins, and no network.

use std::fs;

use crate::kit::{Program, Sandbox, git};

/// What the lock says of the only component.
fn locked(sandbox: &Sandbox, key: &str) -> String {
    let lock: toml::Value = toml::from_str(&sandbox.read("recipes/app.lock")).unwrap();
    let entry = &lock["component"][0];
    let value = entry.get(key).or_else(|| entry["origin"].get(key)).unwrap_or_else(|| panic!("{key} is not in {lock}"));
    value.as_str().unwrap().to_owned()
}

#[test]
fn the_newest_release_of_a_line_is_built() {
    let (sandbox, up) =
        Sandbox::with_app(&["v1.2.3+k0s.0", "v1.2.10+k0s.1", "v1.2.10+k0s.0", "v1.2.11-rc.1+k0s.0", "v1.3.0+k0s.0", "nightly"]);
    sandbox.forge(&["build"]).ok().says("lock: app v1.2.10+k0s.1 is new");
    assert_eq!(locked(&sandbox, "commit"), up.id("v1.2.10+k0s.1"));
    assert_eq!(locked(&sandbox, "tree"), up.tree("v1.2.10+k0s.1"));
    let built = sandbox.forge(&["build", "--json"]).ok().json();
    assert_eq!(built["artifacts"][0]["version"], "v1.2.10+k0s.1");
    assert_eq!(built["artifacts"][0]["cached"], true);
}

#[test]
fn a_pre_release_counts_where_its_version_is_named() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.0+k0s.0", "v1.2.1-rc.1+k0s.0", "v1.2.1-rc.2+k0s.0"]);
    sandbox.forge(&["lock"]).ok();
    assert_eq!(locked(&sandbox, "release"), "v1.2.0+k0s.0");
    sandbox.edit("recipes/app.toml", "~1.2", ">=1.2.1-rc.1");
    sandbox.forge(&["lock"]).ok();
    assert_eq!(locked(&sandbox, "release"), "v1.2.1-rc.2+k0s.0");
}

#[test]
fn a_tag_a_branch_and_a_commit_can_be_wanted() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    let side = up.commit("side/x", "aside", &[("go.mod", &up.git(&["show", "main:go.mod"])), ("main.go", "package main\n")]);
    let want = |wanted: &str| {
        sandbox.recipe("app", &format!("[component.app]\n{wanted}\n"));
        sandbox.forge(&["lock"]).ok();
        (locked(&sandbox, "release"), locked(&sandbox, "commit"))
    };
    assert_eq!(want("version = \"v1.2.0\""), ("v1.2.0".into(), up.id("v1.2.0")));
    assert_eq!(want("version = \"side/x\""), ("side/x".into(), side.clone()));
    assert_eq!(want("version = \"side/x\"\nas = \"v1.3.0\""), ("v1.3.0".into(), side.clone()));
    assert_eq!(want("version = \"side/x\""), ("side/x".into(), side.clone()));
    assert_eq!(want(&format!("version = \"{side}\"")), (side[..12].into(), side.clone()));
    assert_eq!(want(&format!("version = \"{side}\"\nas = \"v1.4.0\"")), ("v1.4.0".into(), side));
}

#[test]
fn an_annotated_tag_leads_to_its_commit() {
    let (sandbox, up) = Sandbox::with_app(&[]);
    let commit = up.commit("main", "release", &[("RELEASE", "v1.2.0")]);
    up.annotate("v1.2.0", &commit, "the release");
    sandbox.forge(&["lock"]).ok();
    assert_eq!(locked(&sandbox, "commit"), commit);
    assert_eq!(locked(&sandbox, "tag_object"), up.git(&["rev-parse", "v1.2.0"]));
}

#[test]
fn what_does_not_exist_is_answered_with_the_nearest() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.0+k0s.0", "v1.2.1+k0s.0", "v1.2.2+k0s.0"]);
    sandbox.recipe("app", "[component.app]\nversion = \"v1.2.1+k0s.7\"\n");
    sandbox.forge(&["lock"]).code(1).says("has no tag or branch v1.2.1+k0s.7").says("the nearest are v1.2.1+k0s.0");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.9\"]\n");
    sandbox.forge(&["build"]).code(1).says("no release of").says("matches ~1.9").says("v1.2.2+k0s.0");
    sandbox.forge(&["build", "app@v1.2.9+k0s.0"]).code(1).says("has no tag or branch v1.2.9+k0s.0");
    sandbox.recipe("app", "[component.app]\nversion = \"0123456789012345678901234567890123456789\"\n");
    sandbox.forge(&["lock"]).code(1).says("does not have").says("0123456789012345678901234567890123456789");
    assert!(!sandbox.has("recipes/app.lock"));
}

#[test]
fn releases_outside_of_the_upstreams_range_do_not_exist() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0", "v1.2.1", "x1.2.5", "v1.2.6"]);
    sandbox.write("recipes/upstreams/app.toml", &up.toml().replace("\"v*\"", "\"v*\", versions = \"<1.2.6\""));
    sandbox.forge(&["lock"]).ok();
    assert_eq!(locked(&sandbox, "release"), "v1.2.1");
}

#[test]
fn a_branch_moves_by_update_alone() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    sandbox.recipe("app", "[component.app]\nversion = \"main\"\n");
    sandbox.forge(&["lock"]).ok();
    let old = locked(&sandbox, "commit");
    let new = up.commit("main", "more", &[("RELEASE", "more")]);
    for command in ["build", "lock", "fetch"] {
        sandbox.forge(&[command, "--locked"]).ok();
        assert_eq!(locked(&sandbox, "commit"), old, "{command}");
    }
    sandbox.forge(&["update", "--dry-run"]).ok();
    assert_eq!(locked(&sandbox, "commit"), old);
    sandbox.forge(&["update"]).ok();
    assert_eq!(locked(&sandbox, "commit"), new);
}

#[test]
fn a_moved_tag_stops_fetch_and_lock_but_not_a_build() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    sandbox.forge(&["build"]).ok();
    let old = up.id("v1.2.0");
    let new = up.commit("main", "moved", &[("RELEASE", "moved")]);
    up.tag("v1.2.0", &new);
    // What was built comes from the store, what was not from the pinned commit.
    sandbox.forge(&["build"]).ok().lacks("moved");
    fs::remove_dir_all(sandbox.store()).unwrap();
    sandbox.forge(&["build", "--locked"]).ok();
    assert_eq!(locked(&sandbox, "commit"), old);
    for command in ["fetch", "lock"] {
        let ran = sandbox.forge(&[command]);
        ran.code(1).says(&format!("the tag v1.2.0 moved from {old} to {new}")).says("`forge update` accepts the new one");
        assert_eq!(locked(&sandbox, "commit"), old);
    }
    let ran = sandbox.forge(&["update"]);
    ran.ok().prints(&old[..12]).prints(&new[..12]);
    assert_eq!(locked(&sandbox, "commit"), new);
    sandbox.forge(&["fetch"]).ok();
}

#[test]
fn a_tag_made_again_on_the_same_commit_is_a_note() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    up.annotate("v1.2.0", &up.id("v1.2.0"), "first");
    sandbox.forge(&["lock"]).ok();
    up.annotate("v1.2.0", &up.id("v1.2.0"), "second");
    sandbox.forge(&["fetch"]).ok().says("v1.2.0 was re-tagged, same commit");
}

#[test]
fn a_deleted_tag_stops_fetch_but_not_a_build() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    sandbox.forge(&["lock"]).ok();
    up.delete_tag("v1.2.0");
    sandbox.forge(&["fetch"]).code(1).says("the tag v1.2.0 is gone");
    sandbox.forge(&["build", "--locked"]).ok();
}

#[test]
fn a_server_that_gives_only_tags_and_branches_is_enough_until_a_tag_moves() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    up.refuse_unadvertised_commits();
    // Version 2 of the protocol has no such rule.
    sandbox.git_config("protocol.version", "0");
    sandbox.forge(&["lock"]).ok();
    let old = up.id("v1.2.0");
    let new = up.commit("main", "moved", &[("RELEASE", "moved")]);
    up.tag("v1.2.0", &new);
    up.branch("main", &new);
    fs::remove_dir_all(sandbox.store()).unwrap();
    sandbox.forge(&["build"]).code(1).says(&old).says("forge update");
}

#[test]
fn with_everything_in_the_store_neither_upstream_nor_network_is_needed() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    sandbox.forge(&["fetch"]).ok();
    fs::remove_dir_all(up.path()).unwrap();
    let closed = |args: &[&str]| sandbox.command(args).env("GOPROXY", "http://127.0.0.1:1").env("GOSUMDB", "off").run();
    closed(&["build", "--offline"]).ok();
    closed(&["build", "--offline", "--locked"]).ok();
    closed(&["build"]).ok();
    closed(&["plan"]).ok();
    closed(&["tree", "app", "--out", "tree"]).ok();
    closed(&["fetch"]).code(1).says("there is no repository at");
    // The lock, too, can be made anew: a commit needs no network.
    sandbox.edit("recipes/app.toml", "lines = [\"~1.2\"]", &format!("version = \"{}\"", locked(&sandbox, "commit")));
    closed(&["lock", "--offline"]).ok();
}

#[test]
fn offline_with_an_empty_store_names_the_next_step() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.0"]);
    for args in [&["build", "--offline"][..], &["fetch", "--offline"], &["lock", "--offline"], &["plan", "--offline"]] {
        let ran = sandbox.forge(args);
        ran.code(1).says("what app ~1.2 means now is not in the store").says("`forge fetch` once without --offline");
    }
    sandbox.forge(&["lock"]).ok();
    fs::remove_dir_all(sandbox.store()).unwrap();
    let ran = sandbox.forge(&["build", "--offline"]);
    ran.code(1).says("app v1.2.0 (commit").says("is not in the store").says("`forge fetch` once without --offline");
}

#[test]
fn a_server_that_cannot_be_reached_is_told_with_what_to_check() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    sandbox.write("recipes/upstreams/app.toml", &up.toml().replace(&up.url(), "https://127.0.0.1:1/app.git"));
    let ran = sandbox.command(&["build"]).env_remove("HTTPS_PROXY").env_remove("https_proxy").run();
    ran.code(1).says("cannot reach https://127.0.0.1:1/app.git").says("check the network");
}

#[test]
fn a_path_without_a_repository_is_told() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    sandbox.write("recipes/upstreams/app.toml", &up.toml().replace("app.git", "none.git"));
    sandbox.forge(&["build"]).code(1).says("there is no repository at file://");
}

#[test]
fn without_git_or_go_the_error_says_what_to_install() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.0"]);
    let with = |tools: &[&str], args: &[&str]| sandbox.command(args).env("PATH", sandbox.tools(tools)).run();
    with(&["go"], &["build"]).code(1).says("git").says("install git 2.29 or newer");
    // What needs no git works without it.
    with(&["go"], &["list"]).ok();
    with(&["git", "go"], &["fetch"]).ok();
    with(&["go"], &["build", "--offline", "--locked"]).ok();
}

#[test]
fn a_git_that_is_too_old_or_broken_is_told() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.0"]);
    let tools = sandbox.tools(&["go"]);
    let fake = |script: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = tools.join("git");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        sandbox.command(&["build"]).env("PATH", &tools).run()
    };
    fake("echo \"error: unknown option \\`no-write-fetch-head'\" >&2; exit 129")
        .code(1)
        .says("this git is too old")
        .says("install git 2.29 or newer");
    fake("echo 'fatal: the moon is in the way' >&2; exit 128").code(4).says("the moon is in the way").says("exit code 128");
}

#[test]
fn urls_and_revisions_that_run_programs_are_refused_where_they_are_written() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    let marker = sandbox.root().join("ran");
    for url in [format!("ext::touch {}", marker.display()), "--upload-pack=touch x".into(), "fd::7".into(), "-x".into()] {
        sandbox.write("recipes/upstreams/app.toml", &up.toml().replace(&up.url(), &url));
        let ran = sandbox.forge(&["build"]);
        ran.code(1).says("recipes/upstreams/app.toml:1");
        assert!(!marker.exists());
    }
    sandbox.upstream_file(&up);
    for version in ["--upload-pack=touch x", "-f", "a..b", "x@{1}", "refs/heads/x:refs/heads/y"] {
        sandbox.recipe("app", &format!("[component.app]\nversion = \"{version}\"\n"));
        sandbox.forge(&["build"]).code(1).says("recipes/app.toml:5");
    }
}

#[test]
fn urls_and_revisions_that_run_programs_are_wrong_usage_on_the_command_line() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.0"]);
    for origin in ["ext::sh", "--upload-pack=x", "-x", "", "file://../x\n"] {
        sandbox.forge(&["build", "--source", &format!("app={origin}")]).code(2);
    }
    sandbox.forge(&["build", "--source", "app"]).code(2).says("names no origin");
    sandbox.forge(&["build", "--source", "apq=/x"]).code(1).says("did you mean app?");
    for revision in ["--upload-pack=x", "-x", "", "a b", "x..y"] {
        sandbox.forge(&["build", &format!("app@{revision}")]).code(2);
        sandbox.forge(&["tree", &format!("app@{revision}"), "--out", "t"]).code(2);
        sandbox.forge(&["update", &format!("app@{revision}")]).code(2);
    }
    assert!(!sandbox.has("recipes/app.lock"));
}

#[test]
fn userinfo_is_refused_in_files_that_are_committed() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    let url = "https://oauth2:s3cr3t@git.example/app.git";
    sandbox.write("recipes/upstreams/app.toml", &up.toml().replace(&up.url(), url));
    let ran = sandbox.forge(&["build"]);
    ran.code(1).says("recipes/upstreams/app.toml:1").lacks("s3cr3t");
}

#[test]
fn a_token_on_the_command_line_gets_nowhere() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    // A user's mirror, which insteadOf makes local: the fetch works.
    let url = "https://oauth2:s3cr3t@git.example/app.git";
    sandbox.git_config(&format!("url.{}.insteadOf", up.url()), url);
    let source = format!("app={url}");
    for args in [&["build", "-v"][..], &["plan"], &["plan", "--sh"], &["plan", "--json"], &["lock"], &["fetch", "-v"]] {
        let ran = sandbox.command(args).arg("--source").arg(&source).run();
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("s3cr3t"), "{args:?}\n{}{}", ran.stdout, ran.stderr);
        ran.ok();
    }
    // And one where it fails.
    let ran = sandbox.forge(&["build", "app@main", "-v", "--source", "app=https://oauth2:s3cr3t@127.0.0.1:1/app.git"]);
    ran.code(1).says("cannot reach").lacks("s3cr3t");
    assert_eq!(sandbox.grep(sandbox.root(), "s3cr3t"), [sandbox.gitconfig()]);
}

#[test]
fn instead_of_leads_to_the_users_mirror_and_the_lock_keeps_the_recipes_url() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    let url = "https://git.example/app.git";
    sandbox.write("recipes/upstreams/app.toml", &up.toml().replace(&up.url(), url));
    sandbox.git_config(&format!("url.{}.insteadOf", up.url()), url);
    sandbox.forge(&["build"]).ok();
    assert_eq!(locked(&sandbox, "url"), url);
    assert!(!sandbox.read("recipes/app.lock").contains(&up.url()));
}

#[test]
fn another_source_keeps_the_lock() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read("recipes/app.lock");
    let folder = sandbox.root().join("clone");
    up.clone_to(&folder);
    let source = format!("app={}", folder.display());
    // The same commit from there: the very artifact.
    fs::remove_dir_all(sandbox.store()).unwrap();
    fs::rename(up.path(), sandbox.root().join("away")).unwrap();
    sandbox.forge(&["build", "--locked", "--source", &source]).ok();
    assert!(sandbox.has(&format!("dist/app-v1.2.0-app-{}", dashed_host())));
    assert_eq!(sandbox.read("recipes/app.lock"), lock);
    // A tag that is elsewhere there is a moved tag.
    let old = locked(&sandbox, "commit");
    git(&folder, &["commit", "-q", "--allow-empty", "-m", "mine"]);
    git(&folder, &["tag", "-f", "v1.2.0"]);
    sandbox.forge(&["fetch", "--source", &source]).code(1).says("the tag v1.2.0 moved from").says(&old);
    sandbox.forge(&["build", "--locked", "--source", &source]).ok();
}

#[test]
fn uncommitted_changes_of_another_source_are_told_and_named() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    let folder = sandbox.root().join("clone");
    up.clone_to(&folder);
    fs::write(folder.join("greet.go"), "package main\n").unwrap();
    let ran = sandbox.command(&["build", "--json", "--source", "app=../clone"]).run();
    ran.ok().says("has uncommitted changes, which are not built");
    let path = ran.json()["artifacts"][0]["path"].as_str().unwrap().to_owned();
    assert!(path.contains("-local."), "{path}");
    assert!(sandbox.has(&path) && !sandbox.has(&format!("dist/app-v1.2.0-app-{}", dashed_host())));
}

#[test]
fn another_source_must_be_the_root_of_a_repository() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.0"]);
    let folder = sandbox.root().join("clone");
    up.clone_to(&folder);
    fs::create_dir(folder.join("below")).unwrap();
    sandbox.forge(&["build", "--source", "app=../clone/below"]).code(1).says("name its root");
    sandbox.forge(&["build", "--source", "app=../home"]).code(1).says("is not a git repository");
}

#[test]
fn a_module_can_come_from_a_repository() {
    let (sandbox, up) = Sandbox::with_app(&[]);
    let app = sandbox.upstream("user", Program { service: true, makefile: false });
    app.release("v1.2.0");
    sandbox.upstream_file(&app);
    sandbox.write("recipes/upstreams/service.toml", "module = \"github.com/kardianos/service\"\n");
    sandbox.recipe("app", "[component.user]\nlines = [\"~1.2\"]\nreplace = [\"service\"]\n[component.service]\n");
    let source = format!("service={}", up.url());
    // Only the proxy knows the sum that a lock needs.
    sandbox.forge(&["lock", "--source", &source]).code(1).says("lock it without --source first");
    sandbox.forge(&["lock"]).ok();
    sandbox.forge(&["build", "--source", &source]).code(1).says("has no tag v1.2.2");
    up.release("v1.2.2");
    sandbox.forge(&["build", "--source", &source]).code(1).says("and the lock says");
}

fn dashed_host() -> String {
    crate::kit::host().replace('/', "-")
}

/// A project whose upstream is folders: `program/v1.0.0` and `program/v1.1.0`.
fn folders() -> Sandbox {
    let sandbox = Sandbox::new();
    for release in ["v1.0.0", "v1.1.0"] {
        for (path, text) in Program::default().files(release) {
            sandbox.write(&format!("program/{release}/{path}"), &text);
        }
    }
    sandbox.write("recipes/upstreams/app.toml", "path = \"program\"\n[[build]]\ndriver = \"go\"\npackages = [\".\"]\n");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1\"]\n");
    sandbox
}

#[test]
fn folders_are_releases() {
    let sandbox = folders();
    sandbox.forge(&["lock"]).ok();
    assert_eq!((locked(&sandbox, "release"), locked(&sandbox, "folder")), ("v1.1.0".into(), "program/v1.1.0".into()));
    sandbox.forge(&["build", "app@1.0", "--offline"]).ok();
    assert!(sandbox.has(&format!("dist/app-v1.0.0-app-{}", dashed_host())));
    sandbox.forge(&["build", "app@2"]).code(1).says("no release of program matches 2");
}

#[test]
fn a_changed_folder_changes_the_lock_and_is_told() {
    let sandbox = folders();
    sandbox.forge(&["build"]).ok();
    let (lock, tree) = (sandbox.read("recipes/app.lock"), locked(&sandbox, "tree"));
    sandbox.edit("program/v1.1.0/greet.go", "hello", "good day");
    sandbox.forge(&["build", "--locked"]).code(1).says("is not up to date").says("app tree:");
    assert_eq!(sandbox.read("recipes/app.lock"), lock);
    sandbox.forge(&["build"]).ok().says("lock: app tree:");
    assert_ne!(locked(&sandbox, "tree"), tree);
    sandbox.forge(&["build", "--locked"]).ok();
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let sandbox = folders();
    sandbox.forge(&["lock"]).ok();
    fs::remove_dir_all(sandbox.project().join("program/v1.1.0")).unwrap();
    sandbox.forge(&["build"]).code(1).says("the folder program/v1.1.0 does not exist");
    fs::remove_dir_all(sandbox.project().join("program")).unwrap();
    sandbox.forge(&["update"]).code(1).says("upstreams/app.toml:1").says("program cannot be read: there is no such folder");
}
