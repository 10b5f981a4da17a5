//! Building: what is not there yet is laid out, compiled, checked, kept and delivered, several side by side where that is
//! wanted. What fails does not keep the rest from being built.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::artifact::{self, Stored};
use crate::build::engine;
use crate::disk::create_dir_all;
use crate::event::{Event, Labelled};
use crate::exec::Tool;
use crate::gomod::GoEnv;
use crate::names::{GoVersion, Target};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::outcome::{Artifact, Failure, Outcome, Stage};
use crate::pipeline::queue::{self, Next, Piece, Shape};
use crate::pipeline::resolve::{Resolved, ResolvedPart};
use crate::pipeline::resolve_all::resolve_each;
use crate::pipeline::select::Selected;
use crate::pipeline::session::{Asked, Session};
use crate::pipeline::site::{Job, Site, source_folder};
use crate::plan::{self, BuildLock, BuildPlan, Host, Part, Request, Sources};
use crate::recipe::model::{Component, Driver};

/// Builds everything selected into `dist`, at most `jobs` at once.
pub fn build_all(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    lock: &mut LockFile,
    dist: &Path,
    jobs: NonZeroUsize,
) -> Result<Outcome, PipelineError> {
    let resolved = resolve_each(session, selected, lock)?;
    build_resolved(session, selected, resolved, dist, jobs)
}

/// The same for what is resolved already.
pub(super) fn build_resolved(
    session: &Session<'_>,
    selected: &[Selected<'_>],
    resolved: Vec<Result<Resolved, PipelineError>>,
    dist: &Path,
    jobs: NonZeroUsize,
) -> Result<Outcome, PipelineError> {
    let run = Run { session, dist, jobs, slots: Mutex::default(), building: Mutex::default(), delivering: Mutex::default() };
    let mut groups = Vec::new();
    for (place, (selected, resolved)) in selected.iter().zip(resolved).enumerate() {
        match resolved {
            Ok(resolved) => groups.push(run.planned(place, selected, resolved)),
            Err(error) => run.put((place, 0), Err(failure(selected, None, None, Stage::Resolve, error))),
        }
    }
    let shapes: Vec<Shape> = groups.iter().map(Group::shape).collect();
    queue::run(jobs.get(), &shapes, &|piece, open| run.piece(&groups[piece.group], piece, open), &|group| {
        run.close(&groups[group])
    });
    session.check_interrupt()?;
    let mut outcome = Outcome::default();
    for slot in run.slots.into_inner().unwrap_or_else(PoisonError::into_inner).into_values() {
        match slot {
            Ok(artifact) => outcome.artifacts.push(artifact),
            Err(failure) => outcome.failures.push(failure),
        }
    }
    Ok(outcome)
}

/// The place of a result: the number of the release among those selected, and that of the platform.
type Slot = (usize, usize);

/// All builds of one run.
struct Run<'a> {
    session: &'a Session<'a>,
    dist: &'a Path,
    jobs: NonZeroUsize,
    slots: Mutex<BTreeMap<Slot, Result<Artifact, Failure>>>,
    /// What is being built at this moment.
    building: Mutex<Vec<String>>,
    /// Own builds wait for each other here; waiting at the lock of the folder would be told as waiting for another forge.
    delivering: Mutex<()>,
}

/// The builds of one release that are not in the store.
struct Group<'a> {
    place: usize,
    selected: &'a Selected<'a>,
    resolved: Resolved,
    /// With the number of the platform.
    builds: Vec<(usize, BuildPlan)>,
    site: Mutex<Option<Arc<Site>>>,
    /// Builds that failed in the work folder: where its tree is kept is known when all are done.
    failed: Mutex<Vec<(usize, PipelineError)>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failure(
    selected: &Selected<'_>,
    resolved: Option<&Resolved>,
    target: Option<&Target>,
    stage: Stage,
    error: PipelineError,
) -> Failure {
    let version = match (&error, resolved) {
        (_, Some(resolved)) => Some(resolved.entry.release.clone()),
        (PipelineError::Patches { component, release, .. }, None) if *component == selected.component.name => {
            Some(release.clone())
        }
        (_, None) => None,
    };
    Failure {
        component: selected.component.name.clone(),
        wanted: selected.pick.wanted.to_string(),
        version,
        target: target.cloned(),
        stage,
        error,
    }
}

fn stage_of(error: &PipelineError) -> Stage {
    match error {
        PipelineError::Check(_) => Stage::Check,
        PipelineError::Artifact(_) => Stage::Deliver,
        _ => Stage::Build,
    }
}

