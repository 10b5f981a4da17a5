//! `forge patch export`: a series as it stands on a release, for programs that know nothing of forge. Edits become diffs, every
//! line number is that of the release, and the same series gives the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::{create_dir_all, rename_synced, write_atomic};
use crate::files::{Draft, Files};
use crate::git::diff::tree_diff;
use crate::git::history::{Branched, Step, write_branch};
use crate::git::objects::Objects;
use crate::names::{CommitId, ComponentName, RelPath, Revision, SeriesName, TreeId, UpstreamName};
use crate::patch::{self, Before, Content, Letter, Outcome, Series, write_mail};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::pipeline::tree::{patch_step, refuse_full};
use crate::pipeline::workspace::flat;
use crate::recipe::model::Component;
use crate::release::Release;

/// Where a series goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A folder of git mails, one file each; new or empty.
    Mails(PathBuf),
    /// One file with all mails; new.
    Mbox(PathBuf),
    /// A quilt folder; new or empty.
    Quilt(PathBuf),
    /// A new branch of a clone of the upstream.
    Branch {
        /// The clone.
        clone: PathBuf,
        /// The branch.
        name: Revision,
    },
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The release.
    pub release: Revision,
    /// The patches' files, or the subjects of a branch's commits.
    pub patches: Vec<String>,
    /// The tree that comes out.
    pub tree: TreeId,
    /// The last commit of a branch.
    pub commit: Option<CommitId>,
}

/// One patch on a release.
struct OnRelease {
    stem: String,
    mail: Vec<u8>,
    step: Step,
}

/// Writes the patches of a component that are for a release.
pub fn export(
    session: &Session<'_>,
    component: &Component,
    pick: Option<Pick>,
    target: &Target,
    file: &mut LockFile,
) -> Result<Exported, PipelineError> {
    let (objects, base) = session.unpatched(component, pick.as_ref(), file)?;
    let series = session.series_of(component)?;
    let (patches, tree) = on_release(&objects, &component.name, &base.tree, &base.release, base.time, &series)?;
    let numbered = |(at, one): (usize, &OnRelease)| (format!("{:04}-{}.patch", at + 1, one.stem), one.mail.clone());
    let mut done = Exported { release: base.release.clone(), patches: Vec::new(), tree, commit: None };
    match target {
        Target::Mails(dir) => {
            let files: Draft = patches.iter().enumerate().map(numbered).collect();
            prove(&files, "series.toml", &objects, &base.tree, &done.tree)?;
            done.patches = files.keys().cloned().collect();
            write_folder(dir, &files)?;
        }
        Target::Quilt(dir) => {
            let names = names_of(&patches);
            let mut files: Draft = names.iter().cloned().zip(patches.iter().map(|one| one.mail.clone())).collect();
            files.insert("series".to_owned(), names.iter().map(|name| format!("{name}\n")).collect::<String>().into_bytes());
            prove(&files, "series", &objects, &base.tree, &done.tree)?;
            done.patches = names;
            write_folder(dir, &files)?;
        }
        Target::Mbox(path) => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(LifeError::Exists { path: path.clone() }.into());
            }
            let files: Draft = patches.iter().enumerate().map(numbered).collect();
            prove(&files, "series.toml", &objects, &base.tree, &done.tree)?;
            // A mail ends in an empty line where another one may follow.
            let mails: Vec<u8> = patches.iter().flat_map(|one| [&one.mail[..], b"\n"].concat()).collect();
            write_atomic(path, &mails, 0o644)?;
            done.patches = files.keys().cloned().collect();
        }
        Target::Branch { clone, name } => {
            let Some(commit) = &base.commit else {
                return Err(LifeError::NoUpstreamCommit { component: component.name.clone() }.into());
            };
            let steps: Vec<Step> = patches.into_iter().map(|one| one.step).collect();
            match write_branch(&objects, clone, name.as_str(), commit, &steps)? {
                Branched::Done(tip) => done.commit = Some(tip),
                Branched::Exists => return Err(LifeError::BranchExists { clone: clone.clone(), name: name.clone() }.into()),
                Branched::NoBase => {
                    let (clone, release) = (clone.clone(), base.release);
                    return Err(LifeError::NotACloneOf { clone, release, commit: commit.clone() }.into());
                }
            }
            let subject = |step: &Step| step.message.lines().next().unwrap_or_default().to_owned();
            done.patches = steps.iter().map(subject).collect();
        }
    }
    Ok(done)
}

