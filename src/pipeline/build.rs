//! Building: what is not there yet is laid out, compiled, checked, kept and delivered.

use std::fs;
use std::path::{Path, PathBuf};

use crate::artifact::{self, Stored};
use crate::build::{BuildLog, LaidOut, TreePart, check, compile, engine, graft, lay_out};
use crate::disk::{FileLock, create_dir_all};
use crate::event::Event;
use crate::exec::{ExecError, Tool};
use crate::git::objects::Objects;
use crate::gomod::GoEnv;
use crate::names::{ComponentName, GoVersion, RelPath, Revision, Sha256, Target, TreeId};
use crate::patch;
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve::{Mode, Resolved, ResolvedPart, variables_of};
use crate::pipeline::select::Selected;
use crate::pipeline::session::{Session, Trust};
use crate::plan::{self, BuildLock, BuildPlan, Host, Lock, LockEntry, Origin, Part, Request, Sources};
use crate::recipe::model::{Component, Driver, Source};
use crate::recipe::rule::build_rule;
use crate::release::Release;
use crate::store::WorkDir;

/// A binary in the output folder.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The component.
    pub component: ComponentName,
    /// The release.
    pub version: Revision,
    /// The platform.
    pub target: Target,
    /// The binary.
    pub path: PathBuf,
    /// Its checksum.
    pub sha256: Sha256,
    /// True where nothing had to be compiled.
    pub cached: bool,
}

/// What came of a run: good artifacts stay although others failed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was delivered.
    pub artifacts: Vec<Artifact>,
    /// What failed, in order.
    pub failures: Vec<PipelineError>,
}

/// Builds everything selected into `dist`.
pub fn build_all(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    lock: &mut LockFile,
    dist: &Path,
) -> Result<Outcome, PipelineError> {
    let resolved = resolve_all(session, selected, lock)?;
    let mut outcome = Outcome::default();
    for (selected, resolved) in selected.iter().zip(&resolved) {
        session.build_component(selected.component, resolved, dist, &mut outcome)?;
    }
    Ok(outcome)
}

/// Resolves everything selected, and writes the lock where it changed (or fails, with `--locked`).
pub fn resolve_all(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    file: &mut LockFile,
) -> Result<Vec<Resolved>, PipelineError> {
    if let Some(ad_hoc) = selected.iter().find(|s| s.pick.ad_hoc).filter(|_| session.options.locked) {
        return Err(PipelineError::LockedAdHoc(format!("{}@{}", ad_hoc.component.name, ad_hoc.pick.wanted)));
    }
    if file.is_tidy(session.recipe)
        && let Some(known) = session.recall_all(selected, &file.lock)?
    {
        return Ok(known);
    }
    let _guard = file.guard(session)?;
    file.reread(session)?;
    let before = file.lock.clone();
    let mut out = Vec::new();
    for selected in selected {
        if selected.pick.ad_hoc {
            out.push(session.resolve(selected, &mut Lock::default(), &before, Mode::Fresh)?);
        } else {
            let mut lock = file.lock.clone();
            let resolved = session.resolve(selected, &mut lock, &before, Mode::Keep)?;
            // What is only for this run never reaches the lock.
            if session.options.replaces.is_empty()
                && session.options.trust != Trust::Sources
                && session.as_the_recipe_drives(selected.component, &resolved.entry)?
            {
                file.lock = lock;
            }
            out.push(resolved);
        }
    }
    file.settle(session, &before)?;
    Ok(out)
}

