//! What can be wrong with a `*.edit.toml`.

use crate::names::NameError;
use crate::patch::edit::pattern::PatternError;

/// One mistake of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Neither `[[edit]]` nor `[[text]]`.
    #[error("the file holds no edit")]
    Nothing,
    /// A key that has to be there.
    #[error("{place} has no `{key}`")]
    Lacks {
        /// `[[edit]]` or `[[text]]`.
        place: &'static str,
        /// The key.
        key: &'static str,
    },
    /// No action.
    #[error("{place} does nothing")]
    NoAction {
        /// `[[edit]]` or `[[text]]`.
        place: &'static str,
    },
    /// Two actions.
    #[error("`{second}` does not go with `{first}`")]
    Actions {
        /// One key.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A key that the action has no use for.
    #[error("`{key}` does not go with `{action}`")]
    Unused {
        /// The key.
        key: &'static str,
        /// The action.
        action: &'static str,
    },
    /// An action that needs a function or a declaration.
    #[error("`{0}` needs `in`")]
    NeedsScope(&'static str),
    /// An empty list or text.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// Code or a pattern that cannot be read.
    #[error("{0}")]
    Pattern(PatternError),
    /// A metavariable that no pattern has.
    #[error("no pattern has {0}, or not every one")]
    Unknown(String),
    /// A bare `$$$` in code.
    #[error("`$$$` has no name here")]
    Unnamed,
    /// Syntax in a file that is not Go's.
    #[error("{0} is no Go file")]
    NotGo(String),
    /// A file outside the tree, or no path at all.
    #[error("{0}")]
    Path(NameError),
    /// An import that is none.
    #[error("{0:?} is no import")]
    Import(String),
    /// A name that is none.
    #[error("{0:?} is no name of a Go declaration")]
    Name(String),
    /// `count` that is not positive.
    #[error("`count` is at least 1")]
    Count,
    /// `line` with a line break.
    #[error("`line` is one line")]
    OneLine,
    /// `first = false` and the like.
    #[error("`{0}` is true or absent")]
    NotTrue(&'static str),
}

impl EditError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Nothing => "add [[edit]] or [[text]]".to_owned(),
            Self::Lacks { key, .. } => format!("add `{key} = ...`"),
            Self::NoAction { place: "[[edit]]" } => {
                "add one of `before`, `after`, `delete`, `change`, `first = true` and `rename`".to_owned()
            }
            Self::NoAction { .. } => "add one of `before = true`, `after = true` and `change = true`".to_owned(),
            Self::Actions { .. } => "one edit does one thing; write two".to_owned(),
            Self::Unused { .. } | Self::Empty(_) => "take it out".to_owned(),
            Self::NeedsScope("first") => "name the function: in = 'Type.Method'".to_owned(),
            Self::NeedsScope(_) => "name the declaration: in = 'Type.Method'".to_owned(),
            Self::Pattern(PatternError::Everything) => "add what stands around it".to_owned(),
            Self::Pattern(_) => "a pattern is a piece of Go, such as 's.Install()' or 'case $X:'".to_owned(),
            Self::Unknown(_) => "use what the pattern names, or write `$` inside a string".to_owned(),
            Self::Unnamed => "name it in the pattern and here: $$$REST".to_owned(),
            Self::NotGo(_) => "use [[text]] for it".to_owned(),
            Self::Path(_) => "paths are relative to the root of the upstream's tree, with `/`".to_owned(),
            Self::Import(_) => "write 'path' or 'name path'".to_owned(),
            Self::Name(_) => "write Function, Type, Type.Method, or the new name alone".to_owned(),
            Self::Count => "an edit that finds nothing does nothing".to_owned(),
            Self::OneLine => "name one line; `insert` and `with` may have several".to_owned(),
            Self::NotTrue(_) => "write `= true`, or take it out".to_owned(),
        }
    }
}
