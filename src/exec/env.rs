//! The environment as it was when forge started. Nothing else reads it, so a run can be repeated and explained.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

/// A snapshot of environment variables, sorted by name. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(Arc<BTreeMap<OsString, OsString>>);

impl Environment {
    /// Takes the variables; of two with one name the last counts.
    pub fn from_vars<K: Into<OsString>, V: Into<OsString>>(vars: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(Arc::new(vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect()))
    }

    /// The value of a variable, also an empty one.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(k, v)| (k.as_os_str(), v.as_os_str()))
    }

    /// This environment with a variable set (or, with `None`, without it).
    pub fn with(&self, name: &str, value: Option<&OsStr>) -> Self {
        let mut vars = (*self.0).clone();
        match value {
            Some(value) => vars.insert(name.into(), value.to_owned()),
            None => vars.remove(OsStr::new(name)),
        };
        Self(Arc::new(vars))
    }
}
