//! Lays out what is compiled: the patched tree, its parts below `.forge`, the rewritten go.mod and go.sum.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::git;
use crate::git::objects::{Objects, ObjectsError};
use crate::names::{ComponentName, RelPath, Revision, TreeId};
use crate::plan::ModLock;
use crate::plan::STAMP_MESSAGE;

/// Why a tree cannot be laid out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LayoutError {
    /// Objects cannot be read, or a file cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Objects(#[from] ObjectsError),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The upstream uses our folder.
    #[error("the upstream's tree has a folder .forge, where forge places replaced modules")]
    Taken,
}

/// A tree that is placed inside the main one.
pub struct TreePart<'a> {
    /// Its name: `.forge/NAME`.
    pub name: &'a ComponentName,
    /// Its objects.
    pub objects: &'a Objects,
    /// The patched tree.
    pub tree: &'a TreeId,
}

/// A tree on disk, ready for `go`.
#[derive(Debug)]
pub struct LaidOut {
    dir: PathBuf,
    files: usize,
    prepared: bool,
}

impl LaidOut {
    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// How many files the main tree has.
    pub fn files(&self) -> usize {
        self.files
    }
    /// Whether all commands of `prepare` have run in it and succeeded.
    pub fn prepared(&self) -> bool {
        self.prepared
    }
    pub(in crate::build) fn set_prepared(&mut self) {
        self.prepared = true;
    }
}

/// Writes everything to `dir`, which must be new or empty. `stamp` makes the result a clean git repository with one commit of
/// that time, tagged with the version: programs that read their version from VCS build info need it.
pub fn lay_out(
    dir: &Path,
    objects: &Objects,
    tree: &TreeId,
    parts: &[TreePart<'_>],
    module: Option<&ModLock>,
    stamp: Option<(&Revision, i64)>,
) -> Result<LaidOut, LayoutError> {
    let forge = RelPath::new(".forge").map_err(|_| LayoutError::Taken)?;
    if !parts.is_empty() && (objects.is_folder(tree, &forge)? || objects.entry(tree, &forge)?.is_some()) {
        return Err(LayoutError::Taken);
    }
    let stats = git::checkout::checkout(objects, tree, dir)?;
    for part in parts {
        let place = dir.join(".forge").join(part.name.as_str());
        fs::create_dir_all(&place).map_err(|source| LayoutError::Io { path: place.clone(), source })?;
        git::checkout::checkout(part.objects, part.tree, &place)?;
    }
    if let Some(module) = module {
        write(dir, "go.mod", &module.go_mod)?;
        if let Some(go_sum) = &module.go_sum {
            write(dir, "go.sum", go_sum)?;
        }
    }
    if let Some((version, time)) = stamp {
        git::stamp::stamp(dir, version, time, STAMP_MESSAGE)?;
    }
    Ok(LaidOut { dir: dir.to_owned(), files: stats.files, prepared: false })
}

fn write(dir: &Path, name: &str, text: &str) -> Result<(), LayoutError> {
    let path = dir.join(name);
    let fail = |source| LayoutError::Io { path: path.clone(), source };
    // Never through a link that the tree has in this place.
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(fail(e)),
    }
    fs::write(&path, text).map_err(fail)
}
