//! Building by the upstream's own make, on the machine and in containers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{
    PATCHED, Program, Sandbox, Upstream, host, installed, names, output_of, running, skip, tool, tool_ok, wait_for,
};

/// A Makefile that tidies where go.sum looks older than go.mod, as k0s has it; here that is an error.
const MAKEFILE: &str = "\
VERSION ?= unset
app: $(wildcard *.go) go.sum .stamp
\tCGO_ENABLED=0 go build -trimpath -ldflags='-X main.version=$(VERSION)' -o app.code .
\tmv app.code $@
go.sum: go.mod
\techo go.sum is older than go.mod && false
.stamp:
\techo .stamp is not there && false
";

const MAKE: &str = "\
[[build]]
driver = \"make\"
goal   = \"app\"
args   = [\"VERSION={version}\"]
touch  = [\".stamp\"]
output = \"app\"
";

/// The program on a patched library, with that Makefile.
fn made() -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_patched_service();
    up.release_with("v1.2.4", &[("Makefile", MAKEFILE)]);
    let text = sandbox.read("recipes/upstreams/app.toml");
    sandbox.write("recipes/upstreams/app.toml", &format!("{text}\n{MAKE}"));
    (sandbox, up)
}

fn local(sandbox: &Sandbox, folder: &str) -> PathBuf {
    let binary = sandbox.binary(folder, "app-");
    let name = binary.file_name().unwrap().to_str().unwrap();
    let (start, hash) = name.split_once("-local.").unwrap_or_else(|| panic!("{name} is not marked"));
    assert_eq!(start, format!("app-v1.2.4-app-{}", host().replace('/', "-")));
    assert_eq!(hash.len(), 8, "{name}");
    binary
}

#[test]
fn make_and_go_give_the_same_bytes() {
    let (sandbox, _up) = made();
    // Before anything is locked, and with the lock that the recipe's own driver wrote.
    sandbox.forge(&["build", "--driver", "make", "--out", "first"]).ok().says("with make and Go");
    assert!(!sandbox.has("recipes/app.lock"), "another driver than the recipe's was locked");
    sandbox.forge(&["build"]).ok();
    let lock = sandbox.read("recipes/app.lock");
    let by_go = sandbox.binary("dist", "app-");
    assert_eq!(output_of(&by_go, &[]), PATCHED);
    assert!(fs::read(local(&sandbox, "first")).unwrap() == fs::read(&by_go).unwrap(), "make and go give other bytes");
    sandbox.forge(&["build", "--driver", "make", "--out", "made", "--locked"]).ok().lacks("Compiling");
    sandbox.forge(&["build", "--driver", "make", "--out", "made"]).ok().lacks("Compiling").lacks("Patched");
    assert_eq!(sandbox.read("recipes/app.lock"), lock);
    // The recipe's own driver by name is the recipe's own driver.
    sandbox.forge(&["build", "--driver", "go"]).ok().prints("app-v1.2.4-app-").lacks("Compiling");
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn a_recipe_may_be_built_by_make() {
    let (sandbox, _up) = made();
    sandbox.edit("recipes/upstreams/app.toml", "[[build]]\ndriver = \"go\"", "# [[build]]\n# driver = \"go\"");
    for line in ["packages", "flags", "ldflags"] {
        sandbox.edit("recipes/upstreams/app.toml", &format!("\n{line} ="), &format!("\n# {line} ="));
    }
    let ran = sandbox.forge(&["build", "--json"]);
    assert_eq!(ran.ok().artifacts().len(), 1);
    let binary = sandbox.binary("dist", "app-");
    assert!(!binary.to_str().unwrap().contains("-local."), "{}", binary.display());
    assert_eq!(output_of(&binary, &["version"]), "v1.2.4\n");
    let lock = sandbox.read("recipes/app.lock");
    assert!(
        lock.contains("[component.build.make]\ndriver = \"make\"\nargs = [\n    \"app\",\n    \"VERSION=v1.2.4\",\n]"),
        "{lock}"
    );
    sandbox.forge(&["build", "--locked", "--offline"]).ok().lacks("Compiling");
    let plan = sandbox.forge(&["plan"]);
    plan.ok()
        .prints("run       make app 'VERSION=v1.2.4'")
        .prints("touch     go.sum")
        .prints("takes     app")
        .prints("driver    make");
    sandbox.forge(&["build", "--driver", "go"]).code(1).says("cannot be built by driver go").says("there are: make");
    // Its arguments are part of what is built.
    sandbox.edit("recipes/upstreams/app.toml", "VERSION={version}", "VERSION={version}-mine");
    sandbox.forge(&["build"]).ok().says("Compiling").says("build rule changed");
    assert_eq!(output_of(&binary, &["version"]), "v1.2.4-mine\n");
}

#[test]
fn each_platform_is_made_in_a_tree_of_its_own() {
    let (sandbox, _up) = made();
    let ran = sandbox.forge(&["build", "--driver", "make", "--target", "linux/amd64", "--target", "linux/arm64", "--json"]);
    let paths: Vec<String> = ran.ok().artifacts().iter().map(|a| a["path"].as_str().unwrap().to_owned()).collect();
    for (path, arch) in paths.iter().zip(["amd64", "arm64"]) {
        let info = tool_ok(&sandbox.project(), "go", &["version", "-m", path]);
        assert!(info.contains(&format!("GOARCH={arch}")), "{info}");
    }
    assert_eq!(paths.len(), 2);
}

#[test]
fn make_must_leave_what_it_should() {
    let (sandbox, up) = made();
    sandbox.edit("recipes/upstreams/app.toml", "output = \"app\"", "output = \"bin/app\"");
    let ran = sandbox.forge(&["build", "--driver", "make"]);
    ran.code(4).says("ended well, but did not leave the file bin/app").says("`output` of the make block");
    sandbox.edit("recipes/upstreams/app.toml", "output = \"bin/app\"", "");
    sandbox.forge(&["build", "--driver", "make"]).code(1).says("no make block says what make leaves").says("output = ");
    sandbox.edit("recipes/upstreams/app.toml", "goal   = \"app\"", "goal   = \"app\"\noutput = \"app\"");
    // What it leaves is checked like every binary: this one is not of the patched library.
    up.release_with("v1.2.4", &[("Makefile", "app: $(wildcard *.go)\n\tsed -i /^replace/d go.mod\n\tgo build -o app .\n")]);
    sandbox.forge(&["build", "--driver", "make", "app@v1.2.4"]).code(5).says("is linked, not replaced");
    // A compile error names the patch here, too.
    sandbox.forge(&["build", "--driver", "docker"]).code(1).says("cannot be built by driver docker").says("there are: go, make");
    sandbox.forge(&["build", "--driver", "cmake"]).code(2);
}

#[test]
fn a_repository_around_the_store_is_not_asked() {
    let (sandbox, up) = made();
    tool_ok(sandbox.root(), "git", &["init", "-q"]);
    tool_ok(sandbox.root(), "git", &["commit", "-q", "--allow-empty", "-m", "around"]);
    let makefile = "VERSION := $(shell git rev-parse HEAD || echo none)\n".to_owned() + MAKEFILE.split_once('\n').unwrap().1;
    up.release_with("v1.2.5", &[("Makefile", &makefile)]);
    sandbox.edit("recipes/upstreams/app.toml", "args   = [\"VERSION={version}\"]", "");
    sandbox.forge(&["build", "--driver", "make"]).ok();
    let binary = sandbox.binary("dist", "app-");
    let around = tool_ok(sandbox.root(), "git", &["rev-parse", "HEAD"]);
    assert!(!output_of(&binary, &["version"]).contains(around.trim()));
    assert!(!tool_ok(sandbox.root(), "go", &["version", "-m", binary.to_str().unwrap()]).contains("vcs.revision"));
}

#[test]
fn an_interrupt_ends_make() {
    let (sandbox, up) = made();
    let nap = format!("8951.{}", std::process::id());
    up.release_with("v1.2.5", &[("Makefile", &format!("app:\n\ttouch {}/begun; sleep {nap}\n", sandbox.root().display()))]);
    let command = sandbox.command(&["build", "--driver", "make"]);
    let child = command.spawn();
    wait_for("make", || sandbox.root().join("begun").exists());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    command.ran(&child.wait_with_output().unwrap()).code(130).says("interrupted");
    wait_for("the end of make", || running(&nap).is_empty());
    assert!(sandbox.work_left().is_empty());
}

const DOCKER: &str = "\
[[build]]
driver = \"docker\"
goal   = \"app\"
args   = [\"VERSION={version}\"]
image  = \"IMAGE\"
output = \"app\"
";

/// An engine that is a folder: a container is a process in a session of its own, and a file with its mark.
fn engine(sandbox: &Sandbox, name: &str) -> PathBuf {
    let (bin, state) = (sandbox.root().join(format!("bin-{name}")), sandbox.root().join("engine"));
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(&state).unwrap();
    let script = format!(
        r#"#!/bin/sh
state={}
echo "$*" >> "$state.log"
# podman's lists know no labels.
case "$*" in *'{{{{.Label'*) echo "can't evaluate field Label" >&2; exit 125 ;; esac
verb=$1; shift
case $verb in
run) mark=
  while [ "$1" != -- ]; do [ "$1" = --label ] && mark=$2; shift; done
  shift; echo "image $1" >> "$state.log"; shift
  setsid "$@" & echo "${{mark#*=}}" > "$state/$!"; wait $!; code=$?; rm -f "$state/$!"; exit $code ;;
ps) cd "$state"; for c in *; do [ -e "$c" ] || continue; mark=$(cat "$c")
  case "$4" in label=forge.work|label=forge.work="$mark") echo "$c" ;; esac; done ;;
inspect) cd "$state"; shift 2; for c; do if [ -e "$c" ]; then echo "$c $(cat "$c")"; else echo "no $c" >&2; fi; done ;;
rm) for c; do case $c in -*) ;; *) kill -9 -"$c"; rm -f "$state/$c" ;; esac; done ;;
esac
"#,
        state.display()
    );
    fs::write(bin.join(name), script).unwrap();
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    bin
}

