//! go.mod: what the operations of a recipe do to it, the proof that they did, and what a binary's build info says.

use std::fs;
use std::path::Path;

use forge::build::{BuildInfo, InfoModule, read_build_info};

use crate::kit::{ModuleProxy, Ran, Sandbox, Upstream, git, go_version, output_of, service_go_mod, tool_ok};

const LINE: &str = "[component.app]\nlines = [\"~1.2\"]\n";

fn info_of(binary: &Path) -> String {
    tool_ok(Path::new("/"), "go", &["version", "-m", binary.to_str().unwrap()])
}

/// A library in the place of github.com/kardianos/service that says `text`; `more` is added to its go.mod and source.
fn library<'a>(module: &str, text: &str, more_mod: &str, more: &str) -> [(&'a str, String); 2] {
    [
        ("go.mod", format!("module {module}\n\ngo 1.21\n{more_mod}")),
        ("service.go", format!("package service\n\n{more}\nfunc Platform() string {{ return \"{text}\" + suffix }}\n")),
    ]
}

fn publish(proxy: &ModuleProxy, module: &str, version: &str, files: &[(&str, String)]) {
    proxy.publish(module, version, &files.iter().map(|(p, t)| (*p, t.as_str())).collect::<Vec<_>>());
}

const SUFFIX: &str = "const suffix = \"\"\n";

fn run(sandbox: &Sandbox, proxy: &ModuleProxy, args: &[&str]) -> Ran {
    proxy.used_by(sandbox.command(args)).run()
}

fn says(sandbox: &Sandbox) -> String {
    let said = output_of(&sandbox.binary("dist", "app-"), &[]);
    fs::remove_dir_all(sandbox.project().join("dist")).unwrap();
    said
}

#[test]
fn a_branch_is_pinned_until_it_is_updated() {
    let (sandbox, _up) = Sandbox::with_service(&["v1.2.3"]);
    let proxy = sandbox.proxy();
    let versions = ["v0.0.0-20230101000000-111111111111", "v0.0.0-20230202000000-222222222222"];
    for (version, text) in versions.iter().zip(["first", "second"]) {
        publish(&proxy, "forge.example/fork", version, &library("forge.example/fork", text, "", SUFFIX));
    }
    proxy.point("forge.example/fork", "test-branch", versions[0]);
    sandbox
        .recipe("app", &format!("{LINE}replace = [\"github.com/kardianos/service@v1.2.4 => forge.example/fork@test-branch\"]\n"));
    run(&sandbox, &proxy, &["build"]).ok();
    let info = info_of(&sandbox.binary("dist", "app-"));
    assert!(info.contains(&format!("=>\tforge.example/fork\t{}\th1:", versions[0])), "{info}");
    assert_eq!(says(&sandbox), "hello on first\n");
    let lock = sandbox.read("recipes/app.lock");
    assert!(lock.contains(&format!("-replace=github.com/kardianos/service@v1.2.4=forge.example/fork@{}", versions[0])), "{lock}");

    proxy.point("forge.example/fork", "test-branch", versions[1]);
    fs::remove_dir_all(sandbox.store()).unwrap();
    run(&sandbox, &proxy, &["build", "--locked"]).ok();
    assert_eq!(says(&sandbox), "hello on first\n");
    run(&sandbox, &proxy, &["update"]).ok().says("lock: ");
    run(&sandbox, &proxy, &["build", "--locked"]).ok();
    assert_eq!(says(&sandbox), "hello on second\n");
    let lock = sandbox.read("recipes/app.lock");
    assert!(lock.contains(versions[1]) && !lock.contains(versions[0]), "{lock}");
    // A branch that is not there.
    sandbox.edit("recipes/app.toml", "test-branch", "no-such-branch");
    run(&sandbox, &proxy, &["build"]).says("no-such-branch").says("forge.example/fork");
}

