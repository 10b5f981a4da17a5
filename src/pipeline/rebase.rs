//! `forge patch rebase`: a series brought to another release. What applies there stays as it is; what can be merged gets a form
//! for it; the rest is left in a work folder.
//!
//! No release is lost: where the new form does not hold on a release on which the old one did, both stay.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::files::Files;
use crate::git::work::WorkRepo;
use crate::matrix::{Column, Judged, State, Tally};
use crate::names::{PatchName, Revision, SeriesName};
use crate::patch::{PatchFailure, Series};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::matrix::MatrixOptions;
use crate::pipeline::merging::{Onto, is_upstream, stack_merging};
use crate::pipeline::save::{SaveOptions, Saved, prepare, save};
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
    /// On how many releases the series held before, and holds now, in words.
    pub held: Option<(String, String)>,
    /// Releases on which it did not hold before.
    pub gained: Vec<Revision>,
    /// Releases on which it does not hold any more; only with `overwrite`.
    pub lost: Vec<Revision>,
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
    let turn = |known: &crate::work::OpenedPatch| match (&known.form, &known.commit) {
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
        held: None,
        gained: Vec::new(),
        lost: Vec::new(),
        failure: None,
        waiting: None,
    };
    if let Some((at, failure)) = after.failure {
        let turn = if is_upstream(&failure) { Turn::Upstreamed } else { Turn::Conflict };
        let (series, patch) = (patches[at].0.name().clone(), patches[at].1.name.clone());
        done.patches.push(RebasedPatch { series, patch, turn });
        if turn == Turn::Conflict && !options.dry_run {
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
    finish(session, component, options, space, &series, file, &mut done)?;
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

/// Chooses between one form and two for each merged patch, by all releases, and writes the series.
fn finish(
    session: &Session<'_>,
    component: &Component,
    options: &RebaseOptions,
    space: Workspace<'_>,
    series: &[Series],
    file: &LockFile,
    done: &mut Rebased,
) -> Result<(), PipelineError> {
    let merged: Vec<(usize, PatchName)> =
        done.patches.iter().enumerate().filter(|(_, p)| p.turn == Turn::Merged).map(|(at, p)| (at, p.patch.clone())).collect();
    let mut choice = SaveOptions {
        dry_run: options.dry_run,
        overwrite: options.overwrite,
        state: options.state.clone(),
        by: Some("rebase"),
        ..SaveOptions::default()
    };
    let head = space.state.tip.clone();
    let judged = |choice: &SaveOptions| -> Result<Column, PipelineError> {
        let mut files: Files = session.files.clone();
        for plan in prepare(&space, series, choice, &head)?.into_iter().flat_map(|p| p.plans.into_values()) {
            files = files.with_draft(plan.folder, plan.new);
        }
        session.with_files(&files).column(component, None, &file.lock, &MatrixOptions::default())
    };
    let old = session.column(component, None, &file.lock, &MatrixOptions::default())?;
    let held = holds(&old);
    let mut new = old.clone();
    if !merged.is_empty() {
        choice.replace = merged.iter().map(|(_, patch)| patch.clone()).collect();
        new = judged(&choice)?;
        // The fewest forms that lose nothing: one each, two where a patch fails that held, else two each.
        if !options.overwrite && !holds(&new).is_superset(&held) {
            let fails = failing(&new, &held);
            choice.replace = merged.iter().filter(|(at, _)| !fails.contains(at)).map(|(_, patch)| patch.clone()).collect();
            new = judged(&choice)?;
        }
        if !options.overwrite && !holds(&new).is_superset(&held) && !choice.replace.is_empty() {
            choice.replace.clear();
            new = judged(&choice)?;
        }
        done.lost = held.difference(&holds(&new)).cloned().collect();
        if !done.lost.is_empty() && !options.overwrite {
            return Err(LifeError::WouldLose { releases: done.lost.clone() }.into());
        }
        done.saved = Some(save(space, &choice)?);
    }
    done.gained = holds(&new).difference(&held).cloned().collect();
    done.held = Some((Tally::of(&old).words(), Tally::of(&new).words()));
    Ok(())
}

/// The patches, by their place, that fail on releases on which the series held.
fn failing(column: &Column, held: &BTreeSet<Revision>) -> BTreeSet<usize> {
    let fails = |state: State| !matches!(state, State::Clean | State::CleanOffset | State::Skipped);
    let of_release = |release: &Judged| -> Vec<usize> {
        release.patches.iter().enumerate().filter(|(_, p)| fails(p.state)).map(|(at, _)| at).collect()
    };
    column.releases.iter().filter(|r| held.contains(&r.version)).flat_map(of_release).collect()
}

/// The releases on which a series holds.
fn holds(column: &Column) -> BTreeSet<Revision> {
    column.releases.iter().filter(|r| r.verdict.applies()).map(|r| r.version.clone()).collect()
}
