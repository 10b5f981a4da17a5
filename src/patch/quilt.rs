//! A quilt `series` file: one patch a line, perhaps with `-pN`, comments behind `#` (quilt(1), "series").

use std::collections::BTreeSet;
use std::sync::Arc;

use miette::NamedSource;

use crate::files::Found;
use crate::patch::diff::Dialect;
use crate::patch::series::{check_listed, is_edit};
use crate::patch::series_error::{ListProblem, SeriesError};
use crate::patch::series_list::{Entry, List, ListedForm};

/// Reads the file; `listed` are the files of the folder.
pub(crate) fn parse(found: &Found, listed: &[String], errors: &mut Vec<SeriesError>) -> List {
    let mut list = List { dialect: Dialect::Quilt, description: None, entries: Vec::new(), excused: Vec::new() };
    let src: Arc<str> = Arc::from(&*String::from_utf8_lossy(&found.bytes));
    let name = found.origin.to_string();
    let mut fail = |span: std::ops::Range<usize>, problem| {
        let src = NamedSource::new(&name, Arc::clone(&src));
        errors.push(SeriesError::List { problem, src, span: span.into() });
    };
    let mut seen = BTreeSet::new();
    let mut at = 0;
    for line in src.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let (content, comment) = match comment_start(line) {
            Some(hash) => (&line[..hash], line[hash + 1..].split_whitespace().next()),
            None => (line, None),
        };
        // A patch that is commented out is put aside on purpose.
        list.excused.extend(comment.map(str::to_owned));
        let span = |word: &str| {
            let from = start + (word.as_ptr() as usize - line.as_ptr() as usize);
            from..from + word.len()
        };
        let mut words = content.split_whitespace();
        let Some(file) = words.next() else { continue };
        let strip = match options(words) {
            Ok(strip) => strip,
            Err((word, problem)) => {
                fail(span(word), problem);
                1
            }
        };
        match check_listed(file, listed) {
            Ok(_) if is_edit(file) => fail(span(file), ListProblem::EditInQuilt),
            Err(problem) => fail(span(file), problem),
            Ok(name) if !seen.insert(name.clone()) => fail(span(file), ListProblem::Twice(name)),
            Ok(file) => {
                list.entries.push(Entry { versions: None, reason: None, forms: vec![ListedForm { file, base: None, strip }] });
                continue;
            }
        }
        list.excused.push(file.to_owned());
    }
    list
}

/// A `#` begins a comment at the start of a line or after a blank, as in quilt's own reading.
fn comment_start(line: &str) -> Option<usize> {
    line.char_indices().find(|(i, c)| *c == '#' && line[..*i].chars().next_back().is_none_or(char::is_whitespace)).map(|(i, _)| i)
}

fn options<'a>(words: impl Iterator<Item = &'a str>) -> Result<usize, (&'a str, ListProblem)> {
    let mut strip = 1;
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let number = match word {
            "-p" | "--strip" => words.next(),
            _ => word.strip_prefix("--strip=").or_else(|| word.strip_prefix("-p")),
        };
        let unknown = || (word, ListProblem::Option(word.to_owned()));
        match word {
            "-R" | "--reverse" => return Err((word, ListProblem::Reverse)),
            _ if word.starts_with("-F") || word.starts_with("--fuzz") => {
                return Err((word, ListProblem::Fuzz(word.to_owned())));
            }
            // `ab` is `quilt refresh`'s name for p1 with `a/` and `b/`.
            _ if number == Some("ab") => strip = 1,
            _ => strip = number.and_then(|n| n.parse::<u8>().ok()).map(usize::from).ok_or_else(unknown)?,
        }
    }
    Ok(strip)
}
