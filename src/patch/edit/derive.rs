//! From a change of files to the edits that make it: each changed region is given a place that Go's syntax, or a line, finds
//! once.
//!
//! Nothing here is taken on trust. Whatever is thought of for a region is made by the edits' own engine and compared with what
//! is wanted, all of a file's edits together once more, and what is written down is read again before it counts. What cannot be
//! said as an edit is refused, with the region.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::files::{Found, Origin};
use crate::names::RelPath;
use crate::patch::edit::decl::{Declaration, declarations};
use crate::patch::edit::derive_go::Places;
use crate::patch::edit::derive_imports::{self as imports, ByImports};
use crate::patch::edit::model::{Change, Edit, EditFile, Import};
use crate::patch::edit::rewrite::Wanted;
use crate::patch::edit::run::edit;
use crate::patch::edit::{GO_LIMIT, Go, derive_text, derive_write, parse};

/// Bytes that may be edited for one file while places are looked for, so that no file takes minutes.
const MOST_BYTES: usize = 128 * 1024 * 1024;

/// A region that no edit says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct Inexpressible {
    /// The file.
    pub file: RelPath,
    /// The line, from 1, of the file before the change.
    pub line: usize,
    /// Why not.
    pub why: Why,
}

/// Why no edit says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Not UTF-8, or no Go that can be parsed, or too large.
    #[error("the file is no text that edits can be derived for")]
    NoText,
    /// Declarations come or go.
    #[error("a declaration comes or goes there; an edit leaves a file the declarations that it has")]
    Declarations,
    /// Lines of a file that is not Go's go away.
    #[error("lines are taken away there, which an edit of a text cannot do")]
    LinesGone,
    /// No pattern or line is there once, or none makes exactly this.
    #[error("no statement or line stands there once that an edit could hold on to, and make exactly this change")]
    NoPlace,
}

/// What derived edits hold on to where code comes beside a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The statement, or its head.
    Statement,
    /// A call in it, where there is one: that stays when what is around it is another one.
    Call,
}

/// The bytes of an edit file that makes of every file what is wanted. `description` is its own.
pub fn derive(files: &BTreeMap<RelPath, Wanted>, description: Option<&str>, hold: Hold) -> Result<Vec<u8>, Inexpressible> {
    let mut edits = Vec::new();
    for (path, wanted) in files.iter().filter(|(_, wanted)| wanted.before != wanted.after) {
        edits.extend(of_file(path, wanted, hold)?);
    }
    let bytes = derive_write::file(description, &edits).into_bytes();
    match files.iter().find(|(path, wanted)| !read_again(&bytes).is_some_and(|file| makes(&file, path, wanted))) {
        None => Ok(bytes),
        Some((path, _)) => Err(Inexpressible { file: path.clone(), line: 1, why: Why::NoPlace }),
    }
}

fn read_again(bytes: &[u8]) -> Option<EditFile> {
    let origin = Origin::BuiltIn(RelPath::new("derived.edit.toml").ok()?);
    parse(&Found { bytes: bytes.to_vec(), origin }, &mut Vec::new())
}

fn makes(file: &EditFile, path: &RelPath, wanted: &Wanted) -> bool {
    let edits: Vec<&Edit> = file.edits.iter().filter(|edit| edit.files.contains(path)).collect();
    let bytes = Arc::new(wanted.before.clone());
    let go = path.as_str().ends_with(".go").then(|| Go::parse(&bytes));
    match edits.is_empty() {
        true => wanted.before == wanted.after,
        false => edit(&bytes, go.as_ref(), &edits).is_ok_and(|made| *made.bytes == wanted.after),
    }
}

/// Lines that are not the same, on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

/// A file, and what is wanted of it.
pub(crate) struct Work<'a> {
    pub(crate) path: &'a RelPath,
    pub(crate) bytes: Arc<Vec<u8>>,
    /// With their ends.
    pub(crate) old: Vec<&'a str>,
    /// With their ends.
    pub(crate) new: Vec<&'a str>,
    pub(crate) go: Option<Go>,
    pub(crate) declared: Vec<Declaration>,
    /// Whether blanks within lines do not count: the padding of columns comes by itself.
    pub(crate) loose: bool,
    pub(crate) hold: Hold,
    /// Bytes that may be edited yet.
    pub(crate) left: Cell<usize>,
    /// What was tried in vain.
    tried: RefCell<Vec<Attempt>>,
}

/// A way to see the whole change.
#[derive(PartialEq, Eq)]
struct Attempt {
    loose: bool,
    regions: Vec<Region>,
    imports: Vec<Import>,
}

