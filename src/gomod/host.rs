//! The compilers of this machine, found without running them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::exec::{Exec, ExecError, Tool};
use crate::gomod::go::{GoError, PASSED_CGO};
use crate::names::{GoVersion, visible};

/// The kind of a compiler that is an official toolchain, whoever fetched it.
pub const MODULE: &str = "module";

/// The `go` program of this machine and what identifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoBin {
    path: PathBuf,
    goroot: PathBuf,
    version: GoVersion,
    /// Size and modification time of the program: a replaced Go is another one.
    stamp: (u64, u64),
    /// True for one that forge fetched: the official toolchain, wherever it lies.
    managed: bool,
}

/// Why the `go` of this machine cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// There is none on PATH.
    Absent,
    /// It cannot switch to another version: that came with Go 1.21.
    Old {
        /// The program.
        path: PathBuf,
        /// What it says it is.
        found: GoVersion,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("`go` was not found in PATH"),
            Self::Old { path, found } => {
                write!(f, "{} is Go {found}, and 1.21 or newer is needed", visible(&path.to_string_lossy()))
            }
        }
    }
}

impl GoBin {
    /// The one in the folder of a toolchain that forge fetched.
    pub(super) fn managed(folder: &Path, version: GoVersion) -> Self {
        Self { path: folder.join("bin/go"), goroot: folder.to_owned(), version, stamp: (0, 0), managed: true }
    }
    /// The folder that has to come first in PATH for whoever calls it by name.
    pub(super) fn path_entry(&self) -> Option<PathBuf> {
        self.managed.then(|| self.goroot.join("bin"))
    }
    /// The program, with links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Its own version.
    pub fn version(&self) -> &GoVersion {
        &self.version
    }
    /// Where the compiler of `wanted` comes from: the installed tree itself, or a toolchain module that `go` fetches and
    /// verifies against the checksum database. Part of the build key: distributions patch their Go. One that forge fetched
    /// is the same as the module.
    pub fn kind_for(&self, wanted: &GoVersion) -> String {
        if *wanted == self.version && !self.managed {
            format!("installed {} {}.{}", self.goroot.display(), self.stamp.0, self.stamp.1)
        } else {
            MODULE.to_owned()
        }
    }
}

/// Finds `go` on PATH without running it: its version is in the file `VERSION` of its tree.
pub fn find_go(exec: &Exec) -> Result<Result<GoBin, Lack>, GoError> {
    let found = match exec.find(Tool::Go) {
        Err(ExecError::NotFound { .. }) => return Ok(Err(Lack::Absent)),
        found => found?,
    };
    let path = fs::canonicalize(&found).unwrap_or(found);
    let stamp = fs::metadata(&path)
        .ok()
        .map(|m| {
            let modified = m.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
            (m.len(), modified.map_or(0, |d| d.as_secs()))
        })
        .unwrap_or_default();
    let goroot = path.parent().and_then(Path::parent).map(Path::to_owned);
    let from_file = goroot.as_deref().and_then(|root| {
        let text = fs::read_to_string(root.join("VERSION")).ok()?;
        let first = text.lines().next()?.strip_prefix("go")?.to_owned();
        GoVersion::new(first).ok().map(|version| (root.to_owned(), version))
    });
    let (goroot, version) = match from_file {
        Some(found) => found,
        // A wrapper script (some distributions, version managers) has no tree around it: ask it.
        None => ask(exec, &path)?,
    };
    let number = |i: usize| version.as_str().split('.').nth(i).and_then(|p| p.parse::<u32>().ok());
    if number(0) == Some(1) && number(1).is_some_and(|minor| minor < 21) {
        return Ok(Err(Lack::Old { path, found: version }));
    }
    Ok(Ok(GoBin { path, goroot, version, stamp, managed: false }))
}

fn ask(exec: &Exec, path: &Path) -> Result<(PathBuf, GoVersion), GoError> {
    let said = exec.program(path).args(["env", "GOROOT", "GOVERSION"]).env("GOTOOLCHAIN", "local").capture()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let mut lines = text.lines();
    let unknown = || GoError::Unknown { path: path.to_owned() };
    let goroot = lines.next().filter(|l| !l.is_empty()).ok_or_else(unknown)?;
    let version = lines.next().and_then(|l| l.strip_prefix("go")).ok_or_else(unknown)?;
    let version = version.split_whitespace().next().unwrap_or_default();
    Ok((goroot.into(), GoVersion::new(version).map_err(|_| unknown())?))
}

/// What identifies the C compiler that CGO would use: found like go finds it, not run.
pub fn c_compiler(exec: &Exec) -> String {
    let name = exec.environment().get("CC").map_or_else(|| "gcc".to_owned(), |cc| cc.to_string_lossy().into_owned());
    let program = name.split_whitespace().next().unwrap_or("gcc").to_owned();
    let path = exec
        .environment()
        .get("PATH")
        .map(std::env::split_paths)
        .into_iter()
        .flatten()
        .map(|dir| dir.join(&program))
        .find(|p| p.is_file());
    let path = path.and_then(|p| fs::canonicalize(p).ok());
    let modified = path.as_deref().and_then(|p| fs::metadata(p).ok()).and_then(|m| m.modified().ok());
    let seconds = modified.and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_secs());
    format!("{name} {} {seconds}", path.unwrap_or_default().display())
}

/// The user's variables that CGO passes on.
pub fn c_env(exec: &Exec) -> BTreeMap<String, String> {
    let value = |name: &str| exec.environment().get(name).map(|v| v.to_string_lossy().into_owned());
    PASSED_CGO.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}
