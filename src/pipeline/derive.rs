//! A structural edit in the place of a mail: derived on a release where the mail applies, proved there, and judged with the mail
//! on all releases. What the mail brings of new files stays a mail.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::{Draft, Files};
use crate::git::diff::{changes, tree_diff};
use crate::git::objects::{Changes, Mode, Objects};
use crate::matrix::{Column, Judged, State};
use crate::names::{PatchName, RelPath, Revision, SeriesName, TreeId};
use crate::patch::edit::{Hold, Wanted, derive};
use crate::patch::{
    self, Before, Content, Dialect, Form, FormChange, Letter, Outcome, PatchFile, Planned, Series, Status, provenance, relist,
    write_mail,
};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::matrix::MatrixOptions;
use crate::pipeline::session::Session;
use crate::pipeline::tree::{BaseTree, patch_step};
use crate::pipeline::workspace::{draft_of, flat, folder_of};
use crate::plan::Lock;
use crate::recipe::model::Component;
use crate::release::Release;

/// A mail, and the edit that would take its place.
pub(super) struct Derived {
    /// The folder of the series.
    pub(super) folder: RelPath,
    /// Its files, and whether they are on disk.
    pub(super) old: Draft,
    pub(super) on_disk: bool,
    /// Its files with the edit.
    pub(super) new: Draft,
    /// The form that the edit takes the place of.
    pub(super) mail: PatchName,
    /// The edit.
    pub(super) edit: PatchName,
    /// Whether the mail stays, with its new files.
    pub(super) split: bool,
}

/// A patch of a component, by its place among all of its series.
pub(super) struct Place<'s> {
    pub(super) series: &'s [Series],
    pub(super) at: usize,
}

impl Place<'_> {
    fn own(&self) -> (usize, usize) {
        let mut at = self.at;
        for (number, series) in self.series.iter().enumerate() {
            if at < series.patches().len() {
                return (number, at);
            }
            at -= series.patches().len();
        }
        (0, 0)
    }
}

/// Edits of one patch, which differ in what they hold on to.
pub(super) struct Edits {
    first: Derived,
    other: Option<Derived>,
}

/// Derives edits on a release, and proves them there.
pub(super) fn derive_on(
    files: &Files,
    component: &Component,
    place: &Place<'_>,
    objects: &Objects,
    base: &BaseTree,
) -> Result<Edits, PipelineError> {
    // What is made here is looked at, and no more.
    objects.keep_in_memory()?;
    let patches = flat(place.series);
    let (series, patch) = patches[place.at];
    let nothing = |why: String| LifeError::NothingToDerive { patch: patch.name.clone(), why };
    if patch.forms.iter().all(|form| matches!(form.content, Content::Edit(_))) {
        return Err(nothing("is an edit already".to_owned()).into());
    }
    if series.dialect() == Dialect::Quilt {
        let (series, patch) = (series.name().clone(), patch.name.clone());
        let help = "list the patches in a series.toml instead, and remove the file `series`";
        return Err(LifeError::NoPlaceForEdit { series, patch, why: "it is a quilt folder", help }.into());
    }
    let release = Release::parse(&base.release);
    let steps = match patch::apply_some(objects, &base.tree, release.as_ref(), &patches[..=place.at])? {
        Outcome::Applied { steps, .. } => steps,
        Outcome::Failed { failures, .. } => {
            let (component, release) = (component.name.clone(), base.release.clone());
            return Err(PipelineError::Patches { component, release, failures });
        }
    };
    let tree_after = |at: usize| steps.get(at).and_then(|step| step.tree.clone());
    let after = tree_after(place.at).unwrap_or_else(|| base.tree.clone());
    let before = place.at.checked_sub(1).and_then(tree_after).unwrap_or_else(|| base.tree.clone());
    let Status::Applied { form, .. } = &steps[place.at].status else {
        return Err(nothing(format!("is not for {}", base.release)).into());
    };
    let form = patch.forms.iter().find(|f| f.file == *form).unwrap_or(&patch.forms[0]);
    let Content::Diff(content) = &form.content else {
        return Err(nothing(format!("is an edit on {}", base.release)).into());
    };
    let Parted { created, changed } = parted(objects, patch.name.clone(), &before, &after)?;
    if changed.is_empty() {
        return Err(nothing("brings only new files".to_owned()).into());
    }
    if !created.is_empty() && patch.forms.len() > 1 {
        let (series, patch) = (series.name().clone(), patch.name.clone());
        let why = "it has several forms, and this one brings new files";
        let help = "put the new files into a patch of their own first: `forge patch start`, and split the commit";
        return Err(LifeError::NoPlaceForEdit { series, patch, why, help }.into());
    }
    let text = provenance(content);
    let derived = |hold| derive(&changed, Some(&text), hold);
    let refused = |source| LifeError::Inexpressible { patch: patch.name.clone(), release: base.release.clone(), source };
    let first = derived(Hold::Statement).map_err(refused)?;
    let other = derived(Hold::Call).ok().filter(|other| *other != first);
    let folder = folder_of(series.upstream(), series.name())?;
    let (old, on_disk) = draft_of(files, &folder)?;
    let mut files_of_all = old.clone();
    let edit = edit_name(&old, &form.file)?;
    let split = !created.is_empty();
    match split {
        true => {
            let bytes = without_changes(objects, form, content, &old, (&before, &created))?;
            files_of_all.insert(form.file.to_string(), bytes)
        }
        false => files_of_all.remove(form.file.as_str()),
    };
    let (number, own) = place.own();
    relist(series, &mut files_of_all, &plan(series, own, form, &edit, split, &base.release))?;
    let proved = |bytes| -> Result<Derived, PipelineError> {
        let (folder, old, mut new) = (folder.clone(), old.clone(), files_of_all.clone());
        new.insert(edit.to_string(), bytes);
        let derived = Derived { folder, old, on_disk, new, mail: form.file.clone(), edit: edit.clone(), split };
        prove(files, place, number, objects, base, &after, &derived)?;
        Ok(derived)
    };
    Ok(Edits { first: proved(first)?, other: other.map(proved).transpose()? })
}