impl Session<'_> {
    /// True where an entry is built as the recipe says: `--driver` names no other way.
    fn as_the_recipe_drives(&self, component: &Component, entry: &LockEntry) -> Result<bool, PipelineError> {
        let Some((_, build)) = self.options.driver.zip(entry.build.as_ref()) else { return Ok(true) };
        let own = build_rule(&component.upstream, Release::parse(&entry.release).as_ref(), None)?;
        Ok(own.driver == build.driver())
    }

    /// What a plan has to know of this machine.
    fn host(&self, rule: &BuildLock, go: &GoVersion) -> Result<Host, PipelineError> {
        let made = rule.make.is_some();
        let make = match rule.driver() {
            Driver::Go => String::new(),
            Driver::Make => self.exec.stamp(Tool::Make)?,
            Driver::Docker => format!("{} {}", self.exec.stamp(Tool::Make)?, self.exec.stamp(engine(self.exec)?)?),
        };
        Ok(Host {
            go_kind: self.go_kind(go)?,
            c_compiler: if rule.cgo || made { crate::gomod::c_compiler(self.exec) } else { String::new() },
            c_env: if rule.cgo || made { crate::gomod::c_env(self.exec) } else { Default::default() },
            make,
        })
    }

    /// The plan of one component for one platform.
    pub(super) fn plan(&self, component: &Component, resolved: &Resolved, target: &Target) -> Result<BuildPlan, PipelineError> {
        let entry = &resolved.entry;
        let (Some(rule), Some(go)) = (&entry.build, &entry.go) else {
            return Err(plan::PlanError::NotAProgram(component.name.clone()).into());
        };
        let host = self.host(rule, go)?;
        let payload = self.payload(component, entry, target)?;
        let local = !self.options.replaces.is_empty()
            || payload.is_some()
            || !self.as_the_recipe_drives(component, entry)?
            || self.options.dirty.iter().any(|name| *name == component.name || entry.uses.contains_key(name));
        let request = Request {
            recipe: &self.recipe.name,
            component,
            entry,
            parts: resolved.parts.iter().map(plan_part).collect(),
            patches: resolved.patches.clone(),
            target,
            host: &host,
            payload,
            local,
        };
        // A Makefile may run what it compiles first: for this machine it is not told of a platform.
        let foreign = rule.make.is_none() || *target != Target::host();
        Ok(plan::plan_build(request, GoEnv::pinned(go, foreign.then_some(target), rule.cgo))?)
    }

    fn build_component(
        &self,
        component: &Component,
        resolved: &Resolved,
        dist: &Path,
        outcome: &mut Outcome,
    ) -> Result<(), PipelineError> {
        let mut missing = Vec::new();
        for target in self.targets() {
            let plan = self.plan(component, resolved, target)?;
            match artifact::find(self.store, &plan.key) {
                Some(stored) => outcome.artifacts.push(self.deliver(&plan, &stored, dist, true)?),
                None => missing.push(plan),
            }
        }
        let Some(first) = missing.first() else { return Ok(()) };
        create_dir_all(dist)?;
        let _lock = FileLock::acquire(&self.store.lock("build", first.key.as_str())?, self.reporter, self.exec.interrupt())?;
        let mut work = self.store.work_dir(component.name.as_str())?;
        let mut tree: Option<LaidOut> = None;
        let mut failed = Vec::new();
        for plan in &missing {
            // Another forge may have built it while this one waited.
            if let Some(stored) = artifact::find(self.store, &plan.key) {
                outcome.artifacts.push(self.deliver(plan, &stored, dist, true)?);
                continue;
            }
            match self.build_one(component, resolved, plan, &mut work, &mut tree) {
                Ok(stored) => outcome.artifacts.push(self.deliver(plan, &stored, dist, false)?),
                Err(PipelineError::Exec(ExecError::Interrupted(i))) => return Err(PipelineError::Exec(i.into())),
                Err(error @ (PipelineError::Build(_) | PipelineError::Check(_))) => failed.push((plan, error)),
                Err(error) => return Err(error),
            }
            // What is half prepared is the same for every target, and none may be built of it.
            if tree.as_ref().is_some_and(|tree| !tree.prepared()) {
                break;
            }
        }
        let Some((first, _)) = failed.first() else { return Ok(()) };
        let kept = self.store.keep_failed(work, &first.file_name)?;
        for (plan, source) in failed {
            outcome.failures.push(PipelineError::BuildFailed {
                component: component.name.clone(),
                release: plan.version.clone(),
                target: plan.target.to_string(),
                source: Box::new(source),
                tree: kept.join(source_folder(plan)),
                log: kept.join(format!("{}.log", plan.file_name)),
                shell: self.shell_line(component, plan),
            });
        }
        Ok(())
    }

    fn build_one(
        &self,
        component: &Component,
        resolved: &Resolved,
        plan: &BuildPlan,
        work: &mut WorkDir,
        tree: &mut Option<LaidOut>,
    ) -> Result<Stored, PipelineError> {
        let (name, io) = (&component.name, |path: &Path| {
            let path = path.to_owned();
            move |source| PipelineError::Io { path, source }
        });
        let go = self.go(&plan.build.go)?;
        // What make left behind for one platform would count as done for the next.
        if plan.build.make.is_some() {
            *tree = None;
        }
        let laid_out = match tree {
            Some(tree) => tree,
            None => tree.insert(self.lay_out_build(component, resolved, plan, &work.path().join(source_folder(plan)))?),
        };
        let log_path = work.path().join(format!("{}.log", plan.file_name));
        let mut log = BuildLog::create(&log_path).map_err(io(&log_path))?;
        for line in header(plan) {
            log.line(&line).map_err(io(&log_path))?;
        }
        let by = match plan.build.make.as_ref().map(|make| make.driver) {
            None | Some(Driver::Go) => format!("Go {}", plan.build.go),
            Some(Driver::Make) => format!("make and Go {}", plan.build.go),
            Some(Driver::Docker) => "make in containers".to_owned(),
        };
        let detail = format!("{} for {} with {by}", plan.version, plan.target);
        self.reporter.report(Event::StageStarted { component: name.clone(), what: "compiling", detail: detail.clone() });
        let output = work.path().join("out").join(&plan.file_name);
        let scratch = work.path().join("target").join(format!("{}-{}", plan.target.os(), plan.target.arch()));
        for folder in [output.parent().unwrap_or(work.path()), &scratch] {
            fs::create_dir_all(folder).map_err(io(folder))?;
        }
        let pointer = |path: &RelPath, line: usize| self.patch_behind(component, resolved, path, line).ok().flatten();
        let place = crate::build::Place { tree: laid_out, output: &output, scratch: &scratch, work: work.path() };
        let built = compile(&go, self.exec, plan, place, &mut log, &pointer, self.reporter)?;
        if let Some(payload) = &plan.payload {
            graft(built.path(), payload, self.exec.interrupt())?;
            let text = format!("appended: {} files of {}, {} bytes", payload.members, payload.donor.display(), payload.size);
            log.line(&text).map_err(io(&log_path))?;
            self.reporter.report(Event::Notice { text });
        }
        let mut variables = variables_of(&resolved.entry, &plan.target);
        variables.target_dir = Some(scratch.display().to_string());
        let runs = work.path().join(format!("runs-{}-{}", plan.target.os(), plan.target.arch()));
        let checked = check(self.exec, plan, &component.expect, &variables, built.path(), &runs)?;
        let facts = match checked.not_run {
            0 => format!("{} facts hold", checked.held),
            n => format!("{} facts hold, {n} need a run on {} and were not checked", checked.held, plan.target),
        };
        log.line(&format!("checked: {facts}")).and_then(|_| log.finish()).map_err(io(&log_path))?;
        let took = u64::try_from(built.took().as_millis()).unwrap_or(u64::MAX);
        let stored = artifact::keep(self.store, plan, built.path(), &log_path, took, checked.held, checked.not_run)?;
        let seconds = built.took().as_secs_f64();
        self.reporter.report(Event::StageDone {
            component: name.clone(),
            what: "compiled",
            detail: format!("{detail} in {seconds:.1} s; {facts}"),
        });
        Ok(stored)
    }

    fn deliver(&self, plan: &BuildPlan, stored: &Stored, dist: &Path, cached: bool) -> Result<Artifact, PipelineError> {
        let done = artifact::deliver(self.store, stored, dist, &plan.file_name, self.reporter, self.exec.interrupt())?;
        if cached {
            let detail = format!("{} for {}, unchanged", plan.version, plan.target);
            self.reporter.report(Event::StageDone { component: plan.component.clone(), what: "fresh", detail });
        }
        Ok(Artifact {
            component: plan.component.clone(),
            version: plan.version.clone(),
            target: plan.target.clone(),
            path: done.path,
            sha256: stored.record().sha256.clone(),
            cached,
        })
    }

    /// Lays out what a build compiles.
    pub(super) fn lay_out_build(
        &self,
        component: &Component,
        resolved: &Resolved,
        plan: &BuildPlan,
        dir: &Path,
    ) -> Result<LaidOut, PipelineError> {
        let objects = self.entry_objects(component, &resolved.entry)?;
        let inner: Vec<Objects> = resolved.parts.iter().map(|part| self.part_objects(part)).collect::<Result<_, _>>()?;
        let parts: Vec<TreePart<'_>> = resolved
            .parts
            .iter()
            .zip(&inner)
            .map(|(part, objects)| TreePart { name: &part.name, objects, tree: &part.tree })
            .collect();
        let stamp = plan.build.stamp.map(|time| (&plan.version, time));
        Ok(lay_out(dir, &objects, &resolved.entry.result, &parts, plan.module.as_ref(), stamp)?)
    }

    /// The objects of an entry, with base and result present: a store that lost them gets them again.
    pub(super) fn entry_objects(&self, component: &Component, entry: &LockEntry) -> Result<Objects, PipelineError> {
        let path = match (&entry.origin, &component.upstream.source, self.options.sources.get(&component.name)) {
            (Origin::Git { .. }, Source::Git(url), _) | (Origin::Git { .. }, _, Some(url)) => self.store.git(url),
            (Origin::Module { .. }, Source::Module(module), _) => self.store.module(module),
            _ => self.store.folders(),
        };
        let there = |objects: &Objects, tree: &TreeId| objects.has_tree(tree) && objects.check_complete(tree).is_ok();
        if let Ok(objects) = Objects::open(&path)
            && there(&objects, &entry.result)
            && there(&objects, &entry.tree)
        {
            return Ok(objects);
        }
        let base = self.base_of_entry(component, entry)?;
        let series = self.series_of(component)?;
        let patched = self.patched(component, &series, &base)?;
        Ok(patched.objects()?)
    }

    /// The objects of a part.
    pub(super) fn part_objects(&self, part: &ResolvedPart) -> Result<Objects, PipelineError> {
        match &part.entry {
            Some(entry) => self.entry_objects(self.recipe.component(&entry.name)?, entry),
            None => Ok(Objects::open(&self.store.folders())?),
        }
    }

    /// The patch that wrote a line of the laid-out tree: `SERIES/FILE`.
    fn patch_behind(
        &self,
        component: &Component,
        resolved: &Resolved,
        path: &RelPath,
        line: usize,
    ) -> Result<Option<String>, PipelineError> {
        let part = path.as_str().strip_prefix(".forge/").and_then(|rest| rest.split_once('/'));
        let (component, entry, path) = match part {
            Some((name, rest)) => {
                let Some(entry) = resolved.parts.iter().find(|p| p.name.as_str() == name).and_then(|p| p.entry.as_ref()) else {
                    return Ok(None);
                };
                (self.recipe.component(&entry.name)?, entry, RelPath::new(rest)?)
            }
            None => (component, &resolved.entry, path.clone()),
        };
        let objects = self.entry_objects(component, entry)?;
        let series = self.series_of(component)?;
        let all: Vec<_> = series.iter().collect();
        let release = Release::parse(&entry.release);
        let authors = patch::blame(&objects, &entry.tree, release.as_ref(), &all, &path)?;
        let found = authors.get(line.saturating_sub(1)).cloned().flatten();
        Ok(found.map(|at| format!("patches/{}/{}/{}", component.upstream.name, at.series, at.patch)))
    }
}