#[test]
fn a_wrong_version_on_the_left_is_not_in_force() {
    let (sandbox, _up) = Sandbox::with_service(&["v1.2.3"]);
    sandbox.recipe(
        "app",
        &format!("{LINE}replace = [\"github.com/kardianos/service@v1.2.1 => github.com/kardianos/service@v1.2.2\"]\n"),
    );
    sandbox
        .forge(&["build"])
        .code(5)
        .says("the replacement of github.com/kardianos/service is not in force")
        .says("wanted github.com/kardianos/service@v1.2.2")
        .says("the recipe replaces only github.com/kardianos/service@v1.2.1, and the program uses v1.2.4");
    assert!(!sandbox.has("recipes/app.lock") && !sandbox.has("dist"));
}

#[test]
fn a_module_that_is_not_used_is_named_with_the_nearest() {
    let (sandbox, _up) = Sandbox::with_service(&["v1.2.3"]);
    for (replace, component) in [
        ("github.com/kardianos/servise => ./lib", ""),
        ("github.com/kardianos/servise => github.com/kardianos/service@v1.2.2", ""),
        ("servise", "[component.servise]\nmodule = \"github.com/kardianos/servise\"\n"),
    ] {
        sandbox.write("lib/go.mod", "module x\n");
        sandbox.recipe("app", &format!("{LINE}replace = [\"{replace}\"]\n{component}"));
        let ran = sandbox.forge(&["build"]);
        ran.code(1).says("github.com/kardianos/servise").says("did you mean github.com/kardianos/service?");
        assert!(!sandbox.has("recipes/app.lock"));
    }
}

#[test]
fn replacements_of_the_upstream_give_way() {
    let (sandbox, up) = Sandbox::with_service(&["v1.2.3"]);
    sandbox.write("lib/go.mod", "module anything\n\ngo 1.21\n");
    sandbox.write("lib/service.go", "package service\n\nfunc Platform() string { return \"the recipe's\" }\n");
    for (n, theirs) in [
        "replace github.com/kardianos/service => github.com/kardianos/service v1.2.2",
        "replace github.com/kardianos/service v1.2.4 => github.com/kardianos/service v1.2.2",
        "replace (\n\tgithub.com/kardianos/service v1.2.4 => github.com/kardianos/service v1.2.2\n\tgithub.com/kardianos/service => ./nowhere\n\tgolang.org/x/sys => golang.org/x/sys v0.34.0\n)",
    ]
    .into_iter()
    .enumerate()
    {
        up.release_with(&format!("v1.2.{}", n + 4), &[("go.mod", &service_go_mod(&format!("\n{theirs}\n")))]);
        for left in ["", "@v1.2.4"] {
            sandbox.recipe("app", &format!("{LINE}replace = [\"github.com/kardianos/service{left} => ./lib\"]\n"));
            sandbox.forge(&["update"]).ok();
            sandbox.forge(&["build"]).ok();
            assert_eq!(says(&sandbox), "hello on the recipe's\n", "{theirs} {left}");
        }
    }
    assert!(sandbox.read("recipes/app.lock").contains("golang.org/x/sys => golang.org/x/sys v0.34.0"));
}

