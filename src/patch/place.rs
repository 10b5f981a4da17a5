//! Where a hunk goes. It is the strictest reading that `git apply` and patch(1) have in common, and a little stricter:
//!
//! - The old text must be there byte for byte; no fuzz, no ignored whitespace.
//! - It applies at its recorded line. Anywhere else it applies only where the old text occurs once in the whole file: git
//!   takes the nearest place and patch(1) the one nearest to the last offset, and with one place these agree.
//!   After a hunk with an offset the recorded line of the next one proves nothing, so it must be unique, too.
//! - A hunk that begins at line 1 belongs to the top of the file, one without trailing context to its end.
//! - Hunks stay in their order and do not share lines.
//!
//! Everything is counted in lines of the file as it was before the patch: hunks of one file do not see each other's results,
//! which git has by marking lines as patched.

use memchr::memmem;

use crate::patch::diff::Dialect;
use crate::patch::hunk::Hunk;
use crate::patch::outcome::{HunkFailure, HunkProblem};
use crate::patch::similar_place;

/// A file with all its hunks in place.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) bytes: Vec<u8>,
    /// Hunk (from 1), and how many lines it moved.
    pub(crate) moved: Vec<(usize, i64)>,
}

/// A file's text and where its lines begin.
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    /// Offsets of line starts, and the length at the end where the last line has a newline.
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', bytes).map(|i| i + 1));
        Self { bytes, starts }
    }

    /// Number of lines.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - usize::from(self.starts.last() == Some(&self.bytes.len()))
    }

    /// Where line `index` (from 0) begins; its end for the line after the last.
    fn start(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.bytes.len())
    }

    /// Line `index` (from 0), with its newline.
    pub(crate) fn line(&self, index: usize) -> &'a [u8] {
        &self.bytes[self.start(index)..self.start(index + 1)]
    }

    /// True where `old` stands at line `index`: whole lines, and an unfinished last line is the file's last.
    fn has(&self, index: usize, old: &[u8]) -> bool {
        index < self.len() && self.bytes[self.start(index)..].starts_with(old) && self.fits(self.start(index) + old.len(), old)
    }

    fn fits(&self, end: usize, old: &[u8]) -> bool {
        old.last() == Some(&b'\n') || end == self.bytes.len()
    }

    /// The lines (from 0) where `old` stands, at most `limit`. Linear: the newline before it is part of the needle, so no
    /// place inside a line is ever looked at twice.
    fn find(&self, old: &[u8], limit: usize) -> Vec<usize> {
        let mut found = Vec::new();
        if self.has(0, old) {
            found.push(0);
        }
        let mut needle = Vec::with_capacity(old.len() + 1);
        needle.push(b'\n');
        needle.extend_from_slice(old);
        let finder = memmem::Finder::new(&needle);
        let mut from = 0;
        while found.len() < limit
            && let Some(at) = finder.find(&self.bytes[from..])
        {
            let start = from + at + 1;
            if self.fits(start + old.len(), old) {
                found.push(self.starts.partition_point(|s| *s < start));
            }
            from = start;
        }
        found
    }
}

/// How many places an ambiguous hunk names.
const SHOWN_PLACES: usize = 8;

/// Puts every hunk in its place, or says of each that has none why.
pub(crate) fn place(bytes: &[u8], hunks: &[Hunk], dialect: Dialect) -> Result<Placed, Vec<HunkFailure>> {
    let text = Text::new(bytes);
    let mut state = State { end: 0, grown: 0, moved: false };
    let mut failures = Vec::new();
    let mut moved = Vec::new();
    let mut out = Vec::with_capacity(bytes.len() + 256);
    let mut copied = 0;
    for (index, hunk) in hunks.iter().enumerate() {
        let old = hunk.old_text();
        match find(&text, hunk, &old, &state, dialect) {
            Ok(line) => {
                let offset = line as i64 - hunk.old_start.saturating_sub(1) as i64;
                if offset != 0 {
                    state.moved = true;
                    moved.push((index + 1, offset));
                }
                state.end = line + hunk.old_len;
                state.grown += hunk.new_len as i64 - hunk.old_len as i64;
                out.extend_from_slice(&bytes[copied..text.start(line)]);
                out.extend_from_slice(&hunk.new_text());
                copied = text.start(state.end);
            }
            Err(problem) => {
                failures.push(HunkFailure { hunk: index + 1, patch_line: hunk.line, problem });
                // The recorded lines of what follows counted on this one.
                state.grown += hunk.new_len as i64 - hunk.old_len as i64;
            }
        }
    }
    if !failures.is_empty() {
        return Err(failures);
    }
    out.extend_from_slice(&bytes[copied..]);
    Ok(Placed { bytes: out, moved })
}

/// What the hunks before left behind.
struct State {
    /// First line that is still free.
    end: usize,
    /// By how many lines the hunks so far make the file longer.
    grown: i64,
    /// Whether one of them had an offset.
    moved: bool,
}

/// Which end of the file a hunk is bound to.
fn anchors(hunk: &Hunk, dialect: Dialect) -> (bool, bool) {
    let (leading, trailing) = hunk.context();
    // git: apply_one_fragment. patch(1): locate_hunk, where less context on one side means the file's end.
    let gnu = dialect == Dialect::Quilt;
    (hunk.old_start <= 1, trailing == 0 || gnu && trailing < leading)
}

fn find(text: &Text<'_>, hunk: &Hunk, old: &[u8], state: &State, dialect: Dialect) -> Result<usize, HunkProblem> {
    if old.is_empty() {
        // git refuses an insertion without context unless asked (`--unidiff-zero`): it could go anywhere.
        return if text.len() == 0 && hunk.old_start == 0 { Ok(0) } else { Err(HunkProblem::NoContext) };
    }
    let recorded = hunk.old_start.saturating_sub(1);
    let (at_top, at_end) = anchors(hunk, dialect);
    let bound = |line: usize| (!at_top || line == 0) && (!at_end || line + hunk.old_len == text.len());
    // git looks first where the new line number leads. A patch edited by hand may disagree with itself here.
    let by_new_line = hunk.new_start.saturating_sub(1) as i64 - state.grown;
    let agrees = at_top || at_end || by_new_line == recorded as i64;
    if !state.moved && agrees && recorded >= state.end && bound(recorded) && text.has(recorded, old) {
        return Ok(recorded);
    }
    let places = text.find(old, SHOWN_PLACES);
    let lines = || places.iter().map(|l| l + 1).collect();
    match places[..] {
        [] => Err(similar_place::mismatch(text, hunk, recorded)),
        [line] if line < state.end => Err(HunkProblem::Overlap { found: line + 1 }),
        [line] if bound(line) => Ok(line),
        [_] if hunk.context() == (0, 0) => Err(HunkProblem::NoContext),
        [line] if at_top && line != 0 => Err(HunkProblem::NotAtTop { found: line + 1 }),
        [line] => Err(HunkProblem::NotAtEnd { found: line + 1, lines: text.len() }),
        _ => Err(HunkProblem::Ambiguous { expected_at: recorded + 1, places: lines() }),
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
