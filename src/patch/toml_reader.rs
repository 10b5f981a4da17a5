//! Reads the TOML files of a series so that every mistake is noted with its place.

use std::sync::Arc;

use miette::NamedSource;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::files::Found;
use crate::names::nearest;
use crate::patch::series_error::{ListProblem, SeriesError};
use crate::release::Req;

pub(crate) type Span = std::ops::Range<usize>;

/// Notes mistakes of one file.
pub(crate) struct Reader<'a> {
    src: Arc<str>,
    name: String,
    errors: &'a mut Vec<SeriesError>,
}

impl<'a> Reader<'a> {
    /// A reader of that file; `None` where it is not text, which is noted.
    pub(crate) fn new(found: &Found, errors: &'a mut Vec<SeriesError>) -> (Self, Option<Arc<str>>) {
        let text = String::from_utf8_lossy(&found.bytes);
        let is_text = matches!(text, std::borrow::Cow::Borrowed(_));
        let src: Arc<str> = Arc::from(&*text);
        let mut reader = Self { src: Arc::clone(&src), name: found.origin.to_string(), errors };
        if !is_text {
            reader.fail(0..0, ListProblem::NotText);
        }
        (reader, is_text.then_some(src))
    }

    pub(crate) fn fail(&mut self, span: Span, problem: ListProblem) {
        let src = NamedSource::new(&self.name, Arc::clone(&self.src));
        self.errors.push(SeriesError::List { problem, src, span: span.into() });
    }

    /// The line (from 1) of a place.
    pub(crate) fn line(&self, span: &Span) -> usize {
        self.src.as_bytes().iter().take(span.start).filter(|b| **b == b'\n').count() + 1
    }

    pub(crate) fn keys(&mut self, table: &DeTable<'_>, place: &'static str, known: &'static [&'static str]) {
        for key in table.keys() {
            if !known.contains(&&**key.get_ref()) {
                let text = key.get_ref().to_string();
                let near = nearest(&text, known.iter().copied()).and_then(|n| known.iter().copied().find(|k| *k == n));
                self.fail(key.span(), ListProblem::UnknownKey { key: text, place, nearest: near, known });
            }
        }
    }

    pub(crate) fn text(&mut self, table: &DeTable<'_>, key: &'static str) -> Option<(String, Span)> {
        let value = table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text.to_owned(), value.span())),
            None => {
                self.wrong_type(key, "a string", value);
                None
            }
        }
    }

    /// A text or a list of texts; empty where the key is absent or wrong.
    pub(crate) fn texts(&mut self, table: &DeTable<'_>, key: &'static str) -> Vec<(String, Span)> {
        const EXPECTED: &str = "a string or a list of strings";
        let Some(value) = table.get(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::String(text) => vec![(text.to_string(), value.span())],
            DeValue::Array(array) => {
                let mut out = Vec::new();
                for element in array.iter() {
                    match element.get_ref().as_str() {
                        Some(text) => out.push((text.to_owned(), element.span())),
                        None => self.wrong_type(key, EXPECTED, element),
                    }
                }
                out
            }
            _ => {
                self.wrong_type(key, EXPECTED, value);
                Vec::new()
            }
        }
    }

    pub(crate) fn versions(&mut self, table: &DeTable<'_>) -> Option<Req> {
        let (text, span) = self.text(table, "versions")?;
        match Req::parse(&text) {
            Ok(req) => Some(req),
            Err(e) => {
                self.fail(span, ListProblem::Req(e));
                None
            }
        }
    }

    pub(crate) fn wrong_type(&mut self, key: &'static str, expected: &'static str, value: &Spanned<DeValue<'_>>) {
        let found = value.get_ref().type_str();
        self.fail(value.span(), ListProblem::Type { key, expected, found });
    }

    pub(crate) fn tables<'t, 'i>(
        &mut self,
        table: &'t DeTable<'i>,
        key: &'static str,
        expected: &'static str,
    ) -> Vec<Spanned<&'t DeTable<'i>>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, expected, value);
            return Vec::new();
        };
        let mut out = Vec::new();
        for element in array.iter() {
            match element.get_ref().as_table() {
                Some(table) => out.push(Spanned::new(element.span(), table)),
                None => self.wrong_type(key, expected, element),
            }
        }
        out
    }
}
