//! Proof that a patch is already in the tree: taken back, it applies exactly. A fact for the report; nothing is skipped by it.

use std::collections::BTreeSet;

use crate::git::objects::{Objects, ObjectsError};
use crate::names::RelPath;
use crate::patch::diff::{Body, Dialect, FilePatch, Kind};
use crate::patch::form::is_blob;
use crate::patch::hunk::Hunk;
use crate::patch::overlay::Overlay;
use crate::patch::place;

/// The sections (by their new path) whose change is already there. None where a file has several sections: which of them
/// made it what it is cannot be told.
pub(crate) fn already_in<'f>(
    overlay: &mut Overlay<'_>,
    files: &'f [FilePatch],
    dialect: Dialect,
) -> Result<Vec<&'f RelPath>, ObjectsError> {
    let mut names = BTreeSet::new();
    if !files.iter().flat_map(FilePatch::paths).all(|path| names.insert(path)) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for file in files {
        if is_in(overlay, file, dialect)? {
            found.push(&file.new);
        }
    }
    Ok(found)
}

fn is_in(overlay: &mut Overlay<'_>, file: &FilePatch, dialect: Dialect) -> Result<bool, ObjectsError> {
    if overlay.obstacle(&file.new, &std::collections::BTreeMap::new())?.is_some() {
        return Ok(false);
    }
    let now = overlay.get(&file.new)?;
    if file.kind == Kind::Rename && overlay.get(&file.old)?.is_some() {
        return Ok(false);
    }
    if file.kind == Kind::Delete {
        return Ok(now.is_none());
    }
    let Some(now) = now else { return Ok(file.may_delete) };
    if file.new_mode.is_some_and(|mode| mode != now.mode) {
        return Ok(false);
    }
    Ok(match &file.body {
        Body::Binary { new, .. } => is_blob(new.as_ref(), &now.bytes, &Objects::blob_id_of(&now.bytes)),
        Body::Empty if file.kind == Kind::Create => now.bytes.is_empty(),
        Body::Empty if file.kind == Kind::Copy => overlay.get(&file.old)?.is_some_and(|old| old.bytes == now.bytes),
        Body::Empty => true,
        Body::Hunks(hunks) if file.kind == Kind::Create => hunks.iter().all(|h| h.new_text() == **now.bytes),
        Body::Hunks(hunks) => {
            let back: Vec<Hunk> = hunks.iter().map(Hunk::reversed).collect();
            place::place(&now.bytes, &back, dialect).is_ok()
        }
    })
}
