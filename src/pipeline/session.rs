//! What every command of one run shares.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Reporter;
use crate::exec::Exec;
use crate::files::Files;
use crate::git::GitError;
use crate::git::remote::{RefKind, RemoteRef, list_refs};
use crate::gomod::{Go, GoBin, GoError, MODULE, bootstrap, find_go, managed};
use crate::names::{ComponentName, GitUrl, GoVersion, Target};
use crate::pipeline::error::PipelineError;
use crate::recipe::model::{Driver, Recipe, Replace};
use crate::store::Store;

/// Whether a command may run what an upstream wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// It may: building and locking do.
    #[default]
    Run,
    /// It may not: a list of flags that only the upstream's Makefile knows has to be in the lock already.
    Locked,
    /// It may not, and needs no list of flags: sources alone are wanted. What is resolved is not written to the lock.
    Sources,
}

/// What the user asked for besides the recipe.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether something of the upstream's may run.
    pub trust: Trust,
    /// The lock must not change.
    pub locked: bool,
    /// No network.
    pub offline: bool,
    /// Other origins: `--source COMPONENT=URL|DIR`.
    pub sources: BTreeMap<ComponentName, GitUrl>,
    /// Components whose other origin has uncommitted changes (which are not built).
    pub dirty: Vec<ComponentName>,
    /// Ad-hoc replacements: `--replace MODULE=DIR|MODULE@VERSION`.
    pub replaces: Vec<Replace>,
    /// Platforms, where not the recipe's.
    pub targets: Vec<Target>,
    /// A binary whose payload is appended to what is built.
    pub payload: Option<PathBuf>,
    /// Released programs are not fetched: no binary is made, or nothing is kept.
    pub without_released: bool,
    /// What drives builds, where not what the recipe says.
    pub driver: Option<Driver>,
}

/// One run on one recipe.
pub struct Session<'a> {
    /// The project's files.
    pub files: &'a Files,
    /// The store.
    pub store: &'a Store,
    /// The door to children.
    pub exec: &'a Exec,
    /// Who is told what happens.
    pub reporter: &'a dyn Reporter,
    /// The recipe.
    pub recipe: &'a Recipe,
    /// What the user asked for.
    pub options: &'a Options,
    /// What remotes said.
    pub asked: Asked,
}

/// What was asked of remotes, so that one run asks once: a component may be looked at for itself and for its pins.
#[derive(Debug, Default, Clone)]
pub struct Asked(Arc<Mutex<BTreeMap<String, Arc<Vec<RemoteRef>>>>>);

impl<'a> Session<'a> {
    /// The same run with other files.
    pub(super) fn with_files<'b>(&'b self, files: &'b Files) -> Session<'b> {
        let Self { store, exec, reporter, recipe, options, .. } = self;
        Session { files, store, exec, reporter: *reporter, recipe, options, asked: self.asked.clone() }
    }

    /// The tags of a remote.
    pub(super) fn tags(&self, url: &GitUrl) -> Result<Arc<Vec<RemoteRef>>, GitError> {
        let known = || self.asked.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(url.expose()) {
            return Ok(Arc::clone(known));
        }
        let tags = Arc::new(list_refs(self.exec, url, RefKind::Tags, self.reporter)?);
        known().insert(url.expose().to_owned(), Arc::clone(&tags));
        Ok(tags)
    }

    /// The installed `go`, found without running it; where there is none that can be used, the store's own, fetched once.
    pub fn go_bin(&self) -> Result<GoBin, PipelineError> {
        installed_go(self.exec, self.store, self.options.offline, self.reporter)
    }

    /// Where the compiler of `wanted` comes from. Nothing is fetched for that: what forge would fetch is known.
    pub fn go_kind(&self, wanted: &GoVersion) -> Result<String, PipelineError> {
        Ok(find_go(self.exec)?.map_or_else(|_| MODULE.to_owned(), |bin| bin.kind_for(wanted)))
    }

    /// The version of the `go` that is asked first, installed or not.
    pub fn go_bin_version(&self) -> Result<GoVersion, PipelineError> {
        match (find_go(self.exec)?, managed(self.store)) {
            (Ok(bin), _) => Ok(bin.version().clone()),
            (Err(_), Some((version, _))) => Ok(version),
            (Err(_), None) => Ok(self.go_bin()?.version().clone()),
        }
    }

    /// `go` at an exact version.
    pub fn go(&self, version: &GoVersion) -> Result<Go<'a>, PipelineError> {
        Ok(Go::new(self.exec, self.go_bin()?, version, self.options.offline, self.reporter)?)
    }

    /// `go` at the version that is installed: for what does not depend on a release, such as reading a go.mod.
    pub fn any_go(&self) -> Result<Go<'a>, PipelineError> {
        let bin = self.go_bin()?;
        let version = bin.version().clone();
        Ok(Go::new(self.exec, bin, &version, self.options.offline, self.reporter)?)
    }

    /// The platforms of this run.
    pub fn targets(&self) -> &[Target] {
        if self.options.targets.is_empty() { &self.recipe.targets } else { &self.options.targets }
    }

    /// Fails where the user has asked to stop.
    pub fn check_interrupt(&self) -> Result<(), PipelineError> {
        self.exec.interrupt().check().map_err(|i| PipelineError::Exec(i.into()))
    }
}

/// The installed `go`; where there is none that can be used, the store's own, fetched once.
pub(super) fn installed_go(exec: &Exec, store: &Store, offline: bool, reporter: &dyn Reporter) -> Result<GoBin, PipelineError> {
    match find_go(exec)? {
        Ok(bin) => Ok(bin),
        Err(lack) => Ok(bootstrap(exec, store, lack, offline, reporter).map_err(GoError::from)?),
    }
}
