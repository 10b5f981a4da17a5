//! What a recipe or an upstream file got wrong: each problem with its place, all problems of all files together.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

use super::wrong::Wrong;
use crate::files::FilesError;
use crate::names::{NameError, RecipeName};

/// Beyond this many problems a file is not worth a longer list, and a hostile one shall not cost time.
const MOST: usize = 100;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{wrong}")]
pub struct Problem {
    source_text: Arc<NamedSource<String>>,
    span: Range<usize>,
    severity: Severity,
    /// What is wrong.
    pub wrong: Wrong,
}

impl Problem {
    /// The file as it is shown to people.
    pub fn file(&self) -> &str {
        self.source_text.name()
    }

    /// Line and column of the place, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let text = self.source_text.inner();
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The problem in one line, as a compiler writes it: `FILE:LINE:COLUMN: MESSAGE (HELP)`.
    pub fn plain(&self) -> String {
        let (line, column) = self.position();
        let help = self.wrong.help().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{line}:{column}: {}{help}", self.file(), self.wrong)
    }
}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.wrong.help().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source_text)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = LabeledSpan::new_with_span(self.wrong.label(), self.span.clone());
        Some(Box::new(std::iter::once(span)))
    }
}

/// Errors whose help depends on what was found: inside a file it becomes the problem's, alone it is their own.
macro_rules! helpful {
    ($($error:ty),+) => {$(
        impl Diagnostic for $error {
            fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
                <$error>::help(self).map(|help| Box::new(help) as Box<dyn fmt::Display>)
            }
        }
    )+};
}
helpful!(super::policy::Refused, super::targets::TargetError, super::vars::VarError, super::words::WordsError);

/// Why there is no recipe to go on with.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RecipeErrors {
    /// No recipe has this name.
    #[error("there is no recipe {name}{}", near.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: RecipeName,
        /// The name that was probably meant.
        near: Option<RecipeName>,
        /// All there are, and what to do.
        #[help]
        help: String,
    },
    /// No scenario has this name.
    #[error("there is no scenario {name}{}", near.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
    #[diagnostic(help("there are {}; a scenario is a file recipes/scenarios/NAME.toml", known.join(", ")))]
    NoScenario {
        /// What was asked for.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// A recipe is named after its file, and this file has no name for one.
    #[error("the recipe file cannot name its recipe: {0}")]
    #[diagnostic(help("a recipe is called like its file without `.toml`"))]
    FileName(#[source] NameError),
    /// A file could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Files(#[from] FilesError),
    /// Files were read and are wrong.
    #[error("{}", heading(problems))]
    Wrong {
        /// Every problem of every file, in the order of the files and of their lines.
        #[related]
        problems: Vec<Problem>,
    },
}

impl RecipeErrors {
    /// The problems, where the files were read.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Wrong { problems } => problems,
            Self::Unknown { .. } | Self::NoScenario { .. } | Self::FileName(_) | Self::Files(_) => &[],
        }
    }
}

fn heading(problems: &[Problem]) -> String {
    let mut files: Vec<&str> = problems.iter().map(Problem::file).collect();
    files.dedup();
    match problems.len() {
        1 => format!("there is an error in {}", files.join(" and ")),
        n if n >= MOST => format!("there are {n} errors or more in {}", files.join(" and ")),
        n => format!("there are {n} errors in {}", files.join(" and ")),
    }
}

/// Collects the problems of one file.
pub(crate) struct Sink {
    source: Arc<NamedSource<String>>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Sink {
    /// For the file `name` with this content.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let shown = printable(&without_userinfo(text));
        let source = NamedSource::new(crate::names::visible(name), shown).with_language("toml");
        Self { source: Arc::new(source), problems: Vec::new(), warnings: Vec::new() }
    }

    /// Adds a problem at a place.
    pub(crate) fn push(&mut self, span: Range<usize>, wrong: impl Into<Wrong>) {
        if !self.is_full() {
            let problem = self.problem(span, wrong.into(), Severity::Error);
            self.problems.push(problem);
        }
    }

