//! A series against many releases: what became of every patch on every one, without writing a tree.
//!
//! [`Matrix`] is the answer, made of values; the views turn it into text: [`table`] for a terminal, [`markdown`] and [`html`]
//! for readers elsewhere, [`document`] for programs, [`github`] and [`code_quality`] for CI. They do no I/O.

mod annotate;
mod failures;
mod fold;
mod html;
mod json;
mod judge;
mod markdown;
mod model;
mod record;
mod remarks;
mod table;
mod tally;
#[cfg(test)]
mod testing;
mod verdicts;
mod words;

pub use annotate::{code_quality, github};
pub use failures::{Failure, What, failures};
pub use fold::{BRANCHES, Row, Run, Stretch, cell, count, rows, spans, stretch};
pub use html::html;
pub use json::document;
pub use judge::{Candidate, Judge, bases_of, paths_of};
pub use markdown::markdown;
pub use model::{CheckResult, Checked, Column, Judged, Matrix, PatchVerdict, Place, Reason, State, Verdict};
pub use record::record;
pub use table::table;
pub use tally::Tally;
pub use verdicts::Verdicts;
