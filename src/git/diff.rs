//! What differs between two trees, as a list and as a patch.
//!
//! The patch is made here rather than by a diff of whole trees, so that it depends on the two trees alone: attributes,
//! `diff.*` settings and external drivers of the machine have no say. Headers follow git's (diff.c), hunks come from libgit2.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use git2::{DiffOptions, ObjectType, Oid, Patch};

use super::kept::Key;
use super::objects::{Mode, Objects, ObjectsError, blob_id};
use crate::names::{BlobId, RelPath, TreeId};

/// One side of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// What kind of file.
    pub mode: Mode,
    /// Its content.
    pub id: BlobId,
}

/// A file that is not the same in two trees. At least one side is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where it is.
    pub path: RelPath,
    /// The file before, where there was one.
    pub old: Option<Side>,
    /// The file after, where there is one.
    pub new: Option<Side>,
}

/// The files that differ, by path. Folders that are the same are not entered.
pub fn changes(objects: &Objects, from: &TreeId, to: &TreeId) -> Result<Vec<Change>, ObjectsError> {
    let mut out = Vec::new();
    let (from_id, to_id) = (objects.oid(from.as_str())?, objects.oid(to.as_str())?);
    compare(objects, (from, to), Some(from_id), Some(to_id), "", &mut out)?;
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

/// The paths that differ, sorted.
pub fn changed_paths(objects: &Objects, from: &TreeId, to: &TreeId) -> Result<Vec<RelPath>, ObjectsError> {
    Ok(changes(objects, from, to)?.into_iter().map(|change| change.path).collect())
}

type Sides = (Option<(i32, Oid)>, Option<(i32, Oid)>);

const FOLDER: i32 = 0o040_000;

fn compare(
    objects: &Objects,
    roots: (&TreeId, &TreeId),
    from: Option<Oid>,
    to: Option<Oid>,
    prefix: &str,
    out: &mut Vec<Change>,
) -> Result<(), ObjectsError> {
    if from == to {
        return Ok(());
    }
    let mut names: BTreeMap<Vec<u8>, Sides> = BTreeMap::new();
    for (first, id) in [(true, from), (false, to)] {
        let Some(id) = id else { continue };
        let tree = objects.repo().find_tree(id).map_err(|e| objects.find(&id.to_string(), &e))?;
        for entry in &tree {
            let sides = names.entry(entry.name_bytes().to_vec()).or_default();
            let side = if first { &mut sides.0 } else { &mut sides.1 };
            let kind = if entry.kind() == Some(ObjectType::Tree) { FOLDER } else { entry.filemode_raw() };
            *side = Some((kind, entry.id()));
        }
    }
    for (name, (old, new)) in names {
        if old == new {
            continue;
        }
        let root = if new.is_some() { roots.1 } else { roots.0 };
        let full = format!("{prefix}{}", String::from_utf8_lossy(&name));
        let path = RelPath::new(full.clone()).map_err(|source| ObjectsError::UnsafePath { tree: root.clone(), source })?;
        let malformed = |reason| ObjectsError::Malformed { tree: root.clone(), path: full.clone(), reason };
        if std::str::from_utf8(&name).is_err() {
            return Err(malformed("the name is not UTF-8"));
        }
        let folder = |side: Option<(i32, Oid)>| side.filter(|(kind, _)| *kind == FOLDER).map(|(_, id)| id);
        compare(objects, roots, folder(old), folder(new), &format!("{full}/"), out)?;
        let file = |side: Option<(i32, Oid)>| -> Result<Option<Side>, ObjectsError> {
            match side {
                Some((kind, id)) if kind != FOLDER => {
                    let mode = Mode::from_bits(kind).ok_or_else(|| malformed("its mode is unknown"))?;
                    Ok(Some(Side { mode, id: blob_id(id) }))
                }
                _ => Ok(None),
            }
        };
        let (old, new) = (file(old)?, file(new)?);
        if old != new {
            out.push(Change { path, old, new });
        }
    }
    Ok(())
}

/// The patch that makes the second tree of the first, as `git apply` takes it: full object ids, binary content included, no
/// renames. The same two trees give the same bytes everywhere.
pub fn tree_diff(objects: &Objects, from: &TreeId, to: &TreeId) -> Result<Vec<u8>, ObjectsError> {
    objects.remembered(Key::Diff(from.clone(), to.clone()), || diff_of_trees(objects, from, to))
}

fn diff_of_trees(objects: &Objects, from: &TreeId, to: &TreeId) -> Result<Vec<u8>, ObjectsError> {
    let mut out = Vec::new();
    for change in changes(objects, from, to)? {
        match (&change.old, &change.new) {
            // git writes a file that becomes a link (or back) as one that goes and one that comes.
            (Some(old), Some(new)) if kind(old.mode) != kind(new.mode) => {
                file_diff(objects, &change.path, Some(old), None, &mut out)?;
                file_diff(objects, &change.path, None, Some(new), &mut out)?;
            }
            (old, new) => file_diff(objects, &change.path, old.as_ref(), new.as_ref(), &mut out)?,
        }
    }
    Ok(out)
}

/// The hunks that make one text of another, as `diff -u` writes them, without the files' names.
pub fn text_hunks(objects: &Objects, before: &[u8], after: &[u8]) -> Result<Vec<u8>, ObjectsError> {
    Ok(body(before, after).map_err(|e| objects.fail(&e))?.0)
}

fn kind(mode: Mode) -> u8 {
    match mode {
        Mode::File | Mode::Executable => 0,
        Mode::Symlink => 1,
        Mode::Submodule => 2,
    }
}

fn file_diff(
    objects: &Objects,
    path: &RelPath,
    old: Option<&Side>,
    new: Option<&Side>,
    out: &mut Vec<u8>,
) -> Result<(), ObjectsError> {
    const NONE: &str = "0000000000000000000000000000000000000000";
    let (a, b) = (quoted("a/", path), quoted("b/", path));
    let mut head = format!("diff --git {a} {b}\n");
    let mode = |side: &Side| format!("{:06o}", side.mode.bits());
    let mut same_mode = String::new();
    match (old, new) {
        (Some(old), Some(new)) if old.mode == new.mode => same_mode = format!(" {}", mode(new)),
        (Some(old), Some(new)) => {
            let _ = write!(head, "old mode {}\nnew mode {}\n", mode(old), mode(new));
        }
        (Some(old), None) => {
            let _ = writeln!(head, "deleted file mode {}", mode(old));
        }
        (None, Some(new)) => {
            let _ = writeln!(head, "new file mode {}", mode(new));
        }
        (None, None) => return Ok(()),
    }
    let id = |side: Option<&Side>| side.map_or(NONE.to_owned(), |side| side.id.to_string());
    if id(old) != id(new) {
        let _ = writeln!(head, "index {}..{}{same_mode}", id(old), id(new));
        let (before, after) = (content(objects, old)?, content(objects, new)?);
        let (body, binary) = body(&before, &after).map_err(|e| objects.fail(&e))?;
        if !binary && !body.is_empty() {
            // A name with a space ends in a tab, so that a date could follow (diff.c, as GNU patch wants it).
            let tab = if path.as_str().contains(' ') { "\t" } else { "" };
            let name = |side: Option<&Side>, name: &str| match side {
                Some(_) => format!("{name}{tab}"),
                None => "/dev/null".to_owned(),
            };
            let _ = write!(head, "--- {}\n+++ {}\n", name(old, &a), name(new, &b));
        }
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&body);
    } else {
        out.extend_from_slice(head.as_bytes());
    }
    Ok(())
}

