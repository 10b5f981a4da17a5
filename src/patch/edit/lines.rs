//! Putting lines into a list of statements, fields or entries, and taking them out.

use std::ops::Range;

use crate::patch::edit::site::{self, Container, Site};
use crate::patch::edit::splice::{Order, Splice};
use crate::patch::edit::syntax::Go;

/// A place for whole lines.
#[derive(Debug)]
pub(crate) struct Room {
    /// Where the lines go.
    pub(crate) at: usize,
    /// Their indentation.
    pub(crate) indent: Vec<u8>,
    /// What makes room where several things share a line.
    pub(crate) splices: Vec<Splice>,
}

/// Room above the item, and above the comments that are attached to it.
pub(crate) fn before(go: &Go, item: u32, edit: usize) -> Option<Room> {
    let start = go.start(item);
    match above(go, start) {
        Ok(at) => Some(Room { at, indent: indent_of(go, item), splices: Vec::new() }),
        Err(at) => split(go, &site::container(go, item)?, at, edit),
    }
}

/// Room below the item, and behind a comment on its last line.
pub(crate) fn after(go: &Go, item: u32, edit: usize) -> Option<Room> {
    let end = go.end(item);
    let start = go.start(item);
    match below(go, end) {
        Ok(at) if go.first_on_line(start) => Some(Room { at, indent: indent_of(go, item), splices: Vec::new() }),
        Ok(at) => {
            // Something stands before the item on its line: its neighbours know the indentation.
            let list = site::container(go, item)?;
            Some(Room { at, indent: inner_indent(go, &list), splices: Vec::new() })
        }
        Err(at) => split(go, &site::container(go, item)?, at, edit),
    }
}

/// Room at the top of a list.
pub(crate) fn at_top(go: &Go, list: &Container, edit: usize) -> Option<Room> {
    match below(go, list.open) {
        Ok(at) => Some(Room { at, indent: inner_indent(go, list), splices: Vec::new() }),
        Err(at) => split(go, list, at, edit),
    }
}

/// The line where the item at `start` begins with its comments; `Err` has the offset where it begins on a line with others.
fn above(go: &Go, start: usize) -> Result<usize, usize> {
    let mut at = start;
    loop {
        if !go.first_on_line(at) {
            let blank = go.text[..at].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
            match comment_ending(go, at - blank) {
                Some(comment) => {
                    at = comment.start;
                    continue;
                }
                None => return Err(at),
            }
        }
        let line = go.line_start(at);
        let break_len = if go.text[..line].ends_with(b"\r\n") { 2 } else { 1 };
        match line.checked_sub(break_len).and_then(|end| comment_ending(go, end)) {
            Some(comment) if go.first_on_line(comment.start) => at = comment.start,
            _ => return Ok(line),
        }
    }
}

fn comment_ending(go: &Go, end: usize) -> Option<Range<usize>> {
    let index = go.comments.partition_point(|c| c.end < end);
    go.comments.get(index).filter(|c| c.end == end).cloned()
}

fn comment_at(go: &Go, start: usize) -> Option<Range<usize>> {
    let index = go.comments.partition_point(|c| c.start < start);
    go.comments.get(index).filter(|c| c.start == start).cloned()
}

/// The line after the one that ends with `end` and perhaps a comment; `Err` has the offset of what else follows on it.
pub(crate) fn below(go: &Go, end: usize) -> Result<usize, usize> {
    let mut at = end;
    // A comment before something else on the line belongs to that.
    let mut other = None;
    loop {
        at += go.text[at..].iter().take_while(|b| matches!(b, b' ' | b'\t' | b';')).count();
        if let Some(comment) = comment_at(go, at) {
            other.get_or_insert(at);
            at = comment.end;
            continue;
        }
        return match &go.text[at..] {
            [b'\n', ..] => Ok(at + 1),
            [b'\r', b'\n', ..] => Ok(at + 2),
            _ => Err(other.unwrap_or(at)),
        };
    }
}