fn in_containers(run: &str) -> (Sandbox, Upstream) {
    let (sandbox, up) = made();
    let makefile = MAKEFILE.replace("CGO_ENABLED=0 go build", &format!("{run} go build")).replace(" .stamp", "");
    up.release_with("v1.2.4", &[("Makefile", &makefile)]);
    let text = sandbox.read("recipes/upstreams/app.toml");
    sandbox.write("recipes/upstreams/app.toml", &format!("{text}\n{DOCKER}"));
    (sandbox, up)
}

#[test]
fn containers_carry_a_mark_and_the_image_is_passed_on() {
    for client in ["docker", "podman"] {
        let (sandbox, _up) = in_containers("docker run --rm -e CGO_ENABLED -- $(GOLANG_IMAGE)");
        let bin = engine(&sandbox, client);
        let tools = sandbox.tools(&["git", "go", "make", "setsid", "cat", "rm", "mv"]);
        let path = format!("{}:{}", bin.display(), tools.display());
        sandbox.command(&["build", "--driver", "docker"]).env("PATH", path.clone()).run().ok().says("make in containers");
        let log = fs::read_to_string(sandbox.root().join("engine.log")).unwrap();
        assert!(log.contains("run --label forge.work=") && log.contains("image IMAGE"), "{log}");
        sandbox.command(&["build"]).env("PATH", path).run().ok();
        let [real, other] = &names(&sandbox.project().join("dist"))
            .into_iter()
            .filter(|n| n.starts_with("app-") && !n.ends_with(".log"))
            .collect::<Vec<_>>()[..]
        else {
            panic!("two binaries are expected")
        };
        let read = |name: &String| fs::read(sandbox.project().join("dist").join(name)).unwrap();
        assert!(read(real) == read(other), "docker and go give other bytes");
        assert!(names(&sandbox.root().join("engine")).is_empty());
    }
}

