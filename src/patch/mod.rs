//! Patches: series of git mails, quilt patches or structural edits, and the one engine that applies them.
//!
//! A patch is a function from tree to tree. [`Series::load`] reads and parses a series once; [`apply`] puts it on a tree
//! without touching a disk and writes the result once, when everything fitted. Whether a patch fits is decided more strictly
//! than git and patch(1) do: see `place.rs` for the rule. What does not fit is a value ([`Outcome::Failed`]) that names every
//! patch, file and hunk; [`explain`] renders it for people, [`blame`] tells which patch wrote a line.
//!
//! One known difference from `git am`: it works on a checkout, where a `.gitattributes` of the tree (`eol`, `text`, filters)
//! can change line ends on the way; here objects become objects, byte for byte.

mod apply;
mod binary;
mod blame;
mod content;
mod diff;
pub mod edit;
mod edit_form;
mod explain;
mod explain_edit;
mod form;
#[cfg(test)]
mod fuzz_tests;
mod hunk;
mod lint;
mod mail;
mod memo;
mod message;
mod outcome;
mod overlay;
mod patch_file;
mod place;
mod plain;
mod position;
mod quilt;
mod reverse;
mod section;
mod series;
mod series_error;
mod series_list;
mod series_toml;
mod series_write;
mod similar_place;
mod toml_reader;
mod tree;
mod write;

pub use apply::{ApplyError, apply, apply_some, apply_stepwise, apply_with, judge};
pub use binary::{BinaryError, Block};
pub use blame::blame;
pub use content::Content;
pub use diff::{Body, Dialect, DiffError, DiffProblem, FilePatch, Kind};
pub use explain::{Reason, explain, reasons};
pub use hunk::{Hunk, Line, LineKind};
pub use lint::{Finding, FindingKind, lint};
pub use mail::{Mail, MailError, split_box};
pub use memo::Memo;
pub use outcome::{
    Cause, FileFailure, FileProblem, FormFailure, HunkFailure, HunkProblem, Offset, Outcome, PatchFailure, PatchRef, Status,
    Step, Touched,
};
pub(crate) use patch_file::sha256;
pub use patch_file::{PATCH_LIMIT, PatchFile, PatchFileError};
pub use position::Position;
pub use series::{Form, Patch, Series};
pub use series_error::{ListProblem, SeriesError, SeriesErrors};
pub use series_write::{Bound, FormChange, Planned, RelistError, relist};
pub use tree::PatchedTree;
pub use write::{Before, Letter, LetterError, file_name, is_same_text, numbered, provenance, write_mail};
