//! What judging one series on many trees has in common: releases share most files, and a patch makes the same of the same text.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::git::objects::{Objects, ObjectsError};
use crate::names::{BlobId, RelPath, Sha256};
use crate::patch::outcome::FileProblem;

/// What a part of a patch makes of a text: the new text and how far hunks moved, or why it has no place.
pub(crate) type Answer = Result<(Arc<Vec<u8>>, Vec<(usize, i64)>), FileProblem>;

/// Which part of which patch on which text. The text is told by its address, which [`Memo`] keeps alive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// Of the patch's file.
    pub(crate) form: Sha256,
    /// The file that it changes.
    pub(crate) path: RelPath,
    /// The edits that are for the release, or the section.
    pub(crate) parts: Vec<usize>,
}

/// Remembers texts by blob id, and answers by question and text. For one store and one set of series.
#[derive(Debug, Default)]
pub struct Memo {
    blobs: RefCell<HashMap<BlobId, Arc<Vec<u8>>>>,
    answers: RefCell<ByText<Answer>>,
    positions: RefCell<ByText<Positions>>,
}

/// By question and address of the text, which is kept alive beside the value.
type ByText<T> = HashMap<(Question, usize), (Arc<Vec<u8>>, T)>;

/// The declaration of each hunk.
type Positions = Rc<Vec<Option<String>>>;

impl Memo {
    pub(crate) fn blob(&self, objects: &Objects, id: &BlobId) -> Result<Arc<Vec<u8>>, ObjectsError> {
        if let Some(known) = self.blobs.borrow().get(id) {
            return Ok(Arc::clone(known));
        }
        let bytes = Arc::new(objects.blob(id)?);
        self.blobs.borrow_mut().insert(id.clone(), Arc::clone(&bytes));
        Ok(bytes)
    }

    pub(crate) fn recall(&self, question: &Question, text: &Arc<Vec<u8>>) -> Option<Answer> {
        let key = (question.clone(), Arc::as_ptr(text) as usize);
        self.answers.borrow().get(&key).map(|(_, answer)| answer.clone())
    }

    pub(crate) fn remember(&self, question: Question, text: &Arc<Vec<u8>>, answer: &Answer) {
        let key = (question, Arc::as_ptr(text) as usize);
        self.answers.borrow_mut().insert(key, (Arc::clone(text), answer.clone()));
    }

    pub(crate) fn recall_positions(&self, question: &Question, text: &Arc<Vec<u8>>) -> Option<Positions> {
        let key = (question.clone(), Arc::as_ptr(text) as usize);
        self.positions.borrow().get(&key).map(|(_, positions)| Rc::clone(positions))
    }

    pub(crate) fn remember_positions(&self, question: Question, text: &Arc<Vec<u8>>, positions: &Positions) {
        let key = (question, Arc::as_ptr(text) as usize);
        self.positions.borrow_mut().insert(key, (Arc::clone(text), Rc::clone(positions)));
    }
}
