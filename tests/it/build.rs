//! From a recipe to a binary in the output folder: what is delivered, what is reused, and what two forges do at once.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use forge::names::Target;

use crate::kit::{PATCHED, Program, Sandbox, go_version, names, output_of, tool, tool_ok};

fn host() -> String {
    Target::host().to_string().replace('/', "-")
}

/// Everything about the files of a folder that a rewrite would change.
fn stamps(folder: &Path) -> Vec<(String, u64, i64, i64)> {
    let stamp = |name: String| {
        let meta = fs::metadata(folder.join(&name)).unwrap();
        (name, meta.ino(), meta.mtime_nsec(), meta.ctime_nsec())
    };
    names(folder).into_iter().map(stamp).collect()
}

/// `sha256sum -c` agrees with SHA256SUMS; gives how many files it names.
#[track_caller]
fn sums_hold(dist: &Path) -> usize {
    tool_ok(dist, "sha256sum", &["--strict", "-c", "SHA256SUMS"]).lines().count()
}

#[test]
fn a_component_stands_in_for_a_module_of_its_user() {
    let (sandbox, up) = Sandbox::with_patched_service();
    let ran = sandbox.forge(&["build"]);
    let name = format!("app-v1.2.3+k0s.0-app-{}", host());
    ran.ok().says("Patched service v1.2.4").prints(&format!("dist/{name}"));
    let dist = sandbox.project().join("dist");
    assert_eq!(names(&dist), ["SHA256SUMS".to_owned(), name.clone(), format!("{name}.log")]);
    let binary = dist.join(&name);
    assert_eq!(fs::metadata(&binary).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(output_of(&binary, &[]), PATCHED);
    assert_eq!(output_of(&binary, &["version"]), "v1.2.3+k0s.0\n");
    assert_eq!(sums_hold(&dist), 1);
    let sum = tool_ok(&dist, "sha256sum", &[&name]);
    assert!(ran.stdout.starts_with(sum.split(' ').next().unwrap()), "{}", ran.stdout);

    // Go's own word on it.
    let info = tool_ok(&dist, "go", &["version", "-m", &name]);
    assert!(info.contains("\tdep\tgithub.com/kardianos/service\tv1.2.4\n\t=>\t./.forge/service\t"), "{info}");
    assert!(info.contains("-trimpath=true"), "{info}");

    // The log says what was built of what, and every command.
    let log = fs::read_to_string(dist.join(format!("{name}.log"))).unwrap();
    let tree = up.tree("v1.2.3+k0s.0");
    for part in [
        "app v1.2.3+k0s.0 for",
        &format!("tree: {tree}"),
        "part: ./.forge/service tree ",
        &format!("env: GOTOOLCHAIN={}", go_version()),
        "\n$ ",
        " build -o ",
        "'-ldflags=-X main.version=v1.2.3+k0s.0'",
        "checked: 2 facts hold",
    ] {
        assert!(log.contains(part), "the log lacks {part:?}:\n{log}");
    }
    assert!(sandbox.work_left().is_empty(), "{:?}", sandbox.work_left());
}

#[test]
fn targets_share_one_tree_and_an_unchanged_build_touches_nothing() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    let counted = sandbox.root().join("prepared");
    sandbox.edit(
        "recipes/upstreams/app.toml",
        "packages",
        &format!("prepare = [[\"sh\", \"-c\", \"echo $GOOS. >> {}\"]]\npackages", counted.display()),
    );
    let targets = ["linux/amd64", "linux/arm64", "windows/amd64"];
    sandbox.edit("recipes/app.toml", &format!("[\"{}\"]", Target::host()), &format!("{targets:?}"));
    let ran = sandbox.forge(&["build", "--json"]);
    let artifacts = ran.ok().artifacts();
    assert_eq!(artifacts.len(), 3);
    for (artifact, target) in artifacts.iter().zip(targets) {
        let exe = if target.starts_with("windows") { ".exe" } else { "" };
        let path = format!("dist/app-v1.2.3+k0s.0-app-{}{exe}", target.replace('/', "-"));
        let bytes = fs::read(sandbox.project().join(&path)).unwrap();
        assert!(bytes.starts_with(if exe.is_empty() { b"\x7fELF" } else { b"MZ" }));
        let sum = tool_ok(&sandbox.project(), "sha256sum", &[&path]);
        let keys: Vec<&String> = artifact.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["cached", "component", "path", "sha256", "target", "version"]);
        assert_eq!(artifact["component"], "app");
        assert_eq!(artifact["version"], "v1.2.3+k0s.0");
        assert_eq!(artifact["target"], target);
        assert_eq!(artifact["path"], path);
        assert_eq!(artifact["sha256"], sum.split(' ').next().unwrap());
        assert_eq!(artifact["cached"], false);
    }
    assert_eq!(ran.json().as_object().unwrap().len(), 3, "schema, artifacts and failures, no more");
    assert_eq!(ran.json()["failures"], serde_json::json!([]));
    let dist = sandbox.project().join("dist");
    assert_eq!(sums_hold(&dist), 3);
    assert_eq!(fs::read_to_string(&counted).unwrap(), ".\n", "prepare runs once, for this machine");

    let before = stamps(&dist);
    let again = sandbox.forge(&["build", "--json"]);
    assert!(again.ok().artifacts().iter().all(|a| a["cached"] == true));
    again.lacks("Compiling").lacks("Patched").says("Fresh app v1.2.3+k0s.0 for windows/amd64");
    assert_eq!(stamps(&dist), before);
    // git is not needed for that; go identifies the toolchain, and is.
    let without_git = sandbox.command(&["build"]).env("PATH", sandbox.tools(&["go"])).run();
    without_git.ok().lacks("Compiling");
    let without_go = sandbox.command(&["build"]).env("PATH", sandbox.tools(&["git"])).env("GOPROXY", "off").run();
    without_go.code(1).says("`go` was not found in PATH, and GOPROXY=off leads to no Go").says("https://go.dev/dl");
    assert_eq!(stamps(&dist), before);
}

