//! `forge trial`: the steps of a recipe on disposable hosts, first with stock binaries, then with the recipe's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::artifact::Stored;
use crate::build::engine;
use crate::disk::{create_dir_all, write_atomic};
use crate::event::Event;
use crate::names::{ComponentName, RecipeName};
use crate::pipeline::error::PipelineError;
use crate::pipeline::kit::scope_of;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve::{Mode, Resolved};
use crate::pipeline::resolve_all::resolve_all;
use crate::pipeline::select::{Selected, select};
use crate::pipeline::session::{Asked, Options, Session};
use crate::recipe::model::{Recipe, Want};
use crate::recipe::scenario::merged;
use crate::recipe::scope::Scope;
use crate::recipe::trial::{Action, NeedsPayload, Scenario, Step, Variant};
use crate::trial::{Base, Engine, Evidence, Hosts, Part, Place, Taken, Tried, Verdict, Wanted, base_image, left_out, take};

/// The role of hosts where no step names one.
const ANY_ROLE: &str = "host";

/// What is asked of a trial.
#[derive(Debug)]
pub struct TrialOptions {
    /// What hosts are like.
    pub scenario: Scenario,
    /// What they are made of.
    pub base: Base,
    /// How many hosts have a role; one where absent.
    pub roles: BTreeMap<ComponentName, usize>,
    /// Whether they stay.
    pub keep: bool,
    /// Binaries that the user brings: a folder of them, or a build that has them at its end.
    pub payload: Option<PathBuf>,
    /// The folder that evidence is kept in.
    pub state: PathBuf,
    /// The command as the user can give it again.
    pub command: String,
}

/// Takes the steps. Gives what came of them, and the commands that lead to hosts that stay.
pub fn trial(
    session: &Session<'_>,
    file: &mut LockFile,
    options: &TrialOptions,
) -> Result<(Evidence, Vec<String>), PipelineError> {
    let began = (Instant::now(), SystemTime::now());
    let recipe = session.recipe;
    let steps = steps_of(recipe, options)?;
    let roles = roles_of(recipe, options)?;
    let engine = Engine::answering(session.exec, engine(session.exec)?)?;
    let work = session.store.work_dir("trial")?;
    Hosts::sweep(&engine);
    let mut run =
        Run { session, options, engine: &engine, work: work.path(), roles, image: String::new(), systemd: String::new() };
    let binaries = run.binaries(file, &steps)?;
    run.image = base_image(&engine, &options.base, &options.scenario, work.path(), session.reporter)?;
    let (mut tried, mut kept) = (Vec::new(), Vec::new());
    for with in [Variant::Stock, Variant::Patched] {
        let steps: Vec<&Step> = steps.iter().copied().filter(|step| step.with == with).collect();
        if !steps.is_empty() {
            tried.push(run.one(with, &steps, &binaries, &mut kept)?);
        }
    }
    let evidence = Evidence {
        recipe: recipe.name.clone(),
        scenario: options.scenario.name.clone(),
        description: options.scenario.description.clone(),
        engine: engine.shown(),
        image: run.image,
        systemd: run.systemd,
        began: began.1.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        took_ms: millis(began.0),
        command: options.command.clone(),
        tried,
    };
    keep(&evidence, &options.state)?;
    Ok((evidence, kept))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Where the evidence of a recipe's trials is kept, a file for each scenario.
pub(super) fn evidence_folder(recipe: &RecipeName, state: &Path) -> PathBuf {
    state.join("trials").join(recipe.as_str())
}

fn keep(evidence: &Evidence, state: &Path) -> Result<(), PipelineError> {
    let folder = evidence_folder(&evidence.recipe, state);
    create_dir_all(&folder)?;
    let text = serde_json::to_vec_pretty(evidence).unwrap_or_default();
    Ok(write_atomic(&folder.join(format!("{}.json", evidence.scenario)), &text, 0o644)?)
}

/// The steps that are for this scenario and for what the user brings.
fn steps_of<'r>(recipe: &'r Recipe, options: &TrialOptions) -> Result<Vec<&'r Step>, PipelineError> {
    if recipe.trial.is_empty() {
        return Err(PipelineError::NoTrial(recipe.name.clone()));
    }
    let folder = options.payload.as_ref().map(|payload| payload.is_dir());
    let meant = |step: &&Step| {
        let here = step.scenarios.is_empty() || step.scenarios.contains(&options.scenario.name);
        here && match step.payload {
            None => true,
            Some(NeedsPayload::Any) => folder.is_some(),
            Some(NeedsPayload::Folder) => folder == Some(true),
        }
    };
    let steps: Vec<&Step> = recipe.trial.iter().filter(meant).collect();
    if steps.is_empty() {
        let scenario = options.scenario.name.clone();
        return Err(PipelineError::NoTrialHere { recipe: recipe.name.clone(), scenario });
    }
    if options.payload.is_some() && !recipe.trial.iter().any(|step| step.payload.is_some()) {
        return Err(PipelineError::NoTrialPayload(recipe.name.clone()));
    }
    Ok(steps)
}

