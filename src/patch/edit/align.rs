//! gofmt's columns: names, types, tags, values and comments of neighbouring lines stand below each other, so a line that
//! comes in may move those around it.
//!
//! This is the layout of go/printer and text/tabwriter: a line is a row of cells, and a column is as wide as the widest of the
//! cells that stand below each other without a gap. Lists that did not look like that before the edits stay as they are.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::patch::edit::splice::{Order, Splice};
use crate::patch::edit::syntax::Go;
use crate::patch::edit::table::{self, Cell};

/// One line of a list, cut into cells.
#[derive(Debug, Default)]
struct Row {
    cells: Vec<Cell>,
    /// Blanks of the file, and the cell that follows them.
    gaps: Vec<(Range<usize>, usize)>,
    /// Whether a new section begins here, for which nothing above counts.
    breaks: bool,
}

/// What pads the lists that were changed like their neighbours, where they were padded so before.
pub(crate) fn fix(before: &Go, after: &Go, made: &[Splice]) -> Vec<Splice> {
    let old: BTreeMap<usize, u32> = lists(before).into_iter().map(|n| (key(before, n), n)).collect();
    let mut out = Vec::new();
    for list in lists(after) {
        let Some(same) = origin(made, key(after, list)).and_then(|at| old.get(&at)) else { continue };
        // What no edit touched is not looked at twice.
        if before.text_of(*same) == after.text_of(list) || paddings(before, *same).is_none_or(|p| !p.is_empty()) {
            continue;
        }
        out.extend(paddings(after, list).unwrap_or_default());
    }
    out
}

/// Where an offset of the result was before; `None` inside of what was inserted.
fn origin(made: &[Splice], at: usize) -> Option<usize> {
    let mut shift = 0_i64;
    for splice in made {
        let start = splice.range.start as i64 + shift;
        if (at as i64) < start {
            break;
        }
        if (at as i64) < start + splice.text.len() as i64 {
            return None;
        }
        shift += splice.text.len() as i64 - splice.range.len() as i64;
    }
    usize::try_from(at as i64 - shift).ok()
}

/// Every list whose items may stand in columns.
fn lists(go: &Go) -> Vec<u32> {
    let is_list = |n: &u32| {
        matches!(
            go.node(*n).kind,
            "field_declaration_list"
                | "const_declaration"
                | "var_spec_list"
                | "literal_value"
                | "statement_list"
                | "import_spec_list"
                | "interface_type"
        )
    };
    (0..go.nodes.len() as u32).filter(is_list).collect()
}

/// What tells a list from others of its file: where its bracket stands.
fn key(go: &Go, list: u32) -> usize {
    let holder = if go.node(list).kind == "statement_list" { go.parent(list).unwrap_or(list) } else { list };
    // A block and a literal may begin with the same token as what they are in, but never with each other's.
    go.start(holder)
}

/// The blanks of a list that are not as gofmt has them; `None` where something else stands between two cells.
fn paddings(go: &Go, list: u32) -> Option<Vec<Splice>> {
    let rows = rows(go, list);
    let mut out = Vec::new();
    let mut from = 0;
    while from < rows.len() {
        let to = (from + 1..rows.len()).find(|i| rows[*i].breaks).unwrap_or(rows.len());
        let section = &rows[from..to];
        let cells: Vec<&[Cell]> = section.iter().map(|r| r.cells.as_slice()).collect();
        for (row, starts) in section.iter().zip(table::starts(&cells)) {
            for (gap, cell) in &row.gaps {
                // The cells before that are empty have no blanks of their own.
                let ink = (0..*cell).rev().find(|c| row.cells[*c].width > 0).unwrap_or(0);
                let wanted = starts[*cell].saturating_sub(starts[ink] + row.cells[ink].width);
                if gap.start > gap.end || go.text[gap.clone()].iter().any(|b| !matches!(b, b' ' | b'\t')) {
                    return None;
                }
                if wanted != gap.len() || go.text[gap.clone()].iter().any(|b| *b != b' ') {
                    out.push(Splice { range: gap.clone(), order: Order::Code, text: vec![b' '; wanted], edit: 0 });
                }
            }
        }
        from = to;
    }
    Some(out)
}

