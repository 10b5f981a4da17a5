//! A world of its own for one test: home, configuration, store and a project.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::host::{environment, program};
use super::mail::series_toml;
use super::program::Program;
use super::run::{Cmd, Ran};
use super::upstream::Upstream;

/// A temporary folder with everything that forge reads and writes. Gone when dropped.
pub(crate) struct Sandbox {
    temp: tempfile::TempDir,
    root: PathBuf,
}

impl Sandbox {
    /// An empty project: `recipes/upstreams` and `patches`.
    pub(crate) fn new() -> Self {
        let temp = tempfile::Builder::new().prefix("forge-it-").tempdir().unwrap();
        let root = fs::canonicalize(temp.path()).unwrap();
        let sandbox = Self { temp, root };
        for folder in ["home", "project/recipes/upstreams", "project/patches", "empty"] {
            fs::create_dir_all(sandbox.root.join(folder)).unwrap();
        }
        // The search for a project ends here.
        fs::create_dir_all(sandbox.root.join("empty/.git")).unwrap();
        fs::write(sandbox.gitconfig(), "[safe]\n\tdirectory = *\n").unwrap();
        sandbox
    }

    /// A project with the recipe `app` for a fresh upstream `app` that has these releases: `lines = ["~1.2"]`.
    pub(crate) fn with_app(releases: &[&str]) -> (Self, Upstream) {
        let sandbox = Self::new();
        let up = sandbox.upstream("app", Program::default());
        up.releases(releases);
        sandbox.upstream_file(&up);
        sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
        (sandbox, up)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
    pub(crate) fn project(&self) -> PathBuf {
        self.root.join("project")
    }
    pub(crate) fn store(&self) -> PathBuf {
        self.root.join("store")
    }
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }
    /// A folder outside of any project.
    pub(crate) fn empty(&self) -> PathBuf {
        self.root.join("empty")
    }
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("home/.local/state/forge")
    }
    /// The configuration of the user's git.
    pub(crate) fn gitconfig(&self) -> PathBuf {
        self.root.join("home/.gitconfig")
    }

    /// A setting of the user's git.
    pub(crate) fn git_config(&self, key: &str, value: &str) {
        super::host::git(&self.root, &["config", "--file", self.gitconfig().to_str().unwrap(), "--add", key, value]);
    }

    /// Makes a repository `upstreams/NAME.git`.
    pub(crate) fn upstream(&self, name: &str, program: Program) -> Upstream {
        Upstream::new(self.root.join(format!("upstreams/{name}.git")), name, program)
    }

    /// Writes the upstream's file.
    pub(crate) fn upstream_file(&self, up: &Upstream) {
        self.write(&format!("recipes/upstreams/{}.toml", up.name()), &up.toml());
    }

    /// Writes `recipes/NAME.toml`: a description, the machine's target, and `components`.
    pub(crate) fn recipe(&self, name: &str, components: &str) {
        let target = forge::names::Target::host();
        let text = format!("description = \"{name} for tests\"\ntargets = [\"{target}\"]\n\n{components}");
        self.write(&format!("recipes/{name}.toml"), &text);
    }

    /// Writes `patches/UPSTREAM/SERIES` with these files and a list of them.
    pub(crate) fn series(&self, upstream: &str, series: &str, patches: &[(&str, &str)]) {
        let folder = format!("patches/{upstream}/{series}");
        for (name, text) in patches {
            self.write(&format!("{folder}/{name}"), text);
        }
        let names: Vec<&str> = patches.iter().map(|(name, _)| *name).collect();
        self.write(&format!("{folder}/series.toml"), &series_toml(&names));
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the project.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.project().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.project().join(path).exists()
    }

    /// Replaces text in a file of the project; it must be there.
    #[track_caller]
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no {old:?}:\n{text}");
        self.write(path, &text.replace(old, new));
    }

    /// Runs forge in the project.
    pub(crate) fn forge(&self, args: &[&str]) -> Ran {
        self.command(args).run()
    }

    /// forge in the project, to be changed before it runs.
    pub(crate) fn command(&self, args: &[&str]) -> Cmd {
        let mut vars: BTreeMap<OsString, OsString> = environment();
        let home = self.home();
        for (name, value) in [
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", home.join(".config")),
            ("XDG_CACHE_HOME", home.join(".cache")),
            ("XDG_DATA_HOME", home.join(".local/share")),
            ("XDG_STATE_HOME", home.join(".local/state")),
            ("FORGE_STORE", self.store()),
            ("GIT_CONFIG_GLOBAL", self.gitconfig()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ] {
            vars.insert(name.into(), value.into());
        }
        Cmd::new(&self.root, self.project(), vars, args)
    }

    /// A folder for PATH with these programs of the machine and no others.
    pub(crate) fn tools(&self, names: &[&str]) -> PathBuf {
        let folder = self.root.join(format!("bin-{}", names.join("-")));
        fs::create_dir_all(&folder).unwrap();
        for name in names {
            let link = folder.join(name);
            if !link.exists() {
                std::os::unix::fs::symlink(program(name), link).unwrap();
            }
        }
        folder
    }

    /// A PATH with a git that hangs at every fetch, where the network would: it makes the file that is given, too, and then sleeps
    /// for `nap`.
    pub(crate) fn hanging_git(&self, nap: &str) -> (String, PathBuf) {
        let (hanging, begun) = (self.root.join("hanging"), self.root.join("begun"));
        fs::create_dir(&hanging).unwrap();
        let real = self.tools(&["git", "go"]);
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in *' fetch '*) touch {}; sleep {nap};; esac\nexec {}/git \"$@\"\n",
            begun.display(),
            real.display()
        );
        fs::write(hanging.join("git"), script).unwrap();
        fs::set_permissions(hanging.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
        (format!("{}:{}:/usr/bin:/bin", hanging.display(), real.display()), begun)
    }

    /// Every file below `folder` that contains `text`, anywhere in its bytes.
    pub(crate) fn grep(&self, folder: &Path, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && memchr::memmem::find(&fs::read(entry.path()).unwrap(), text.as_bytes()).is_some() {
                    found.push(entry.path());
                }
            }
        }
        found
    }
}