/// The indentation of an item; labels stand further left than the statements around them.
fn indent_of(go: &Go, item: u32) -> Vec<u8> {
    let own = go.indent(go.start(item));
    if go.node(item).kind == "labeled_statement" { [own, b"\t"].concat() } else { own.to_vec() }
}

fn inner_indent(go: &Go, list: &Container) -> Vec<u8> {
    let own = list.items.iter().find(|i| go.first_on_line(go.start(**i)));
    own.map_or_else(|| [go.indent(list.open), b"\t"].concat(), |item| indent_of(go, *item))
}

/// Gives every item of a list that shares its line a line of its own; the room is at `at`.
fn split(go: &Go, list: &Container, at: usize, edit: usize) -> Option<Room> {
    let indent = inner_indent(go, list);
    let outer = go.indent(list.open).to_vec();
    let mut splices = Vec::new();
    let mut room = None;
    let mut from = list.open;
    let ends = list.items.iter().map(|i| (go.start(*i), go.end(*i), true));
    for (start, end, is_item) in ends.chain(std::iter::once((list.close, list.close, false))) {
        if go.line(from) == go.line(start) {
            let skipped = go.text[from..start].iter().take_while(|b| matches!(b, b' ' | b'\t' | b';')).count();
            let to = from + skipped;
            splices.push(Splice { range: from..to, order: Order::Open, text: go.newline().to_vec(), edit });
            let indent = if is_item { &indent } else { &outer };
            splices.push(Splice { range: to..to, order: Order::Close, text: indent.clone(), edit });
            if to == at {
                room = Some(at);
            }
        }
        from = end;
    }
    Some(Room { at: room?, indent, splices })
}

/// The text that goes with a list's items.
pub(crate) fn removal(go: &Go, what: &Site) -> Option<Range<usize>> {
    match *what {
        Site::Lines { first, last } => Some(remove_lines(go, go.start(first), go.end(last))),
        Site::Elements { first, last } => Some(remove_elements(go, go.start(first), go.end(last))),
        Site::Clause(_) => None,
    }
}

fn remove_lines(go: &Go, start: usize, end: usize) -> Range<usize> {
    if go.first_on_line(start)
        && let Ok(next) = below(go, end)
    {
        return without_gap(go, go.line_start(start)..next);
    }
    let text = &go.text;
    let blanks = |at: usize| text[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let blanks_back = |at: usize| text[..at].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let (left, right) = (start - blanks_back(start), end + blanks(end));
    match (left.checked_sub(1).map(|i| text[i]), text.get(right)) {
        (_, Some(b';')) => start..right + 1 + blanks(right + 1),
        (Some(b';'), _) => left - 1..end,
        (Some(b'{'), Some(b'}')) => left..right,
        _ => start..end,
    }
}

/// Lines to remove, with one of two blank lines that would meet, or the one before a closing bracket.
fn without_gap(go: &Go, lines: Range<usize>) -> Range<usize> {
    let line_before = |at: usize| (at > 0).then(|| go.line_start(at - 1));
    let is_blank = |range: Range<usize>| go.text[range].iter().all(u8::is_ascii_whitespace);
    let Some(above) = line_before(lines.start) else { return lines };
    let next = lines.end..go.next_line(lines.end.min(go.text.len()));
    let after = go.text[next.clone()].trim_ascii_start().first();
    if is_blank(above..lines.start) && (is_blank(next) || matches!(after, Some(b'}' | b')'))) {
        return above..lines.end;
    }
    lines
}

fn remove_elements(go: &Go, start: usize, end: usize) -> Range<usize> {
    let text = &go.text;
    let blanks = |at: usize| text[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let comma = end + blanks(end);
    if text.get(comma) == Some(&b',') {
        if go.first_on_line(start)
            && let Ok(next) = below(go, comma + 1)
        {
            return without_gap(go, go.line_start(start)..next);
        }
        return start..comma + 1 + blanks(comma + 1);
    }
    // The last one: the comma before it goes.
    let before = text[..start].iter().rposition(|b| !b.is_ascii_whitespace());
    match before {
        Some(at) if text[at] == b',' => at..end,
        _ => start..end,
    }
}
