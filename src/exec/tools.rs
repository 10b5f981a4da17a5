//! The tools that forge knows, and where they are.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::env::Environment;
use super::error::ExecError;
use super::interrupt::Interrupt;
use super::run::Run;

/// A program that forge calls by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// git, for everything that talks to a remote.
    Git,
    /// The go command.
    Go,
    /// gofmt, which comes with go.
    Gofmt,
    /// make (GNU), for upstreams that are built or prepared by it.
    Make,
    /// docker.
    Docker,
    /// podman, where docker is not.
    Podman,
}

impl Tool {
    /// The name that is looked for in PATH.
    pub fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Go => "go",
            Self::Gofmt => "gofmt",
            Self::Make => "make",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Git => {
                "install git 2.29 or newer (`apt install git`, `dnf install git`, `nix-shell -p git`) and see that it is in PATH"
            }
            Self::Go => "install Go 1.21 or newer from https://go.dev/dl/ and see that `go` is in PATH",
            Self::Gofmt => "gofmt comes with Go: install Go from https://go.dev/dl/ and see that its `bin` folder is in PATH",
            Self::Make => "install GNU make (`apt install make`, `dnf install make`, `nix-shell -p gnumake`)",
            Self::Docker => "install Docker from https://docs.docker.com/engine/install/",
            Self::Podman => "install podman from https://podman.io/docs/installation",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Starts children: with the environment that forge was started with, and in reach of its interrupt.
#[derive(Debug)]
pub struct Exec {
    environment: Environment,
    interrupt: Interrupt,
    found: Mutex<BTreeMap<Tool, PathBuf>>,
}

impl Exec {
    /// A door to children with this environment.
    pub fn new(environment: Environment, interrupt: Interrupt) -> Self {
        Self { environment, interrupt, found: Mutex::default() }
    }

    /// The environment that children get unless a run changes it.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The interrupt that ends children.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Where a tool is, by the PATH of the snapshot. Looked up once. Relative and empty parts of PATH are skipped: what
    /// happens to lie in the current folder, such as an upstream's tree, is never run by name.
    pub fn find(&self, tool: Tool) -> Result<PathBuf, ExecError> {
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(path) = found.get(&tool) {
            return Ok(path.clone());
        }
        let path = self.search(tool.name()).ok_or(ExecError::NotFound { tool: tool.name(), hint: tool.hint() })?;
        found.insert(tool, path.clone());
        Ok(path)
    }

    /// What identifies a tool of this machine, without running it: path, size and time of its file.
    pub fn stamp(&self, tool: Tool) -> Result<String, ExecError> {
        let found = self.find(tool)?;
        let path = std::fs::canonicalize(&found).unwrap_or(found);
        let meta = path.metadata().ok();
        let modified = meta.as_ref().and_then(|m| m.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok());
        let (size, seconds) = (meta.map_or(0, |m| m.len()), modified.map_or(0, |d| d.as_secs()));
        Ok(format!("{} {size}.{seconds}", path.display()))
    }

    /// The same door for what has to be done although forge was asked to stop: ending what runs outside of its reach.
    pub fn for_cleaning_up(&self) -> Self {
        Self::new(self.environment.clone(), Interrupt::never())
    }

    fn search(&self, name: &str) -> Option<PathBuf> {
        search(self.environment.get("PATH"), name)
    }

    /// Where a program of any name is, by the same rules.
    pub fn look_for(&self, name: &str) -> Option<PathBuf> {
        self.search(name)
    }

    /// A run of a program that is in PATH, or, with a `/` in its name, a file below `folder`.
    pub fn named(&self, name: &str, folder: &Path) -> Result<Run<'_>, ExecError> {
        self.named_in(self.environment.get("PATH"), name, folder)
    }

    /// The same with another PATH, such as that of a recipe's `prepare`.
    pub fn named_in(&self, path: Option<&OsStr>, name: &str, folder: &Path) -> Result<Run<'_>, ExecError> {
        let path = if name.contains('/') { Some(folder.join(name)) } else { search(path, name) };
        let path = path.ok_or_else(|| ExecError::Spawn {
            command: name.to_owned(),
            source: std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such program on PATH"),
        })?;
        Ok(Run::new(self, path, name.to_owned(), rustix::process::Signal::TERM))
    }

    /// A run of a tool. A killed forge ends it with TERM, which git, make and docker use to clean up after themselves.
    pub fn run(&self, tool: Tool) -> Result<Run<'_>, ExecError> {
        Ok(Run::new(self, self.find(tool)?, tool.name().to_owned(), rustix::process::Signal::TERM))
    }

    /// A run of a program by its path, such as one that was built just now. A killed forge ends it with KILL.
    pub fn program(&self, path: &Path) -> Run<'_> {
        Run::new(self, path.to_owned(), path.to_string_lossy().into_owned(), rustix::process::Signal::KILL)
    }
}

fn search(path: Option<&OsStr>, name: &str) -> Option<PathBuf> {
    let path = path.into_iter().flat_map(std::env::split_paths);
    path.filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_program_is_on_path_or_in_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let exec = Exec::new(Environment::default(), Interrupt::never());
        let path = Some(OsStr::new("/usr/bin:/bin"));
        let done = exec.named_in(path, "true", dir.path()).unwrap().cwd(dir.path()).capture().unwrap();
        assert!(done.status.success());
        let script = dir.path().join("hack.sh");
        std::fs::write(&script, "#!/bin/sh\necho here\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let done = exec.named_in(path, "./hack.sh", dir.path()).unwrap().cwd(dir.path()).capture().unwrap();
        assert_eq!(done.stdout, b"here\n");
        assert!(matches!(exec.named_in(path, "no-such-program", dir.path()), Err(ExecError::Spawn { .. })));
    }

    #[test]
    fn tools_are_found_in_absolute_parts_of_path_only() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("go"), "").unwrap();
        let path = |p: &str| Exec::new(Environment::from_vars([("PATH", p)]), Interrupt::never());
        let error = path(&format!(":.:{}", dir.path().display())).find(Tool::Go).unwrap_err();
        assert_eq!(error.to_string(), "`go` was not found in PATH");
        assert!(miette::Diagnostic::help(&error).unwrap().to_string().contains("go.dev/dl"));
        std::fs::set_permissions(dir.path().join("go"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let exec = path(&format!(":.:{}", dir.path().display()));
        assert_eq!(exec.find(Tool::Go).unwrap(), dir.path().join("go"));
    }
}
