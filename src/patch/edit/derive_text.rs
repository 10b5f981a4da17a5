//! Edits by line, for files that are not Go and for comments and raw strings of those that are.

use crate::patch::edit::derive::{Region, Work};
use crate::patch::edit::model::{Change, Edit, Side, TextAction};

/// Edits by line that make a region what it is to be.
pub(crate) fn express(work: &Work<'_>, region: &Region) -> Option<Vec<Edit>> {
    let slides = work.slides(region);
    slides.iter().find_map(|region| if region.old.is_empty() { beside(work, region) } else { in_place(work, region) })
}

fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

fn is_once(work: &Work<'_>, line: usize) -> bool {
    let wanted = bare(work.old[line]);
    !wanted.trim().is_empty() && work.old.iter().filter(|other| bare(other) == wanted).count() == 1
}

/// The lines as `insert` and `with` take them. A blank line at the end needs one more line end: the last one is not counted.
fn text(lines: &[&str]) -> String {
    let text = lines.iter().map(|line| bare(line)).collect::<Vec<_>>().join("\n");
    if text.ends_with('\n') { format!("{text}\n") } else { text }
}

fn beside(work: &Work<'_>, region: &Region) -> Option<Vec<Edit>> {
    let at = region.old.start;
    let lines = text(&work.new[region.new.clone()]);
    let before = (at < work.old.len()).then_some((at, Side::Before));
    let after = at.checked_sub(1).map(|above| (above, Side::After));
    // The line that the new ones stand right beside, and no blank one.
    [after, before].into_iter().flatten().filter(|(line, _)| is_once(work, *line)).find_map(|(line, side)| {
        let action = TextAction::Insert { side, text: lines.clone() };
        let edit = work.edit(Change::Text { line: bare(work.old[line]).to_owned(), action });
        work.gives(&[&edit], region).then(|| vec![edit])
    })
}

/// Line by line; what is more belongs to the last.
fn in_place(work: &Work<'_>, region: &Region) -> Option<Vec<Edit>> {
    if region.new.len() < region.old.len() || !region.old.clone().all(|line| is_once(work, line)) {
        return None;
    }
    let last = region.old.len() - 1;
    let mut edits = Vec::new();
    for at in 0..=last {
        let line = region.old.start + at;
        let until = if at == last { region.new.end } else { region.new.start + at + 1 };
        let new = &work.new[region.new.start + at..until];
        if new == [work.old[line]] {
            continue;
        }
        let action = TextAction::Change { text: text(new) };
        edits.push(work.edit(Change::Text { line: bare(work.old[line]).to_owned(), action }));
    }
    work.gives(&edits.iter().collect::<Vec<_>>(), region).then_some(edits)
}
