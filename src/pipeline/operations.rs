//! The operations of a recipe on go.mod, with every version exact, and the go.mod that they give.

use crate::event::Event;
use crate::gomod::{Go, GoEnv, Operation, Operations, complete, rewrite};
use crate::names::{GoVersion, ModulePath, ModuleQuery};
use crate::patch::PatchedTree;
use crate::pipeline::error::PipelineError;
use crate::pipeline::resolve::ResolvedPart;
use crate::pipeline::session::Session;
use crate::plan::{self, Lock, LockEntry, ModLock};
use crate::recipe::model::{Component, Replace};

impl Session<'_> {
    /// The replacements of a recipe and then those of the command line, which are told apart by the flag.
    pub(super) fn replaces<'b>(&'b self, component: &'b Component) -> impl Iterator<Item = (&'b Replace, bool)> {
        component.replace.iter().map(|r| (r, false)).chain(self.options.replaces.iter().map(|r| (r, true)))
    }

    /// True where `--replace` has the last word on a module, whatever the recipe puts in its place.
    pub(super) fn overridden(&self, module: &ModulePath) -> bool {
        self.options.replaces.iter().any(|replace| match replace {
            Replace::Module { old, .. } | Replace::Path { old, .. } => old == module,
            Replace::Component(_) => false,
        })
    }

    /// Operations that bring no tree: modules, requirements, the go line. Queries become exact versions; those that the lock
    /// has resolved already are not asked again.
    pub(super) fn plain_operations(
        &self,
        component: &Component,
        locked: Option<&LockEntry>,
        out: &mut Operations,
    ) -> Result<(), PipelineError> {
        let unchanged = locked.and_then(|e| e.module.as_ref()).is_some_and(|m| m.wanted == self.wanted_operations(component));
        for (replace, ad_hoc) in self.replaces(component) {
            let Replace::Module { old, old_version, new, new_version } = replace else { continue };
            if !ad_hoc && self.overridden(old) {
                continue;
            }
            let pinned = if unchanged { locked.and_then(|e| pinned_version(e, old, new)) } else { None };
            let new_version = match pinned {
                Some(version) => version,
                None => crate::gomod::DownloadedModule::get(&self.any_go()?, new, new_version)?.version,
            };
            let (old, old_version, new) = (old.clone(), old_version.clone(), new.clone());
            out.edits.push(Operation::ReplaceByModule { old, old_version, new, new_version });
        }
        for require in &component.require {
            let version = crate::gomod::DownloadedModule::get(&self.any_go()?, &require.module, &require.version)?.version;
            out.edits.push(Operation::Require { module: require.module.clone(), version });
        }
        if let Some(go) = &component.go {
            out.edits.push(Operation::Go(go.clone()));
        }
        Ok(())
    }

    /// The operations in the recipe's words: the lock keeps them to see when they change.
    pub(super) fn wanted_operations(&self, component: &Component) -> Vec<String> {
        let at = |v: &Option<ModuleQuery>| v.as_ref().map(|v| format!("@{v}")).unwrap_or_default();
        let mut words: Vec<String> = component
            .replace
            .iter()
            .chain(&self.options.replaces)
            .map(|replace| match replace {
                Replace::Component(name) => format!("replace {name}"),
                Replace::Module { old, old_version, new, new_version } => {
                    format!("replace {old}{} => {new}@{new_version}", at(old_version))
                }
                Replace::Path { old, old_version, folder } => format!("replace {old}{} => {folder}", at(old_version)),
            })
            .collect();
        words.extend(component.require.iter().map(|r| format!("require {}@{}", r.module, r.version)));
        words.extend(component.go.iter().map(|go| format!("go {go}")));
        words.extend(component.tidy.then(|| "tidy".to_owned()));
        words
    }

    #[expect(clippy::too_many_arguments, reason = "an entry is made of all of them, once")]
    pub(super) fn module_lock(
        &self,
        component: &Component,
        operations: Operations,
        build: &plan::BuildLock,
        go: &GoVersion,
        patched: &PatchedTree,
        parts: &[ResolvedPart],
        same_tree: Option<&LockEntry>,
    ) -> Result<Option<ModLock>, PipelineError> {
        if operations.is_empty() {
            return Ok(None);
        }
        let wanted = self.wanted_operations(component);
        if let Some(old) = same_tree
            && let Some(module) = old.module.as_ref().filter(|m| m.wanted == wanted && old.go.as_ref() == Some(go))
        {
            return self.for_these_targets(module, build, go, patched, parts).map(Some);
        }
        let text = if operations.tidy { "go.mod, go mod tidy" } else { "go.mod" };
        self.reporter.report(Event::StageStarted { component: component.name.clone(), what: "rewriting", detail: text.into() });
        let work = self.store.work_dir("module")?;
        let tree = self.lay_out_for_lock(&work, patched, parts, None)?;
        let go_command = self.go(go)?;
        let environments = self.environments(&go_command, build);
        let (packages, flags) = (&build.args.packages, build.args.selection());
        let done = rewrite(&go_command, &tree, &operations, packages, &flags, &environments, self.reporter)?;
        let folders = parts.iter().filter(|p| p.entry.is_none()).map(|p| (p.name.clone(), p.tree.clone())).collect();
        self.reporter.report(Event::StageDone { component: component.name.clone(), what: "rewrote", detail: text.into() });
        Ok(Some(ModLock {
            wanted,
            edit: done.edit,
            tidy: operations.tidy,
            completed: done.completed,
            folders,
            go_mod: done.go_mod,
            go_sum: done.go_sum,
        }))
    }

    /// The environments of the recipe's targets and of this run's.
    fn environments(&self, go: &Go<'_>, build: &plan::BuildLock) -> Vec<GoEnv> {
        let mut targets: Vec<_> = self.recipe.targets.iter().collect();
        targets.extend(self.targets().iter().filter(|t| !self.recipe.targets.contains(t)));
        targets.into_iter().map(|t| go.env(Some(t), build.cgo, &build.env)).collect()
    }

    /// The locked go.mod and go.sum, completed where a platform of this run needs more than those that were built before.
    fn for_these_targets(
        &self,
        module: &ModLock,
        build: &plan::BuildLock,
        go: &GoVersion,
        patched: &PatchedTree,
        parts: &[ResolvedPart],
    ) -> Result<ModLock, PipelineError> {
        // `go mod tidy` looks at every platform.
        if module.tidy {
            return Ok(module.clone());
        }
        let (packages, flags) = (&build.args.packages, build.args.selection());
        let work = self.store.work_dir("module")?;
        let tree = self.lay_out_for_lock(&work, patched, parts, Some(module))?;
        let go = self.go(go)?;
        let done = complete(&go, &tree, packages, &flags, &self.environments(&go, build), self.reporter)?;
        Ok(match done {
            Some((go_mod, go_sum)) => ModLock { completed: true, go_mod, go_sum, ..module.clone() },
            None => module.clone(),
        })
    }
}

/// True where an entry of the lock `before` was made with these very trees inside.
pub(super) fn same_parts(entry: &LockEntry, before: &Lock, parts: &[ResolvedPart]) -> bool {
    let folders = entry.module.as_ref().map(|m| m.folders.clone()).unwrap_or_default();
    parts.iter().all(|part| match &part.entry {
        Some(inner) => {
            let same = |e: &LockEntry| e.name == inner.name && e.release == inner.release && e.result == inner.result;
            entry.uses.get(&part.name) == Some(&inner.release) && before.entries().iter().any(same)
        }
        None => folders.get(&part.name) == Some(&part.tree),
    })
}

/// The version that the lock has for the replacement of `old` by `new`.
pub(super) fn pinned_version(entry: &LockEntry, old: &ModulePath, new: &ModulePath) -> Option<ModuleQuery> {
    let edits = &entry.module.as_ref()?.edit.0;
    edits.iter().find_map(|edit| {
        let (left, right) = edit.strip_prefix("-replace=")?.split_once('=')?;
        let (path, version) = right.split_once('@')?;
        (left.split('@').next() == Some(old.as_str()) && path == new.as_str()).then(|| ModuleQuery::new(version).ok()).flatten()
    })
}
