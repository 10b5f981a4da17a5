//! What came of a trial: one flat record that is shown, printed as JSON, and kept for reports.

use serde::{Deserialize, Serialize};

use crate::names::{ComponentName, RecipeName, Revision, Sha256};
use crate::recipe::trial::Variant;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As expected.
    Ok,
    /// Otherwise.
    Failed,
    /// A step before it failed.
    NotRun,
}

/// A whole trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// The recipe.
    pub recipe: RecipeName,
    /// The scenario.
    pub scenario: String,
    /// What hosts are like, in a sentence.
    pub description: String,
    /// The container engine.
    pub engine: String,
    /// The image that hosts were made of.
    pub image: String,
    /// What systemd calls itself on the hosts.
    pub systemd: String,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// How long all of it took, in milliseconds.
    pub took_ms: u64,
    /// The command that takes it again.
    pub command: String,
    /// First stock, then patched.
    pub tried: Vec<Tried>,
}

/// The steps on the binaries of one kind, on hosts of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tried {
    /// Whose binaries.
    pub with: Variant,
    /// Which.
    pub binaries: Vec<Part>,
    /// The names of the hosts.
    pub hosts: Vec<String>,
    /// Until the hosts were ready, in milliseconds.
    pub boot_ms: u64,
    /// The steps, in order; a step on several hosts stands there once for each.
    pub steps: Vec<Taken>,
}

/// A binary under trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The component.
    pub component: ComponentName,
    /// Its release.
    pub version: Revision,
    /// Its checksum.
    pub sha256: Sha256,
}

/// One step as it was taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    /// What it is about.
    pub step: String,
    /// The host; `None`: outside of all.
    pub host: Option<String>,
    /// What ran, as a shell takes it.
    pub command: String,
    /// What was expected, in words.
    pub expected: String,
    /// What was seen.
    pub seen: Option<Seen>,
    /// What is wrong, a part of a sentence for each.
    pub wrong: Vec<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What a command left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How it ended, in words.
    pub status: String,
    /// The end of its standard output.
    pub stdout: String,
    /// The end of its standard error.
    pub stderr: String,
    /// The lines that were looked for, with the stream's name in front.
    #[serde(default)]
    pub found: Vec<String>,
    /// How often it was tried.
    pub tries: u32,
}

impl Evidence {
    /// True where every step ended as expected.
    pub fn is_good(&self) -> bool {
        self.steps().all(|step| step.verdict == Verdict::Ok)
    }

    /// All steps.
    pub fn steps(&self) -> impl Iterator<Item = &Taken> {
        self.tried.iter().flat_map(|tried| &tried.steps)
    }
}
