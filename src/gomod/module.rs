//! Modules through the Go module proxy, by the `go` command: sums are verified there, against go.sum's database.

use std::path::PathBuf;

use serde::Deserialize;

use crate::gomod::go::{Go, GoError};
use crate::names::{ModulePath, ModuleQuery};

/// A module that is in the module cache now.
#[derive(Debug, Clone)]
pub struct DownloadedModule {
    /// The exact version that a query meant.
    pub version: ModuleQuery,
    /// The `h1:` sum of its content, as in go.sum.
    pub sum: String,
    /// Its read-only folder in the cache.
    pub dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    #[serde(default)]
    version: String,
    #[serde(default)]
    sum: String,
    #[serde(default)]
    dir: String,
    #[serde(default)]
    error: String,
}

impl DownloadedModule {
    /// Downloads `module@version` (a version, branch or other query) or finds it in the cache.
    pub fn get(go: &Go<'_>, module: &ModulePath, version: &ModuleQuery) -> Result<Self, GoError> {
        // Outside of any module: a go.mod above the current folder must not have a say.
        let nowhere = tempfile::tempdir()?;
        let run = go.run().args(["mod", "download", "-json", "--"]).arg(format!("{module}@{version}")).cwd(nowhere.path());
        let command = run.shown();
        let done = run.capture()?;
        let read: Downloaded = match serde_json::from_slice(&done.stdout) {
            Ok(read) => read,
            Err(_) if !done.status.success() => return Err(super::go::failure(command, done.status, &done.stderr)),
            Err(e) => return Err(GoError::Output { command, reason: e.to_string() }),
        };
        if !read.error.is_empty() || !done.status.success() {
            return Err(super::go::failure(command, done.status, read.error.as_bytes()));
        }
        let version =
            ModuleQuery::new(read.version).map_err(|e| GoError::Output { command: command.clone(), reason: e.to_string() })?;
        if read.sum.is_empty() || read.dir.is_empty() {
            return Err(GoError::Output { command, reason: "it names no sum or no folder".into() });
        }
        Ok(Self { version, sum: read.sum, dir: read.dir.into() })
    }
}

/// The tagged versions of a module.
pub fn list_versions(go: &Go<'_>, module: &ModulePath) -> Result<Vec<String>, GoError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Listed {
        #[serde(default)]
        versions: Vec<String>,
    }
    let nowhere = tempfile::tempdir()?;
    let run = go.run().args(["list", "-m", "-versions", "-json", "--"]).arg(module.as_str()).cwd(nowhere.path());
    let command = run.shown();
    let out = go.output(run)?;
    let listed: Listed = serde_json::from_slice(&out).map_err(|e| GoError::Output { command, reason: e.to_string() })?;
    Ok(listed.versions)
}