impl Work<'_> {
    /// Where a line begins, in bytes; one behind the last is the end.
    pub(crate) fn offset(&self, line: usize) -> usize {
        self.old[..line].iter().map(|line| line.len()).sum()
    }

    /// The text that the region is to be.
    pub(crate) fn wanted(&self, region: &Region) -> String {
        self.new[region.new.clone()].concat()
    }

    /// An edit of this file that has to find one place.
    pub(crate) fn edit(&self, change: Change) -> Edit {
        Edit { name: "edit 1".to_owned(), line: 1, files: vec![self.path.clone()], versions: None, count: 1, change }
    }

    /// Whether the edits make of the file what is wanted of these regions, and nothing else.
    pub(crate) fn gives(&self, edits: &[&Edit], region: &Region) -> bool {
        match self.left.get().checked_sub(self.bytes.len()) {
            Some(left) => self.left.set(left),
            None => return false,
        }
        let Ok(made) = edit(&self.bytes, self.go.as_ref(), edits) else { return false };
        let wanted = [self.old[..region.old.start].concat(), self.wanted(region), self.old[region.old.end..].concat()].concat();
        let Ok(made) = std::str::from_utf8(&made.bytes) else { return false };
        made == wanted || self.loose && made.split('\n').map(collapsed).eq(wanted.split('\n').map(collapsed))
    }

    /// The regions that differ.
    fn regions(&self) -> Vec<Region> {
        let keys = |lines: &[&str]| -> Vec<String> {
            lines.iter().map(|line| if self.loose { collapsed(line) } else { (*line).to_owned() }).collect()
        };
        let (old, new) = (keys(&self.old), keys(&self.new));
        let mut out: Vec<Region> = Vec::new();
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            match out.last_mut().filter(|last| last.old.end == op.old_range().start && last.new.end == op.new_range().start) {
                Some(last) => (last.old.end, last.new.end) = (op.old_range().end, op.new_range().end),
                None => out.push(Region { old: op.old_range(), new: op.new_range() }),
            }
        }
        out
    }

    /// The region, and where else it can be said to be: lines that come (or go) between equal ones can be moved along. What does
    /// not begin or end with a blank line is first.
    pub(crate) fn slides(&self, region: &Region) -> Vec<Region> {
        const FAR: usize = 40;
        let mut out = vec![region.clone()];
        let (lines, range) = match (region.old.is_empty(), region.new.is_empty()) {
            (true, false) => (&self.new, region.new.clone()),
            (false, true) => (&self.old, region.old.clone()),
            _ => return out,
        };
        let moved = |by: isize| -> Option<Region> {
            let all = [region.old.start, region.old.end, region.new.start, region.new.end];
            let [a, b, c, d] = all.map(|at| at.checked_add_signed(by));
            Some(Region { old: a?..b?, new: c?..d? })
        };
        for by in 1..=FAR.min(region.old.start).min(region.new.start) {
            if lines[range.start - by] != lines[range.end - by] {
                break;
            }
            out.extend(moved(-(by as isize)));
        }
        let room = (self.old.len() - region.old.end).min(self.new.len() - region.new.end);
        for by in 0..FAR.min(room) {
            if lines[range.start + by] != lines[range.end + by] {
                break;
            }
            out.extend(moved(by as isize + 1));
        }
        let blanks = |region: &Region| {
            let range = if region.old.is_empty() { region.new.clone() } else { region.old.clone() };
            [lines[range.start], lines[range.end - 1]].iter().filter(|line| line.trim().is_empty()).count()
        };
        out.sort_by_key(blanks);
        out
    }

    fn merged(regions: &[Region]) -> Region {
        let (first, last) = (&regions[0], &regions[regions.len() - 1]);
        Region { old: first.old.start..last.old.end, new: first.new.start..last.new.end }
    }

    /// Edits for all regions, one after another; those that say nothing by themselves together with the ones behind them.
    fn edits(&self, regions: &[Region]) -> Result<Vec<Edit>, usize> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < regions.len() {
            let until =
                (at..regions.len().min(at + 6)).find_map(|last| Some((last, self.express(&Self::merged(&regions[at..=last]))?)));
            let (last, edits) = until.ok_or(at)?;
            out.extend(edits);
            at = last + 1;
        }
        Ok(out)
    }

    fn express(&self, region: &Region) -> Option<Vec<Edit>> {
        match &self.go {
            Some(go) => Places { work: self, go }.express(region),
            None => derive_text::express(self, region),
        }
    }

    /// Regions of one declaration as one.
    fn by_declaration(&self, regions: &[Region]) -> Vec<Region> {
        let Some(go) = &self.go else { return regions.to_vec() };
        let item = |region: &Region| {
            let bytes = self.offset(region.old.start)..self.offset(region.old.end).max(self.offset(region.old.start) + 1);
            go.top().find(|top| go.start(*top) < bytes.end && bytes.start < go.end(*top))
        };
        let mut out: Vec<Region> = Vec::new();
        for region in regions {
            match out.last_mut() {
                Some(last) if item(last).is_some() && item(last) == item(region) => {
                    *last = Self::merged(&[last.clone(), region.clone()]);
                }
                _ => out.push(region.clone()),
            }
        }
        out
    }

    /// All edits, proved together.
    fn all(&self, by_imports: bool, by_declaration: bool) -> Result<Vec<Edit>, Option<usize>> {
        let mut regions = self.regions();
        let mut wanted: Vec<Import> = Vec::new();
        if by_imports {
            let ByImports { imports, rest } = imports::split(self, regions);
            (wanted, regions) = (imports, rest);
        }
        if by_declaration {
            regions = self.by_declaration(&regions);
        }
        let attempt = Attempt { loose: self.loose, regions: regions.clone(), imports: wanted.clone() };
        if self.tried.borrow().contains(&attempt) {
            return Err(None);
        }
        self.tried.borrow_mut().push(attempt);
        let mut edits = self.edits(&regions).map_err(|at| Some(regions[at].old.start))?;
        if !wanted.is_empty() && !imports::attach(&mut edits, wanted) {
            return Err(None);
        }
        let made = edit(&self.bytes, self.go.as_ref(), &edits.iter().collect::<Vec<_>>());
        match made.is_ok_and(|made| *made.bytes == *self.new.concat().as_bytes()) {
            true => Ok(edits),
            false => Err(None),
        }
    }
}