impl Group<'_> {
    fn shape(&self) -> Shape {
        // make may do anything to the machine around its tree, and the containers of a release are ended together.
        Shape { pieces: self.builds.len(), one_by_one: self.builds.iter().any(|(_, plan)| plan.build.make.is_some()) }
    }

    /// The work folder, which the first build makes.
    fn site(&self, session: &Session<'_>) -> Result<Arc<Site>, PipelineError> {
        let mut site = locked(&self.site);
        if let Some(site) = &*site {
            return Ok(Arc::clone(site));
        }
        let opened = Arc::new(Site::open(session, self.selected.component, &self.builds[0].1)?);
        *site = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

impl<'a> Run<'a> {
    fn put(&self, slot: Slot, result: Result<Artifact, Failure>) {
        locked(&self.slots).insert(slot, result);
    }

    /// Plans a release for every platform, and delivers what is in the store already.
    fn planned(&self, place: usize, selected: &'a Selected<'a>, resolved: Resolved) -> Group<'a> {
        let mut builds = Vec::new();
        for (number, target) in self.session.targets().iter().enumerate() {
            let fail = |stage, error| Err(failure(selected, Some(&resolved), Some(target), stage, error));
            match self.session.plan(selected.component, &resolved, target) {
                Ok(plan) => match artifact::find(self.session.store, &plan.key) {
                    Some(stored) => {
                        let done = self.deliver(self.session, &plan, &stored, true);
                        self.put((place, number), done.or_else(|error| fail(Stage::Deliver, error)));
                    }
                    None => builds.push((number, plan)),
                },
                Err(error) => self.put((place, number), fail(Stage::Plan, error)),
            }
        }
        Group { place, selected, resolved, builds, site: Mutex::default(), failed: Mutex::default() }
    }

    /// Builds one piece.
    fn piece(&self, group: &Group<'_>, piece: Piece, open: &dyn Fn()) -> Next {
        let (number, plan) = &group.builds[piece.index];
        let label = format!("{} {} {}", plan.component, plan.version, plan.target);
        let labelled = Labelled::new(self.session.reporter, &label);
        // Several at once would be one flow of lines.
        let session = if self.jobs.get() > 1 {
            &Session { reporter: &labelled, asked: Asked::default(), ..*self.session }
        } else {
            self.session
        };
        self.tell(|building| building.push(label.clone()));
        let done = self.build(session, group, plan, open);
        self.tell(|building| building.retain(|other| *other != label));
        if session.check_interrupt().is_err() {
            return Next::Stop;
        }
        match done {
            Ok(artifact) => self.put((group.place, *number), Ok(artifact)),
            Err(error) => locked(&group.failed).push((piece.index, error)),
        }
        Next::Go
    }

    fn tell(&self, change: impl FnOnce(&mut Vec<String>)) {
        if self.jobs.get() > 1 {
            let mut building = locked(&self.building);
            change(&mut building);
            self.session.reporter.report(Event::Building { builds: building.clone() });
        }
    }

    fn build(
        &self,
        session: &Session<'_>,
        group: &Group<'_>,
        plan: &BuildPlan,
        open: &dyn Fn(),
    ) -> Result<Artifact, PipelineError> {
        create_dir_all(self.dist)?;
        let site = group.site(session)?;
        // Another forge may have built it while this one waited.
        if let Some(stored) = artifact::find(session.store, &plan.key) {
            return self.deliver(session, plan, &stored, true);
        }
        let job = Job { component: group.selected.component, resolved: &group.resolved, plan };
        let stored = session.build_one(job, &site, open)?;
        self.deliver(session, plan, &stored, false)
    }

    /// Tells of what failed in a release, now that nothing is built there any more and its work folder can be kept.
    fn close(&self, group: &Group<'_>) {
        let mut failed = std::mem::take(&mut *locked(&group.failed));
        failed.sort_by_key(|(index, _)| *index);
        let site = locked(&group.site).take().and_then(Arc::into_inner);
        let in_folder = |error: &PipelineError| matches!(error, PipelineError::Build(_) | PipelineError::Check(_));
        let first = failed.iter().find(|(_, error)| in_folder(error));
        let kept = first.zip(site).and_then(|((index, _), site)| {
            let kept = self.session.store.keep_failed(site.work, &group.builds[*index].1.file_name);
            kept.map_err(|error| self.session.reporter.report(Event::Warning { text: error.to_string() })).ok()
        });
        for (index, source) in failed {
            let (number, plan) = &group.builds[index];
            let stage = stage_of(&source);
            let error = match &kept {
                Some(kept) if in_folder(&source) => PipelineError::BuildFailed {
                    component: plan.component.clone(),
                    release: plan.version.clone(),
                    target: plan.target.to_string(),
                    source: Box::new(source),
                    tree: kept.join(source_folder(plan)),
                    log: kept.join(format!("{}.log", plan.file_name)),
                    shell: self.session.shell_line(group.selected.component, plan),
                },
                _ => source,
            };
            let failure = failure(group.selected, Some(&group.resolved), Some(&plan.target), stage, error);
            self.put((group.place, *number), Err(failure));
        }
    }

    fn deliver(&self, session: &Session<'_>, plan: &BuildPlan, stored: &Stored, cached: bool) -> Result<Artifact, PipelineError> {
        let _one = locked(&self.delivering);
        let (store, interrupt) = (session.store, session.exec.interrupt());
        let done = artifact::deliver(store, stored, self.dist, &plan.file_name, session.reporter, interrupt)?;
        if cached {
            let detail = format!("{} for {}, unchanged", plan.version, plan.target);
            session.reporter.report(Event::StageDone { component: plan.component.clone(), what: "fresh", detail });
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
}

impl Session<'_> {
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
            || self.options.payload.is_some()
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
