//! A patched tree: a checkout with its series applied. It cannot be made in any other way.

use crate::git::objects::{Objects, ObjectsError};
use crate::names::TreeId;
use crate::patch::{ApplyError, Outcome, PatchFailure, Series, Step, apply};
use crate::release::Release;
use crate::source::Checkout;

/// A tree with its series applied, complete in the store of its checkout.
#[derive(Debug, Clone)]
pub struct PatchedTree {
    checkout: Checkout,
    tree: TreeId,
    steps: Vec<Step>,
}

impl PatchedTree {
    /// Applies the series. Patches that do not apply are a value: the inner `Err` has every one of them.
    pub fn make(
        checkout: Checkout,
        release: Option<&Release>,
        series: &[&Series],
    ) -> Result<Result<Self, Vec<PatchFailure>>, ApplyError> {
        if series.is_empty() {
            let tree = checkout.tree().clone();
            return Ok(Ok(Self { checkout, tree, steps: Vec::new() }));
        }
        let objects = checkout.objects()?;
        Ok(match apply(&objects, checkout.tree(), release, series)? {
            Outcome::Applied { tree, steps } => Ok(Self { checkout, tree, steps }),
            Outcome::Failed { failures, .. } => Err(failures),
        })
    }

    /// The unpatched tree.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }
    /// The result.
    pub fn tree(&self) -> &TreeId {
        &self.tree
    }
    /// What each patch did.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
    /// Opens the objects.
    pub fn objects(&self) -> Result<Objects, ObjectsError> {
        self.checkout.objects()
    }
}
