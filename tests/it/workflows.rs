//! The ready workflows: every command of `.github/workflows` and `docs/ci` is run as it stands there, in a small project, with the
//! shell and the variables that the CI gives it. What installs forge or packages of the system meets a stand-in, which takes
//! nothing but these very arguments; `.ci/run` installs forge for real.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

use crate::kit::{Ran, Sandbox, Upstream, host, names, program, tool, tool_ok};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(path: &str) -> Yaml {
    let text = fs::read_to_string(root().join(path)).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}")).remove(0)
}

fn text(yaml: &Yaml) -> String {
    yaml.as_str().unwrap_or_else(|| panic!("text is expected: {yaml:?}")).to_owned()
}

/// Strings below a key; none where it is absent.
fn table(yaml: &Yaml) -> BTreeMap<String, String> {
    yaml.as_hash().into_iter().flatten().map(|(key, value)| (text(key), text(value))).collect()
}

fn list(yaml: &Yaml) -> Vec<String> {
    yaml.as_vec().into_iter().flatten().map(text).collect()
}

/// A project with the recipe `small`, two releases of its upstream, and a machine that runs jobs in it.
struct Machine {
    sandbox: Sandbox,
    up: Upstream,
    bin: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let (sandbox, up) = Sandbox::with_app(&["v1.2.3", "v1.2.4"]);
        sandbox.series("app", "greeting", &[("greeting.patch", &up.greeting_patch("v1.2.3", "good day"))]);
        sandbox.recipe("small", "[component.app]\nlines = [\"~1.2\"]\nseries = [\"greeting\"]\nholds = \">=1.2\"\n");
        let bin = sandbox.root().join("stand-ins");
        fs::create_dir(&bin).unwrap();
        let machine = Self { sandbox, up, bin };
        let forge = env!("CARGO_BIN_EXE_forge");
        let install = format!(
            "[ \"$1 $2 $3 $4 $5\" = 'install --locked --path . --root' ] && [ $# = 6 ] && mkdir -p \"$6/bin\" && cp {forge} \"$6/bin/forge\""
        );
        machine.stand_in("cargo", &install);
        let apt = "case $* in 'update -qq' | 'install -y -qq --no-install-recommends golang-go make') ;; *) exit 9 ;; esac";
        machine.stand_in("apt-get", apt);
        machine
    }

    fn stand_in(&self, name: &str, script: &str) {
        let path = self.bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a script as a CI does.
    fn run(&self, flags: &[&str], script: &str, vars: &BTreeMap<String, String>) -> Ran {
        let file = self.sandbox.root().join("script.sh");
        fs::write(&file, script).unwrap();
        let mut args = flags.to_vec();
        args.push(file.to_str().unwrap());
        let mut command = self.sandbox.command(&args).program(program("bash")).env_remove("FORGE_STORE");
        command = command.env_remove("XDG_CACHE_HOME");
        for (name, value) in vars {
            command = command.env(name, value);
        }
        command.run()
    }

    /// The machine's programs, without forge; what `first` names comes before.
    fn path(&self, first: &[String]) -> String {
        let [tools, system] = [self.sandbox.tools(&["git", "go", "bash"]).display().to_string(), "/usr/bin:/bin".to_owned()];
        let all = first.iter().cloned().chain([self.bin.display().to_string(), tools, system]);
        all.collect::<Vec<_>>().join(":")
    }

    fn file(&self, path: &str) -> String {
        self.sandbox.read(path)
    }
}

/// One job of GitHub Actions.
struct Github<'m> {
    machine: &'m Machine,
    workflow: Yaml,
    job: Yaml,
}

impl<'m> Github<'m> {
    fn new(machine: &'m Machine, path: &str) -> Self {
        let workflow = yaml(path);
        // The shell that `run` below takes (docs.github.com, "defaults.run.shell").
        assert_eq!(workflow["defaults"]["run"]["shell"].as_str(), Some("bash"), "{path}");
        let (_, job) = workflow["jobs"].as_hash().unwrap().iter().next().unwrap();
        assert_eq!(workflow["jobs"].as_hash().unwrap().len(), 1, "{path}: one job is run here");
        let job = job.clone();
        Self { machine, workflow, job }
    }