/// Roles with how many hosts have each.
fn roles_of(recipe: &Recipe, options: &TrialOptions) -> Result<Vec<(String, usize)>, PipelineError> {
    let mut names: Vec<String> = Vec::new();
    for on in recipe.trial.iter().filter_map(|step| step.on.as_ref()) {
        if !names.iter().any(|name| name == on.as_str()) {
            names.push(on.to_string());
        }
    }
    if names.is_empty() {
        names.push(ANY_ROLE.to_owned());
    }
    if let Some(unknown) = options.roles.keys().find(|role| !names.iter().any(|name| name == role.as_str())) {
        return Err(PipelineError::NoRole { role: unknown.clone(), known: names });
    }
    let count = |name: &String| options.roles.iter().find(|(role, _)| role.as_str() == name).map_or(1, |(_, count)| *count);
    Ok(names.into_iter().map(|name| (name.clone(), count(&name))).collect())
}

/// The recipe without anything that changes an upstream: the same releases, built as upstream has them.
fn stock(recipe: &Recipe) -> Recipe {
    let mut stock = recipe.clone();
    stock.components.retain(|_, component| component.want != Want::UsersPin);
    for component in stock.components.values_mut() {
        component.series.clear();
        component.replace.clear();
        component.require.clear();
        component.tidy = false;
        component.holds = None;
        // Facts are about what was changed.
        component.expect.clear();
    }
    stock
}

/// True where a step has this text.
fn names(steps: &[&Step], text: &str) -> bool {
    steps.iter().any(|step| step.action.texts().iter().any(|found| found.contains(text)))
}

/// What a variant is tried with.
struct Binaries {
    scope: Scope,
    parts: Vec<(Part, PathBuf)>,
}

/// One trial.
struct Run<'r> {
    session: &'r Session<'r>,
    options: &'r TrialOptions,
    engine: &'r Engine<'r>,
    work: &'r Path,
    roles: Vec<(String, usize)>,
    image: String,
    systemd: String,
}

