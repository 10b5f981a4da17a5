//! One form of a patch on the tree as it stands: all its sections, or every reason why not.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::git::objects::{Mode, Objects, ObjectsError};
use crate::names::{BlobId, RelPath, Sha256};
use crate::patch::content::Content;
use crate::patch::diff::{Body, Dialect, FilePatch, Kind};
use crate::patch::edit_form;
use crate::patch::memo::{Answer, Question};
use crate::patch::outcome::{FileFailure, FileProblem, FormFailure, Offset, Touched};
use crate::patch::overlay::{FileState, Overlay, Staged};
use crate::patch::place;
use crate::patch::reverse;
use crate::patch::series::Form;
use crate::release::Release;

/// What a form makes of the tree.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) staged: Staged,
    pub(crate) offsets: Vec<Offset>,
    pub(crate) touched: Vec<Touched>,
}

/// A file as a section leaves it, and where its hunks moved.
struct Patched {
    state: Option<FileState>,
    offsets: Vec<Offset>,
}

pub(crate) fn make(
    overlay: &mut Overlay<'_>,
    form: &Form,
    release: Option<&Release>,
) -> Result<Result<Made, FormFailure>, ObjectsError> {
    let content = match &form.content {
        Content::Diff(content) => content,
        Content::Edit(edit) => return edit_form::make(overlay, form, edit, release),
    };
    let files = &content.files;
    // git reads a patch as one change: a name that goes away in any section is free for all of them.
    let leaving: BTreeSet<&RelPath> =
        files.iter().filter(|f| matches!(f.kind, Kind::Delete | Kind::Rename)).map(|f| &f.old).collect();
    let mut made = Made { staged: Staged::new(), offsets: Vec::new(), touched: Vec::new() };
    let mut failures = Vec::new();
    let mut good_files = 0;
    for file in files {
        match section(overlay, &content.sha256, &made.staged, &leaving, file, content.dialect)? {
            Ok(patched) => {
                good_files += 1;
                made.offsets.extend(patched.offsets);
                let from = (file.old != file.new).then(|| file.old.clone());
                made.touched.push(Touched { kind: kind_of(file, patched.state.as_ref()), path: file.new.clone(), from });
                if file.kind == Kind::Rename && made.staged.get(&file.old).is_none_or(Option::is_none) {
                    made.staged.insert(file.old.clone(), None);
                }
                made.staged.insert(file.new.clone(), patched.state);
            }
            Err(problem) => {
                let path = if matches!(problem, FileProblem::Missing) { &file.old } else { &file.new };
                failures.push(FileFailure { path: path.clone(), patch_line: file.line, problem });
            }
        }
    }
    if failures.is_empty() {
        return Ok(Ok(made));
    }
    let already_in = reverse::already_in(overlay, files, content.dialect)?;
    Ok(Err(FormFailure {
        form: form.file.clone(),
        origin: form.origin.to_string(),
        files: failures,
        good_files,
        already_applied: already_in.len() == files.len(),
        already_in: already_in.into_iter().cloned().collect(),
    }))
}

/// What happened in the end, where the header left it open.
fn kind_of(file: &FilePatch, state: Option<&FileState>) -> Kind {
    match (file.kind, state) {
        (Kind::Modify, None) => Kind::Delete,
        (kind, _) => kind,
    }
}

fn section(
    overlay: &mut Overlay<'_>,
    form: &Sha256,
    staged: &Staged,
    leaving: &BTreeSet<&RelPath>,
    file: &FilePatch,
    dialect: Dialect,
) -> Result<Result<Patched, FileProblem>, ObjectsError> {
    // A link in the path matters most: what is behind it is not this tree.
    for path in file.paths() {
        if let Some(problem) = overlay.obstacle(path, staged)? {
            let removed_here = matches!(problem, FileProblem::FolderInTheWay) && file.kind == Kind::Delete;
            return Ok(Err(if removed_here { FileProblem::Missing } else { problem }));
        }
    }
    // Renames and copies read the tree as it was before the patch, other sections see what earlier ones did.
    let old = match (file.kind, staged.get(&file.old)) {
        (Kind::Rename | Kind::Copy, _) | (_, None) => overlay.get(&file.old)?,
        (Kind::Modify, Some(Some(state))) => Some(state.clone()),
        (Kind::Create, Some(None)) => None,
        (Kind::Create | Kind::Modify | Kind::Delete, Some(_)) => return Ok(Err(FileProblem::Twice)),
    };
    let target = match file.kind {
        Kind::Create | Kind::Rename | Kind::Copy => match staged.get(&file.new) {
            Some(Some(_)) => return Ok(Err(FileProblem::Twice)),
            Some(None) => None,
            None if leaving.contains(&file.new) => None,
            None => overlay.get(&file.new)?,
        },
        Kind::Modify | Kind::Delete => None,
    };
    if target.is_some() {
        return Ok(Err(FileProblem::AlreadyExists));
    }
    let old = match (file.kind, old) {
        (Kind::Create, _) => None,
        (_, Some(old)) => Some(old),
        (Kind::Modify, None) if file.may_create => None,
        (_, None) => return Ok(Err(FileProblem::Missing)),
    };
    Ok(change(overlay, form, file, old, dialect))
}

