//! Writing what somebody made of an edit's result back into the edit. Only its own code can change: where that is in the result
//! is found, and what stands there now becomes the code. The proof is the edit itself: made again, it gives the same files.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use similar::{Algorithm, DiffOp, capture_diff_slices};
use toml_edit::{DocumentMut, Item, Value, value};

use crate::files::{Found, Origin};
use crate::names::RelPath;
use crate::patch::edit::code;
use crate::patch::edit::model::{Action, Change, Edit, EditFile, TextAction};
use crate::patch::edit::run::edit;
use crate::patch::edit::{Go, parse};
use crate::release::Release;

/// A file that the edits are about: before them, and as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Before any edit.
    pub before: Vec<u8>,
    /// After them.
    pub after: Vec<u8>,
}

/// The bytes of an edit file that makes of every file what is wanted; `None` where forge finds none. `files` has every file that
/// is there before and that the edits name, or that is to be changed. `description` takes the place of the old one.
pub fn rewrite(
    bytes: &[u8],
    edits: &EditFile,
    release: Option<&Release>,
    files: &BTreeMap<RelPath, Wanted>,
    description: Option<&str>,
) -> Option<Vec<u8>> {
    let mut document: DocumentMut = std::str::from_utf8(bytes).ok()?.parse().ok()?;
    if let Some(description) = description {
        set(&mut document, "description", description);
    }
    for (path, of_file) in by_file(edits, release, files)? {
        let wanted = &files[&path];
        let made = make(&path, &wanted.before, &of_file)?;
        if made != wanted.after {
            for (edit, code) in new_codes(&of_file, &made, &wanted.after)? {
                set_code(&mut document, edit, &code)?;
            }
        }
    }
    let new = document.to_string().into_bytes();
    let found = Found { bytes: new.clone(), origin: Origin::BuiltIn(RelPath::new("edit").ok()?) };
    let again = parse(&found, &mut Vec::new())?;
    let mut rest: BTreeMap<&RelPath, &Wanted> = files.iter().filter(|(_, w)| w.before != w.after).collect();
    for (path, of_file) in by_file(&again, release, files)? {
        if make(&path, &files[&path].before, &of_file)? != files[&path].after {
            return None;
        }
        rest.remove(&path);
    }
    rest.is_empty().then_some(new)
}

/// The edits that are for the release, by the file that each finds. `None` where one finds none.
fn by_file<'e>(
    edits: &'e EditFile,
    release: Option<&Release>,
    files: &BTreeMap<RelPath, Wanted>,
) -> Option<BTreeMap<RelPath, Vec<&'e Edit>>> {
    let mut out: BTreeMap<RelPath, Vec<&Edit>> = BTreeMap::new();
    for edit in edits.edits.iter().filter(|edit| edit.is_for(release)) {
        let path = edit.files.iter().find(|path| files.contains_key(*path))?;
        out.entry(path.clone()).or_default().push(edit);
    }
    Some(out)
}

fn make(path: &RelPath, before: &[u8], edits: &[&Edit]) -> Option<Vec<u8>> {
    let bytes = Arc::new(before.to_vec());
    let go = path.as_str().ends_with(".go").then(|| Go::parse(&bytes));
    edit(&bytes, go.as_ref(), edits).ok().map(|edited| edited.bytes.to_vec())
}

/// The code that an edit writes, where it writes the same everywhere.
fn code_of(edit: &Edit) -> Option<&str> {
    match &edit.change {
        Change::Go { action: Action::Insert { code, .. } | Action::Change { code, .. } | Action::First { code }, .. } => {
            code.holes().is_empty().then(|| code.as_str())
        }
        Change::Go { .. } => None,
        Change::Text { action: TextAction::Insert { text, .. } | TextAction::Change { text }, .. } => Some(text),
    }
}

/// The edits whose code is another one now, with that code.
fn new_codes<'e>(edits: &[&'e Edit], made: &[u8], wanted: &[u8]) -> Option<Vec<(&'e Edit, String)>> {
    let (made, wanted) = (std::str::from_utf8(made).ok()?, std::str::from_utf8(wanted).ok()?);
    let (old, new): (Vec<&str>, Vec<&str>) = (made.split('\n').collect(), wanted.split('\n').collect());
    let places: Vec<(&Edit, Place)> = edits.iter().filter_map(|edit| Some((*edit, place(&old, code_of(edit)?)?))).collect();
    let mut deltas: Vec<(usize, isize, Option<usize>)> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (before, after) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        // A change that is nobody's code cannot be written back.
        let owner = places.iter().position(|(_, place)| place.lines.start <= before.start && before.end <= place.lines.end)?;
        deltas.push((before.start, after.len() as isize - before.len() as isize, Some(owner)));
    }
    let mut out = Vec::new();
    for (index, (edit, place)) in places.iter().enumerate() {
        if !deltas.iter().any(|(_, _, owner)| *owner == Some(index)) {
            continue;
        }
        let shift = |limit: usize, own: bool| -> isize {
            let counts = |(at, _, owner): &&(usize, isize, Option<usize>)| {
                *at < limit && (own || *owner != Some(index)) || own && *owner == Some(index)
            };
            deltas.iter().filter(counts).map(|(_, delta, _)| delta).sum()
        };
        let from = place.lines.start.checked_add_signed(shift(place.lines.start, false))?;
        let to = place.lines.end.checked_add_signed(shift(place.lines.end, true))?;
        let text = new.get(from..to)?.join("\n");
        let code = match &place.within {
            None if matches!(edit.change, Change::Go { .. }) => code::template(&text).ok()?.as_str().to_owned(),
            None => text,
            Some((before, after)) => text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?.to_owned(),
        };
        if code.trim().is_empty() {
            return None;
        }
        out.push((*edit, code));
    }
    Some(out)
}

