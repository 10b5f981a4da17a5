//! `forge kit`: what an operator deploys, in one folder: the binaries, and the recipe's templates filled in.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifact::{self, Stored, sha256_bytes};
use crate::disk::create_dir_all;
use crate::names::{ComponentName, RelPath, Sha256, Target};
use crate::pipeline::build::build_resolved;
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve::{Resolved, variables_of};
use crate::pipeline::resolve_all::resolve_all;
use crate::pipeline::select::{Selected, select};
use crate::pipeline::session::Session;
use crate::pipeline::tree::refuse_full;
use crate::plan::LockEntry;
use crate::recipe::check_kit::SUMS;
use crate::recipe::model::{Component, KitContent, Recipe};
use crate::recipe::scope::Scope;

/// How binaries get into a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binaries {
    /// As links to those of the store.
    Linked,
    /// As copies.
    Copied,
}

/// A file of a kit as it was written.
#[derive(Debug, Clone, Serialize)]
pub struct KitEntry {
    /// Its name in the kit.
    pub name: RelPath,
    /// Its checksum.
    pub sha256: Sha256,
    /// The component whose binary it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// The release of that component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The template that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// Writes the kit for the first platform of the session to `out`, a new or empty folder. What is not built yet is built.
pub fn kit(session: &Session<'_>, file: &mut LockFile, out: &Path, binaries: Binaries) -> Result<Vec<KitEntry>, PipelineError> {
    let recipe = session.recipe;
    if recipe.kit.is_empty() {
        return Err(PipelineError::NoKit(recipe.name.clone()));
    }
    refuse_full(out)?;
    let selected = select(recipe, &[], false)?;
    let resolved = resolve_all(session, &selected, file)?;
    let target = &session.targets()[0];
    let mut scope = scope_of(recipe, &resolved, target);
    let mut stored = BTreeMap::new();
    for wanted in &recipe.kit {
        let KitContent::Binary(name) = &wanted.content else { continue };
        if let Some((selected, resolved)) = selected.iter().zip(&resolved).find(|(s, _)| s.component.name == *name) {
            let found = session.stored(selected, resolved, target)?;
            scope.tell(name, "sha256", Ok(found.record().sha256.to_string()));
            scope.tell(name, "binary", Ok(wanted.name.to_string()));
            stored.insert(name.clone(), found);
        } else {
            return Err(crate::plan::PlanError::NotAProgram(name.clone()).into());
        }
    }
    let made = !out.exists();
    let written = write(recipe, &scope, &stored, out, binaries);
    if written.is_err() && made {
        // Only where nothing of it is in there.
        let _ = fs::remove_dir(out);
    }
    written
}

fn write(
    recipe: &Recipe,
    scope: &Scope,
    stored: &BTreeMap<ComponentName, Stored>,
    out: &Path,
    binaries: Binaries,
) -> Result<Vec<KitEntry>, PipelineError> {
    create_dir_all(out)?;
    // Written aside and then moved in, so that the folder never holds a part of a kit.
    let aside = tempfile::Builder::new().prefix(".kit-").tempdir_in(out).map_err(io(out))?;
    let mut entries = Vec::new();
    let mut sums = String::new();
    for file in &recipe.kit {
        let path = file.name.below(aside.path());
        if let Some(parent) = path.parent() {
            create_dir_all(parent)?;
        }
        let entry = match &file.content {
            KitContent::Binary(name) => {
                // Every component that the kit names was found.
                let Some(stored) = stored.get(name) else { continue };
                match binaries {
                    Binaries::Linked => symlink(stored.binary(), &path).map_err(io(&path))?,
                    Binaries::Copied => copy(&stored.binary(), &path)?,
                }
                let record = stored.record();
                let (sha256, version) = (record.sha256.clone(), Some(record.version.to_string()));
                KitEntry { name: file.name.clone(), sha256, component: Some(name.clone()), version, template: None }
            }
            KitContent::Template { text, origin } => {
                let text = scope.fill(text).map_err(|(place, source)| {
                    let line = text[..place.start].matches('\n').count() + 1;
                    PipelineError::Template { file: origin.clone(), line, source }
                })?;
                fs::write(&path, &text).map_err(io(&path))?;
                let (name, sha256) = (file.name.clone(), sha256_bytes(text.as_bytes()));
                KitEntry { name, sha256, component: None, version: None, template: Some(origin.clone()) }
            }
        };
        sums.push_str(&format!("{}  {}\n", entry.sha256, entry.name));
        entries.push(entry);
    }
    let path = aside.path().join(SUMS);
    fs::write(&path, sums).map_err(io(&path))?;
    for entry in fs::read_dir(aside.path()).map_err(io(aside.path()))? {
        let entry = entry.map_err(io(aside.path()))?;
        fs::rename(entry.path(), out.join(entry.file_name())).map_err(io(out))?;
    }
    Ok(entries)
}

fn copy(from: &Path, to: &Path) -> Result<(), PipelineError> {
    fs::copy(from, to).map_err(io(to))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).map_err(io(to))
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> PipelineError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| PipelineError::Io { path: path.clone(), source }
}

/// The variables of a recipe with what its components resolved to.
pub(super) fn scope_of(recipe: &Recipe, resolved: &[Resolved], target: &Target) -> Scope {
    let mut scope = Scope::new(&recipe.values, recipe.components.keys().map(ComponentName::as_str));
    scope.set("recipe", recipe.name.as_str());
    scope.set("os", target.os());
    scope.set("arch", target.arch());
    let mut tell = |entry: &LockEntry| {
        let variables = variables_of(entry, target);
        for name in Scope::of_release() {
            let value = variables.value(name).map_err(|error| error.reason());
            scope.tell(&entry.name, name, value);
        }
    };
    // A component that several programs contain is told as the first one has it.
    for resolved in resolved.iter().rev() {
        resolved.parts.iter().filter_map(|part| part.entry.as_ref()).for_each(&mut tell);
        tell(&resolved.entry);
    }
    scope
}

impl Session<'_> {
    /// The finished binary of a release in the store. It is built where it is missing.
    pub(super) fn stored(&self, selected: &Selected<'_>, resolved: &Resolved, target: &Target) -> Result<Stored, PipelineError> {
        let component: &Component = selected.component;
        let plan = self.plan(component, resolved, target)?;
        if let Some(stored) = artifact::find(self.store, &plan.key) {
            return Ok(stored);
        }
        let aside = self.store.work_dir("deliver")?;
        let again = vec![Ok(resolved.clone())];
        let mut outcome = build_resolved(self, std::slice::from_ref(selected), again, aside.path(), NonZeroUsize::MIN)?;
        match outcome.failures.pop() {
            Some(failure) => Err(failure.error),
            None => artifact::find(self.store, &plan.key).ok_or_else(|| PipelineError::Lost(component.name.clone())),
        }
    }
}
