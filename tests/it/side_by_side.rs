//! Many builds in one run: several at once, and some that fail while others are delivered.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::kit::{Program, Sandbox, Upstream, host, names, tool_ok};

/// Components of these names, each with an upstream of its own and one release.
fn components(names: &[&str], files: &[(&str, &[(&str, &str)])]) -> (Sandbox, Vec<Upstream>) {
    let sandbox = Sandbox::new();
    let make = |name: &&str| {
        let up = sandbox.upstream(name, Program::default());
        up.release_with("v1.2.3", files.iter().find(|(of, _)| of == name).map_or(&[], |(_, files)| files));
        sandbox.upstream_file(&up);
        up
    };
    let ups = names.iter().map(make).collect();
    let text: String = names.iter().map(|name| format!("[component.{name}]\nlines = [\"~1.2\"]\n")).collect();
    sandbox.recipe("all", &text);
    (sandbox, ups)
}

const BROKEN: &[(&str, &str)] = &[("bad.go", "package main\n\nvar x int = \"no\"\n")];

#[track_caller]
fn failures(document: &Value) -> Vec<Value> {
    document["failures"].as_array().expect("a list of failures").clone()
}

#[test]
fn one_document_tells_of_what_was_built_and_what_failed() {
    let (sandbox, ups) = components(&["app", "broken", "stuck"], &[("broken", BROKEN)]);
    sandbox.series("stuck", "greeting", &[("greeting.patch", &ups[2].greeting_patch("v1.2.3", "good day"))]);
    sandbox.edit("recipes/all.toml", "[component.stuck]\n", "[component.stuck]\nseries = [\"greeting\"]\n");
    ups[2].release_with("v1.2.4", &[("greet.go", "package main\n\nfunc greeting() string { return `moin` }\n")]);
    let ran = sandbox.forge(&["build", "--json"]);
    let document = ran.code(4).json();
    let [app] = &ran.artifacts()[..] else { panic!("one artifact is expected: {document}") };
    assert_eq!((&app["component"], &app["version"]), (&json!("app"), &json!("v1.2.3")));
    assert!(sandbox.project().join(app["path"].as_str().unwrap()).is_file());
    let [broken, stuck] = &failures(&document)[..] else { panic!("two failures are expected: {document}") };
    let keys: Vec<&String> = stuck.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["code", "component", "details", "log", "message", "stage", "target", "tree", "version", "wanted"]);
    let told = |failure: &Value| ["component", "version", "wanted", "target", "stage", "code"].map(|key| failure[key].clone());
    assert_eq!(json!(told(broken)), json!(["broken", "v1.2.3", "~1.2", host(), "build", 4]));
    assert_eq!(json!(told(stuck)), json!(["stuck", "v1.2.4", "~1.2", null, "resolve", 3]));
    assert!(fs::read_to_string(broken["log"].as_str().unwrap()).unwrap().contains("cannot use \"no\""));
    assert!(Path::new(broken["tree"].as_str().unwrap()).join("bad.go").is_file());
    assert!(broken["details"].to_string().contains("bad.go:3"), "{broken}");
    assert!(stuck["message"].as_str().unwrap().contains("greeting.patch"), "{stuck}");
    assert!(stuck["details"].to_string().contains("greet.go"), "{stuck}");
    assert_eq!((&stuck["log"], &stuck["tree"]), (&Value::Null, &Value::Null));
    // For people the same, and what could be resolved is locked.
    let ran = sandbox.forge(&["build"]);
    ran.code(4)
        .prints("app-v1.2.3-all-")
        .says("broken v1.2.3 for")
        .says("stuck v1.2.4: greeting.patch of the series does not apply");
    let lock = sandbox.read("recipes/all.lock");
    assert!(lock.contains("\"app\"") && lock.contains("\"broken\"") && !lock.contains("\"stuck\""), "{lock}");
    // The code is that of the first failure, in the order of the recipe.
    sandbox.forge(&["build", "stuck", "--json"]).code(3);
    ups[1].release_with("v1.2.4", &[("bad.go", "")]);
    assert_eq!(failures(&sandbox.forge(&["build", "app", "broken@v1.2.4", "stuck", "--json"]).code(3).json()).len(), 1);
    // An entry that holds no more stays as it is, until something better is known.
    sandbox.forge(&["lock", "app", "broken"]).ok();
    ups[2].delete_tag("v1.2.4");
    sandbox.forge(&["lock"]).ok();
    let lock = sandbox.read("recipes/all.lock");
    assert!(lock.contains("\"stuck\""), "{lock}");
    sandbox.series("stuck", "greeting", &[("greeting.patch", &ups[2].greeting_patch("v1.2.3", "x").replace("hello", "hallo"))]);
    sandbox.forge(&["build"]).code(4).says("greeting.patch");
    assert_eq!(sandbox.read("recipes/all.lock"), lock);
    sandbox.forge(&["build", "--locked"]).code(4);
    // `lock` and the others that need all of them are all or nothing.
    sandbox.forge(&["lock"]).code(3);
}

