//! What is placed inside the main tree: patched modules and copied folders, below `.forge`.

use std::collections::BTreeMap;

use crate::gomod::{GoModFile, Operation, Operations};
use crate::names::{ComponentName, ModulePath, ModuleQuery, RelPath, Revision};
use crate::pipeline::error::PipelineError;
use crate::pipeline::parts::Base;
use crate::pipeline::resolve::{Mode, ResolvedPart, applied, as_the_recipe_names_it};
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::plan::{self, Lock, LockEntry, Origin};
use crate::recipe::model::{Component, Replace, Source, Want};
use crate::release::Wanted;
use crate::source::{self, Checkout};

impl Session<'_> {
    /// What is placed inside the main tree, with its operations on go.mod.
    pub(super) fn parts(
        &self,
        component: &Component,
        base: &Base,
        lock: &mut Lock,
        mode: Mode,
    ) -> Result<(Vec<ResolvedPart>, Operations), PipelineError> {
        let mut parts: Vec<ResolvedPart> = Vec::new();
        let mut placed: Vec<String> = Vec::new();
        let mut operations = Operations { edits: Vec::new(), tidy: component.tidy };
        let mut go_mod: Option<GoModFile> = None;
        for (replace, ad_hoc) in self.replaces(component) {
            let (part, old, old_version) = match replace {
                Replace::Component(name) => {
                    let other = self.recipe.component(name)?;
                    let (part, module) = self.component_part(component, other, base, &mut go_mod, lock, mode)?;
                    (part, module, None)
                }
                Replace::Path { old, old_version, folder } => (self.folder_part(folder)?, old.clone(), old_version.clone()),
                Replace::Module { .. } => continue,
            };
            if !ad_hoc && self.overridden(&old) {
                continue;
            }
            let words = match replace {
                Replace::Path { folder, .. } => format!("{old} => {folder}"),
                _ => format!("{old} => {}", part.name),
            };
            if let Some(there) = parts.iter().position(|p| p.name == part.name) {
                let (name, first) = (part.name, placed.remove(there));
                return Err(PipelineError::SamePlace { name, first, second: words });
            }
            let folder = RelPath::new(format!(".forge/{}", part.name))?;
            operations.edits.push(Operation::ReplaceByFolder { old, old_version, folder });
            placed.push(words);
            parts.push(part);
        }
        Ok((parts, operations))
    }

    pub(super) fn component_part(
        &self,
        user: &Component,
        other: &Component,
        base: &Base,
        go_mod: &mut Option<GoModFile>,
        lock: &mut Lock,
        mode: Mode,
    ) -> Result<(ResolvedPart, ModulePath), PipelineError> {
        // What go would use in its place: a fork that the program's own go.mod names is what the series is applied to.
        let mut pinned: Option<(ModulePath, ModuleQuery)> = None;
        let (key, pick) = match &other.want {
            Want::UsersPin => {
                let Source::Module(module) = &other.upstream.source else {
                    return self.pinned_from_git(user, other);
                };
                if go_mod.is_none() {
                    *go_mod = Some(self.go_mod_of(&base.checkout)?);
                }
                let file = go_mod.as_ref().ok_or(crate::gomod::RewriteError::NoGoMod)?;
                let Some(pin) = file.pin(module) else {
                    return Err(not_required(&other.name, user, base, module, file));
                };
                pinned = Some((ModulePath::new(pin.path)?, ModuleQuery::new(pin.version.clone())?));
                let version = Revision::new(pin.version)?;
                (plan::Pick::Pinned(version.clone()), Pick { wanted: Wanted::Revision(version), named: None, ad_hoc: false })
            }
            _ => {
                let pick = crate::pipeline::select::picks(other).remove(0);
                (pick.key(), pick)
            }
        };
        let locked = if mode == Mode::Keep { lock.find(&other.name, &key) } else { None };
        let locked = locked.map(|entry| as_the_recipe_names_it(other, &pick, entry.clone()));
        let is_pinned = |entry: &&LockEntry| match (&entry.origin, &pinned) {
            (Origin::Module { module, .. }, Some((pinned, _))) => module == pinned.as_str(),
            _ => true,
        };
        let inner = match (locked.as_ref().filter(is_pinned), &pinned) {
            (Some(entry), _) => self.base_of_entry(other, entry)?,
            (None, Some((module, version))) => self.module_base(other, module, version)?,
            (None, None) => self.base_of_pick(other, &pick)?,
        };
        let series = self.series_of(other)?;
        let patched = self.patched(other, &series, &inner)?;
        let entry = LockEntry {
            name: other.name.clone(),
            pick: key,
            release: inner.release.clone(),
            origin: inner.origin.clone(),
            tree: inner.checkout.tree().clone(),
            result: patched.tree().clone(),
            uses: BTreeMap::new(),
            go: None,
            build: None,
            module: None,
            payload: Default::default(),
        };
        let module = match &other.upstream.source {
            Source::Module(module) => module.clone(),
            _ => {
                let file = self.go_mod_of(&inner.checkout)?;
                ModulePath::new(file.module().unwrap_or_default())?
            }
        };
        lock.put(entry.clone());
        let part =
            ResolvedPart { name: other.name.clone(), tree: entry.result.clone(), entry: Some(entry), patches: applied(&patched) };
        Ok((part, module))
    }

    pub(super) fn pinned_from_git<T>(&self, user: &Component, other: &Component) -> Result<T, PipelineError> {
        let reason = format!(
            "it has no version, and {} can only tell the version of a Go module: give its upstream `module = \"...\"` or it a version",
            user.name
        );
        Err(PipelineError::Override { component: other.name.clone(), reason })
    }

    pub(super) fn folder_part(&self, folder: &str) -> Result<ResolvedPart, PipelineError> {
        let path = self.folder_path(folder);
        let name =
            path.canonicalize().ok().and_then(|p| p.file_name().map(|n| n.to_string_lossy().into_owned())).unwrap_or_default();
        let checkout = source::from_folder(self.store, &path)?;
        Ok(ResolvedPart { name: ComponentName::new(name)?, entry: None, tree: checkout.tree().clone(), patches: Vec::new() })
    }

    /// A folder of a `replace`: relative to the project.
    pub(super) fn folder_path(&self, folder: &str) -> std::path::PathBuf {
        self.files.root().map_or_else(|| folder.into(), |root| root.join(folder))
    }

    pub(super) fn go_mod_of(&self, checkout: &Checkout) -> Result<GoModFile, PipelineError> {
        let objects = checkout.objects()?;
        let text = objects.read(checkout.tree(), &RelPath::new("go.mod")?)?.ok_or(crate::gomod::RewriteError::NoGoMod)?;
        Ok(GoModFile::read(&self.any_go()?, &text)?)
    }
}

/// The program does not require the module that a component stands for.
pub(super) fn not_required(
    component: &ComponentName,
    user: &Component,
    base: &Base,
    module: &ModulePath,
    file: &GoModFile,
) -> PipelineError {
    let hint = match crate::names::nearest(module.as_str(), file.required()) {
        Some(near) => format!("did you mean {near}?"),
        None => "`forge tree` gives the sources; look into their go.mod".to_owned(),
    };
    let (component, program, release, module) = (component.clone(), user.name.clone(), base.release.clone(), module.clone());
    PipelineError::NotRequired { component, program, release, module, hint }
}
