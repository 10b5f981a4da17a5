//! The edits of one patch on one file: every place is found in the same text, and everything is changed at once.

use std::ops::Range;
use std::sync::Arc;

use crate::patch::edit::check::{self, Allowed};
use crate::patch::edit::code::{Target, render, with_comma};
use crate::patch::edit::decl::{Declaration, Scope, declarations, nearest, scope};
use crate::patch::edit::matcher::{Found, TooCostly, find};
use crate::patch::edit::model::{Action, Change, Edit, Import, Side};
use crate::patch::edit::pattern::{Pattern, Template};
use crate::patch::edit::problem::{Broken, EditFailure, EditProblem, Elsewhere};
use crate::patch::edit::site::{self, Site};
use crate::patch::edit::splice::{self, Order, Splice};
use crate::patch::edit::syntax::{Go, newline_of};
use crate::patch::edit::{align, imports, lines, near, text};

/// Why a file was not changed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Edits do not fit.
    Edits(Vec<EditFailure>),
    /// They do, but what comes out is no Go any more.
    Broken(Vec<Broken>),
}

/// A file with all edits made, and its tree where it is a Go file.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) go: Option<Arc<Go>>,
}

/// Makes the edits; `go` is the file's tree where it is a Go file.
pub(crate) fn edit(bytes: &Arc<Vec<u8>>, go: Option<&Go>, edits: &[&Edit]) -> Result<Edited, Failed> {
    let mut work = Work { splices: Vec::new(), allowed: Allowed::default() };
    let mut failures = Vec::new();
    let fail = |edit: &Edit, problem| EditFailure { edit: edit.name.clone(), patch_line: edit.line, problem };
    let declared = go.map(declarations).unwrap_or_default();
    let mut wanted: Vec<(Import, usize)> = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        let made = match (&edit.change, go) {
            (Change::Go { scope, action, imports }, Some(go)) => {
                wanted.extend(imports.iter().map(|i| (i.clone(), index)));
                One { go, declared: &declared, names: scope, count: edit.count, index }.run(action, &mut work)
            }
            (Change::Text { line, action }, _) => {
                text::run(bytes, go, line, action, edit.count, index).map(|splices| work.splices.extend(splices))
            }
            // Reading the patch has refused syntax in files that are not Go's.
            (Change::Go { .. }, None) => Err(EditProblem::NoPackage),
        };
        if let Err(problem) = made {
            failures.push(fail(edit, problem));
        }
    }
    if let Some(go) = go {
        match imports::add(go, &wanted) {
            Some(splices) => work.splices.extend(splices),
            None => {
                let first = wanted.first().and_then(|(_, index)| edits.get(*index));
                failures.extend(first.map(|edit| fail(edit, EditProblem::NoPackage)));
            }
        }
    }
    if !failures.is_empty() {
        return Err(Failed::Edits(failures));
    }
    let new = splice::apply(bytes, &mut work.splices).map_err(|clash| {
        let line = memchr::memchr_iter(b'\n', &bytes[..clash.at]).count() + 1;
        let with = edits.get(clash.one).map(|e| e.name.clone()).unwrap_or_default();
        let other = edits.get(clash.other).map(|edit| fail(edit, EditProblem::Overlap { with, line }));
        Failed::Edits(other.into_iter().collect())
    })?;
    let new = Arc::new(new);
    let Some(before) = go else { return Ok(Edited { bytes: new, go: None }) };
    let after = before.parse_spliced(&new, &work.splices);
    let broken = check::check(before, &after, &work.allowed);
    if !broken.is_empty() {
        return Err(Failed::Broken(broken));
    }
    let mut padding = align::fix(before, &after, &work.splices);
    if padding.is_empty() {
        return Ok(Edited { bytes: new, go: Some(Arc::new(after)) });
    }
    // Only blanks inside of lines: these splices never overlap, and what is Go stays Go.
    let go = match splice::apply(&new, &mut padding).map(Arc::new) {
        Ok(padded) => Arc::new(after.parse_spliced(&padded, &padding)),
        Err(_) => Arc::new(after),
    };
    let padded = Arc::clone(&go.text);
    Ok(Edited { bytes: padded, go: Some(go) })
}

/// What the edits come to.
struct Work {
    splices: Vec<Splice>,
    allowed: Allowed,
}

/// One edit of a Go file.
struct One<'a> {
    go: &'a Go,
    declared: &'a [Declaration],
    names: &'a [String],
    count: usize,
    index: usize,
}

