//! `forge new`: a recipe for a repository that forge does not know, which builds straight away.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Cmd, PATCHED, PLATFORM, Program, Sandbox, Upstream, go_version, names, output_of, running, wait_for};

const MAKEFILE: &str = "\
VERSION ?= $(shell git describe --tags)
PKG = forge.example/app
LDFLAGS = -s -w -X $(PKG)/internal/about.Version=$(VERSION) -X main.gone=$(VERSION) -X main.day=$(shell date)

bin/tool:
\tCGO_ENABLED=0 go build -trimpath -tags 'netgo osusergo' -ldflags \"$(LDFLAGS)\" -o $@ ./cmd/tool
";

const ABOUT: &str = "package about\n\n// Version is set by the linker.\nvar Version = \"unset\"\n";

const TOOL: &str = "package main\n\nimport (\n\t\"fmt\"\n\n\t\"forge.example/app/internal/about\"\n)\n\nfunc main() { fmt.Println(about.Version) }\n";

const HELLO: &str = "package main\n\nfunc main() { println(\"hello\") }\n";

/// An empty folder in the sandbox, at the root of a repository: no project yet.
fn fresh(sandbox: &Sandbox, args: &[&str]) -> Cmd {
    let folder = sandbox.root().join("fresh");
    fs::create_dir_all(folder.join(".git")).unwrap();
    sandbox.command(args).cwd(folder)
}

fn read(sandbox: &Sandbox, path: &str) -> String {
    let path = sandbox.root().join("fresh").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// An upstream without the default program.
fn bare(sandbox: &Sandbox, name: &str, files: &[(&str, &str)]) -> Upstream {
    let up = sandbox.upstream(name, Program::default());
    let mut all = vec![("main.go", ""), ("greet.go", ""), ("go.mod", ""), ("RELEASE", "")];
    all.retain(|(path, _)| !files.iter().any(|(own, _)| own == path));
    all.extend(files);
    up.commit("main", "its own files", &all);
    up
}

fn go_mod() -> String {
    format!("module forge.example/app\n\ngo 1.21\n\ntoolchain {}\n", go_version())
}

/// A module with a program in `cmd/tool` and a Makefile.
fn tool(sandbox: &Sandbox) -> Upstream {
    let up = bare(
        sandbox,
        "tool",
        &[("go.mod", &go_mod()), ("cmd/tool/main.go", TOOL), ("internal/about/about.go", ABOUT), ("Makefile", MAKEFILE)],
    );
    up.tag("v1.4.1", &up.id("main"));
    up.commit("main", "more", &[("cmd/other/main.go", HELLO), ("hack/gen/main.go", HELLO)]);
    up.tag("v1.4.2", &up.id("main"));
    up.tag("v1.5.0-rc.1", &up.id("main"));
    up.tag("nightly", &up.id("main"));
    up
}

/// What the only binary of the fresh project prints.
#[track_caller]
fn built(sandbox: &Sandbox, begin: &str, args: &[&str]) -> String {
    output_of(&sandbox.binary("../fresh/dist", begin), args)
}

#[test]
fn a_program_at_the_root_builds_straight_away() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program { makefile: true, ..Program::default() });
    up.releases(&["v1.2.9", "v1.2.10", "v1.1.0"]);
    let ran = fresh(&sandbox, &["new", &up.url()]).run();
    ran.ok().says("next: forge build --recipe app");
    assert_eq!(ran.out(), "[ROOT]/fresh/recipes/upstreams/app.toml\n[ROOT]/fresh/recipes/app.toml\n");
    let upstream = read(&sandbox, "recipes/upstreams/app.toml");
    assert!(upstream.contains("tags = \"v*\"") && upstream.contains("packages = [\".\"]"), "{upstream}");
    assert!(upstream.contains("\"-X main.version={version}\""), "{upstream}");
    assert!(read(&sandbox, "recipes/app.toml").contains("lines = [\"~1.2\"]"));
    // Nothing but what it says, and the store knows the release already.
    assert_eq!(names(&sandbox.root().join("fresh/recipes")), ["app.toml", "upstreams"]);
    fresh(&sandbox, &["build"]).run().ok().lacks("Fetching");
    assert_eq!(built(&sandbox, "app-v1.2.10-app-", &["version"]), "v1.2.10\n");
    fresh(&sandbox, &["list"]).run().ok().prints("app from file://").prints("  app ~1.2");
    // Again: it is there.
    fresh(&sandbox, &["new", &up.url()]).run().code(1).says("app.toml: it has a component app already").says("another recipe");
}