impl Run<'_> {
    /// Builds what the steps name and is not built yet.
    fn binaries(&self, file: &mut LockFile, steps: &[&Step]) -> Result<BTreeMap<Variant, Binaries>, PipelineError> {
        let session = self.session;
        let selected = select(session.recipe, &[], false)?;
        let resolved = resolve_all(session, &selected, file)?;
        let mut patched = self.built(session, Variant::Patched, &selected, &resolved, steps)?;
        let mut out = BTreeMap::new();
        let mut beside =
            self.session.recipe.components.keys().filter(|name| names(steps, &format!("{{{name}.stock}}"))).peekable();
        if steps.iter().any(|step| step.with == Variant::Stock) || beside.peek().is_some() {
            let recipe = stock(session.recipe);
            let plain = Session {
                files: session.files,
                store: session.store,
                exec: session.exec,
                reporter: session.reporter,
                recipe: &recipe,
                options: session.options,
                asked: Asked::default(),
            };
            let selected = select(&recipe, &[], false)?;
            // The same commits; what becomes of them without patches is not for the lock.
            let mut aside = file.lock.clone();
            let resolve = |selected: &Selected<'_>| plain.resolve(selected, &mut aside, &file.lock, Mode::Keep);
            let resolved: Vec<Resolved> = selected.iter().map(resolve).collect::<Result<_, _>>()?;
            let stock = self.built(&plain, Variant::Stock, &selected, &resolved, steps)?;
            for name in beside {
                let path = self.work.join(Variant::Stock.name()).join(name.as_str()).display().to_string();
                patched.scope.tell(name, "stock", Ok(path));
            }
            out.insert(Variant::Stock, stock);
        }
        out.insert(Variant::Patched, patched);
        Ok(out)
    }

    fn built(
        &self,
        session: &Session<'_>,
        with: Variant,
        selected: &[Selected<'_>],
        resolved: &[Resolved],
        steps: &[&Step],
    ) -> Result<Binaries, PipelineError> {
        let target = &session.targets()[0];
        let mut scope = scope_of(self.session.recipe, resolved, target);
        for (name, value) in merged(&self.session.recipe.values, &self.options.scenario) {
            scope.set(name.as_str(), value);
        }
        let mut parts = Vec::new();
        for (selected, resolved) in selected.iter().zip(resolved) {
            let name = &selected.component.name;
            let own: Vec<&Step> = steps.iter().copied().filter(|step| step.with == with).collect();
            let asked = names(&own, &format!("{{{name}.binary}}")) || names(&own, &format!("{{{name}.sha256}}"));
            let beside = with == Variant::Stock && names(steps, &format!("{{{name}.stock}}"));
            if !asked && !beside {
                continue;
            }
            let stored = self.stored(session, selected, resolved)?;
            let folder = self.work.join(with.name());
            create_dir_all(&folder)?;
            let path = folder.join(name.as_str());
            symlink(stored.binary(), &path).map_err(|source| PipelineError::Io { path: path.clone(), source })?;
            let record = stored.record();
            scope.tell(name, "binary", Ok(path.display().to_string()));
            scope.tell(name, "sha256", Ok(record.sha256.to_string()));
            let part = Part { component: name.clone(), version: record.version.clone(), sha256: record.sha256.clone() };
            parts.push((part, path));
        }
        Ok(Binaries { scope, parts })
    }

    /// The finished binary; with the payload of a file at its end where the component takes one.
    fn stored(&self, session: &Session<'_>, selected: &Selected<'_>, resolved: &Resolved) -> Result<Stored, PipelineError> {
        let target = &session.targets()[0];
        let donor = self.options.payload.as_ref().filter(|path| path.is_file() && selected.component.upstream.payload.is_some());
        let Some(donor) = donor else { return session.stored(selected, resolved, target) };
        let options = Options { payload: Some(donor.clone()), ..session.options.clone() };
        let grafting = Session {
            files: session.files,
            store: session.store,
            exec: session.exec,
            reporter: session.reporter,
            recipe: session.recipe,
            options: &options,
            asked: Asked::default(),
        };
        grafting.stored(selected, resolved, target)
    }

    /// The steps for one kind of binaries, on hosts of their own.
    fn one(
        &mut self,
        with: Variant,
        steps: &[&Step],
        binaries: &BTreeMap<Variant, Binaries>,
        kept: &mut Vec<String>,
    ) -> Result<Tried, PipelineError> {
        // Every kind that has steps was built.
        let Some(Binaries { scope, parts }) = binaries.get(&with) else {
            return Err(PipelineError::NoTrial(self.session.recipe.name.clone()));
        };
        let begun = Instant::now();
        let folder = self.work.join(with.name());
        create_dir_all(&folder)?;
        let ports: BTreeSet<u16> = steps.iter().filter_map(|step| step.port).collect();
        let id = format!("{}-{}", std::process::id(), with.name());
        let count: usize = self.roles.iter().map(|(_, count)| count).sum();
        self.tell(format!("{}: starting {count} host{}", with.name(), if count == 1 { "" } else { "s" }));
        let wanted = Wanted {
            scenario: &self.options.scenario,
            image: &self.image,
            roles: &self.roles,
            ports: &ports.into_iter().collect::<Vec<_>>(),
            work: self.work,
            folder: &folder,
            keep: self.options.keep,
            id: &id,
        };
        let mut hosts = Hosts::start(self.engine, &wanted, scope)?;
        self.systemd = hosts.systemd();
        let boot_ms = millis(begun);
        let mut taken: Vec<Taken> = Vec::new();
        for step in steps {
            if taken.iter().any(|taken| taken.verdict != Verdict::Ok) {
                taken.push(left_out(step, scope));
                continue;
            }
            let before = taken.len();
            self.step(step, &mut hosts, scope, &folder, &mut taken)?;
            for taken in &taken[before..] {
                let mark = if taken.verdict == Verdict::Ok { "ok" } else { "FAILED" };
                self.tell(format!("{}: {mark}: {}", with.name(), taken.step));
            }
        }
        for step in &mut taken {
            relative(step, self.work);
        }
        if self.options.keep {
            kept.extend(hosts.kept());
        }
        let names = hosts.all().iter().map(|host| host.name.clone()).collect();
        let binaries = parts.iter().map(|(part, _)| part.clone()).collect();
        Ok(Tried { with, binaries, hosts: names, boot_ms, steps: taken })
    }

    /// One step, on every host that it is for.
    fn step(
        &self,
        step: &Step,
        hosts: &mut Hosts<'_>,
        scope: &Scope,
        folder: &Path,
        taken: &mut Vec<Taken>,
    ) -> Result<(), PipelineError> {
        let mut scope = scope.clone();
        if let Some(payload) = &self.options.payload {
            scope.set("payload", payload.display().to_string());
        }
        let list = folder.join("hosts");
        let lines: String = hosts
            .all()
            .iter()
            .map(|host| {
                let ports: String = host.ports.iter().map(|(port, at)| format!(" {port}={at}")).collect();
                let address = host.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
                format!("{} {} {address}{ports}\n", host.name, host.role)
            })
            .collect();
        fs::write(&list, lines).map_err(|source| PipelineError::Io { path: list.clone(), source })?;
        scope.set("hosts", list.display().to_string());
        if let Action::Outside { files, .. } = &step.action {
            for (name, content) in files {
                let path = name.below(folder);
                path.parent().map_or(Ok(()), create_dir_all)?;
                fs::write(&path, content).map_err(|source| PipelineError::Io { path, source })?;
            }
            taken.push(take(self.session.exec, hosts, step, Place::Outside(folder), &scope)?);
            return Ok(());
        }
        for at in 0..hosts.all().len() {
            let host = hosts.all()[at].clone();
            if step.on.as_ref().is_some_and(|on| on.as_str() != host.role) {
                continue;
            }
            scope.set("host", host.name.as_str());
            scope.set("address", host.address.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string()));
            taken.push(take(self.session.exec, hosts, step, Place::Host(at), &scope)?);
        }
        Ok(())
    }

    fn tell(&self, text: String) {
        self.session.reporter.report(Event::Notice { text });
    }
}

/// Without the work folder, which is gone afterwards and means nothing to others.
fn relative(step: &mut Taken, work: &Path) {
    let [folder, inside] = [format!("{}", work.display()), format!("{}/", work.display())];
    let short = |text: &mut String| *text = text.replace(&inside, "").replace(&folder, ".");
    short(&mut step.command);
    if let Some(seen) = &mut step.seen {
        short(&mut seen.stdout);
        short(&mut seen.stderr);
    }
    step.wrong.iter_mut().for_each(short);
}
