//! Variables in the strings of a recipe: `{version}`, `{commit}` and so on; `{{` and `}}` are braces.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;

use crate::names::{CommitId, Revision, Target, nearest};
use crate::release::Release;

/// Every variable with what it stands for, in the order in which `show --variables` prints them.
const VARIABLES: [(&str, &str); 11] = [
    ("version", "the tag, or what `as` calls the branch or commit"),
    ("version_bare", "the tag without a leading v"),
    ("major", "first number of the version"),
    ("minor", "second number of the version"),
    ("patch", "third number of the version"),
    ("commit", "the upstream's commit"),
    ("commit_short", "its first 7 digits"),
    ("commit_time", "its committer date in seconds since 1970"),
    ("os", "GOOS of the target"),
    ("arch", "GOARCH of the target"),
    ("target_dir", "the folder that the build writes to"),
];

/// What a part of an address does not hold as it is: all but the unreserved characters of RFC 3986.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The values for one component, release and target.
#[derive(Debug, Clone)]
pub struct Variables {
    /// The tag, branch or commit, or what `as` calls it.
    pub version: Revision,
    /// Commit and committer date in seconds since 1970; `None` for sources that have no commit (modules, folders).
    pub commit: Option<(CommitId, i64)>,
    /// What is built for.
    pub target: Target,
    /// The folder that the build writes to, where there is one.
    pub target_dir: Option<String>,
}

/// A string that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VarError {
    /// No variable has this name.
    #[error("there is no variable {{{name}}}")]
    Unknown {
        /// What was written.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// A brace without its partner.
    #[error("a single `{brace}` has no meaning here")]
    Stray {
        /// Which one.
        brace: char,
    },
    /// The variable exists, but has no value here.
    #[error("{{{name}}} has no value here: {reason}")]
    NoValue {
        /// The variable.
        name: String,
        /// Why.
        reason: &'static str,
    },
}

impl VarError {
    /// Why a variable has no value.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoValue { reason, .. } => reason,
            Self::Unknown { .. } | Self::Stray { .. } => "there is no such variable",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { near: Some(near), .. } => Some(format!("did you mean {{{near}}}?")),
            Self::Unknown { known, .. } => {
                let all: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
                Some(format!("there are {}; a brace is written `{{{{`", all.join(", ")))
            }
            Self::Stray { brace } => Some(format!("a brace is written twice: `{brace}{brace}`")),
            Self::NoValue { .. } => None,
        }
    }
}

impl Variables {
    /// The names of all variables.
    pub fn names() -> impl Iterator<Item = &'static str> {
        VARIABLES.iter().map(|(name, _)| *name)
    }

    /// All variables with one line of explanation each.
    pub fn explained() -> impl Iterator<Item = (&'static str, &'static str)> {
        VARIABLES.iter().copied()
    }

    /// Checks that a string can be filled in, before there are values.
    pub fn check(text: &str) -> Result<(), VarError> {
        fill(text, |_| Ok(String::new())).map(drop)
    }

    /// Checks a string and gives what it would look like with every variable filled in by `x`.
    pub(crate) fn sample(text: &str) -> Result<String, VarError> {
        fill(text, |_| Ok("x".to_owned()))
    }

    /// The string with every variable filled in.
    pub fn expand(&self, text: &str) -> Result<String, VarError> {
        fill(text, |name| self.value(name))
    }

    /// An address with every variable filled in, each as one part of it: `+` and `/` become `%2B` and `%2F`.
    pub fn expand_url(&self, text: &str) -> Result<String, VarError> {
        fill(text, |name| self.value(name).map(|value| utf8_percent_encode(&value, PART).to_string()))
    }

    /// Every string of a list filled in.
    pub fn expand_all(&self, texts: &[String]) -> Result<Vec<String>, VarError> {
        texts.iter().map(|text| self.expand(text)).collect()
    }

    /// The string with everything filled in but what belongs to a target (`{os}`, `{arch}`, `{target_dir}`): still a string
    /// with variables, for [`expand_target`].
    pub fn expand_for_lock(&self, text: &str) -> Result<String, VarError> {
        // Noncharacters: they stand for the braces that stay, while all others are escaped.
        let filled = fill(text, |name| match name {
            "os" | "arch" | "target_dir" => Ok(format!("\u{fdd0}{name}\u{fdd1}")),
            name => self.value(name),
        })?;
        Ok(escape_braces(&filled).replace('\u{fdd0}', "{").replace('\u{fdd1}', "}"))
    }

    /// The value of one variable, by a name of [`Variables::names`].
    pub fn value(&self, name: &'static str) -> Result<String, VarError> {
        let no_commit =
            VarError::NoValue { name: name.to_owned(), reason: "the sources are a Go module or a folder, and have no commit" };
        let no_version =
            VarError::NoValue { name: name.to_owned(), reason: "a branch or commit needs `as = \"v1.2.3\"` to have a version" };
        let release = || Release::parse(&self.version).ok_or(no_version);
        let commit = || self.commit.as_ref().ok_or(no_commit);
        Ok(match name {
            "version" => self.version.to_string(),
            "version_bare" => self.version.as_str().strip_prefix('v').unwrap_or(self.version.as_str()).to_owned(),
            "major" => release()?.major().to_string(),
            "minor" => release()?.minor().to_string(),
            "patch" => release()?.patch().to_string(),
            "commit" => commit()?.0.to_string(),
            "commit_short" => commit()?.0.as_str().chars().take(7).collect(),
            "commit_time" => commit()?.1.to_string(),
            "os" => self.target.os().to_owned(),
            "arch" => self.target.arch().to_owned(),
            "target_dir" => {
                let reason = "nothing is being built";
                self.target_dir.clone().ok_or(VarError::NoValue { name: name.to_owned(), reason })?
            }
            other => return Err(unknown(other, Variables::names())),
        })
    }
}

