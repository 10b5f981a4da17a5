//! The plan: everything that a build will do, computed from recipe, lock and host without doing it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::{ComponentName, EnvName, GoVersion, RecipeName, Revision, Sha256, Target, TreeId};
use crate::plan::args::{EditArgs, GoArgs};
use crate::plan::key::KeyBuilder;
use crate::plan::lock::{BuildLock, LockEntry, ModLock, Origin};
use crate::plan::make::{MakeBuild, common, make_build};
use crate::plan::payload::Payload;
use crate::recipe::model::{Component, Expect};
use crate::recipe::vars::{VarError, expand_target};

/// Why a plan cannot be made from a lock.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PlanError {
    /// The component is not a program.
    #[error("{0} has no build rule: it is built as a part of another component")]
    #[diagnostic(help("`forge list` shows what can be built"))]
    NotAProgram(ComponentName),
    /// A variable cannot be filled in.
    #[error("{component}: {source}")]
    Variable {
        /// The component.
        component: ComponentName,
        /// The variable.
        source: VarError,
    },
    /// A word of the lock is no longer what it was when it was written.
    #[error(transparent)]
    Name(#[from] crate::names::NameError),
}

/// All builds of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The recipe.
    pub recipe: RecipeName,
    /// Where the recipe was found.
    pub origin: String,
    /// One per component, line and target.
    pub builds: Vec<BuildPlan>,
}

/// One build: a component at a release for a target.
#[derive(Debug, Clone, Serialize)]
pub struct BuildPlan {
    /// The component.
    pub component: ComponentName,
    /// The line or version that the recipe names.
    pub wanted: String,
    /// The release.
    pub version: Revision,
    /// The platform.
    pub target: Target,
    /// Name of the artifact in the output folder.
    pub file_name: String,
    /// The main tree.
    pub sources: Sources,
    /// What is placed inside it.
    pub parts: Vec<Part>,
    /// go.mod as it is built, where it is rewritten.
    pub module: Option<ModLock>,
    /// The build itself.
    pub build: GoBuild,
    /// What is appended to the binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
    /// The facts that are checked afterwards, a line each.
    pub expect: Vec<String>,
    /// Module paths that the build info must show as replaced, with what stands in their place.
    pub replaced: BTreeMap<String, String>,
    /// Digest of everything that can change the binary.
    pub key: Sha256,
}

/// A tree and the series on it.
#[derive(Debug, Clone, Serialize)]
pub struct Sources {
    /// Where it comes from.
    pub origin: Origin,
    /// The version of a module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The unpatched tree.
    pub tree: TreeId,
    /// The tree after the series.
    pub result: TreeId,
    /// The patches, `SERIES/FILE`, in order.
    pub patches: Vec<String>,
}

/// A tree inside the main tree.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Its name below `.forge`.
    pub name: ComponentName,
    /// The release of a component; `None` for a copied folder.
    pub version: Option<Revision>,
    /// Its tree; a copied folder has no origin.
    pub sources: Option<Sources>,
    /// The tree that is placed.
    pub tree: TreeId,
}

/// One `go build`, or one `make`.
#[derive(Debug, Clone, Serialize)]
pub struct GoBuild {
    /// The exact version.
    pub go: GoVersion,
    /// CGO on or off.
    pub cgo: bool,
    /// The pinned environment with what the recipe adds.
    pub env: BTreeMap<String, String>,
    /// What the recipe adds alone.
    #[serde(skip)]
    pub extra_env: BTreeMap<EnvName, String>,
    /// Commands in the tree before.
    pub prepare: Vec<Vec<String>>,
    /// Arguments after `go`, without `-o`; or after `make`.
    pub args: Vec<String>,
    /// What else there is to say where make drives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<MakeBuild>,
    /// Time of the commit that the tree is stamped with (seconds since 1970), where it is.
    pub stamp: Option<i64>,
}

/// What a plan needs to know of the machine.
pub struct Host {
    /// Where the compiler comes from (`GoBin::kind_for`).
    pub go_kind: String,
    /// What identifies the C compiler; empty without CGO.
    pub c_compiler: String,
    /// Variables of the user that CGO passes on.
    pub c_env: BTreeMap<String, String>,
    /// What identifies make, and the container engine where there is one; empty where go drives.
    pub make: String,
}

/// Everything that one plan is made from.
pub struct Request<'a> {
    /// The recipe's name.
    pub recipe: &'a RecipeName,
    /// The component.
    pub component: &'a Component,
    /// Its lock entry.
    pub entry: &'a LockEntry,
    /// Its parts: components and folders.
    pub parts: Vec<Part>,
    /// Its patches, for showing.
    pub patches: Vec<String>,
    /// The platform.
    pub target: &'a Target,
    /// The machine.
    pub host: &'a Host,
    /// What is appended to the binary.
    pub payload: Option<Payload>,
    /// True where the artifact must not be taken for the recipe's own.
    pub local: bool,
}

