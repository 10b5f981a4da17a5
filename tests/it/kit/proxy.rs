//! A Go module proxy in a folder, with modules that a test makes, and a module cache of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::app::tool;
use super::host::{environment, git};
use super::run::Cmd;
use super::sandbox::Sandbox;

/// What it does not have comes from the module cache of this machine, and then from the network.
pub(crate) struct ModuleProxy {
    root: PathBuf,
}

impl Sandbox {
    /// A module proxy in the sandbox.
    pub(crate) fn proxy(&self) -> ModuleProxy {
        let proxy = ModuleProxy { root: self.root().join("proxy") };
        fs::create_dir_all(proxy.root.join("files")).unwrap();
        proxy
    }
}

impl ModuleProxy {
    fn versions(&self, module: &str) -> PathBuf {
        self.root.join("files").join(module).join("@v")
    }

    /// Publishes a version; `files` needs a `go.mod`.
    pub(crate) fn publish(&self, module: &str, version: &str, files: &[(&str, &str)]) {
        let folder = self.versions(module);
        fs::create_dir_all(&folder).unwrap();
        let work = tempfile::tempdir_in(&self.root).unwrap();
        git(work.path(), &["init", "-q"]);
        for (path, text) in files {
            let path = work.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        git(work.path(), &["add", "-A"]);
        let tree = git(work.path(), &["write-tree"]);
        let zip = folder.join(format!("{version}.zip"));
        let prefix = format!("--prefix={module}@{version}/");
        git(work.path(), &["archive", "--format=zip", &prefix, "-o", zip.to_str().unwrap(), &tree]);
        let go_mod = files.iter().find(|(path, _)| *path == "go.mod").expect("a module has a go.mod").1;
        fs::write(folder.join(format!("{version}.mod")), go_mod).unwrap();
        self.point(module, version, version);
        let mut list = fs::read_to_string(folder.join("list")).unwrap_or_default();
        if !version.contains("-0.") && !version.starts_with("v0.0.0-") {
            list.push_str(&format!("{version}\n"));
        }
        fs::write(folder.join("list"), list).unwrap();
    }

    /// Makes a query, such as a branch, mean a version.
    pub(crate) fn point(&self, module: &str, query: &str, version: &str) {
        let text = format!("{{\"Version\":\"{version}\",\"Time\":\"2023-11-14T22:13:20Z\"}}");
        fs::write(self.versions(module).join(format!("{query}.info")), text).unwrap();
    }

    /// forge, with this proxy in front of the others.
    pub(crate) fn used_by(&self, command: Cmd) -> Cmd {
        let vars = environment();
        let text = |name: &str| vars.get(std::ffi::OsStr::new(name)).map(|v| v.to_string_lossy().into_owned());
        let machine = format!("file://{}/cache/download", text("GOMODCACHE").unwrap_or_default());
        let network = text("GOPROXY").unwrap_or_else(|| "https://proxy.golang.org,direct".to_owned());
        command
            .env("GOPROXY", format!("file://{},{machine},{network}", self.root.join("files").display()))
            .env("GOSUMDB", "off")
            .env("GOMODCACHE", self.root.join("cache"))
    }
}

impl Drop for ModuleProxy {
    fn drop(&mut self) {
        // go makes its cache read-only, and the sandbox could not be removed.
        if self.root.join("cache").is_dir() {
            tool(Path::new("/"), "chmod", &["-R", "u+w", self.root.join("cache").to_str().unwrap()]);
        }
    }
}
