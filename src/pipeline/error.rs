//! Every way in which a run can end badly: the stages' own errors, and those of composing them.

use std::path::PathBuf;

use crate::artifact::ArtifactError;
use crate::build::{BuildError, CheckError, LayoutError, PayloadError};
use crate::disk::DiskError;
use crate::exec::ExecError;
use crate::files::FilesError;
use crate::git::GitError;
use crate::git::objects::ObjectsError;
use crate::gomod::{GoError, RewriteError};
use crate::names::{ComponentName, GoVersion, ModulePath, NameError, RecipeName, Revision, Sha256, Target, WebUrl};
use crate::net::NetError;
use crate::patch::{ApplyError, PatchFailure, RelistError, SeriesErrors};
use crate::pipeline::life_error::LifeError;
use crate::pipeline::new_error::NewError;
use crate::plan::{ArgsError, LockError, MakeLineError, PlanError};
use crate::recipe::error::RecipeErrors;
use crate::recipe::graph::UnknownComponent;
use crate::recipe::policy::Refused;
use crate::recipe::rule::RuleError;
use crate::recipe::vars::VarError;
use crate::source::SourceError;
use crate::store::StoreError;
use crate::trial::TrialError;
use crate::work::WorkError;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "variants that only carry a stage's own error are documented there")]
pub enum PipelineError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Objects(#[from] ObjectsError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Series(#[from] SeriesErrors),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Work(#[from] WorkError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Life(#[from] LifeError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    New(#[from] NewError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeErrors),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Relist(#[from] RelistError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Go(#[from] GoError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rewrite(#[from] RewriteError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Component(#[from] UnknownComponent),
    #[error(transparent)]
    #[diagnostic(transparent)]
    MakeLine(#[from] MakeLineError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Args(#[from] ArgsError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Variable(#[from] VarError),
    /// A captured flag names a program.
    #[error("the `go build` line of {component}'s Makefile: {source}")]
    #[diagnostic(help("{}", source.help().unwrap_or_default()))]
    Flag {
        /// The component.
        component: ComponentName,
        /// What is refused.
        source: Refused,
    },
    /// Nothing in the recipe is a program.
    #[error("the recipe {0} has no component that can be built")]
    #[diagnostic(help("a program needs a [[build]] block, in its upstream or in the recipe"))]
    NothingToBuild(RecipeName),
    /// A component without patches was named.
    #[error("{0} has no series")]
    #[diagnostic(help(
        "`series = [\"NAME\"]` gives it the patches of patches/UPSTREAM/NAME; an empty series.toml in that folder begins a new one"
    ))]
    NoSeries(ComponentName),
    /// No component has patches.
    #[error("no component of the recipe {0} has a series: there is nothing to judge")]
    #[diagnostic(help("`forge list` shows the recipes and their series"))]
    NothingToJudge(RecipeName),
    /// A series does not apply.
    #[error("{component} {release}: {} of the series does not apply", failures.iter().map(|f| f.at.patch.to_string()).collect::<Vec<_>>().join(", "))]
    Patches {
        /// The component.
        component: ComponentName,
        /// The release.
        release: Revision,
        /// Each patch that fails, explained.
        failures: Vec<PatchFailure>,
    },
    /// A patch changes a vendor folder.
    #[error("{component}: the patch {patch} changes {path}, and this program's modules are vendored")]
    #[diagnostic(help("patch the module itself: make it a component of the recipe and `replace` it"))]
    Vendor {
        /// The component.
        component: ComponentName,
        /// The patch.
        patch: String,
        /// The file.
        path: String,
    },
    /// The lock would change, and may not.
    #[error("the lock {} is not up to date", path.display())]
    #[diagnostic(help("run the command without --locked, look at what changes, and commit the lock"))]
    OutOfDate {
        /// The lock.
        path: PathBuf,
        /// What would change.
        changes: Vec<String>,
    },
    /// `--locked` with `COMPONENT@REQ`.
    #[error("{0} is resolved afresh, without the lock: --locked cannot hold for it")]
    #[diagnostic(help("drop --locked, or name the component without @"))]
    LockedAdHoc(String),
    /// The argument list is not known without running the upstream's Makefile.
    #[error("the flags of {0} come from its Makefile, and are not locked yet for these sources")]
    #[diagnostic(help("`forge lock` runs `make -n`, and with it the $(shell ...) parts that the upstream wrote, as you"))]
    FlagsNotLocked(ComponentName),
    /// A component that follows its users is not required by one of them.
    #[error("{component}: {program} {release} does not require {module}")]
    #[diagnostic(help("{hint}"))]
    NotRequired {
        /// The component that follows.
        component: ComponentName,
        /// The program.
        program: ComponentName,
        /// Its release.
        release: Revision,
        /// The module.
        module: ModulePath,
        /// The nearest required module.
        hint: String,
    },
    /// Two things would be placed in the same folder.
    #[error("{first} and {second}: both would be placed in ./.forge/{name}")]
    #[diagnostic(help("the folder is named after the component, or the last part of the path: rename one of them"))]
    SamePlace {
        /// The name.
        name: ComponentName,
        /// The replacement that comes first.
        first: String,
        /// The other one.
        second: String,
    },
    /// The upstream does not say which Go it wants.
    #[error("{component} {release}: cannot tell the Go version: {reason}")]
    #[diagnostic(help("set `go` in the upstream file, or `go = \"1.26.5\"` for the component"))]
    NoGoVersion {
        /// The component.
        component: ComponentName,
        /// The release.
        release: Revision,
        /// What was looked for.
        reason: String,
    },
    /// A Go without flags that forge passes.
    #[error("{component} {release} wants Go {go}: forge drives Go 1.18 and newer, which have -buildvcs")]
    #[diagnostic(help(
        "newer Go builds older modules: say `go = \"1.20.14\"` for the component, and `mod = \"tidy\"` where go asks for it"
    ))]
    OldGo {
        /// The component.
        component: ComponentName,
        /// The release.
        release: Revision,
        /// Its Go.
        go: GoVersion,
    },
    /// A program that looks for nothing at its own end.
    #[error("{0} takes no payload: its upstream does not say that it does")]
    #[diagnostic(help(
        "write payload = {{ versions = \">=1.2\" }} into the upstream file, with the releases that read a zip at their own end"
    ))]
    NoPayload(ComponentName),
    /// Nothing says where released programs are.
    #[error("{0}: payload = {{ from = \"release\" }}, and nothing says where the released program is")]
    #[diagnostic(help(
        "write payload = {{ asset = \"https://HOST/{{version}}/NAME-{{version}}-{{arch}}\" }} into the upstream file, beside `versions`"
    ))]
    NoAsset(ComponentName),
    /// A released program is another one than it was.
    #[error("{component}: {asset} is another file than the locked one: its SHA-256 is {found}, and {locked} is locked")]
    #[diagnostic(help(
        "ask upstream why it was replaced; if it is right, remove the [component.payload] table of {component} from the lock and run `forge lock`"
    ))]
    AssetMoved {
        /// The component.
        component: ComponentName,
        /// The address.
        asset: WebUrl,
        /// What the lock has.
        locked: Sha256,
        /// What came.
        found: Sha256,
    },
    /// A released program is not what upstream's own list says.
    #[error("{component}: the SHA-256 of {asset} is {found}, and {sums} {listed}")]
    #[diagnostic(help("upstream's release contradicts itself, or somebody on the way changed it: do not build from it"))]
    AssetSum {
        /// The component.
        component: ComponentName,
        /// The address.
        asset: WebUrl,
        /// What came.
        found: Sha256,
        /// The list.
        sums: WebUrl,
        /// What it says.
        listed: String,
    },
    /// A released program is not in the store, and may not be fetched.
    #[error("{component}: {asset} is not in the store, and --offline forbids to fetch it")]
    #[diagnostic(help("run `forge fetch` once without --offline"))]
    AssetOffline {
        /// The component.
        component: ComponentName,
        /// The address.
        asset: WebUrl,
    },
    /// A released program could not be fetched.
    #[error("{component}: the released program cannot be fetched: {source}")]
    #[diagnostic(help(
        "does the release have that file? `asset` of the upstream's `payload` says where it is; `--payload FILE` takes another one"
    ))]
    AssetFetch {
        /// The component.
        component: ComponentName,
        /// What failed.
        source: NetError,
    },
    /// A release whose payload belongs to its code.
    #[error(
        "{component} {release} takes no payload: only releases {versions} find one at their end, in others it is tied to the program when that is compiled"
    )]
    #[diagnostic(help("build it as upstream does, with everything embedded: --driver docker"))]
    PayloadTied {
        /// The component.
        component: ComponentName,
        /// The release.
        release: Revision,
        /// The releases that take one.
        versions: String,
    },
    /// A make whose result is not named.
    #[error("{component} {release}: no {driver} block says what make leaves")]
    #[diagnostic(help("write output = \"FILE\" into the upstream's [[build]] with driver = {driver:?}"))]
    NoOutput {
        /// The component.
        component: ComponentName,
        /// The release.
        release: Revision,
        /// The driver.
        driver: &'static str,
    },
    /// Another component's source overridden in a way that cannot work.
    #[error("--source {component}: {reason}")]
    Override {
        /// The component.
        component: ComponentName,
        /// What is wrong.
        reason: String,
    },
    /// A build failed; its tree was kept.
    #[error("{component} {release} for {target}: {source}")]
    BuildFailed {
        /// The component.
        component: ComponentName,
        /// The release.
        release: Revision,
        /// The platform.
        target: String,
        /// What failed.
        #[source]
        source: Box<PipelineError>,
        /// The kept tree.
        tree: PathBuf,
        /// The log.
        log: PathBuf,
        /// The command that leads into a tree like it.
        shell: String,
    },
    /// The tree that several platforms share could not be prepared for the first of them.
    #[error("{component} {release} for {target}: not built, since the tree that it shares with {first} could not be prepared")]
    NotPrepared {
        /// The component.
        component: ComponentName,
        /// The release.
        release: Revision,
        /// The platform.
        target: Target,
        /// The platform whose build tells why.
        first: Target,
    },
    /// A recipe says nothing of what to deploy.
    #[error("the recipe {0} has no kit")]
    #[diagnostic(help("a recipe lists the files of its kit as [[kit]]: `name`, with `binary` or `template`"))]
    NoKit(RecipeName),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Trial(#[from] TrialError),
    /// A recipe says nothing of what to try.
    #[error("the recipe {0} has no trial")]
    #[diagnostic(help("a recipe lists the steps of its trial as [[trial]]: `run`, `outside`, `reboot`, `empty` or `put`"))]
    NoTrial(RecipeName),
    /// None of its steps is for what was asked.
    #[error("no step of the trial of {recipe} is for the scenario {scenario}")]
    #[diagnostic(help("`scenarios` of each [[trial]] says which ones it is for"))]
    NoTrialHere {
        /// The recipe.
        recipe: RecipeName,
        /// The scenario.
        scenario: String,
    },
    /// No step takes what the user brings.
    #[error("no step of the trial of {0} takes a payload")]
    #[diagnostic(help("`payload = \"any\"` in a [[trial]] makes it a step that needs one"))]
    NoTrialPayload(RecipeName),
    /// Hosts of a role that no step names.
    #[error("no step of the trial is taken on {role}")]
    #[diagnostic(help("the roles are {}", known.join(", ")))]
    NoRole {
        /// What was asked for.
        role: ComponentName,
        /// What there is.
        known: Vec<String>,
    },
    /// A variable of a template has no value.
    #[error("{file}:{line}: {source}")]
    Template {
        /// The template.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        source: VarError,
    },
    /// A build that was there a moment ago is not there any more.
    #[error("the finished build of {0} is gone from the store")]
    #[diagnostic(help("was the store cleaned meanwhile? Try again"))]
    Lost(ComponentName),
    /// The output folder exists and holds something.
    #[error("{} is not empty", path.display())]
    #[diagnostic(help("name a new or empty folder with --out"))]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}
