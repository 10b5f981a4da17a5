//! A recipe as it is meant: names checked, references resolved, build blocks in order. It needs no network and no store;
//! what a tag or a branch points to comes later, in the lock.

use std::collections::BTreeMap;

use crate::files::Origin;
use crate::names::{
    ComponentName, EnvName, GitUrl, GoVersion, ModulePath, ModuleQuery, RecipeName, RelPath, SeriesName, Target, UpstreamName,
};
use crate::recipe::trial::Step;
use crate::release::{Req, Wanted};

/// What to produce.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Its name: the file's stem.
    pub name: RecipeName,
    /// The file it came from.
    pub origin: Origin,
    /// One sentence.
    pub description: String,
    /// Platforms to build for; never empty (the host's where the file names none).
    pub targets: Vec<Target>,
    /// The components by name.
    pub components: BTreeMap<ComponentName, Component>,
    /// Values of its own, which are variables of its kit.
    pub values: BTreeMap<EnvName, String>,
    /// The files of its kit, in order.
    pub kit: Vec<KitFile>,
    /// The steps of its trial, in order.
    pub trial: Vec<Step>,
    /// What is not known yet, for reports.
    pub questions: Vec<String>,
    /// What was to be done, for reports.
    pub plan: Vec<PlanItem>,
}

/// Something that was to be done, and what would show that it was.
#[derive(Debug, Clone)]
pub struct PlanItem {
    /// In words.
    pub item: String,
    /// What shows it.
    pub shown_by: ShownBy,
    /// What else there is to say.
    pub note: Option<String>,
}

/// What shows that an item of a plan was done.
#[derive(Debug, Clone)]
pub enum ShownBy {
    /// The sources of a component are resolved and in the store.
    Source(ComponentName),
    /// A component is built.
    Built(ComponentName),
    /// Steps of a trial ended as expected.
    Trial {
        /// The recipe whose trial it is; `None`: this one.
        recipe: Option<RecipeName>,
        /// The names of the steps.
        steps: Vec<String>,
    },
    /// The report itself.
    Report,
    /// Nothing can, for this reason.
    NotPossible(String),
    /// Nothing does.
    Nothing,
}

/// One file that an operator gets.
#[derive(Debug, Clone)]
pub struct KitFile {
    /// Its name in the kit.
    pub name: RelPath,
    /// What is in it.
    pub content: KitContent,
}

/// What a file of a kit is made from.
#[derive(Debug, Clone)]
pub enum KitContent {
    /// The binary of a component.
    Binary(ComponentName),
    /// A text whose variables are filled in; all of them exist.
    Template {
        /// The text.
        text: String,
        /// Where it was.
        origin: String,
    },
}

/// One program or module of a recipe.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name.
    pub name: ComponentName,
    /// The repository that it is made from.
    pub upstream: Upstream,
    /// Which releases are wanted.
    pub want: Want,
    /// The series to apply, in order: folders `patches/UPSTREAM/SERIES`.
    pub series: Vec<SeriesName>,
    /// Replacements in go.mod, in order.
    pub replace: Vec<Replace>,
    /// Requirements to set in go.mod.
    pub require: Vec<Require>,
    /// The `go` line to set in go.mod.
    pub go: Option<GoVersion>,
    /// Whether `go mod tidy` runs at lock time (`mod = "tidy"`).
    pub tidy: bool,
    /// The releases on which the series is promised to hold.
    pub holds: Option<Req>,
    /// Facts about the binary.
    pub expect: Vec<Expect>,
}

impl Component {
    /// True where an upstream build rule exists: the component is a program and not only a module for another one.
    pub fn is_program(&self) -> bool {
        !self.upstream.builds.is_empty()
    }
}

/// Which releases of an upstream a component is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// The newest release of each line, in the recipe's order; never empty.
    Lines(Vec<Req>),
    /// One tag, branch or commit; `named` is the version that a branch or commit goes by (`as = "..."`).
    Exactly {
        /// What was written: a tag, a branch, or a commit.
        wanted: Wanted,
        /// `as = "..."`
        named: Option<crate::names::Revision>,
    },
    /// The version that the component replacing it requires in its unpatched go.mod.
    UsersPin,
}

