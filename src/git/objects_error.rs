//! What goes wrong with the objects of a store.

use std::path::PathBuf;

use crate::disk::DiskError;
use crate::names::{NameError, TreeId};

/// A store's objects could not be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ObjectsError {
    /// The repository itself cannot be opened or made.
    #[error("cannot open the object store {}: {message}", path.display())]
    #[diagnostic(help("remove that folder; forge fetches it again"))]
    Open {
        /// The bare repository.
        path: PathBuf,
        /// libgit2's words.
        message: String,
    },
    /// An object is not there.
    #[error("object {id} is missing in {}", path.display())]
    #[diagnostic(help("`forge fetch` brings it again"))]
    Missing {
        /// The id.
        id: String,
        /// The store.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("{}: {message}", path.display())]
    Failed {
        /// The store.
        path: PathBuf,
        /// libgit2's words.
        message: String,
    },
    /// A tree of somebody else's has a path that must never be written.
    #[error("the tree {tree} cannot be used: {source}")]
    #[diagnostic(help("such a path could write outside the tree; the upstream (or --source) must not contain it"))]
    UnsafePath {
        /// The tree.
        tree: TreeId,
        /// The refused path.
        source: NameError,
    },
    /// A tree has an entry of a kind that git does not have, or two of one name.
    #[error("the tree {tree} is malformed at {path:?}: {reason}")]
    Malformed {
        /// The tree.
        tree: TreeId,
        /// The entry.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A file of a checkout could not be written or read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(#[from] DiskError),
    /// A checkout needs a place of its own.
    #[error("{} is not empty", path.display())]
    #[diagnostic(help("give a folder that does not exist yet, or an empty one"))]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file on disk cannot become part of a tree.
    #[error("{} cannot be part of a source tree: {reason}", path.display())]
    #[diagnostic(help("move it away or rename it"))]
    NotImportable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