#[test]
fn what_is_lost_comes_back_from_the_store() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    sandbox.forge(&["build"]).ok();
    let dist = sandbox.project().join("dist");
    let binary = sandbox.binary("dist", "app-");
    let good = fs::read(&binary).unwrap();
    let log = binary.with_file_name(format!("{}.log", binary.file_name().unwrap().to_str().unwrap()));

    let harms: [(&str, &dyn Fn()); 6] = [
        ("deleted", &|| fs::remove_file(&binary).unwrap()),
        ("changed", &|| fs::write(&binary, b"#!/bin/sh\necho something else\n").unwrap()),
        ("a changed byte", &|| {
            let mut bytes = good.clone();
            bytes[good.len() / 2] ^= 1;
            fs::write(&binary, bytes).unwrap();
        }),
        ("no log", &|| fs::remove_file(&log).unwrap()),
        ("no sums", &|| fs::remove_file(dist.join("SHA256SUMS")).unwrap()),
        ("the whole folder", &|| fs::remove_dir_all(&dist).unwrap()),
    ];
    for (what, spoil) in harms {
        spoil();
        sandbox.forge(&["build"]).ok().lacks("Compiling").says("Fresh");
        assert!(fs::read(&binary).unwrap() == good, "{what}");
        assert_eq!(fs::metadata(&binary).unwrap().permissions().mode() & 0o7777, 0o755, "{what}");
        assert!(log.is_file(), "{what}");
        assert_eq!(sums_hold(&dist), 1, "{what}");
    }
    // Another folder is filled from the store, too.
    sandbox.forge(&["build", "--out", "elsewhere/deep"]).ok().lacks("Compiling");
    assert_eq!(sums_hold(&sandbox.project().join("elsewhere/deep")), 1);

    // A store that was damaged is not believed.
    let stored = sandbox.store().join("builds");
    let stored = stored.join(&names(&stored)[0]).join("binary");
    let mut bytes = good.clone();
    bytes[good.len() / 2] ^= 1;
    fs::write(&stored, bytes).unwrap();
    fs::remove_file(&binary).unwrap();
    sandbox.forge(&["build"]).ok().says("Compiling");
    assert!(fs::read(&binary).unwrap() == good, "a rebuild gives the same bytes");
    assert!(fs::read(&stored).unwrap() == good);
}