    /// Adds something that a careful author would want to know.
    pub(crate) fn warn(&mut self, span: Range<usize>, wrong: Wrong) {
        if self.warnings.len() < MOST {
            let problem = self.problem(span, wrong, Severity::Warning);
            self.warnings.push(problem);
        }
    }

    /// The value, or a problem at this place.
    pub(crate) fn take<T, E: Into<Wrong>>(&mut self, span: Range<usize>, result: Result<T, E>) -> Option<T> {
        result.map_err(|wrong| self.push(span, wrong)).ok()
    }

    /// True where no further problem will be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= MOST
    }

    /// True where nothing is wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Drops the problems for which `keep` is false.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Range<usize>, &Wrong) -> bool) {
        self.problems.retain(|problem| keep(&problem.span, &problem.wrong));
    }

    /// The places of some of the problems.
    pub(crate) fn spans(&self, which: impl Fn(&Wrong) -> bool) -> Vec<Range<usize>> {
        self.problems.iter().filter(|problem| which(&problem.wrong)).map(|problem| problem.span.clone()).collect()
    }

    /// The problems and the warnings, each from the first line to the last.
    pub(crate) fn into_sorted(mut self) -> (Vec<Problem>, Vec<Problem>) {
        self.problems.sort_by_key(|problem| problem.span.start);
        self.warnings.sort_by_key(|problem| problem.span.start);
        (self.problems, self.warnings)
    }

    fn problem(&self, span: Range<usize>, wrong: Wrong, severity: Severity) -> Problem {
        let length = self.source.inner().len();
        let span = span.start.min(length)..span.end.min(length).max(span.start.min(length));
        Problem { source_text: Arc::clone(&self.source), span, severity, wrong }
    }
}

/// The text with the userinfo of every URL as stars of the same length in bytes: spans stay right. No snippet may show it,
/// whatever its error is about.
fn without_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive("://") {
        let end = piece.find(|c: char| c == '/' || c == '"' || c == '\'' || c.is_whitespace()).unwrap_or(piece.len());
        match piece[..end].rfind('@').filter(|_| out.ends_with("://")) {
            Some(at) => {
                out.push_str(&"*".repeat(at));
                out.push_str(&piece[at..]);
            }
            None => out.push_str(piece),
        }
    }
    out
}

/// The text with every character that could steer a terminal replaced by one of the same length in bytes: spans stay right.
fn printable(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let line_end = c == '\n' || c == '\t' || c == '\r' && chars.peek() == Some(&'\n');
        let bidi = matches!(c as u32, 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069);
        match c.len_utf8() {
            _ if line_end || !(c.is_control() || bidi) => out.push(c),
            1 => out.push('?'),
            2 => out.push('\u{b7}'),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_cannot_steer_the_terminal_and_keeps_its_offsets() {
        let text = "a\x1b[2J\r\u{85}\u{202e}b\r\n\tü";
        let shown = printable(text);
        assert_eq!(shown, "a?[2J?\u{b7}\u{fffd}b\r\n\tü");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn a_snippet_shows_no_userinfo_and_keeps_its_offsets() {
        let text = "git = \"https://me:s3cr3t@host/x\" # or 'https://tökn@host', https://host/a@b, a@b://c";
        let shown = without_userinfo(text);
        assert_eq!(shown, "git = \"https://*********@host/x\" # or 'https://*****@host', https://host/a@b, a@b://c");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn a_span_outside_the_text_does_no_harm() {
        let mut sink = Sink::new("x", "a\nü");
        sink.push(50..70, Wrong::Twice { what: "target", text: "x".into() });
        sink.push(3..3, Wrong::Twice { what: "target", text: "y".into() });
        let (problems, _) = sink.into_sorted();
        for problem in &problems {
            let _ = problem.plain();
        }
        assert_eq!(problems.len(), 2);
    }
}
