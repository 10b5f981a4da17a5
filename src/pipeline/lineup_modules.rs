//! Versions of a Go module as a lineup: those that programs pin, or those that were published.

use std::collections::BTreeMap;

use crate::git::look::{Look, Looker};
use crate::git::objects::Objects;
use crate::gomod::{GoModFile, ModuleVersion, Pin, list_versions, scan_pin};
use crate::matrix::{self, Candidate, Judge};
use crate::names::{BlobId, ModulePath, ModuleQuery, RelPath, Revision, TreeId};
use crate::patch::Series;
use crate::pipeline::error::PipelineError;
use crate::pipeline::lineup::{Entry, Lineup, is_wanted, newest_first, range_of};
use crate::pipeline::session::Session;
use crate::plan::{KeyBuilder, Lock};
use crate::recipe::model::{Component, Want};
use crate::release::{Release, Wanted};
use crate::source::SourceError;

/// A version of a module, and who requires it.
struct Wanting {
    module: ModulePath,
    version: Revision,
    by: Vec<String>,
}

/// The go.mod of each release that has one.
pub(super) fn go_mods<'l>(objects: &Objects, lineup: &'l Lineup) -> Result<Vec<(&'l Entry, BlobId)>, PipelineError> {
    let mut looker = Looker::new(objects, &[RelPath::new("go.mod")?]);
    let mut out = Vec::new();
    for entry in &lineup.entries {
        if let [Look::File(_, id)] = &*looker.look(&entry.tree)? {
            out.push((entry, id.clone()));
        }
    }
    Ok(out)
}

