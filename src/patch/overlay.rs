//! A tree with changes in memory. Files are read when somebody looks at them, once; nothing is written before the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::git::objects::{Changes, Mode, Objects, ObjectsError};
use crate::names::{RelPath, TreeId};
use crate::patch::edit::Go;
use crate::patch::memo::{Answer, Memo, Question};
use crate::patch::outcome::FileProblem;

/// A file in memory. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileState {
    pub(crate) mode: Mode,
    pub(crate) bytes: Arc<Vec<u8>>,
}

/// `None`: there is no file.
type State = Option<FileState>;

/// New states by path, from one patch.
pub(crate) type Staged = BTreeMap<RelPath, State>;

pub(crate) struct Overlay<'a> {
    objects: &'a Objects,
    base: &'a TreeId,
    memo: Option<&'a Memo>,
    /// As in `base`, for every path that was looked at.
    seen: BTreeMap<RelPath, State>,
    /// As it is now, where a patch changed it.
    now: Staged,
    /// The tree that was written last.
    written: Option<TreeId>,
    /// What changed since, with the state in that tree.
    unwritten: Staged,
    /// Go files that were parsed, the latest last.
    parsed: Vec<Arc<Go>>,
}

/// How many parsed files are kept: forms of one patch, and patches one after another, look at the same few.
const PARSED: usize = 16;

impl<'a> Overlay<'a> {
    /// With a memo, texts and answers are shared with the overlays of other trees.
    pub(crate) fn new(objects: &'a Objects, base: &'a TreeId, memo: Option<&'a Memo>) -> Self {
        let (seen, now, unwritten) = (BTreeMap::new(), Staged::new(), Staged::new());
        Self { objects, base, memo, seen, now, written: None, unwritten, parsed: Vec::new() }
    }

    /// The file as it is now.
    pub(crate) fn get(&mut self, path: &RelPath) -> Result<State, ObjectsError> {
        if let Some(state) = self.now.get(path) {
            return Ok(state.clone());
        }
        self.in_base(path)
    }

    fn in_base(&mut self, path: &RelPath) -> Result<State, ObjectsError> {
        if let Some(state) = self.seen.get(path) {
            return Ok(state.clone());
        }
        let state = match self.objects.entry(self.base, path)? {
            None => None,
            // A submodule's commit is no object of this store.
            Some(entry) if entry.mode == Mode::Submodule => Some(FileState { mode: entry.mode, bytes: Arc::default() }),
            Some(entry) => {
                let bytes = match self.memo {
                    Some(memo) => memo.blob(self.objects, &entry.id)?,
                    None => Arc::new(self.objects.blob(&entry.id)?),
                };
                Some(FileState { mode: entry.mode, bytes })
            }
        };
        self.seen.insert(path.clone(), state.clone());
        Ok(state)
    }

    /// Whether a file may be at `path`: nothing above it is a file or a link, and it is no folder.
    ///
    /// A file in the base stays in the way of a folder even where the series removes it, and the other way round: git
    /// handles such exchanges differently on disk and in the index, so forge takes neither side.
    pub(crate) fn obstacle(&mut self, path: &RelPath, staged: &Staged) -> Result<Option<FileProblem>, ObjectsError> {
        let text = path.as_str();
        for (slash, _) in text.match_indices('/') {
            let Ok(above) = RelPath::new(&text[..slash]) else { continue };
            let now = match staged.get(&above).or_else(|| self.now.get(&above)) {
                Some(Some(state)) => Some(state.mode),
                Some(None) | None => self.mode_in_base(&above)?,
            };
            match now {
                Some(Mode::Symlink) => return Ok(Some(FileProblem::ThroughLink { at: above })),
                Some(_) => return Ok(Some(FileProblem::FileInTheWay { at: above })),
                None => {}
            }
        }
        let below = format!("{text}/");
        let has_below = |states: &Staged| {
            let from = (std::ops::Bound::Excluded(path.clone()), std::ops::Bound::Unbounded);
            // Names such as `a-b` sort between `a` and `a/b`.
            states
                .range(from)
                .take_while(|(p, _)| p.as_str().starts_with(text))
                .any(|(p, state)| state.is_some() && p.as_str().starts_with(&below))
        };
        let folder = has_below(staged) || has_below(&self.now) || self.objects.is_folder(self.base, path)?;
        Ok(folder.then_some(FileProblem::FolderInTheWay))
    }

    fn mode_in_base(&mut self, path: &RelPath) -> Result<Option<Mode>, ObjectsError> {
        if let Some(state) = self.seen.get(path) {
            return Ok(state.as_ref().map(|s| s.mode));
        }
        Ok(self.objects.entry(self.base, path)?.map(|entry| entry.mode))
    }

    pub(crate) fn memo(&self) -> Option<&'a Memo> {
        self.memo
    }

    /// What a part of a patch makes of a text, by `answer` where no memo knows it.
    pub(crate) fn ask(
        &mut self,
        question: impl FnOnce() -> Question,
        text: &Arc<Vec<u8>>,
        answer: impl FnOnce(&mut Self) -> Answer,
    ) -> Answer {
        let Some(memo) = self.memo else { return answer(self) };
        let question = question();
        if let Some(known) = memo.recall(&question, text) {
            return known;
        }
        let found = answer(self);
        memo.remember(question, text, &found);
        found
    }

    /// The tree of a Go file; one text is parsed once.
    pub(crate) fn go(&mut self, text: &Arc<Vec<u8>>) -> Arc<Go> {
        if let Some(known) = self.parsed.iter().rev().find(|go| Arc::ptr_eq(&go.text, text) || go.text == *text) {
            return Arc::clone(known);
        }
        let go = Arc::new(Go::parse(text));
        self.remember_go(Arc::clone(&go));
        go
    }

    /// Takes over the tree of a file that is about to be the tree's.
    pub(crate) fn remember_go(&mut self, go: Arc<Go>) {
        if self.parsed.len() == PARSED {
            self.parsed.remove(0);
        }
        self.parsed.push(go);
    }

    /// Takes over what a patch did.
    pub(crate) fn commit(&mut self, staged: Staged) -> Result<(), ObjectsError> {
        for (path, state) in staged {
            if !self.unwritten.contains_key(&path) {
                let before = self.get(&path)?;
                self.unwritten.insert(path.clone(), before);
            }
            self.now.insert(path, state);
        }
        Ok(())
    }

    /// Writes the tree: what changed since it was written last, so that a tree after each of many patches costs what one patch
    /// changes.
    pub(crate) fn write(&mut self) -> Result<TreeId, ObjectsError> {
        let last = self.written.as_ref().unwrap_or(self.base);
        let mut changes = Changes::new();
        for (path, before) in std::mem::take(&mut self.unwritten) {
            let now = self.now.get(&path).cloned().flatten();
            if now != before {
                changes.insert(path, now.map(|s| (s.mode, s.bytes.to_vec())));
            }
        }
        let tree = if changes.is_empty() { last.clone() } else { self.objects.write(Some(last), &changes)? };
        self.written = Some(tree.clone());
        Ok(tree)
    }
}