/// What a log begins with: enough to know what was built without anything else.
fn header(plan: &BuildPlan) -> Vec<String> {
    let mut lines = vec![
        format!("{} {} for {}", plan.component, plan.version, plan.target),
        format!("source: {}", plan.sources.origin.shown()),
    ];
    lines.push(format!("tree: {} patched: {}", plan.sources.tree, plan.sources.result));
    lines.extend(plan.sources.patches.iter().map(|p| format!("patch: {p}")));
    for part in &plan.parts {
        lines.push(format!("part: ./.forge/{} tree {}", part.name, part.tree));
    }
    lines.extend(plan.build.env.iter().map(|(k, v)| format!("env: {k}={v}")));
    lines.push(format!("key: {}", plan.key));
    lines
}

/// Where the sources of a build are in its work folder. Targets share them but where make drives.
pub(super) fn source_folder(plan: &BuildPlan) -> String {
    match plan.build.make {
        None => "src".to_owned(),
        Some(_) => format!("src-{}-{}", plan.target.os(), plan.target.arch()),
    }
}

fn plan_part(part: &ResolvedPart) -> Part {
    let sources = part.entry.as_ref().map(|entry| Sources {
        origin: entry.origin.clone(),
        version: Some(entry.release.to_string()),
        tree: entry.tree.clone(),
        result: entry.result.clone(),
        patches: part.patches.clone(),
    });
    Part { name: part.name.clone(), version: part.entry.as_ref().map(|e| e.release.clone()), sources, tree: part.tree.clone() }
}
