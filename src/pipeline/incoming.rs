//! Patches from elsewhere, read: mails, boxes of them, diffs, folders, branches of clones.

use std::fs;
use std::path::Path;

use crate::files::read_limited;
use crate::git::diff::tree_diff;
use crate::git::work::WorkRepo;
use crate::patch::{self, Dialect, Letter, PATCH_LIMIT, write_mail};
use crate::pipeline::error::PipelineError;
use crate::pipeline::export::without_number;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::workspace::shown;
use crate::work::stack::subject;

/// A patch that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incoming {
    /// What its file should be called, without an ending.
    pub(super) stem: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// The N of `-pN`.
    pub(super) strip: usize,
    /// Whose rules it follows.
    pub(super) dialect: Dialect,
}

/// The patches of a file or folder, in order.
pub(super) fn from_path(path: &Path) -> Result<Vec<Incoming>, PipelineError> {
    let bad = |why: &str| LifeError::NotImportable { path: path.to_owned(), why: why.to_owned() };
    let meta = fs::metadata(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })?;
    if !meta.is_dir() {
        return mails(path);
    }
    let list = path.join("series");
    if list.is_file() {
        return quilt(path, &String::from_utf8_lossy(&read_limited(&list, PATCH_LIMIT)?));
    }
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })?.flatten() {
        names.extend(entry.file_name().into_string().ok().filter(|name| name.ends_with(".patch")));
    }
    if names.is_empty() {
        return Err(bad("it holds neither a quilt `series` nor a `*.patch`").into());
    }
    names.sort();
    let mut all = Vec::new();
    for name in names {
        all.extend(mails(&path.join(name))?);
    }
    Ok(all)
}

/// The mails of a file: one, or a box of several.
fn mails(path: &Path) -> Result<Vec<Incoming>, PipelineError> {
    let bytes = read_limited(path, PATCH_LIMIT)?;
    let one = |stem: String, bytes: Vec<u8>| Incoming { stem, bytes, strip: 1, dialect: Dialect::Git };
    let pieces = patch::split_box(&bytes);
    if pieces.len() < 2 {
        return Ok(vec![one(stem_of(path), bytes)]);
    }
    let mut all = Vec::new();
    for piece in pieces {
        let parsed = patch::PatchFile::parse(piece, 1, Dialect::Git).map_err(|problem| {
            let why = format!("mail {}: {problem}", all.len() + 1);
            LifeError::NotImportable { path: path.to_owned(), why }
        })?;
        all.push(one(slug(&parsed.mail.subject), piece.to_vec()));
    }
    Ok(all)
}

/// A quilt folder: its list says order and options.
fn quilt(folder: &Path, list: &str) -> Result<Vec<Incoming>, PipelineError> {
    let mut all = Vec::new();
    for (number, line) in list.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let mut strip = 1;
        for word in words {
            let number_of = word.strip_prefix("-p").map(|n| if n == "ab" { Some(1) } else { n.parse().ok() });
            strip = number_of.flatten().ok_or_else(|| {
                let why = format!("line {} of its `series` says {word}, of which forge knows only -pN", number + 1);
                LifeError::NotImportable { path: folder.to_owned(), why }
            })?;
        }
        // The list is as little to be trusted as the patches.
        let inside = crate::names::RelPath::new(name)?;
        let path = inside.below(folder);
        all.push(Incoming { stem: stem_of(&path), bytes: read_limited(&path, PATCH_LIMIT)?, strip, dialect: Dialect::Quilt });
    }
    Ok(all)
}

/// The commits after `from` up to `to`, of a clone.
pub(super) fn from_branch(clone: &Path, from: &str, to: &str) -> Result<Vec<Incoming>, PipelineError> {
    let bad = |why: String| LifeError::NotImportable { path: clone.to_owned(), why };
    let repo = WorkRepo::open_clone(clone)?;
    let find = |name: &str| repo.resolve(name)?.ok_or_else(|| bad(format!("it has no commit {name}")).into());
    let resolve = |name: &str| -> Result<_, PipelineError> { find(name) };
    let (base, tip) = (resolve(from)?, resolve(to)?);
    let commits = repo.since(&base, &tip)?.ok_or_else(|| bad(format!("{from} is not among the ancestors of {to}")))?;
    if commits.is_empty() {
        return Err(bad(format!("there is no commit after {from} up to {to}")).into());
    }
    let mut all = Vec::new();
    for commit in commits {
        let [parent] = &commit.parents[..] else { return Err(LifeError::Merge { commit: shown(&commit) }.into()) };
        let diff = tree_diff(repo.objects(), &repo.objects().commit_tree(parent)?, &commit.step.tree)?;
        if diff.is_empty() {
            continue;
        }
        let letter = Letter::of(&commit.step);
        let bytes = write_mail(&letter, &diff, None).map_err(|source| LifeError::Letter { commit: shown(&commit), source })?;
        all.push(Incoming { stem: slug(subject(&commit)), bytes, strip: 1, dialect: Dialect::Git });
    }
    Ok(all)
}

fn slug(text: &str) -> String {
    patch::file_name(text, &|_| false).trim_end_matches(".patch").to_owned()
}

/// The name of a file without ending and number.
fn stem_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = [".patch", ".diff", ".eml", ".mbox", ".txt"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    slug(without_number(stem))
}
