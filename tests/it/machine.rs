//! The machine that forge runs on: what it lacks, and the room that the store takes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Program, Sandbox, names, tool_ok};

/// The finding of one check.
fn finding(document: &serde_json::Value, check: &str) -> serde_json::Value {
    let all = document["checks"].as_array().unwrap();
    all.iter().find(|f| f["check"] == check).unwrap_or_else(|| panic!("no {check} in {document}")).clone()
}

#[test]
fn a_doctor_tells_what_a_recipe_lacks_and_how_to_get_it() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program { makefile: true, ..Program::default() });
    up.release("v1.2.3");
    sandbox.upstream_file(&up);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    let healthy = sandbox.forge(&["doctor", "--json"]).ok().json();
    for check in ["git", "go", "make", "store"] {
        assert_eq!(finding(&healthy, check)["health"], "good", "{healthy}");
    }
    assert!(finding(&healthy, "make")["needed_by"].as_array().unwrap().iter().any(|r| r == "app"));
    assert!(finding(&healthy, "go")["found"].as_str().unwrap().contains(crate::kit::go_version().trim_start_matches("go")));
    // A machine with git, go and a package manager.
    let bin = sandbox.tools(&["git", "go"]);
    fs::write(bin.join("apt-get"), "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(bin.join("apt-get"), fs::Permissions::from_mode(0o755)).unwrap();
    let bare = |args: &[&str]| sandbox.command(args).env("PATH", bin.as_os_str()).run();
    let ran = bare(&["doctor"]);
    ran.code(1).prints("MISSING make        not in PATH").prints("needed by app").prints("apt-get install -y make");
    let document = bare(&["doctor", "--json"]).code(1).json();
    // What no recipe asks for is told, and is no fault.
    assert_eq!(finding(&document, "containers")["health"], "notice", "{document}");
    assert_eq!(finding(&document, "C compiler")["mend"], "apt-get install -y gcc libc6-dev");
    // Nothing at all; a store that cannot be one; secrets.
    let command = sandbox.command(&["doctor", "--store", "recipes/app.toml", "--json"]);
    let ran = command.env("PATH", sandbox.empty()).env("HTTPS_PROXY", "http://me:s3cr3t@proxy.example:8080").run();
    let document = ran.code(1).json();
    for check in ["git", "store"] {
        assert_eq!(finding(&document, check)["health"], "missing", "{document}");
    }
    assert!(ran.stdout.contains("proxy.example") && !ran.stdout.contains("s3cr3t"), "{}", ran.stdout);
    assert!(finding(&document, "go")["mend"].as_str().unwrap().contains("go.dev/dl"));
}

#[test]
fn a_line_needs_what_its_newest_release_does() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program { makefile: true, ..Program::default() });
    up.releases(&["v1.1.0", "v1.2.3"]);
    let blocks = "[[build]]\nversions = \"<1.2\"\ndriver = \"docker\"\nimage = \"x\"\noutput = \"app\"\n\n\
                  [[build]]\nversions = \">=1.2\"\ndriver = \"go\"\npackages = [\".\"]\n\n\
                  [[build]]\nversions = \">=1.3\"\ndriver = \"go\"\ncgo = true\n";
    sandbox.write("recipes/upstreams/app.toml", &format!("git = \"{}\"\nreleases = {{ tags = \"v*\" }}\n\n{blocks}", up.url()));
    let needed = |lines: &str| {
        sandbox.recipe("app", &format!("[component.app]\nlines = {lines}\n"));
        let document = sandbox.command(&["doctor", "--json"]).run().json();
        let needs = |check: &str| finding(&document, check)["needed_by"].as_array().unwrap().iter().any(|r| r == "app");
        ["make", "containers", "C compiler"].map(needs)
    };
    assert_eq!(needed("[\"~1.1\"]"), [true, true, false]);
    assert_eq!(needed("[\"~1.2\"]"), [false, false, false]);
    // The first line is what is built.
    assert_eq!(needed("[\"~1.2\", \"~1.1\"]"), [false, false, false]);
    assert_eq!(needed("[\"~1.1\", \"~1.2\"]"), [true, true, false]);
    // What is not released yet could come tomorrow; a lock knows better.
    assert_eq!(needed("[\">=1.1\"]"), [false, false, true]);
    sandbox.forge(&["lock"]).ok();
    assert_eq!(needed("[\">=1.1\"]"), [false, false, false]);
    // Whether a Makefile wants CGO only the lock knows.
    let flags =
        "[[build]]\ndriver = \"go\"\nflags_from = \"make\"\n[[build]]\ndriver = \"make\"\ngoal = \"app\"\noutput = \"app\"\n";
    sandbox.write("recipes/upstreams/app.toml", &format!("git = \"{}\"\nreleases = {{ tags = \"v*\" }}\n\n{flags}", up.url()));
    fs::remove_file(sandbox.project().join("recipes/app.lock")).unwrap();
    assert_eq!(needed("[\"~1.2\"]"), [true, false, false]);
    let makefile = "app:\n\tCGO_ENABLED=1 go build -trimpath -o app .\n";
    up.release_with("v1.2.4", &[("Makefile", makefile)]);
    sandbox.forge(&["lock"]).ok();
    assert_eq!(needed("[\"~1.2\"]"), [true, false, true]);
}

