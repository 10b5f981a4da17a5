//! `forge patch show`: what every patch of a component makes of a release.

use crate::git;
use crate::patch::{self, Outcome, Series, Step};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::recipe::model::Component;
use crate::release::Release;

/// One patch and what it does.
#[derive(Debug)]
pub struct ShownPatch {
    /// Which patch, and whether it is for the release.
    pub step: Step,
    /// Its change as `git apply` takes it; empty where the patch is not for the release.
    pub diff: Vec<u8>,
}

/// The release and its patches, in order.
pub fn show_patches(
    session: &Session<'_>,
    component: &Component,
    pick: Option<Pick>,
    file: &mut LockFile,
) -> Result<(String, Vec<ShownPatch>), PipelineError> {
    let (objects, base) = session.unpatched(component, pick.as_ref(), file)?;
    let release = base.release.to_string();
    let series = session.series_of(component)?;
    let all: Vec<&Series> = series.iter().collect();
    let steps = match patch::apply_stepwise(&objects, &base.tree, Release::parse(&base.release).as_ref(), &all)? {
        Outcome::Applied { steps, .. } => steps,
        Outcome::Failed { failures, .. } => {
            return Err(PipelineError::Patches { component: component.name.clone(), release: base.release, failures });
        }
    };
    let mut before = base.tree;
    let mut out = Vec::new();
    for step in steps {
        let after = step.tree.clone().unwrap_or_else(|| before.clone());
        let diff = git::diff::tree_diff(&objects, &before, &after)?;
        before = after;
        out.push(ShownPatch { step, diff });
    }
    Ok((release, out))
}
