//! Checked names: every word that comes from a recipe, a patch, an upstream or the command line becomes one of
//! these types before anything is done with it. Fields are private; what exists has passed its grammar.

pub mod markdown;
mod path;
mod show;
mod target;
mod url;
mod web;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use path::RelPath;
pub use show::{few, nearest, visible};
pub use target::Target;
pub use url::{GitUrl, redact};
pub use web::WebUrl;

/// Why a text is not a name of the kind that was asked for. Reads as the end of "… is not a …: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: {reason}")]
pub struct NameError {
    /// The kind of name, such as "recipe name".
    pub kind: &'static str,
    /// What was given; control characters are escaped when shown, userinfo of URLs is removed.
    pub text: String,
    /// What the grammar expects.
    pub reason: &'static str,
}

fn refuse(kind: &'static str, text: &str, reason: &'static str) -> NameError {
    NameError { kind, text: text.chars().take(200).collect(), reason }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text against the grammar of this type.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(&text)?;
                Ok(Self(text))
            }
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// The one grammar of names that become file names: letters, digits, `.`, `_`, `-`; starts with a letter or digit.
fn word(kind: &'static str, text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(refuse(kind, text, "it is empty"));
    }
    if text.len() > 100 {
        return Err(refuse(kind, text, "it is longer than 100 characters"));
    }
    if !text.as_bytes()[0].is_ascii_alphanumeric() {
        return Err(refuse(kind, text, "it must start with a letter or a digit"));
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return Err(refuse(kind, text, "only letters, digits, `.`, `_` and `-` are allowed"));
    }
    if text.ends_with('.') || text.contains("..") {
        return Err(refuse(kind, text, "it must not end in `.` or contain `..`"));
    }
    Ok(())
}

fn hex(kind: &'static str, text: &str, len: usize, reason: &'static str) -> Result<(), NameError> {
    if text.len() != len || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(refuse(kind, text, reason));
    }
    Ok(())
}

text_type!(/// Name of a recipe: `recipes/NAME.toml`.
    RecipeName, |t| word("recipe name", t));
text_type!(/// Name of an upstream: `recipes/upstreams/NAME.toml`.
    UpstreamName, |t| word("upstream name", t));
text_type!(/// Name of a component of a recipe.
    ComponentName, |t| word("component name", t));
text_type!(/// Name of a series: the folder `patches/UPSTREAM/SERIES`.
    SeriesName, |t| word("series name", t));
text_type!(/// File name of a patch inside its series.
    PatchName, |t| word("patch name", t));

text_type!(/// A git commit id: 40 lower-case hex digits. Abbreviated ids are refused.
    CommitId, |t| hex("commit id", t, 40, "40 lower-case hex digits are expected"));
text_type!(/// A git tree id.
    TreeId, |t| hex("tree id", t, 40, "40 lower-case hex digits are expected"));
text_type!(/// A git blob id.
    BlobId, |t| hex("blob id", t, 40, "40 lower-case hex digits are expected"));
text_type!(/// A SHA-256 in lower-case hex, as `sha256sum` prints it.
    Sha256, |t| hex("sha256", t, 64, "64 lower-case hex digits are expected"));

text_type!(/// A git revision by name: a tag or a branch, without `refs/...` in front. Follows git-check-ref-format(1);
    /// a leading `-` is refused so that it can never be read as an option.
    Revision, check_revision);

fn check_revision(text: &str) -> Result<(), NameError> {
    const KIND: &str = "tag or branch";
    if text.is_empty() || text.len() > 250 {
        return Err(refuse(KIND, text, "1 to 250 characters are expected"));
    }
    if text.starts_with('-') {
        return Err(refuse(KIND, text, "a leading `-` would be read as an option"));
    }
    let bad = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    if text.chars().any(bad) || text.contains("..") || text.contains("@{") || text == "@" {
        return Err(refuse(KIND, text, "git does not allow this in a ref name (see git-check-ref-format)"));
    }
    if text.split('/').any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock") || part.ends_with('.')) {
        return Err(refuse(KIND, text, "git does not allow this in a ref name (see git-check-ref-format)"));
    }
    Ok(())
}

text_type!(/// A Go module path, such as `github.com/kardianos/service`. Grammar: <https://go.dev/ref/mod#go-mod-file-ident>.
    ModulePath, check_module_path);

fn check_module_path(text: &str) -> Result<(), NameError> {
    const KIND: &str = "Go module path";
    if text.is_empty() || text.len() > 250 {
        return Err(refuse(KIND, text, "1 to 250 characters are expected"));
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/')) {
        return Err(refuse(KIND, text, "only letters, digits, `-._~` and `/` are allowed"));
    }
    if text.split('/').any(|p| p.is_empty() || p.starts_with(['.', '-']) || p.ends_with('.')) {
        return Err(refuse(KIND, text, "an element must not be empty, start with `.` or `-`, or end in `.`"));
    }
    Ok(())
}

text_type!(/// A Go module version or version query: `v1.2.4`, a pseudo-version, a branch name, `latest`.
ModuleQuery, |t| {
    if t.contains('@') { return Err(refuse("module version", t, "`@` is not allowed")); }
    check_revision(t).map_err(|e| NameError { kind: "module version", ..e })
});

text_type!(/// An exact Go release without the `go` in front: `1.26.5`, `1.27rc1`.
GoVersion, |t| {
    let ok = t.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && t.len() <= 20
        && t.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b.is_ascii_lowercase());
    if ok { Ok(()) } else { Err(refuse("Go version", t, "something like 1.26.5 is expected")) }
});

text_type!(/// An identifier of a file format version or of the environment: `GOOS`, `CGO_CFLAGS`.
EnvName, |t| {
    let mut bytes = t.bytes();
    let ok = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if ok { Ok(()) } else { Err(refuse("environment variable name", t, "letters, digits and `_` are allowed")) }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_follow_git() {
        for bad in ["", "-x", "a..b", "a b", "a^", "a~1", "a:b", "x.lock", "a//b", ".a", "a@{1}", "@", "a\u{7}"] {
            assert!(Revision::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in ["v1.36.3+k0s.2", "release-1.36", "feature/x", "main"] {
            assert!(Revision::new(good).is_ok(), "{good:?} was refused");
        }
    }
}