#[test]
fn require_go_and_tidy_change_what_they_name() {
    let (sandbox, up) = Sandbox::with_service(&["v1.2.3"]);
    let proxy = sandbox.proxy();
    for (version, text) in [("v1.0.0", "old"), ("v1.1.0", "new")] {
        let source = format!("package dep\n\nconst Text = \"{text}\"\n");
        proxy.publish("forge.example/dep", version, &[("go.mod", "module forge.example/dep\n\ngo 1.21\n"), ("dep.go", &source)]);
    }
    proxy.publish("forge.example/unused", "v1.0.0", &[("go.mod", "module forge.example/unused\n"), ("x.go", "package unused\n")]);
    proxy.point("forge.example/dep", "main", "v1.1.0");
    let go_mod = service_go_mod("\nrequire forge.example/dep v1.0.0\n\nrequire forge.example/unused v1.0.0\n");
    let source = "package main\n\nimport \"forge.example/dep\"\n\nfunc init() { version += \" \" + dep.Text }\n";
    up.release_with("v1.2.4", &[("go.mod", &go_mod), ("dep.go", source)]);
    let installed = go_version().trim_start_matches("go");
    sandbox.recipe("app", &format!("{LINE}require = [\"forge.example/dep@main\"]\ngo = \"{installed}\"\nmod = \"tidy\"\n"));
    run(&sandbox, &proxy, &["build"]).ok();
    let binary = sandbox.binary("dist", "app-");
    assert_eq!(output_of(&binary, &["version"]), "v1.2.4 new\n");
    assert!(info_of(&binary).contains("\tdep\tforge.example/dep\tv1.1.0\th1:"));
    let lock = sandbox.read("recipes/app.lock");
    assert!(lock.contains("forge.example/dep v1.1.0") && !lock.contains("forge.example/unused"), "tidied: {lock}");
    assert!(lock.contains(&format!("\ngo {installed}\n")), "{lock}");
    assert!(lock.contains("forge.example/dep v1.1.0 h1:"), "go.sum is complete: {lock}");
    run(&sandbox, &proxy, &["build", "--locked", "--offline"]).ok().says("Fresh");
    // The tree that is compiled has them.
    run(&sandbox, &proxy, &["tree", "app", "--out", "tree"]).ok();
    assert!(sandbox.read("tree/go.mod").contains("forge.example/dep v1.1.0"));
    // An empty store is filled without asking what `main` means now.
    fs::remove_dir_all(sandbox.store()).unwrap();
    proxy.point("forge.example/dep", "main", "v1.0.0");
    run(&sandbox, &proxy, &["build", "--locked"]).ok().lacks("lock:");
}

#[test]
fn a_vendor_folder_is_left_aside_once_go_mod_changes() {
    let (sandbox, up) = Sandbox::with_service(&["v1.2.3"]);
    let work = sandbox.root().join("work");
    up.clone_to(&work);
    tool_ok(&work, "env", &["GOFLAGS=-mod=mod", "go", "mod", "vendor"]);
    git(&work, &["add", "-A", "-f"]);
    git(&work, &["commit", "-q", "-m", "vendor"]);
    git(&work, &["tag", "v1.2.4"]);
    git(&work, &["push", "-q", "origin", "HEAD:main", "v1.2.4"]);
    // Untouched, the program is built of its vendor folder.
    sandbox.recipe("app", LINE);
    sandbox.forge(&["build"]).ok();
    let log = fs::read_to_string(format!("{}.log", sandbox.binary("dist", "app-").display())).unwrap();
    assert!(!log.contains("-mod="), "{log}");
    sandbox.recipe("app", &format!("{LINE}replace = [\"service\"]\n[component.service]\nseries = [\"platform\"]\n"));
    sandbox.forge(&["build"]).ok();
    let log = fs::read_to_string(format!("{}.log", sandbox.binary("dist", "app-").display())).unwrap();
    assert!(log.contains("-mod=readonly"), "{log}");
    assert_eq!(says(&sandbox), crate::kit::PATCHED);
}

