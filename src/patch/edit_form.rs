//! A structural edit on the tree as it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::git::objects::{Mode, ObjectsError};
use crate::names::{RelPath, Sha256};
use crate::patch::diff::Kind;
use crate::patch::edit::{self, Change, Edit, EditFile, Failed};
use crate::patch::form::Made;
use crate::patch::memo::{Answer, Question};
use crate::patch::outcome::{FileFailure, FileProblem, FormFailure, Touched};
use crate::patch::overlay::{FileState, Overlay, Staged};
use crate::patch::series::Form;
use crate::release::Release;

/// What the edits make of the tree, or every reason why they do not fit.
pub(crate) fn make(
    overlay: &mut Overlay<'_>,
    form: &Form,
    content: &EditFile,
    release: Option<&Release>,
) -> Result<Result<Made, FormFailure>, ObjectsError> {
    let mut failures = Vec::new();
    let mut by_file: BTreeMap<RelPath, Vec<&Edit>> = BTreeMap::new();
    for edit in content.edits.iter().filter(|e| e.is_for(release)) {
        match file_of(overlay, edit)? {
            Some(path) => by_file.entry(path).or_default().push(edit),
            None => failures.extend(missing(edit)),
        }
    }
    let mut made = Made { staged: Staged::new(), offsets: Vec::new(), touched: Vec::new() };
    let mut good_files = 0;
    for (path, edits) in by_file {
        match one_file(overlay, &content.sha256, &path, &edits)? {
            Ok(state) => {
                good_files += 1;
                made.touched.push(Touched { kind: Kind::Modify, path: path.clone(), from: None });
                made.staged.insert(path, Some(state));
            }
            Err(problem) => {
                let patch_line = edits.first().map_or(1, |e| e.line);
                failures.push(FileFailure { path, patch_line, problem });
            }
        }
    }
    if failures.is_empty() {
        return Ok(Ok(made));
    }
    Ok(Err(FormFailure {
        form: form.file.clone(),
        origin: form.origin.to_string(),
        files: failures,
        good_files,
        already_applied: false,
        already_in: Vec::new(),
    }))
}

/// The first of an edit's files that is there.
fn file_of(overlay: &mut Overlay<'_>, edit: &Edit) -> Result<Option<RelPath>, ObjectsError> {
    for path in &edit.files {
        if overlay.get(path)?.is_some() || overlay.obstacle(path, &Staged::new())?.is_some() {
            return Ok(Some(path.clone()));
        }
    }
    Ok(None)
}

fn missing(edit: &Edit) -> Option<FileFailure> {
    let path = edit.files.first()?.clone();
    Some(FileFailure { path, patch_line: edit.line, problem: FileProblem::Missing })
}

fn one_file(
    overlay: &mut Overlay<'_>,
    form: &Sha256,
    path: &RelPath,
    edits: &[&Edit],
) -> Result<Result<FileState, FileProblem>, ObjectsError> {
    if let Some(problem) = overlay.obstacle(path, &Staged::new())? {
        return Ok(Err(problem));
    }
    let Some(state) = overlay.get(path)? else { return Ok(Err(FileProblem::Missing)) };
    match state.mode {
        Mode::Submodule => return Ok(Err(FileProblem::Submodule)),
        Mode::Symlink => return Ok(Err(FileProblem::WrongMode { expected: Mode::File, found: state.mode })),
        Mode::File | Mode::Executable => {}
    }
    // The line in the patch tells the edits apart: which of them are for the release may differ.
    let parts = || edits.iter().map(|e| e.line).collect();
    let question = || Question { form: form.clone(), path: path.clone(), parts: parts() };
    let answer = overlay.ask(question, &state.bytes, |overlay| edited(overlay, path, edits, &state.bytes));
    Ok(answer.map(|(bytes, _)| FileState { mode: state.mode, bytes }))
}

fn edited(overlay: &mut Overlay<'_>, path: &RelPath, edits: &[&Edit], bytes: &Arc<Vec<u8>>) -> Answer {
    let is_go = path.as_str().ends_with(".go");
    let by_syntax = edits.iter().any(|e| matches!(e.change, Change::Go { .. }));
    if is_go && bytes.len() > edit::GO_LIMIT {
        return Err(FileProblem::TooLarge { bytes: bytes.len() });
    }
    // A line in a Go file is only found inside raw strings and comments, which takes the tree, too.
    let go = (is_go || by_syntax).then(|| overlay.go(bytes));
    match edit::edit(bytes, go.as_deref(), edits) {
        Ok(edited) => {
            if let Some(go) = edited.go {
                overlay.remember_go(go);
            }
            Ok((edited.bytes, Vec::new()))
        }
        Err(Failed::Edits(failures)) => Err(FileProblem::Edits { failures, of: edits.len() }),
        Err(Failed::Broken(broken)) => Err(FileProblem::NotGoAnyMore { broken }),
    }
}
