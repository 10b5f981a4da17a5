//! How one release is built: the driver, and the `[[build]]` blocks that match it, merged.

use std::collections::BTreeMap;

use super::model::{BuildBlock, Driver, Upstream};
use crate::names::{EnvName, RelPath, UpstreamName};
use crate::release::Release;

/// How one release is built. Variables are not filled in yet.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildRule {
    /// How the build is driven.
    pub driver: Driver,
    /// At lock time the one `go build` line of `make -n`, run as [`BuildRule::make`] says, gives packages and flags; `tags`,
    /// `ldflags` and `flags` come on top.
    pub flags_from_make: bool,
    /// Packages for `go build`; `["."]` where no block names any. Without meaning under `flags_from_make`.
    pub packages: Vec<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// Linker flags, to be joined by spaces.
    pub ldflags: Vec<String>,
    /// Further flags of `go build`.
    pub flags: Vec<String>,
    /// CGO on or off, off where no block says so; under `flags_from_make`, `None` leaves it to the make line.
    pub cgo: Option<bool>,
    /// Whether the tree is made a git repository and stamped.
    pub vcs: bool,
    /// Environment of the build.
    pub env: BTreeMap<EnvName, String>,
    /// Commands that run in the tree before the build.
    pub prepare: Vec<Vec<String>>,
    /// The build image (docker).
    pub image: Option<String>,
    /// What the blocks for make say; for the drivers make and docker, and for `flags_from_make`.
    pub make: MakeRule,
    /// Flags and variables that were opted into, for `policy`: the lock checks a captured line with them.
    pub allow: Vec<String>,
}

/// How make is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MakeRule {
    /// The goal; `None` is the Makefile's own default.
    pub goal: Option<String>,
    /// Arguments.
    pub args: Vec<String>,
    /// Files to touch first.
    pub touch: Vec<RelPath>,
    /// The file that make leaves.
    pub output: Option<String>,
}

/// No way to build this release.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum RuleError {
    /// It is a module for other components.
    #[error("upstream {upstream} has no [[build]]: it is a module for other components, not a program")]
    NotProgram {
        /// The upstream.
        upstream: UpstreamName,
    },
    /// No block is for this release.
    #[error("upstream {upstream} has no [[build]] for {release}: {}", ranges.join("; "))]
    Unbuildable {
        /// The upstream.
        upstream: UpstreamName,
        /// The release, or that there is none.
        release: String,
        /// The ranges that there are blocks for.
        ranges: Vec<String>,
        /// What to do.
        #[help]
        help: Option<String>,
    },
    /// No block is for this driver.
    #[error("upstream {upstream} cannot be built by driver {}", driver.name())]
    #[diagnostic(help("for this release there are: {}", drivers.iter().map(|d| d.name()).collect::<Vec<_>>().join(", ")))]
    NoDriver {
        /// The upstream.
        upstream: UpstreamName,
        /// What was asked for.
        driver: Driver,
        /// What there is.
        drivers: Vec<Driver>,
    },
}

impl Driver {
    /// As it is written in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Make => "make",
            Self::Docker => "docker",
        }
    }
}

