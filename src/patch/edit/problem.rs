//! Why an edit does not fit, as values.

use serde::Serialize;

/// An edit that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditFailure {
    /// Which: `edit 2`, `text 1`.
    pub edit: String,
    /// Its line in the patch file.
    pub patch_line: usize,
    /// Why.
    pub problem: EditProblem,
}

/// Why an edit does not fit. Lines are those of the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum EditProblem {
    /// None of the declarations of `in` is in the file.
    NoSuchDeclaration {
        /// What was looked for.
        wanted: Vec<String>,
        /// What is most like it.
        nearest: Vec<String>,
        /// Where the pattern matches all the same.
        elsewhere: Vec<Elsewhere>,
    },
    /// More or fewer places than expected.
    Count {
        /// What was looked for.
        wanted: Vec<String>,
        /// The declaration that was searched; none for the whole file.
        searched: Option<String>,
        /// The line where that begins.
        from_line: usize,
        /// The places expected.
        expected: usize,
        /// The places found.
        found: Vec<usize>,
        /// The statements that are most like the pattern, best first.
        similar: Vec<Similar>,
        /// Where else in the file it matches.
        elsewhere: Vec<Elsewhere>,
    },
    /// The pattern is too expensive to search for in this file.
    TooCostly,
    /// The match is in no statement, and is no field, entry or element.
    NoStatement {
        /// Where.
        line: usize,
    },
    /// `delete` on a part of something.
    NotWhole {
        /// Where.
        line: usize,
    },
    /// `first` on something that is no function with a body.
    NoBody {
        /// What it is.
        searched: String,
    },
    /// Another edit of the patch changes the same text.
    Overlap {
        /// Which.
        with: String,
        /// Where.
        line: usize,
    },
    /// A text edit of a Go file on a line that is not inside one raw string or comment.
    NotInText {
        /// Where.
        line: usize,
    },
    /// A text edit of a Go file with a text that would end the raw string or comment that it goes into.
    EndsText {
        /// Where.
        line: usize,
    },
    /// The import cannot be added: the file has no package clause to put it behind.
    NoPackage,
}

/// A statement that is like a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Similar {
    /// Where it begins.
    pub line: usize,
    /// How it begins, on one line.
    pub text: String,
    /// How like it is, in percent.
    pub percent: u8,
}

/// A place outside of what was searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// Where.
    pub line: usize,
    /// The declaration that it is in.
    #[serde(rename = "in")]
    pub inside: Option<String>,
}

/// What is wrong with a Go file after the edits, and was not before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "broken", rename_all = "kebab-case")]
pub enum Broken {
    /// A syntax error.
    Syntax {
        /// Line of the result.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// Something at top level that does not belong there, or not in that order.
    TopLevel {
        /// Line of the result.
        line: usize,
        /// What it is.
        text: String,
    },
    /// `go` or `defer` without a call.
    NoCall {
        /// Line of the result.
        line: usize,
        /// The statement.
        text: String,
    },
    /// Something declared that was not, or the other way round: text that closes the function, or code that belongs into a
    /// new file.
    Declarations {
        /// What is new.
        added: Vec<String>,
        /// What is gone.
        removed: Vec<String>,
    },
}