#[test]
fn the_output_folder_is_never_cleaned_and_its_sums_lose_what_is_gone() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["build"]).ok();
    let dist = sandbox.project().join("dist");
    let old = format!("app-v1.2.3-app-{}", host());
    // Files of other people, with lines of their own, as `sha256sum` and `sha256sum -b` write them.
    fs::write(dist.join("notes.txt"), "mine\n").unwrap();
    fs::write(dist.join("more notes"), "mine, too\n").unwrap();
    let foreign = tool_ok(&dist, "sha256sum", &["notes.txt"]) + &tool_ok(&dist, "sha256sum", &["-b", "more notes"]);
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    fs::write(dist.join("SHA256SUMS"), sums + &foreign).unwrap();
    up.release("v1.2.4");
    sandbox.forge(&["update"]).ok();
    sandbox.forge(&["build"]).ok();
    assert_eq!(sums_hold(&dist), 4);
    assert!(dist.join(&old).is_file() && dist.join("notes.txt").is_file());
    for gone in [&old, "notes.txt"] {
        fs::remove_file(dist.join(gone)).unwrap();
    }
    up.release("v1.2.5");
    sandbox.forge(&["update"]).ok();
    sandbox.forge(&["build"]).ok();
    assert_eq!(sums_hold(&dist), 3, "{}", fs::read_to_string(dist.join("SHA256SUMS")).unwrap());
}

#[test]
fn a_slash_in_a_version_is_a_dash_in_the_name() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    up.branch("feature/x", &up.id("v1.2.3"));
    sandbox.forge(&["build", "app@feature/x"]).ok().prints(&format!("dist/app-feature-x-app-{}", host()));
    assert!(!sandbox.has("recipes/app.lock"), "COMPONENT@REQ is not locked");
}

#[test]
fn an_ad_hoc_replacement_marks_the_name_and_leaves_the_lock_alone() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    sandbox.forge(&["build"]).ok();
    let lock = sandbox.read("recipes/app.lock");
    let real = fs::read(sandbox.binary("dist", "app-")).unwrap();
    let cache = tool_ok(Path::new("/"), "go", &["env", "GOMODCACHE"]);
    // A folder replaces what the recipe replaces by a component: the last word is the user's.
    let fork = sandbox.root().join("my-fork");
    tool_ok(
        sandbox.root(),
        "cp",
        &["-R", &format!("{}/github.com/kardianos/service@v1.2.4", cache.trim()), fork.to_str().unwrap()],
    );
    tool_ok(sandbox.root(), "chmod", &["-R", "u+w", "my-fork"]);
    let source = fs::read_to_string(fork.join("service.go")).unwrap();
    fs::write(
        fork.join("service.go"),
        source.replace("if system == nil {\n\t\treturn \"\"", "if true {\n\t\treturn \"my fork\""),
    )
    .unwrap();
    let replace = format!("github.com/kardianos/service={}", fork.display());
    sandbox.forge(&["build", "--replace", &replace, "--out", "mine"]).ok();
    let binary = sandbox.binary("mine", &format!("app-v1.2.3+k0s.0-app-{}-local.", host()));
    let hash = binary.to_str().unwrap().rsplit('.').next().unwrap();
    assert!(hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
    assert_eq!(output_of(&binary, &[]), "hello on my fork\n");

    // A module and version; relative folders are relative to where the user stands.
    let replace = "github.com/kardianos/service=github.com/kardianos/service@v1.2.2";
    sandbox.forge(&["build", "--replace", replace, "--out", "module"]).ok();
    let binary = sandbox.binary("module", "app-v1.2.3+k0s.0-app-");
    assert!(binary.to_str().unwrap().contains("-local."));
    let info = tool_ok(Path::new("/"), "go", &["version", "-m", binary.to_str().unwrap()]);
    assert!(info.contains("=>\tgithub.com/kardianos/service\tv1.2.2\th1:"), "{info}");
    let relative = sandbox
        .command(&["build", "--replace", "github.com/kardianos/service=my-fork", "--out", "project/mine", "-q"])
        .cwd(sandbox.root())
        .env("FORGE_RECIPE", sandbox.project().join("recipes/app.toml"))
        .run();
    relative.ok().prints("project/mine/app-");

    assert_eq!(sandbox.read("recipes/app.lock"), lock);
    assert!(fs::read(sandbox.binary("dist", "app-")).unwrap() == real);
    for (wrong, text) in [
        ("github.com/kardianos/service", "names no replacement"),
        ("github.com/kardianos/service=x/y", ""),
        ("github.com/kardianos/service=/nowhere/at/all", ""),
    ] {
        let ran = sandbox.forge(&["build", "--replace", wrong]);
        assert!(ran.code == 1 || ran.code == 2, "{wrong}: {} {}", ran.code, ran.stderr);
        ran.says(text);
    }
}