fn of_file(path: &RelPath, wanted: &Wanted, hold: Hold) -> Result<Vec<Edit>, Inexpressible> {
    let refuse = |line: usize, why| Inexpressible { file: path.clone(), line, why };
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| refuse(1, Why::NoText));
    let (before, after) = (text(&wanted.before)?, text(&wanted.after)?);
    let bytes = Arc::new(wanted.before.clone());
    let is_go = path.as_str().ends_with(".go");
    let go = || (is_go && before.len() <= GO_LIMIT).then(|| Go::parse(&bytes));
    if is_go && before.len() > GO_LIMIT {
        return Err(refuse(1, Why::NoText));
    }
    let declared = go().as_ref().map(declarations).unwrap_or_default();
    let (old, new) = (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let mut work = Work {
        path,
        bytes: Arc::clone(&bytes),
        old,
        new,
        go: go(),
        declared,
        loose: is_go,
        hold,
        left: Cell::new(MOST_BYTES),
        tried: RefCell::default(),
    };
    let mut at = None;
    for (loose, by_imports, by_declaration) in [
        (true, true, false),
        (true, false, false),
        (false, true, false),
        (false, false, false),
        (true, true, true),
        (true, false, true),
        (false, true, true),
        (false, false, true),
    ] {
        if !is_go && (loose || by_imports || by_declaration) {
            continue;
        }
        work.loose = loose;
        match work.all(by_imports, by_declaration) {
            Ok(edits) => return Ok(edits),
            Err(place) => at = at.or(place),
        }
    }
    work.loose = false;
    let at = at.or_else(|| work.regions().first().map(|region| region.old.start)).unwrap_or(0);
    Err(refuse(at + 1, why(&work, after, at)))
}

/// Why nothing was found for the region at a line.
fn why(work: &Work<'_>, after: &str, at: usize) -> Why {
    let Some(go) = &work.go else {
        let gone = work.regions().iter().any(|region| region.old.start == at && region.old.len() > region.new.len());
        return if gone { Why::LinesGone } else { Why::NoPlace };
    };
    let titles = |declared: &[Declaration]| declared.iter().map(Declaration::title).collect::<Vec<_>>();
    let other = Go::parse(&Arc::new(after.as_bytes().to_vec()));
    let here = work.offset(at.min(work.old.len()));
    let outside = !go.top().any(|top| go.start(top) < here && here < go.end(top));
    let differ = titles(&work.declared) != titles(&declarations(&other));
    if outside && differ { Why::Declarations } else { Why::NoPlace }
}

/// A line with one blank for every run of them behind its indentation.
pub(crate) fn collapsed(line: &str) -> String {
    let own = line.len() - line.trim_start_matches([' ', '\t']).len();
    let (indent, rest) = line.split_at(own);
    let mut out = indent.to_owned();
    let mut blank = false;
    for c in rest.chars() {
        let is_blank = matches!(c, ' ' | '\t');
        if !(is_blank && blank) {
            out.push(if is_blank { ' ' } else { c });
        }
        blank = is_blank;
    }
    out
}

#[cfg(test)]
#[path = "derive_tests.rs"]
mod tests;
