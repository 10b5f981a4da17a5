//! Reads a `*.edit.toml`: every mistake of the file in one go, each with its place.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::files::Found;
use crate::names::RelPath;
use crate::patch::edit::code;
use crate::patch::edit::decl::plain;
use crate::patch::edit::error::EditError;
use crate::patch::edit::model::{Action, Change, Edit, EditFile, Import, Side, TextAction, is_identifier};
use crate::patch::edit::pattern::{Pattern, Template};
use crate::patch::patch_file::sha256;
use crate::patch::series_error::{ListProblem, SeriesError};
use crate::patch::toml_reader::{Reader, Span};

const TOP: &[&str] = &["description", "edit", "text"];
const EDIT: &[&str] =
    &["file", "in", "before", "after", "delete", "change", "first", "rename", "insert", "with", "count", "imports", "versions"];
const TEXT: &[&str] = &["file", "line", "before", "after", "change", "insert", "with", "count", "versions"];
/// The keys of an action, in the order of messages.
const ACTIONS: [&str; 6] = ["before", "after", "delete", "change", "first", "rename"];

/// Reads the file; `None` where something is wrong, which is noted in `errors`.
pub(crate) fn parse(found: &Found, errors: &mut Vec<SeriesError>) -> Option<EditFile> {
    let known = errors.len();
    let (mut reader, text) = Reader::new(found, errors);
    let text = text?;
    let (table, syntax) = DeTable::parse_recoverable(&text);
    for error in &syntax {
        reader.fail(error.span().unwrap_or(0..0), ListProblem::Syntax(error.message().trim().to_owned()));
    }
    let table = table.get_ref();
    reader.keys(table, "the file", TOP);
    let description = reader.text(table, "description").map(|(text, _)| text.trim().to_owned()).filter(|t| !t.is_empty());
    let mut edits: Vec<(usize, Edit)> = Vec::new();
    for (key, keys) in [("edit", EDIT), ("text", TEXT)] {
        let tables = reader.tables(
            table,
            key,
            if key == "edit" { "an array of tables: [[edit]]" } else { "an array of tables: [[text]]" },
        );
        for (index, one) in tables.into_iter().enumerate() {
            let place = if key == "edit" { "[[edit]]" } else { "[[text]]" };
            let mut one = One { place, span: one.span(), table: one.get_ref(), reader: &mut reader };
            one.reader.keys(one.table, place, keys);
            if let Some(edit) = one.read(format!("{key} {}", index + 1)) {
                edits.push((one.span.start, edit));
            }
        }
    }
    if edits.is_empty() && syntax.is_empty() && !table.contains_key("edit") && !table.contains_key("text") {
        reader.fail(0..0, ListProblem::Edit(EditError::Nothing));
    }
    edits.sort_by_key(|(at, _)| *at);
    let edits = edits.into_iter().map(|(_, edit)| edit).collect();
    (errors.len() == known).then(|| EditFile { description, edits, sha256: sha256(&found.bytes) })
}

/// One `[[edit]]` or `[[text]]`.
struct One<'r, 'e, 't, 'i> {
    place: &'static str,
    span: Span,
    table: &'t DeTable<'i>,
    reader: &'r mut Reader<'e>,
}

impl One<'_, '_, '_, '_> {
    fn fail(&mut self, span: Span, problem: EditError) {
        self.reader.fail(span, ListProblem::Edit(problem));
    }