#[test]
fn an_old_git_and_a_silent_engine_are_told() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    let bin = sandbox.tools(&["go"]);
    for (name, script) in [("git", "echo git version 2.20.1"), ("docker", "echo cannot connect >&2; exit 1")] {
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let ran = sandbox.command(&["doctor"]).env("PATH", bin.as_os_str()).run();
    ran.code(1).prints("git version 2.20.1, and 2.29 or newer is needed").prints("docker does not answer: cannot connect");
}

/// A store with two finished builds, one failed one, and what a killed forge left.
fn full() -> (Sandbox, Vec<String>) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["build"]).ok();
    up.release_with("v1.2.4", &[("greet.go", "package main\n\nfunc greeting() string { return \"v1.2.4\" }\n")]);
    sandbox.forge(&["build", "app@v1.2.4"]).ok();
    up.release_with("v1.2.5", &[("bad.go", "package main\n\nvar x int = \"no\"\n")]);
    sandbox.forge(&["build", "app@v1.2.5"]).code(4);
    fs::create_dir_all(sandbox.store().join("work/app.dead/src")).unwrap();
    fs::write(sandbox.store().join("work/app.dead.lock"), "").unwrap();
    let builds = names(&sandbox.store().join("builds"));
    assert_eq!(builds.len(), 2);
    (sandbox, builds)
}

#[test]
fn rubbish_goes_and_what_is_of_use_stays() {
    let (sandbox, builds) = full();
    let folder = |name: &str| names(&sandbox.store().join(name));
    let told = sandbox.forge(&["gc", "--dry-run", "--json"]).ok().json();
    assert_eq!((folder("failed").len(), folder("work").len()), (1, 2), "a dry run changed something");
    let kinds: Vec<&str> = told["removed"].as_array().unwrap().iter().map(|i| i["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["rubbish", "failed"]);
    let done = sandbox.forge(&["gc", "--json"]).ok().json();
    assert_eq!((&done["removed"], &done["freed"], &done["left"]), (&told["removed"], &told["freed"], &told["left"]));
    assert!(done["freed"].as_u64().unwrap() > 4096);
    assert!(folder("failed").is_empty() && folder("work").is_empty());
    assert_eq!(folder("builds"), builds);
    sandbox.forge(&["build"]).ok().lacks("Compiling");
    sandbox.forge(&["gc"]).ok().prints("0 B  freed");
}

#[test]
fn a_budget_takes_the_longest_unused_first() {
    let (sandbox, builds) = full();
    let record = |build: &String| sandbox.store().join("builds").join(build).join("record.json");
    let used = sandbox.forge(&["build", "--json"]).ok().artifacts()[0]["sha256"].clone();
    let is_used = |build: &&String| fs::read_to_string(record(build)).unwrap().contains(used.as_str().unwrap());
    let (used, unused) = (builds.iter().find(is_used).unwrap(), builds.iter().find(|b| !is_used(b)).unwrap());
    for build in &builds {
        for path in [record(build), sandbox.store().join("builds").join(build)] {
            tool_ok(sandbox.root(), "touch", &["-d", "3 days ago", path.to_str().unwrap()]);
        }
    }
    // Taken from the store, without anything that runs.
    sandbox.forge(&["build", "--out", "again"]).ok().lacks("Compiling");
    let done = sandbox.forge(&["gc", "--max-age", "2d"]);
    done.ok().prints("1 finished builds").prints("1 work folders of killed forges");
    assert_eq!(names(&sandbox.store().join("builds")), [used.as_str()]);
    assert!(!record(unused).exists());
    assert_eq!(names(&sandbox.store().join("failed")).len(), 1, "a tree that failed just now was taken");
    // To nothing, and everything comes back.
    sandbox.forge(&["gc", "--max-size", "0"]).ok().prints("clones");
    for kind in ["builds", "git", "failed", "work"] {
        let left: Vec<String> = names(&sandbox.store().join(kind)).into_iter().filter(|n| !n.ends_with(".lock")).collect();
        assert!(left.is_empty(), "{kind}: {left:?}");
    }
    sandbox.forge(&["build", "--out", "third", "--locked"]).ok().says("Compiling");
    for wrong in [["--max-size", "much"], ["--max-age", "5"]] {
        sandbox.forge(&["gc", wrong[0], wrong[1]]).code(2);
    }
}

#[test]
fn what_living_forges_use_is_left_alone() {
    let (sandbox, builds) = full();
    let begun = sandbox.root().join("begun");
    let script = format!("touch {}; exec sleep 600", begun.display());
    let command = sandbox.command(&["shell", "app", "--", "sh", "-c", &script]);
    let mut child = command.std().spawn().unwrap();
    while !begun.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let clones = names(&sandbox.store().join("git"));
    let done = sandbox.forge(&["gc", "--max-size", "0", "--json"]);
    assert_eq!(done.ok().says("other forges are at work").json()["busy"], true);
    assert_eq!((names(&sandbox.store().join("builds")), names(&sandbox.store().join("git"))), (builds, clones));
    let work = names(&sandbox.store().join("work"));
    assert_eq!(work.len(), 2, "{work:?}");
    assert!(sandbox.store().join("work").join(&work[0]).join("src/main.go").is_file());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    sandbox.forge(&["gc", "--max-size", "0"]).ok().lacks("at work");
    assert!(names(&sandbox.store().join("builds")).is_empty());
}