#[test]
fn a_program_in_cmd_is_built_as_its_makefile_does() {
    let sandbox = Sandbox::new();
    let up = tool(&sandbox);
    let ran = fresh(&sandbox, &["new", &up.url(), "--json"]).run();
    let json = ran.ok().json();
    assert_eq!((json["package"].as_str(), json["release"].as_str()), (Some("./cmd/tool"), Some("v1.4.2")));
    assert_eq!(json["others"], serde_json::json!(["./cmd/other", "./hack/gen"]));
    assert_eq!(json["files"][0]["path"], "recipes/upstreams/tool.toml");
    assert_eq!((json["recipe"].as_str(), json["files"][1]["what"].as_str()), (Some("tool"), Some("new")));
    let upstream = read(&sandbox, "recipes/upstreams/tool.toml");
    assert_eq!(json["files"][0]["text"], upstream);
    for expected in [
        "packages = [\"./cmd/tool\"]                # there are also ./cmd/other, ./hack/gen\n",
        "tags     = [\"netgo\", \"osusergo\"]",
        "ldflags  = [\"-s\", \"-w\", \"-X forge.example/app/internal/about.Version={version}\"]\n",
        "#   -X main.day=$(shell date)\n",
    ] {
        assert!(upstream.contains(expected), "{expected}\n{upstream}");
    }
    // The linker would ignore a variable that is not there without a word.
    assert!(!upstream.contains("main.gone"), "{upstream}");
    fresh(&sandbox, &["build"]).run().ok();
    assert_eq!(built(&sandbox, "tool-v1.4.2-tool-", &[]), "v1.4.2\n");
}

#[test]
fn a_release_tool_and_the_build_info_say_the_version_too() {
    let sandbox = Sandbox::new();
    let main = "package main\n\nimport (\n\t\"fmt\"\n\t\"runtime/debug\"\n)\n\nvar version = \"unset\"\n\n\
                func main() {\n\tinfo, _ := debug.ReadBuildInfo()\n\tfmt.Println(version, info.Main.Version)\n}\n";
    let releaser = "version: 2\nbuilds:\n  - env:\n      - CGO_ENABLED=0\n    ldflags:\n      - -s -w -X main.version={{.Version}} -X main.date={{.Date}}\n";
    let files = [("go.mod", &*go_mod()), ("main.go", main), (".goreleaser.yaml", releaser)];
    let up = bare(&sandbox, "released", &files);
    up.tag("v0.3.1", &up.id("main"));
    fresh(&sandbox, &["new", &up.url()]).run().ok();
    let upstream = read(&sandbox, "recipes/upstreams/released.toml");
    assert!(upstream.contains("vcs      = true") && upstream.contains("\"-X main.version={version_bare}\""), "{upstream}");
    assert!(!upstream.contains("flags_from"), "{upstream}");
    fresh(&sandbox, &["build"]).run().ok();
    assert_eq!(built(&sandbox, "released-v0.3.1-released-", &[]), "0.3.1 v0.3.1\n");
}

#[test]
fn cgo_is_on_where_the_program_is_made_with_it() {
    let sandbox = Sandbox::new();
    let c = "package deep\n\n// int one() { return 1; }\nimport \"C\"\n\nfunc One() int { return int(C.one()) }\n";
    let main = "package main\n\nimport \"forge.example/app/deep\"\n\nfunc main() { println(deep.One()) }\n";
    let files = [("go.mod", &*go_mod()), ("cmd/c/main.go", main), ("cmd/pure/main.go", HELLO), ("deep/c.go", c)];
    let up = bare(&sandbox, "c", &files);
    up.tag("v1.0.0", &up.id("main"));
    fresh(&sandbox, &["new", &up.url()]).run().ok();
    assert!(read(&sandbox, "recipes/upstreams/c.toml").contains("cgo      = true"));
    fresh(&sandbox, &["build"]).run().ok();
    fresh(&sandbox, &["new", &up.url(), "pure"]).run().ok();
    assert!(!read(&sandbox, "recipes/upstreams/pure.toml").contains("cgo"));
}

