//! Edits by line: for files that are not Go, and for the inside of raw strings and comments of Go files.

use std::ops::Range;
use std::sync::Arc;

use crate::patch::edit::lex::Kind;
use crate::patch::edit::model::{Side, TextAction};
use crate::patch::edit::problem::EditProblem;
use crate::patch::edit::run::newline;
use crate::patch::edit::splice::{Order, Splice};
use crate::patch::edit::syntax::Go;

/// How many lines that are like the wanted one are shown.
const SHOWN: usize = 3;

/// What a line of a Go file is inside of.
enum Inside {
    Raw,
    Block,
    LineComment,
}

/// Finds the line and makes the change.
pub(crate) fn run(
    bytes: &Arc<Vec<u8>>,
    go: Option<&Go>,
    line: &str,
    action: &TextAction,
    count: usize,
    edit: usize,
) -> Result<Vec<Splice>, EditProblem> {
    let lines = lines(bytes);
    let found: Vec<usize> = (0..lines.len()).filter(|i| bytes[lines[*i].clone()] == *line.as_bytes()).collect();
    if found.len() != count {
        return Err(EditProblem::Count {
            wanted: vec![line.to_owned()],
            searched: None,
            from_line: 1,
            expected: count,
            similar: if found.len() < count { similar(bytes, &lines, line) } else { Vec::new() },
            found: found.into_iter().map(|i| i + 1).collect(),
            elsewhere: Vec::new(),
        });
    }
    let newline = newline(bytes, go);
    let (TextAction::Insert { text, .. } | TextAction::Change { text }) = action;
    let new: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    for index in found {
        let range = lines[index].clone();
        if let Some(go) = go {
            let inside = inside(go, &range).ok_or(EditProblem::NotInText { line: index + 1 })?;
            let stays = match inside {
                Inside::Raw => !text.contains('`'),
                Inside::Block => !text.contains("*/"),
                Inside::LineComment => new.iter().all(|l| l.trim_start().starts_with("//")),
            };
            if !stays {
                return Err(EditProblem::EndsText { line: index + 1 });
            }
        }
        let joined = |before: bool, after: bool| {
            let mut out = if before { newline.to_vec() } else { Vec::new() };
            for (i, line) in new.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(newline);
                }
                out.extend_from_slice(line.as_bytes());
            }
            if after {
                out.extend_from_slice(newline);
            }
            out
        };
        let next = memchr::memchr(b'\n', &bytes[range.end..]).map(|i| range.end + i + 1);
        let (range, text) = match action {
            TextAction::Change { .. } => (range, joined(false, false)),
            TextAction::Insert { side: Side::Before, .. } => (range.start..range.start, joined(false, true)),
            TextAction::Insert { side: Side::After, .. } => match next {
                Some(next) => (next..next, joined(false, true)),
                None => (range.end..range.end, joined(true, false)),
            },
        };
        out.push(Splice { range, order: Order::Code, text, edit });
    }
    Ok(out)
}

/// The lines of a text without their ends.
fn lines(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain((!bytes.ends_with(b"\n")).then_some(bytes.len())) {
        let without = end - usize::from(end > start && bytes[end - 1] == b'\r');
        out.push(start..without);
        start = end + 1;
    }
    out
}

fn inside(go: &Go, line: &Range<usize>) -> Option<Inside> {
    let raw = go.tokens.iter().any(|t| t.kind == Kind::Raw && t.start < line.start && line.end < t.end);
    if raw {
        return Some(Inside::Raw);
    }
    let comment = go.comments.iter().find(|c| c.start < line.end && line.start < c.end)?;
    if go.text[comment.clone()].starts_with(b"//") {
        return (go.first_on_line(comment.start) && comment.end == line.end).then_some(Inside::LineComment);
    }
    (comment.start < line.start && line.end + 2 <= comment.end).then_some(Inside::Block)
}

fn similar(bytes: &[u8], lines: &[Range<usize>], wanted: &str) -> Vec<crate::patch::edit::problem::Similar> {
    let mut scored: Vec<(f64, usize, String)> = Vec::new();
    for (index, range) in lines.iter().enumerate() {
        let text = String::from_utf8_lossy(&bytes[range.clone()]).trim().to_owned();
        // Quadratic in the line's length: what is much longer is not similar anyway.
        if text.is_empty() || text.len() > 2 * wanted.len() + 20 || text.len() > 2000 {
            continue;
        }
        let score = strsim::sorensen_dice(&text, wanted.trim());
        if score >= 0.3 {
            scored.push((score, index, text));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.truncate(SHOWN);
    let show =
        |(score, index, text)| crate::patch::edit::problem::Similar { line: index + 1, text, percent: (score * 100.0) as u8 };
    scored.into_iter().map(show).collect()
}
