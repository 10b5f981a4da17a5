//! `forge patch save`: the commits of a work folder become the series again. What did not change keeps its bytes, and nothing
//! is written before the result was proved: applied again, it gives the trees of the commits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::disk::FileLock;
use crate::files::{Draft, Files};
use crate::names::{CommitId, PatchName, SeriesName};
use crate::patch::{self, Bound, Outcome, Planned, Series};
use crate::pipeline::choice::{Judgement, choose};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::save_edit::check_format;
use crate::pipeline::save_plan::{Made, Plan, Saver};
use crate::pipeline::session::Session;
use crate::pipeline::workspace::{Workspace, flat, folder_of, opened, some};
use crate::plan::Lock;
use crate::recipe::model::Component;
use crate::work::replace::recover;
use crate::work::undo::{Change, UndoLog, WorkRecord};
use crate::work::{OpenedPatch, WorkState};

/// How a save is done.
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    /// Say what would be written, and write nothing.
    pub dry_run: bool,
    /// Changed edits that become mails.
    pub as_mail: Vec<PatchName>,
    /// Where a patch did not apply, what was made of it takes the place of its old form.
    pub overwrite: bool,
    /// The same for these patches alone.
    pub replace: Vec<PatchName>,
    /// Up to where patches that became upstream are for; those that are not named are for what is older than this release.
    pub bounds: Vec<(PatchName, Bound)>,
    /// Another command that saves, of commits that have no files; its name for what can be taken back.
    pub by: Option<&'static str>,
    /// The folder for what can be taken back.
    pub state: PathBuf,
}

/// What a save did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Every patch of the commits in order, then those that were dropped.
    pub patches: Vec<SavedPatch>,
    /// Whether the order of what was there is another one.
    pub reordered: bool,
    /// Bytes that were written (or would be) to the series.
    pub bytes: u64,
}

/// What became of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPatch {
    /// Its series.
    pub series: SeriesName,
    /// Its file.
    pub file: PatchName,
    /// What was done.
    pub what: What,
}

/// What a save did to a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Nothing: its bytes are the same.
    Kept,
    /// It was written again.
    Changed,
    /// A form for this release was put beside those that it had.
    FormAdded,
    /// An edit became a mail.
    EditToMail,
    /// The upstream has it: it is for older releases now.
    Ended,
    /// It is new.
    New,
    /// It is gone.
    Dropped,
}

impl Saved {
    /// True where the series is as it was.
    pub fn is_unchanged(&self) -> bool {
        !self.reordered && self.patches.iter().all(|p| p.what == What::Kept)
    }
}

/// The same, after every release was asked what it says to the forms that patches got for this one: a form that holds wherever
/// the old one did takes its place. `None` where there is nothing to ask. Where the releases cannot be looked at, both forms stay.
pub fn save_judged(
    session: &Session<'_>,
    component: &Component,
    space: Workspace<'_>,
    options: &SaveOptions,
    lock: &Lock,
) -> Result<(Saved, Option<Judgement>), PipelineError> {
    let series = space.series()?;
    space.check_not_waiting()?;
    space.check_series(&series)?;
    match choose(session, component, &space, &series, options, lock) {
        Ok((choice, judged)) => Ok((save(space, &choice)?, Some(judged))),
        Err(PipelineError::Source(_) | PipelineError::Git(_)) => {
            session.check_interrupt()?;
            space.warn("the releases cannot be looked at: old forms stay beside new ones".to_owned());
            Ok((save(space, options)?, None))
        }
        Err(error) => Err(error),
    }
}

/// Writes the commits of a work folder back to its series.
pub fn save(mut space: Workspace<'_>, options: &SaveOptions) -> Result<Saved, PipelineError> {
    let _lock = FileLock::acquire(&WorkState::lock_file(&space.dir), space.reporter, space.exec.interrupt())?;
    space.check_not_waiting()?;
    let root = space.files.root().ok_or(LifeError::NoProject)?.to_owned();
    let log = UndoLog::of(&options.state, &root);
    let _series_lock = FileLock::acquire(&log.lock_file(), space.reporter, space.exec.interrupt())?;
    for series in &space.state.series {
        recover(&folder_of(&series.upstream, &series.name)?.below(&root))?;
    }
    let series = space.series()?;
    adopt(&mut space, &series, &log)?;
    space.check_series(&series)?;
    if options.by.is_none() {
        look_at_files(&space)?;
    }
    let head = space.head()?;
    let Some(Prepared { plans, patches, made, state, reordered }) = prepare(&space, &series, options, &head)? else {
        let kept = space.state.patches.iter().filter_map(|p| Some((p.series.clone(), p.form.clone()?)));
        let patches = kept.map(|(series, file)| SavedPatch { series, file, what: What::Kept }).collect();
        return Ok(Saved { patches, reordered: false, bytes: 0 });
    };
    let mut saved = Saved { patches, reordered, bytes: 0 };
    let changes: Vec<Change> = plans
        .into_values()
        .filter_map(|plan| {
            let old = if plan.on_disk { plan.old } else { Draft::new() };
            // A built-in series goes to disk once it is another one.
            (plan.new != old && (plan.on_disk || !saved.is_unchanged())).then(|| Change {
                folder: plan.folder.below(&root),
                old,
                new: plan.new,
            })
        })
        .collect();
    let differs = |c: &Change| {
        c.new.iter().filter(|(name, bytes)| c.old.get(*name) != Some(*bytes)).map(|(_, b)| b.len() as u64).sum::<u64>()
    };
    saved.bytes = changes.iter().map(differs).sum();
    if options.dry_run {
        return Ok(saved);
    }
    check_format(&space, &made)?;
    if !changes.is_empty() {
        let work = WorkRecord { dir: space.dir.clone(), before: space.state.clone(), after: state.clone() };
        log.write(options.by.unwrap_or("save"), &changes, Some(work))?;
    }
    space.state = state;
    space.remember()?;
    Ok(saved)
}

