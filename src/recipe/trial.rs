//! A trial as it is meant: what a disposable host is like, and the steps that are taken on it.

use std::collections::BTreeMap;

use crate::names::{ComponentName, EnvName, RelPath};
use crate::recipe::model::TextRule;

/// Whose binaries are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// Those of the same releases without series, replacements and requirements.
    Stock,
    /// The recipe's own.
    Patched,
}

impl Variant {
    /// Its name in recipes and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Patched => "patched",
        }
    }
}

/// When a step needs the binaries that a user brings (`--payload`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedsPayload {
    /// Only where it is a folder of binaries.
    Folder,
    /// Where there is one, a folder or a file.
    Any,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it is about.
    pub name: String,
    /// Whose binaries it is for.
    pub with: Variant,
    /// The scenarios that it is for; empty: all.
    pub scenarios: Vec<String>,
    /// The role of the hosts that it is taken on; `None`: all hosts.
    pub on: Option<ComponentName>,
    /// What is done.
    pub action: Action,
    /// What must come of it.
    pub exit: i32,
    /// What standard output is like.
    pub stdout: TextRule,
    /// What standard error is like.
    pub stderr: TextRule,
    /// Seconds that it may take, with all its tries.
    pub within: u64,
    /// Whether it is tried again until it holds or its time is over.
    pub retry: bool,
    /// Whether it is left out without binaries that the user brings.
    pub payload: Option<NeedsPayload>,
    /// A port of the hosts that it needs to reach from outside.
    pub port: Option<u16>,
}

/// What a step does. Variables are not filled in yet.
#[derive(Debug, Clone)]
pub enum Action {
    /// A command on the host.
    Run(Vec<String>),
    /// A command on this machine, with files in its folder.
    Outside {
        /// The program and its arguments.
        args: Vec<String>,
        /// Files put into the folder that it runs in, with their content.
        files: BTreeMap<RelPath, Vec<u8>>,
    },
    /// The host is started anew.
    Reboot,
    /// These paths of the host hold nothing, or are not there.
    Empty(Vec<String>),
    /// Files or folders of this machine, by the path that they get on the host.
    Put(Vec<(String, String)>),
}

impl Action {
    /// Every text in it that has variables.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Run(args) | Self::Outside { args, .. } | Self::Empty(args) => args.iter().map(String::as_str).collect(),
            Self::Reboot => Vec::new(),
            Self::Put(pairs) => pairs.iter().flat_map(|(to, from)| [to.as_str(), from.as_str()]).collect(),
        }
    }
}

/// What hosts are like.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name: the file's stem.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// The image of a registry that hosts are made of, with systemd in it.
    pub image: String,
    /// The packages of Debian that make such an image.
    pub packages: Vec<String>,
    /// Folders that are read-only, with what the image has in them.
    pub read_only: Vec<String>,
    /// The environment of the first process. Variables are not filled in yet.
    pub env: Vec<(EnvName, String)>,
    /// Commands that make a host what it shall be, run after its first start. Variables are not filled in yet.
    pub setup: Vec<Vec<String>>,
    /// Values in the place of the recipe's own.
    pub values: BTreeMap<EnvName, String>,
}