fn content(objects: &Objects, side: Option<&Side>) -> Result<Vec<u8>, ObjectsError> {
    match side {
        None => Ok(Vec::new()),
        Some(side) if side.mode == Mode::Submodule => Ok(format!("Subproject commit {}\n", side.id).into_bytes()),
        Some(side) => objects.blob(&side.id),
    }
}

/// git looks for a NUL in the first 8000 bytes (xdiff-interface.c).
pub(super) fn is_binary(text: &[u8]) -> bool {
    text[..text.len().min(8000)].contains(&0)
}

/// The hunks (or the binary patch), and whether it is binary.
fn body(before: &[u8], after: &[u8]) -> Result<(Vec<u8>, bool), git2::Error> {
    let binary = [before, after].into_iter().any(is_binary);
    let mut options = DiffOptions::new();
    options.context_lines(3).id_abbrev(40);
    if binary {
        options.force_binary(true).show_binary(true);
    } else {
        options.force_text(true);
    }
    let mut patch = Patch::from_buffers(before, None, after, None, Some(&mut options))?;
    let text = patch.to_buf()?.to_vec();
    let start: &[u8] = if binary { b"GIT binary patch\n" } else { b"@@ -" };
    Ok((find_line(&text, start).map_or_else(Vec::new, |range| text[range].to_vec()), binary))
}

/// From the first line that starts so, to the end.
fn find_line(text: &[u8], start: &[u8]) -> Option<Range<usize>> {
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(start) {
            return Some(at..text.len());
        }
        at += text[at..].iter().position(|b| *b == b'\n')? + 1;
    }
    None
}

