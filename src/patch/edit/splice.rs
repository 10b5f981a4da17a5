//! Pieces of text to replace, and putting them together.

use std::ops::Range;

/// One replacement. Everything is counted in the text as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    /// What goes; empty for an insertion.
    pub(crate) range: Range<usize>,
    /// Among those at one place: line breaks that open a line, what is inserted, what stands before the rest.
    pub(crate) order: Order,
    /// What comes.
    pub(crate) text: Vec<u8>,
    /// The edit that it belongs to (its index), for messages.
    pub(crate) edit: usize,
}

/// The order of insertions at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// A line break that makes room.
    Open,
    /// What an edit inserts.
    Code,
    /// The indentation of what was there.
    Close,
}

/// Two edits that change the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) one: usize,
    pub(crate) other: usize,
    pub(crate) at: usize,
}

/// Applies all of them, or names the first two that overlap.
pub(crate) fn apply(text: &[u8], splices: &mut Vec<Splice>) -> Result<Vec<u8>, Clash> {
    splices.sort_by_key(|s| (s.range.start, !s.range.is_empty(), s.order, s.edit));
    // Two edits may need the same room.
    splices.dedup_by(|b, a| a.order != Order::Code && a.order == b.order && a.range == b.range && a.text == b.text);
    let mut out = Vec::with_capacity(text.len() + splices.iter().map(|s| s.text.len()).sum::<usize>());
    let mut at = 0;
    let mut last = 0;
    for splice in splices.iter() {
        if splice.range.start < at {
            return Err(Clash { one: last, other: splice.edit, at: splice.range.start });
        }
        out.extend_from_slice(&text[at..splice.range.start]);
        out.extend_from_slice(&splice.text);
        at = splice.range.end;
        if !splice.range.is_empty() {
            last = splice.edit;
        }
    }
    out.extend_from_slice(&text[at..]);
    Ok(out)
}
