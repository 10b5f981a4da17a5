//! `[[component.NAME.expect]]`: facts about the binary.

use std::collections::BTreeMap;

use super::check_build::templates;
use super::error::Sink;
use super::model::{Expect, TextRule};
use super::raw::{RawExpect, RawTextRule};
use super::read::{List, Text};
use super::wrong::{Wrong, shown};
use crate::files::Files;
use crate::names::RelPath;

/// The largest file that a check may put beside the program.
const FILE_LIMIT: u64 = 1 << 20;
/// What all of them may have together: they are kept in memory.
const FILES_LIMIT: u64 = 16 << 20;
/// Seconds that a run gets unless `within` says otherwise.
const WITHIN: u64 = 10;

/// The bytes of files that the checks of one recipe may still read.
pub(crate) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(FILES_LIMIT)
    }
}

/// Checks one block; files are read from the project.
pub(crate) fn expect(raw: &RawExpect, files: &Files, budget: &mut Budget, sink: &mut Sink) -> Option<Expect> {
    match (&raw.run, &raw.has) {
        (Some(_), Some(has)) => {
            let help = "each fact is a [[...expect]] of its own";
            sink.push(has.span(), Wrong::Both { first: "run", second: "has", help });
        }
        (None, None) => {
            let help = "`run` holds the arguments of a run, `has` symbols or strings of the binary";
            sink.push(raw.span.clone(), Wrong::Missing { table: raw.what.clone(), key: "run` or `has", help });
        }
        _ => {}
    }
    if raw.run.is_none() && raw.has.is_some() {
        only_with_run(raw, sink);
    }
    let run = templates(&raw.run, "run", sink);
    let contents = contents(&raw.files, files, budget, sink);
    let stdout = text_rule(raw.stdout.as_ref(), "stdout", sink);
    let stderr = text_rule(raw.stderr.as_ref(), "stderr", sink);
    let exit = match &raw.exit {
        None => 0,
        Some(exit) => in_range(*exit.get_ref(), 0, 255).unwrap_or_else(|| {
            let wrong = Wrong::Range { key: "exit", expected: "an exit code from 0 to 255", found: exit.get_ref().to_string() };
            sink.push(exit.span(), wrong);
            0
        }),
    };
    let within = match &raw.within {
        None => WITHIN,
        Some(within) => in_range(*within.get_ref(), 1, 600).unwrap_or_else(|| {
            let expected = "a number of seconds from 1 to 600";
            sink.push(within.span(), Wrong::Range { key: "within", expected, found: within.get_ref().to_string() });
            WITHIN
        }),
    };
    match (run, &raw.has) {
        (Some(args), _) => Some(Expect::Run { args, files: contents, exit, stdout, stderr, within }),
        (None, Some(_)) => Some(Expect::Has(strings(&raw.has, "has", sink))),
        (None, None) => None,
    }
}

pub(crate) fn in_range<T: TryFrom<i64>>(number: i64, from: i64, to: i64) -> Option<T> {
    (from..=to).contains(&number).then(|| T::try_from(number).ok()).flatten()
}

fn only_with_run(raw: &RawExpect, sink: &mut Sink) {
    let keys = [
        ("files", raw.files.as_ref().map(toml::Spanned::span)),
        ("exit", raw.exit.as_ref().map(toml::Spanned::span)),
        ("within", raw.within.as_ref().map(toml::Spanned::span)),
        ("stdout", raw.stdout.as_ref().map(|rule| rule.span.clone())),
        ("stderr", raw.stderr.as_ref().map(|rule| rule.span.clone())),
    ];
    for (key, span) in keys {
        if let Some(span) = span {
            sink.push(span, Wrong::Alone { key, needs: "`run`" });
        }
    }
}

pub(crate) fn contents(
    raw: &Option<toml::Spanned<Vec<(Text, Text)>>>,
    files: &Files,
    budget: &mut Budget,
    sink: &mut Sink,
) -> BTreeMap<RelPath, Vec<u8>> {
    let mut contents = BTreeMap::new();
    for (target, source) in raw.iter().flat_map(|pairs| pairs.get_ref()) {
        let to = sink.take(target.span(), RelPath::new(target.get_ref().as_str()));
        let Some(from) = sink.take(source.span(), RelPath::new(source.get_ref().as_str())) else { continue };
        let reason = match files.read(&from, FILE_LIMIT) {
            Ok(Some(found)) => {
                let Some(left) = budget.0.checked_sub(found.bytes.len() as u64) else {
                    sink.push(source.span(), Wrong::FilesTooLarge { limit: FILES_LIMIT });
                    break;
                };
                budget.0 = left;
                contents.extend(to.map(|to| (to, found.bytes)));
                continue;
            }
            Ok(None) => "there is no such file in the project".to_owned(),
            Err(error) => error.to_string(),
        };
        sink.push(source.span(), Wrong::NoFile { path: from.to_string(), reason });
    }
    contents
}

pub(crate) fn text_rule(raw: Option<&RawTextRule>, key: &'static str, sink: &mut Sink) -> TextRule {
    let Some(raw) = raw else { return TextRule::default() };
    if raw.contains.is_none() && raw.lacks.is_none() && raw.equals.is_none() && raw.matches.is_none() {
        sink.push(raw.span.clone(), Wrong::Empty { key, help: "it takes `contains`, `lacks`, `equals` and `matches`" });
    }
    let mut matches = Vec::new();
    for text in raw.matches.iter().flat_map(|list| list.get_ref()) {
        let regex = regex::Regex::new(text.get_ref());
        matches.extend(sink.take(text.span(), regex.map_err(|error| Wrong::Regex(last_line(&error.to_string())))));
    }
    TextRule {
        contains: strings(&raw.contains, "contains", sink),
        lacks: strings(&raw.lacks, "lacks", sink),
        equals: raw.equals.as_ref().map(|text| text.get_ref().clone()),
        matches,
    }
}

/// The crate `regex` draws a picture over several lines and says what is wrong in the last one.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or(message);
    shown(line.strip_prefix("error: ").unwrap_or(line))
}

/// Strings to look for: the empty one is everywhere and so proves nothing.
fn strings(list: &List, key: &'static str, sink: &mut Sink) -> Vec<String> {
    let Some(list) = list else { return Vec::new() };
    if list.get_ref().is_empty() {
        sink.push(list.span(), Wrong::Empty { key, help: "write the text that is looked for" });
    }
    for text in list.get_ref().iter().filter(|text| text.get_ref().is_empty()) {
        sink.push(text.span(), Wrong::Text { key, text: String::new(), reason: "the empty text is everywhere" });
    }
    list.get_ref().iter().map(|text| text.get_ref().clone()).collect()
}