#[test]
fn a_folder_brings_what_it_needs_and_is_built_anew_when_it_changes() {
    let (sandbox, _up) = Sandbox::with_service(&["v1.2.3"]);
    let proxy = sandbox.proxy();
    proxy.publish(
        "forge.example/suffix",
        "v1.0.0",
        &[("go.mod", "module forge.example/suffix\n\ngo 1.21\n"), ("x.go", "package suffix\n\nconst Text = \" and more\"\n")],
    );
    let write = |files: &[(&str, String)]| files.iter().for_each(|(path, text)| sandbox.write(&format!("lib/{path}"), text));
    write(&library("any.example/name", "a folder", "", SUFFIX));
    sandbox.recipe("app", &format!("{LINE}replace = [\"github.com/kardianos/service => ./lib\"]\n"));
    run(&sandbox, &proxy, &["build"]).ok();
    assert!(info_of(&sandbox.binary("dist", "app-")).contains("\t=>\t./.forge/lib\t"));
    assert_eq!(says(&sandbox), "hello on a folder\n");
    run(&sandbox, &proxy, &["tree", "app", "--out", "tree"]).ok();
    assert!(sandbox.has("tree/.forge/lib/service.go"));

    write(&library("any.example/name", "a changed folder", "", SUFFIX));
    run(&sandbox, &proxy, &["build", "--locked"]).code(1).says("is not up to date");
    run(&sandbox, &proxy, &["build"]).ok().says("lock: ");
    assert_eq!(says(&sandbox), "hello on a changed folder\n");

    let import = "import more \"forge.example/suffix\"\n\nconst suffix = more.Text\n";
    write(&library("any.example/name", "a folder", "\nrequire forge.example/suffix v1.0.0\n", import));
    run(&sandbox, &proxy, &["build"]).ok();
    assert!(sandbox.read("recipes/app.lock").contains("forge.example/suffix v1.0.0 h1:"));
    assert_eq!(says(&sandbox), "hello on a folder and more\n");

    // A folder that is no module, one that is gone, one with a name that cannot stand in .forge.
    fs::remove_file(sandbox.project().join("lib/go.mod")).unwrap();
    run(&sandbox, &proxy, &["build"]).says("lib");
    fs::remove_dir_all(sandbox.project().join("lib")).unwrap();
    run(&sandbox, &proxy, &["build"]).code(1).says("lib");
}

#[test]
fn a_patched_module_brings_what_its_new_patch_needs() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    let proxy = sandbox.proxy();
    proxy.publish(
        "forge.example/suffix",
        "v1.0.0",
        &[
            ("go.mod", "module forge.example/suffix\n\ngo 1.21\n"),
            ("x.go", "package suffix\n\nconst Text = \"from another module\"\n"),
        ],
    );
    run(&sandbox, &proxy, &["build"]).ok();
    assert_eq!(says(&sandbox), crate::kit::PATCHED);
    // The recipe stays as it is; only the series changes, and with it what go.sum needs.
    let new_file = "diff --git a/more.go b/more.go\nnew file mode 100644\n--- /dev/null\n+++ b/more.go\n@@ -0,0 +1,5 @@\n+package service\n+\n+import more \"forge.example/suffix\"\n+\n+func other() string { return more.Text }\n";
    let go_mod = "diff --git a/go.mod b/go.mod\n--- a/go.mod\n+++ b/go.mod\n@@ -3,3 +3,5 @@\n go 1.23.0\n \n require golang.org/x/sys v0.34.0\n+\n+require forge.example/suffix v1.0.0\n";
    let patch = crate::kit::PLATFORM.replace("return \"a patched platform\"", "return other()");
    sandbox.series("service", "platform", &[("name-the-platform.patch", &format!("{patch}{go_mod}{new_file}"))]);
    run(&sandbox, &proxy, &["build"]).ok().says("lock: ");
    assert_eq!(says(&sandbox), "hello on from another module\n");
    assert!(sandbox.read("recipes/app.lock").contains("forge.example/suffix v1.0.0 h1:"));
}

