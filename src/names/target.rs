//! Platforms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{NameError, refuse};

/// A platform that Go builds for, written `OS/ARCH` as in `go tool dist list`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    os: String,
    arch: String,
}

impl Target {
    /// Reads `OS/ARCH`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let bad = || refuse("target", text, "OS/ARCH is expected, such as linux/amd64");
        let (os, arch) = text.split_once('/').ok_or_else(bad)?;
        let ok = |s: &str| !s.is_empty() && s.len() <= 20 && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if ok(os) && ok(arch) { Ok(Self { os: os.into(), arch: arch.into() }) } else { Err(bad()) }
    }
    /// The platform that this program was built for.
    pub fn host() -> Self {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        Self { os: os.into(), arch: arch.into() }
    }
    /// GOOS.
    pub fn os(&self) -> &str {
        &self.os
    }
    /// GOARCH.
    pub fn arch(&self) -> &str {
        &self.arch
    }
}
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.os, self.arch))
    }
}
impl FromStr for Target {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl TryFrom<String> for Target {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}
impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}
