//! `forge patch to-edit`: a mail becomes a structural edit, which finds its places on more releases. No release is lost.

use std::path::PathBuf;

use crate::disk::FileLock;
use crate::files::{Draft, Files};
use crate::names::{ComponentName, PatchName, Revision, SeriesName};
use crate::patch::Series;
use crate::pipeline::derive::{Compared, Place, best, derive_on, named};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::matrix::MatrixOptions;
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::pipeline::workspace::{flat, folder_of};
use crate::recipe::model::{Component, Recipe};
use crate::work::replace::recover;
use crate::work::undo::{Change, UndoLog};

/// Which patch becomes an edit, and how.
#[derive(Debug, Clone)]
pub struct ToEditOptions {
    /// The release to derive it on, where not the recipe's.
    pub pick: Option<Pick>,
    /// Its series, where the name alone does not say it.
    pub series: Option<SeriesName>,
    /// The patch, or a file of it; `.patch` can be left out.
    pub patch: String,
    /// Even where releases are lost.
    pub overwrite: bool,
    /// Say what would be done, and change nothing.
    pub dry_run: bool,
    /// The folder for what can be taken back.
    pub state: PathBuf,
}

/// An edit in the place of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToEdit {
    /// The release that it was derived on.
    pub release: Revision,
    /// The series.
    pub series: SeriesName,
    /// The mail.
    pub mail: PatchName,
    /// Whether the mail stays, with the new files that it brings.
    pub mail_stays: bool,
    /// The edit.
    pub edit: PatchName,
    /// Its text.
    pub text: String,
    /// Releases that the patch is for.
    pub releases: usize,
    /// Those on which the mail held.
    pub mail_holds: usize,
    /// Those on which the edit holds.
    pub edit_holds: usize,
    /// Releases on which the edit holds, and the mail did not.
    pub gained: Vec<Revision>,
    /// Releases that are lost; only with `overwrite`.
    pub lost: Vec<Revision>,
    /// Releases on which the patched files are other ones than with the mail.
    pub differs: Vec<Revision>,
}

/// The only component that has a patch of that name.
pub fn component_with(
    files: &Files,
    recipe: &Recipe,
    series: Option<&SeriesName>,
    patch: &str,
) -> Result<ComponentName, PipelineError> {
    let mut found: Vec<(ComponentName, String)> = Vec::new();
    for component in recipe.components.values() {
        let loaded: Vec<Series> =
            component.series.iter().map(|name| Series::load(files, &component.upstream.name, name)).collect::<Result<_, _>>()?;
        let patches = flat(&loaded);
        for at in named(&loaded, series, patch) {
            found.push((component.name.clone(), format!("{}/{}", patches[at].0.name(), patches[at].1.name)));
        }
    }
    match &found[..] {
        [(component, _)] => Ok(component.clone()),
        _ => {
            let known = found.into_iter().map(|(component, patch)| format!("{component} {patch}")).collect();
            Err(LifeError::NotOnePatch { patch: patch.to_owned(), known }.into())
        }
    }
}

/// Puts an edit in the place of a mail.
pub fn to_edit(
    session: &Session<'_>,
    component: &Component,
    options: &ToEditOptions,
    file: &mut LockFile,
) -> Result<ToEdit, PipelineError> {
    if component.series.is_empty() {
        return Err(PipelineError::NoSeries(component.name.clone()));
    }
    let root = session.files.root().ok_or(LifeError::NoProject)?.to_owned();
    let log = UndoLog::of(&options.state, &root);
    let _lock = FileLock::acquire(&log.lock_file(), session.reporter, session.exec.interrupt())?;
    for name in &component.series {
        recover(&folder_of(&component.upstream.name, name)?.below(&root))?;
    }
    let series = session.series_of(component)?;
    let at = place_of(component, &series, options)?;
    let (objects, base) = session.unpatched(component, options.pick.as_ref(), file)?;
    let edits = derive_on(session.files, component, &Place { series: &series, at }, &objects, &base)?;
    let matrix = MatrixOptions { trees: true, ..MatrixOptions::default() };
    let old = session.column(component, None, &file.lock, &matrix)?;
    let (derived, compared) = best(session, component, at, &old, edits, &file.lock, &matrix)?;
    let Compared { releases, mail, edit, gained, lost, differs } = compared;
    if !lost.is_empty() && !options.overwrite && !options.dry_run {
        return Err(LifeError::WouldLose { releases: lost }.into());
    }
    let text = derived.new.get(derived.edit.as_str()).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    if !options.dry_run {
        let old = if derived.on_disk { derived.old } else { Draft::new() };
        let change = Change { folder: derived.folder.below(&root), old, new: derived.new };
        log.write("to-edit", &[change], None)?;
    }
    Ok(ToEdit {
        release: base.release,
        series: flat(&series)[at].0.name().clone(),
        mail: derived.mail,
        mail_stays: derived.split,
        edit: derived.edit,
        text: text.unwrap_or_default(),
        releases,
        mail_holds: mail,
        edit_holds: edit,
        gained,
        lost,
        differs,
    })
}

fn place_of(component: &Component, series: &[Series], options: &ToEditOptions) -> Result<usize, PipelineError> {
    let said = |at: &usize| {
        let (series, patch) = flat(series)[*at];
        format!("{}/{}", series.name(), patch.name)
    };
    let patch = match &options.series {
        Some(series) => format!("{series}/{}", options.patch),
        None => options.patch.clone(),
    };
    match &named(series, options.series.as_ref(), &options.patch)[..] {
        [one] => Ok(*one),
        [] => {
            let known = (0..flat(series).len()).map(|at| said(&at)).collect();
            Err(LifeError::NoSuchPatch { component: component.name.clone(), patch, known }.into())
        }
        several => {
            let known = several.iter().map(|at| format!("{} {}", component.name, said(at))).collect();
            Err(LifeError::NotOnePatch { patch, known }.into())
        }
    }
}