#[test]
fn go_sum_is_complete_for_every_target_whatever_was_built_first() {
    let (sandbox, _up) = Sandbox::with_service(&["v1.2.3"]);
    let proxy = sandbox.proxy();
    proxy.publish(
        "forge.example/only-there",
        "v1.0.0",
        &[("go.mod", "module forge.example/only-there\n\ngo 1.21\n"), ("x.go", "package there\n\nconst Text = \" there\"\n")],
    );
    for (path, text) in library("any.example/name", "a folder", "\nrequire forge.example/only-there v1.0.0\n", SUFFIX) {
        sandbox.write(&format!("lib/{path}"), &text);
    }
    sandbox.write("lib/service_arm64.go", "package service\n\nimport _ \"forge.example/only-there\"\n");
    let host = forge::names::Target::host().to_string();
    let recipe = |targets: &str| {
        sandbox.recipe("app", &format!("{LINE}replace = [\"github.com/kardianos/service => ./lib\"]\n"));
        sandbox.edit("recipes/app.toml", &format!("[\"{host}\"]"), targets);
    };
    recipe("[\"linux/amd64\", \"linux/arm64\"]");
    run(&sandbox, &proxy, &["build", "--target", "linux/amd64"]).ok();
    run(&sandbox, &proxy, &["build", "--locked"]).ok();
    // A target that the recipe gets later.
    fs::remove_file(sandbox.project().join("recipes/app.lock")).unwrap();
    recipe("[\"linux/amd64\"]");
    run(&sandbox, &proxy, &["build"]).ok();
    recipe("[\"linux/amd64\", \"linux/arm64\"]");
    fs::remove_dir_all(sandbox.store()).unwrap();
    run(&sandbox, &proxy, &["build"]).ok();
    assert!(sandbox.read("recipes/app.lock").contains("forge.example/only-there v1.0.0 h1:"));
}

#[test]
fn two_folders_of_one_name_are_not_mixed_up() {
    let (sandbox, up) = Sandbox::with_service(&["v1.2.3"]);
    let go_mod = service_go_mod("\nrequire forge.example/dep v1.0.0\n");
    let source = "package main\n\nimport \"forge.example/dep\"\n\nfunc init() { version += \" \" + dep.Text }\n";
    up.release_with("v1.2.4", &[("go.mod", &go_mod), ("dep.go", source)]);
    sandbox.write("one/lib/go.mod", "module one\n");
    sandbox.write("one/lib/service.go", "package service\n\nfunc Platform() string { return \"one\" }\n");
    sandbox.write("two/lib/go.mod", "module two\n");
    sandbox.write("two/lib/dep.go", "package dep\n\nconst Text = \"two\"\n");
    sandbox.recipe(
        "app",
        &format!("{LINE}replace = [\"github.com/kardianos/service => ./one/lib\", \"forge.example/dep => ./two/lib\"]\n"),
    );
    let ran = sandbox.forge(&["build"]);
    // Either both are built, or it is said that they cannot be.
    if ran.code == 0 {
        let binary = sandbox.binary("dist", "app-");
        assert_eq!(output_of(&binary, &[]), "hello on one\n");
        assert_eq!(output_of(&binary, &["version"]), "v1.2.4 two\n");
    } else {
        ran.code(1).says("one/lib").says("two/lib");
    }
}

#[test]
fn build_info_is_read_as_go_reads_it() {
    let (sandbox, up): (Sandbox, Upstream) = Sandbox::with_patched_service();
    sandbox.edit("recipes/upstreams/app.toml", "packages", "vcs = true\ntags = [\"a\", \"b\"]\npackages");
    up.release_with("v1.2.4+k0s.0", &[("a.go", "//go:build a && b\n\npackage main\n")]);
    let host = forge::names::Target::host().to_string();
    sandbox.edit(
        "recipes/app.toml",
        &format!("[\"{host}\"]"),
        "[\"linux/amd64\", \"linux/arm64\", \"windows/amd64\", \"darwin/arm64\"]",
    );
    let ran = sandbox.forge(&["build", "--json"]);
    for artifact in ran.ok().artifacts() {
        let binary = sandbox.project().join(artifact["path"].as_str().unwrap());
        let info = read_build_info(&binary).unwrap();
        assert_eq!(info.target().unwrap().to_string(), artifact["target"].as_str().unwrap());
        assert_eq!(info.module("github.com/kardianos/service").unwrap().replace.as_ref().unwrap().path, "./.forge/service");
        let by_go = info_of(&binary);
        assert_eq!(
            shown(&binary, &info),
            by_go.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
        );
    }
    // What is no Go binary is told, not guessed.
    let error = read_build_info(&sandbox.project().join("recipes/app.toml")).unwrap_err();
    assert!(error.to_string().contains("app.toml"), "{error}");
}

