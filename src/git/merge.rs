//! Three-way merging of trees, in process. What it makes depends on the trees alone: no attribute, driver or setting of the
//! machine has a say.

use git2::{FileFavor, Index, IndexEntry, IndexTime, MergeFileInput, MergeFileOptions, MergeOptions, merge_file};

use super::diff::{changes, is_binary};
use super::objects::{Changes, Entry, Mode, Objects, ObjectsError, blob_id, tree_id};
use super::work::Unmerged;
use crate::names::{RelPath, TreeId};

/// What the sides of a conflict are called in its markers.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// The text that both come from.
    pub ancestor: &'a str,
    /// The tree that is changed.
    pub ours: &'a str,
    /// The change.
    pub theirs: &'a str,
}

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Everything fits.
    Clean(TreeId),
    /// Some files could not be merged.
    Conflicts {
        /// All that could be merged, and files with conflict markers.
        tree: TreeId,
        /// Those files.
        unmerged: Vec<Unmerged>,
    },
}

/// Makes the change from `ancestor` to `theirs` in the tree `ours`. Renamed files are followed.
pub fn merge(
    objects: &Objects,
    ancestor: &TreeId,
    ours: &TreeId,
    theirs: &TreeId,
    labels: Labels<'_>,
) -> Result<Merged, ObjectsError> {
    if let Some(tree) = by_file(objects, ancestor, ours, theirs)? {
        return Ok(Merged::Clean(tree));
    }
    whole(objects, ancestor, ours, theirs, labels)
}

fn whole(
    objects: &Objects,
    ancestor: &TreeId,
    ours: &TreeId,
    theirs: &TreeId,
    labels: Labels<'_>,
) -> Result<Merged, ObjectsError> {
    let repo = objects.repo();
    let find = |tree: &TreeId| {
        let id = objects.oid(tree.as_str())?;
        repo.find_tree(id).map_err(|e| objects.find(tree.as_str(), &e))
    };
    let (base, our, their) = (find(ancestor)?, find(ours)?, find(theirs)?);
    let mut options = MergeOptions::new();
    options.find_renames(true).file_favor(FileFavor::Normal);
    let fail = |e: git2::Error| objects.fail(&e);
    let mut index = repo.merge_trees(&base, &our, &their, Some(&options)).map_err(fail)?;
    if !index.has_conflicts() {
        return Ok(Merged::Clean(tree_id(index.write_tree_to(repo).map_err(fail)?)));
    }
    let mut merged = Index::new().map_err(fail)?;
    for entry in index.iter().filter(|entry| entry.flags >> 12 & 3 == 0) {
        merged.add(&entry).map_err(fail)?;
    }
    let is_text = |side: &IndexEntry| repo.find_blob(side.id).is_ok_and(|blob| !blob.is_binary());
    let mut unmerged = Vec::new();
    for conflict in index.conflicts().map_err(fail)? {
        let conflict = conflict.map_err(fail)?;
        let sides = [&conflict.ancestor, &conflict.our, &conflict.their];
        let Some(any) = sides.iter().copied().flatten().next_back() else { continue };
        let name = String::from_utf8_lossy(&any.path).into_owned();
        let path = RelPath::new(name).map_err(|source| ObjectsError::UnsafePath { tree: theirs.clone(), source })?;
        let (id, mode) = match (&conflict.our, &conflict.their) {
            (Some(our), Some(their)) if is_file(our.mode) && is_file(their.mode) && is_text(our) && is_text(their) => {
                let mut options = MergeFileOptions::new();
                options.ancestor_label(labels.ancestor).our_label(labels.ours).their_label(labels.theirs).style_diff3(true);
                let file = match &conflict.ancestor {
                    Some(ancestor) => repo.merge_file_from_index(ancestor, our, their, Some(&mut options)),
                    None => {
                        // Both add the file: what they have in common is nothing.
                        let nothing = IndexEntry { id: repo.blob(b"").map_err(fail)?, ..copy(our) };
                        repo.merge_file_from_index(&nothing, our, their, Some(&mut options))
                    }
                };
                let text = file.map_err(fail)?.content().to_vec();
                (repo.blob(&text).map_err(fail)?, our.mode)
            }
            // One side has removed it, or it is no text: the one that is there stays, and git says what it is about.
            (Some(side), _) | (None, Some(side)) => (side.id, side.mode),
            (None, None) => {
                unmerged.push(Unmerged { sides: sides.map(|s| s.as_ref().and_then(|s| entry(&path, s))), path });
                continue;
            }
        };
        merged.add(&IndexEntry { id, mode, flags: 0, flags_extended: 0, ..copy(any) }).map_err(fail)?;
        unmerged.push(Unmerged { sides: sides.map(|s| s.as_ref().and_then(|s| entry(&path, s))), path });
    }
    let tree = tree_id(merged.write_tree_to(repo).map_err(fail)?);
    Ok(Merged::Conflicts { tree, unmerged })
}

