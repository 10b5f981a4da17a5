//! The variables of what concerns a recipe as a whole, such as the files of its kit: values of its own, and of each component
//! what it resolved to, `{COMPONENT.version}`. The grammar is that of [`super::vars`].

use std::collections::BTreeMap;
use std::ops::Range;

use super::vars::{VarError, fill_at, unknown};
use crate::names::{ComponentName, EnvName};

/// What is said of a component, behind its name and a dot, with what it stands for.
const OF_COMPONENT: [(&str, &str); 11] = [
    ("version", "the release"),
    ("version_bare", "the release without a leading v"),
    ("major", "first number of the version"),
    ("minor", "second number of the version"),
    ("patch", "third number of the version"),
    ("commit", "the upstream's commit"),
    ("commit_short", "its first 7 digits"),
    ("commit_time", "its committer date in seconds since 1970"),
    ("binary", "the finished binary: its name in a kit, its path in a trial"),
    ("sha256", "the checksum of the finished binary"),
    ("stock", "the path of the binary without any change, in a trial"),
];

/// What is said of the run.
const OF_RUN: [(&str, &str); 3] =
    [("recipe", "the recipe's name"), ("os", "GOOS of the target"), ("arch", "GOARCH of the target")];

/// Variables with their values, as far as there are any.
#[derive(Debug, Clone, Default)]
pub struct Scope(BTreeMap<String, Result<String, &'static str>>);

impl Scope {
    /// The names that a recipe with these values and components has; only the recipe's own values have one yet.
    pub fn new<'c>(own: &BTreeMap<EnvName, String>, components: impl Iterator<Item = &'c str>) -> Self {
        let mut names = BTreeMap::new();
        for (name, _) in OF_RUN {
            names.insert(name.to_owned(), Err("nothing is built"));
        }
        for component in components {
            for (name, _) in OF_COMPONENT {
                names.insert(format!("{component}.{name}"), Err("the recipe resolves to nothing of that kind"));
            }
        }
        names.extend(own.iter().map(|(name, value)| (name.to_string(), Ok(value.clone()))));
        Self(names)
    }

    /// Adds a variable that has no value yet.
    pub fn announce(&mut self, name: &str) {
        self.0.insert(name.to_owned(), Err("nothing is running"));
    }

    /// Gives a variable its value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), Ok(value.into()));
    }

    /// Gives a component's variable its value, or the reason why it has none.
    pub fn tell(&mut self, component: &ComponentName, name: &str, value: Result<String, &'static str>) {
        self.0.insert(format!("{component}.{name}"), value);
    }

    /// The variables of a component that every release has in the same way.
    pub fn of_release() -> impl Iterator<Item = &'static str> {
        OF_COMPONENT.iter().map(|(name, _)| *name).filter(|name| !matches!(*name, "binary" | "sha256" | "stock"))
    }

    /// True where a value of the recipe's own would hide a variable.
    pub(crate) fn is_taken(name: &str) -> bool {
        OF_RUN.iter().any(|(known, _)| *known == name)
    }

    /// Checks that every variable of a text exists. The error comes with its place.
    pub fn check(&self, text: &str) -> Result<(), (Range<usize>, VarError)> {
        fill_at(text, |name| self.0.get(name).map(|_| String::new()).ok_or_else(|| self.unknown(name))).map(drop)
    }

    /// The text with every variable filled in. The error comes with its place.
    pub fn fill(&self, text: &str) -> Result<String, (Range<usize>, VarError)> {
        fill_at(text, |name| match self.0.get(name) {
            Some(Ok(value)) => Ok(value.clone()),
            Some(Err(reason)) => Err(VarError::NoValue { name: name.to_owned(), reason }),
            None => Err(self.unknown(name)),
        })
    }

    fn unknown(&self, name: &str) -> VarError {
        unknown(name, self.0.keys().map(String::as_str))
    }
}