    fn span_of(&self, key: &str) -> Span {
        self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Reads everything, so that every mistake is noted; `None` where there was one.
    fn read(&mut self, name: String) -> Option<Edit> {
        let is_go = self.place == "[[edit]]";
        let files = self.files(is_go);
        let count = self.count();
        let versions = self.reader.versions(self.table);
        let change = if is_go { self.go() } else { self.text() };
        let line = self.reader.line(&self.span);
        Some(Edit { name, line, files: files?, versions, count: count?, change: change? })
    }

    fn files(&mut self, is_go: bool) -> Option<Vec<RelPath>> {
        let mut good = self.needs("file");
        let mut files = Vec::new();
        for (text, span) in self.reader.texts(self.table, "file") {
            match RelPath::new(text.clone()) {
                Ok(path) if !is_go || path.as_str().ends_with(".go") => files.push(path),
                Ok(_) => {
                    self.fail(span, EditError::NotGo(text));
                    good = false;
                }
                Err(problem) => {
                    self.fail(span, EditError::Path(problem));
                    good = false;
                }
            }
        }
        good &= self.not_empty("file", files.is_empty() && good);
        good.then_some(files)
    }

    fn needs(&mut self, key: &'static str) -> bool {
        let has = self.table.contains_key(key);
        if !has {
            let place = self.place;
            self.fail(self.span.clone(), EditError::Lacks { place, key });
        }
        has
    }

    /// Notes an empty list; a value of another type was noted before.
    fn not_empty(&mut self, key: &'static str, empty: bool) -> bool {
        let is_list = self.table.get(key).is_some_and(|v| matches!(v.get_ref(), DeValue::Array(a) if a.is_empty()));
        if empty && is_list {
            let span = self.span_of(key);
            self.fail(span, EditError::Empty(key));
        }
        !empty
    }

    fn count(&mut self) -> Option<usize> {
        let Some(value) = self.table.get("count") else { return Some(1) };
        let DeValue::Integer(integer) = value.get_ref() else {
            self.reader.wrong_type("count", "a number", value);
            return None;
        };
        let count = usize::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| *n > 0 && *n < 1_000_000);
        if count.is_none() {
            self.fail(value.span(), EditError::Count);
        }
        count
    }

