//! What a matrix says. Its JSON is part of the contract: `{"schema": 1, "components": [...]}`.

use serde::{Deserialize, Serialize};

use crate::names::{CommitId, ComponentName, ModulePath, PatchName, RecipeName, Revision, SeriesName, TreeId, UpstreamName};

/// Every component of a recipe that has patches.
#[derive(Debug, Clone, Serialize)]
pub struct Matrix {
    /// The recipe.
    pub recipe: RecipeName,
    /// In the recipe's order.
    pub components: Vec<Column>,
}

/// One component and its releases.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// The component.
    pub component: ComponentName,
    /// Whose releases these are.
    pub upstream: UpstreamName,
    /// What was looked at, in words: a range, or `pins of k0s`.
    pub range: String,
    /// What the recipe promises (`holds`), where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// The patches of its series in order, `SERIES/PATCH`.
    pub patches: Vec<String>,
    /// Newest first; branches before releases.
    pub releases: Vec<Judged>,
}

/// A release and what became of the patches there.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Tag, branch, or version of a module.
    pub version: Revision,
    /// Its commit; a module's version has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// The row that it belongs to: `1.36`, or `branches`.
    pub row: String,
    /// Whether a failure counts: the recipe promises that the series holds here, or, where it promises nothing, the user named
    /// the release.
    pub promised: bool,
    /// All patches together.
    pub verdict: Verdict,
    /// Why the upstream's rules cannot build it, where that is the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unbuildable: Option<String>,
    /// Each patch, in order.
    pub patches: Vec<PatchVerdict>,
    /// The patched tree, where it was asked for and every patch applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<TreeId>,
    /// For a component that follows others: the releases that require this version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_by: Vec<String>,
    /// The module that these put in the place of the upstream's, where a replacement of theirs names another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<ModulePath>,
    /// Whether the touched packages compile, where that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compile: Option<CheckResult>,
    /// Whether their tests pass, where that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<CheckResult>,
    /// What is behind the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}

/// What a series comes to on a release: the worst of its patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything applies where it was written for.
    Clean,
    /// Everything applies, some of it some lines up or down.
    CleanOffset,
    /// The upstream has the change already: its reverse applies exactly.
    Upstreamed,
    /// A file that a patch changes is not there.
    MissingFile,
    /// Something does not apply, or only in another place than it was written for.
    Conflict,
    /// The upstream's rules have no way to build this release.
    Unbuildable,
}

/// What became of one patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As [`Verdict::Clean`].
    Clean,
    /// As [`Verdict::CleanOffset`].
    CleanOffset,
    /// It is not for this release.
    Skipped,
    /// As [`Verdict::Upstreamed`].
    Upstreamed,
    /// As [`Verdict::MissingFile`].
    MissingFile,
    /// As [`Verdict::Conflict`].
    Conflict,
}

/// One patch on one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchVerdict {
    /// The series.
    pub series: SeriesName,
    /// The patch.
    pub patch: PatchName,
    /// What became of it.
    #[serde(rename = "verdict")]
    pub state: State,
    /// The form that was taken, where the patch has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<PatchName>,
    /// Why, where it is not clean: offsets, the range that it is for, what was expected and found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// Why a patch is not clean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// One or more lines.
    pub text: String,
    /// The place in the patch, for annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// A line of a patch file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file as the user has it, relative to the project where it is inside.
    pub file: String,
    /// From 1.
    pub line: usize,
}

/// How compiling and testing went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Go's version.
    pub go: String,
    /// The packages.
    pub packages: Vec<String>,
    /// Seconds that it took when it ran.
    pub seconds: f64,
    /// The last lines that were printed, where something failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// Whether a check passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// It did.
    Ok,
    /// It did not.
    Failed,
}
