//! A project to build in: a copy of the repository's recipes, patches and demo sources in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::child::{forge, output, program, text};

/// A project with a store and an output folder.
pub(crate) struct Project {
    keep: tempfile::TempDir,
    store: PathBuf,
}

/// The plan of one build, as `forge plan --json` tells it.
pub(crate) struct Plan {
    /// The build key.
    pub(crate) key: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Project {
    /// With a store of its own, or in `store`.
    pub(crate) fn new(store: Option<PathBuf>) -> Self {
        let keep = tempfile::tempdir().unwrap();
        for folder in ["recipes", "patches", "demo"] {
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &keep.path().join(folder));
        }
        let store = store.unwrap_or_else(|| keep.path().join("store"));
        Self { keep, store }
    }

    pub(crate) fn path(&self) -> &Path {
        self.keep.path()
    }

    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    pub(crate) fn dist(&self) -> PathBuf {
        self.path().join("dist")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The recipe without its expectations, as `plain-NAME`, with the same lock.
    pub(crate) fn plain(&self, name: &str) -> String {
        let plain = format!("plain-{name}");
        let text = fs::read_to_string(self.path().join(format!("recipes/{name}.toml"))).unwrap();
        let mut inside = false;
        let kept = text.lines().filter(|line| {
            if line.starts_with('[') {
                inside = line.contains(".expect]]");
            }
            !inside
        });
        let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
        self.write(&format!("recipes/{plain}.toml"), &kept);
        if let Ok(lock) = fs::read_to_string(self.path().join(format!("recipes/{name}.lock"))) {
            self.write(&format!("recipes/{plain}.lock"), &lock);
        }
        plain
    }

    /// A forge command in this project.
    pub(crate) fn forge(&self, words: &[&str]) -> Command {
        let mut command = forge(self.path(), &self.store);
        command.args(words);
        command
    }

    /// The words behind `build` and `plan` for one component, for this machine.
    pub(crate) fn one<'a>(&self, recipe: &'a str, component: &'a str) -> [&'a str; 5] {
        let host: &'static str = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };
        [component, "--recipe", recipe, "--target", host]
    }

    /// The plan of one component.
    pub(crate) fn plan(&self, recipe: &str, component: &str) -> Plan {
        self.plan_with(recipe, component, &[])
    }

    /// The plan of one component with more options.
    pub(crate) fn plan_with(&self, recipe: &str, component: &str, more: &[&str]) -> Plan {
        let json = output(self.forge(&["plan", "--json"]).args(self.one(recipe, component)).args(more));
        let document: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let build = &document["plan"]["builds"][0];
        let words = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        Plan {
            key: words(&build["key"]),
            args: build["build"]["args"].as_array().unwrap().iter().map(words).collect(),
            env: build["build"]["env"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), words(v))).collect(),
        }
    }

    /// The `go build` of a plan, typed by hand in the patched tree: with the very toolchain, not by way of another one.
    pub(crate) fn go_build(&self, plan: &Plan, tree: &Path) -> Command {
        let toolchain = plan.env.iter().find(|(name, _)| name == "GOTOOLCHAIN").unwrap();
        let root = text(program("go", tree).args(["env", "GOROOT"]).env(&toolchain.0, &toolchain.1));
        let mut command = program(Path::new(&root).join("bin/go"), tree);
        command.envs(plan.env.iter().map(|(name, value)| (name, value))).env("GOTOOLCHAIN", "local");
        command.arg(&plan.args[0]).args(["-o", "../by-hand"]).args(&plan.args[1..]);
        command
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
