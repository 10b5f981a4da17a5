//! Which patch wrote a line: for a compile error in a file that patches changed.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::git::objects::Objects;
use crate::names::{RelPath, TreeId};
use crate::patch::apply::{Applied, ApplyError, Ways, run};
use crate::patch::diff::Kind;
use crate::patch::outcome::PatchRef;
use crate::patch::series::Series;
use crate::release::Release;

/// For every line of `path` in the result: the patch that wrote it, `None` where it is the upstream's. Empty where the
/// result has no such file. Patches that do not apply are left out.
pub fn blame(
    objects: &Objects,
    base: &TreeId,
    release: Option<&Release>,
    series: &[&Series],
    path: &RelPath,
) -> Result<Vec<Option<PatchRef>>, ApplyError> {
    // Every step that concerns a file, under all names that it had: renames are followed by keeping authors by path.
    let mut authors: std::collections::BTreeMap<RelPath, Vec<Option<PatchRef>>> = std::collections::BTreeMap::new();
    run(objects, base, release, series, Ways::default(), &mut |at, Applied { made, .. }, overlay| {
        let mut after = std::collections::BTreeMap::new();
        for touched in &made.touched {
            if let Some(from) = touched.from.as_ref().filter(|_| touched.kind == Kind::Rename) {
                after.entry(from.clone()).or_default();
            }
            let Some(state) = made.staged.get(&touched.path) else { continue };
            let Some(state) = state else {
                after.insert(touched.path.clone(), Vec::new());
                continue;
            };
            let source = touched.from.as_ref().unwrap_or(&touched.path);
            let before = overlay.get(source)?.map(|s| s.bytes).unwrap_or_default();
            let known = match authors.get(source) {
                Some(known) => known.clone(),
                None => vec![None; lines(&before).len()],
            };
            after.insert(touched.path.clone(), follow(&lines(&before), &known, &lines(&state.bytes), at));
        }
        authors.extend(after);
        Ok(())
    })?;
    match authors.remove(path) {
        Some(authors) => Ok(authors),
        None => Ok(vec![None; objects.read(base, path)?.map_or(0, |bytes| lines(&bytes).len())]),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

/// Authors of the new lines: those that stay keep theirs, the others are `at`'s.
fn follow(old: &[&[u8]], known: &[Option<PatchRef>], new: &[&[u8]], at: &PatchRef) -> Vec<Option<PatchRef>> {
    let mut out = vec![Some(at.clone()); new.len()];
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for i in 0..len {
                out[new_index + i] = known.get(old_index + i).cloned().flatten();
            }
        }
    }
    out
}
