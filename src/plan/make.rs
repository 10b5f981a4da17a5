//! How make is called by the drivers `make` and `docker`, as the lock has it and as a plan does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::names::{EnvName, GoVersion, RelPath};
use crate::plan::lock::{BuildLock, LockEntry};
use crate::plan::model::{GoBuild, PlanError};
use crate::recipe::model::Driver;

/// What leads a container client to its engine. Nothing else of it reaches make.
pub const ENGINE_ENV: [&str; 10] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "CONTAINER_HOST",
    "CONTAINERS_CONF",
    "XDG_RUNTIME_DIR",
];

/// How make is called. Every variable is filled in but `{os}`, `{arch}` and `{target_dir}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MakeLock {
    /// `make` or `docker`.
    pub driver: Driver,
    /// Goal and arguments.
    pub args: Vec<String>,
    /// Files to touch first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touch: Vec<RelPath>,
    /// The file that make leaves.
    pub output: String,
    /// The base of the build image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// What a plan says of a build by make; the arguments are those of [`GoBuild`].
#[derive(Debug, Clone, Serialize)]
pub struct MakeBuild {
    /// `make` or `docker`.
    pub driver: Driver,
    /// Files that are touched first.
    pub touch: Vec<RelPath>,
    /// The file that make leaves.
    pub output: RelPath,
    /// The base of the build image.
    pub image: Option<String>,
}

impl MakeBuild {
    /// Whether make starts containers.
    pub fn in_containers(&self) -> bool {
        self.driver == Driver::Docker
    }
}

/// What `GOFLAGS` is for a make that calls go: no repository around the tree is asked for a version, and a vendor folder is
/// not consulted once go.mod has changed. None of it shows in a binary.
fn go_flags(rule: &BuildLock, entry: &LockEntry) -> String {
    let mut flags = vec![format!("-buildvcs={}", rule.vcs)];
    if entry.module.is_some() {
        flags.push("-mod=readonly".to_owned());
    }
    flags.join(" ")
}

/// The build by make. `build` is what is common to all drivers.
pub(super) fn make_build(
    make: &MakeLock,
    rule: &BuildLock,
    entry: &LockEntry,
    mut build: GoBuild,
    fill: &impl Fn(&str) -> Result<String, PlanError>,
) -> Result<GoBuild, PlanError> {
    build.args = make.args.iter().map(|arg| fill(arg)).collect::<Result<_, _>>()?;
    if let Some(image) = &make.image
        && !build.args.iter().any(|arg| arg.starts_with("GOLANG_IMAGE="))
    {
        build.args.push(format!("GOLANG_IMAGE={}", fill(image)?));
    }
    build.env.entry("GOFLAGS".into()).and_modify(|flags| *flags = go_flags(rule, entry));
    let mut touch = make.touch.clone();
    // make would take an edited go.mod for a reason to tidy: the lock has both files as they are to be.
    let go_sum = RelPath::new("go.sum")?;
    if entry.module.as_ref().is_some_and(|module| module.go_sum.is_some()) && !touch.contains(&go_sum) {
        touch.push(go_sum);
    }
    let image = make.image.as_deref().map(fill).transpose()?;
    build.make = Some(MakeBuild { driver: make.driver, touch, output: RelPath::new(fill(&make.output)?)?, image });
    Ok(build)
}

/// A build without a command yet: Go, environment and preparation.
pub(super) fn common(
    rule: &BuildLock,
    go: &GoVersion,
    mut env: BTreeMap<String, String>,
    fill: &impl Fn(&str) -> Result<String, PlanError>,
) -> Result<GoBuild, PlanError> {
    let mut extra_env: BTreeMap<EnvName, String> = BTreeMap::new();
    for (name, value) in &rule.env {
        let value = fill(value)?;
        env.insert(name.to_string(), value.clone());
        extra_env.insert(name.clone(), value);
    }
    let prepare = rule.prepare.iter().map(|c| c.iter().map(|w| fill(w)).collect()).collect::<Result<_, _>>()?;
    Ok(GoBuild { go: go.clone(), cgo: rule.cgo, env, extra_env, prepare, args: Vec::new(), make: None, stamp: None })
}
