//! What a go.mod says, read by `go mod edit -json`: the go command is the one authority on its grammar.

use serde::{Deserialize, Serialize};

use crate::gomod::go::{Go, GoError};
use crate::names::ModulePath;

/// A module, with a version where one is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModuleVersion {
    /// The module path, or a folder on the right of a replacement.
    pub path: String,
    /// The version; empty where there is none.
    #[serde(default)]
    pub version: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replacement {
    old: ModuleVersion,
    new: ModuleVersion,
}

/// A go.mod file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GoModFile {
    #[serde(default)]
    module: Option<ModuleVersion>,
    #[serde(default)]
    go: Option<String>,
    #[serde(default)]
    toolchain: Option<String>,
    #[serde(default)]
    require: Option<Vec<ModuleVersion>>,
    #[serde(default)]
    replace: Option<Vec<Replacement>>,
}

impl GoModFile {
    /// Reads the text of a go.mod.
    pub fn read(go: &Go<'_>, text: &[u8]) -> Result<Self, GoError> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("go.mod");
        std::fs::write(&path, text)?;
        let run = go.run().args(["mod", "edit", "-json"]).arg(&path);
        let command = run.shown();
        let out = go.output(run)?;
        serde_json::from_slice(&out).map_err(|e| GoError::Output { command, reason: e.to_string() })
    }

    /// The module's own path.
    pub fn module(&self) -> Option<&str> {
        self.module.as_ref().map(|m| m.path.as_str())
    }

    /// The version of Go that it asks for: `toolchain`, else `go`.
    pub fn go_version(&self) -> Option<&str> {
        self.toolchain.as_deref().filter(|t| *t != "default").or(self.go.as_deref())
    }

    /// The version in use of `module`: what an existing replacement puts in its place where that has a version, else what is
    /// required. `None` where the program does not require it.
    pub fn pin(&self, module: &ModulePath) -> Option<ModuleVersion> {
        let required = self.require.iter().flatten().find(|r| r.path == module.as_str())?;
        let replaced = self
            .replacements(module)
            .filter(|r| r.old.version.is_empty() || r.old.version == required.version)
            .max_by_key(|r| !r.old.version.is_empty())
            .filter(|r| !r.new.version.is_empty());
        Some(replaced.map_or(required, |r| &r.new).clone())
    }

    fn replacements(&self, module: &ModulePath) -> impl Iterator<Item = &Replacement> {
        self.replace.iter().flatten().filter(move |r| r.old.path == module.as_str())
    }

    /// The left sides of all replacements of `module`.
    pub fn replaced(&self, module: &ModulePath) -> Vec<ModuleVersion> {
        self.replacements(module).map(|r| r.old.clone()).collect()
    }

    /// The required modules by path.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.require.iter().flatten().map(|r| r.path.as_str())
    }
}