/// A name as git quotes it in a patch with `core.quotePath=false`: `RelPath` has no control characters, so `"` is all.
fn quoted(prefix: &str, path: &RelPath) -> String {
    if path.as_str().contains('"') {
        format!("\"{prefix}{}\"", path.as_str().replace('"', "\\\""))
    } else {
        format!("{prefix}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::objects::Changes;
    use crate::git::testing::{Upstream, git};

    fn tree(objects: &Objects, files: &[(&str, Mode, &[u8])]) -> TreeId {
        let changes: Changes = files.iter().map(|(p, m, c)| (RelPath::new(*p).unwrap(), Some((*m, c.to_vec())))).collect();
        objects.write(None, &changes).unwrap()
    }

    fn lines(range: std::ops::Range<u32>) -> Vec<u8> {
        range.flat_map(|n| format!("line {n}\n").into_bytes()).collect()
    }

    #[test]
    fn the_patch_is_git_s_own_and_git_applies_it() {
        let up = Upstream::new();
        let objects = Objects::open(&up.path().join(".git")).unwrap();
        let mut changed = lines(0..40);
        changed.splice(0..7, *b"first\r\n");
        let binary: Vec<u8> = (0..5000_u32).map(|i| (i * i % 251) as u8).collect();
        let mut other = binary.clone();
        other[4000] ^= 1;
        let big = lines(0..40);
        let from = tree(
            &objects,
            &[
                ("a b/spaced name", Mode::File, b"x\ny"),
                ("becomes-folder", Mode::File, b"f\n"),
                ("becomes-link", Mode::File, b"f\n"),
                ("bin", Mode::File, &binary),
                ("gone", Mode::File, b"gone\n"),
                ("mode", Mode::File, b"m\n"),
                ("mode-and-text", Mode::File, b"m\n"),
                ("same/x", Mode::File, b"s"),
                ("text", Mode::File, &big),
                ("\u{fc}ml", Mode::File, b"1"),
            ],
        );
        let to = tree(
            &objects,
            &[
                ("a b/spaced name", Mode::File, b"x\nz\n"),
                ("becomes-folder/f", Mode::File, b"f\n"),
                ("becomes-link", Mode::Symlink, b"text"),
                ("bin", Mode::File, &other),
                ("empty", Mode::File, b""),
                ("mode", Mode::Executable, b"m\n"),
                ("mode-and-text", Mode::Executable, b"n\n"),
                ("quo\"te", Mode::File, b"q\n"),
                ("same/x", Mode::File, b"s"),
                ("text", Mode::File, &changed),
                ("\u{fc}ml", Mode::File, b"2"),
            ],
        );
        let patch = tree_diff(&objects, &from, &to).unwrap();
        let theirs = git(
            &up.exec,
            &up.path(),
            &["-c", "core.quotePath=false", "diff", "--full-index", "--binary", "--no-renames", from.as_str(), to.as_str()],
        );
        // Binary bodies differ (git chooses deltas by size); everything else is the same text.
        let text = |patch: &str| -> Vec<String> {
            let mut binary = false;
            let keep = |line: &&str| {
                binary = *line == "GIT binary patch" || binary && !line.starts_with("diff --git");
                !binary
            };
            patch.lines().filter(keep).map(str::to_owned).collect()
        };
        assert_eq!(text(&String::from_utf8_lossy(&patch)), text(&theirs));
        // And it applies.
        let file = up.dir.path().join("x.patch");
        std::fs::write(&file, &patch).unwrap();
        up.git(&["read-tree", from.as_str()]);
        up.git(&["apply", "--cached", "--whitespace=nowarn", file.to_str().unwrap()]);
        assert_eq!(up.git(&["write-tree"]), to.as_str());
        up.git(&["apply", "--cached", "-R", "--whitespace=nowarn", file.to_str().unwrap()]);
        assert_eq!(up.git(&["write-tree"]), from.as_str());
    }

    #[test]
    fn equal_trees_have_no_diff_and_paths_are_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::init(&dir.path().join("x.git")).unwrap();
        let one = tree(&objects, &[("b/x", Mode::File, b"1"), ("c", Mode::File, b"1")]);
        let two = tree(&objects, &[("a", Mode::File, b"1"), ("b/x", Mode::File, b"2"), ("c", Mode::File, b"1")]);
        assert_eq!(tree_diff(&objects, &one, &one).unwrap(), b"");
        let paths = changed_paths(&objects, &one, &two).unwrap();
        assert_eq!(paths.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["a", "b/x"]);
    }
}
