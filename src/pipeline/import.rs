//! `forge patch import`: patches from elsewhere, put behind those of a series. They must apply to the release as strictly as
//! everything else; what the series can carry as it is keeps its bytes.

use std::path::PathBuf;

use crate::disk::FileLock;
use crate::files::{Draft, Files};
use crate::git::diff::tree_diff;
use crate::git::objects::Objects;
use crate::names::{PatchName, RelPath, Revision, SeriesName, TreeId, UpstreamName};
use crate::patch::{
    self, Before, Content, Dialect, Form, Letter, Outcome, Patch, Planned, Series, Status, file_name, relist, write_mail,
};
use crate::pipeline::error::PipelineError;
use crate::pipeline::incoming::{Incoming, from_branch, from_path};
use crate::pipeline::life_error::LifeError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::pipeline::tree::{BaseTree, patch_step};
use crate::pipeline::workspace::{draft_of, flat, folder_of};
use crate::recipe::model::Component;
use crate::release::Release;
use crate::work::replace::recover;
use crate::work::undo::{Change, UndoLog};

/// What is imported, and where to.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The release, where not the recipe's.
    pub pick: Option<Pick>,
    /// The series, where not the component's last.
    pub series: Option<SeriesName>,
    /// Files and folders; with `branch` one clone.
    pub paths: Vec<PathBuf>,
    /// `A..B`: the commits after A up to B.
    pub branch: Option<(String, String)>,
    /// Say what would be imported, and change nothing.
    pub dry_run: bool,
    /// The folder for what can be taken back.
    pub state: PathBuf,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The release.
    pub release: Revision,
    /// The series.
    pub series: SeriesName,
    /// Its new files.
    pub files: Vec<PatchName>,
    /// Those of them that are not what they were given as: mails were made of them.
    pub rewritten: Vec<PatchName>,
}

/// Puts patches behind those of a series.
pub fn import(
    session: &Session<'_>,
    component: &Component,
    options: &ImportOptions,
    file: &mut LockFile,
) -> Result<Imported, PipelineError> {
    let root = session.files.root().ok_or(LifeError::NoProject)?.to_owned();
    let incoming = incoming(options)?;
    let log = UndoLog::of(&options.state, &root);
    let _lock = FileLock::acquire(&log.lock_file(), session.reporter, session.exec.interrupt())?;
    let name = series_name(component, options)?;
    let folder = folder_of(&component.upstream.name, &name)?;
    recover(&folder.below(&root))?;
    let (objects, base) = session.unpatched(component, options.pick.as_ref(), file)?;
    let series = session.series_of(component)?;
    let release = Release::parse(&base.release);
    let failed = |failures| PipelineError::Patches { component: component.name.clone(), release: base.release.clone(), failures };
    let at = series.iter().position(|s| *s.name() == name).unwrap_or(0);
    let before = match patch::apply_some(&objects, &base.tree, release.as_ref(), &flat(&series[..=at]))? {
        Outcome::Applied { tree, .. } => tree,
        Outcome::Failed { failures, .. } => return Err(failed(failures)),
    };
    // As their own programs would apply them.
    let upstream = &component.upstream.name;
    let files = drafted(session.files, upstream, &incoming)?;
    let theirs = Series::load(&files, upstream, &SeriesName::new(IMPORT)?)?;
    let steps = match patch::apply_some(&objects, &before, release.as_ref(), &flat(std::slice::from_ref(&theirs)))? {
        Outcome::Applied { steps, .. } => steps,
        Outcome::Failed { failures, .. } => return Err(failed(failures)),
    };
    let (old, on_disk) = draft_of(session.files, &folder)?;
    let mut new = old.clone();
    let mut done = Imported { release: base.release.clone(), series: name.clone(), files: Vec::new(), rewritten: Vec::new() };
    let mut plan: Vec<Planned> = (0..series[at].patches().len()).map(|index| Planned::Kept { index, change: None }).collect();
    let mut tree = before;
    for (place, (one, (step, patch))) in incoming.iter().zip(steps.iter().zip(theirs.patches())).enumerate() {
        let Status::Applied { .. } = step.status else { continue };
        let after = step.tree.clone().unwrap_or_else(|| tree.clone());
        let file = new_name(&series[at], &new, &one.stem)?;
        let taken = one.strip == 1 && is_taken(&series[at], &file, &one.bytes, &objects, &tree, &after)?;
        let bytes = if taken {
            one.bytes.clone()
        } else {
            done.rewritten.push(file.clone());
            as_mail(&objects, &patch.forms[0], &one.bytes, &tree, &after, base.time + 1 + place as i64)?
        };
        new.insert(file.to_string(), bytes);
        plan.push(Planned::New { file: file.clone(), base: Some(base.release.clone()) });
        done.files.push(file);
        tree = after;
    }
    relist(&series[at], &mut new, &plan)?;
    let mut proved = series.clone();
    proved[at] = Series::load(&session.files.with_draft(folder.clone(), new.clone()), upstream, &name)?;
    prove(component, &proved, at, &objects, &base, &tree)?;
    if !options.dry_run {
        let old = if on_disk { old } else { Draft::new() };
        let change = Change { folder: folder.below(&root), old, new };
        log.write("import", &[change], None)?;
    }
    Ok(done)
}