#[test]
fn what_every_component_lacks_is_told_once() {
    let (sandbox, _ups) = components(&["app", "bee"], &[]);
    let bare = sandbox.command(&["build", "--json"]).env("PATH", sandbox.tools(&["go"])).run();
    assert_eq!(failures(&bare.code(1).json()).len(), 2);
    assert_eq!(bare.stderr.matches("`git` was not found in PATH").count(), 1, "{}", bare.stderr);
}

#[test]
fn a_tree_that_cannot_be_prepared_fails_every_platform() {
    let (sandbox, _ups) = components(&["app"], &[]);
    sandbox.edit("recipes/upstreams/app.toml", "packages", "prepare = [[\"sh\", \"-c\", \"echo halfway; exit 3\"]]\npackages");
    let args = ["build", "--json", "--jobs", "3", "--target", "linux/amd64", "--target", "linux/arm64"];
    let ran = sandbox.forge(&args);
    let document = ran.code(4).json();
    let [first, second] = &failures(&document)[..] else { panic!("{document}") };
    assert!(first["details"].to_string().contains("halfway"), "{document}");
    let message = second["message"].as_str().unwrap();
    assert!(message.contains("linux/arm64: not built") && message.contains("shares with linux/amd64"), "{message}");
    assert!(sandbox.work_left().is_empty());
}

/// An upstream built by make: the recipe of its Makefile is this.
fn made(sandbox: &Sandbox, up: &Upstream, script: &str) {
    let makefile = format!("app:\n\t{}\n\tCGO_ENABLED=0 go build -o app .\n", script.replace('$', "$$"));
    up.release_with("v1.2.4", &[("Makefile", &makefile)]);
    let block = "[[build]]\ndriver = \"make\"\ngoal = \"app\"\noutput = \"app\"\n";
    let text = format!("git = \"{}\"\nreleases = {{ tags = \"v*\" }}\n{block}", up.url());
    sandbox.write(&format!("recipes/upstreams/{}.toml", up.name()), &text);
}

#[test]
fn builds_run_side_by_side_and_are_told_in_order() {
    let (sandbox, ups) = components(&["app", "bee"], &[]);
    let root = sandbox.root().display();
    let wait = |for_what: &str| {
        format!("n=0; until ls {for_what} 2>/dev/null; do n=$((n+1)); [ $n -lt 600 ] || exit 1; sleep 0.1; done")
    };
    // The first is done only when the second has been delivered, which waits for the beginning of the first.
    made(&sandbox, &ups[0], &format!("touch {root}/begun; {}", wait(&format!("{root}/project/dist/bee-*.log"))));
    made(&sandbox, &ups[1], &wait(&format!("{root}/begun")));
    let ran = sandbox.forge(&["build", "--jobs", "2", "--json", "-v"]);
    let order: Vec<Value> = ran.ok().artifacts().iter().map(|a| a["component"].clone()).collect();
    assert_eq!(order, ["app", "bee"]);
    let first = |text: &str| ran.stderr.find(text).unwrap_or_else(|| panic!("{text}\n{}", ran.stderr));
    assert!(first("Compiled bee") < first("Compiled app"));
    // Whose lines these are.
    ran.says(&format!("make | bee v1.2.4 {}: ", host())).says(&format!("make | app v1.2.4 {}: ", host()));
    ran.lacks("Waiting for another forge");
    assert_eq!(tool_ok(&sandbox.project().join("dist"), "sha256sum", &["-c", "SHA256SUMS"]).lines().count(), 2);
    let log = fs::read_to_string(format!("{}.log", sandbox.binary("dist", "app-").display())).unwrap();
    assert!(log.contains("touch ") && !log.contains("bee v1.2.4"), "{log}");
    sandbox.forge(&["build", "--jobs", "0"]).code(2);
}

#[test]
fn an_interrupt_ends_all_that_run() {
    let (sandbox, ups) = components(&["app", "bee"], &[]);
    let nap = format!("8953.{}", std::process::id());
    for up in &ups {
        made(&sandbox, up, &format!("touch {}/{}; sleep {nap}", sandbox.root().display(), up.name()));
    }
    let command = sandbox.command(&["build", "--jobs", "2", "--json"]);
    let child = command.spawn();
    let begun = Instant::now();
    while !["app", "bee"].iter().all(|name| sandbox.root().join(name).exists()) {
        assert!(begun.elapsed() < Duration::from_secs(120), "the builds do not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ran = command.ran(&child.wait_with_output().unwrap());
    ran.code(130).says("interrupted");
    assert_eq!(ran.stdout, "");
    let commands = names(Path::new("/proc")).into_iter().filter_map(|pid| fs::read(format!("/proc/{pid}/cmdline")).ok());
    let left = commands.filter(|line| String::from_utf8_lossy(line).contains(&nap)).count();
    assert_eq!(left, 0, "a child lives on");
    assert!(sandbox.work_left().is_empty() && names(&sandbox.store().join("failed")).is_empty());
}