/// Fills in what [`Variables::expand_for_lock`] left, but `{target_dir}`, which only the build itself knows.
pub fn expand_target(text: &str, target: &Target) -> Result<String, VarError> {
    fill(text, |name| match name {
        "os" => Ok(target.os().to_owned()),
        "arch" => Ok(target.arch().to_owned()),
        "target_dir" => Ok("{target_dir}".to_owned()),
        name => {
            Err(VarError::NoValue { name: name.to_owned(), reason: "it should have been filled in when the recipe was locked" })
        }
    })
}

/// The text as a string with variables that means itself.
pub fn escape_braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// The error for a variable that is none of `known`.
pub fn unknown<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> VarError {
    let known: Vec<String> = known.map(str::to_owned).collect();
    let near = if name.len() <= 40 { nearest(name, known.iter().map(String::as_str)) } else { None };
    VarError::Unknown { name: super::wrong::shown(name), near: near.map(str::to_owned), known }
}

fn fill(text: &str, mut value: impl FnMut(&'static str) -> Result<String, VarError>) -> Result<String, VarError> {
    let known = |name: &str| Variables::names().find(|known| *known == name).ok_or_else(|| unknown(name, Variables::names()));
    fill_at(text, |name| value(known(name)?)).map_err(|(_, error)| error)
}

/// A text with every variable filled in by `value`, whatever variables there are. An error comes with its place in the text.
pub fn fill_at(text: &str, mut value: impl FnMut(&str) -> Result<String, VarError>) -> Result<String, (Range<usize>, VarError)> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let from_brace = &rest[at..];
        let start = text.len() - from_brace.len();
        rest = if let Some(rest) = from_brace.strip_prefix("{{") {
            out.push('{');
            rest
        } else if let Some(rest) = from_brace.strip_prefix("}}") {
            out.push('}');
            rest
        } else if let Some(inside) = from_brace.strip_prefix('{') {
            let stray = || (start..start + 1, VarError::Stray { brace: '{' });
            let (name, rest) = inside.split_once('}').ok_or_else(stray)?;
            if name.is_empty() || name.contains('{') {
                return Err(stray());
            }
            out.push_str(&value(name).map_err(|error| (start..start + name.len() + 2, error))?);
            rest
        } else {
            return Err((start..start + 1, VarError::Stray { brace: '}' }));
        };
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_keeps_what_belongs_to_a_target() {
        let kept = variables("v1.2.3").expand_for_lock("{{x}} {version} {os}-{arch}").unwrap();
        assert_eq!(kept, "{{x}} v1.2.3 {os}-{arch}");
        assert_eq!(expand_target(&kept, &Target::new("linux/arm").unwrap()).unwrap(), "{x} v1.2.3 linux-arm");
        assert!(expand_target("{version}", &Target::new("linux/arm").unwrap()).is_err());
    }

    fn variables(version: &str) -> Variables {
        Variables {
            version: Revision::new(version).unwrap(),
            commit: Some((CommitId::new("0123456789abcdef0123456789abcdef01234567").unwrap(), 1_700_000_000)),
            target: Target::new("linux/arm64").unwrap(),
            target_dir: Some("/out".into()),
        }
    }

    #[test]
    fn every_variable_has_its_value() {
        let text =
            "{version} {version_bare} {major}.{minor}.{patch} {commit} {commit_short} {commit_time} {os}/{arch} {target_dir}";
        assert_eq!(
            variables("v1.36.3+k0s.2").expand(text).unwrap(),
            "v1.36.3+k0s.2 1.36.3+k0s.2 1.36.3 0123456789abcdef0123456789abcdef01234567 0123456 1700000000 linux/arm64 /out"
        );
        for (name, _) in Variables::explained() {
            assert!(variables("v1.2.3").value(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn braces_are_doubled() {
        let v = variables("v1.2.3");
        assert_eq!(v.expand("{{version}} {{{version}}} }}{{ ü").unwrap(), "{version} {v1.2.3} }{ ü");
    }

    #[test]
    fn what_cannot_be_filled_in_is_said_before_there_are_values() {
        let cases = [
            ("{comit}", "there is no variable {comit}", "did you mean {commit}?"),
            ("a{", "a single `{` has no meaning here", "a brace is written twice: `{{`"),
            ("a}b", "a single `}` has no meaning here", "a brace is written twice: `}}`"),
            ("{}", "a single `{` has no meaning here", "a brace is written twice: `{{`"),
            ("{ {version}", "a single `{` has no meaning here", "a brace is written twice: `{{`"),
        ];
        for (text, message, help) in cases {
            let error = Variables::check(text).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.help().unwrap().as_str()), (message, help), "{text}");
        }
        let help = Variables::check("{HOME}").unwrap_err().help().unwrap();
        assert!(help.starts_with("there are {version}, {version_bare}, "), "{help}");
    }

    #[test]
    fn a_value_that_does_not_exist_says_why() {
        let mut v = variables("main");
        v.commit = None;
        let error = |text: &str| v.expand(text).unwrap_err().to_string();
        assert_eq!(error("{commit}"), "{commit} has no value here: the sources are a Go module or a folder, and have no commit");
        assert_eq!(error("{minor}"), "{minor} has no value here: a branch or commit needs `as = \"v1.2.3\"` to have a version");
        assert_eq!(v.expand("{version}").unwrap(), "main");
    }
}