#[test]
fn an_upstream_that_is_built_in_is_used() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("k0sctl", Program { makefile: true, ..Program::default() });
    up.releases(&["v0.30.1"]);
    sandbox.git_config(&format!("url.{}.insteadOf", up.url()), "https://github.com/k0sproject/k0sctl");
    let ran = fresh(&sandbox, &["new", "https://github.com/k0sproject/k0sctl/"]).run();
    ran.ok().says("known already: recipes/upstreams/k0sctl.toml (built in)");
    assert_eq!(names(&sandbox.root().join("fresh/recipes")), ["k0sctl.toml"]);
    assert!(read(&sandbox, "recipes/k0sctl.toml").contains("lines = [\"~0.30\"]"));
    fresh(&sandbox, &["show"]).run().ok().prints("k0sctl");
}

/// `go build` of these has no `-buildvcs`, and before 1.13 no `-trimpath`.
#[test]
fn a_go_that_is_too_old_is_replaced_by_a_newer_one() {
    let sandbox = Sandbox::new();
    let main =
        "package main\n\nimport \"github.com/kardianos/service\"\n\nfunc main() { println(len(service.Platform()) > 0) }\n";
    let files =
        [("main.go", main), ("go.mod", "module x.example/old\n\ngo 1.12\n\nrequire github.com/kardianos/service v1.2.2\n")];
    let up = bare(&sandbox, "old", &files);
    up.tag("v1.0.0", &up.id("main"));
    fresh(&sandbox, &["new", &up.url()]).run().ok();
    let recipe = read(&sandbox, "recipes/old.toml");
    assert!(recipe.contains("go    = \"1.20.14\"") && recipe.contains("# go.mod wants Go 1.12;"), "{recipe}");
    fresh(&sandbox, &["build"]).run().ok();
    built(&sandbox, "old-v1.0.0-old-", &[]);
    up.commit("main", "no go line", &[("main.go", HELLO), ("go.mod", "module x.example/old\n")]);
    up.tag("v1.1.0", &up.id("main"));
    fresh(&sandbox, &["new", &up.url(), "--recipe", "old", "none"]).run().ok();
    assert!(read(&sandbox, "recipes/old.toml").contains("# go.mod names no Go;"));
    fresh(&sandbox, &["build", "none"]).run().ok();
}

#[test]
fn of_several_programs_one_has_to_be_chosen() {
    let sandbox = Sandbox::new();
    let files = [
        ("go.mod", &*go_mod()),
        ("cmd/a/main.go", HELLO),
        ("cmd/b/main.go", TOOL),
        ("internal/about/about.go", ABOUT),
        ("examples/x/main.go", HELLO),
    ];
    let up = bare(&sandbox, "many", &files);
    up.tag("v2.0.0", &up.id("main"));
    let ran = fresh(&sandbox, &["new", &up.url()]).run();
    ran.code(1).says("has several programs: ./cmd/a, ./cmd/b").says("--package ./cmd/a");
    assert_eq!(names(&sandbox.root().join("fresh")), [".git"]);
    let missing = fresh(&sandbox, &["new", &up.url(), "--package", "./cmd/c"]).run();
    missing.code(1).says("has no program ./cmd/c").says("it has ./cmd/a, ./cmd/b, ./examples/x");
    fresh(&sandbox, &["new", &up.url(), "--package", "cmd/b/"]).run().ok().says("./cmd/b is built; there are also ./cmd/a");
    // A second one, by a name of its own, in the same recipe.
    let ran = fresh(&sandbox, &["new", &up.url(), "a", "--recipe", "many"]).run();
    ran.ok().prints("many.toml: [component.a] added");
    assert!(read(&sandbox, "recipes/upstreams/a.toml").contains("packages = [\"./cmd/a\"]"));
    fresh(&sandbox, &["build"]).run().ok();
    for binary in ["many-v2.0.0-many-", "a-v2.0.0-many-"] {
        sandbox.binary("../fresh/dist", binary);
    }
}

