//! What a plan tells, and that the script of a plan gives the very binary that forge builds.

use std::fs;
use std::path::PathBuf;

use crate::kit::{PATCHED, Program, Sandbox, Upstream, go_version, installed, output_of, skip, tool, tool_ok};

/// Builds with forge and with the script of the plan, which runs in an empty folder and knows nothing of the store: both
/// binaries must be the same, byte for byte. Gives the one in `dist`.
#[track_caller]
pub(crate) fn same_by_script(sandbox: &Sandbox, cwd: &std::path::Path, recipe: &str, more: &[&str]) -> PathBuf {
    let args =
        |command: &[&str]| [command, &["--recipe", recipe], more].concat().iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let run = |command: &[&str]| {
        let args = args(command);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        sandbox.command(&args).cwd(cwd).run()
    };
    let built = run(&["build", "--json"]);
    let artifacts = built.ok().artifacts();
    assert_eq!(artifacts.len(), 1);
    let binary = cwd.join(artifacts[0]["path"].as_str().unwrap());
    let script = run(&["plan", "--sh"]);
    let folder = sandbox.root().join("by-hand");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("build.sh"), &script.ok().stdout).unwrap();
    // The script asks `go` and `git` like a user does: forge's store is not there, and identities in the environment (the kit
    // sets GIT_AUTHOR_NAME and others) must not reach the binary.
    let store = sandbox.root().join("store-elsewhere");
    fs::rename(sandbox.store(), &store).unwrap();
    let out = tool(&folder, "sh", &["build.sh"]);
    fs::rename(store, sandbox.store()).unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n--- the script\n{}", script.stdout);
    let by_hand = folder.join("forge-plan").join(binary.file_name().unwrap());
    if fs::read(&by_hand).unwrap() != fs::read(&binary).unwrap() {
        let info = |path: &std::path::Path| tool_ok(&folder, "go", &["version", "-m", path.to_str().unwrap()]);
        panic!("the script gives another binary\n{}{}--- the script\n{}", info(&binary), info(&by_hand), script.stdout);
    }
    let sum = artifacts[0]["sha256"].as_str().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains(sum), "the last line is the checksum");
    tool_ok(sandbox.root(), "rm", &["-rf", "by-hand"]);
    binary
}

fn host() -> String {
    forge::names::Target::host().to_string()
}

#[test]
fn the_script_of_the_demo_gives_its_binary() {
    let sandbox = Sandbox::new();
    // Outside of any project: everything is built into the program.
    let binary = same_by_script(&sandbox, &sandbox.empty(), "demo", &["demo", "--target", &host()]);
    assert_eq!(output_of(&binary, &["version"]).trim(), "v1.2.0");
}

#[test]
fn the_script_places_and_patches_modules() {
    let (sandbox, up) = Sandbox::with_patched_service();
    let patch = up.patch(
        "v1.2.3+k0s.0",
        "Rename, add, empty and end without newline",
        &[
            ("greet.go", ""),
            ("words/greet.go.txt", "FORGE_DIFF\n"),
            ("hello.go", "package main\n\nfunc greeting() string { return \"renamed\" }"),
        ],
    );
    sandbox.series("app", "s", &[("rename.patch", &patch)]);
    sandbox.edit("recipes/app.toml", "replace =", "series = [\"s\"]\nreplace =");
    let binary = same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    assert_eq!(output_of(&binary, &[]), PATCHED.replace("hello", "renamed"));
}

#[test]
fn the_script_stamps_a_tree() {
    let (sandbox, up) = Sandbox::with_patched_service();
    // Whatever attributes and ignored files ask for, both freeze the same bytes.
    up.release_with(
        "v1.2.4",
        &[
            (".gitattributes", "* text=auto eol=crlf\n*.go ident\nsecret.txt export-ignore\n"),
            (".gitignore", "*.txt\n"),
            ("secret.txt", "kept\r\nas it is\n"),
            ("ident.go", "package main\n\n// $Id$\r\nconst x = 1\n"),
        ],
    );
    sandbox.edit("recipes/upstreams/app.toml", "packages", "vcs = true\npackages");
    let binary = same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    let info = tool_ok(sandbox.root(), "go", &["version", "-m", binary.to_str().unwrap()]);
    assert!(info.contains("vcs.modified=false") && info.contains("\tmod\tforge.example/app\tv1.2.4"), "{info}");
}

