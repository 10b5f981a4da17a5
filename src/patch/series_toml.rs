//! `series.toml`: every error of the file in one go, each with its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use miette::NamedSource;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::files::Found;
use crate::names::{PatchName, Revision, nearest};
use crate::patch::diff::Dialect;
use crate::patch::series::check_listed;
use crate::patch::series_error::{ListProblem, SeriesError};
use crate::patch::series_list::{Entry, List, ListedForm};
use crate::release::Req;

const TOP: &[&str] = &["description", "patch"];
const PATCH: &[&str] = &["file", "base", "versions", "reason", "one_of"];
const FORM: &[&str] = &["file", "base"];

type Span = std::ops::Range<usize>;

/// Reads the file; `listed` are the files of the folder.
pub(crate) fn parse(found: &Found, listed: &[String], errors: &mut Vec<SeriesError>) -> List {
    let mut list = List { dialect: Dialect::Git, description: None, entries: Vec::new(), excused: Vec::new() };
    let text = String::from_utf8_lossy(&found.bytes);
    let mut reader = Reader { src: Arc::from(&*text), name: found.origin.to_string(), listed, seen: BTreeSet::new(), errors };
    if matches!(text, std::borrow::Cow::Owned(_)) {
        reader.fail(0..0, ListProblem::NotText);
        list.excused = listed.to_vec();
        return list;
    }
    let (table, syntax) = DeTable::parse_recoverable(&text);
    for error in &syntax {
        reader.fail(error.span().unwrap_or(0..0), ListProblem::Syntax(error.message().trim().to_owned()));
    }
    if !syntax.is_empty() {
        // What was not understood may be the lines that are missing.
        list.excused = listed.to_vec();
    }
    let table = table.get_ref();
    reader.keys(table, "series.toml", TOP);
    list.description = reader.text(table, "description").map(|(text, _)| text);
    for patch in reader.tables(table, "patch", "an array of tables: [[patch]]") {
        if let Some(entry) = reader.entry(patch.get_ref(), patch.span()) {
            list.entries.push(entry);
        }
    }
    list.excused.extend(reader.seen);
    list
}

struct Reader<'a> {
    src: Arc<str>,
    name: String,
    listed: &'a [String],
    /// Names that were listed, good or bad.
    seen: BTreeSet<String>,
    errors: &'a mut Vec<SeriesError>,
}

impl Reader<'_> {
    fn fail(&mut self, span: Span, problem: ListProblem) {
        let src = NamedSource::new(&self.name, Arc::clone(&self.src));
        self.errors.push(SeriesError::List { problem, src, span: span.into() });
    }

    fn keys(&mut self, table: &DeTable<'_>, place: &'static str, known: &'static [&'static str]) {
        for key in table.keys() {
            if !known.contains(&&**key.get_ref()) {
                let text = key.get_ref().to_string();
                let near = nearest(&text, known.iter().copied()).and_then(|n| known.iter().copied().find(|k| *k == n));
                self.fail(key.span(), ListProblem::UnknownKey { key: text, place, nearest: near, known });
            }
        }
    }

    fn text(&mut self, table: &DeTable<'_>, key: &'static str) -> Option<(String, Span)> {
        let value = table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text.to_owned(), value.span())),
            None => {
                let found = value.get_ref().type_str();
                self.fail(value.span(), ListProblem::Type { key, expected: "a string", found });
                None
            }
        }
    }

    fn tables<'t, 'i>(
        &mut self,
        table: &'t DeTable<'i>,
        key: &'static str,
        expected: &'static str,
    ) -> Vec<Spanned<&'t DeTable<'i>>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.fail(value.span(), ListProblem::Type { key, expected, found: value.get_ref().type_str() });
            return Vec::new();
        };
        let mut out = Vec::new();
        for element in array.iter() {
            match element.get_ref().as_table() {
                Some(table) => out.push(Spanned::new(element.span(), table)),
                None => {
                    self.fail(element.span(), ListProblem::Type { key, expected, found: element.get_ref().type_str() });
                }
            }
        }
        out
    }

    fn entry(&mut self, table: &DeTable<'_>, span: Span) -> Option<Entry> {
        self.keys(table, "[[patch]]", PATCH);
        let reason = self.text(table, "reason").map(|(text, _)| text);
        let versions = self.text(table, "versions").and_then(|(text, span)| match Req::parse(&text) {
            Ok(req) => Some(req),
            Err(e) => {
                self.fail(span, ListProblem::Req(e));
                None
            }
        });
        let mut forms = Vec::new();
        if let Some(one_of) = table.get("one_of") {
            for key in ["file", "base"] {
                if let Some(value) = table.get(key) {
                    self.fail(value.span(), ListProblem::WithOneOf(key));
                }
            }
            let tables = self.tables(table, "one_of", "an array of forms: [{ file = \"A.patch\" }, ...]");
            if one_of.get_ref().as_array().is_some_and(|a| a.is_empty()) {
                self.fail(one_of.span(), ListProblem::NoForms);
            }
            for form in tables {
                self.keys(form.get_ref(), "one_of", FORM);
                forms.extend(self.form(form.get_ref(), form.span()));
            }
        } else {
            forms.extend(self.form(table, span));
        }
        (!forms.is_empty()).then_some(Entry { versions, reason, forms })
    }

    fn form(&mut self, table: &DeTable<'_>, span: Span) -> Option<ListedForm> {
        let base = self.text(table, "base").and_then(|(text, span)| match Revision::new(text) {
            Ok(revision) => Some(revision),
            Err(e) => {
                self.fail(span, ListProblem::Name(e));
                None
            }
        });
        let Some((file, span)) = self.text(table, "file") else {
            if !table.contains_key("file") {
                self.fail(span, ListProblem::NoFile);
            }
            return None;
        };
        let file = self.file(&file, span)?;
        Some(ListedForm { file, base, strip: 1 })
    }

    fn file(&mut self, file: &str, span: Span) -> Option<PatchName> {
        match check_listed(file, self.listed) {
            Err(problem) => {
                self.seen.insert(file.to_owned());
                self.fail(span, problem);
                None
            }
            Ok(name) if !self.seen.insert(file.to_owned()) => {
                self.fail(span, ListProblem::Twice(name));
                None
            }
            Ok(name) => Some(name),
        }
    }
}
