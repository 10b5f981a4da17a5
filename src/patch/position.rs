//! In which declaration a hunk stands. "It applied" is no proof: the same few lines may stand in another function.

use std::ops::Range;

use crate::git::objects::ObjectsError;
use crate::names::{PatchName, RelPath};
use crate::patch::apply::Applied;
use crate::patch::content::Content;
use crate::patch::edit::{Go, declared_at};
use crate::patch::hunk::{Hunk, LineKind};
use crate::patch::memo::Question;
use crate::patch::outcome::PatchRef;
use crate::patch::overlay::Overlay;

/// Where a hunk of a Go file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The patch.
    pub at: PatchRef,
    /// Its form.
    pub form: PatchName,
    /// The file.
    pub path: RelPath,
    /// The hunk's number in the file's section, from 1.
    pub hunk: usize,
    /// Line of its `@@` in the patch file.
    pub patch_line: usize,
    /// `function NAME` and so on; `None` between declarations.
    pub inside: Option<String>,
}

/// Of every hunk in a Go file that was there before. The overlay is as the patch found it.
pub(crate) fn of_patch(at: &PatchRef, applied: &Applied<'_>, overlay: &mut Overlay<'_>) -> Result<Vec<Position>, ObjectsError> {
    let Content::Diff(content) = &applied.form.content else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for file in content.files.iter().filter(|f| f.old.as_str().ends_with(".go") && !f.hunks().is_empty()) {
        let Some(before) = overlay.get(&file.old)? else { continue };
        let moved = |hunk: usize| {
            let of = |o: &&crate::patch::outcome::Offset| o.path == file.new && o.hunk == hunk;
            applied.made.offsets.iter().find(of).map_or(0, |o| o.lines)
        };
        let question = || Question { form: content.sha256.clone(), path: file.old.clone(), parts: vec![file.line] };
        let inside = overlay.positions(question, &before.bytes, |go| {
            let lines = line_starts(&go.text);
            let of = |(index, hunk): (usize, &Hunk)| declared_at(go, &changed(hunk, moved(index + 1), &lines, go.text.len()));
            file.hunks().iter().enumerate().map(of).collect()
        });
        for (index, (hunk, inside)) in file.hunks().iter().zip(inside.iter()).enumerate() {
            let (at, form) = (at.clone(), applied.form.file.clone());
            let (path, inside) = (file.new.clone(), inside.clone());
            out.push(Position { at, form, path, hunk: index + 1, patch_line: hunk.line, inside });
        }
    }
    Ok(out)
}

fn line_starts(text: &[u8]) -> Vec<usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'\n', text).map(|at| at + 1)).collect()
}

/// The bytes of the old text from the first changed line to the last; for an insertion, the lines around it.
fn changed(hunk: &Hunk, offset: i64, starts: &[usize], end: usize) -> Range<usize> {
    let (mut at, mut first, mut last) = (0, None, 0);
    for line in &hunk.lines {
        match line.kind {
            LineKind::Context => at += 1,
            LineKind::Delete => {
                first.get_or_insert(at);
                at += 1;
                last = at;
            }
            LineKind::Insert => {
                first.get_or_insert(at);
                last = last.max(at);
            }
        }
    }
    let first = first.unwrap_or(0);
    let top = (hunk.old_start.saturating_sub(1) as i64 + offset).max(0) as usize;
    let (mut from, mut to) = (top + first, top + last.max(first));
    if from == to {
        // Between two lines: where both belong to a declaration, so does what comes between them.
        from = from.saturating_sub(1);
        to += 1;
    }
    let start = |line: usize| starts.get(line).copied().unwrap_or(end);
    start(from)..start(to).saturating_sub(1).max(start(from))
}

impl Overlay<'_> {
    /// Asks about positions in a text once.
    fn positions(
        &mut self,
        question: impl FnOnce() -> Question,
        text: &std::sync::Arc<Vec<u8>>,
        answer: impl FnOnce(&Go) -> Vec<Option<String>>,
    ) -> std::rc::Rc<Vec<Option<String>>> {
        let memo = self.memo();
        let question = question();
        if let Some(known) = memo.and_then(|m| m.recall_positions(&question, text)) {
            return known;
        }
        let go = self.go(text);
        let found = std::rc::Rc::new(answer(&go));
        if let Some(memo) = memo {
            memo.remember_positions(question, text, &found);
        }
        found
    }
}
