//! How a series is written so that no release is lost: one form of a patch or two, and up to which release a patch that became
//! upstream is for. Every release is judged again with what would be written.

use std::collections::BTreeSet;

use crate::files::Files;
use crate::matrix::{Column, Judged, State, Tally};
use crate::names::{PatchName, Revision, SeriesName};
use crate::patch::{Bound, Series};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::matrix::MatrixOptions;
use crate::pipeline::save::{SaveOptions, planned};
use crate::pipeline::session::Session;
use crate::pipeline::workspace::{Workspace, flat};
use crate::plan::Lock;
use crate::recipe::model::Component;
use crate::release::Release;

/// What every release says to a change of the series.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// On how many releases the series held before, and holds now, in words.
    pub held: (String, String),
    /// Releases on which it did not hold before.
    pub gained: Vec<Revision>,
    /// Releases on which it does not hold any more; only where the user asked for it.
    pub lost: Vec<Revision>,
    /// Patches that became upstream.
    pub ended: Vec<Ended>,
}

/// A patch that the upstream has from some release on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its series.
    pub series: SeriesName,
    /// The patch.
    pub patch: PatchName,
    /// What is written for it.
    pub bound: Bound,
    /// Whether a release on which the series holds still needs it.
    pub needed: bool,
}

/// Chooses, and gives the options of the save that writes it.
pub(super) fn choose(
    session: &Session<'_>,
    component: &Component,
    space: &Workspace<'_>,
    series: &[Series],
    options: &SaveOptions,
    lock: &Lock,
) -> Result<(SaveOptions, Judgement), PipelineError> {
    let head = space.head()?;
    let old = old_column(session, component, space, lock)?;
    let held = holds(&old);
    let ended = ended(space, series, &old);
    let mut choice =
        SaveOptions { bounds: ended.iter().map(|e| (e.patch.clone(), e.bound.clone())).collect(), ..options.clone() };
    let merged: Vec<(usize, PatchName)> = fresh(space).collect();
    let judged = |choice: &SaveOptions| -> Result<Column, PipelineError> {
        let mut files: Files = session.files.clone();
        for plan in planned(space, series, choice, &head)?.into_iter().flat_map(|(plans, ..)| plans.into_values()) {
            files = files.with_draft(plan.folder, plan.new);
        }
        session.with_files(&files).column(component, None, lock, &MatrixOptions::default())
    };
    choice.replace = merged.iter().map(|(_, patch)| patch.clone()).collect();
    // Where there is nothing to choose, nothing will be written either.
    let mut new = if is_open(space) { judged(&choice)? } else { old.clone() };
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
    let lost: Vec<Revision> = held.difference(&holds(&new)).cloned().collect();
    if !lost.is_empty() && !options.overwrite {
        return Err(LifeError::WouldLose { releases: lost }.into());
    }
    let gained = holds(&new).difference(&held).cloned().collect();
    Ok((choice, Judgement { held: (Tally::of(&old).words(), Tally::of(&new).words()), gained, lost, ended }))
}

/// Patches of which no form applied, and what was made of them, by their places.
fn fresh(space: &Workspace<'_>) -> impl Iterator<Item = (usize, PatchName)> {
    let patches = space.state.patches.iter().enumerate();
    patches.filter(|(_, known)| known.commit.is_some() && known.form.is_none()).map(|(at, known)| (at, known.patch.clone()))
}

/// Whether there is something to choose.
pub(super) fn is_open(space: &Workspace<'_>) -> bool {
    fresh(space).next().is_some() || space.state.patches.iter().any(|known| known.upstreamed)
}

/// The releases as they are judged now; with the commits behind what became upstream, where these can be had.
fn old_column(session: &Session<'_>, component: &Component, space: &Workspace<'_>, lock: &Lock) -> Result<Column, PipelineError> {
    if space.state.patches.iter().any(|known| known.upstreamed) && !session.options.offline {
        match session.column(component, None, lock, &MatrixOptions { blame: true, ..MatrixOptions::default() }) {
            Ok(column) => return Ok(column),
            Err(error) => {
                session.check_interrupt()?;
                space.warn(format!("the commit behind what became upstream cannot be named: {error}"));
            }
        }
    }
    session.column(component, None, lock, &MatrixOptions::default())
}

/// Up to where each patch that became upstream is needed.
fn ended(space: &Workspace<'_>, series: &[Series], column: &Column) -> Vec<Ended> {
    let mut out = Vec::new();
    for (at, (series, patch)) in flat(series).into_iter().enumerate() {
        if !space.state.patches.get(at).is_some_and(|known| known.upstreamed) {
            continue;
        }
        let mut first = None;
        // Newest first: as long as nobody needs it. Branches have no place among versions.
        for release in column.releases.iter().filter(|r| Release::parse(&r.version).is_some()) {
            match release.patches.get(at) {
                Some(verdict) if verdict.state == State::Upstreamed => first = Some((&release.version, verdict)),
                Some(verdict) if matches!(verdict.state, State::Clean | State::CleanOffset) => break,
                _ => {}
            }
        }
        let (release, commit) = match first {
            Some((release, verdict)) => (release, verdict.reasons.last().map(|r| r.text.clone())),
            None => (&space.state.release, None),
        };
        let reason = match commit.filter(|text| text.starts_with(UPSTREAM)) {
            Some(commit) => format!("{commit}, in {release}"),
            None => Bound::since(release).reason,
        };
        let older = |r: &&Judged| Release::parse(&r.version).zip(Release::parse(release)).is_some_and(|(r, first)| r < first);
        let needed = column.releases.iter().filter(older).any(|r| r.verdict.applies());
        let bound = Bound { below: release.clone(), reason };
        out.push(Ended { series: series.name().clone(), patch: patch.name.clone(), bound, needed });
    }
    out
}

/// How the reason begins that names the commit of what became upstream.
pub(super) const UPSTREAM: &str = "upstream has it by ";

/// The patches, by their place, that fail on releases on which the series held.
fn failing(column: &Column, held: &BTreeSet<Revision>) -> BTreeSet<usize> {
    let of_release = |release: &Judged| -> Vec<usize> {
        release.patches.iter().enumerate().filter(|(_, p)| !p.state.applies()).map(|(at, _)| at).collect()
    };
    column.releases.iter().filter(|r| held.contains(&r.version)).flat_map(of_release).collect()
}

/// The releases on which a series holds.
fn holds(column: &Column) -> BTreeSet<Revision> {
    column.releases.iter().filter(|r| r.verdict.applies()).map(|r| r.version.clone()).collect()
}
