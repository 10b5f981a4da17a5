//! Resolving: recipe and lock become lock entries that hold, with everything behind them present in the store.
//!
//! An entry that was verified against the same recipe, series and folders before is taken at once, without git, go or objects:
//! that is what makes an unchanged build return in milliseconds (`verified`). What is placed inside a tree is in `inside`, the
//! work on go.mod in `operations`, the argument list in `capture`, sources and series in `parts`.

use crate::gomod::{GoModFile, Operations, lacks_buildvcs, toolchain_of};
use crate::names::{ComponentName, GoVersion, RelPath, Revision, TreeId};
use crate::patch::PatchedTree;
use crate::pipeline::error::PipelineError;
use crate::pipeline::operations::same_parts;
use crate::pipeline::parts::Base;
use crate::pipeline::select::{Pick, Selected};
use crate::pipeline::session::{Session, Trust};
use crate::plan::{self, Lock, LockEntry, Origin};
use crate::recipe::model::{Component, Driver, GoRule, Source};
use crate::recipe::rule::{BuildRule, build_rule};
use crate::recipe::vars::Variables;
use crate::release::Release;

/// Whether entries of the lock count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What the lock pins stays pinned.
    Keep,
    /// Everything is asked anew.
    Fresh,
}

/// A component whose entry holds.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Its entry.
    pub entry: LockEntry,
    /// What is placed inside, in go.mod's order.
    pub parts: Vec<ResolvedPart>,
    /// Its patches for this release, `SERIES/FILE`.
    pub patches: Vec<String>,
}

/// Something placed at `./.forge/NAME`.
#[derive(Debug, Clone)]
pub struct ResolvedPart {
    /// Its name.
    pub name: ComponentName,
    /// The entry of a component; a copied folder has none.
    pub entry: Option<LockEntry>,
    /// The tree that is placed.
    pub tree: TreeId,
    /// Its patches.
    pub patches: Vec<String>,
}

impl Session<'_> {
    /// Makes sure that `lock` has an entry that holds for this release, and gives it. `before` is the lock as it was before
    /// anything was resolved.
    pub fn resolve(
        &self,
        selected: &Selected<'_>,
        lock: &mut Lock,
        before: &Lock,
        mode: Mode,
    ) -> Result<Resolved, PipelineError> {
        let Selected { component, pick } = selected;
        let key = pick.key();
        let locked = if mode == Mode::Keep { lock.find(&component.name, &key) } else { None };
        let locked = locked.map(|entry| as_the_recipe_names_it(component, pick, entry.clone()));
        if let Some(entry) = &locked
            && let Some(known) = self.recall(component, entry, lock)?
        {
            lock.put(known.entry.clone());
            return Ok(known);
        }
        self.check_interrupt()?;
        let base = match &locked {
            Some(entry) => self.base_of_entry(component, entry)?,
            None => self.base_of_pick(component, pick)?,
        };
        let series = self.series_of(component)?;
        let patched = self.patched(component, &series, &base)?;
        let (parts, mut operations) = self.parts(component, &base, lock, mode)?;
        self.plain_operations(component, locked.as_ref(), &mut operations)?;
        let unchanged = locked.as_ref().filter(|e| e.result == *patched.tree() && same_parts(e, before, &parts));
        let old = locked.as_ref().or_else(|| before.find(&component.name, &key));
        let entry = self.entry(component, key.clone(), &base, &patched, &parts, operations, unchanged, old)?;
        lock.put(entry.clone());
        let resolved = Resolved { entry, parts, patches: applied(&patched) };
        if self.options.trust != Trust::Sources {
            self.remember(component, &resolved, &series)?;
        }
        Ok(resolved)
    }

    #[expect(clippy::too_many_arguments, reason = "an entry is made of all of them, once")]
    fn entry(
        &self,
        component: &Component,
        key: plan::Pick,
        base: &Base,
        patched: &PatchedTree,
        parts: &[ResolvedPart],
        operations: Operations,
        same_tree: Option<&LockEntry>,
        before: Option<&LockEntry>,
    ) -> Result<LockEntry, PipelineError> {
        let release = Release::parse(&base.release);
        let rule = build_rule(&component.upstream, release.as_ref(), self.options.driver)?;
        let go = match &component.go {
            Some(go) => go.clone(),
            None => self.go_version(component, &base.release, patched)?,
        };
        if rule.driver == Driver::Go && lacks_buildvcs(&go) {
            return Err(PipelineError::OldGo { component: component.name.clone(), release: base.release.clone(), go });
        }
        let variables = variables(base, &self.targets()[0]);
        let build = self.build_lock(component, &rule, &variables, &go, patched, same_tree)?;
        let payload = self.released(component, &variables, &build, before)?;
        let uses = parts.iter().filter_map(|p| p.entry.as_ref().map(|e| (p.name.clone(), e.release.clone()))).collect();
        let module = self.module_lock(component, operations, &build, &go, patched, parts, same_tree)?;
        Ok(LockEntry {
            name: component.name.clone(),
            pick: key,
            release: base.release.clone(),
            origin: base.origin.clone(),
            tree: base.checkout.tree().clone(),
            result: patched.tree().clone(),
            uses,
            go: Some(go),
            build: Some(build),
            module,
            payload,
        })
    }

    /// The Go version that the patched tree asks for.
    fn go_version(&self, component: &Component, release: &Revision, patched: &PatchedTree) -> Result<GoVersion, PipelineError> {
        let fail =
            |reason: String| PipelineError::NoGoVersion { component: component.name.clone(), release: release.clone(), reason };
        let objects = patched.objects()?;
        let (file, text) = match &component.upstream.go {
            GoRule::GoMod => {
                let path = RelPath::new("go.mod")?;
                let text = objects.read(patched.tree(), &path)?.ok_or_else(|| fail("there is no go.mod".into()))?;
                let file = GoModFile::read(&self.any_go()?, &text)?;
                let found = file.go_version().ok_or_else(|| fail("go.mod has no go line".into()))?;
                (path, found.to_owned())
            }
            GoRule::Line { file, before, after } => {
                let bytes = objects.read(patched.tree(), file)?.ok_or_else(|| fail(format!("there is no {file}")))?;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let line = text.lines().find_map(|line| line.trim().strip_prefix(before.as_str())?.strip_suffix(after.as_str()));
                let found = line.ok_or_else(|| fail(format!("{file} has no line `{before}...{after}`")))?;
                (file.clone(), found.to_owned())
            }
        };
        toolchain_of(&text).ok_or_else(|| fail(format!("{file} says {:?}", crate::names::visible(&text))))
    }
}

