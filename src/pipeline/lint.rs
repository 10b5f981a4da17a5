//! `forge patch lint`: every series of some components, each once; and the mails whose context does not hold where an edit
//! would, as far as the store knows the releases.

use std::collections::BTreeSet;

use crate::event::Event;
use crate::files::Files;
use crate::git::objects::Objects;
use crate::matrix::{Column, Judged};
use crate::names::Revision;
use crate::patch::{Content, Finding, FindingKind, Series, lint};
use crate::pipeline::derive::{Edits, Place, best, derive_on, holds};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::matrix::MatrixOptions;
use crate::pipeline::session::Session;
use crate::pipeline::tree::BaseTree;
use crate::pipeline::workspace::flat;
use crate::recipe::model::{Component, Source};

/// How many patches there are, and what there is to object to. Needs no release and no store.
pub fn lint_series(files: &Files, components: &[&Component]) -> Result<(usize, Vec<Finding>), PipelineError> {
    let all: BTreeSet<_> = components.iter().flat_map(|c| c.series.iter().map(|name| (&c.upstream.name, name))).collect();
    let (mut patches, mut findings) = (0, Vec::new());
    for (upstream, name) in all {
        let series = Series::load(files, upstream, name)?;
        patches += series.patches().len();
        findings.extend(lint(&series));
    }
    Ok((patches, findings))
}

/// The mails that hold on fewer releases than edits in their place would. The session must be offline: what the store does not
/// know of the releases is not looked at.
pub fn lint_context(
    session: &Session<'_>,
    components: &[&Component],
    file: &mut LockFile,
) -> Result<Vec<Finding>, PipelineError> {
    let mut found: Vec<Finding> = Vec::new();
    for component in components.iter().filter(|component| !component.series.is_empty()) {
        session.check_interrupt()?;
        let known = match &component.upstream.source {
            Source::Git(home) => session.store.survey(home).is_dir(),
            Source::Module(_) | Source::Path(_) => true,
        };
        let looked = if known { of_component(session, component, file) } else { Ok(Vec::new()) };
        let why = match looked {
            Ok(findings) if known => {
                let is_new = |one: &Finding| !found.iter().any(|other| other.series == one.series && other.file == one.file);
                let new: Vec<Finding> = findings.into_iter().filter(is_new).collect();
                found.extend(new);
                continue;
            }
            Ok(_) => "there is no survey of its releases".to_owned(),
            Err(error) => error.to_string(),
        };
        session.check_interrupt()?;
        let text = format!("{}: not asked whether edits would hold on more releases: {why}", component.name);
        session.reporter.report(Event::Detail { text });
    }
    Ok(found)
}

fn of_component(session: &Session<'_>, component: &Component, file: &mut LockFile) -> Result<Vec<Finding>, PipelineError> {
    let series = session.series_of(component)?;
    let options = MatrixOptions::default();
    let column = session.column(component, None, &file.lock, &options)?;
    // Where a mail holds on all releases, no edit holds on more.
    let fails = |at: usize| column.releases.iter().any(|release| holds(release, at..at + 1) == Some(false));
    let patches = flat(&series);
    let is_mail = |at: &usize| patches[*at].1.forms.iter().all(|form| matches!(form.content, Content::Diff(_)));
    let rotting: Vec<usize> = (0..patches.len()).filter(is_mail).filter(|at| fails(*at)).collect();
    if rotting.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for at in rotting {
        let Some(Found { edits, on }) = derived(session, component, (&series, at), &column, file)? else { continue };
        let (derived, compared) = best(session, component, at, &column, edits, &file.lock, &options)?;
        if compared.edit <= compared.mail || !compared.lost.is_empty() {
            continue;
        }
        let (series, file) = (patches[at].0.name().clone(), derived.mail);
        let (mail, edit, of, component) = (compared.mail, compared.edit, compared.releases, &component.name);
        let on = on.map(|release| format!("@{release}")).unwrap_or_default();
        let command = format!("forge patch to-edit {series}/{file} {component}{on}");
        let text = format!("holds on {mail} of {of} releases; as an edit on {edit}: `{command}`");
        found.push(Finding { series, file, line: None, kind: FindingKind::Rots, text });
    }
    Ok(found)
}

/// Edits of a mail.
struct Found {
    edits: Edits,
    /// The release that has to be named, so that they are derived.
    on: Option<Revision>,
}

/// The edits of a mail: derived on the recipe's release, else on the newest one that the store knows and the mail holds on.
fn derived(
    session: &Session<'_>,
    component: &Component,
    (series, at): (&[Series], usize),
    column: &Column,
    file: &mut LockFile,
) -> Result<Option<Found>, PipelineError> {
    let place = Place { series, at };
    let mut does_not_apply = false;
    if let Ok((objects, base)) = session.unpatched(component, None, file) {
        match derive_on(session.files, component, &place, &objects, &base) {
            Ok(edits) => return Ok(Some(Found { edits, on: None })),
            Err(PipelineError::Life(_)) => return Ok(None),
            Err(PipelineError::Patches { .. }) => does_not_apply = true,
            // The store does not have it; it knows other releases.
            Err(_) => {}
        }
    }
    session.check_interrupt()?;
    let good = |release: &&Judged| holds(release, 0..at + 1) == Some(true) && holds(release, at..at + 1) == Some(true);
    let Some(release) = column.releases.iter().find(good) else { return Ok(None) };
    let lineup = session.lineup(component, series, None, None, &file.lock)?;
    let Some(entry) = lineup.entries.iter().find(|e| e.version == release.version && e.module == release.module) else {
        return Ok(None);
    };
    let objects = Objects::open(&lineup.store)?;
    let (release, tree) = (entry.version.clone(), entry.tree.clone());
    let base = BaseTree { tree, release: release.clone(), commit: entry.commit.clone(), time: 0 };
    match derive_on(session.files, component, &place, &objects, &base) {
        Ok(edits) => Ok(Some(Found { edits, on: does_not_apply.then_some(release) })),
        Err(PipelineError::Life(_) | PipelineError::Patches { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