/// Nothing is saved while git is at something; what is in no commit is told.
fn look_at_files(space: &Workspace<'_>) -> Result<(), PipelineError> {
    let status = space.repo.status(space.exec)?;
    if let Some(what) = status.in_progress {
        return Err(LifeError::InProgress { path: space.dir.clone(), what }.into());
    }
    let loose: Vec<String> = status.changed.into_iter().chain(status.untracked).collect();
    if !loose.is_empty() {
        space.warn(format!("what is in no commit is not saved: {}", some(loose).join(", ")));
    }
    Ok(())
}

/// A save that only has to be written.
struct Prepared {
    plans: BTreeMap<usize, Plan>,
    patches: Vec<SavedPatch>,
    made: Vec<Made>,
    state: WorkState,
    reordered: bool,
}

/// Everything but the writing. `None`: no commit is another one.
fn prepare(
    space: &Workspace<'_>,
    series: &[Series],
    options: &SaveOptions,
    head: &CommitId,
) -> Result<Option<Prepared>, PipelineError> {
    let Some((plans, patches, made)) = planned(space, series, options, head)? else { return Ok(None) };
    let (state, reordered) = proved(space, series, &plans, &made, head)?;
    Ok(Some(Prepared { plans, patches, made, state, reordered }))
}

type Planning = (BTreeMap<usize, Plan>, Vec<SavedPatch>, Vec<Made>);

/// The files as they would be written, not proved yet. `None`: no commit is another one.
pub(super) fn planned(
    space: &Workspace<'_>,
    series: &[Series],
    options: &SaveOptions,
    head: &CommitId,
) -> Result<Option<Planning>, PipelineError> {
    let mut saver = Saver { space, series, options, plans: BTreeMap::new(), saved: Vec::new() };
    if *head == space.state.tip && saver.is_as_opened() {
        return Ok(None);
    }
    let (made, needs_mail) = saver.plan(head)?;
    if !needs_mail.is_empty() {
        return Err(LifeError::NeedsMail { patches: needs_mail }.into());
    }
    Ok(Some((saver.plans, saver.saved, made)))
}

/// A save that was killed after its last file was written has only its own memory of it left to change; so has an undo.
fn adopt(space: &mut Workspace<'_>, series: &[Series], log: &UndoLog) -> Result<(), PipelineError> {
    let Some(work) = log.last().and_then(|record| record.work) else { return Ok(()) };
    if work.dir != space.dir {
        return Ok(());
    }
    if log.is_undoing() && work.after == space.state && work.before.series == opened(series) {
        space.notice("the last undo was ended before it was told: it is complete".to_owned());
        space.state = work.before;
        space.remember()?;
        return Ok(log.pop()?);
    }
    if work.before == space.state && work.after.series == opened(series) {
        space.notice("the last save was ended before it was told: it is complete".to_owned());
        space.state = work.after;
        space.remember()?;
    }
    Ok(())
}

/// The proof: the series as they would be written, applied to the release, give the commits' trees. Gives what is remembered
/// then.
fn proved(
    space: &Workspace<'_>,
    old: &[Series],
    plans: &BTreeMap<usize, Plan>,
    made: &[Made],
    head: &CommitId,
) -> Result<(WorkState, bool), PipelineError> {
    let mut files: Files = space.files.clone();
    for plan in plans.values() {
        files = files.with_draft(plan.folder.clone(), plan.new.clone());
    }
    let new = space.load(&files)?;
    let not_the_same = |why: String, help: &str| LifeError::NotTheSame { why, help: help.to_owned() };
    let patches = flat(&new);
    let (objects, version) = (space.repo.objects(), space.version());
    let steps = match patch::apply_some(objects, &space.base_tree()?, version.as_ref(), &patches)? {
        Outcome::Applied { steps, .. } => steps,
        Outcome::Failed { failures, .. } => {
            let why = patch::explain(&failures[0], space.state.component.as_str());
            let help = "where another form of the patch applies too, and does something else, change or remove that form as well; in a quilt folder a patch must be one that patch(1) can make";
            return Err(not_the_same(why, help).into());
        }
    };
    let mut commits = made.iter();
    let mut known = Vec::new();
    for (step, (series, patch)) in steps.iter().zip(&patches) {
        let mut one = OpenedPatch::new(series.name().clone(), patch.name.clone());
        if let patch::Status::Applied { form, .. } = &step.status {
            let Some(commit) = commits.next().filter(|c| step.tree.as_ref() == Some(&c.commit.step.tree)) else {
                let why = format!("{form} makes other files than its commit");
                return Err(not_the_same(
                    why,
                    "this is a mistake of forge's: nothing was written; keep the work folder and report it",
                )
                .into());
            };
            one.form = Some(form.clone());
            one.commit = Some(commit.commit.id.clone());
        }
        known.push(one);
    }
    if commits.next().is_some() {
        let why = "a patch is not for this release any more".to_owned();
        return Err(not_the_same(why, "look at `versions` in series.toml").into());
    }
    let order = |s: &Series, at: usize| -> Vec<usize> {
        let _ = s;
        plans[&at]
            .list
            .iter()
            .filter_map(|p| if let Planned::Kept { index, .. } | Planned::Ended { index, .. } = p { Some(*index) } else { None })
            .collect()
    };
    let reordered = old.iter().enumerate().any(|(at, s)| !order(s, at).is_sorted());
    let state = WorkState { tip: head.clone(), series: opened(&new), patches: known, ..space.state.clone() };
    Ok((state, reordered))
}