#[test]
fn a_stamped_tree_tells_its_version() {
    let (sandbox, up) = Sandbox::with_patched_service();
    sandbox.edit("recipes/upstreams/app.toml", "packages", "vcs = true\npackages");
    sandbox.edit("recipes/upstreams/app.toml", "ldflags = [\"-X main.version={version}\"]", "");
    let read = "package main\n\nimport \"runtime/debug\"\n\nfunc init() {\n\tinfo, _ := debug.ReadBuildInfo()\n\tversion = info.Main.Version\n}\n";
    up.release_with("v1.2.4", &[("read.go", read)]);
    sandbox.forge(&["build"]).ok();
    let binary = sandbox.binary("dist", "app-");
    assert_eq!(output_of(&binary, &["version"]), "v1.2.4\n");
    let info = tool_ok(Path::new("/"), "go", &["version", "-m", binary.to_str().unwrap()]);
    assert!(info.contains("\tmod\tforge.example/app\tv1.2.4"), "{info}");
    assert!(info.contains("vcs.modified=false") && info.contains("vcs.revision="), "{info}");
    // The stamp is no accident of time or place.
    let bytes = fs::read(&binary).unwrap();
    fs::remove_dir_all(sandbox.store()).unwrap();
    sandbox.forge(&["build", "--out", "again"]).ok().says("Compiling");
    assert!(fs::read(sandbox.binary("again", "app-")).unwrap() == bytes);
}

#[test]
fn build_blocks_merge_by_range_and_fill_in_variables() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3+k0s.1"]);
    let generated = "package main\n\nfunc init() { version += \" \" + generated + tagged }\n";
    let tagged = "//go:build special\n\npackage main\n\nconst tagged = \" tagged\"\n";
    up.release_with("v1.2.4+k0s.1", &[("use.go", generated), ("tagged.go", tagged)]);
    sandbox.write(
        "recipes/upstreams/app.toml",
        &format!(
            r#"git = "{}"
releases = {{ tags = "v*" }}
[[build]]
driver   = "go"
packages = ["."]
flags    = ["-trimpath"]
ldflags  = ["-X 'main.version={{version}} {{version_bare}} {{major}}-{{minor}}-{{patch}} {{commit_short}} {{commit_time}} {{os}}/{{arch}}'"]
[[build]]
versions = "<1.2.4"
driver   = "go"
tags     = ["never"]
[[build]]
versions = ">=1.2.4"
driver   = "go"
tags     = ["special"]
prepare  = [["sh", "-c", "printf 'package main\\n\\nconst generated = \"%s\"\\n' \"$1\" > generated.go", "sh", "{{version}} {{{{x}}}}"]]
"#,
            up.url()
        ),
    );
    sandbox.forge(&["build"]).ok();
    let commit = up.id("v1.2.4+k0s.1");
    let time = up.git(&["log", "-1", "--format=%ct", "v1.2.4+k0s.1"]);
    assert_eq!(
        output_of(&sandbox.binary("dist", "app-"), &["version"]),
        format!("v1.2.4+k0s.1 1.2.4+k0s.1 1-2-4 {} {time} {} v1.2.4+k0s.1 {{x}} tagged\n", &commit[..7], Target::host())
    );
}