#[test]
fn the_script_edits_go_mod_in_every_way() {
    let (sandbox, _up) = Sandbox::with_service(&["v1.2.3"]);
    let recipe = |lines: &str| sandbox.recipe("app", &format!("[component.app]\nlines = [\"~1.2\"]\n{lines}"));
    // Another module, with and without a version on the left.
    recipe("replace = [\"github.com/kardianos/service@v1.2.4 => github.com/kardianos/service@v1.2.2\"]\n");
    same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    recipe("replace = [\"github.com/kardianos/service => github.com/kardianos/service@v1.2.2\"]\nmod = \"tidy\"\n");
    same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    // A folder of the project, with a file of every kind.
    fs::create_dir_all(sandbox.project().join("lib/deep")).unwrap();
    sandbox.write("lib/go.mod", "module any.example/name\n\ngo 1.21\n");
    sandbox.write("lib/service.go", "package service\n\nimport _ \"embed\"\n\n//go:embed deep/text\nvar text string\n\nfunc Platform() string { return text }\n");
    sandbox.write("lib/deep/text", "the folder\r\nwithout newline");
    sandbox.write("lib/run.sh", "#!/bin/sh\n");
    fs::write(sandbox.project().join("lib/deep/bytes.bin"), [0, 159, 146, 150, 0, 10, 13]).unwrap();
    tool_ok(&sandbox.project().join("lib"), "chmod", &["755", "run.sh"]);
    tool_ok(&sandbox.project().join("lib"), "ln", &["-s", "deep/text", "link"]);
    recipe("replace = [\"github.com/kardianos/service => ./lib\"]\n");
    let binary = same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    assert_eq!(output_of(&binary, &[]), "hello on the folder\r\nwithout newline\n");
    // tidy drops what is not used any more, in both files.
    recipe("replace = [\"github.com/kardianos/service => ./lib\"]\nmod = \"tidy\"\ngo = \"");
    sandbox.edit("recipes/app.toml", "go = \"", &format!("go = \"{}\"\n", go_version().trim_start_matches("go")));
    same_by_script(&sandbox, &sandbox.project(), "app", &[]);
}

#[test]
fn the_script_takes_a_git_component_as_it_is_in_git() {
    let (sandbox, _up) = Sandbox::with_service(&["v1.2.3"]);
    // What `git archive` leaves out or fills in is part of the program all the same.
    let lib = Upstream::new(sandbox.root().join("upstreams/lib.git"), "lib", Program::default());
    lib.release_with(
        "v0.1.0",
        &[
            ("main.go", ""),
            ("greet.go", ""),
            ("go.mod", "module github.com/kardianos/service\n\ngo 1.21\n"),
            ("service.go", "package service\n\nfunc Platform() string { return platform + \" $Format:%H$\" }\n"),
            ("platform.go", "package service\n\nconst platform = \"a library\"\n"),
            (".gitattributes", "platform.go export-ignore\nservice.go export-subst\n*.go eol=crlf\n"),
        ],
    );
    sandbox.write("recipes/upstreams/lib.toml", &format!("git = \"{}\"\nreleases = {{ tags = \"v*\" }}\n", lib.url()));
    let patch =
        lib.patch("v0.1.0", "Say more", &[("platform.go", "package service\n\nconst platform = \"a patched library\"\n")]);
    sandbox.series("lib", "s", &[("say-more.patch", &patch)]);
    sandbox.recipe(
        "app",
        "[component.app]\nlines = [\"~1.2\"]\nreplace = [\"lib\"]\n[component.lib]\nversion = \"v0.1.0\"\nseries = [\"s\"]\n",
    );
    let binary = same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    assert_eq!(output_of(&binary, &[]), "hello on a patched library $Format:%H$\n");
}

