//! `forge patch rebase`: a series brought to another release. What applies there stays as it is; what can be merged gets a form
//! for it; the rest is left in a work folder.
//!
//! No release is lost: where the new form does not hold on a release on which the old one did, both stay.

use std::path::PathBuf;

use crate::git::work::WorkRepo;
use crate::names::{PatchName, Revision, SeriesName};
use crate::patch::PatchFailure;
use crate::pipeline::choice::{Judgement, choose, is_open};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::merging::{Onto, stack_merging};
use crate::pipeline::save::{SaveOptions, Saved, save};
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::pipeline::start::{Opened, StartOptions, start};
use crate::pipeline::workspace::{Workspace, flat, opened, stack, take};
use crate::recipe::model::Component;
use crate::release::Release;
use crate::work::compare::{Pair, Placed, compare};
use crate::work::state::FORMAT;
use crate::work::{OpenedPatch, WorkState};

/// How a series is rebased.
#[derive(Debug)]
pub struct RebaseOptions {
    /// The release to go to.
    pub to: Pick,
    /// New forms take the place of the old ones, whatever is lost by it.
    pub overwrite: bool,
    /// Say what would be done, and change nothing.
    pub dry_run: bool,
    /// The work folder for what conflicts, where not the usual one.
    pub dir: Option<PathBuf>,
    /// The recipe, as `--recipe` takes it.
    pub recipe: String,
    /// The user.
    pub uid: u32,
    /// The folder for what can be taken back.
    pub state: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct Rebased {
    /// The release that the series was on.
    pub from: Revision,
    /// The release that it is on now.
    pub to: Revision,
    /// Each patch, up to the one that stopped it.
    pub patches: Vec<RebasedPatch>,
    /// `git range-diff` of the two stacks.
    pub range_diff: String,
    /// What was written to the series.
    pub saved: Option<Saved>,
    /// What every release says to it; `None` where the rebase stopped.
    pub judged: Option<Judgement>,
    /// Why it stopped.
    pub failure: Option<Box<PatchFailure>>,
    /// The work folder that waits for a resolution.
    pub waiting: Option<Opened>,
}

/// A patch on the new release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebasedPatch {
    /// Its series.
    pub series: SeriesName,
    /// The patch.
    pub patch: PatchName,
    /// What became of it.
    pub turn: Turn,
}

/// What became of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It applies as it is.
    Applies,
    /// It is not for the release.
    Skipped,
    /// It was merged without a conflict.
    Merged,
    /// The upstream has it already.
    Upstreamed,
    /// It conflicts.
    Conflict,
}

/// Brings the series of a component from the recipe's release to another one.
pub fn rebase(
    session: &Session<'_>,
    component: &Component,
    options: &RebaseOptions,
    file: &mut LockFile,
) -> Result<Rebased, PipelineError> {
    if component.series.is_empty() {
        return Err(PipelineError::NoSeries(component.name.clone()));
    }
    session.files.root().ok_or(LifeError::NoProject)?;
    let (old_objects, old) = session.unpatched(component, None, file)?;
    let (objects, base) = session.unpatched(component, Some(&options.to), file)?;
    let series = session.series_of(component)?;
    let patches = flat(&series);
    let work = session.store.work_dir("rebase")?;
    let repo = WorkRepo::init(&work.path().join("repository"))?;
    // Nobody but this run sees it.
    repo.objects().keep_in_memory()?;
    let old_commit = take(&repo, &old_objects, &old, &component.name)?;
    let before = stack(&repo, &old_commit, Release::parse(&old.release).as_ref(), &patches, old.time)?;
    if let Some((_, failure)) = before.failure {
        let (component, release) = (component.name.clone(), old.release);
        return Err(PipelineError::Patches { component, release, failures: vec![*failure] });
    }
    let commit = take(&repo, &objects, &base, &component.name)?;
    let onto = Onto { release: &base.release, time: base.time, merge: true };
    let after = stack_merging(session, component, &repo, &commit, &patches, 0, onto, file)?;
    let turn = |known: &OpenedPatch| match (&known.form, &known.commit) {
        _ if known.upstreamed => Turn::Upstreamed,
        (Some(_), _) => Turn::Applies,
        (None, Some(_)) => Turn::Merged,
        (None, None) => Turn::Skipped,
    };
    let mut done = Rebased {
        from: old.release.clone(),
        to: base.release.clone(),
        patches: after
            .patches
            .iter()
            .map(|k| RebasedPatch { series: k.series.clone(), patch: k.patch.clone(), turn: turn(k) })
            .collect(),
        range_diff: String::new(),
        saved: None,
        judged: None,
        failure: None,
        waiting: None,
    };
    if let Some((at, failure)) = after.failure {
        let (series, patch) = (patches[at].0.name().clone(), patches[at].1.name.clone());
        done.patches.push(RebasedPatch { series, patch, turn: Turn::Conflict });
        if !options.dry_run {
            let (dir, recipe) = (options.dir.clone(), options.recipe.clone());
            let start_options = StartOptions { pick: Some(options.to.clone()), dir, recipe, uid: options.uid, merge: true };
            done.waiting = Some(start(session, component, &start_options, file)?);
        }
        done.failure = Some(failure);
        return Ok(done);
    }
    done.range_diff = compare(repo.objects(), &pairs(&repo, &before.patches, &after.patches)?)?;
    repo.set_ref("refs/heads/main", &after.tip, "forge patch rebase")?;
    let state = WorkState {
        format: FORMAT,
        project: session.files.root().map(Into::into).unwrap_or_default(),
        recipe: options.recipe.clone(),
        component: component.name.clone(),
        release: base.release.clone(),
        base: commit,
        tip: after.tip,
        series: opened(&series),
        patches: after.patches,
        stopped: None,
        merging: true,
        moving: None,
    };
    let (files, exec, reporter) = (session.files, session.exec, session.reporter);
    let space = Workspace { files, exec, reporter, dir: repo.dir().to_owned(), repo, state };
    let wanted = SaveOptions {
        dry_run: options.dry_run,
        overwrite: options.overwrite,
        state: options.state.clone(),
        by: Some("rebase"),
        ..SaveOptions::default()
    };
    let (choice, judged) = choose(session, component, &space, &series, &wanted, &file.lock)?;
    if is_open(&space) {
        done.saved = Some(save(space, &choice)?);
    }
    done.judged = Some(judged);
    Ok(done)
}

/// What each patch was and is, by its place among those that are for the release.
fn pairs(repo: &WorkRepo, before: &[OpenedPatch], after: &[OpenedPatch]) -> Result<Vec<Pair>, PipelineError> {
    let mut places = [0, 0];
    let mut out = Vec::new();
    for sides in before.iter().zip(after).map(|(old, new)| [&old.commit, &new.commit]) {
        let mut placed = [None, None];
        for (side, commit) in sides.into_iter().enumerate() {
            let Some(commit) = commit else { continue };
            places[side] += 1;
            placed[side] = Some(Placed { place: places[side], commit: repo.read(commit)? });
        }
        out.push(placed.into());
    }
    Ok(out)
}
