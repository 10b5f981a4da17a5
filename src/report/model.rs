//! What a report knows.

use serde::{Deserialize, Serialize};

use crate::names::{ComponentName, RecipeName, Sha256};
use crate::trial::Evidence;

/// A whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The recipe.
    pub recipe: RecipeName,
    /// Its description.
    pub description: String,
    /// The version of forge.
    pub forge: String,
    /// One for each component.
    pub upstreams: Vec<Upstream>,
    /// The last trial of each scenario.
    pub trials: Vec<Trial>,
    /// The command that takes a trial; `None` where the recipe has no steps.
    pub trial_command: Option<String>,
    /// What is not known.
    pub questions: Vec<String>,
    /// What was to be done.
    pub plan: Vec<PlanTold>,
}

/// One component.
#[derive(Debug, Clone, Serialize)]
pub struct Upstream {
    /// Its name.
    pub component: ComponentName,
    /// Where its sources come from.
    pub source: String,
    /// What it resolved to, the first line first.
    pub releases: Vec<Release>,
    /// Its series.
    pub series: Vec<SeriesTold>,
    /// What go.mod is told, as arguments of `go mod edit`.
    pub edits: Vec<String>,
    /// The change of the series on the first release, as `git apply` takes it; `None` where its trees are not in the store.
    pub diff: Option<String>,
    /// What was built.
    pub builds: Vec<Built>,
    /// On which releases the series hold, as the last `forge matrix` found.
    pub matrix: Option<Kept>,
    /// Commands that do all of it again.
    pub commands: Vec<String>,
    /// The range of releases that the recipe promises.
    pub holds: Option<String>,
}

/// A release with what identifies it.
#[derive(Debug, Clone, Serialize)]
pub struct Release {
    /// Its name.
    pub version: String,
    /// Where it came from, with its commit or sum.
    pub origin: String,
    /// The tree before patching.
    pub tree: String,
    /// And after.
    pub patched: String,
    /// The Go that builds it.
    pub go: Option<String>,
}

/// A series.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesTold {
    /// Its name.
    pub series: String,
    /// What it says of itself, by name.
    pub sections: Vec<(String, String)>,
    /// Its patches.
    pub patches: Vec<PatchTold>,
}

/// A patch.
#[derive(Debug, Clone, Serialize)]
pub struct PatchTold {
    /// Its name.
    pub patch: String,
    /// The subject of its message.
    pub subject: String,
    /// The releases that it is for, where not for all.
    pub versions: Option<String>,
}

/// A build.
#[derive(Debug, Clone, Serialize)]
pub struct Built {
    /// The release.
    pub version: String,
    /// The platform.
    pub target: String,
    /// The artifact.
    pub artifact: String,
    /// Its checksum; `None`: it is not built.
    pub sha256: Option<Sha256>,
    /// Facts that were checked, and those that need a run elsewhere.
    pub facts: (usize, usize),
}

/// What a matrix found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// The range that was looked at.
    pub range: String,
    /// The outcome in words.
    pub words: String,
    /// When, in seconds since 1970.
    pub at: u64,
    /// A digest of the series that were applied.
    pub series: String,
    /// True where the series are others now.
    #[serde(default)]
    pub stale: bool,
}

/// A trial, and whether it tried what is built now.
#[derive(Debug, Clone, Serialize)]
pub struct Trial {
    /// What came of it.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// True where a binary is another one now.
    pub stale: bool,
}

/// How an item of the plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was run, and ended well.
    Done,
    /// It was run, and did not.
    Failed,
    /// It cannot be.
    NotPossible,
    /// It was not run.
    NotRun,
}

impl Outcome {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NotPossible => "not possible",
            Self::NotRun => "not run",
        }
    }
}

/// An item of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlanTold {
    /// In words.
    pub item: String,
    /// How it stands.
    pub outcome: Outcome,
    /// The command that was run, or would have to be.
    pub command: Option<String>,
    /// What came out.
    pub seen: String,
    /// What else there is to say.
    pub note: Option<String>,
}
