//! A program on the real github.com/kardianos/service, a patched one of which tells so; and other programs of the machine.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::host::{self, go_version};
use super::program::Program;
use super::run::Ran;
use super::sandbox::Sandbox;
use super::upstream::Upstream;

const MAIN: &str = r#"package main

import (
	"fmt"
	"os"

	"github.com/kardianos/service"
)

var version = "unset"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(version)
		return
	}
	fmt.Printf("%s on %s\n", greeting(), service.Platform())
}
"#;

const GO_SUM: &str = "\
github.com/kardianos/service v1.2.4 h1:XNlGtZOYNx2u91urOdg/Kfmc+gfmuIo1Dd3rEi2OgBk=
github.com/kardianos/service v1.2.4/go.mod h1:E4V9ufUuY82F7Ztlu1eN9VXWIQxg8NoLQlmFe0MtrXc=
golang.org/x/sys v0.34.0 h1:H5Y5sJ2L2JRdyv7ROF1he/lPdvFsd0mJHFw2ThKHxLA=
golang.org/x/sys v0.34.0/go.mod h1:BJP2sWEmIv4KK5OTEluFJCKSidICx8ciO85XgH3Ak8k=
";

/// What the program says once [`PLATFORM`] is applied to the library.
pub(crate) const PATCHED: &str = "hello on a patched platform\n";

/// A patch of github.com/kardianos/service v1.2.4.
pub(crate) const PLATFORM: &str = r#"From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Petra Patcher <petra@example.org>
Date: Tue, 14 Nov 2023 22:13:20 +0100
Subject: [PATCH] Name the platform

---
diff --git a/service.go b/service.go
--- a/service.go
+++ b/service.go
@@ -290,6 +290,6 @@
 
 // Platform returns a description of the system service.
 func Platform() string {
-	if system == nil {
-		return ""
+	if true {
+		return "a patched platform"
 	}
"#;

/// `go.mod` of the program, with more lines at its end.
pub(crate) fn service_go_mod(more: &str) -> String {
    let toolchain = go_version();
    format!(
        "module forge.example/app\n\ngo 1.23.0\n\ntoolchain {toolchain}\n\nrequire github.com/kardianos/service v1.2.4\n\n\
         require golang.org/x/sys v0.34.0 // indirect\n{more}"
    )
}

impl Sandbox {
    /// The upstream `app`, a program that requires github.com/kardianos/service v1.2.4, with these releases. Its file, and one
    /// for the upstream `service`, are written; so is the series `platform` for it.
    pub(crate) fn with_service(releases: &[&str]) -> (Self, Upstream) {
        let sandbox = Self::new();
        let up = sandbox.upstream("app", Program::default());
        let go_mod = service_go_mod("");
        for release in releases {
            up.release_with(release, &[("main.go", MAIN), ("go.mod", &go_mod), ("go.sum", GO_SUM)]);
        }
        sandbox.upstream_file(&up);
        sandbox.write("recipes/upstreams/service.toml", "module = \"github.com/kardianos/service\"\n");
        sandbox.series("service", "platform", &[("name-the-platform.patch", PLATFORM)]);
        (sandbox, up)
    }

    /// The same with the recipe `app`, which builds it with the patched library.
    pub(crate) fn with_patched_service() -> (Self, Upstream) {
        let (sandbox, up) = Self::with_service(&["v1.2.3+k0s.0"]);
        sandbox.recipe(
            "app",
            "[component.app]\nlines = [\"~1.2\"]\nreplace = [\"service\"]\n[component.service]\nseries = [\"platform\"]\n",
        );
        (sandbox, up)
    }

    /// The only binary below `dist` (or another folder of the project) whose name begins so.
    #[track_caller]
    pub(crate) fn binary(&self, folder: &str, begin: &str) -> PathBuf {
        let found: Vec<String> = names(&self.project().join(folder)).into_iter().filter(|n| is_binary(n, begin)).collect();
        let [one] = found.as_slice() else { panic!("{folder} should hold one {begin}*: {found:?}") };
        self.project().join(folder).join(one)
    }

    /// Lines of all files in the sandbox's `work` folder of the store: empty after every run.
    pub(crate) fn work_left(&self) -> Vec<String> {
        names(&self.store().join("work"))
    }
}

fn is_binary(name: &str, begin: &str) -> bool {
    name.starts_with(begin) && !name.ends_with(".log")
}

/// Names in a folder, sorted; none where it does not exist.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// Runs a program of PATH, or of a path.
pub(crate) fn tool(dir: &Path, name: &str, args: &[&str]) -> Output {
    let path = if name.contains('/') { PathBuf::from(name) } else { host::program(name) };
    host::run(&path, dir, args)
}

/// The same; it must succeed. Gives its standard output.
#[track_caller]
pub(crate) fn tool_ok(dir: &Path, name: &str, args: &[&str]) -> String {
    let out = tool(dir, name, args);
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{name} {args:?}: {}\n{stdout}{stderr}", out.status);
    stdout.into_owned()
}

/// What a built binary prints.
#[track_caller]
pub(crate) fn output_of(binary: &Path, args: &[&str]) -> String {
    tool_ok(Path::new("/"), binary.to_str().unwrap(), args)
}

/// True where a program is installed.
pub(crate) fn installed(name: &str) -> bool {
    let path = host::environment().get(std::ffi::OsStr::new("PATH")).cloned().unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// Tells in the output of the tests that one of them could not be done here.
pub(crate) fn skip(why: &str) {
    use std::io::Write;
    // Not captured by the test harness: a test that tests nothing must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

impl Ran {
    /// The artifacts of `build --json`.
    #[track_caller]
    pub(crate) fn artifacts(&self) -> Vec<serde_json::Value> {
        self.json()["artifacts"].as_array().expect("a list of artifacts").clone()
    }
}
