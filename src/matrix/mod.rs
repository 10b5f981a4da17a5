//! A series against many releases: what became of every patch on every one, without writing a tree.
//!
//! [`Matrix`] is the answer, made of values; the views turn it into text: [`table`] for a terminal, [`markdown`] and [`html`]
//! for readers elsewhere, [`document`] for programs, [`github`] and [`code_quality`] for CI. They do no I/O.

mod annotate;
mod failures;
mod fold;
mod html;
mod json;
mod markdown;
mod model;
mod remarks;
mod table;
mod tally;
#[cfg(test)]
mod testing;
mod words;

pub use annotate::{code_quality, github};
pub use failures::{Failure, What, failures};
pub use fold::{BRANCHES, Row, Run, Stretch, cell, count, rows, spans, stretch};
pub use html::html;
pub use json::document;
pub use markdown::markdown;
pub use model::{CheckResult, Checked, Column, Judged, Matrix, PatchVerdict, Place, Reason, State, Verdict};
pub use table::table;
pub use tally::Tally;