#[test]
fn containers_end_with_an_interrupt_and_after_a_kill() {
    for (signal, client) in [(Signal::INT, "podman"), (Signal::KILL, "docker")] {
        let nap = format!("89{}.{}", signal.as_raw(), std::process::id());
        let (sandbox, up) = in_containers(&format!("docker run -- IMAGE sleep {nap}; :"));
        let bin = engine(&sandbox, client);
        let tools = sandbox.tools(&["git", "go", "make", "setsid", "sh", "sleep", "cat", "rm", "mv", "false"]);
        let path = format!("{}:{}", bin.display(), tools.display());
        let command = sandbox.command(&["build", "--driver", "docker"]).env("PATH", path);
        let child = command.spawn();
        wait_for("the container", || {
            !running(&format!("sleep {nap}")).is_empty() && !names(&sandbox.root().join("engine")).is_empty()
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ran = command.ran(&child.wait_with_output().unwrap());
        if signal == Signal::KILL {
            // Nobody could end it; the next build by docker does.
            assert!(!running(&format!("sleep {nap}")).is_empty());
            up.release_with("v1.2.4", &[("Makefile", "app:\n\tfalse\n")]);
            command.run();
        } else {
            ran.code(130);
        }
        wait_for("the end of the container", || running(&format!("sleep {nap}")).is_empty());
        assert!(names(&sandbox.root().join("engine")).is_empty());
    }
}

#[test]
fn a_missing_engine_is_told() {
    let (sandbox, _up) = in_containers("docker run");
    let path = sandbox.tools(&["git", "go", "make"]).display().to_string();
    let ran = sandbox.command(&["build", "--driver", "docker"]).env("PATH", path).run();
    ran.code(1).says("`docker` was not found in PATH").says("docs.docker.com");
}

/// An image with nothing but folders, gone when dropped: Go comes from the machine.
struct Image(String);

impl Image {
    fn make(folder: &Path) -> Option<Self> {
        let answers = installed("docker") && tool(folder, "docker", &["info", "--format", "{{.ServerVersion}}"]).status.success();
        if !answers {
            return None;
        }
        fs::create_dir_all(folder.join("image/tmp")).unwrap();
        fs::set_permissions(folder.join("image/tmp"), fs::Permissions::from_mode(0o777)).unwrap();
        tool_ok(folder, "tar", &["-C", "image", "-cf", "image.tar", "."]);
        let name = format!("forge-test-{}:{}", std::process::id(), "empty");
        tool_ok(folder, "docker", &["import", "image.tar", &name]);
        Some(Self(name))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        tool(Path::new("/"), "docker", &["rmi", "--force", &self.0]);
    }
}

#[test]
fn a_real_engine_gives_the_same_bytes_and_is_left_clean() {
    let sandbox = Sandbox::new();
    let Some(image) = Image::make(sandbox.root()) else {
        return skip("no container engine answers: the test of the driver docker");
    };
    let root = tool_ok(sandbox.root(), "go", &["env", "GOROOT"]);
    let cache = tool_ok(sandbox.root(), "go", &["env", "GOCACHE"]);
    let run = format!(
        "docker run --rm -v {0}:{0}:ro -v $(CURDIR):/src -w /src -v {1}:/cache -e GOCACHE=/cache -e GOTOOLCHAIN=local -e CGO_ENABLED \
         --user $(shell id -u):$(shell id -g) -- $(GOLANG_IMAGE)",
        root.trim(),
        cache.trim()
    );
    let up = sandbox.upstream("app", Program::default());
    let makefile = |command: &str| format!("app: $(wildcard *.go)\n\t{run} {}/bin/go {command}\n", root.trim());
    let build = "build -trimpath -ldflags='-X main.version=$(VERSION)' -o app .";
    up.release_with("v1.2.4", &[("Makefile", &makefile(build))]);
    sandbox.write("recipes/upstreams/app.toml", &format!("{}\n{}", up.toml(), DOCKER.replace("IMAGE", &image.0)));
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["build"]).ok();
    sandbox.forge(&["build", "--driver", "docker", "--out", "made"]).ok();
    let made = local(&sandbox, "made");
    assert!(fs::read(&made).unwrap() == fs::read(sandbox.binary("dist", "app-")).unwrap(), "docker and go give other bytes");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(fs::metadata(&made).unwrap().uid(), rustix::process::geteuid().as_raw());
    let containers = || tool_ok(Path::new("/"), "docker", &["ps", "-a", "-q", "--filter", &format!("ancestor={}", image.0)]);
    assert_eq!(containers(), "");
    // An interrupt in the midst of it: a program that heeds no signal, as the first of its container.
    let ignorant = "package main\n\nimport (\n\t\"os\"\n\t\"os/signal\"\n\t\"time\"\n)\n\nfunc main() {\n\tsignal.Ignore()\n\tos.WriteFile(\"/begun/x\", nil, 0o666)\n\ttime.Sleep(time.Hour)\n}\n";
    let begun = sandbox.root().join("begun");
    fs::create_dir(&begun).unwrap();
    fs::write(sandbox.root().join("ignorant.go"), ignorant).unwrap();
    tool_ok(sandbox.root(), "env", &["CGO_ENABLED=0", "GOTOOLCHAIN=local", "go", "build", "-o", "ignorant", "ignorant.go"]);
    let program = sandbox.root().join("ignorant");
    let makefile =
        format!("app:\n\tdocker run --rm -v {}:/p:ro -v {}:/begun -- $(GOLANG_IMAGE) /p\n", program.display(), begun.display());
    up.release_with("v1.2.5", &[("Makefile", &makefile)]);
    let command = sandbox.command(&["build", "--driver", "docker", "app@v1.2.5"]);
    let child = command.spawn();
    wait_for("the container", || begun.join("x").exists());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    command.ran(&child.wait_with_output().unwrap()).code(143);
    assert_eq!(containers(), "", "a container goes on");
}