/// As `go version -m` prints it, without blanks at the ends of lines.
fn shown(binary: &Path, info: &BuildInfo) -> String {
    let mut lines = vec![format!("{}: {}", binary.display(), info.go), format!("\tpath\t{}", info.path)];
    let mut module = |kind: &str, m: &InfoModule| {
        let line = |kind: &str, m: &InfoModule| format!("\t{kind}\t{}\t{}\t{}", m.path, m.version, m.sum).trim_end().to_owned();
        lines.push(line(kind, m));
        lines.extend(m.replace.as_ref().map(|by| line("=>", by)));
    };
    info.main.iter().for_each(|m| module("mod", m));
    info.deps.iter().for_each(|m| module("dep", m));
    for (name, value) in &info.settings {
        let value = if value.contains([' ', '"', '\n', '\t', '\r', '`']) { format!("{value:?}") } else { value.clone() };
        lines.push(format!("\tbuild\t{name}={value}"));
    }
    lines.join("\n")
}

#[test]
fn a_pin_that_the_program_replaces_by_a_fork_is_the_fork() {
    let (sandbox, up) = Sandbox::with_service(&["v1.2.2"]);
    up.config("uploadpack.allowFilter", "true");
    let proxy = sandbox.proxy();
    // The version that is required and that of the fork are different modules; both may even have the same one.
    publish(&proxy, "forge.example/fork", "v1.2.4", &library("github.com/kardianos/service", "the fork", "", SUFFIX));
    up.release_with(
        "v1.2.3",
        &[("go.mod", &service_go_mod("\nreplace github.com/kardianos/service => forge.example/fork v1.2.4\n"))],
    );
    let edit = "description = \"Say it louder\"\n[[edit]]\nfile = \"service.go\"\nchange = 'const suffix = \"\"'\nwith = 'const suffix = \"!\"'\n";
    sandbox.series("service", "loud", &[("loud.edit.toml", edit)]);
    sandbox
        .recipe("app", &format!("{LINE}holds = \">=1.2\"\nreplace = [\"service\"]\n[component.service]\nseries = [\"loud\"]\n"));
    run(&sandbox, &proxy, &["build"]).ok();
    assert_eq!(says(&sandbox), "hello on the fork!\n");
    let lock = sandbox.read("recipes/app.lock");
    assert!(lock.contains("forge.example/fork"), "{lock}");
    fs::remove_dir_all(sandbox.store()).unwrap();
    run(&sandbox, &proxy, &["build", "--locked"]).ok();
    assert_eq!(says(&sandbox), "hello on the fork!\n");
    // The program of before pins what has no such place.
    for _ in 0..2 {
        let ran = run(&sandbox, &proxy, &["matrix", "--json"]);
        let document = ran.ok().json();
        let releases = document["components"][0]["releases"].as_array().unwrap();
        let of = |n: usize| (releases[n]["required_by"][0].as_str().unwrap(), releases[n]["verdict"].as_str().unwrap());
        assert_eq!([of(0), of(1)], [("app v1.2.3", "clean"), ("app v1.2.2", "conflict")], "{document:#}");
        assert_eq!(releases[0]["module"], "forge.example/fork");
        assert!(releases[1].get("module").is_none(), "{document:#}");
    }
}

#[test]
fn a_go_without_the_flags_that_are_passed_is_told_beforehand() {
    let (sandbox, up) = Sandbox::with_app(&[]);
    up.release_with("v1.2.3", &[("go.mod", "module forge.example/app\n\ngo 1.16\n")]);
    sandbox.recipe("app", LINE);
    let ran = sandbox.forge(&["build"]);
    ran.code(1).says("app v1.2.3 wants Go 1.16: forge drives Go 1.18 and newer").says("go = \"1.20.14\"");
    assert!(!sandbox.has("dist"));
    sandbox.recipe("app", &format!("{LINE}go = \"1.20.14\"\nmod = \"tidy\"\n"));
    sandbox.forge(&["plan", "--json"]).ok();
}
