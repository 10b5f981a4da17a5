//! What came of applying a series, as values: a patch that does not apply is an answer, not an error.

use serde::Serialize;

use crate::git::objects::Mode;
use crate::names::{PatchName, RelPath, SeriesName, TreeId};
use crate::patch::binary::BinaryError;
use crate::patch::diff::Kind;
use crate::patch::edit::{Broken, EditFailure};

/// A patch of a series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PatchRef {
    /// The series.
    pub series: SeriesName,
    /// The patch.
    pub patch: PatchName,
}

/// What came of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Every patch applies, or is not for this release.
    Applied {
        /// The result.
        tree: TreeId,
        /// What each patch did, in order.
        steps: Vec<Step>,
    },
    /// At least one patch does not apply; nothing was written.
    Failed {
        /// What the others did, in order.
        steps: Vec<Step>,
        /// Every patch that does not apply.
        failures: Vec<PatchFailure>,
    },
}

/// What one patch did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which patch.
    #[serde(flatten)]
    pub at: PatchRef,
    /// Whether it was applied.
    #[serde(flatten)]
    pub status: Status,
    /// The tree after it; only from [`apply_stepwise`](crate::patch::apply_stepwise).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<TreeId>,
}

/// Whether a patch was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Status {
    /// It was.
    Applied {
        /// The file of the form that was used.
        form: PatchName,
        /// Hunks that did not stand at their recorded line.
        offsets: Vec<Offset>,
        /// The files that it touched.
        files: Vec<Touched>,
    },
    /// It is not for this release.
    Skipped {
        /// The range and, where series.toml gives one, the reason.
        reason: String,
    },
}

/// A hunk that applied elsewhere than recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offset {
    /// The file.
    pub path: RelPath,
    /// Number of the hunk in the file's section, from 1.
    pub hunk: usize,
    /// How many lines further down it stands.
    pub lines: i64,
}

/// A file that a patch touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// What was done.
    pub kind: Kind,
    /// The file, under its new name.
    pub path: RelPath,
    /// Its old name, where it was renamed or copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<RelPath>,
}

/// A patch that does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatchFailure {
    /// Which patch.
    #[serde(flatten)]
    pub at: PatchRef,
    /// Why.
    pub cause: Cause,
    /// Earlier failing patches that touch the same files: this failure may be a consequence of theirs.
    pub perhaps_because_of: Vec<PatchRef>,
}

/// Why a patch does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// No form applies (most patches have one).
    NoForm {
        /// What is wrong with each.
        forms: Vec<FormFailure>,
    },
    /// Several forms apply and make different trees.
    SeveralForms {
        /// Those that do.
        forms: Vec<PatchName>,
        /// Files in which they differ.
        differ_in: Vec<RelPath>,
    },
}

/// Why a form of a patch does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormFailure {
    /// The form's file.
    pub form: PatchName,
    /// Where the file was found, for messages.
    pub origin: String,
    /// What is wrong, by file.
    pub files: Vec<FileFailure>,
    /// Sections of the form that do apply.
    pub good_files: usize,
    /// Files in which the form's change is already made: the reverse applies exactly.
    pub already_in: Vec<RelPath>,
    /// True where that holds for every section: the whole patch is already there.
    pub already_applied: bool,
}

/// Why a section does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileFailure {
    /// The file.
    pub path: RelPath,
    /// Line of the section in the patch file.
    pub patch_line: usize,
    /// What is wrong.
    pub problem: FileProblem,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum FileProblem {
    /// It is not there.
    Missing,
    /// It is already there.
    AlreadyExists,
    /// A folder is where the file would be.
    FolderInTheWay,
    /// A file is where a folder of its path would be.
    FileInTheWay {
        /// That file.
        at: RelPath,
    },
    /// The path leads through a symbolic link, perhaps out of the tree.
    ThroughLink {
        /// The link.
        at: RelPath,
    },
    /// It is a submodule.
    Submodule,
    /// Its mode is not the one that the patch was made for.
    WrongMode {
        /// What the patch says.
        expected: Mode,
        /// What it is.
        found: Mode,
    },
    /// The patch deletes it, but more is in it.
    RestAfterDelete {
        /// The lines that would be lost.
        lines: usize,
    },
    /// Its content is not the one that the binary patch was made from.
    OtherBinary {
        /// Blob id in the patch; `None`: it has to be empty or missing.
        expected: Option<String>,
        /// Blob id of the file.
        found: String,
    },
    /// The binary part cannot be applied, or makes something else than announced.
    BrokenBinary {
        /// Why, where decoding failed.
        reason: Option<BinaryError>,
    },
    /// An earlier section of the same patch has done something to the file that this one contradicts.
    Twice,
    /// Edits have no place, or not the expected number of them.
    Edits {
        /// Each such edit.
        failures: Vec<EditFailure>,
        /// Number of edits of the file.
        of: usize,
    },
    /// The edits fit, but the file is no Go after them.
    NotGoAnyMore {
        /// What is wrong.
        broken: Vec<Broken>,
    },
    /// A Go file that is too large to be parsed.
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Hunks have no place.
    Hunks {
        /// Each such hunk.
        failures: Vec<HunkFailure>,
        /// Number of hunks of the section.
        of: usize,
    },
}

/// A hunk without a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HunkFailure {
    /// Its number in the section, from 1.
    pub hunk: usize,
    /// Line of its `@@` in the patch file.
    pub patch_line: usize,
    /// Why.
    pub problem: HunkProblem,
}

/// Why a hunk has no place. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum HunkProblem {
    /// The old text is nowhere.
    Mismatch {
        /// The line where the patch expects it.
        expected_at: usize,
        /// The old text, with newlines.
        expected: Vec<String>,
        /// Where the file is most similar, if it is at all.
        found_at: Option<usize>,
        /// The text there (else at the expected line), with newlines.
        found: Vec<String>,
        /// Lines of the file that differ there.
        differing: Vec<usize>,
    },
    /// The old text is in several places and not, or not certainly, at the recorded line.
    Ambiguous {
        /// The line where the patch expects it.
        expected_at: usize,
        /// The first places where it is.
        places: Vec<usize>,
    },
    /// The hunk belongs to the top of the file, but its text is further down.
    NotAtTop {
        /// Where it is.
        found: usize,
    },
    /// The hunk belongs to the end of the file, but its text is not there.
    NotAtEnd {
        /// Where it is.
        found: usize,
        /// The number of lines.
        lines: usize,
    },
    /// The old text is only above or inside the place of an earlier hunk.
    Overlap {
        /// Where it is.
        found: usize,
    },
    /// The hunk has no context that would tell where it goes.
    NoContext,
}
