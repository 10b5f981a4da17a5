//! What came of a build: artifacts and failures, each in its place.

use std::path::{Path, PathBuf};

use crate::names::{ComponentName, Revision, Sha256, Target};
use crate::pipeline::error::PipelineError;

/// A binary in the output folder.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The component.
    pub component: ComponentName,
    /// The release.
    pub version: Revision,
    /// The platform.
    pub target: Target,
    /// The binary.
    pub path: PathBuf,
    /// Its checksum.
    pub sha256: Sha256,
    /// True where nothing had to be compiled.
    pub cached: bool,
}

/// How far something came that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Its sources, patches or lock entry.
    Resolve,
    /// Its plan: what a build needs of the machine.
    Plan,
    /// The build itself.
    Build,
    /// The facts about the binary.
    Check,
    /// Its way into the output folder.
    Deliver,
}

/// Something that should have become an artifact.
#[derive(Debug)]
pub struct Failure {
    /// The component.
    pub component: ComponentName,
    /// What the recipe or the user wanted of it: a line, a version.
    pub wanted: String,
    /// The release, where it is known.
    pub version: Option<Revision>,
    /// The platform; none where all of them failed.
    pub target: Option<Target>,
    /// How far it came.
    pub stage: Stage,
    /// Why.
    pub error: PipelineError,
}

impl Failure {
    /// The tree that was kept, and the log.
    pub fn left(&self) -> Option<(&Path, &Path)> {
        match &self.error {
            PipelineError::BuildFailed { tree, log, .. } => Some((tree, log)),
            _ => None,
        }
    }
}

/// What came of a run: good artifacts stay although others failed. Both lists are in the order of the recipe and its platforms,
/// whatever was done first.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was delivered.
    pub artifacts: Vec<Artifact>,
    /// What failed.
    pub failures: Vec<Failure>,
}
