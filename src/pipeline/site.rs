//! The place where one release is built for its platforms: a work folder, the tree that they share, and one binary after
//! another out of it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::artifact::{self, Stored};
use crate::build::{BuildLog, LaidOut, Place, check, compile, graft, prepare};
use crate::disk::FileLock;
use crate::event::Event;
use crate::names::{RelPath, Target};
use crate::pipeline::error::PipelineError;
use crate::pipeline::resolve::{Resolved, variables_of};
use crate::pipeline::session::Session;
use crate::plan::BuildPlan;
use crate::recipe::model::{Component, Driver};
use crate::store::WorkDir;

/// A work folder while something is built in it.
pub(super) struct Site {
    pub(super) work: WorkDir,
    tree: Mutex<Tree>,
    _lock: FileLock,
}

/// The tree that the platforms of a release share. Once it is prepared, nothing writes to it.
enum Tree {
    None,
    Ready(Arc<LaidOut>),
    /// Half prepared for this platform. It is the same for every other one, and none may be built of it.
    Broken(Target),
}

/// What is built.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) component: &'a Component,
    pub(super) resolved: &'a Resolved,
    pub(super) plan: &'a BuildPlan,
}

impl Site {
    /// A new one. The lock keeps other forges from building the same at the same time.
    pub(super) fn open(session: &Session<'_>, component: &Component, first: &BuildPlan) -> Result<Self, PipelineError> {
        let lock = session.store.lock("build", first.key.as_str())?;
        let lock = FileLock::acquire(&lock, session.reporter, session.exec.interrupt())?;
        Ok(Self { work: session.store.work_dir(component.name.as_str())?, tree: Mutex::new(Tree::None), _lock: lock })
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> PipelineError {
    let path = path.to_owned();
    move |source| PipelineError::Io { path: path.clone(), source }
}

impl Session<'_> {
    /// Builds one binary, checks it, and puts it into the store. `open` is called once the tree is there for others.
    pub(super) fn build_one(&self, job: Job<'_>, site: &Site, open: &dyn Fn()) -> Result<Stored, PipelineError> {
        let Job { component, resolved, plan } = job;
        let (name, work) = (&component.name, site.work.path());
        let log_path = work.join(format!("{}.log", plan.file_name));
        let mut log = BuildLog::create(&log_path).map_err(io(&log_path))?;
        for line in header(plan) {
            log.line(&line).map_err(io(&log_path))?;
        }
        let by = match plan.build.make.as_ref().map(|make| make.driver) {
            None | Some(Driver::Go) => format!("Go {}", plan.build.go),
            Some(Driver::Make) => format!("make and Go {}", plan.build.go),
            Some(Driver::Docker) => "make in containers".to_owned(),
        };
        // Where there is none it is fetched: that is no part of compiling.
        let go = self.go(&plan.build.go)?;
        let detail = format!("{} for {} with {by}", plan.version, plan.target);
        self.reporter.report(Event::StageStarted { component: name.clone(), what: "compiling", detail: detail.clone() });
        let output = work.join("out").join(&plan.file_name);
        let scratch = work.join("target").join(format!("{}-{}", plan.target.os(), plan.target.arch()));
        for folder in [output.parent().unwrap_or(work), &scratch] {
            fs::create_dir_all(folder).map_err(io(folder))?;
        }
        let begun = Instant::now();
        let pointer = |path: &RelPath, line: usize| self.patch_behind(component, resolved, path, line).ok().flatten();
        let prepared = |tree: &mut LaidOut, log: &mut BuildLog| {
            prepare(&go, self.exec, plan, tree, &scratch, log, &pointer, self.reporter).map_err(PipelineError::from)
        };
        let tree = self.tree(job, site, &mut |tree| prepared(tree, &mut log))?;
        open();
        let place = Place { tree: &tree, output: &output, scratch: &scratch, work };
        let built = compile(&go, self.exec, plan, place, &mut log, &pointer, self.reporter)?;
        let took = begun.elapsed();
        if let Some(payload) = &plan.payload {
            self.donor_of(component, payload)?;
            graft(built.path(), payload, self.exec.interrupt())?;
            let text = format!("appended: {} files of {}, {} bytes", payload.members, payload.origin(), payload.size);
            log.line(&text).map_err(io(&log_path))?;
            self.reporter.report(Event::Notice { text });
        }
        let mut variables = variables_of(&resolved.entry, &plan.target);
        variables.target_dir = Some(scratch.display().to_string());
        let runs = work.join(format!("runs-{}-{}", plan.target.os(), plan.target.arch()));
        let checked = check(self.exec, plan, &component.expect, &variables, built.path(), &runs)?;
        let facts = match checked.not_run {
            0 => format!("{} facts hold", checked.held),
            n => format!("{} facts hold, {n} need a run on {} and were not checked", checked.held, plan.target),
        };
        log.line(&format!("checked: {facts}")).and_then(|_| log.finish()).map_err(io(&log_path))?;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let stored = artifact::keep(self.store, plan, built.path(), &log_path, took_ms, checked.held, checked.not_run)?;
        self.reporter.report(Event::StageDone {
            component: name.clone(),
            what: "compiled",
            detail: format!("{detail} in {:.1} s; {facts}", took.as_secs_f64()),
        });
        Ok(stored)
    }

    /// The tree of a build: shared, but where make drives. What make left behind for one platform would count as done for the
    /// next.
    fn tree(
        &self,
        job: Job<'_>,
        site: &Site,
        prepare: &mut dyn FnMut(&mut LaidOut) -> Result<(), PipelineError>,
    ) -> Result<Arc<LaidOut>, PipelineError> {
        let Job { component, resolved, plan } = job;
        let dir = site.work.path().join(source_folder(plan));
        let mut make = || {
            let mut tree = self.lay_out_build(component, resolved, plan, &dir)?;
            prepare(&mut tree)?;
            Ok(Arc::new(tree))
        };
        if plan.build.make.is_some() {
            return make();
        }
        let mut shared = site.tree.lock().unwrap_or_else(PoisonError::into_inner);
        match &*shared {
            Tree::Ready(tree) => return Ok(Arc::clone(tree)),
            Tree::Broken(first) => {
                let (component, release) = (component.name.clone(), plan.version.clone());
                let (target, first) = (plan.target.clone(), first.clone());
                return Err(PipelineError::NotPrepared { component, release, target, first });
            }
            Tree::None => {}
        }
        *shared = Tree::Broken(plan.target.clone());
        let tree = make()?;
        *shared = Tree::Ready(Arc::clone(&tree));
        Ok(tree)
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