    /// Runs every step in order, until one fails; steps that are for failed jobs, too, are looked at all the same. Gives how the
    /// steps ended, and the summary.
    fn run(&self) -> (Vec<Ran>, String) {
        let machine = self.machine;
        let temp = machine.sandbox.root().join("runner");
        fs::create_dir_all(&temp).unwrap();
        let mut ran: Vec<Ran> = Vec::new();
        let mut kept = Vec::new();
        let (mut summary, mut path) = (String::new(), Vec::new());
        for (number, step) in self.job["steps"].as_vec().unwrap().iter().enumerate() {
            let failed = ran.last().is_some_and(|ran| ran.code != 0);
            match step["if"].as_str() {
                None if failed => continue,
                None | Some("${{ !cancelled() }}") => {}
                other => panic!("the condition {other:?} is not known here"),
            }
            let Some(script) = step["run"].as_str() else {
                let action = text(&step["uses"]);
                let known = ["actions/checkout@v4", "actions/setup-go@v5", "actions/cache@v4", "actions/upload-artifact@v4"];
                assert!(known.contains(&action.as_str()), "{action}: by its major version, and GitHub's own");
                if action.starts_with("actions/upload-artifact@") {
                    let folder = machine.sandbox.project().join(text(&step["with"]["path"]));
                    assert!(!names(&folder).is_empty(), "{} is empty", folder.display());
                }
                if action.starts_with("actions/cache@") {
                    kept.extend(text(&step["with"]["path"]).lines().map(str::to_owned));
                }
                continue;
            };
            assert!(!script.contains("${{"), "an expression inside a script is code from elsewhere: {script}");
            let files: Vec<PathBuf> = ["summary", "path"].iter().map(|name| temp.join(format!("{name}-{number}"))).collect();
            files.iter().for_each(|file| fs::write(file, "").unwrap());
            let mut vars = table(&self.workflow["env"]);
            assert_eq!(vars.insert("RECIPE".into(), "small".into()).as_deref(), Some("nixos"));
            let more = [
                ("CI", "true".to_owned()),
                ("GITHUB_ACTIONS", "true".to_owned()),
                ("GITHUB_REF_NAME", "v7".to_owned()),
                ("GITHUB_STEP_SUMMARY", files[0].display().to_string()),
                ("GITHUB_PATH", files[1].display().to_string()),
                ("GITHUB_WORKSPACE", machine.sandbox.project().display().to_string()),
                ("RUNNER_TEMP", temp.display().to_string()),
                ("PATH", machine.path(&path)),
            ];
            vars.extend(more.map(|(name, value)| (name.to_owned(), value)));
            ran.push(machine.run(&["--noprofile", "--norc", "-eo", "pipefail"], script, &vars));
            summary.push_str(&fs::read_to_string(&files[0]).unwrap());
            // A folder that is added later comes first.
            for line in fs::read_to_string(&files[1]).unwrap().lines() {
                path.insert(0, line.to_owned());
            }
        }
        for place in kept.iter().filter(|place| !place.contains("/go")) {
            let place = place
                .strip_prefix("~/")
                .map(|rest| machine.sandbox.home().join(rest))
                .unwrap_or(machine.sandbox.project().join(place));
            assert!(place.is_dir(), "{}: nothing is there that could be cached", place.display());
        }
        (ran, summary)
    }
}

fn binary(version: &str) -> String {
    format!("app-{version}-small-{}", host().replace('/', "-"))
}

#[test]
fn the_workflow_of_artifacts_delivers_and_keeps_what_is_good() {
    let machine = Machine::new();
    let (ran, summary) = Github::new(&machine, ".github/workflows/artifacts.yml").run();
    assert_eq!(ran.len(), 3);
    ran.iter().for_each(|ran| _ = ran.ok());
    let name = binary("v1.2.4");
    assert_eq!(names(&machine.sandbox.project().join("dist")), ["SHA256SUMS", &name, &format!("{name}.log"), "artifacts.json"]);
    let document: serde_json::Value = serde_json::from_str(&machine.file("dist/artifacts.json")).unwrap();
    assert_eq!((&document["artifacts"][0]["version"], &document["failures"]), (&"v1.2.4".into(), &serde_json::json!([])));
    assert!(summary.starts_with("### small at v7\n\n```\n") && summary.contains(&format!("  {name}\n```\n")), "{summary}");
    // One of two fails: the other is kept, and the job is red.
    let recipe = machine.file("recipes/small.toml") + "\n[component.other]\nupstream = \"app\"\nversion = \"v1.2.5\"\n";
    machine.sandbox.write("recipes/small.toml", &recipe);
    machine.up.release_with("v1.2.5", &[("bad.go", "package main\n\nvar x int = \"no\"\n")]);
    let (ran, summary) = Github::new(&machine, ".github/workflows/artifacts.yml").run();
    ran.last().unwrap().code(4).says("bad.go:3");
    assert!(summary.contains(&name) && summary.contains("Something failed (exit code 4)"), "{summary}");
    let document: serde_json::Value = serde_json::from_str(&machine.file("dist/artifacts.json")).unwrap();
    assert_eq!((document["artifacts"].as_array().unwrap().len(), &document["failures"][0]["component"]), (1, &"other".into()));
}

