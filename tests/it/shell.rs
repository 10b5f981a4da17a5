//! `forge shell`: the place and the environment of a build, for a person or a command.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{PATCHED, Sandbox, names, output_of};

#[test]
fn what_a_shell_builds_is_what_forge_builds() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    sandbox.forge(&["build"]).ok();
    let ran = sandbox.forge(&["shell", "app", "--", "true"]);
    let line = ran.ok().stderr.lines().find_map(|line| line.split_once("build: go build ")).expect("the command of the build").1;
    let out = sandbox.root().join("by-hand");
    let command = format!("go build -o {} {line}", out.display());
    let ran = sandbox.command(&["shell", "app", "--", "sh", "-c", &command]).env("GOFLAGS", "-race").run();
    ran.ok();
    assert_eq!(output_of(&out, &[]), PATCHED);
    assert!(fs::read(&out).unwrap() == fs::read(sandbox.binary("dist", "app-")).unwrap(), "a shell builds something else");
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn a_command_has_its_own_code_and_output() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    let sh = |script: &str| sandbox.command(&["shell", "app", "--", "sh", "-c", script]).env("SECRET", "s3cr3t").run();
    let ran = sh("cat .forge/service/go.mod go.mod; env; pwd; exit 7");
    ran.code(7)
        .prints("module github.com/kardianos/service")
        .prints("=> ./.forge/service")
        .prints("GOENV=off")
        .prints("CGO_ENABLED=0");
    assert!(!ran.stdout.contains("s3cr3t") && !ran.stdout.contains("FORGE_STORE"), "{}", ran.stdout);
    let tree = ran.stdout.lines().last().unwrap();
    assert!(tree.ends_with("/src") && !Path::new(tree).exists(), "{tree}");
    sh("kill -TERM $$").code(143);
    sandbox.forge(&["shell", "app", "--", "no-such-program"]).code(1).says("no-such-program");
    sandbox.forge(&["shell", "nobody", "--", "true"]).code(1);
    sandbox.forge(&["shell"]).code(2);
    // A program of the tree; a release that is not the recipe's.
    sandbox.forge(&["shell", "app@v1.2.3+k0s.0", "--", "./.forge/service/linux-test-su.sh"]).lacks("panicked");
    sandbox.forge(&["shell", "app@=9.9.9", "--", "true"]).code(1);
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn a_shell_is_the_users_own_and_may_leave_its_tree() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    let shell = sandbox.root().join("my shell");
    fs::write(&shell, "#!/bin/sh\necho \"the shell $# $TERM\"; echo mine > NEW\n").unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    let command = sandbox.command(&["shell", "app", "--keep"]).env("SHELL", &shell).env("TERM", "dumb");
    let ran = command.run();
    ran.ok().prints("the shell 0 dumb\n");
    let said = ran.said();
    let kept = said.split("kept: ").nth(1).expect("where it is").split_whitespace().next().unwrap();
    assert_eq!(fs::read_to_string(Path::new(kept).join("NEW")).unwrap(), "mine\n");
    // Without SHELL it is sh, which ends with its input.
    sandbox.command(&["shell", "app"]).env_remove("SHELL").run().ok();
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn a_failed_build_says_how_to_go_on() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    up.release_with("v1.2.4", &[("bad.go", "package main\n\nvar x int = \"no\"\n")]);
    let line_of = |ran: &crate::kit::Ran| {
        let line = ran.stderr.lines().find_map(|line| line.split_once("the environment of the build: ")).expect("the line").1;
        shlex::split(line).unwrap()
    };
    let ran = sandbox.forge(&["build"]);
    let words = line_of(ran.code(4));
    assert_eq!(words[..5], ["forge", "shell", "app", "--recipe", "app"]);
    let mut words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    words.extend(["--", "grep", "-c", "no", "bad.go"]);
    sandbox.forge(&words).ok().prints("1\n");
    // The same of another release, by a recipe elsewhere.
    let text = sandbox.read("recipes/app.toml");
    fs::write(sandbox.project().join("other.toml"), format!("{text}\n")).unwrap();
    let ran = sandbox.forge(&["build", "app@v1.2.4", "--recipe", "./other.toml"]);
    let words = line_of(ran.code(4));
    assert_eq!(words[2], "app@v1.2.4");
    assert!(words[4].ends_with("/other.toml"), "{words:?}");
    let mut words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    words.extend(["--", "test", "-s", "bad.go"]);
    sandbox.forge(&words).ok();
}

#[test]
fn the_environment_is_that_of_the_driver() {
    let (sandbox, up) = Sandbox::with_patched_service();
    up.release_with("v1.2.4", &[("Makefile", "app:\n\tCGO_ENABLED=0 go build -trimpath -o app .\n")]);
    let text = sandbox.read("recipes/upstreams/app.toml");
    let make = "[[build]]\ndriver = \"make\"\ngoal = \"app\"\ntouch = [\"stamp\"]\noutput = \"app\"\n";
    sandbox.write("recipes/upstreams/app.toml", &format!("{text}\n{make}"));
    let ran = sandbox.forge(&["shell", "app", "--driver", "make", "--", "sh", "-c", "test -e stamp && make app && env"]);
    ran.ok().says("build: make app").prints("GOFLAGS=-buildvcs=false -mod=readonly").prints("GIT_CEILING_DIRECTORIES=");
}

#[test]
fn a_signal_ends_a_shell_and_its_tree() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    let begun = sandbox.root().join("begun");
    let script = format!("touch {}; exec sleep 600", begun.display());
    let command = sandbox.command(&["shell", "app", "--", "sh", "-c", &script]);
    let child = command.spawn();
    while !begun.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(names(&sandbox.store().join("work")).len(), 2);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    command.ran(&child.wait_with_output().unwrap()).code(143);
    assert!(sandbox.work_left().is_empty());
}