/// The same by the changed files alone, which are few: `None` where one of them is not on all three sides as a file of one mode,
/// or does not merge.
fn by_file(objects: &Objects, ancestor: &TreeId, ours: &TreeId, theirs: &TreeId) -> Result<Option<TreeId>, ObjectsError> {
    let mut merged = Changes::new();
    for change in changes(objects, ancestor, theirs)? {
        let (Some(old), Some(new)) = (change.old, change.new) else { return Ok(None) };
        let Some(our) = objects.entry(ours, &change.path)? else { return Ok(None) };
        if old.mode != new.mode || old.mode != our.mode || !is_file(new.mode.bits().cast_unsigned()) {
            return Ok(None);
        }
        if our.id == new.id {
            continue;
        }
        let (before, mine, theirs) = (objects.blob(&old.id)?, objects.blob(&our.id)?, objects.blob(&new.id)?);
        let text = if our.id == old.id {
            theirs
        } else {
            // A binary file is all or nothing.
            if [&before, &mine, &theirs].iter().any(|text| is_binary(text)) {
                return Ok(None);
            }
            let file = merge_file(&input(&before), &input(&mine), &input(&theirs), None).map_err(|e| objects.fail(&e))?;
            if !file.is_automergeable() {
                return Ok(None);
            }
            file.content().to_vec()
        };
        merged.insert(change.path, Some((our.mode, text)));
    }
    Ok(Some(objects.write(Some(ours), &merged)?))
}

fn input(text: &[u8]) -> MergeFileInput<'_> {
    let mut input = MergeFileInput::new();
    input.content(text);
    input
}

fn is_file(mode: u32) -> bool {
    matches!(mode, 0o100_644 | 0o100_755)
}

fn copy(entry: &IndexEntry) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: entry.mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id: entry.id,
        flags: 0,
        flags_extended: 0,
        path: entry.path.clone(),
    }
}

fn entry(path: &RelPath, side: &IndexEntry) -> Option<Entry> {
    let mode = Mode::from_bits(i32::try_from(side.mode).ok()?)?;
    Some(Entry { path: path.clone(), mode, id: blob_id(side.id) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::objects::Changes;

    #[test]
    fn what_fits_is_merged_and_the_rest_is_marked() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::init(&dir.path().join("x.git")).unwrap();
        let tree = |files: &[(&str, &str)]| {
            let file = |(path, text): &(&str, &str)| (RelPath::new(*path).unwrap(), Some((Mode::File, text.as_bytes().to_vec())));
            objects.write(None, &files.iter().map(file).collect::<Changes>()).unwrap()
        };
        let labels = Labels { ancestor: "v1", ours: "v2", theirs: "fix.patch" };
        let base = tree(&[("a", "1\n2\n3\n4\n5\n6\n"), ("b", "x\n")]);
        let ours = tree(&[("a", "0\n1\n2\n3\n4\n5\n6\n"), ("b", "ours\n")]);
        let theirs = tree(&[("a", "1\n2\n3\n4\n5\nsix\n"), ("b", "x\n")]);
        let Merged::Clean(merged) = merge(&objects, &base, &ours, &theirs, labels).unwrap() else { panic!() };
        assert_eq!(merged, tree(&[("a", "0\n1\n2\n3\n4\n5\nsix\n"), ("b", "ours\n")]));
        let theirs = tree(&[("a", "1\n2\n3\n4\n5\nsix\n"), ("b", "theirs\n")]);
        let Merged::Conflicts { tree: merged, unmerged } = merge(&objects, &base, &ours, &theirs, labels).unwrap() else {
            panic!()
        };
        let text = "<<<<<<< v2\nours\n||||||| v1\nx\n=======\ntheirs\n>>>>>>> fix.patch\n";
        assert_eq!(merged, tree(&[("a", "0\n1\n2\n3\n4\n5\nsix\n"), ("b", text)]));
        assert_eq!(unmerged.len(), 1);
        assert_eq!(unmerged[0].path.as_str(), "b");
        assert!(unmerged[0].sides.iter().all(Option::is_some));
    }

    /// A small generator: the same numbers everywhere.
    fn random(state: &mut u64, below: u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    #[test]
    fn file_by_file_gives_what_the_whole_tree_gives() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::init(&dir.path().join("x.git")).unwrap();
        objects.keep_in_memory().unwrap();
        let labels = Labels { ancestor: "v1", ours: "v2", theirs: "fix.patch" };
        let mut state = 7;
        let (mut clean, mut left) = (0, 0);
        for _ in 0..400 {
            let base: Vec<Vec<String>> = (0..3).map(|file| (0..12).map(|line| format!("{file} {line}\n")).collect()).collect();
            let mut side = || {
                let mut files = base.clone();
                for _ in 0..=random(&mut state, 3) {
                    let (file, at) = (random(&mut state, 3) as usize, random(&mut state, 12) as usize);
                    if let Some(line) = files[file].get_mut(at) {
                        match random(&mut state, 4) {
                            0 => line.push_str("more\n"),
                            1 => *line = "\0\n".to_owned(),
                            2 => line.clear(),
                            _ => *line = "other\n".to_owned(),
                        }
                    }
                }
                files
            };
            let (ours, theirs) = (side(), side());
            let gone = random(&mut state, 12) as usize;
            let tree = |files: &[Vec<String>], gone: usize| {
                let file = |(at, lines): (usize, &Vec<String>)| {
                    (at != gone)
                        .then(|| (RelPath::new(format!("d/{at}")).unwrap(), Some((Mode::File, lines.concat().into_bytes()))))
                };
                objects.write(None, &files.iter().enumerate().filter_map(file).collect::<Changes>()).unwrap()
            };
            let (base, ours, theirs) = (tree(&base, 9), tree(&ours, gone), tree(&theirs, 9));
            let wanted = whole(&objects, &base, &ours, &theirs, labels).unwrap();
            match by_file(&objects, &base, &ours, &theirs).unwrap() {
                Some(tree) => assert_eq!(wanted, Merged::Clean(tree)),
                None => left += 1,
            }
            clean += usize::from(matches!(wanted, Merged::Clean(_)));
        }
        assert!(clean > 100 && left > 20 && clean + left < 450, "{clean} clean, {left} left to the whole");
    }
}