/// How the patches are called as long as they are nobody's.
const IMPORT: &str = "import";

fn incoming(options: &ImportOptions) -> Result<Vec<Incoming>, PipelineError> {
    let mut all = Vec::new();
    for path in &options.paths {
        all.extend(match &options.branch {
            Some((from, to)) => from_branch(path, from, to)?,
            None => from_path(path)?,
        });
    }
    Ok(all)
}

fn series_name(component: &Component, options: &ImportOptions) -> Result<SeriesName, PipelineError> {
    match (&options.series, component.series.last()) {
        (Some(name), _) if component.series.contains(name) => Ok(name.clone()),
        (Some(name), _) => {
            let (series, known) = (name.clone(), component.series.clone());
            Err(LifeError::NoSuchSeries { component: component.name.clone(), series, known }.into())
        }
        (None, Some(last)) => Ok(last.clone()),
        (None, None) => Err(PipelineError::NoSeries(component.name.clone())),
    }
}

/// A series of what comes in, read by the rules of its own program.
fn drafted(files: &Files, upstream: &UpstreamName, incoming: &[Incoming]) -> Result<Files, PipelineError> {
    let quilt = incoming.iter().any(|one| one.dialect == Dialect::Quilt);
    let mut draft = Draft::new();
    let mut list = String::new();
    for one in incoming {
        let numbers = (2..).map(|n| format!("{}-{n}.patch", one.stem));
        let names = std::iter::once(format!("{}.patch", one.stem)).chain(numbers);
        let name = names.into_iter().find(|name| !draft.contains_key(name)).unwrap_or_default();
        match quilt {
            true => list.push_str(&format!("{name} -p{}\n", one.strip)),
            false => list.push_str(&format!("[[patch]]\nfile = \"{name}\"\n")),
        }
        draft.insert(name, one.bytes.clone());
    }
    draft.insert(if quilt { "series" } else { "series.toml" }.to_owned(), list.into_bytes());
    Ok(files.with_draft(folder_of(upstream, &SeriesName::new(IMPORT)?)?, draft))
}

/// A free name in the series: the file's own, with a number where the series goes by numbers.
fn new_name(series: &Series, draft: &Draft, stem: &str) -> Result<PatchName, PipelineError> {
    let bare = series.dialect() == Dialect::Git && !draft.contains_key("series.toml");
    let name = file_name(stem, &|name| draft.contains_key(name));
    Ok(PatchName::new(match bare {
        true => patch::numbered(draft.keys().map(String::as_str), &name),
        false => name,
    })?)
}

/// Whether the series, by its own rules, makes the same of the bytes as they are.
fn is_taken(
    series: &Series,
    name: &PatchName,
    bytes: &[u8],
    objects: &Objects,
    before: &TreeId,
    after: &TreeId,
) -> Result<bool, PipelineError> {
    let Ok(parsed) = patch::PatchFile::parse(bytes, 1, series.dialect()) else { return Ok(false) };
    let origin = crate::files::Origin::BuiltIn(RelPath::new(name.as_str())?);
    let form = Form { file: name.clone(), origin, base: None, strip: 1, content: Content::Diff(parsed) };
    let patch = Patch { name: name.clone(), versions: None, reason: None, forms: vec![form] };
    let outcome = patch::apply_some(objects, before, None, &[(series, &patch)])?;
    Ok(matches!(outcome, Outcome::Applied { tree, .. } if tree == *after))
}

/// A mail that makes the same change.
fn as_mail(
    objects: &Objects,
    form: &Form,
    bytes: &[u8],
    before: &TreeId,
    after: &TreeId,
    time: i64,
) -> Result<Vec<u8>, PipelineError> {
    let step = patch_step(form, after, time);
    let letter = Letter { author: step.author, email: step.email, date: (step.time, step.offset_minutes), message: step.message };
    let known = match &form.content {
        Content::Diff(patch) => Some(Before { patch, bytes, same_text: false }),
        Content::Edit(_) => None,
    };
    let diff = tree_diff(objects, before, after)?;
    let mail = write_mail(&letter, &diff, known);
    Ok(mail.map_err(|source| LifeError::Letter { commit: form.file.to_string(), source })?)
}

/// The series as it would be makes the tree, and those behind it still apply.
fn prove(
    component: &Component,
    new: &[Series],
    at: usize,
    objects: &Objects,
    base: &BaseTree,
    tree: &TreeId,
) -> Result<(), PipelineError> {
    let release = Release::parse(&base.release);
    let apply = |series: &[Series]| patch::apply_some(objects, &base.tree, release.as_ref(), &flat(series));
    let failed = |failures| PipelineError::Patches { component: component.name.clone(), release: base.release.clone(), failures };
    match apply(&new[..=at])? {
        Outcome::Applied { tree: found, .. } if found == *tree => {}
        Outcome::Applied { .. } => {
            let why = "the imported patches make another tree in the series than they do by themselves".to_owned();
            let help = "this is a mistake of forge's: nothing was written; please report it".to_owned();
            return Err(LifeError::NotTheSame { why, help }.into());
        }
        Outcome::Failed { failures, .. } => return Err(failed(failures)),
    }
    match apply(new)? {
        Outcome::Applied { .. } => Ok(()),
        Outcome::Failed { failures, .. } => Err(failed(failures)),
    }
}