fn on_release(
    objects: &Objects,
    component: &ComponentName,
    base: &TreeId,
    release: &Revision,
    time: i64,
    series: &[Series],
) -> Result<(Vec<OnRelease>, TreeId), PipelineError> {
    let all: Vec<&Series> = series.iter().collect();
    let (tree, steps) = match patch::apply_stepwise(objects, base, Release::parse(release).as_ref(), &all)? {
        Outcome::Applied { tree, steps } => (tree, steps),
        Outcome::Failed { failures, .. } => {
            return Err(PipelineError::Patches { component: component.clone(), release: release.clone(), failures });
        }
    };
    let mut before = base.clone();
    let mut out = Vec::new();
    for (at, (step, (_, patch))) in steps.iter().zip(flat(series)).enumerate() {
        let (patch::Status::Applied { form, .. }, Some(after)) = (&step.status, &step.tree) else { continue };
        let Some(form) = patch.forms.iter().find(|f| f.file == *form) else { continue };
        let commit = patch_step(form, after, time + 1 + at as i64);
        let letter = Letter::of(&commit);
        let known = match &form.content {
            Content::Diff(patch) => Some(Before { patch, bytes: &[], same_text: false }),
            Content::Edit(_) => None,
        };
        let diff = tree_diff(objects, &before, after)?;
        let mail =
            write_mail(&letter, &diff, known).map_err(|source| LifeError::Letter { commit: form.file.to_string(), source })?;
        let stem = form.file.as_str().trim_end_matches(".patch").trim_end_matches(".edit.toml");
        out.push(OnRelease { stem: without_number(stem).to_owned(), mail, step: commit });
        before = after.clone();
    }
    Ok((out, tree))
}

/// A name without the number that it may begin with.
pub(super) fn without_number(stem: &str) -> &str {
    let rest = stem.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['-', '_']) {
        Some(name) if rest.len() < stem.len() && name.starts_with(|c: char| c.is_ascii_alphanumeric()) => name,
        _ => stem,
    }
}

/// A file name for each patch, none twice.
fn names_of(patches: &[OnRelease]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for one in patches {
        let numbered = (2..).map(|n| format!("{}-{n}.patch", one.stem));
        let free = std::iter::once(format!("{}.patch", one.stem)).chain(numbered).find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

/// What is about to be written, read again and applied, gives the same tree.
fn prove(files: &Draft, list: &str, objects: &Objects, base: &TreeId, tree: &TreeId) -> Result<(), PipelineError> {
    let mut draft = files.clone();
    if list == "series.toml" {
        let entries: String = files.keys().map(|name| format!("[[patch]]\nfile = \"{name}\"\n")).collect();
        draft.insert(list.to_owned(), entries.into_bytes());
    }
    if files.len() == usize::from(list == "series") {
        return Ok(());
    }
    let (upstream, name) = (UpstreamName::new("the")?, SeriesName::new("export")?);
    let folder = RelPath::new(format!("patches/{upstream}/{name}"))?;
    // Nothing of it is on disk: the root is only a name in messages.
    let series = Series::load(&Files::new(Some(PathBuf::from("export"))).with_draft(folder, draft), &upstream, &name)?;
    match patch::apply(objects, base, None, &[&series])? {
        Outcome::Applied { tree: found, .. } if found == *tree => Ok(()),
        Outcome::Applied { .. } => Err(LifeError::NotExported { why: "another tree would come out".to_owned() }.into()),
        Outcome::Failed { failures, .. } => Err(LifeError::NotExported { why: patch::explain(&failures[0], "COMPONENT") }.into()),
    }
}

/// Files of a folder that is there as a whole or not at all.
fn write_folder(dir: &Path, files: &Draft) -> Result<(), PipelineError> {
    let io = |source| PipelineError::Io { path: dir.to_owned(), source };
    refuse_full(dir)?;
    let parent = dir.parent().unwrap_or(dir);
    create_dir_all(parent)?;
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let new = tempfile::Builder::new().prefix(&format!(".{name}.new-")).tempdir_in(parent).map_err(io)?;
    let staged = new.path().join("out");
    create_dir_all(&staged)?;
    for (name, bytes) in files {
        write_atomic(&staged.join(name), bytes, 0o644)?;
    }
    let _ = fs::remove_dir(dir);
    rename_synced(&staged, dir)?;
    Ok(())
}
