//! Reads TOML tables key by key. A deserialiser stops at the first mistake; this notes each one with its place and goes on.
//!
//! The keys that a table may have are those that were asked for: [`Table::finish`] finds the others. So there is one list
//! of keys, the code that reads them.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::Sink;
use super::wrong::{Wrong, shown};
use crate::names::nearest;

/// A text with its place.
pub(crate) type Text = Spanned<String>;
/// A list of texts, where there is one.
pub(crate) type List = Option<Spanned<Vec<Text>>>;

/// One table of a file.
pub(crate) struct Table<'a> {
    /// How messages call it: `[component.k0s]`.
    what: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(what: impl Into<String>, span: Range<usize>, entries: &'a DeTable<'a>) -> Self {
        Self { what: what.into(), span, entries, asked: Vec::new() }
    }

    /// The place of its header.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// How messages call it.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// The value of a key, whatever it is.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.get(key)
    }

    pub(crate) fn text(&mut self, key: &'static str, sink: &mut Sink) -> Option<Text> {
        let value = self.value(key)?;
        text(key, "a string", value, sink)
    }

    pub(crate) fn flag(&mut self, key: &'static str, sink: &mut Sink) -> Option<Spanned<bool>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(Spanned::new(value.span(), *flag)),
            other => {
                sink.push(value.span(), wrong_type(key, "true or false", other));
                None
            }
        }
    }

    pub(crate) fn integer(&mut self, key: &'static str, sink: &mut Sink) -> Option<Spanned<i64>> {
        let value = self.value(key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            sink.push(value.span(), wrong_type(key, "an integer", value.get_ref()));
            return None;
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Some(Spanned::new(value.span(), number)),
            Err(_) => {
                sink.push(value.span(), Wrong::Range { key, expected: "an integer of 64 bits", found: shown(integer.as_str()) });
                None
            }
        }
    }

    pub(crate) fn list(&mut self, key: &'static str, sink: &mut Sink) -> List {
        let value = self.value(key)?;
        let DeValue::Array(array) = value.get_ref() else {
            sink.push(value.span(), wrong_type(key, "a list of strings", value.get_ref()));
            return None;
        };
        Some(Spanned::new(value.span(), texts(key, "a list of strings", array, sink)))
    }

    /// A list of strings, or one string for a list of one.
    pub(crate) fn one_or_list(&mut self, key: &'static str, sink: &mut Sink) -> List {
        const EXPECTED: &str = "a string or a list of strings";
        let value = self.value(key)?;
        let items = match value.get_ref() {
            DeValue::Array(array) => texts(key, EXPECTED, array, sink),
            _ => text(key, EXPECTED, value, sink).into_iter().collect(),
        };
        Some(Spanned::new(value.span(), items))
    }

    /// A list of lists of strings.
    pub(crate) fn lists(&mut self, key: &'static str, sink: &mut Sink) -> Option<Spanned<Vec<Spanned<Vec<Text>>>>> {
        const EXPECTED: &str = "a list of lists of strings";
        let value = self.value(key)?;
        let DeValue::Array(array) = value.get_ref() else {
            sink.push(value.span(), wrong_type(key, EXPECTED, value.get_ref()));
            return None;
        };
        let mut lists = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::Array(inner) => lists.push(Spanned::new(item.span(), texts(key, EXPECTED, inner, sink))),
                other => sink.push(item.span(), wrong_type(key, EXPECTED, other)),
            }
        }
        Some(Spanned::new(value.span(), lists))
    }

    /// A table of strings, in file order.
    pub(crate) fn pairs(&mut self, key: &'static str, sink: &mut Sink) -> Option<Spanned<Vec<(Text, Text)>>> {
        const EXPECTED: &str = "a table of strings";
        let value = self.value(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            sink.push(value.span(), wrong_type(key, EXPECTED, value.get_ref()));
            return None;
        };
        let mut pairs = Vec::new();
        for (name, value) in in_file_order(table) {
            if let Some(value) = text(key, EXPECTED, value, sink) {
                pairs.push((name, value));
            }
        }
        Some(Spanned::new(value.span(), pairs))
    }

    pub(crate) fn table(&mut self, key: &'static str, sink: &mut Sink) -> Option<Table<'a>> {
        let what = format!("`{key}` of {}", self.what);
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table::new(what, value.span(), entries)),
            other => {
                sink.push(value.span(), wrong_type(key, "a table", other));
                None
            }
        }
    }

    /// `[[key]]`, a list of tables; `path` is what stands in the brackets.
    pub(crate) fn tables(&mut self, key: &'static str, path: &str, sink: &mut Sink) -> Vec<Table<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            sink.push(value.span(), wrong_type(key, "a list of tables", value.get_ref()));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(Table::new(format!("[[{path}]]"), item.span(), entries)),
                other => sink.push(item.span(), wrong_type(key, "a list of tables", other)),
            }
        }
        tables
    }

    /// The named tables below `key`, in file order: `[key.NAME]`.
    pub(crate) fn named_tables(&mut self, key: &'static str, sink: &mut Sink) -> Vec<(Text, Table<'a>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            sink.push(value.span(), wrong_type(key, "a table of tables", value.get_ref()));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in in_file_order(table) {
            match value.get_ref() {
                DeValue::Table(entries) => {
                    let what = format!("[{key}.{}]", shown(name.get_ref()));
                    tables.push((name.clone(), Table::new(what, name.span(), entries)));
                }
                other => sink.push(value.span(), wrong_type(key, "a table of tables", other)),
            }
        }
        tables
    }

    /// Notes every key that nobody asked for.
    pub(crate) fn finish(self, sink: &mut Sink) {
        for key in self.entries.keys() {
            if sink.is_full() {
                return;
            }
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                // A key far longer than any known one cannot be a typing error, and comparing it would cost time.
                let near = if name.len() <= 40 { nearest(name, self.asked.iter().copied()) } else { None };
                let (table, known) = (self.what.clone(), self.asked.clone());
                sink.push(key.span(), Wrong::UnknownKey { key: shown(name), table, near, known });
            }
        }
    }
}

fn in_file_order<'a>(table: &'a DeTable<'a>) -> Vec<(Text, &'a Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> =
        table.iter().map(|(key, value)| (Spanned::new(key.span(), key.get_ref().to_string()), value)).collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn text(key: &'static str, expected: &'static str, value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Text> {
    match value.get_ref() {
        // No argument, path or environment variable can carry one, and no message should.
        DeValue::String(text) if text.contains('\0') => {
            sink.push(value.span(), Wrong::Nul { key });
            None
        }
        DeValue::String(text) => Some(Spanned::new(value.span(), text.to_string())),
        other => {
            sink.push(value.span(), wrong_type(key, expected, other));
            None
        }
    }
}

fn texts(key: &'static str, expected: &'static str, array: &DeArray<'_>, sink: &mut Sink) -> Vec<Text> {
    array.iter().filter_map(|item| text(key, expected, item, sink)).collect()
}

fn wrong_type(key: &'static str, expected: &'static str, found: &DeValue<'_>) -> Wrong {
    let (found, written) = match found {
        DeValue::String(text) => ("a string", Some(format!("{:?}", shown(text)))),
        DeValue::Integer(number) => ("an integer", Some(shown(&number.to_string()))),
        DeValue::Float(_) => ("a float", None),
        DeValue::Boolean(_) => ("a boolean", None),
        DeValue::Datetime(_) => ("a date or time", None),
        DeValue::Array(_) => ("a list", None),
        DeValue::Table(_) => ("a table", None),
    };
    Wrong::Type { key, expected, found, written }
}