    /// The one action, with its value; all others are noted.
    fn action(&mut self) -> Option<&'static str> {
        let mut found = ACTIONS.into_iter().filter(|key| self.table.contains_key(*key) && self.allows(key));
        let (first, second) = (found.next(), found.next());
        let place = self.place;
        match (first, second) {
            (Some(first), Some(second)) => {
                let span = self.span_of(second);
                self.fail(span, EditError::Actions { first, second });
                None
            }
            (Some(first), None) => Some(first),
            (None, _) => {
                self.fail(self.span.clone(), EditError::NoAction { place });
                None
            }
        }
    }

    fn allows(&self, key: &str) -> bool {
        if self.place == "[[edit]]" { EDIT.contains(&key) } else { TEXT.contains(&key) }
    }

    /// `insert` or `with`, whichever the action takes; the other is noted.
    fn new_text(&mut self, action: &'static str) -> Option<(String, Span)> {
        let (key, other) = match action {
            "before" | "after" | "first" => ("insert", Some("with")),
            "change" => ("with", Some("insert")),
            _ => ("", None),
        };
        for other in other.into_iter().chain(if key.is_empty() { vec!["insert", "with"] } else { Vec::new() }) {
            if self.table.contains_key(other) {
                let span = self.span_of(other);
                self.fail(span, EditError::Unused { key: other, action });
            }
        }
        if key.is_empty() || !self.needs(key) {
            return None;
        }
        let (text, span) = self.reader.text(self.table, key)?;
        if text.trim().is_empty() {
            self.fail(span, EditError::Empty(key));
            return None;
        }
        Some((text, span))
    }

    fn is_true(&mut self, key: &'static str) -> bool {
        let Some(value) = self.table.get(key) else { return false };
        match value.get_ref() {
            DeValue::Boolean(true) => return true,
            DeValue::Boolean(false) => self.fail(value.span(), EditError::NotTrue(key)),
            _ => self.reader.wrong_type(key, "true", value),
        }
        false
    }

    fn go(&mut self) -> Option<Change> {
        let scope = self.scope();
        let imports = self.imports();
        let action = self.action();
        let new = action.and_then(|action| self.new_text(action));
        let takes_code = action.is_some_and(|a| matches!(a, "before" | "after" | "change" | "first"));
        let code = new.and_then(|(text, span)| self.code(&text, span));
        let action = action?;
        if matches!(action, "first" | "rename") && scope.as_ref().is_some_and(Vec::is_empty) {
            let span = self.span_of(action);
            self.fail(span, EditError::NeedsScope(action));
        }
        let made = match action {
            "first" => {
                let on = self.is_true("first");
                let code = code?;
                self.known(&code, &[]);
                on.then_some(Action::First { code })
            }
            "rename" => {
                let (to, span) = self.reader.text(self.table, "rename")?;
                if !is_identifier(&to) {
                    self.fail(span, EditError::Name(to));
                    return None;
                }
                Some(Action::Rename { to })
            }
            key => {
                let patterns = self.patterns(key)?;
                if let Some(code) = &code {
                    self.known(code, &patterns);
                }
                match (key, code) {
                    ("before", Some(code)) => Some(Action::Insert { side: Side::Before, patterns, code }),
                    ("after", Some(code)) => Some(Action::Insert { side: Side::After, patterns, code }),
                    ("change", Some(code)) => Some(Action::Change { patterns, code }),
                    ("delete", _) if !takes_code => Some(Action::Delete { patterns }),
                    _ => None,
                }
            }
        };
        Some(Change::Go { scope: scope?, action: made?, imports: imports? })
    }

    fn scope(&mut self) -> Option<Vec<String>> {
        let mut good = true;
        let mut out = Vec::new();
        for (text, span) in self.reader.texts(self.table, "in") {
            if plain(&text).split('.').count() <= 2 && plain(&text).split('.').all(is_identifier) {
                out.push(text);
            } else {
                self.fail(span, EditError::Name(text));
                good = false;
            }
        }
        if self.table.contains_key("in") {
            good &= self.not_empty("in", out.is_empty());
        }
        good.then_some(out)
    }

    fn imports(&mut self) -> Option<Vec<Import>> {
        let mut good = true;
        let mut out = Vec::new();
        for (text, span) in self.reader.texts(self.table, "imports") {
            match Import::parse(&text) {
                Some(import) => out.push(import),
                None => {
                    self.fail(span, EditError::Import(text));
                    good = false;
                }
            }
        }
        good.then_some(out)
    }

    fn code(&mut self, text: &str, span: Span) -> Option<Template> {
        match code::template(text) {
            Ok(code) => Some(code),
            Err(problem) => {
                self.fail(span, EditError::Pattern(problem));
                None
            }
        }
    }

    fn patterns(&mut self, key: &'static str) -> Option<Vec<Pattern>> {
        let mut good = true;
        let mut out = Vec::new();
        for (text, span) in self.reader.texts(self.table, key) {
            match Pattern::parse(&text) {
                Ok(pattern) => out.push(pattern),
                Err(problem) => {
                    self.fail(span, EditError::Pattern(problem));
                    good = false;
                }
            }
        }
        good &= self.not_empty(key, out.is_empty() && good);
        good.then_some(out)
    }

    /// Notes metavariables of code that some pattern does not have.
    fn known(&mut self, code: &Template, patterns: &[Pattern]) {
        let key = if self.table.contains_key("with") { "with" } else { "insert" };
        let span = self.span_of(key);
        for name in code.names() {
            if name.is_empty() {
                self.fail(span.clone(), EditError::Unnamed);
            } else if patterns.is_empty() || !patterns.iter().all(|p| p.names().any(|n| n == name)) {
                self.fail(span.clone(), EditError::Unknown(format!("${name}")));
            }
        }
    }

    fn text(&mut self) -> Option<Change> {
        let line = if self.needs("line") { self.reader.text(self.table, "line") } else { None };
        let action = self.action();
        let new = action.and_then(|action| self.new_text(action));
        let on = action.is_some_and(|action| self.is_true(action));
        let (line, span) = line?;
        let line = line.trim_end_matches(['\n', '\r']).to_owned();
        if line.contains('\n') {
            self.fail(span, EditError::OneLine);
            return None;
        }
        let text = new?.0.replace("\r\n", "\n");
        let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        let action = match action? {
            "before" => TextAction::Insert { side: Side::Before, text },
            "after" => TextAction::Insert { side: Side::After, text },
            _ => TextAction::Change { text },
        };
        on.then_some(Change::Text { line, action })
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
