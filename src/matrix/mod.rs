//! A series against many releases: what became of every patch on every one, without writing a tree.
//!
//! [`Matrix`] is the answer, made of values; the views turn it into text.

mod model;

pub use model::{CheckResult, Checked, Column, Judged, Matrix, PatchVerdict, Place, Reason, State, Verdict};