/// An upstream, with a recipe's own `git`, `module`, `path` and build blocks merged in.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its name.
    pub name: UpstreamName,
    /// Where the sources come from.
    pub source: Source,
    /// Which tags are releases.
    pub releases: Releases,
    /// Where the Go version is written.
    pub go: GoRule,
    /// Which releases take a payload; `None`: no release does.
    pub payload: Option<PayloadRule>,
    /// `[[build]]` blocks in file order.
    pub builds: Vec<BuildBlock>,
    /// Where the upstream file was, or the recipe's own file.
    pub origin: Origin,
}

/// Where sources come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A git repository.
    Git(GitUrl),
    /// A Go module, always through the module proxy.
    Module(ModulePath),
    /// A folder of the project with one folder per release.
    Path(RelPath),
}

/// Releases that look for programs in a zip at their own end, and where upstream's own builds of them are.
#[derive(Debug, Clone, Default)]
pub struct PayloadRule {
    /// A range; `None` is every release.
    pub versions: Option<Req>,
    /// The address of the released program, with variables.
    pub asset: Option<String>,
    /// The address of a list of SHA-256 sums, as `sha256sum` writes it, with variables.
    pub sums: Option<String>,
    /// True where each build takes the payload of the released program.
    pub from_release: bool,
}

/// Which tags of an upstream are releases.
#[derive(Debug, Clone)]
pub struct Releases {
    /// A glob over tag names, such as `v*`.
    pub tags: String,
    /// A range; `None` is every version.
    pub versions: Option<Req>,
}

/// Where an upstream says which Go builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoRule {
    /// `toolchain`, else the `go` line of its go.mod.
    GoMod,
    /// A line of a file: `{}` stands for the version.
    Line {
        /// The file in the upstream's tree.
        file: RelPath,
        /// Text before the version.
        before: String,
        /// Text after it.
        after: String,
    },
}

/// How a build is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// `go build`, directly.
    Go,
    /// The upstream's Makefile, without containers.
    Make,
    /// The upstream's Makefile as it is intended, in containers.
    Docker,
}

/// One `[[build]]` block as written, with variables not filled in yet. `None` and empty lists leave what earlier blocks said.
#[derive(Debug, Clone, Default)]
pub struct BuildBlock {
    /// The releases that it is for; `None`: all.
    pub versions: Option<Req>,
    /// Its driver; a block without one belongs to every driver.
    pub driver: Option<Driver>,
    /// `flags_from = "make"`
    pub flags_from_make: bool,
    /// Packages for `go build`.
    pub packages: Option<Vec<String>>,
    /// Build tags.
    pub tags: Option<Vec<String>>,
    /// Linker flags, joined by spaces.
    pub ldflags: Option<Vec<String>>,
    /// Further flags of `go build`.
    pub flags: Option<Vec<String>>,
    /// CGO on or off.
    pub cgo: Option<bool>,
    /// Environment of the build.
    pub env: BTreeMap<EnvName, String>,
    /// Commands that run in the tree before the build.
    pub prepare: Option<Vec<Vec<String>>>,
    /// Whether the tree is made a git repository and stamped (`-buildvcs=true`).
    pub vcs: Option<bool>,
    /// The build image (docker).
    pub image: Option<String>,
    /// The make goal.
    pub goal: Option<String>,
    /// Arguments for make.
    pub args: Option<Vec<String>>,
    /// Files to touch before make runs.
    pub touch: Option<Vec<RelPath>>,
    /// The file that make leaves.
    pub output: Option<String>,
    /// Flags and variables that name programs and are meant to (see [`super::policy`]).
    pub allow: Vec<String>,
    /// True for a block of the recipe: its driver counts before the upstream's.
    pub of_recipe: bool,
}