/// What a patch does to files that are there, and those that it brings.
struct Parted {
    created: Changes,
    changed: BTreeMap<RelPath, Wanted>,
}

fn parted(objects: &Objects, patch: PatchName, before: &TreeId, after: &TreeId) -> Result<Parted, PipelineError> {
    let mut out = Parted { created: Changes::new(), changed: BTreeMap::new() };
    let refused = |what, file: &RelPath| LifeError::NoEditDoes { patch: patch.clone(), what, file: file.clone() };
    for change in changes(objects, before, after)? {
        match (change.old, change.new) {
            (None, Some(new)) => {
                out.created.insert(change.path, Some((new.mode, objects.blob(&new.id)?)));
            }
            (Some(old), Some(new)) if old.mode != new.mode => {
                return Err(refused("changes the kind or mode of", &change.path).into());
            }
            (Some(old), Some(new)) if matches!(old.mode, Mode::File | Mode::Executable) => {
                let wanted = Wanted { before: objects.blob(&old.id)?, after: objects.blob(&new.id)? };
                out.changed.insert(change.path, wanted);
            }
            (Some(_), Some(_)) => return Err(refused("changes the link or submodule", &change.path).into()),
            (_, None) => return Err(refused("takes away or renames", &change.path).into()),
        }
    }
    Ok(out)
}

/// A free name for the edit.
fn edit_name(files: &Draft, mail: &PatchName) -> Result<PatchName, PipelineError> {
    let stem = mail.as_str().trim_end_matches(".patch");
    let names = std::iter::once(format!("{stem}.edit.toml")).chain((2..).map(|n| format!("{stem}-{n}.edit.toml")));
    Ok(PatchName::new(names.into_iter().find(|name| !files.contains_key(name)).unwrap_or_default())?)
}

/// The mail with its new files alone.
fn without_changes(
    objects: &Objects,
    form: &Form,
    content: &PatchFile,
    files: &Draft,
    (before, created): (&TreeId, &Changes),
) -> Result<Vec<u8>, PipelineError> {
    let with_new = objects.write(Some(before), created)?;
    let diff = tree_diff(objects, before, &with_new)?;
    let bytes = files.get(form.file.as_str()).map(Vec::as_slice).unwrap_or_default();
    let known = Before { patch: content, bytes, same_text: true };
    let mail = write_mail(&Letter::of(&patch_step(form, &with_new, 0)), &diff, Some(known));
    Ok(mail.map_err(|source| LifeError::Letter { commit: form.file.to_string(), source })?)
}

/// The list with the edit in the place of the form, or right behind it.
fn plan(series: &Series, own: usize, form: &Form, edit: &PatchName, split: bool, release: &Revision) -> Vec<Planned> {
    let mut plan: Vec<Planned> = (0..series.patches().len()).map(|index| Planned::Kept { index, change: None }).collect();
    let change = |by: &PatchName, base| FormChange { file: form.file.clone(), by: by.clone(), base, beside: false };
    let with = |change| Planned::Kept { index: own, change: Some(change) };
    let edit = with(change(edit, None));
    let mail = split.then(|| with(change(&form.file, Some(release.clone()))));
    plan.splice(own..=own, mail.into_iter().chain([edit]));
    plan
}