fn rows(go: &Go, list: u32) -> Vec<Row> {
    let kind = go.node(list).kind;
    let items: Vec<u32> = go.children(list).filter(|c| go.node(*c).named).collect();
    let keyed = kind == "literal_value";
    // Elements that share lines have rules of their own.
    if keyed && items.iter().any(|i| !go.first_on_line(go.start(*i))) {
        return Vec::new();
    }
    let keep_type = keep_type(go, &items);
    let mut sizes = Sizes::default();
    let mut out: Vec<Row> = Vec::new();
    let mut above: Option<u32> = None;
    for (index, item) in items.iter().copied().enumerate() {
        let start = go.start(item);
        let multi_line = go.line(start) != go.line(go.end(item));
        let next_to = above.is_some_and(|above| {
            let end = go.end(above);
            go.line(go.start(above)) == go.line(end) && go.line(end) + 1 == go.line(start)
        });
        let mut breaks = !next_to || !go.first_on_line(start);
        if keyed {
            // Written down first: the sizes remember every element.
            let size = if multi_line { 0 } else { width(go, size_of(go, item)) };
            let far = sizes.next(size, !next_to);
            breaks |= far;
        }
        let mut row = match kind {
            "field_declaration_list" => field(go, item, items.len() > 1),
            "const_declaration" | "var_spec_list" if items.len() > 1 => spec(go, item, keep_type[index]),
            "literal_value" if items.len() > 1 && !multi_line => element(go, item),
            _ => Pieces::of(start),
        }
        .finish(go, item);
        row.breaks = breaks;
        out.push(row);
        above = Some(item);
    }
    out
}

/// The pieces of a line: where each begins and ends, and how many columns before it are empty.
struct Pieces {
    pieces: Vec<(usize, usize, usize)>,
    /// Empty columns before a comment.
    before_comment: usize,
}

impl Pieces {
    /// A line that is one piece up to its comment.
    fn of(start: usize) -> Self {
        Self { pieces: vec![(start, usize::MAX, 0)], before_comment: 0 }
    }

    /// The row of the item's first line.
    fn finish(self, go: &Go, item: u32) -> Row {
        let start = go.start(item);
        let line_end = go.next_line(start);
        let line = go.text[start..line_end].trim_ascii_end();
        let mut end = start + line.len();
        // Only a comment at the end of the line is a cell.
        let index = go.comments.partition_point(|c| c.end < end);
        let comment = go.comments.get(index).filter(|c| c.start > start && c.start < end && c.end >= end).cloned();
        // A comment of several lines, or one behind what begins on this line and goes on, is no cell.
        let comment = comment.filter(|c| c.end == end);
        if let Some(comment) = &comment {
            end = start + go.text[start..comment.start].trim_ascii_end().len();
        }
        let mut row = Row::default();
        for (index, (from, to, empty)) in self.pieces.iter().enumerate() {
            if *from >= end {
                break;
            }
            for _ in 0..*empty {
                row.cells.push(Cell { width: 0, hard: false });
            }
            let next = self.pieces.get(index + 1).map_or(usize::MAX, |p| p.0);
            // What follows the piece on the line belongs to it: a comma, the rest of a line that goes on.
            let to = if next >= end { end } else { (*to).min(end) };
            if let Some(gap) = row.gaps.last_mut() {
                gap.0.end = *from;
                gap.1 = row.cells.len();
            }
            row.cells.push(Cell { width: width(go, *from..to), hard: false });
            row.gaps.push((to..to, 0));
        }
        match comment {
            Some(comment) => {
                if let Some(last) = row.cells.last_mut() {
                    last.hard = self.before_comment == 0;
                }
                for _ in 0..self.before_comment {
                    row.cells.push(Cell { width: 0, hard: false });
                }
                if let Some(gap) = row.gaps.last_mut() {
                    gap.0.end = comment.start;
                    gap.1 = row.cells.len();
                }
                row.cells.push(Cell { width: width(go, comment), hard: false });
            }
            None => {
                row.gaps.pop();
            }
        }
        row
    }
}

/// A struct's field: names, type, tag, comment (`fieldList` in go/printer).
fn field(go: &Go, item: u32, several: bool) -> Pieces {
    if !several {
        return Pieces::of(go.start(item));
    }
    let name = go.children(item).filter(|c| go.node(*c).field == Some("name")).last();
    let tag = go.field(item, "tag").map(|t| go.start(t));
    let start = go.start(item);
    let mut pieces = Vec::new();
    let mut before_comment = 0;
    match (name, go.field(item, "type")) {
        (Some(name), Some(kind)) => {
            pieces.push((start, go.end(name), 0));
            pieces.push((go.start(kind), go.end(kind), 0));
            pieces.extend(tag.map(|tag| (tag, go.end(item), 1)));
        }
        (_, kind) => {
            pieces.push((start, kind.map_or(usize::MAX, |k| go.end(k)), 0));
            pieces.extend(tag.map(|tag| (tag, go.end(item), 0)));
            before_comment = usize::from(tag.is_none());
        }
    }
    Pieces { pieces, before_comment }
}