#[test]
fn the_script_compiles_c() {
    if !installed("gcc") {
        return skip("no gcc for the script with CGO");
    }
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let c = "package main\n\n// static const char* word() { return \"in C\"; }\nimport \"C\"\n\nfunc greeting() string { return C.GoString(C.word()) }\n";
    up.release_with("v1.2.4", &[("greet.go", c)]);
    sandbox.edit("recipes/upstreams/app.toml", "packages", "cgo = true\npackages");
    let binary = same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    assert_eq!(output_of(&binary, &[]), "in C\n");
}

#[test]
fn the_script_prepares_and_knows_the_target_folder() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    up.release_with("v1.2.4", &[
        ("Makefile", "generate:\n\techo 'package main' > made.go\n\techo \"const made = \\\"$(WORD)\\\"\" >> made.go\n\tcp made.go $(OUT)/copy\n"),
        ("use.go", "package main\n\nfunc init() { version += \" \" + made }\n"),
    ]);
    sandbox.edit(
        "recipes/upstreams/app.toml",
        "packages",
        "env = { WORD = \"it's $HOME\" }\nprepare = [[\"make\", \"generate\", \"OUT={target_dir}\"], [\"sh\", \"-c\", \"test -s '{target_dir}/copy'\"]]\npackages",
    );
    sandbox.edit("recipes/upstreams/app.toml", "{target_dir}/copy", "$1/copy");
    sandbox.edit("recipes/upstreams/app.toml", "'$1/copy'\"]", "\\\"$1\\\"/copy\", \"sh\", \"{target_dir}\"]");
    let binary = same_by_script(&sandbox, &sandbox.project(), "app", &[]);
    assert!(output_of(&binary, &["version"]).starts_with("v1.2.4 it's "));
}

#[test]
fn the_script_calls_make() {
    let (sandbox, up) = Sandbox::with_patched_service();
    // Like k0s: with a go.sum that looks older than go.mod, make would tidy.
    let makefile = "app: go.sum\n\tCGO_ENABLED=0 go build -trimpath -ldflags='-X main.version=$(VERSION)' -o out/app .\ngo.sum: go.mod\n\tfalse\n";
    up.release_with("v1.2.4", &[("Makefile", makefile)]);
    let text = sandbox.read("recipes/upstreams/app.toml");
    let make = "[[build]]\ndriver = \"make\"\ngoal = \"app\"\nargs = [\"VERSION={version}\"]\noutput = \"out/app\"\n";
    sandbox.write("recipes/upstreams/app.toml", &format!("{text}\n{make}\n{}", make.replace("\"make\"", "\"docker\"")));
    for driver in ["make", "docker"] {
        // This Makefile starts no container: the driver is the same but for that.
        if driver == "docker" && !installed("docker") && !installed("podman") {
            return skip("no docker and no podman for the script of the driver docker");
        }
        let binary = same_by_script(&sandbox, &sandbox.project(), "app", &["--driver", driver]);
        assert_eq!(output_of(&binary, &[]), PATCHED);
        fs::remove_file(binary).unwrap();
    }
}

