//! The lock: what a recipe resolved to. One entry per component and release, readable in a review: commits, trees, sums, Go
//! version, argument list, the rewritten go.mod and go.sum. No patch hashes: the result tree says it all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::names::{CommitId, ComponentName, EnvName, GoVersion, Revision, Target, TreeId};
use crate::plan::args::{EditArgs, GoArgs};
use crate::plan::make::MakeLock;
use crate::plan::payload::Asset;
use crate::recipe::model::Driver;

/// The format that this program writes.
const VERSION: u32 = 1;

/// A lock that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LockError {
    /// Not TOML, or not of this shape.
    #[error("{path}: {message}")]
    #[diagnostic(help("the lock is written by forge; restore it from version control, or remove it and run `forge lock`"))]
    Malformed {
        /// The file.
        path: String,
        /// Line, column and what is wrong.
        message: String,
    },
    /// Written by a newer forge.
    #[error("{path} has format {found}; this forge knows {VERSION}")]
    #[diagnostic(help("use a newer forge"))]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: u32,
    },
}

/// A whole lock file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lock {
    entries: Vec<LockEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, rename = "component")]
    entries: Vec<LockEntry>,
}

/// How the recipe names a release of a component: the key of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// The line or version as the recipe has it.
    Wanted(String),
    /// The version that a component replacing it requires.
    Pinned(Revision),
}

/// Where the sources of an entry came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "kind")]
pub enum Origin {
    /// A commit of a git repository.
    Git {
        /// The repository, without userinfo.
        url: String,
        /// The commit.
        commit: CommitId,
        /// The full ref that led there; a fetch by name where a server refuses ids.
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// The tag object of an annotated tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag_object: Option<CommitId>,
        /// The committer's time, seconds since 1970.
        time: i64,
    },
    /// A Go module.
    Module {
        /// Its path.
        module: String,
        /// Its `h1:` sum.
        sum: String,
    },
    /// A folder of the project.
    Folder {
        /// The folder, relative to the root.
        folder: String,
    },
}

/// What one component resolved to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockEntry {
    /// The component.
    pub name: ComponentName,
    /// What it was resolved from.
    pub pick: Pick,
    /// The release: a tag, or the name that a branch or commit goes by.
    pub release: Revision,
    /// Where the sources came from.
    pub origin: Origin,
    /// The unpatched tree.
    pub tree: TreeId,
    /// The tree after the series.
    pub result: TreeId,
    /// The releases of the components placed inside.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<ComponentName, Revision>,
    /// The exact Go version (programs only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go: Option<GoVersion>,
    /// How it is built (programs only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildLock>,
    /// The rewritten go.mod, where the recipe changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<ModLock>,
    /// The released programs that payloads are taken from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub payload: BTreeMap<Target, Asset>,
}

/// The argument list. Every variable is filled in but `{os}`, `{arch}` and `{target_dir}`, which belong to a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BuildLock {
    /// The make command that the list was read from (`flags_from = "make"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<FromMake>,
    /// CGO on or off.
    pub cgo: bool,
    /// Whether the tree is stamped as a git commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vcs: bool,
    /// Flags and packages of `go build`. Where make drives: the packages and tags whose modules go.sum has to cover.
    pub args: GoArgs,
    /// Environment on top of the pinned one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<EnvName, String>,
    /// Commands that run in the tree first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<Vec<String>>,
    /// How make is called, where it drives the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<MakeLock>,
}

impl BuildLock {
    /// What drives the build.
    pub fn driver(&self) -> Driver {
        self.make.as_ref().map_or(Driver::Go, |make| make.driver)
    }
}

/// A captured make command, and what it said besides the argument list: enough to know whether it has to run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FromMake {
    /// Goal and arguments.
    pub make: Vec<String>,
}

/// go.mod as it is built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModLock {
    /// The operations as the recipe has them: when they change, the rest is made again.
    pub wanted: Vec<String>,
    /// The arguments that `go mod edit` was given, every version exact.
    pub edit: EditArgs,
    /// Whether `go mod tidy` ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tidy: bool,
    /// Whether go itself had to complete go.sum (and with it, perhaps, go.mod).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub completed: bool,
    /// Folders copied to `./.forge/NAME`, with their trees.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub folders: BTreeMap<ComponentName, TreeId>,
    /// The whole go.mod.
    pub go_mod: String,
    /// The whole go.sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_sum: Option<String>,
}

/// What a new entry does to a lock.
#[derive(Debug, Clone, PartialEq)]
pub struct LockChange {
    /// The component.
    pub name: ComponentName,
    /// The entry that was there.
    pub old: Option<LockEntry>,
    /// The entry that is there now; `None` where it is no longer part of the recipe.
    pub new: Option<LockEntry>,
}

