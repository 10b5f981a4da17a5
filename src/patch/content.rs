//! What a form of a patch is written in.

use crate::names::{RelPath, Sha256};
use crate::patch::edit::EditFile;
use crate::patch::mail::Mail;
use crate::patch::patch_file::PatchFile;

/// The content of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A git mail or a bare diff.
    Diff(PatchFile),
    /// A structural edit.
    Edit(EditFile),
}

impl Content {
    /// Of the file's bytes.
    pub fn sha256(&self) -> &Sha256 {
        match self {
            Self::Diff(patch) => &patch.sha256,
            Self::Edit(edit) => &edit.sha256,
        }
    }

    /// The paths that it is about.
    pub fn paths(&self) -> Vec<RelPath> {
        match self {
            Self::Diff(patch) => patch.files.iter().flat_map(|f| f.paths()).cloned().collect(),
            Self::Edit(edit) => edit.paths().cloned().collect(),
        }
    }

    /// Author and date, where it is a mail.
    pub fn mail(&self) -> Option<&Mail> {
        match self {
            Self::Diff(patch) => Some(&patch.mail),
            Self::Edit(_) => None,
        }
    }

    /// The message of its commit, where it has one.
    pub fn message(&self) -> Option<String> {
        let message = match self {
            Self::Diff(patch) => patch.mail.message(),
            Self::Edit(edit) => format!("{}\n", edit.description.as_ref()?),
        };
        (!message.trim().is_empty()).then_some(message)
    }
}