#[test]
fn a_plan_tells_everything_and_runs_nothing() {
    let (sandbox, up) = Sandbox::with_patched_service();
    let marker = sandbox.root().join("marker");
    let touch = format!("touch {}", marker.display());
    up.release_with(
        "v1.2.4+k0s.0",
        &[("Makefile", &format!("X := $(shell {touch})\nall:\n\t{touch}\n")), ("x.go", "package main\n")],
    );
    sandbox.edit(
        "recipes/upstreams/app.toml",
        "packages",
        &format!("prepare = [[\"sh\", \"-c\", \"{touch}\"], [\"make\", \"all\"]]\npackages"),
    );
    sandbox.edit(
        "recipes/app.toml",
        "replace =",
        "expect = [{ run = [\"version\"], stdout = { contains = \"v1.2.4\" } }, { has = \"platform\" }]\nreplace =",
    );
    let ran = sandbox.forge(&["plan"]);
    ran.ok();
    for part in [
        "app v1.2.4+k0s.0 for ",
        &format!("source    {} {}", up.url(), &up.id("v1.2.4+k0s.0")[..12]),
        &up.tree("v1.2.4+k0s.0"),
        "place     ./.forge/service: v1.2.4, ",
        "patch     service: platform/name-the-platform.patch",
        "go.mod    go mod edit -replace=github.com/kardianos/service=./.forge/service",
        &format!("env       GOTOOLCHAIN={}", go_version()),
        &format!("prepare   sh -c '{touch}'"),
        "prepare   make all",
        "run       go build ",
        "expect    run version: exit 0, stdout contains \"v1.2.4\"",
        "expect    has platform",
        "output    app-v1.2.4+k0s.0-app-",
    ] {
        ran.prints(part);
    }
    let json = sandbox.forge(&["plan", "--json"]).ok().json();
    let build = &json["plan"]["builds"][0];
    assert_eq!(json["plan"]["recipe"], "app");
    assert_eq!(build["component"], "app");
    assert_eq!(build["version"], "v1.2.4+k0s.0");
    assert_eq!(build["sources"]["tree"], up.tree("v1.2.4+k0s.0"));
    assert_eq!(build["parts"][0]["name"], "service");
    assert_eq!(build["key"].as_str().unwrap().len(), 64);
    sandbox.forge(&["plan", "--sh"]).ok().prints("#!/bin/sh");
    sandbox.forge(&["fetch"]).ok();
    sandbox.forge(&["tree", "app", "--out", "tree"]).ok();
    sandbox.forge(&["show"]).ok();
    sandbox.forge(&["list"]).ok();
    sandbox.forge(&["lock"]).ok();
    assert!(!marker.exists(), "a plan ran what the upstream wrote");
    assert!(!sandbox.has("dist"));
    // The plan's file is the one that is built, under the plan's key.
    let name = build["file_name"].as_str().unwrap();
    sandbox.edit("recipes/upstreams/app.toml", ", [\"make\", \"all\"]", "");
    sandbox.forge(&["build"]).ok().prints(name);
    assert!(marker.exists());
}

#[test]
fn only_locking_asks_a_makefile() {
    let sandbox = Sandbox::new();
    let marker = sandbox.root().join("marker");
    let up = sandbox.upstream("app", Program { makefile: true, ..Program::default() });
    let makefile = format!("X := $(shell touch {})\napp:\n\tgo build -trimpath -o app .\n", marker.display());
    up.release_with("v1.2.3", &[("Makefile", &makefile)]);
    sandbox.upstream_file(&up);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    for args in [&["plan"][..], &["plan", "--sh"], &["fetch"], &["tree", "app", "--out", "tree"], &["show"], &["list"]] {
        let ran = sandbox.forge(args);
        assert!(!marker.exists(), "{args:?} ran the Makefile\n{}", ran.stderr);
        assert!(ran.code == 0 || ran.code == 1 && ran.said().contains("forge lock"), "{args:?}: {}", ran.stderr);
    }
    sandbox.forge(&["lock"]).ok();
    assert!(marker.exists());
    fs::remove_file(&marker).unwrap();
    for args in [&["plan"][..], &["plan", "--sh"], &["tree", "app", "--out", "tree2"], &["build"]] {
        sandbox.forge(args).ok();
        assert!(!marker.exists(), "{args:?} ran the Makefile again");
    }
}

#[test]
fn a_script_is_of_one_build() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.edit("recipes/app.toml", &format!("[\"{}\"]", host()), "[\"linux/amd64\", \"linux/arm64\"]");
    sandbox.forge(&["plan", "--sh"]).code(2).says("app for linux/amd64, app for linux/arm64").says("--target");
    sandbox.forge(&["plan", "--sh", "--target", "linux/arm64"]).ok().prints("GOARCH=arm64");
    sandbox.forge(&["plan", "--sh", "--json"]).code(2);
}