#[test]
fn flags_come_from_the_makefile_of_the_upstream() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program { makefile: true, ..Program::default() });
    up.release("v1.2.3");
    sandbox.upstream_file(&up);
    sandbox.edit(
        "recipes/upstreams/app.toml",
        "flags_from = \"make\"",
        "flags_from = \"make\"\n[[build]]\ndriver = \"make\"\ngoal = \"app\"\nargs = [\"VERSION={version}\"]\noutput = \"app\"",
    );
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["build"]).ok();
    let binary = sandbox.binary("dist", "app-");
    assert_eq!(output_of(&binary, &["version"]), "v1.2.3\n");
    assert!(sandbox.read("recipes/app.lock").contains("main.version=v1.2.3"));
    // Byte for byte what `make` builds of the same tree.
    let clone = sandbox.root().join("clone");
    up.clone_to(&clone);
    tool_ok(&clone, "git", &["checkout", "-q", "v1.2.3"]);
    tool_ok(&clone, "env", &["GOFLAGS=-buildvcs=false", "make", "app", "VERSION=v1.2.3"]);
    assert!(fs::read(clone.join("app")).unwrap() == fs::read(&binary).unwrap());
}

#[test]
fn a_compile_error_points_at_the_patch_that_wrote_the_line() {
    let (sandbox, up) = Sandbox::with_patched_service();
    let good = up.greeting_patch("v1.2.3+k0s.0", "good day");
    let bad = up.patch("v1.2.3+k0s.0", "Break it", &[("broken.go", "package main\n\nfunc broken() {\n\tundefinedThing()\n}\n")]);
    sandbox.series("app", "s", &[("good.patch", &good), ("bad.patch", &bad)]);
    sandbox.edit("recipes/app.toml", "replace =", "series = [\"s\"]\nreplace =");
    let ran = sandbox.forge(&["build"]);
    ran.code(4)
        .says("broken.go:4: this line comes from patches/app/s/bad.patch: undefined: undefinedThing")
        .says("./broken.go:4:2: undefined: undefinedThing")
        .lacks("good.patch:");
    assert_eq!(ran.stdout, "");
    // Tree and log are kept, and named.
    let name = format!("app-v1.2.3+k0s.0-app-{}", host());
    let kept = sandbox.store().join("failed").join(&name);
    ran.says(&kept.join("src").display().to_string()).says(&kept.join(format!("{name}.log")).display().to_string());
    assert!(kept.join("src/broken.go").is_file() && kept.join("src/.forge/service/service.go").is_file());
    let log = fs::read_to_string(kept.join(format!("{name}.log"))).unwrap();
    assert!(log.contains("undefined: undefinedThing"), "{log}");
    assert!(!names(&sandbox.project().join("dist")).iter().any(|n| n.starts_with("app")));
    // What the log says can be run there again.
    let command = log.lines().find_map(|line| line.strip_prefix("$ ")).unwrap();
    let out = tool(&kept.join("src"), "sh", &["-c", command]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("undefinedThing"), "{out:?}");

    // The same in a replaced module: the line is of a patch of that module.
    let broken = crate::kit::PLATFORM.replace("return \"a patched platform\"", "return 5");
    sandbox.series("service", "platform", &[("name-the-platform.patch", &broken)]);
    sandbox.edit("recipes/app.toml", "series = [\"s\"]\n", "");
    let ran = sandbox.forge(&["build"]);
    ran.code(4).says(".forge/service/service.go:294: this line comes from patches/service/platform/name-the-platform.patch");
    // Mended, the same names are built, and nothing of the failure is in the way.
    sandbox.series("service", "platform", &[("name-the-platform.patch", crate::kit::PLATFORM)]);
    sandbox.forge(&["build"]).ok();
    assert_eq!(output_of(&sandbox.binary("dist", "app-"), &[]), PATCHED);
}