/// An entry of a group: names, type, value, comment (`valueSpec` in go/printer).
fn spec(go: &Go, item: u32, keep_type: bool) -> Pieces {
    let name = go.children(item).filter(|c| go.node(*c).field == Some("name") && go.node(*c).named).last();
    let assign = go.children(item).find(|c| go.node(*c).kind == "=").map(|c| go.start(c));
    let kind = go.field(item, "type");
    let start = go.start(item);
    let mut pieces = vec![(start, name.map_or(usize::MAX, |n| go.end(n)), 0)];
    let mut left = 3;
    if kind.is_some() || keep_type {
        left -= 1;
    }
    pieces.extend(kind.map(|k| (go.start(k), go.end(k), 0)));
    if let Some(assign) = assign {
        pieces.push((assign, usize::MAX, usize::from(keep_type && kind.is_none())));
        left -= 1;
    }
    // The last separator is the one in front of the comment itself.
    let missing = usize::from(keep_type && kind.is_none() && assign.is_none());
    Pieces { pieces, before_comment: (left + missing).saturating_sub(1) }
}

/// An element of a literal: key, value, comment (`exprList` in go/printer).
fn element(go: &Go, item: u32) -> Pieces {
    let value = go.field(item, "value").filter(|_| go.node(item).kind == "keyed_element");
    let colon = go.children(item).find(|c| go.node(*c).kind == ":");
    match (value, colon) {
        (Some(value), Some(colon)) => {
            Pieces { pieces: vec![(go.start(item), go.end(colon), 0), (go.start(value), usize::MAX, 0)], before_comment: 0 }
        }
        _ => Pieces::of(go.start(item)),
    }
}

/// Which entries of a group have a column for types, though perhaps none themselves (`keepTypeColumn` in go/printer).
fn keep_type(go: &Go, items: &[u32]) -> Vec<bool> {
    let mut out = vec![false; items.len()];
    let mut run: Option<usize> = None;
    let mut keep = false;
    for index in 0..=items.len() {
        let item = items.get(index);
        let has_value = item.is_some_and(|i| go.field(*i, "value").is_some());
        match (run, has_value) {
            (None, true) => {
                run = Some(index);
                keep = false;
            }
            (Some(from), false) => {
                out[from..index].fill(keep);
                run = None;
            }
            _ => {}
        }
        keep |= item.is_some_and(|i| go.field(*i, "type").is_some());
    }
    out
}

/// What an element's size is measured by: its key, where it has one.
fn size_of(go: &Go, item: u32) -> Range<usize> {
    let key = go.field(item, "key").filter(|_| go.node(item).kind == "keyed_element").unwrap_or(item);
    go.start(key)..go.end(key)
}

/// Keys of very different length do not share columns (`exprList` in go/printer).
#[derive(Default)]
struct Sizes {
    last: usize,
    sum: f64,
    count: usize,
}

impl Sizes {
    /// Whether an element of that size (0: of several lines) begins a section. `apart`: a blank or other line is before it.
    fn next(&mut self, size: usize, apart: bool) -> bool {
        const SMALL: usize = 40;
        const RATIO: f64 = 2.5;
        let last = std::mem::replace(&mut self.last, size);
        let mut far = true;
        if last > 0 && size > 0 {
            far = !(self.count == 0 || last <= SMALL && size <= SMALL) && {
                let ratio = size as f64 / (self.sum / self.count as f64).exp();
                RATIO * ratio <= 1.0 || RATIO <= ratio
            };
        }
        if far || apart {
            (self.sum, self.count) = (0.0, 0);
        }
        if size > 0 {
            self.sum += (size as f64).ln();
            self.count += 1;
        }
        far
    }
}

/// Characters of a piece of text.
fn width(go: &Go, range: Range<usize>) -> usize {
    let bytes = go.text.get(range).unwrap_or_default();
    bytes.iter().filter(|b| **b & 0xc0 != 0x80).count()
}
