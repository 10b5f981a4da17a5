//! Targets as people type them: the grammar is `names`', the words are Go's.

use crate::names::{NameError, Target, nearest};

/// Every operating system of `go tool dist list`, from Go 1.18 to 1.26.
const SYSTEMS: [&str; 16] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "illumos",
    "ios",
    "js",
    "linux",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];
/// Every architecture of the same.
const ARCHITECTURES: [&str; 15] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x",
    "wasm", "sparc64",
];

/// A target that Go does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not of the form `OS/ARCH`.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The one half is unknown.
    #[error("Go knows no {half} {word:?}")]
    Unknown {
        /// "operating system" or "architecture".
        half: &'static str,
        /// What was written.
        word: String,
        /// What was probably meant.
        near: Option<&'static str>,
    },
}

impl TargetError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { near: Some(near), .. } => Some(format!("did you mean {near}?")),
            Self::Unknown { .. } => Some("`go tool dist list` prints all targets".into()),
            Self::Name(_) => None,
        }
    }
}

/// Reads a target and checks that Go knows both halves. Whether it knows the pair is left to Go: that changes.
pub fn parse_target(text: &str) -> Result<Target, TargetError> {
    let target = Target::new(text)?;
    known("operating system", target.os(), &SYSTEMS)?;
    known("architecture", target.arch(), &ARCHITECTURES)?;
    Ok(target)
}

fn known(half: &'static str, word: &str, words: &[&'static str]) -> Result<(), TargetError> {
    if words.contains(&word) {
        return Ok(());
    }
    // The names that the machines themselves use.
    let near = match word {
        "x86_64" | "x64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        "i386" | "i686" | "x86" => Some("386"),
        "armv7" | "armhf" => Some("arm"),
        "macos" => Some("darwin"),
        other => nearest(other, words.iter().copied()),
    };
    Err(TargetError::Unknown { half, word: word.to_owned(), near })
}