/// Makes the plan of one build. `pinned` is the Go environment for the version, target and CGO setting.
pub fn plan_build(request: Request<'_>, pinned: BTreeMap<String, String>) -> Result<BuildPlan, PlanError> {
    let Request { recipe, component, entry, parts, patches, target, host, payload, local } = request;
    let name = &component.name;
    let (Some(rule), Some(go)) = (&entry.build, &entry.go) else {
        return Err(PlanError::NotAProgram(name.clone()));
    };
    let fill = |text: &str| expand_target(text, target).map_err(|source| PlanError::Variable { component: name.clone(), source });
    let build = go_build(rule, go, entry, pinned, &fill)?;
    let replaced = replaced(entry.module.as_ref());
    let expect = component.expect.iter().flat_map(describe).collect::<Vec<_>>();
    let mut key = KeyBuilder::default()
        .field("component", name.as_str())
        .field("version", entry.release.as_str())
        .field("target", target.to_string())
        .field("tree", entry.result.as_str())
        .field("go", go.as_str())
        .field("goroot", &host.go_kind)
        .field("stamp", format!("{:?}", build.stamp))
        .list("args", &build.args)
        .list("env", build.env.iter().map(|(k, v)| format!("{k}={v}")))
        .list("expect", component.expect.iter().map(|e| format!("{e:?}")));
    for command in &build.prepare {
        key = key.list("prepare", command);
    }
    for part in &parts {
        key = key.field("part", part.name.as_str()).field("part-tree", part.tree.as_str());
    }
    if let Some(module) = &entry.module {
        key = key.field("go.mod", &module.go_mod).field("go.sum", module.go_sum.as_deref().unwrap_or_default());
    }
    if let Some(make) = &build.make {
        key = key
            .field("driver", make.driver.name())
            .list("touch", make.touch.iter().map(crate::names::RelPath::as_str))
            .field("output", make.output.as_str())
            .field("make", &host.make);
    }
    // What a Makefile decides about CGO is not known before it runs.
    if build.cgo || build.make.is_some() {
        key = key.field("cc", &host.c_compiler).list("c-env", host.c_env.iter().map(|(k, v)| format!("{k}={v}")));
    }
    if let Some(payload) = &payload {
        key = key.field("payload", payload.sha256.as_str());
    }
    let key = key.finish();
    let wanted = match &entry.pick {
        crate::plan::lock::Pick::Wanted(text) => text.clone(),
        crate::plan::lock::Pick::Pinned(version) => version.to_string(),
    };
    let mark = if local { format!("-local.{}", &key.as_str()[..8]) } else { String::new() };
    let exe = if target.os() == "windows" { ".exe" } else { "" };
    let version = entry.release.as_str().replace('/', "-");
    let file_name = format!("{name}-{version}-{recipe}-{}-{}{mark}{exe}", target.os(), target.arch());
    Ok(BuildPlan {
        component: name.clone(),
        wanted,
        version: entry.release.clone(),
        target: target.clone(),
        file_name,
        sources: Sources {
            origin: entry.origin.clone(),
            version: None,
            tree: entry.tree.clone(),
            result: entry.result.clone(),
            patches,
        },
        parts,
        module: entry.module.clone(),
        build,
        payload,
        expect,
        replaced,
        key,
    })
}

/// What runs, and in which environment.
fn go_build(
    rule: &BuildLock,
    go: &GoVersion,
    entry: &LockEntry,
    pinned: BTreeMap<String, String>,
    fill: &impl Fn(&str) -> Result<String, PlanError>,
) -> Result<GoBuild, PlanError> {
    let build = common(rule, go, pinned, fill)?;
    if let Some(make) = &rule.make {
        let stamp = stamp(rule, entry);
        return Ok(GoBuild { stamp, ..make_build(make, rule, entry, build, fill)? });
    }
    let mut args = GoArgs {
        flags: rule.args.flags.iter().map(|f| fill(f)).collect::<Result<_, _>>()?,
        packages: rule.args.packages.iter().map(|p| fill(p)).collect::<Result<_, _>>()?,
    };
    // Without a word on it go would look for a repository around the tree, and find the user's own.
    if rule.vcs {
        args.set("buildvcs", "true");
    } else if !args.has("buildvcs") {
        args.set("buildvcs", "false");
    }
    // A vendor folder is not consulted once go.mod has changed: it would be "inconsistent vendoring".
    if entry.module.is_some() {
        args.set("mod", "readonly");
    }
    let args = ["build".to_owned()].into_iter().chain(args.flags).chain(["--".to_owned()]).chain(args.packages).collect();
    Ok(GoBuild { args, stamp: stamp(rule, entry), ..build })
}

/// The time of the commit that the tree is stamped with, where it is.
fn stamp(rule: &BuildLock, entry: &LockEntry) -> Option<i64> {
    rule.vcs.then_some(match &entry.origin {
        Origin::Git { time, .. } => *time,
        _ => 0,
    })
}

/// What the build info must say, read from the arguments that `go mod edit` was given.
fn replaced(module: Option<&ModLock>) -> BTreeMap<String, String> {
    let edits = module.map(|m| m.edit.0.as_slice()).unwrap_or_default();
    edits
        .iter()
        .filter_map(|edit| edit.strip_prefix("-replace=")?.split_once('='))
        .map(|(old, new)| (old.split('@').next().unwrap_or(old).to_owned(), new.to_owned()))
        .collect()
}

/// An expectation in words, for people.
fn describe(expect: &Expect) -> Vec<String> {
    match expect {
        Expect::Has(words) => words.iter().map(|w| format!("has {w}")).collect(),
        Expect::Run { args, exit, stdout, stderr, .. } => {
            let mut line = format!("run {}: exit {exit}", shlex::try_join(args.iter().map(String::as_str)).unwrap_or_default());
            for (stream, rule) in [("stdout", stdout), ("stderr", stderr)] {
                for (verb, texts) in [("contains", &rule.contains), ("lacks", &rule.lacks)] {
                    texts.iter().for_each(|t| line.push_str(&format!(", {stream} {verb} {t:?}")));
                }
                rule.equals.iter().for_each(|t| line.push_str(&format!(", {stream} equals {t:?}")));
                rule.matches.iter().for_each(|t| line.push_str(&format!(", {stream} matches {:?}", t.as_str())));
            }
            vec![line]
        }
    }
}

/// The arguments of `go mod edit`, for whoever shows a plan.
pub fn edit_args(module: &ModLock) -> &EditArgs {
    &module.edit
}
