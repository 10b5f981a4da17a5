//! The order of a series as its list says it, whichever of the three ways it is written in.

use crate::names::{PatchName, Revision};
use crate::patch::diff::Dialect;
use crate::release::Req;

/// A series' list.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) dialect: Dialect,
    pub(crate) description: Option<String>,
    pub(crate) entries: Vec<Entry>,
    /// Files that need no entry: refused by another error, or commented out in a quilt `series`.
    pub(crate) excused: Vec<String>,
}

/// One patch of the list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) versions: Option<Req>,
    pub(crate) reason: Option<String>,
    pub(crate) forms: Vec<ListedForm>,
}

/// One file of the list.
#[derive(Debug)]
pub(crate) struct ListedForm {
    pub(crate) file: PatchName,
    pub(crate) base: Option<Revision>,
    pub(crate) strip: usize,
}

impl Entry {
    pub(crate) fn plain(file: PatchName) -> Self {
        Self { versions: None, reason: None, forms: vec![ListedForm { file, base: None, strip: 1 }] }
    }
}
