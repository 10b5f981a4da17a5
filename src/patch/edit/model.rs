//! A `*.edit.toml`, understood.

use crate::names::{RelPath, Sha256};
use crate::patch::edit::pattern::{Pattern, Template};
use crate::release::{Release, Req};

/// A structural edit: places in Go files found by syntax, and places in other files found by a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditFile {
    /// What it does; the message of its commit.
    pub description: Option<String>,
    /// The edits, in order.
    pub edits: Vec<Edit>,
    /// Of the bytes.
    pub sha256: Sha256,
}

impl EditFile {
    /// Every path that it may touch.
    pub fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.edits.iter().flat_map(|e| &e.files)
    }
}

/// One `[[edit]]` or `[[text]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// How messages call it: `edit 2`, `text 1`.
    pub name: String,
    /// Its line in the file.
    pub line: usize,
    /// The file: the first of these that exists.
    pub files: Vec<RelPath>,
    /// The releases that it is for; all where absent.
    pub versions: Option<Req>,
    /// The places that it has to find.
    pub count: usize,
    /// What it does.
    pub change: Change,
}

impl Edit {
    /// Whether it is for a release; a branch or commit takes everything.
    pub(crate) fn is_for(&self, release: Option<&Release>) -> bool {
        match (&self.versions, release) {
            (Some(versions), Some(release)) => versions.matches(release),
            _ => true,
        }
    }
}

/// What an edit does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// By syntax.
    Go {
        /// Declarations to look in: the first that exists. Empty: the whole file.
        scope: Vec<String>,
        /// What to do there.
        action: Action,
        /// Imports that the new code needs.
        imports: Vec<Import>,
    },
    /// By line.
    Text {
        /// The line, without its end.
        line: String,
        /// What to do there.
        action: TextAction,
    },
}

/// Before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Above it.
    Before,
    /// Below it.
    After,
}

/// What to do with a place in a Go file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Insert code beside the statement, field, entry or element.
    Insert {
        /// On which side.
        side: Side,
        /// What to look for; several count as their union.
        patterns: Vec<Pattern>,
        /// The code.
        code: Template,
    },
    /// Delete the statement.
    Delete {
        /// What to look for.
        patterns: Vec<Pattern>,
    },
    /// Replace what matches.
    Change {
        /// What to look for.
        patterns: Vec<Pattern>,
        /// The code.
        code: Template,
    },
    /// Insert code as the first statement of the function.
    First {
        /// The code.
        code: Template,
    },
    /// Give the declaration another name.
    Rename {
        /// The new name, without the type of a method.
        to: String,
    },
}

impl Action {
    /// What it looks for.
    pub(crate) fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Insert { patterns, .. } | Self::Delete { patterns } | Self::Change { patterns, .. } => patterns,
            Self::First { .. } | Self::Rename { .. } => &[],
        }
    }
}

/// What to do with a line; the texts end without a line ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextAction {
    /// Insert lines beside it.
    Insert {
        /// On which side.
        side: Side,
        /// The lines.
        text: String,
    },
    /// Replace it.
    Change {
        /// By these lines.
        text: String,
    },
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The path, without quotes.
    pub path: String,
    /// The name, where one is given.
    pub name: Option<String>,
}

impl Import {
    /// `path` or `name path`, with or without quotes around the path.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (first, second) = (words.next()?, words.next());
        let (name, path) = second.map_or((None, first), |path| (Some(first), path));
        let path = path.strip_prefix('"').and_then(|p| p.strip_suffix('"')).unwrap_or(path);
        let good_path = !path.is_empty() && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/+".contains(&b));
        let good_name = name.is_none_or(|n| n == "." || is_identifier(n));
        let good = good_path && good_name && words.next().is_none();
        good.then(|| Self { path: path.to_owned(), name: name.map(str::to_owned) })
    }

    /// As it stands in a file.
    pub(crate) fn spec(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} \"{}\"", self.path),
            None => format!("\"{}\"", self.path),
        }
    }
}

/// Whether a text is a Go identifier.
pub(crate) fn is_identifier(text: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "break",
        "case",
        "chan",
        "const",
        "continue",
        "default",
        "defer",
        "else",
        "fallthrough",
        "for",
        "func",
        "go",
        "goto",
        "if",
        "import",
        "interface",
        "map",
        "package",
        "range",
        "return",
        "select",
        "struct",
        "switch",
        "type",
        "var",
    ];
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&text)
}
