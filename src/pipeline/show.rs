//! Plans, and plans as shell scripts.

use crate::git;
use crate::git::objects::{Changes, Mode};
use crate::names::{ComponentName, RelPath, TreeId};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve::Resolved;
use crate::pipeline::resolve_all::resolve_all;
use crate::pipeline::select::Selected;
use crate::pipeline::session::Session;
use crate::plan::{BuildPlan, Diffs, Origin, Plan, script};
use crate::recipe::model::Component;

/// The plans of everything selected.
pub fn plan_all(session: &Session<'_>, selected: &[Selected<'_>], lock: &mut LockFile) -> Result<Plan, PipelineError> {
    let resolved = resolve_all(session, selected, lock)?;
    let mut builds = Vec::new();
    for (selected, resolved) in selected.iter().zip(&resolved) {
        for target in session.targets() {
            builds.push(session.plan(selected.component, resolved, target)?);
        }
    }
    Ok(Plan { recipe: session.recipe.name.clone(), origin: session.recipe.origin.to_string(), builds })
}

/// The scripts of everything selected, one per build.
pub fn scripts(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    lock: &mut LockFile,
) -> Result<Vec<(BuildPlan, Vec<u8>)>, PipelineError> {
    let resolved = resolve_all(session, selected, lock)?;
    let mut out = Vec::new();
    for (selected, resolved) in selected.iter().zip(&resolved) {
        let diffs = session.diffs(selected.component, resolved)?;
        for target in session.targets() {
            let plan = session.plan(selected.component, resolved, target)?;
            let text = script(&plan, &diffs);
            out.push((plan, text));
        }
    }
    Ok(out)
}

impl Session<'_> {
    /// The diffs behind a plan.
    fn diffs(&self, component: &Component, resolved: &Resolved) -> Result<Diffs, PipelineError> {
        let mut diffs = Diffs::default();
        let entry = &resolved.entry;
        let objects = self.entry_objects(component, entry)?;
        self.add_diffs(&mut diffs, None, &objects, &entry.origin, &entry.tree, &entry.result)?;
        for part in &resolved.parts {
            let objects = self.part_objects(part)?;
            let name = Some(part.name.clone());
            match &part.entry {
                Some(inner) => self.add_diffs(&mut diffs, name, &objects, &inner.origin, &inner.tree, &inner.result)?,
                None => {
                    let empty = objects.write(None, &Changes::new())?;
                    diffs.content.push((name, git::diff::tree_diff(&objects, &empty, &part.tree)?));
                }
            }
        }
        if let Some(module) = &entry.module {
            let mut changes = Changes::new();
            if module.tidy || module.completed {
                changes.insert(RelPath::new("go.mod")?, Some((Mode::File, module.go_mod.clone().into_bytes())));
            }
            if let Some(go_sum) = &module.go_sum {
                changes.insert(RelPath::new("go.sum")?, Some((Mode::File, go_sum.clone().into_bytes())));
            }
            let rewritten = objects.write(Some(&entry.result), &changes)?;
            diffs.module = git::diff::tree_diff(&objects, &entry.result, &rewritten)?;
        }
        Ok(diffs)
    }

    fn add_diffs(
        &self,
        diffs: &mut Diffs,
        name: Option<ComponentName>,
        objects: &git::objects::Objects,
        origin: &Origin,
        tree: &TreeId,
        result: &TreeId,
    ) -> Result<(), PipelineError> {
        if matches!(origin, Origin::Folder { .. }) {
            let empty = objects.write(None, &Changes::new())?;
            diffs.content.push((name.clone(), git::diff::tree_diff(objects, &empty, tree)?));
        }
        if tree != result {
            diffs.series.push((name, git::diff::tree_diff(objects, tree, result)?));
        }
        Ok(())
    }
}