/// The rule for one release. The first matching block with a driver gives the driver, the recipe's own blocks before the
/// upstream's; `driver` (from `--driver`) overrides. Then all matching blocks of that driver, and those without one, are
/// merged in order, the upstream's first: lists and words replace, `env` merges by name.
///
/// Without a release (a branch or a commit without `as`) only blocks without `versions` match.
pub fn build_rule(upstream: &Upstream, release: Option<&Release>, driver: Option<Driver>) -> Result<BuildRule, RuleError> {
    if upstream.builds.is_empty() {
        return Err(RuleError::NotProgram { upstream: upstream.name.clone() });
    }
    let matching: Vec<&BuildBlock> = upstream.builds.iter().filter(|block| block.matches(release)).collect();
    if matching.is_empty() {
        return Err(unbuildable(upstream, release));
    }
    let drivers = drivers_of(&matching);
    let driver = match driver {
        Some(driver) if !drivers.contains(&driver) => {
            return Err(RuleError::NoDriver { upstream: upstream.name.clone(), driver, drivers });
        }
        Some(driver) => driver,
        None => {
            let own = matching.iter().filter(|block| block.of_recipe).find_map(|block| block.driver);
            own.or_else(|| matching.iter().find_map(|block| block.driver)).unwrap_or(Driver::Go)
        }
    };
    let mut rule = BuildRule::empty(driver);
    let mut packages = None;
    for block in matching.iter().filter(|block| block.driver.is_none_or(|d| d == driver)) {
        // `packages` and `flags_from` say the same thing in two ways: the later one holds.
        if let Some(listed) = &block.packages {
            packages = Some(listed.clone());
            rule.flags_from_make = false;
        }
        rule.flags_from_make |= block.flags_from_make;
        rule.merge(block);
        rule.make.merge(block);
    }
    if rule.flags_from_make && driver == Driver::Go {
        // The line comes from the make that the upstream's own blocks describe.
        rule.make = MakeRule::default();
        for block in matching.iter().filter(|block| block.driver.is_none_or(|d| d == Driver::Make)) {
            rule.make.merge(block);
        }
    } else {
        rule.flags_from_make = false;
        rule.cgo = Some(rule.cgo.unwrap_or(false));
    }
    rule.packages = packages.unwrap_or_else(|| vec![".".to_owned()]);
    Ok(rule)
}

/// The drivers that have a block; blocks without a driver alone are built by go.
fn drivers_of(matching: &[&BuildBlock]) -> Vec<Driver> {
    let mut drivers = Vec::new();
    for driver in matching.iter().filter_map(|block| block.driver) {
        if !drivers.contains(&driver) {
            drivers.push(driver);
        }
    }
    if drivers.is_empty() {
        drivers.push(Driver::Go);
    }
    drivers
}

fn unbuildable(upstream: &Upstream, release: Option<&Release>) -> RuleError {
    let mut ranges: Vec<String> = Vec::new();
    for range in upstream.builds.iter().filter_map(|block| block.versions.as_ref()) {
        let range = format!("there is one for {range}");
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }
    let (release, help) = match release {
        Some(release) => (release.to_string(), None),
        None => {
            let help = "its blocks are for versions: add as = \"v1.2.3\" to the component";
            ("a branch or commit without a version".to_owned(), Some(help.to_owned()))
        }
    };
    RuleError::Unbuildable { upstream: upstream.name.clone(), release, ranges, help }
}

impl BuildBlock {
    /// True where the block is for this release.
    pub fn matches(&self, release: Option<&Release>) -> bool {
        match (&self.versions, release) {
            (None, _) => true,
            (Some(range), Some(release)) => range.matches(release),
            (Some(_), None) => false,
        }
    }
}

impl BuildRule {
    fn empty(driver: Driver) -> Self {
        Self {
            driver,
            flags_from_make: false,
            packages: Vec::new(),
            tags: Vec::new(),
            ldflags: Vec::new(),
            flags: Vec::new(),
            cgo: None,
            vcs: false,
            env: BTreeMap::new(),
            prepare: Vec::new(),
            image: None,
            make: MakeRule::default(),
            allow: Vec::new(),
        }
    }

    fn merge(&mut self, block: &BuildBlock) {
        replace(&mut self.tags, &block.tags);
        replace(&mut self.ldflags, &block.ldflags);
        replace(&mut self.flags, &block.flags);
        replace(&mut self.prepare, &block.prepare);
        replace(&mut self.vcs, &block.vcs);
        self.cgo = block.cgo.or(self.cgo);
        self.image = block.image.clone().or_else(|| self.image.take());
        self.env.extend(block.env.iter().map(|(name, value)| (name.clone(), value.clone())));
        for word in &block.allow {
            if !self.allow.contains(word) {
                self.allow.push(word.clone());
            }
        }
    }
}

impl MakeRule {
    fn merge(&mut self, block: &BuildBlock) {
        self.goal = block.goal.clone().or_else(|| self.goal.take());
        self.output = block.output.clone().or_else(|| self.output.take());
        replace(&mut self.args, &block.args);
        replace(&mut self.touch, &block.touch);
    }
}

fn replace<T: Clone>(old: &mut T, new: &Option<T>) {
    if let Some(new) = new {
        old.clone_from(new);
    }
}
