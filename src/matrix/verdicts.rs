//! Verdicts that are kept: a series on a tree always comes to the same. Equal ones are kept once.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::matrix::judge::Candidate;
use crate::matrix::model::PatchVerdict;

/// What is known of one set of series. The version counts beside the tree: patches can be bound to ranges.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Verdicts {
    kinds: Vec<Vec<PatchVerdict>>,
    of: BTreeMap<String, usize>,
    #[serde(skip)]
    changed: bool,
    #[serde(skip)]
    index: HashMap<String, usize>,
}

impl Verdicts {
    /// Reads what was kept; what cannot be read is found anew.
    pub fn read(text: &str) -> Self {
        let read: Self = serde_json::from_str(text).unwrap_or_default();
        if read.of.values().all(|kind| *kind < read.kinds.len()) { read } else { Self::default() }
    }

    /// What to keep, if anything is new.
    pub fn text(&self) -> Option<String> {
        self.changed.then(|| serde_json::to_string(self).unwrap_or_default())
    }

    /// What became of the patches on each candidate, where none needs judging.
    pub fn of_all(&self, candidates: &[Candidate]) -> Option<Vec<Vec<PatchVerdict>>> {
        candidates.iter().map(|candidate| self.kinds.get(*self.of.get(&key(candidate))?).cloned()).collect()
    }

    /// Whether a candidate needs no judging.
    pub(crate) fn has(&self, candidate: &Candidate) -> bool {
        self.of.contains_key(&key(candidate))
    }

    /// The number of what became of the patches, equal ones having the same.
    pub(crate) fn kind(&mut self, verdicts: Vec<PatchVerdict>) -> usize {
        let text = serde_json::to_string(&verdicts).unwrap_or_default();
        if self.index.is_empty() {
            let texts = self.kinds.iter().enumerate();
            self.index = texts.map(|(at, kind)| (serde_json::to_string(kind).unwrap_or_default(), at)).collect();
        }
        *self.index.entry(text).or_insert_with(|| {
            self.kinds.push(verdicts);
            self.kinds.len() - 1
        })
    }

    /// Keeps what became of the patches on a candidate, by its number.
    pub(crate) fn put(&mut self, candidate: &Candidate, kind: usize) {
        self.of.insert(key(candidate), kind);
        self.changed = true;
    }
}

fn key(candidate: &Candidate) -> String {
    [candidate.version.as_str(), " ", candidate.tree.as_str()].concat()
}