#[test]
fn a_component_is_added_to_a_recipe_that_keeps_its_text() {
    let (sandbox, _) = Sandbox::with_app(&["v1.2.3"]);
    let up = tool(&sandbox);
    let text = "# mine\ndescription = 'two'\n\n[component.app] # first\nlines = [ \"~1.2\" ]\n\n# How it is deployed.\n[[kit]]\nname = \"app\"\nbinary = \"app\"\n# end\n";
    sandbox.write("recipes/app.toml", text);
    let dry = sandbox.forge(&["new", &up.url(), "--recipe", "app", "--dry-run"]);
    dry.ok().prints("[component.tool]").prints("packages = [\"./cmd/tool\"]").prints("recipes/upstreams/tool.toml");
    assert!(sandbox.read("recipes/app.toml") == text && !sandbox.has("recipes/upstreams/tool.toml"));
    sandbox.forge(&["new", &up.url(), "--recipe", "app"]).ok();
    let after = sandbox.read("recipes/app.toml");
    let (before, rest) = text.split_once("\n# How").unwrap();
    assert!(after.starts_with(before) && after.ends_with(&format!("\n# How{rest}")), "{after}");
    assert!(dry.stdout.contains(&after), "{}", dry.stdout);
    sandbox.forge(&["build", "tool"]).ok();
    assert_eq!(output_of(&sandbox.binary("dist", "tool-v1.4.2-app-"), &[]), "v1.4.2\n");
    // A recipe with mistakes is left alone.
    sandbox.write("recipes/bad.toml", "[component.app]\nlins = []\n");
    sandbox.forge(&["new", &up.url(), "other", "--recipe", "bad"]).code(1).says("lins");
    assert!(!sandbox.has("recipes/upstreams/other.toml"));
}

#[test]
fn what_is_there_is_never_taken_over() {
    let (sandbox, app) = Sandbox::with_app(&["v1.2.3"]);
    let up = tool(&sandbox);
    let before = sandbox.read("recipes/upstreams/app.toml");
    let ran = sandbox.forge(&["new", &up.url(), "app", "--recipe", "x"]);
    ran.code(1).says("there is an upstream app already, from elsewhere").says("recipes/upstreams/app.toml").says("NAME");
    sandbox.forge(&["new", &up.url(), "k0s", "--recipe", "x"]).code(1).says("k0s.toml (built in)");
    sandbox.forge(&["new", &up.url(), "--recipe", "stock"]).code(1).says("the recipe stock is built into forge");
    // The same repository: its file stays, and another recipe uses it.
    let ran = sandbox.forge(&["new", &app.url(), "--recipe", "x"]);
    ran.ok().says("how app is built is known already").prints("recipes/x.toml");
    assert_eq!(ran.stdout.lines().count(), 1);
    sandbox.forge(&["new", &app.url(), "--recipe", "y", "--package", "."]).code(2).says("--package has no effect");
    assert_eq!(sandbox.read("recipes/upstreams/app.toml"), before);
    assert!(!sandbox.has("recipes/y.toml") && !sandbox.has("recipes/stock.toml"));
    sandbox.forge(&["build", "--recipe", "x"]).ok();
    // What a kill between the two files leaves is taken up.
    fs::remove_file(sandbox.project().join("recipes/x.toml")).unwrap();
    sandbox.forge(&["new", &app.url(), "--recipe", "x"]).ok();
    // A file that cannot be written leaves no other one behind.
    let upstreams = sandbox.root().join("fresh/recipes");
    fs::create_dir_all(upstreams.parent().unwrap().join(".git")).unwrap();
    std::os::unix::fs::symlink("/nonexistent/recipes", &upstreams).unwrap();
    fresh(&sandbox, &["new", &up.url()]).run().code(1).says("recipes");
}

