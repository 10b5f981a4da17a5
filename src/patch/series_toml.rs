//! `series.toml`: every error of the file in one go, each with its place.

use std::collections::BTreeSet;

use toml::de::DeTable;

use crate::files::Found;
use crate::names::{PatchName, Revision};
use crate::patch::diff::Dialect;
use crate::patch::series::check_listed;
use crate::patch::series_error::{ListProblem, SeriesError};
use crate::patch::series_list::{Entry, List, ListedForm};
use crate::patch::toml_reader::{Reader, Span};

const TOP: &[&str] = &["description", "patch"];
const PATCH: &[&str] = &["file", "base", "versions", "reason", "one_of"];
const FORM: &[&str] = &["file", "base"];

/// Reads the file; `listed` are the files of the folder.
pub(crate) fn parse(found: &Found, listed: &[String], errors: &mut Vec<SeriesError>) -> List {
    let mut list = List { dialect: Dialect::Git, description: None, entries: Vec::new(), excused: Vec::new() };
    let (reader, text) = Reader::new(found, errors);
    let mut reader = ListReader { reader, listed, seen: BTreeSet::new() };
    let Some(text) = text else {
        list.excused = listed.to_vec();
        return list;
    };
    let (table, syntax) = DeTable::parse_recoverable(&text);
    for error in &syntax {
        reader.reader.fail(error.span().unwrap_or(0..0), ListProblem::Syntax(error.message().trim().to_owned()));
    }
    if !syntax.is_empty() {
        // What was not understood may be the lines that are missing.
        list.excused = listed.to_vec();
    }
    let table = table.get_ref();
    reader.reader.keys(table, "series.toml", TOP);
    list.description = reader.reader.text(table, "description").map(|(text, _)| text);
    for patch in reader.reader.tables(table, "patch", "an array of tables: [[patch]]") {
        if let Some(entry) = reader.entry(patch.get_ref(), patch.span()) {
            list.entries.push(entry);
        }
    }
    list.excused.extend(reader.seen);
    list
}

struct ListReader<'a> {
    reader: Reader<'a>,
    listed: &'a [String],
    /// Names that were listed, good or bad.
    seen: BTreeSet<String>,
}

impl ListReader<'_> {
    fn entry(&mut self, table: &DeTable<'_>, span: Span) -> Option<Entry> {
        self.reader.keys(table, "[[patch]]", PATCH);
        let reason = self.reader.text(table, "reason").map(|(text, _)| text);
        let versions = self.reader.versions(table);
        let mut forms = Vec::new();
        if let Some(one_of) = table.get("one_of") {
            for key in ["file", "base"] {
                if let Some(value) = table.get(key) {
                    self.reader.fail(value.span(), ListProblem::WithOneOf(key));
                }
            }
            let tables = self.reader.tables(table, "one_of", "an array of forms: [{ file = \"A.patch\" }, ...]");
            if one_of.get_ref().as_array().is_some_and(|a| a.is_empty()) {
                self.reader.fail(one_of.span(), ListProblem::NoForms);
            }
            for form in tables {
                self.reader.keys(form.get_ref(), "one_of", FORM);
                forms.extend(self.form(form.get_ref(), form.span()));
            }
        } else {
            forms.extend(self.form(table, span));
        }
        (!forms.is_empty()).then_some(Entry { versions, reason, forms })
    }

    fn form(&mut self, table: &DeTable<'_>, span: Span) -> Option<ListedForm> {
        let base = self.reader.text(table, "base").and_then(|(text, span)| match Revision::new(text) {
            Ok(revision) => Some(revision),
            Err(e) => {
                self.reader.fail(span, ListProblem::Name(e));
                None
            }
        });
        let Some((file, span)) = self.reader.text(table, "file") else {
            if !table.contains_key("file") {
                self.reader.fail(span, ListProblem::NoFile);
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
                self.reader.fail(span, problem);
                None
            }
            Ok(name) if !self.seen.insert(file.to_owned()) => {
                self.reader.fail(span, ListProblem::Twice(name));
                None
            }
            Ok(name) => Some(name),
        }
    }
}