impl One<'_> {
    fn run(&self, action: &Action, work: &mut Work) -> Result<(), EditProblem> {
        let Some(scope) = scope(self.declared, self.names) else {
            let elsewhere = self.elsewhere(action.patterns(), &[]);
            let nearest = nearest(self.declared, self.names);
            return Err(EditProblem::NoSuchDeclaration { wanted: self.names.to_vec(), nearest, elsewhere });
        };
        match action {
            Action::First { code } => self.first(&scope, code, work),
            Action::Rename { to } => {
                let Scope::In(list) = &scope else { return Ok(()) };
                if list.len() != self.count {
                    return Err(self.miscount(&scope, &[], list.iter().map(|d| self.go.start(d.node)).collect()));
                }
                for declaration in list {
                    let name = declaration.name_node;
                    work.allowed.renamed.insert(declaration.node, to.clone());
                    work.splices.push(self.splice(self.go.start(name)..self.go.end(name), to.clone().into_bytes()));
                }
                Ok(())
            }
            Action::Insert { patterns, .. } | Action::Delete { patterns } | Action::Change { patterns, .. } => {
                let mut found = Vec::new();
                for within in scope.tokens(self.go) {
                    found.extend(find(self.go, patterns, &within).map_err(|TooCostly| EditProblem::TooCostly)?);
                }
                if found.len() != self.count {
                    return Err(self.miscount(&scope, patterns, found.iter().map(|f| f.range(self.go).start).collect()));
                }
                found.iter().try_for_each(|one| match action {
                    Action::Insert { side, code, .. } => self.insert(one, *side, code, work),
                    Action::Change { code, .. } => {
                        self.change(one, code, work);
                        Ok(())
                    }
                    _ => self.delete(one, work),
                })
            }
        }
    }

    fn splice(&self, range: Range<usize>, text: Vec<u8>) -> Splice {
        Splice { range, order: Order::Code, text, edit: self.index }
    }

    fn miscount(&self, scope: &Scope, patterns: &[Pattern], found: Vec<usize>) -> EditProblem {
        let go = self.go;
        let within = scope.tokens(go);
        let few = found.len() < self.count;
        EditProblem::Count {
            wanted: patterns.iter().map(|p| p.as_str().to_owned()).collect(),
            searched: scope.title(),
            from_line: within.first().and_then(|w| go.tokens.get(w.start)).map_or(1, |t| go.line(t.start)),
            expected: self.count,
            similar: if few { near::similar(go, patterns, &within) } else { Vec::new() },
            elsewhere: if few { self.elsewhere(patterns, &within) } else { Vec::new() },
            found: found.into_iter().map(|at| go.line(at)).collect(),
        }
    }

    /// Where the patterns match outside of what was searched.
    fn elsewhere(&self, patterns: &[Pattern], within: &[Range<usize>]) -> Vec<Elsewhere> {
        let go = self.go;
        let all = find(go, patterns, &(0..go.tokens.len())).unwrap_or_default();
        let outside = all.into_iter().filter(|f| !within.iter().any(|w| w.start <= f.tokens.start && f.tokens.end <= w.end));
        let inside = |f: &Found| {
            let holds = |d: &&Declaration| {
                let node = go.node(d.node);
                node.first as usize <= f.tokens.start && f.tokens.end <= node.last as usize
            };
            self.declared.iter().find(holds).map(Declaration::title)
        };
        outside.map(|f| Elsewhere { line: go.line(f.range(go).start), inside: inside(&f) }).collect()
    }

    fn render(&self, code: &Template, indent: &[u8], first: bool, found: Option<&Found>) -> Vec<u8> {
        let target = Target { indent, newline: self.go.newline() };
        render(code, &target, first, |name| {
            let text = found?.value(self.go, name)?;
            let tokens = &found?.values.iter().find(|(n, _)| n == name)?.1;
            let start = self.go.tokens.get(tokens.start).map_or(0, |t| t.start);
            Some((text, self.go.indent(start)))
        })
    }

    fn first(&self, scope: &Scope, code: &Template, work: &mut Work) -> Result<(), EditProblem> {
        let Scope::In(list) = scope else { return Ok(()) };
        if list.len() != self.count {
            return Err(self.miscount(scope, &[], list.iter().map(|d| self.go.start(d.node)).collect()));
        }
        for declaration in list {
            let room = site::body(self.go, declaration.node).and_then(|body| lines::at_top(self.go, &body, self.index));
            let room = room.ok_or_else(|| EditProblem::NoBody { searched: declaration.title() })?;
            self.put(room, code, None, work);
        }
        Ok(())
    }

    fn put(&self, room: lines::Room, code: &Template, found: Option<&Found>, work: &mut Work) {
        let mut text = self.render(code, &room.indent, true, found);
        text.extend_from_slice(self.go.newline());
        work.splices.extend(room.splices);
        work.splices.push(self.splice(room.at..room.at, text));
    }

    fn insert(&self, found: &Found, side: Side, code: &Template, work: &mut Work) -> Result<(), EditProblem> {
        let go = self.go;
        let nowhere = || EditProblem::NoStatement { line: go.line(found.range(go).start) };
        let site = site::around(go, found.what, side == Side::After).ok_or_else(nowhere)?;
        self.allow_entries(&site, work);
        let room = match (site, side) {
            (Site::Elements { first, last }, _) => {
                let splice = self.element(first, last, side, code, found);
                work.splices.push(splice);
                return Ok(());
            }
            (Site::Lines { first, .. }, Side::Before) => lines::before(go, first, self.index),
            (Site::Lines { last, .. }, Side::After) => lines::after(go, last, self.index),
            (Site::Clause(clause), _) => site::statements(go, clause).and_then(|list| lines::at_top(go, &list, self.index)),
        };
        self.put(room.ok_or_else(nowhere)?, code, Some(found), work);
        Ok(())
    }

    /// An element of a literal on a line of its own beside one that has such, else on the same line.
    fn element(&self, first: u32, last: u32, side: Side, code: &Template, found: &Found) -> Splice {
        let go = self.go;
        let (start, end) = (go.start(first), go.end(last));
        let indent = go.indent(start).to_vec();
        let comma = end + go.text[end..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let own_line = go.first_on_line(start) && go.text.get(comma) == Some(&b',') && lines::below(go, comma + 1).is_ok();
        if own_line {
            let mut text = with_comma(&self.render(code, &indent, true, Some(found)), true);
            text.extend_from_slice(go.newline());
            let at = match side {
                Side::Before => lines::before(go, first, self.index).map_or(start, |room| room.at),
                Side::After => lines::below(go, comma + 1).unwrap_or(comma + 1),
            };
            return self.splice(at..at, text);
        }
        let code = with_comma(&self.render(code, &indent, false, Some(found)), false);
        match side {
            Side::Before => self.splice(start..start, [&code, &b", "[..]].concat()),
            Side::After => self.splice(end..end, [&b", "[..], &code].concat()),
        }
    }

    fn change(&self, found: &Found, code: &Template, work: &mut Work) {
        if let Some(site) = site::itself(self.go, found.what) {
            self.allow_entries(&site, work);
        }
        let range = found.range(self.go);
        let text = self.render(code, self.go.indent(range.start), false, Some(found));
        work.splices.push(self.splice(range, text));
    }

    fn delete(&self, found: &Found, work: &mut Work) -> Result<(), EditProblem> {
        let whole = site::itself(self.go, found.what);
        if let Some(site) = &whole {
            self.allow_entries(site, work);
        }
        let range = whole.and_then(|site| lines::removal(self.go, &site));
        let range = range.ok_or_else(|| EditProblem::NotWhole { line: self.go.line(found.range(self.go).start) })?;
        work.splices.push(self.splice(range, Vec::new()));
        Ok(())
    }

    /// An entry of a group of constants or variables is a declaration, too; one that an edit is about may come or go.
    fn allow_entries(&self, site: &Site, work: &mut Work) {
        let Site::Lines { first, .. } = *site else { return };
        let go = self.go;
        if !matches!(go.parent_kind(first), "const_declaration" | "var_spec_list") {
            return;
        }
        let ancestors = std::iter::successors(Some(first), |n| go.parent(*n));
        let Some(top) = ancestors.take_while(|n| *n != 0).last() else { return };
        let item = go.top().filter(|n| go.node(*n).named).position(|n| n == top);
        work.allowed.groups.extend(item);
    }
}

/// The line ending to use in a file without a tree.
pub(crate) fn newline(bytes: &[u8], go: Option<&Go>) -> &'static [u8] {
    go.map_or_else(|| newline_of(bytes), Go::newline)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