#[test]
fn a_library_is_for_a_program_that_requires_it() {
    let sandbox = Sandbox::new();
    let library = bare(
        &sandbox,
        "service",
        &[
            ("go.mod", "module github.com/kardianos/service\n\ngo 1.23\n"),
            ("s.go", "package service\n"),
            ("example/x/main.go", HELLO),
        ],
    );
    library.tag("v1.2.4", &library.id("main"));
    // Alone it is nothing to build: no recipe.
    let ran = fresh(&sandbox, &["new", &library.url(), "lib"]).run();
    ran.ok().says("github.com/kardianos/service is a library").says("--recipe NAME of a program");
    assert_eq!(names(&sandbox.root().join("fresh/recipes")), ["upstreams"]);
    assert!(read(&sandbox, "recipes/upstreams/lib.toml").contains("module = \"github.com/kardianos/service\"\n"));

    let (sandbox, _) = Sandbox::with_service(&["v1.2.3"]);
    let library = bare(
        &sandbox,
        "library",
        &[("go.mod", "module github.com/kardianos/service\n\ngo 1.23\n"), ("s.go", "package service\n")],
    );
    library.tag("v1.2.4", &library.id("main"));
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["new", &library.url(), "lib", "--recipe", "app"]).ok().prints("app.toml: [component.lib] added");
    let recipe = sandbox.read("recipes/app.toml");
    assert!(
        recipe.contains("replace = [\"lib\"]\n")
            && recipe.contains("# No version: the one that the release of app requires.\n[component.lib]\n"),
        "{recipe}"
    );
    sandbox.series("lib", "platform", &[("p.patch", PLATFORM)]);
    sandbox.write("recipes/app.toml", &format!("{recipe}series = [\"platform\"]\n"));
    sandbox.forge(&["build"]).ok();
    assert_eq!(output_of(&sandbox.binary("dist", "app-v1.2.3-app-"), &[]), PATCHED);

    // A program that does not require it, two that might, and one that is no library.
    let other = bare(&sandbox, "other", &[("go.mod", "module a.example/other\n\ngo 1.23\n"), ("o.go", "package other\n")]);
    other.tag("v0.1.0", &other.id("main"));
    sandbox.forge(&["new", &other.url(), "--recipe", "app"]).code(1).says("other: app v1.2.3 does not require a.example/other");
    let up = tool(&sandbox);
    sandbox.forge(&["new", &up.url(), "--recipe", "app", "--into", "app"]).code(2).says("tool is a program");
    sandbox.forge(&["new", &up.url(), "--recipe", "app"]).ok();
    sandbox.forge(&["new", &other.url(), "--recipe", "app"]).code(1).says("has no program, or several").says("--into COMPONENT");
    sandbox.forge(&["new", &other.url(), "--recipe", "app", "--into", "tool"]).code(1).says("tool v1.4.2 does not require");
    sandbox.forge(&["new", &other.url(), "--into", "tool"]).code(2).says("--into tool needs a recipe");
    assert!(!sandbox.has("recipes/upstreams/other.toml"));
}

#[test]
fn without_releases_it_is_a_pre_release_or_a_branch() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program::default());
    up.tag("release-1", &up.id("main"));
    let ran = fresh(&sandbox, &["new", &up.url()]).run();
    ran.ok().says("has no tags that are versions: the component is made of the branch main");
    assert!(read(&sandbox, "recipes/app.toml").contains("version = \"main\""));
    fresh(&sandbox, &["build"]).run().ok();
    assert_eq!(built(&sandbox, "app-main-app-", &[]), "hello\n");

    up.tag("2.0.0-beta.1", &up.id("main"));
    fresh(&sandbox, &["new", &up.url(), "beta"]).run().ok();
    assert!(read(&sandbox, "recipes/beta.toml").contains("version = \"2.0.0-beta.1\""));
    assert!(read(&sandbox, "recipes/upstreams/beta.toml").contains("tags = \"[0-9]*\""));
    fresh(&sandbox, &["build", "--recipe", "beta"]).run().ok();
    built(&sandbox, "beta-2.0.0-beta.1-beta-", &[]);

    // A branch whose name would be a range.
    up.delete_tag("2.0.0-beta.1");
    up.branch("3.0", &up.id("main"));
    up.git(&["symbolic-ref", "HEAD", "refs/heads/3.0"]);
    fresh(&sandbox, &["new", &up.url(), "third"]).run().ok();
    assert!(read(&sandbox, "recipes/third.toml").contains(&format!("version = \"{}\"", up.id("main"))));
    fresh(&sandbox, &["build", "--recipe", "third"]).run().ok();

    up.git(&["symbolic-ref", "HEAD", "refs/heads/nothing"]);
    fresh(&sandbox, &["new", &up.url(), "fourth"]).run().code(1).says("has neither releases nor a branch");
}