#[test]
fn a_failed_preparation_spoils_every_target() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.edit("recipes/upstreams/app.toml", "packages", "prepare = [[\"sh\", \"-c\", \"echo not ready; exit 3\"]]\npackages");
    sandbox.edit(
        "recipes/app.toml",
        &format!("[\"{}\"]", Target::host()),
        "[\"linux/amd64\", \"linux/arm64\", \"windows/amd64\"]",
    );
    let ran = sandbox.forge(&["build", "--json"]);
    ran.code(4).says("not ready").says("exit code 3");
    assert_eq!(ran.artifacts().len(), 0, "what was not prepared is not built");
    assert!(names(&sandbox.project().join("dist")).is_empty());
}

#[test]
fn one_failing_target_keeps_no_other_from_being_delivered() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    up.release_with("v1.2.4", &[("bad_arm64.go", "package main\n\nvar x int = \"no\"\n")]);
    sandbox.edit(
        "recipes/app.toml",
        &format!("[\"{}\"]", Target::host()),
        "[\"linux/arm64\", \"linux/amd64\", \"windows/amd64\"]",
    );
    let ran = sandbox.forge(&["build", "--json"]);
    ran.code(4).says("app v1.2.4 for linux/arm64").says("bad_arm64.go:3");
    let targets: Vec<_> = ran.artifacts().iter().map(|a| a["target"].as_str().unwrap().to_owned()).collect();
    assert_eq!(targets, ["linux/amd64", "windows/amd64"]);
    assert_eq!(sums_hold(&sandbox.project().join("dist")), 2);
}

#[test]
fn two_builds_of_one_recipe_at_once_compile_once() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    let counted = sandbox.root().join("compiled");
    sandbox.edit(
        "recipes/upstreams/app.toml",
        "packages",
        &format!("prepare = [[\"sh\", \"-c\", \"echo once >> {}; sleep 0.5\"]]\npackages", counted.display()),
    );
    let command = sandbox.command(&["build", "--json"]);
    let children: Vec<_> = (0..3).map(|_| command.spawn()).collect();
    let ran: Vec<_> = children.into_iter().map(|c| command.ran(&c.wait_with_output().unwrap())).collect();
    let fresh = ran.iter().flat_map(|r| r.ok().artifacts()).filter(|a| a["cached"] == false).count();
    assert_eq!(fresh, 1);
    assert_eq!(fs::read_to_string(&counted).unwrap(), "once\n");
    assert_eq!(sums_hold(&sandbox.project().join("dist")), 1);
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn different_recipes_share_store_and_output_folder() {
    let (sandbox, up) = Sandbox::with_patched_service();
    for n in 0..3 {
        let name = format!("other{n}");
        sandbox.series("app", &name, &[("a.patch", &up.greeting_patch("v1.2.3+k0s.0", &format!("number {n}")))]);
        sandbox.recipe(&name, &format!("[component.app]\nlines = [\"~1.2\"]\nseries = [\"{name}\"]\nreplace = [\"service\"]\n[component.service]\nseries = [\"platform\"]\n"));
    }
    let commands: Vec<_> = (0..3).map(|n| sandbox.command(&["build", "--recipe", &format!("other{n}")])).collect();
    let children: Vec<_> = commands.iter().map(|c| c.spawn()).collect();
    for (command, child) in commands.iter().zip(children) {
        command.ran(&child.wait_with_output().unwrap()).ok();
    }
    for n in 0..3 {
        let binary = sandbox.binary("dist", &format!("app-v1.2.3+k0s.0-other{n}-"));
        assert_eq!(output_of(&binary, &[]), format!("number {n} on a patched platform\n"));
    }
    assert_eq!(sums_hold(&sandbox.project().join("dist")), 3);
}