impl LockChange {
    /// What differs, a line each, in words that a reviewer reads.
    pub fn lines(&self) -> Vec<String> {
        let (Some(old), Some(new)) = (&self.old, &self.new) else {
            return match (&self.old, &self.new) {
                (None, Some(new)) => vec![format!("{} {} is new", self.name, new.release)],
                (Some(old), None) => vec![format!("{} {} is no longer used", self.name, old.release)],
                _ => Vec::new(),
            };
        };
        let mut lines = Vec::new();
        let mut say = |what: &str, a: String, b: String| {
            if a != b {
                lines.push(format!("{} {what}: {a} -> {b}", self.name));
            }
        };
        say("release", old.release.to_string(), new.release.to_string());
        say("source", old.origin.shown(), new.origin.shown());
        let shown = |go: &Option<GoVersion>| go.as_ref().map_or("none".into(), ToString::to_string);
        say("Go", shown(&old.go), shown(&new.go));
        say("tree", short(&old.tree), short(&new.tree));
        say("patched tree", short(&old.result), short(&new.result));
        for name in old.uses.keys().chain(new.uses.keys()).collect::<std::collections::BTreeSet<_>>() {
            let of = |entry: &LockEntry| entry.uses.get(name).map_or("none".into(), ToString::to_string);
            say(name.as_str(), of(old), of(new));
        }
        let flags = |e: &LockEntry| e.build.clone().map(|b| [b.args.flags, b.args.packages].concat()).unwrap_or_default();
        let (a, b) = (flags(old), flags(new));
        lines.extend(a.iter().filter(|f| !b.contains(f)).map(|f| format!("{} flag removed: {f}", self.name)));
        lines.extend(b.iter().filter(|f| !a.contains(f)).map(|f| format!("{} flag added: {f}", self.name)));
        let rest = |e: &LockEntry| e.build.clone().map(|b| (b.cgo, b.vcs, b.env, b.prepare, b.from, b.make));
        if rest(old) != rest(new) {
            lines.push(format!("{} build rule changed", self.name));
        }
        for target in old.payload.keys().chain(new.payload.keys()).collect::<std::collections::BTreeSet<_>>() {
            let of = |entry: &LockEntry| {
                entry.payload.get(target).map_or("none".into(), |a| format!("{} {}", a.asset, &a.sha256.as_str()[..12]))
            };
            let (a, b) = (of(old), of(new));
            if a != b {
                lines.push(format!("{} payload for {target}: {a} -> {b}", self.name));
            }
        }
        if old.module != new.module {
            lines.push(format!("{} go.mod or go.sum changed", self.name));
        }
        if lines.is_empty() && old != new {
            lines.push(format!("{} details of the entry changed", self.name));
        }
        lines
    }
}

fn short(tree: &TreeId) -> String {
    tree.as_str()[..12].to_owned()
}

impl Origin {
    /// One phrase.
    pub fn shown(&self) -> String {
        match self {
            Self::Git { url, commit, .. } => format!("{url} {}", &commit.as_str()[..12]),
            Self::Module { module, sum } => format!("{module} {sum}"),
            Self::Folder { folder } => folder.clone(),
        }
    }

    /// The commit, where there is one.
    pub fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::Git { commit, .. } => Some(commit),
            _ => None,
        }
    }
}

impl Lock {
    /// Reads a lock file; `path` is for messages.
    pub fn parse(path: &str, text: &str) -> Result<Self, LockError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let malformed = |message: String| LockError::Malformed { path: path.to_owned(), message };
        let version = toml::from_str::<Version>(text).map_err(|e| malformed(e.to_string()))?.version;
        if version != VERSION {
            return Err(LockError::Newer { path: path.to_owned(), found: version });
        }
        let file: File = toml::from_str(text).map_err(|e| malformed(e.to_string()))?;
        let mut lock = Self::default();
        for entry in file.entries {
            if lock.find(&entry.name, &entry.pick).is_some() {
                return Err(malformed(format!("{} has two entries for the same release", entry.name)));
            }
            lock.entries.push(entry);
        }
        Ok(lock)
    }

    /// The text of the file; the same value always gives the same bytes.
    pub fn render(&self) -> String {
        let mut entries = self.entries.clone();
        entries.sort_by(|a, b| (&a.name, &a.pick).cmp(&(&b.name, &b.pick)));
        let file = File { version: VERSION, entries };
        let body = toml::to_string_pretty(&file).expect("a lock has no value that TOML lacks");
        format!("# Written by forge: what the recipe resolved to. `forge update` moves it; keep it in version control.\n{body}")
    }

    /// The entries.
    pub fn entries(&self) -> &[LockEntry] {
        &self.entries
    }

    /// The entry of a component for a pick.
    pub fn find(&self, name: &ComponentName, pick: &Pick) -> Option<&LockEntry> {
        self.entries.iter().find(|e| e.name == *name && e.pick == *pick)
    }

    /// Puts an entry in, in the place of the one with the same component and pick.
    pub fn put(&mut self, entry: LockEntry) {
        match self.entries.iter().position(|e| e.name == entry.name && e.pick == entry.pick) {
            Some(at) => self.entries[at] = entry,
            None => self.entries.push(entry),
        }
    }

    /// Keeps the entries that `used` names.
    pub fn retain(&mut self, used: impl Fn(&LockEntry) -> bool) {
        self.entries.retain(used);
    }

    /// What is different in `new`.
    pub fn changes_to(&self, new: &Self) -> Vec<LockChange> {
        let change = |old: Option<&LockEntry>, new: Option<&LockEntry>| {
            let name = new.or(old)?.name.clone();
            (old != new).then(|| LockChange { name, old: old.cloned(), new: new.cloned() })
        };
        let made = new.entries.iter().filter_map(|entry| change(self.find(&entry.name, &entry.pick), Some(entry)));
        let gone =
            self.entries.iter().filter(|e| new.find(&e.name, &e.pick).is_none()).filter_map(|entry| change(Some(entry), None));
        made.chain(gone).collect()
    }
}