/// Where code stands in a result.
struct Place {
    lines: Range<usize>,
    /// What stands before and after it on its line, where it is only a part of one.
    within: Option<(String, String)>,
}

/// The only place of the code.
fn place(lines: &[&str], code: &str) -> Option<Place> {
    let code: Vec<&str> = code.split('\n').collect();
    let is_at = |at: usize| {
        let first = lines[at].trim_end_matches('\r');
        let Some(indent) = first.strip_suffix(code[0]).filter(|indent| indent.trim().is_empty()) else { return false };
        code.iter().zip(&lines[at..]).all(|(code, line)| {
            let line = line.trim_end_matches('\r');
            if code.is_empty() { line.trim().is_empty() } else { line.strip_prefix(indent) == Some(code) }
        })
    };
    let mut whole = (0..(lines.len() + 1).saturating_sub(code.len())).filter(|at| is_at(*at));
    if let Some(at) = whole.next() {
        return whole.next().is_none().then(|| Place { lines: at..at + code.len(), within: None });
    }
    let [code] = code[..] else { return None };
    let mut parts = lines.iter().enumerate().flat_map(|(at, line)| line.match_indices(code).map(move |(column, _)| (at, column)));
    let (at, column) = parts.next()?;
    if parts.next().is_some() {
        return None;
    }
    let (before, after) = (&lines[at][..column], &lines[at][column + code.len()..]);
    Some(Place { lines: at..at + 1, within: Some((before.to_owned(), after.to_owned())) })
}

fn set_code(document: &mut DocumentMut, edit: &Edit, code: &str) -> Option<()> {
    let (kind, number) = edit.name.split_once(' ')?;
    let index = number.parse::<usize>().ok()?.checked_sub(1)?;
    let table = document.get_mut(kind)?.as_array_of_tables_mut()?.get_mut(index)?;
    let key = ["insert", "with"].into_iter().find(|key| table.contains_key(key))?;
    let old = table.get_mut(key)?.as_value_mut()?;
    let decor = old.decor().clone();
    *old = literal(code);
    *old.decor_mut() = decor;
    Some(())
}

/// As somebody would write it: in quotes that leave everything as it is, on lines of its own where it has several.
pub(crate) fn literal(text: &str) -> Value {
    let several = text.contains('\n');
    let written = match several {
        true => format!("x = '''\n{text}\n'''\n"),
        false => format!("x = '{text}'\n"),
    };
    let parsed = written.parse::<DocumentMut>().ok().and_then(|document| document.get("x")?.as_value().cloned());
    let says = |value: &Value| value.as_str().is_some_and(|read| read.trim_end_matches('\n') == text.trim_end_matches('\n'));
    let mut value = parsed.filter(says).unwrap_or_else(|| Value::from(text));
    value.decor_mut().clear();
    value
}

fn set(document: &mut DocumentMut, key: &str, text: &str) {
    let text = text.trim();
    match document.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if old.as_str().map(str::trim) == Some(text) => {}
        Some(old) => {
            let decor = old.decor().clone();
            *old = if text.contains('\n') { literal(text) } else { Value::from(text) };
            *old.decor_mut() = decor;
        }
        None => {
            document.insert(key, value(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "package x\n\nfunc f() int {\n\ta := 1\n\tb(a)\n\treturn a\n}\n";
    const EDIT: &str = "description = \"do\" # what\n\n[[edit]]\nfile = 'x.go'\nin = 'f'\nbefore = 'return a'\ninsert = '''\n// why\ncheck(a)\n''' # here\n\n[[edit]]\nfile = 'x.go'\nchange = 'a := 1'\nwith = 'a := 22'\n";

    fn again(after: &str, description: Option<&str>) -> Option<String> {
        let path = RelPath::new("x.go").unwrap();
        let found = Found { bytes: EDIT.into(), origin: Origin::BuiltIn(path.clone()) };
        let edits = parse(&found, &mut Vec::new()).unwrap();
        let files = BTreeMap::from([(path, Wanted { before: BEFORE.into(), after: after.into() })]);
        rewrite(EDIT.as_bytes(), &edits, None, &files, description).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn result(one: &str, two: &str) -> String {
        BEFORE.replace("\treturn a", &format!("{one}\treturn a")).replace("a := 1", two)
    }

    #[test]
    fn changed_code_is_written_back() {
        let same = result("\t// why\n\tcheck(a)\n", "a := 22");
        assert_eq!(again(&same, None).unwrap(), EDIT);
        let other = result("\t// why not\n\tif a > 3 {\n\t\tcheck(a)\n\t}\n", "a := seven()");
        let text = again(&other, Some("do it")).unwrap();
        let wanted = EDIT
            .replace("\"do\"", "\"do it\"")
            .replace("// why\ncheck(a)", "// why not\nif a > 3 {\n\tcheck(a)\n}")
            .replace("22", "seven()");
        assert_eq!(text, wanted);
    }

    #[test]
    fn what_is_not_the_edit_s_code_is_refused() {
        let here = "\t// why\n\tcheck(a)\n";
        assert_eq!(again(&result(here, "a := 22").replace("func f", "func g"), None), None);
        assert_eq!(again(&result("", "a := 22"), None), None);
        assert_eq!(again(&result(here, "a := 22").replace("return a", "return a + 1"), None), None);
    }
}