/// One replacement in go.mod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replace {
    /// A component of this recipe, placed at `./.forge/NAME`.
    Component(ComponentName),
    /// Another module: `old[@version] => new@version`. `to_version` may be a branch name, resolved at lock time.
    Module {
        /// The module that is replaced.
        old: ModulePath,
        /// Only this version of it.
        old_version: Option<ModuleQuery>,
        /// The replacement.
        new: ModulePath,
        /// Its version or query.
        new_version: ModuleQuery,
    },
    /// A folder beside the recipe, copied to `./.forge/NAME`.
    Path {
        /// The module that is replaced.
        old: ModulePath,
        /// Only this version of it.
        old_version: Option<ModuleQuery>,
        /// The folder as written: `./x`, `../x` or absolute.
        folder: String,
    },
}

/// One requirement: `a/b@v1.2.3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Require {
    /// The module.
    pub module: ModulePath,
    /// Its version or query.
    pub version: ModuleQuery,
}

/// One fact about a binary.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a recipe has a handful of them, and runs are the usual kind")]
pub enum Expect {
    /// Running it gives this.
    Run {
        /// Arguments; `{target_dir}` and the other variables are filled in.
        args: Vec<String>,
        /// Files put into the folder that it runs in, with their content.
        files: BTreeMap<RelPath, Vec<u8>>,
        /// The exit code.
        exit: i32,
        /// What standard output is like.
        stdout: TextRule,
        /// What standard error is like.
        stderr: TextRule,
        /// Seconds until it is stopped.
        within: u64,
    },
    /// Symbols or strings in the file.
    Has(Vec<String>),
}

/// What a text must be like; an empty rule takes everything.
#[derive(Debug, Clone, Default)]
pub struct TextRule {
    /// Each must occur.
    pub contains: Vec<String>,
    /// None may occur.
    pub lacks: Vec<String>,
    /// The whole text.
    pub equals: Option<String>,
    /// A regular expression that finds something (crate `regex`).
    pub matches: Vec<regex::Regex>,
}

impl TextRule {
    /// What is wrong with a text, a part of a sentence for each; empty where nothing is.
    pub fn broken(&self, text: &str) -> Vec<String> {
        let lacking = self.contains.iter().filter(|t| !text.contains(t.as_str()));
        let mut out: Vec<String> = lacking.map(|t| format!("should contain {t:?}")).collect();
        out.extend(self.lacks.iter().filter(|t| text.contains(t.as_str())).map(|t| format!("should not contain {t:?}")));
        out.extend(self.equals.iter().filter(|t| text != t.as_str()).map(|t| format!("should be {t:?}")));
        out.extend(self.matches.iter().filter(|r| !r.is_match(text)).map(|r| format!("should match {:?}", r.as_str())));
        out
    }

    /// The rule with another text for each of its own, but for regular expressions.
    pub fn with_texts<E>(&self, text: impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        let all = |texts: &[String]| texts.iter().map(|t| text(t)).collect::<Result<Vec<_>, E>>();
        let equals = self.equals.as_deref().map(&text).transpose()?;
        Ok(Self { contains: all(&self.contains)?, lacks: all(&self.lacks)?, equals, matches: self.matches.clone() })
    }

    /// The first line for each thing that was looked for and is there.
    pub fn found<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let lines = |is: &dyn Fn(&str) -> bool| text.lines().find(|line| is(line));
        let contains = self.contains.iter().filter_map(|t| lines(&|line| line.contains(t.trim())));
        let mut out: Vec<&str> = contains.chain(self.matches.iter().filter_map(|r| lines(&|line| r.is_match(line)))).collect();
        out.dedup();
        out
    }

    /// The rule in words: `contains "x"`.
    pub fn words(&self) -> Vec<String> {
        let mut out: Vec<String> = self.contains.iter().map(|t| format!("contains {t:?}")).collect();
        out.extend(self.lacks.iter().map(|t| format!("lacks {t:?}")));
        out.extend(self.equals.iter().map(|t| format!("equals {t:?}")));
        out.extend(self.matches.iter().map(|r| format!("matches {:?}", r.as_str())));
        out
    }
}
