//! What was read, written or compared through a repository that keeps what is written in memory. Whoever keeps trees in memory
//! makes many that share most files, makes some of them twice, and asks about the same ones again. libgit2 unpacks and hashes a
//! file each time that it is read, hashes it when it is compared, and looks through the packs for each object that is written.

use std::collections::HashMap;

use git2::Oid;

use super::objects::{Changes, Objects, ObjectsError};
use crate::names::TreeId;

/// So much of it is remembered at once, in bytes.
const ROOM: usize = 32 << 20;

/// Files by their ids, diffs by their trees, and trees by what they were made of.
#[derive(Default)]
pub(super) struct Kept {
    known: HashMap<Key, Vec<u8>>,
    bytes: usize,
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Blob(Oid),
    Diff(TreeId, TreeId),
    /// The tree that is another one with changes. The value is its id.
    Written(Option<TreeId>, Changes),
}

impl Key {
    fn len(&self) -> usize {
        match self {
            Self::Blob(_) | Self::Diff(..) => 0,
            Self::Written(_, changes) => changes.values().flatten().map(|(_, content)| content.len()).sum(),
        }
    }
}

impl Kept {
    fn get(&self, key: &Key) -> Option<&[u8]> {
        self.known.get(key).map(Vec::as_slice)
    }

    /// Where there is no more room, it begins anew.
    fn put(&mut self, key: Key, content: &[u8]) {
        let bytes = key.len() + content.len();
        if bytes > ROOM / 8 || self.known.contains_key(&key) {
            return;
        }
        if self.bytes + bytes > ROOM {
            *self = Self::default();
        }
        self.bytes += bytes;
        self.known.insert(key, content.into());
    }
}

impl Objects {
    /// Whether what is written stays in memory.
    pub fn is_in_memory(&self) -> bool {
        self.kept.borrow().is_some()
    }

    /// From here on, what is written stays in memory: for ids of trees that nobody needs on disk.
    pub fn keep_in_memory(&self) -> Result<(), ObjectsError> {
        if self.is_in_memory() {
            return Ok(());
        }
        let odb = self.repo().odb().map_err(|e| self.fail(&e))?;
        // Above the backends for packs and loose objects (1 and 2 in libgit2's odb.c).
        odb.add_new_mempack_backend(3).map_err(|e| self.fail(&e))?;
        self.kept.replace(Some(Kept::default()));
        Ok(())
    }

    /// What `find` gives; where trees are kept in memory, once.
    pub(super) fn remembered(
        &self,
        key: Key,
        find: impl FnOnce() -> Result<Vec<u8>, ObjectsError>,
    ) -> Result<Vec<u8>, ObjectsError> {
        if let Some(known) = self.kept.borrow().as_ref().and_then(|kept| kept.get(&key)) {
            return Ok(known.to_vec());
        }
        let found = find()?;
        self.remember(key, &found);
        Ok(found)
    }

    pub(super) fn remember(&self, key: Key, content: &[u8]) {
        if let Some(kept) = self.kept.borrow_mut().as_mut() {
            kept.put(key, content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_forgotten() {
        let mut kept = Kept::default();
        let id = |n: u8| Key::Blob(Oid::from_bytes(&[n; 20]).unwrap());
        kept.put(id(0), &vec![0; ROOM / 8 + 1]);
        assert!(kept.get(&id(0)).is_none());
        for n in 1..=9 {
            kept.put(id(n), &vec![n; ROOM / 8]);
            kept.put(id(n), &vec![n; ROOM / 8]);
            assert!(kept.bytes <= ROOM && kept.get(&id(n)).is_some_and(|text| text[0] == n));
        }
        assert!(kept.get(&id(1)).is_none() && kept.bytes == ROOM / 8);
    }
}