#[test]
fn what_is_no_go_module_is_refused() {
    let sandbox = Sandbox::new();
    let up = bare(&sandbox, "c", &[("main.c", "int main() {}\n")]);
    up.tag("v1.0.0", &up.id("main"));
    fresh(&sandbox, &["new", &up.url()])
        .run()
        .code(1)
        .says("is no Go module: v1.0.0 has no go.mod at its root")
        .says("forge builds Go modules");
    up.commit("main", "a module", &[("server/go.mod", &go_mod())]);
    up.tag("v1.1.0", &up.id("main"));
    fresh(&sandbox, &["new", &up.url()]).run().code(1).says("there is one in server/");
    up.commit("main", "nonsense", &[("go.mod", "what is this\n")]);
    up.tag("v1.2.0", &up.id("main"));
    fresh(&sandbox, &["new", &up.url()]).run().code(4).says("go.mod");
    up.commit("main", "no module line", &[("go.mod", "go 1.21\n")]);
    up.tag("v1.3.0", &up.id("main"));
    fresh(&sandbox, &["new", &up.url()]).run().code(1).says("go.mod has no module line");
    fresh(&sandbox, &["new", "file:///nonexistent/x"]).run().code(1).says("there is no repository at");
    fresh(&sandbox, &["new", "ext::sh -c id"]).run().code(2);
    fresh(&sandbox, &["new", "--", "-u"]).run().code(2);
    fresh(&sandbox, &["new", &up.url(), "../x"]).run().code(2).says("names have letters");
    fresh(&sandbox, &["new", "https://h.example/%20"]).run().code(1).says("gives no name for the component");
    assert_eq!(names(&sandbox.root().join("fresh")), [".git"]);
}

