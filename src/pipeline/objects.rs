//! The objects and trees behind an entry of the lock, present or made so, and laid out for a compiler.

use std::path::Path;

use crate::build::{LaidOut, TreePart, lay_out};
use crate::git::objects::Objects;
use crate::names::{RelPath, TreeId};
use crate::patch;
use crate::pipeline::error::PipelineError;
use crate::pipeline::resolve::{Resolved, ResolvedPart};
use crate::pipeline::session::Session;
use crate::plan::{BuildPlan, LockEntry, Origin};
use crate::recipe::model::{Component, Source};
use crate::release::Release;

impl Session<'_> {
    /// Lays out what a build compiles.
    pub(super) fn lay_out_build(
        &self,
        component: &Component,
        resolved: &Resolved,
        plan: &BuildPlan,
        dir: &Path,
    ) -> Result<LaidOut, PipelineError> {
        let objects = self.entry_objects(component, &resolved.entry)?;
        let inner: Vec<Objects> = resolved.parts.iter().map(|part| self.part_objects(part)).collect::<Result<_, _>>()?;
        let parts: Vec<TreePart<'_>> = resolved
            .parts
            .iter()
            .zip(&inner)
            .map(|(part, objects)| TreePart { name: &part.name, objects, tree: &part.tree })
            .collect();
        let stamp = plan.build.stamp.map(|time| (&plan.version, time));
        Ok(lay_out(dir, &objects, &resolved.entry.result, &parts, plan.module.as_ref(), stamp)?)
    }

    /// The objects of an entry, with base and result present: a store that lost them gets them again.
    pub(super) fn entry_objects(&self, component: &Component, entry: &LockEntry) -> Result<Objects, PipelineError> {
        let path = match (&entry.origin, &component.upstream.source, self.options.sources.get(&component.name)) {
            (Origin::Git { .. }, Source::Git(url), _) | (Origin::Git { .. }, _, Some(url)) => self.store.git(url),
            (Origin::Module { .. }, Source::Module(module), _) => self.store.module(module),
            _ => self.store.folders(),
        };
        let there = |objects: &Objects, tree: &TreeId| objects.has_tree(tree) && objects.check_complete(tree).is_ok();
        if let Ok(objects) = Objects::open(&path)
            && there(&objects, &entry.result)
            && there(&objects, &entry.tree)
        {
            return Ok(objects);
        }
        let base = self.base_of_entry(component, entry)?;
        let series = self.series_of(component)?;
        let patched = self.patched(component, &series, &base)?;
        Ok(patched.objects()?)
    }

    /// The objects of a part.
    pub(super) fn part_objects(&self, part: &ResolvedPart) -> Result<Objects, PipelineError> {
        match &part.entry {
            Some(entry) => self.entry_objects(self.recipe.component(&entry.name)?, entry),
            None => Ok(Objects::open(&self.store.folders())?),
        }
    }

    /// The patch that wrote a line of the laid-out tree: `SERIES/FILE`.
    pub(super) fn patch_behind(
        &self,
        component: &Component,
        resolved: &Resolved,
        path: &RelPath,
        line: usize,
    ) -> Result<Option<String>, PipelineError> {
        let part = path.as_str().strip_prefix(".forge/").and_then(|rest| rest.split_once('/'));
        let (component, entry, path) = match part {
            Some((name, rest)) => {
                let Some(entry) = resolved.parts.iter().find(|p| p.name.as_str() == name).and_then(|p| p.entry.as_ref()) else {
                    return Ok(None);
                };
                (self.recipe.component(&entry.name)?, entry, RelPath::new(rest)?)
            }
            None => (component, &resolved.entry, path.clone()),
        };
        let objects = self.entry_objects(component, entry)?;
        let series = self.series_of(component)?;
        let all: Vec<_> = series.iter().collect();
        let release = Release::parse(&entry.release);
        let authors = patch::blame(&objects, &entry.tree, release.as_ref(), &all, &path)?;
        let found = authors.get(line.saturating_sub(1)).cloned().flatten();
        Ok(found.map(|at| format!("patches/{}/{}/{}", component.upstream.name, at.series, at.patch)))
    }
}