#[test]
fn the_workflow_of_releases_tells_what_is_new() {
    let machine = Machine::new();
    let night = || Github::new(&machine, ".github/workflows/releases.yml").run();
    let (ran, summary) = night();
    ran.iter().for_each(|ran| _ = ran.ok());
    let new = |summary: &str| summary.split("```").nth(1).unwrap().trim().to_owned();
    assert!(new(&summary).contains("app v1.2.3 clean ") && new(&summary).contains("app v1.2.4 clean "), "{summary}");
    assert!(summary.contains("| "), "{summary}");
    assert_eq!(names(&machine.sandbox.project().join("pages")), ["matrix.html", "matrix.md"]);
    // The next night.
    let (_, summary) = night();
    assert_eq!(new(&summary), "nothing", "{summary}");
    machine.up.release("v1.2.5");
    let (ran, summary) = night();
    ran.last().unwrap().ok();
    assert!(new(&summary).starts_with("app v1.2.5 clean ") && new(&summary).lines().count() == 1, "{summary}");
    machine.up.release_with("v1.3.0", &[("greet.go", "package main\n\nfunc greeting() string { return `moin` }\n")]);
    let (ran, summary) = night();
    ran.last().unwrap().code(3).says("::error ").says("patches/app/greeting/greeting.patch");
    assert!(new(&summary).starts_with("app v1.3.0 conflict"), "{summary}");
}

/// One job of GitLab's: before_script and script are one script for the shell (docs.gitlab.com, "script").
fn gitlab(machine: &Machine, job: &str, more: &[(&str, &str)]) -> Ran {
    let file = yaml("docs/ci/gitlab-ci.yml");
    let project = machine.sandbox.project().display().to_string();
    let mut vars = table(&file["variables"]);
    vars.values_mut().for_each(|value| *value = value.replace("$CI_PROJECT_DIR", &project));
    assert_eq!(vars.insert("RECIPE".into(), "small".into()).as_deref(), Some("nixos"));
    // Go's caches are those of the test machine: what is downloaded and compiled once is enough.
    vars.retain(|name, _| !matches!(name.as_str(), "GOCACHE" | "GOMODCACHE"));
    let given = [("CI", "true"), ("GITLAB_CI", "true"), ("CI_PROJECT_DIR", project.as_str())];
    vars.extend(given.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    vars.insert("PATH".into(), machine.path(&[]));
    let job = &file[job];
    let mut lines = list(&file["default"]["before_script"]);
    lines.extend(list(&job["script"]));
    let ran = machine.run(&["-eo", "pipefail"], &lines.join("\n"), &vars);
    for path in list(&job["artifacts"]["paths"]) {
        assert!(!names(&machine.sandbox.project().join(&path)).is_empty(), "{path} is empty\n{}", ran.stderr);
    }
    for path in list(&job["cache"]["paths"]).iter().filter(|path| !path.contains("/go-")) {
        assert!(machine.sandbox.project().join(path).is_dir(), "{path} is not there to be cached");
    }
    if let Some(report) = job["artifacts"]["reports"]["codequality"].as_str() {
        let report: serde_json::Value = serde_json::from_str(&machine.file(report)).unwrap();
        assert_eq!(report.as_array().unwrap().is_empty(), ran.code == 0, "{report}");
    }
    ran
}

#[test]
fn the_jobs_of_gitlab_do_the_same() {
    let machine = Machine::new();
    gitlab(&machine, "build", &[("CI_COMMIT_TAG", "v7")]).ok();
    let name = binary("v1.2.4");
    assert_eq!(names(&machine.sandbox.project().join("dist")), ["SHA256SUMS", &name, &format!("{name}.log"), "artifacts.json"]);
    gitlab(&machine, "releases", &[("CI_PIPELINE_SOURCE", "schedule")]).ok().prints("app v1.2.4 clean ");
    gitlab(&machine, "releases", &[]).ok().prints("judged otherwise:\nnothing\n");
    machine.up.release_with("v1.2.5", &[("greet.go", "package main\n\nfunc greeting() string { return `moin` }\n")]);
    gitlab(&machine, "releases", &[]).code(3).prints("judged otherwise:\napp v1.2.5 conflict");
}

#[test]
fn the_workflows_pass_actionlint() {
    let folder = root().join(".github/workflows");
    let files: Vec<String> = names(&folder).iter().map(|name| folder.join(name).display().to_string()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let linter = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";
    let mut args = vec!["run", linter, "-no-color", "-shellcheck=", "-pyflakes="];
    args.extend(files.iter().map(String::as_str));
    let away = tempfile::tempdir().unwrap();
    assert_eq!(tool_ok(away.path(), "go", &args), "");
    // It would find something.
    let bad = away.path().join("bad.yml");
    let text = fs::read_to_string(&files[0]).unwrap().replace("runs-on: ubuntu-24.04", "runs-on: ubuntu-1.04");
    fs::write(&bad, text).unwrap();
    let found = tool(away.path(), "go", &["run", linter, "-no-color", "-shellcheck=", "-pyflakes=", bad.to_str().unwrap()]);
    assert!(!found.status.success() && String::from_utf8_lossy(&found.stdout).contains("ubuntu-1.04"), "{found:?}");
}
