//! What was verified before: an entry is taken without git, go or objects where nothing that it follows from has changed.

use crate::names::{ComponentName, RelPath, Sha256};
use crate::patch::Series;
use crate::pipeline::capture::made;
use crate::pipeline::error::PipelineError;
use crate::pipeline::resolve::{Resolved, ResolvedPart, variables_of};
use crate::pipeline::select::Selected;
use crate::pipeline::session::Session;
use crate::plan::{BuildLock, KeyBuilder, Lock, LockEntry, Origin};
use crate::recipe::model::{Component, Driver, Replace};
use crate::recipe::rule::build_rule;
use crate::release::Release;
use crate::source;

impl Session<'_> {
    /// All of them without any work, where every one was verified before.
    pub fn recall_all(&self, selected: &[Selected<'_>], lock: &Lock) -> Result<Option<Vec<Resolved>>, PipelineError> {
        let mut out = Vec::new();
        for Selected { component, pick } in selected {
            let Some(entry) = lock.find(&component.name, &pick.key()).filter(|_| !pick.ad_hoc) else { return Ok(None) };
            let Some(known) = self.recall(component, entry, lock)? else { return Ok(None) };
            out.push(known);
        }
        Ok(Some(out))
    }

    /// Everything that decides what an entry becomes, besides the entry itself.
    pub(super) fn inputs(
        &self,
        component: &Component,
        series: &[Series],
        entries: &[&LockEntry],
    ) -> Result<Sha256, PipelineError> {
        let mut key = KeyBuilder::new("verified entry 2").field("component", format!("{component:?}"));
        key = key.list("series", series.iter().map(|s| s.digest().to_string()));
        key = key.list("replaces", self.options.replaces.iter().map(|r| format!("{r:?}")));
        key = key.field("driver", format!("{:?}", self.options.driver));
        key = key.list("targets", self.targets().iter().map(ToString::to_string));
        for replace in component.replace.iter().chain(&self.options.replaces) {
            match replace {
                Replace::Component(name) => {
                    let other = self.recipe.component(name)?;
                    let series = self.series_of(other)?;
                    key = key.field("part", format!("{other:?}")).list("series", series.iter().map(|s| s.digest().to_string()));
                }
                Replace::Path { folder, .. } => {
                    key = key.field("folder", source::digest_folder(&self.folder_path(folder))?.as_str())
                }
                Replace::Module { .. } => {}
            }
        }
        for entry in entries {
            key = key.field("entry", format!("{entry:?}"));
            if let (Origin::Folder { folder }, Some(_)) = (&entry.origin, self.recipe.components.get(&entry.name)) {
                key = key.field("content", source::digest_project_folder(self.files, &RelPath::new(folder.clone())?)?.as_str());
            }
        }
        Ok(key.finish())
    }

    /// The entry, where it was verified against the very same inputs before.
    pub(super) fn recall(
        &self,
        component: &Component,
        entry: &LockEntry,
        lock: &Lock,
    ) -> Result<Option<Resolved>, PipelineError> {
        // Another origin may hold something else under the same name.
        if !self.options.sources.is_empty() {
            return Ok(None);
        }
        let Some(entry) = &self.driven(component, entry)? else { return Ok(None) };
        if !self.has_released(component, entry) {
            return Ok(None);
        }
        let series = self.series_of(component)?;
        let mut parts = Vec::new();
        for replace in component.replace.iter().chain(&self.options.replaces) {
            match replace {
                Replace::Component(name) => {
                    let Some(release) = entry.uses.get(name) else { return Ok(None) };
                    let Some(inner) = lock.entries().iter().find(|e| e.name == *name && e.release == *release) else {
                        return Ok(None);
                    };
                    parts.push(ResolvedPart {
                        name: name.clone(),
                        tree: inner.result.clone(),
                        entry: Some(inner.clone()),
                        patches: Vec::new(),
                    });
                }
                Replace::Path { folder, .. } => {
                    let folders = entry.module.as_ref().map(|m| &m.folders);
                    let name = self.folder_path(folder).canonicalize().ok();
                    let name = name.and_then(|p| ComponentName::new(p.file_name()?.to_str()?).ok());
                    let tree = name.as_ref().and_then(|n| folders?.get(n));
                    let (Some(name), Some(tree)) = (name, tree) else { return Ok(None) };
                    parts.push(ResolvedPart { name, entry: None, tree: tree.clone(), patches: Vec::new() });
                }
                Replace::Module { .. } => {}
            }
        }
        let entries: Vec<&LockEntry> = std::iter::once(entry).chain(parts.iter().filter_map(|p| p.entry.as_ref())).collect();
        let key = self.inputs(component, &series, &entries)?;
        let Some(text) = self.store.recall("verified", &key) else { return Ok(None) };
        let Ok(mut lists) = serde_json::from_str::<Vec<Vec<String>>>(&text) else { return Ok(None) };
        if lists.len() != parts.len() + 1 {
            return Ok(None);
        }
        let patches = lists.remove(0);
        for (part, patches) in parts.iter_mut().zip(lists) {
            part.patches = patches;
        }
        Ok(Some(Resolved { entry: entry.clone(), parts, patches }))
    }

    /// An entry as the driver of this run has it, where neither sources nor a Makefile have to be looked at for that.
    fn driven(&self, component: &Component, entry: &LockEntry) -> Result<Option<LockEntry>, PipelineError> {
        let other = |build: &BuildLock| self.options.driver.filter(|driver| *driver != build.driver());
        let Some(driver) = entry.build.as_ref().and_then(other) else {
            return Ok(Some(entry.clone()));
        };
        if driver == Driver::Go {
            return Ok(None);
        }
        let rule = build_rule(&component.upstream, Release::parse(&entry.release).as_ref(), Some(driver))?;
        let build = made(component, &rule, &variables_of(entry, &self.targets()[0]))?;
        Ok(Some(LockEntry { build: Some(build), ..entry.clone() }))
    }

    pub(super) fn remember(&self, component: &Component, resolved: &Resolved, series: &[Series]) -> Result<(), PipelineError> {
        let entries: Vec<&LockEntry> =
            std::iter::once(&resolved.entry).chain(resolved.parts.iter().filter_map(|p| p.entry.as_ref())).collect();
        let key = self.inputs(component, series, &entries)?;
        let lists: Vec<&Vec<String>> =
            std::iter::once(&resolved.patches).chain(resolved.parts.iter().map(|p| &p.patches)).collect();
        self.store.remember("verified", &key, &serde_json::to_string(&lists).expect("lists of words"));
        Ok(())
    }
}
