//! Facts about a binary: those that hold, those that do not, and those that this machine cannot find out.

use std::fs;

use forge::names::Target;

use crate::kit::{Sandbox, Upstream, names};

/// A program that can do what a check looks at.
const PROGRAM: &str = r#"package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func greeting() string {
	args := os.Args[1:]
	for len(args) > 1 {
		switch args[0] {
		case "say":
			fmt.Println(args[1])
		case "err":
			fmt.Fprintln(os.Stderr, args[1])
		case "cat":
			text, err := os.ReadFile(args[1])
			fmt.Printf("%s %v\n", text, err)
		case "env":
			fmt.Println(len(os.Environ()), os.Getenv(args[1]))
		case "sleep":
			n, _ := strconv.Atoi(args[1])
			time.Sleep(time.Duration(n) * time.Second)
		case "exit":
			n, _ := strconv.Atoi(args[1])
			os.Exit(n)
		}
		args = args[2:]
	}
	return "done"
}
"#;

fn sandbox(expect: &str) -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    up.release_with("v1.2.4", &[("greet.go", PROGRAM)]);
    let blocks: String = expect
        .split('\n')
        .filter(|l| !l.trim().is_empty())
        .map(|l| format!("[[component.app.expect]]\n{}\n", l.trim().replace("; ", "\n")))
        .collect();
    sandbox.recipe("app", &format!("[component.app]\nlines = [\"~1.2\"]\n{blocks}"));
    (sandbox, up)
}

#[test]
fn facts_that_hold() {
    let (sandbox, _up) = sandbox(
        r#"
        run = ["say", "{version} for {os}/{arch}", "err", "a warning"]; stdout = { equals = "v1.2.4 for OS/ARCH\ndone\n" }; stderr = { contains = ["a ", "warning"], lacks = "error" }
        run = ["exit", "7"]; exit = 7; stdout = { equals = "" }
        run = ["cat", "conf/a.yaml", "cat", "b"]; files = { "conf/a.yaml" = "checks/a.yaml", b = "checks/b" }; stdout = { matches = '(?m)^answer: [0-9]+\n <nil>$', contains = "second" }
        run = ["env", "HOME"]; stdout = { equals = "0 \ndone\n" }
        run = ["sleep", "1"]; within = 30
        run = []; stdout = { equals = "done\n" }
        has = ["main.greeting", "done"]
        "#,
    );
    sandbox.edit("recipes/app.toml", "OS/ARCH", &Target::host().to_string());
    sandbox.write("checks/a.yaml", "answer: 42\n");
    sandbox.write("checks/b", "second");
    sandbox.forge(&["build"]).ok().says("9 facts hold");
    // They are part of what makes a build: another file, another build.
    sandbox.forge(&["build"]).ok().says("Fresh");
    sandbox.write("checks/a.yaml", "answer: 43\n");
    sandbox.forge(&["build"]).ok().says("Compiled").lacks("Fresh");
    sandbox.write("checks/a.yaml", "no answer\n");
    sandbox.forge(&["build"]).code(5).says("expect 3");
}

#[test]
fn facts_that_do_not_hold() {
    let (sandbox, _up) = sandbox(
        r#"
        run = ["say", "one\ntwo"]; stdout = { contains = ["one", "three"], lacks = "two", equals = "four\n", matches = "^f" }
        run = ["err", "broken"]; exit = 3; stderr = { equals = "" }
        run = ["exit", "9"]
        run = ["sleep", "20"]; within = 1
        has = ["main.greeting", "main.noSuchFunction"]
        run = ["say", "fine"]; stdout = { contains = "fine" }
        "#,
    );
    let ran = sandbox.forge(&["build", "--json"]);
    ran.code(5)
        .says("app v1.2.4 for")
        .says("the binary is not what the recipe expects")
        .says("expect 1: run \"say 'one\\ntwo'\"")
        .says("stdout should contain \"three\"")
        .says("stdout should not contain \"two\"")
        .says("stdout should be \"four\\n\"")
        .says("stdout should match \"^f\"")
        .says("stdout is: one two done")
        .says("expect 2: run \"err broken\": it should exit with 3: ended with exit code 0; stderr should be \"\"")
        .says("stderr is: broken")
        .says("expect 3: run \"exit 9\": it should exit with 0: ended with exit code 9")
        .says("stdout is empty")
        .says("expect 4: run \"sleep 20\": it did not end within 1 s")
        .says("expect 5: the binary should contain \"main.noSuchFunction\", and does not")
        .lacks("expect 6")
        .lacks("main.greeting\"");
    assert_eq!(ran.artifacts().len(), 0);
    assert!(names(&sandbox.project().join("dist")).is_empty(), "what is wrong is not delivered");
    assert!(names(&sandbox.store().join("builds")).is_empty(), "nor kept as good");
    // The tree, the log and the binary itself stay for a look.
    let kept = sandbox.store().join("failed").join(&names(&sandbox.store().join("failed"))[0]);
    ran.says(&kept.join("src").display().to_string());
    assert!(kept.join("src/greet.go").is_file() && names(&kept.join("out")).len() == 1);
    // An older good binary in the output folder is not touched by a failure.
    let text = sandbox.read("recipes/app.toml");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["build"]).ok();
    let binary = sandbox.binary("dist", "app-");
    let good = fs::metadata(&binary).unwrap().modified().unwrap();
    sandbox.write("recipes/app.toml", &text);
    sandbox.forge(&["build"]).code(5);
    assert_eq!(fs::metadata(&binary).unwrap().modified().unwrap(), good);
}

#[test]
fn a_foreign_binary_is_not_run() {
    let (sandbox, _up) = sandbox("run = [\"say\", \"x\"]; stdout = { contains = \"never there\" }\nhas = \"main.greeting\"");
    let foreign = if Target::host().arch() == "arm64" { "linux/amd64" } else { "linux/arm64" };
    sandbox
        .forge(&["build", "--target", foreign])
        .ok()
        .says(&format!("2 facts hold, 1 need a run on {foreign} and were not checked"));
    let log = fs::read_to_string(format!("{}.log", sandbox.binary("dist", "app-").display())).unwrap();
    assert!(log.contains("1 need a run"), "{log}");
    sandbox.edit("recipes/app.toml", "main.greeting", "main.nothing");
    sandbox.forge(&["build", "--target", foreign]).code(5).says("main.nothing").lacks("never there");
}

#[test]
fn a_binary_that_does_not_run_is_told() {
    let (sandbox, up) = sandbox("run = [\"say\", \"x\"]");
    up.release_with("v1.2.5", &[("greet.go", "package main\n\nfunc greeting() string { panic(\"out of order\") }\n")]);
    sandbox.forge(&["build"]).code(5).says("ended with exit code 2").says("panic: out of order");
}