/// The content and mode that a section makes of a file.
fn change(
    overlay: &mut Overlay<'_>,
    form: &Sha256,
    file: &FilePatch,
    old: Option<FileState>,
    dialect: Dialect,
) -> Result<Patched, FileProblem> {
    if let Some(state) = &old {
        if state.mode == Mode::Submodule {
            return Err(FileProblem::Submodule);
        }
        let is_link = |mode: Mode| mode == Mode::Symlink;
        // Without any word about modes, a text patch means a file: patch(1) refuses to change what a link points to.
        let silent = file.old_mode.is_none() && file.index_mode.is_none() && !file.hunks().is_empty();
        if silent && is_link(state.mode) {
            return Err(FileProblem::WrongMode { expected: Mode::File, found: state.mode });
        }
        let expected = file.old_mode.or(file.index_mode.filter(|mode| is_link(*mode) != is_link(state.mode)));
        if let Some(expected) = expected.filter(|mode| *mode != state.mode) {
            return Err(FileProblem::WrongMode { expected, found: state.mode });
        }
    }
    let mode = file.new_mode.or(old.as_ref().map(|s| s.mode)).unwrap_or(Mode::File);
    let empty = Arc::default();
    let before = old.as_ref().map_or(&empty, |s| &s.bytes);
    let question = || Question { form: form.clone(), path: file.new.clone(), parts: vec![file.line] };
    let (bytes, moved) = overlay.ask(question, before, |_| content(file, before, dialect))?;
    let offset = |&(hunk, lines): &(usize, i64)| Offset { path: file.new.clone(), hunk, lines };
    let offsets = moved.iter().map(offset).collect();
    let gone = match file.kind {
        Kind::Delete if !bytes.is_empty() => {
            return Err(FileProblem::RestAfterDelete { lines: place::Text::new(&bytes).len() });
        }
        Kind::Delete => true,
        // git takes the file away where nothing is left and no header says otherwise; patch(1) without -E, as quilt runs
        // it, keeps an empty file.
        Kind::Modify => file.may_delete && bytes.is_empty() && dialect == Dialect::Git,
        Kind::Create | Kind::Rename | Kind::Copy => false,
    };
    let state = (!gone).then_some(FileState { mode, bytes });
    Ok(Patched { state, offsets })
}

fn content(file: &FilePatch, before: &Arc<Vec<u8>>, dialect: Dialect) -> Answer {
    match &file.body {
        Body::Empty => Ok((Arc::clone(before), Vec::new())),
        Body::Hunks(hunks) => match place::place(before, hunks, dialect) {
            Ok(placed) => Ok((Arc::new(placed.bytes), placed.moved)),
            Err(failures) => Err(FileProblem::Hunks { failures, of: hunks.len() }),
        },
        Body::Binary { block, old, new } => {
            let found = Objects::blob_id_of(before);
            if !is_blob(old.as_ref(), before, &found) {
                return Err(FileProblem::OtherBinary { expected: old.clone(), found: found.to_string() });
            }
            let after = block.apply(before).map_err(|reason| FileProblem::BrokenBinary { reason: Some(reason) })?;
            if !is_blob(new.as_ref(), &after, &Objects::blob_id_of(&after)) {
                return Err(FileProblem::BrokenBinary { reason: None });
            }
            Ok((Arc::new(after), Vec::new()))
        }
    }
}

/// Whether content is what a binary patch names; no id stands for no content.
pub(crate) fn is_blob(expected: Option<&String>, bytes: &[u8], id: &BlobId) -> bool {
    match expected {
        Some(expected) => expected == id.as_str(),
        None => bytes.is_empty(),
    }
}
