//! A pattern: a piece of Go, cut into tokens and no more. It has no tree of its own, so that anything that can stand in a file
//! can be a pattern: a call, a struct's field, the head of a case.

use std::ops::Range;

use crate::patch::edit::lex::{self, Kind};

/// Metavariables of one pattern; each may multiply the places to try.
const MOST_VARIABLES: usize = 32;
/// Tokens of one pattern.
const MOST_TOKENS: usize = 4096;

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// This token.
    Token(Kind, Vec<u8>),
    /// A semicolon, which a line break may stand for.
    Semicolon,
    /// `$X`: one expression, type or name; the same text wherever it comes again.
    One(String),
    /// `$$$`: anything balanced. With a name where it is used in what is inserted.
    Rest(Option<String>),
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pub(crate) parts: Vec<Part>,
}

/// A pattern that can match nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// No token.
    #[error("the pattern is empty")]
    Empty,
    /// A literal or comment without an end, or a lone `$`.
    #[error("the pattern cannot be read from character {0} on: a string without an end, or a `$` without a name")]
    Broken(usize),
    /// Brackets that do not pair.
    #[error("the pattern's brackets do not pair")]
    Brackets,
    /// More than the matcher takes.
    #[error("the pattern has more than {MOST_TOKENS} tokens or {MOST_VARIABLES} metavariables")]
    TooLong,
    /// Only metavariables.
    #[error("the pattern has nothing but metavariables, so it is everywhere")]
    Everything,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let bytes = text.as_bytes();
        let mut lexed = lex::lex(bytes, true);
        if let Some(at) = lexed.broken {
            return Err(PatternError::Broken(at));
        }
        lex::drop_trailing_commas(bytes, &mut lexed.tokens);
        let part = |t: &lex::Token| {
            let said = &bytes[t.start..t.end];
            let name = || String::from_utf8_lossy(said).into_owned();
            match t.kind {
                Kind::Meta => Part::One(name()),
                Kind::Rest => Part::Rest((!said.is_empty()).then(name)),
                Kind::Punct if said == b";" => Part::Semicolon,
                kind => Part::Token(kind, said.to_vec()),
            }
        };
        let parts: Vec<Part> = lexed.tokens.iter().map(part).collect();
        let variables = parts.iter().filter(|p| matches!(p, Part::One(_) | Part::Rest(_))).count();
        if parts.is_empty() {
            return Err(PatternError::Empty);
        }
        if variables > MOST_VARIABLES || parts.len() > MOST_TOKENS {
            return Err(PatternError::TooLong);
        }
        if !parts.iter().any(|p| matches!(p, Part::Token(..))) {
            return Err(PatternError::Everything);
        }
        if !balanced(&parts) {
            return Err(PatternError::Brackets);
        }
        Ok(Self { text: text.trim().to_owned(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its metavariables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|p| match p {
            Part::One(name) | Part::Rest(Some(name)) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// The bracket that closes this one.
pub(crate) fn closing(open: &[u8]) -> Option<u8> {
    match open {
        b"(" => Some(b')'),
        b"[" => Some(b']'),
        b"{" => Some(b'}'),
        _ => None,
    }
}

fn balanced(parts: &[Part]) -> bool {
    let mut open = Vec::new();
    for part in parts {
        let Part::Token(Kind::Punct, text) = part else { continue };
        if let Some(close) = closing(text) {
            open.push(close);
        } else if matches!(&text[..], b")" | b"]" | b"}") && open.pop() != Some(text[0]) {
            return false;
        }
    }
    open.is_empty()
}

/// Code to insert, with the places where what a metavariable matched goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    /// Ranges of the text with the name that stands there.
    holes: Vec<(Range<usize>, String)>,
}

impl Template {
    /// Reads Go code; `$` inside strings and comments is literal.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let lexed = lex::lex(text.as_bytes(), true);
        if let Some(at) = lexed.broken {
            return Err(PatternError::Broken(at));
        }
        let hole = |t: &lex::Token| match t.kind {
            Kind::Meta => Some((t.start - 1..t.end, text[t.start..t.end].to_owned())),
            Kind::Rest => Some((t.start - 3..t.end, text[t.start..t.end].to_owned())),
            _ => None,
        };
        Ok(Self { text: text.to_owned(), holes: lexed.tokens.iter().filter_map(hole).collect() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names that it uses; empty for a bare `$$$`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.holes.iter().map(|(_, name)| name.as_str())
    }

    /// The places of the text where a metavariable stands, in order.
    pub(crate) fn holes(&self) -> &[(Range<usize>, String)] {
        &self.holes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_match_nothing_is_refused() {
        for (text, error) in [
            ("  // only a comment", PatternError::Empty),
            ("f(\"x)", PatternError::Broken(2)),
            ("f(a]", PatternError::Brackets),
            ("if x {", PatternError::Brackets),
            ("$X", PatternError::Everything),
            ("$$$", PatternError::Everything),
            ("$ x", PatternError::Broken(0)),
        ] {
            assert_eq!(Pattern::parse(text), Err(error), "{text}");
        }
        assert_eq!(Pattern::parse(&"$A ".repeat(40)), Err(PatternError::TooLong));
        assert!(Pattern::parse("case $X:").is_ok());
    }

    #[test]
    fn a_dollar_in_a_string_is_one() {
        let template = Template::parse("f($X, \"$X\", `$X`) // $X").unwrap();
        assert_eq!(template.holes(), [(2..4, "X".to_owned())]);
    }
}
