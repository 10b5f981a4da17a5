//! Verdicts and result trees as lines of text, for review in a pull request.

use crate::matrix::model::{Matrix, Verdict};

/// One line for each release: component, version, verdict, and the tree that comes out (`-` where none does).
pub fn record(matrix: &Matrix) -> String {
    let mut out =
        format!("# forge matrix --recipe {} --record: component, release, verdict, git tree that comes out\n", matrix.recipe);
    for column in &matrix.components {
        for one in &column.releases {
            let tree = one.tree.as_ref().map_or("-", |t| t.as_str());
            out.push_str(&format!("{} {} {} {tree}\n", column.component, one.version, one.verdict.word()));
        }
    }
    out
}

impl Verdict {
    /// Whether every patch applies and there is a way to build what comes out.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Clean | Self::CleanOffset)
    }
}