/// The patches that were applied, `SERIES/FILE`.
pub(super) fn applied(patched: &PatchedTree) -> Vec<String> {
    patched
        .steps()
        .iter()
        .filter_map(|step| match &step.status {
            crate::patch::Status::Applied { form, .. } => Some(format!("{}/{form}", step.at.series)),
            crate::patch::Status::Skipped { .. } => None,
        })
        .collect()
}

/// The variables of a release.
pub fn variables_of(entry: &LockEntry, target: &crate::names::Target) -> Variables {
    let commit = match &entry.origin {
        Origin::Git { commit, time, .. } => Some((commit.clone(), *time)),
        _ => None,
    };
    Variables { version: entry.release.clone(), commit, target: target.clone(), target_dir: None }
}

fn variables(base: &Base, target: &crate::names::Target) -> Variables {
    let commit = match &base.origin {
        Origin::Git { commit, time, .. } => Some((commit.clone(), *time)),
        _ => None,
    };
    Variables { version: base.release.clone(), commit, target: target.clone(), target_dir: None }
}

/// The entry with the URL and the name (`as = "..."`) that the recipe has now. Neither is a reason to leave the commit.
pub(super) fn as_the_recipe_names_it(component: &Component, pick: &Pick, mut entry: LockEntry) -> LockEntry {
    if let (Source::Git(home), Origin::Git { url, commit, reference, .. }) = (&component.upstream.source, &mut entry.origin) {
        *url = home.to_string();
        let by_itself = match reference.as_deref() {
            Some(full) => full.strip_prefix("refs/tags/").or(full.strip_prefix("refs/heads/")).unwrap_or(full),
            None => &commit.as_str()[..12],
        };
        entry.release = pick.named.clone().or_else(|| Revision::new(by_itself).ok()).unwrap_or(entry.release);
    }
    entry
}

/// The rule in the words of a lock, without what only `make` knows.
pub(super) fn rule_args(rule: &BuildRule, variables: &Variables) -> Result<plan::GoArgs, PipelineError> {
    let fill = |text: &String| variables.expand_for_lock(text);
    let mut words: Vec<String> = rule.flags.iter().map(fill).collect::<Result<_, _>>()?;
    if !rule.tags.is_empty() {
        words.push(format!("-tags={}", rule.tags.iter().map(fill).collect::<Result<Vec<_>, _>>()?.join(",")));
    }
    if !rule.ldflags.is_empty() {
        words.push(format!("-ldflags={}", rule.ldflags.iter().map(fill).collect::<Result<Vec<_>, _>>()?.join(" ")));
    }
    Ok(plan::GoArgs::parse(&words).map(|mut args| {
        args.packages.clear();
        args
    })?)
}