/// The series with the edit gives the tree of the mail.
fn prove(
    files: &Files,
    place: &Place<'_>,
    number: usize,
    objects: &Objects,
    base: &BaseTree,
    after: &TreeId,
    derived: &Derived,
) -> Result<(), PipelineError> {
    let files = files.with_draft(derived.folder.clone(), derived.new.clone());
    let mut series = place.series.to_vec();
    series[number] = Series::load(&files, series[number].upstream(), series[number].name())?;
    let last = place.at + usize::from(derived.split);
    let outcome = patch::apply_some(objects, &base.tree, Release::parse(&base.release).as_ref(), &flat(&series)[..=last])?;
    if matches!(&outcome, Outcome::Applied { tree, .. } if tree == after) {
        return Ok(());
    }
    let why = format!("{} makes other files than {}", derived.edit, derived.mail);
    let help = "where the patch has another form that applies too, change or remove that form; else please report it: nothing was written";
    Err(LifeError::NotTheSame { why, help: help.to_owned() }.into())
}

/// A patch on all releases, as it is and with the edit.
pub(super) struct Compared {
    /// Releases that it is for.
    pub(super) releases: usize,
    /// Those on which the mail holds.
    pub(super) mail: usize,
    /// Those on which the edit holds.
    pub(super) edit: usize,
    /// Releases on which the edit holds, and the mail does not.
    pub(super) gained: Vec<Revision>,
    /// Releases on which the mail or the series held, and with the edit does not.
    pub(super) lost: Vec<Revision>,
    /// Releases on which the series holds either way, and gives other files.
    pub(super) differs: Vec<Revision>,
}

/// Whether some patches of a column, by their places, are on a release as they should be; `None` where they are not for it.
pub(super) fn holds(release: &Judged, places: std::ops::Range<usize>) -> Option<bool> {
    let states: Vec<State> = release.patches.get(places).unwrap_or_default().iter().map(|patch| patch.state).collect();
    let skipped = states.iter().all(|state| *state == State::Skipped);
    (!skipped).then(|| states.iter().all(|state| state.applies()))
}

/// Judges the series with each of the edits, and gives the one that holds on most releases; of those the first.
pub(super) fn best(
    session: &Session<'_>,
    component: &Component,
    at: usize,
    old: &Column,
    edits: Edits,
    lock: &Lock,
    options: &MatrixOptions,
) -> Result<(Derived, Compared), PipelineError> {
    let judged = |derived: &Derived| compare(session, component, at, old, derived, lock, options);
    let first = judged(&edits.first)?;
    // What loses nothing and holds everywhere cannot be bettered.
    let Some(other) = edits.other.filter(|_| !first.lost.is_empty() || first.edit < first.releases) else {
        return Ok((edits.first, first));
    };
    let second = judged(&other)?;
    let rank = |one: &Compared| (std::cmp::Reverse(one.lost.len()), one.edit);
    Ok(if rank(&second) > rank(&first) { (other, second) } else { (edits.first, first) })
}

/// Judges the series with the edit on the releases of `old`, the column of the series as it is.
fn compare(
    session: &Session<'_>,
    component: &Component,
    at: usize,
    old: &Column,
    derived: &Derived,
    lock: &Lock,
    options: &MatrixOptions,
) -> Result<Compared, PipelineError> {
    let files = session.files.with_draft(derived.folder.clone(), derived.new.clone());
    let new = session.with_files(&files).column(component, None, lock, options)?;
    let mut done = Compared { releases: 0, mail: 0, edit: 0, gained: Vec::new(), lost: Vec::new(), differs: Vec::new() };
    let mut lost = BTreeSet::new();
    for before in &old.releases {
        let Some(now) = new.releases.iter().find(|now| now.version == before.version && now.module == before.module) else {
            continue;
        };
        let mail = holds(before, at..at + 1);
        let edit = holds(now, at..at + 1 + usize::from(derived.split));
        done.releases += usize::from(mail.is_some());
        let (mail, edit) = (mail == Some(true), edit == Some(true));
        done.mail += usize::from(mail);
        done.edit += usize::from(edit);
        if edit && !mail {
            done.gained.push(now.version.clone());
        }
        let held = before.verdict.applies() && !now.verdict.applies();
        if (mail && !edit || held) && lost.insert(now.version.clone()) {
            done.lost.push(now.version.clone());
        }
        if before.tree.is_some() && now.tree.is_some() && before.tree != now.tree {
            done.differs.push(now.version.clone());
        }
    }
    Ok(done)
}

/// The patches of some series that a name means: a patch's, or one of its files', with or without `.patch`.
pub(super) fn named(series: &[Series], of: Option<&SeriesName>, name: &str) -> Vec<usize> {
    let is_called = |file: &PatchName| file.as_str() == name || file.as_str().strip_suffix(".patch") == Some(name);
    let is_it = |(one, patch): &(&Series, &patch::Patch)| {
        of.is_none_or(|of| of == one.name()) && (is_called(&patch.name) || patch.forms.iter().any(|form| is_called(&form.file)))
    };
    flat(series).iter().enumerate().filter(|(_, one)| is_it(one)).map(|(at, _)| at).collect()
}
