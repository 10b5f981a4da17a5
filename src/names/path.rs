//! Paths that stay inside a tree.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{NameError, refuse};

/// A path below some folder: `/` between parts, no part empty, `.`, `..` or a spelling of `.git`, nothing absolute.
/// It is the only kind of path that a patch, a recipe or an upstream tree may name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    /// Checks the path. The rules are those of git's `verify_path` with `core.protectNTFS` and `core.protectHFS` on
    /// (read-cache.c): `.git` is refused in upper case, with ignorable Unicode characters, trailing dots or spaces, as
    /// `git~1`, and with NTFS stream suffixes; so is `\`.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        const KIND: &str = "path inside the tree";
        let text = text.into();
        if text.is_empty() || text.len() > 4096 {
            return Err(refuse(KIND, &text, "1 to 4096 characters are expected"));
        }
        if text.starts_with('/') {
            return Err(refuse(KIND, &text, "it is absolute"));
        }
        if text.contains('\\') || text.chars().any(char::is_control) {
            return Err(refuse(KIND, &text, "`\\` and control characters are not allowed"));
        }
        for part in text.split('/') {
            match part {
                "" => return Err(refuse(KIND, &text, "it has an empty part")),
                "." | ".." => return Err(refuse(KIND, &text, "`.` and `..` are not allowed")),
                part if is_dot_git(part) => return Err(refuse(KIND, &text, "it leads into `.git`")),
                _ => {}
            }
        }
        Ok(Self(text))
    }
    /// The path with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The path as the system spells it.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
    /// This path below `folder`.
    pub fn below(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }
    /// The parts, first to last.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
    /// The path `self/name`.
    pub fn join(&self, name: &str) -> Result<Self, NameError> {
        Self::new(format!("{}/{name}", self.0))
    }
}
impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
impl FromStr for RelPath {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl TryFrom<String> for RelPath {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl From<RelPath> for String {
    fn from(path: RelPath) -> String {
        path.0
    }
}

/// True for every spelling that some file system takes for `.git`.
fn is_dot_git(part: &str) -> bool {
    // HFS+ ignores these code points when it compares names (git: utf8.c, next_hfs_char).
    let ignorable = |c: &char| !matches!(*c as u32, 0x200c..=0x200f | 0x202a..=0x202e | 0x206a..=0x206f | 0xfeff);
    let folded: String = part.chars().filter(ignorable).flat_map(char::to_lowercase).collect();
    // NTFS ends a name at `:` (a stream) and drops trailing dots and spaces.
    let ntfs = folded.split(':').next().unwrap_or("").trim_end_matches([' ', '.']);
    matches!(ntfs, ".git" | "git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            ".git/config",
            "a/.GIT/hooks/pre-commit",
            ".git./x",
            ".git /x",
            "git~1/config",
            "GIT~1",
            ".g\u{200c}it/config",
            ".git::$INDEX_ALLOCATION/x",
            "a\\b",
            "a\nb",
            "a\0b",
        ] {
            assert!(RelPath::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in ["a", ".github/x", "a/.gitignore", "git/x", "a b/c+d", ".forge/service", "..a/b..", "~/x"] {
            assert!(RelPath::new(good).is_ok(), "{good:?} was refused");
        }
    }
}