#[test]
fn a_login_is_used_and_never_shown_or_written() {
    let sandbox = Sandbox::new();
    let up = tool(&sandbox);
    sandbox.git_config(&format!("url.{}.insteadOf", up.url()), "https://me:s3cret@git.example/tool.git");
    sandbox.git_config(&format!("url.{}.insteadOf", up.url()), "https://git.example/tool.git");
    let ran = fresh(&sandbox, &["-v", "new", "https://me:s3cret@git.example/tool.git"]).run();
    ran.ok().says("the login of https://***@git.example/tool.git is not written to a file");
    assert!(!ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
    for folder in [sandbox.root().join("fresh"), sandbox.store()] {
        assert_eq!(sandbox.grep(&folder, "s3cret"), Vec::<std::path::PathBuf>::new());
    }
    assert!(read(&sandbox, "recipes/upstreams/tool.toml").contains("git      = \"https://git.example/tool.git\"\n"));
    fresh(&sandbox, &["build"]).run().ok();
    let ran = fresh(&sandbox, &["new", "https://me:s3cret@127.0.0.1:1/x.git"]).run();
    ran.code(1).lacks("s3cret");
    let ran = fresh(&sandbox, &["new", "https://s3cret@git.example"]).run();
    assert!(ran.code != 0 && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[test]
fn a_folder_is_taken_as_it_is_committed() {
    let sandbox = Sandbox::new();
    let up = tool(&sandbox);
    let clone = sandbox.root().join("tool-clone");
    up.clone_to(&clone);
    fs::write(clone.join("cmd/tool/main.go"), "package main\n").unwrap();
    let ran = fresh(&sandbox, &["new", "../tool-clone", "tool"]).run();
    ran.ok().says("has uncommitted changes").says("is a folder of this machine");
    assert!(read(&sandbox, "recipes/upstreams/tool.toml").contains(&format!("git      = \"{}\"", clone.display())));
    fresh(&sandbox, &["build"]).run().ok();
    assert_eq!(built(&sandbox, "tool-v1.4.2-tool-", &[]), "v1.4.2\n");
    fresh(&sandbox, &["new", "../tool-clone/cmd", "x"]).run().code(1).says("name its root").lacks("--source");
    fresh(&sandbox, &["new", ".."]).run().code(1).says("is not a git repository").lacks("--source");
}

#[test]
fn hostile_trees_change_nothing_but_their_own_text() {
    let sandbox = Sandbox::new();
    let ran = sandbox.root().join("ran");
    let makefile = format!(
        "E = \"]\\n[[build]]\nF = -X main.v=$(VERSION)\\\"]\u{7}\u{1b}[31m -X 'main.w=\"\"\"' -X main.x=$(shell touch {})\n\tgo build .\n",
        ran.display()
    );
    let files = [
        ("go.mod", &*go_mod()),
        ("cmd/we \"ird'/main.go", HELLO),
        ("-o/main.go", HELLO),
        ("cmd/fine/main.go", HELLO),
        ("Makefile", &*makefile),
    ];
    let up = bare(&sandbox, "odd", &files);
    up.tag("v1.0.0", &up.id("main"));
    up.tag("v1.0.1\u{202e}x", &up.id("main"));
    let told = fresh(&sandbox, &["new", &up.url()]).run();
    told.ok();
    let upstream = read(&sandbox, "recipes/upstreams/odd.toml");
    assert!(upstream.contains("packages = [\"./cmd/fine\"]") && upstream.matches("[[build]]\n").count() == 1, "{upstream}");
    assert!(!upstream.contains(['\u{7}', '\u{1b}']) && !told.stderr.contains('\u{7}'), "{upstream}");
    fresh(&sandbox, &["show"]).run().ok();
    fresh(&sandbox, &["build"]).run().ok();
    assert!(!ran.exists());
    // A path that leads out of the tree.
    let blob = up.git(&["rev-parse", "main:go.mod"]);
    fs::write(up.path().join("tree"), format!("100644 blob {blob}\tgo.mod\n100644 blob {blob}\tgit~1\n")).unwrap();
    let script = format!("git mktree < {}", up.path().join("tree").display());
    let tree = crate::kit::tool_ok(up.path(), "sh", &["-c", &script]);
    let commit = up.git(&["commit-tree", "-m", "x", tree.trim()]);
    up.tag("v1.1.0", &commit);
    let ran = fresh(&sandbox, &["new", &up.url(), "out"]).run();
    assert!(ran.code != 0 && !sandbox.root().join("fresh/recipes/out.toml").exists(), "{}", ran.stderr);
}

#[test]
fn an_interrupt_leaves_nothing() {
    let sandbox = Sandbox::new();
    let up = tool(&sandbox);
    let nap = format!("88.{}", std::process::id());
    let (path, begun) = sandbox.hanging_git(&nap);
    let command = fresh(&sandbox, &["new", &up.url()]).env("PATH", path);
    let child = command.spawn();
    wait_for("the fetch", || begun.exists());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ran = command.ran(&child.wait_with_output().unwrap());
    ran.code(130).says("interrupted");
    wait_for("the end of git", || running(&format!("sleep {nap}")).is_empty());
    assert!(ran.stdout.is_empty() && names(&sandbox.root().join("fresh")) == [".git"]);
    fresh(&sandbox, &["new", &up.url()]).run().ok();
}

#[test]
fn a_first_patch_begins_with_an_empty_list() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program::default());
    up.release("v1.2.3");
    fresh(&sandbox, &["new", &up.url()]).run().ok();
    fresh(&sandbox, &["patch", "start", "app"]).run().code(1).says("app has no series").says("an empty series.toml");
    let root = sandbox.root().join("fresh");
    let recipe = read(&sandbox, "recipes/app.toml").replace("[component.app]", "[component.app]\nseries = [\"mine\"]");
    fs::write(root.join("recipes/app.toml"), recipe).unwrap();
    fresh(&sandbox, &["patch", "start", "app"]).run().code(1).says("an empty file series.toml in that folder begins it");
    fs::create_dir_all(root.join("patches/app/mine")).unwrap();
    fresh(&sandbox, &["patch", "start", "app"]).run().code(1).says("or an empty series.toml");
    fs::write(root.join("patches/app/mine/series.toml"), "").unwrap();
    fresh(&sandbox, &["patch", "start", "app"]).run().ok().prints("app v1.2.3, 0 commits");
    let work = root.join("work/app/app");
    let text = fs::read_to_string(work.join("greet.go")).unwrap().replace("hello", "good day");
    fs::write(work.join("greet.go"), text).unwrap();
    crate::kit::git(&work, &["commit", "-q", "-a", "-m", "Be polite"]);
    sandbox.command(&["patch", "save"]).cwd(&work).run().ok().prints("new mine/be-polite.patch");
    fresh(&sandbox, &["build"]).run().ok();
    assert!(built(&sandbox, "app-", &[]).contains("good day"));
}