impl Session<'_> {
    /// A component that follows the versions that the releases of this one require.
    pub(super) fn pins_of(&self, component: &Component) -> Option<&Component> {
        let follows =
            |c: &&Component| c.want == Want::UsersPin && self.recipe.users_of(&c.name).any(|u| u.name == component.name);
        self.recipe.components.values().find(follows)
    }

    /// The versions of a module that the releases of its users require.
    pub(super) fn pinned_lineup(
        &self,
        component: &Component,
        module: &ModulePath,
        series: &[Series],
        since: Option<&Revision>,
        lock: &Lock,
    ) -> Result<Lineup, PipelineError> {
        let mut pins: BTreeMap<ModuleVersion, Vec<String>> = BTreeMap::new();
        let mut users = Vec::new();
        for user in self.recipe.users_of(&component.name) {
            users.push(user.name.to_string());
            let lineup = self.lineup(user, &[], None, since, lock)?;
            for (pin, by) in self.pins(user, &lineup, module)? {
                pins.entry(pin).or_default().extend(by.into_iter().map(|release| format!("{} {release}", user.name)));
            }
        }
        let versions = pins
            .into_iter()
            .map(|(pin, by)| Ok(Wanting { module: ModulePath::new(pin.path)?, version: Revision::new(pin.version)?, by }));
        let versions = versions.collect::<Result<Vec<_>, PipelineError>>()?;
        self.modules(component, module, series, versions, format!("pins of {}", users.join(", ")))
    }

    /// What the go.mod of each release has in the place of a module. Releases that do not require it are left out.
    fn pins(
        &self,
        user: &Component,
        lineup: &Lineup,
        module: &ModulePath,
    ) -> Result<BTreeMap<ModuleVersion, Vec<String>>, PipelineError> {
        let objects = Objects::open(&lineup.store)?;
        // By blob, for go.mod files that were read before.
        let key = KeyBuilder::new("pins, of any module")
            .field("module", module.as_str())
            .field("of", lineup.store.display().to_string())
            .finish();
        let kept = self.store.recall("pins", &key).and_then(|text| serde_json::from_str(&text).ok());
        let mut known: BTreeMap<String, Option<ModuleVersion>> = kept.unwrap_or_default();
        let ids = go_mods(&objects, lineup)?;
        if ids.iter().any(|(_, id)| !known.contains_key(id.as_str())) {
            // With the files of the user's own series, which are needed next.
            let series = self.series_of(user)?;
            let candidates: Vec<Candidate> = lineup.entries.iter().map(Entry::candidate).collect();
            let mut files = Judge::new(&objects, &series, BTreeMap::new()).files(&candidates)?;
            files.extend(ids.iter().map(|(_, id)| id.clone()));
            self.fetch_files(user, &objects, files)?;
            for (_, id) in &ids {
                if !known.contains_key(id.as_str()) {
                    let text = objects.blob(id)?;
                    let pin = match scan_pin(&text, module) {
                        Pin::Required(version) => Some(ModuleVersion { path: module.to_string(), version }),
                        Pin::Absent => None,
                        Pin::AskGo => GoModFile::read(&self.any_go()?, &text)?.pin(module),
                    };
                    known.insert(id.to_string(), pin);
                }
            }
            self.store.remember("pins", &key, &serde_json::to_string(&known).unwrap_or_default());
        }
        let mut pins: BTreeMap<ModuleVersion, Vec<String>> = BTreeMap::new();
        for (entry, id) in ids {
            if let Some(Some(pin)) = known.get(id.as_str()) {
                pins.entry(pin.clone()).or_default().push(entry.version.to_string());
            }
        }
        Ok(pins)
    }

    /// Published versions of a module.
    pub(super) fn module_lineup(
        &self,
        component: &Component,
        module: &ModulePath,
        series: &[Series],
        wanted: Option<&Wanted>,
    ) -> Result<Lineup, PipelineError> {
        let wanted = range_of(component, wanted);
        let versions = match &wanted {
            Wanted::Range(req) => {
                let all: Vec<Revision> =
                    list_versions(&self.any_go()?, module)?.into_iter().filter_map(|v| Revision::new(v).ok()).collect();
                let releases = &component.upstream.releases;
                let glob = globset::Glob::new(&releases.tags).map(|g| g.compile_matcher()).ok();
                let chosen: Vec<Revision> = all.iter().filter(|v| is_wanted(v, releases, glob.as_ref(), req)).cloned().collect();
                if chosen.is_empty() {
                    return Err(SourceError::nothing(module.as_str(), &wanted, &all).into());
                }
                chosen
            }
            Wanted::Revision(name) => vec![name.clone()],
            Wanted::Commit(commit) => vec![Revision::new(commit.as_str())?],
        };
        let versions = versions.into_iter().map(|version| Wanting { module: module.clone(), version, by: Vec::new() }).collect();
        self.modules(component, module, series, versions, wanted.to_string())
    }

    fn modules(
        &self,
        component: &Component,
        module: &ModulePath,
        series: &[Series],
        versions: Vec<Wanting>,
        range: String,
    ) -> Result<Lineup, PipelineError> {
        let store = self.store.module(module);
        let mut bases = BTreeMap::new();
        let mut entries = Vec::new();
        for Wanting { module: named, version, by: required_by } in versions {
            let (version, tree) = self.module_tree(component, &named, &version)?;
            let module = Some(named).filter(|named| named != module);
            entries.push(Entry { required_by, module, ..Entry::new(version, tree) });
        }
        for base in matrix::bases_of(series) {
            let known = entries.iter().find(|e| e.version == base && e.module.is_none()).map(|e| e.tree.clone());
            let tree = match known {
                Some(tree) => tree,
                None => self.module_tree(component, module, &base)?.1,
            };
            bases.insert(base, tree);
        }
        newest_first(&mut entries);
        Ok(Lineup { store, entries, bases, range })
    }

    /// The tree of a module's version. Versions never change, so that one that was seen is not asked for again.
    fn module_tree(
        &self,
        component: &Component,
        module: &ModulePath,
        version: &Revision,
    ) -> Result<(Revision, TreeId), PipelineError> {
        let key = KeyBuilder::new("module version").field("module", module.as_str()).field("version", version.as_str()).finish();
        let exact = Release::parse(version).is_some();
        if exact
            && let Some(tree) = self.store.recall("module-version", &key).and_then(|t| TreeId::new(t).ok())
            && Objects::init(&self.module_home(component, module))?.has_tree(&tree)
        {
            return Ok((version.clone(), tree));
        }
        let base = self.module_base(component, module, &ModuleQuery::new(version.as_str())?)?;
        let tree = base.checkout.tree().clone();
        if exact {
            self.store.remember("module-version", &key, tree.as_str());
        }
        Ok((base.release, tree))
    }
}
