//! Looking at many paths of many trees: whether there is a file, and what is in its way.

use std::path::Path;

use super::objects::{Mode, Objects, ObjectsError, blob_id};
use crate::names::{BlobId, RelPath, TreeId};

/// What is at a path of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// A file.
    File(Mode, BlobId),
    /// A folder.
    Folder,
    /// Nothing; a file could be made there.
    Nothing,
    /// Nothing, and something that is no folder is in the way: the path up to it, and its mode.
    Blocked(String, Mode),
}

impl Objects {
    /// True where the blob is here.
    pub fn has_blob(&self, id: &BlobId) -> Result<bool, ObjectsError> {
        let odb = self.repo().odb().map_err(|e| self.fail(&e))?;
        Ok(odb.exists(self.oid(id.as_str())?))
    }

    /// From here on, what is written stays in memory: for ids of trees that nobody needs on disk.
    pub fn keep_in_memory(&self) -> Result<(), ObjectsError> {
        if self.in_memory.replace(true) {
            return Ok(());
        }
        let odb = self.repo().odb().map_err(|e| self.fail(&e))?;
        // Above the backends for packs and loose objects (1 and 2 in libgit2's odb.c).
        odb.add_new_mempack_backend(3).map(drop).map_err(|e| self.fail(&e))
    }

    /// Looks at every path.
    pub fn look(&self, tree: &TreeId, paths: &[RelPath]) -> Result<Vec<Look>, ObjectsError> {
        let root = self.repo().find_tree(self.oid(tree.as_str())?).map_err(|e| self.find(tree.as_str(), &e))?;
        paths.iter().map(|path| self.look_at(&root, path)).collect()
    }

    fn look_at(&self, root: &git2::Tree<'_>, path: &RelPath) -> Result<Look, ObjectsError> {
        let missing = |e: &git2::Error| e.code() == git2::ErrorCode::NotFound;
        let entry = |path: &str| match root.get_path(Path::new(path)) {
            Ok(entry) => Ok(Some(entry)),
            Err(e) if missing(&e) => Ok(None),
            Err(e) => Err(self.fail(&e)),
        };
        if let Some(entry) = entry(path.as_str())? {
            let mode = Mode::from_bits(entry.filemode_raw());
            return Ok(mode.map_or(Look::Folder, |mode| Look::File(mode, blob_id(entry.id()))));
        }
        for (slash, _) in path.as_str().match_indices('/') {
            let above = &path.as_str()[..slash];
            let Some(entry) = entry(above)? else { return Ok(Look::Nothing) };
            if let Some(mode) = Mode::from_bits(entry.filemode_raw()) {
                return Ok(Look::Blocked(above.to_owned(), mode));
            }
        }
        Ok(Look::Nothing)
    }
}
