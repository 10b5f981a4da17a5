//! Trees from git repositories and from Go modules.

use std::path::{Path, PathBuf};

use crate::files::FilesError;
use crate::git::objects::{Changes, Mode, Objects, ObjectsError};
use crate::git::{self, GitError};
use crate::gomod::{DownloadedModule, Go, GoError};
use crate::names::{CommitId, ModulePath, ModuleQuery, Revision, TreeId};
use crate::release::Wanted;
use crate::store::{Store, StoreError};

/// Why sources cannot be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SourceError {
    /// git failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Git(#[from] GitError),
    /// Objects cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Objects(#[from] ObjectsError),
    /// go failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Go(#[from] GoError),
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// A project file failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Files(#[from] FilesError),
    /// No release is in the range.
    #[error("no release of {origin} matches {wanted}")]
    #[diagnostic(help("{hint}"))]
    NoRelease {
        /// The upstream.
        origin: String,
        /// The range.
        wanted: String,
        /// The nearest releases.
        hint: String,
    },
    /// No tag or branch has this name.
    #[error("{origin} has no tag or branch {wanted}")]
    #[diagnostic(help("{hint}"))]
    NoRevision {
        /// The upstream.
        origin: String,
        /// The name.
        wanted: Wanted,
        /// The nearest names.
        hint: String,
    },
    /// A tag points somewhere else than the lock says.
    #[error("{origin}: the tag {tag} moved from {locked} to {found}")]
    #[diagnostic(help("the lock pins the old commit, and builds go on using it; `forge update` accepts the new one"))]
    TagMoved {
        /// The upstream.
        origin: String,
        /// The tag.
        tag: Revision,
        /// The commit in the lock.
        locked: CommitId,
        /// The commit now.
        found: CommitId,
    },
    /// A tag of the lock is gone.
    #[error("{origin}: the tag {tag} is gone; the lock has it at {locked}")]
    #[diagnostic(help("builds go on using the pinned commit as long as the server or the store has it"))]
    TagGone {
        /// The upstream.
        origin: String,
        /// The tag.
        tag: Revision,
        /// The commit in the lock.
        locked: CommitId,
    },
    /// A module's sum is not the locked one.
    #[error("{module}@{version} has the sum {found}, and the lock says {locked}")]
    #[diagnostic(help(
        "somebody changed a published version, or the proxy serves something else: do not build it before you know which"
    ))]
    ModuleSum {
        /// The module.
        module: ModulePath,
        /// The version.
        version: String,
        /// The locked sum.
        locked: String,
        /// The sum now.
        found: String,
    },
    /// A tree is not the locked one.
    #[error("{what} has the tree {found}, and the lock says {locked}")]
    #[diagnostic(help("the same commit or version must give the same tree; the store or the lock is damaged"))]
    TreeDiffers {
        /// The commit or module.
        what: String,
        /// The locked tree.
        locked: TreeId,
        /// The tree now.
        found: TreeId,
    },
    /// Something is not in the store, and the network may not be used.
    #[error("{what} is not in the store")]
    #[diagnostic(help("run `forge fetch` once without --offline"))]
    Offline {
        /// What is missing.
        what: String,
    },
    /// A matrix needs something that was never surveyed, and the network may not be used.
    #[error("{what} is not in the store")]
    #[diagnostic(help("run the same `forge matrix` once without --offline"))]
    NotSurveyed {
        /// What is missing.
        what: String,
    },
    /// A folder of the project does not exist.
    #[error("the folder {folder} does not exist")]
    #[diagnostic(help("a path upstream has one folder per release; `forge show` names where it is looked for"))]
    NoFolder {
        /// The folder.
        folder: String,
    },
    /// A folder holds something that no tree can.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// An unpatched tree that is complete in the store.
#[derive(Debug, Clone)]
pub struct Checkout {
    store: PathBuf,
    tree: TreeId,
}

impl Checkout {
    pub(in crate::source) fn new(store: PathBuf, tree: TreeId) -> Self {
        Self { store, tree }
    }
    /// The bare repository that holds it.
    pub fn store(&self) -> &Path {
        &self.store
    }
    /// The tree.
    pub fn tree(&self) -> &TreeId {
        &self.tree
    }
    /// Opens the objects.
    pub fn objects(&self) -> Result<Objects, ObjectsError> {
        Objects::open(&self.store)
    }
}

/// What a commit is besides its tree.
#[derive(Debug, Clone)]
pub struct GitCheckout {
    /// The tree.
    pub checkout: Checkout,
    /// The committer's time, seconds since 1970.
    pub time: i64,
}

/// The tree of a commit that has been fetched into the bare repository `store`.
pub fn from_git(store: &Path, commit: &CommitId) -> Result<GitCheckout, SourceError> {
    let objects = Objects::open(store)?;
    let checkout = Checkout::new(store.to_owned(), objects.commit_tree(commit)?);
    Ok(GitCheckout { checkout, time: objects.commit_time(commit)? })
}

/// The tree that the module of a repository's root would have (<https://go.dev/ref/mod#zip-files>): files without their
/// modes, no links, nothing of nested modules or vendored packages.
pub fn as_module(store: &Store, module: &ModulePath, checkout: &Checkout) -> Result<Checkout, SourceError> {
    let objects = checkout.objects()?;
    let entries = objects.walk(checkout.tree())?;
    let nested: Vec<&str> = entries.iter().filter_map(|e| e.path.as_str().strip_suffix("/go.mod")).collect();
    let left_out = |path: &str| {
        let inside = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
        path.split('/').rev().skip(1).any(|part| part == "vendor") || nested.iter().any(inside)
    };
    let mut changes = Changes::new();
    for entry in &entries {
        if matches!(entry.mode, Mode::File | Mode::Executable) && !left_out(entry.path.as_str()) {
            changes.insert(entry.path.clone(), Some((Mode::File, objects.blob(&entry.id)?)));
        }
    }
    let path = store.module(module);
    let tree = Objects::init(&path)?.write(None, &changes)?;
    Ok(Checkout::new(path, tree))
}

/// Makes a module's tree available in the object store `home`. Its content comes through the Go module proxy and is verified
/// there.
pub fn from_module(
    store: &Store,
    home: &Path,
    go: &Go<'_>,
    module: &ModulePath,
    version: &ModuleQuery,
) -> Result<(DownloadedModule, Checkout), SourceError> {
    let downloaded = DownloadedModule::get(go, module, version)?;
    let objects = Objects::init(home)?;
    let key = crate::plan::KeyBuilder::new("module tree").field("module", module.as_str()).field("sum", &downloaded.sum).finish();
    let known = store.recall("module-tree", &key).and_then(|t| TreeId::new(t).ok()).filter(|t| objects.has_tree(t));
    let tree = match known {
        Some(tree) => tree,
        None => {
            let tree = git::checkout::import_dir(&objects, &downloaded.dir)?;
            store.remember("module-tree", &key, tree.as_str());
            tree
        }
    };
    Ok((downloaded, Checkout::new(home.to_owned(), tree)))
}
