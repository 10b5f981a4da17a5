//! Folders of trees, and trees of folders. In process and on raw content: neither attributes nor line-end settings nor
//! filters change a byte.
//!
//! A checkout writes nothing outside of its folder: paths were checked by [`Objects::walk`], every folder and file is made
//! anew (one that exists already is an error), and links come last, so that nothing is ever written through one. Where a
//! link leads is its own affair, as with git; those that lead outside are listed in the result.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

use git2::{ObjectType, Oid};

use super::objects::{Entry, Mode, Objects, ObjectsError, tree_id};
use crate::disk::DiskError;
use crate::names::{RelPath, TreeId};

/// What a checkout wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckoutStats {
    /// Regular files.
    pub files: usize,
    /// Symbolic links.
    pub links: usize,
    /// Bytes of content.
    pub bytes: u64,
    /// Links whose target is absolute or goes up beyond the folder.
    pub outside: Vec<RelPath>,
}

/// Writes the files of a tree into a folder, which must be new or empty. Modes are 0644 and 0755 (less the umask);
/// submodules become empty folders.
pub fn checkout(objects: &Objects, tree: &TreeId, dir: &Path) -> Result<CheckoutStats, ObjectsError> {
    make_empty(dir)?;
    fill(objects, tree, dir)
}

/// Like [`checkout`], into a folder that holds nothing but what no tree can name.
pub(super) fn fill(objects: &Objects, tree: &TreeId, dir: &Path) -> Result<CheckoutStats, ObjectsError> {
    let mut stats = CheckoutStats::default();
    let entries = objects.walk(tree)?;
    let mut folders: HashSet<&str> = HashSet::new();
    let (mut files, mut links) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in &entries {
        make_folders(dir, parent(entry.path.as_str()), &mut folders)?;
        match entry.mode {
            Mode::File | Mode::Executable => files.push(entry),
            Mode::Symlink => links.push(entry),
            Mode::Submodule => make_folders(dir, entry.path.as_str(), &mut folders)?,
        }
    }
    stats.files = files.len();
    stats.bytes = write_files(objects, &files, dir)?;
    for entry in links {
        let target = objects.blob(&entry.id)?;
        let path = entry.path.below(dir);
        symlink(std::ffi::OsStr::from_bytes(&target), &path).map_err(|e| DiskError::new("write", &path, e))?;
        if leads_outside(&entry.path, &target) {
            stats.outside.push(entry.path.clone());
        }
        stats.links += 1;
    }
    Ok(stats)
}

/// Writes regular files, in several threads where there are many: unpacking them takes as long as making them. Gives the
/// number of bytes.
fn write_files(objects: &Objects, files: &[&Entry], dir: &Path) -> Result<u64, ObjectsError> {
    const WORTH_A_THREAD: usize = 200;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4).min(files.len() / WORTH_A_THREAD);
    if threads < 2 {
        return write_some(objects, files, dir);
    }
    // Neighbours stay together: threads then work in different folders, which the system locks one at a time.
    let store = objects.path();
    let (mine, rest) = files.split_at(files.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let others: Vec<_> = rest
            .chunks(files.len().div_ceil(threads))
            .map(|some| scope.spawn(move || write_some(&Objects::open(store)?, some, dir)))
            .collect();
        let mut bytes = write_some(objects, mine, dir);
        for other in others {
            let written = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            bytes = bytes.and_then(|bytes| Ok(bytes + written?));
        }
        bytes
    })
}

fn write_some(objects: &Objects, files: &[&Entry], dir: &Path) -> Result<u64, ObjectsError> {
    let mut bytes = 0;
    for entry in files {
        let id = objects.oid(entry.id.as_str())?;
        let blob = objects.repo().find_blob(id).map_err(|e| objects.find(entry.id.as_str(), &e))?;
        let path = entry.path.below(dir);
        let mode = if entry.mode == Mode::File { 0o644 } else { 0o755 };
        let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        written.and_then(|mut file| file.write_all(blob.content())).map_err(|e| DiskError::new("write", &path, e))?;
        bytes += blob.size() as u64;
    }
    Ok(bytes)
}

fn make_empty(dir: &Path) -> Result<(), ObjectsError> {
    crate::disk::create_dir_all(dir)?;
    let mut entries = fs::read_dir(dir).map_err(|e| DiskError::new("read", dir, e))?;
    if entries.next().is_some() {
        return Err(ObjectsError::NotEmpty { path: dir.to_owned() });
    }
    Ok(())
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Makes a folder and those above it, each once. One that is there and was not made here is an error: two names of the tree
/// are one to this file system, or somebody else writes here.
fn make_folders<'p>(dir: &Path, folder: &'p str, made: &mut HashSet<&'p str>) -> Result<(), ObjectsError> {
    if folder.is_empty() || made.contains(folder) {
        return Ok(());
    }
    make_folders(dir, parent(folder), made)?;
    let path = dir.join(folder);
    DirBuilder::new().mode(0o755).create(&path).map_err(|e| DiskError::new("create", &path, e))?;
    made.insert(folder);
    Ok(())
}

/// By the words alone: other links on the way are not followed.
fn leads_outside(link: &RelPath, target: &[u8]) -> bool {
    let mut depth = link.parts().count() as i64 - 1;
    target.starts_with(b"/")
        || target.split(|b| *b == b'/').any(|part| {
            match part {
                b"" | b"." => {}
                b".." => depth -= 1,
                _ => depth += 1,
            }
            depth < 0
        })
}

/// Makes a tree of a folder: all files in it, whatever `.gitignore` says, but for everything named `.git`. Empty folders
/// have no place in a tree. Fails on files that are neither regular nor links, and on names that a tree must not have.
pub fn import_dir(objects: &Objects, dir: &Path) -> Result<TreeId, ObjectsError> {
    import_with(objects, dir, &mut |_| {})
}

/// A file that was imported.
pub(super) struct Imported<'a> {
    pub(super) path: &'a str,
    pub(super) mode: Mode,
    pub(super) id: Oid,
    pub(super) meta: &'a fs::Metadata,
}

/// Like [`import_dir`]; `each` gets every file.
pub(super) fn import_with(objects: &Objects, dir: &Path, each: &mut dyn FnMut(Imported<'_>)) -> Result<TreeId, ObjectsError> {
    let odb = objects.repo().odb().map_err(|e| objects.fail(&e))?;
    let tree = match import_folder(objects, &odb, dir, "", each)? {
        Some(tree) => tree,
        None => odb.write(ObjectType::Tree, b"").map_err(|e| objects.fail(&e))?,
    };
    Ok(tree_id(tree))
}

fn import_folder(
    objects: &Objects,
    odb: &git2::Odb<'_>,
    dir: &Path,
    prefix: &str,
    each: &mut dyn FnMut(Imported<'_>),
) -> Result<Option<Oid>, ObjectsError> {
    let read = |e| ObjectsError::from(DiskError::new("read", dir, e));
    let refuse = |path: &Path, reason: String| ObjectsError::NotImportable { path: path.to_owned(), reason };
    let mut tree = objects.repo().treebuilder(None).map_err(|e| objects.fail(&e))?;
    for entry in fs::read_dir(dir).map_err(read)? {
        let entry = entry.map_err(read)?;
        let path = entry.path();
        let name = entry.file_name().into_string().map_err(|_| refuse(&path, "its name is not UTF-8".into()))?;
        if name == ".git" {
            continue;
        }
        let full = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let meta = entry.metadata().map_err(|e| DiskError::new("read", &path, e))?;
        let kind = meta.file_type();
        let (id, bits) = if kind.is_dir() {
            match import_folder(objects, odb, &path, &full, each)? {
                Some(id) => (id, 0o040_000),
                None => continue,
            }
        } else {
            let (mode, content) = if kind.is_symlink() {
                (Mode::Symlink, fs::read_link(&path).map(|target| target.into_os_string().as_bytes().to_vec()))
            } else if kind.is_file() {
                let mode = if meta.permissions().mode() & 0o100 == 0 { Mode::File } else { Mode::Executable };
                (mode, fs::read(&path))
            } else {
                return Err(refuse(&path, "it is neither a file nor a folder nor a link".into()));
            };
            let content = content.map_err(|e| DiskError::new("read", &path, e))?;
            let id = odb.write(ObjectType::Blob, &content).map_err(|e| objects.fail(&e))?;
            each(Imported { path: &full, mode, id, meta: &meta });
            (id, mode.bits())
        };
        RelPath::new(full).map_err(|e| refuse(&path, e.reason.to_owned()))?;
        tree.insert(&name, id, bits).map_err(|e| objects.fail(&e))?;
    }
    if tree.is_empty() {
        return Ok(None);
    }
    tree.write().map(Some).map_err(|e| objects.fail(&e))
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::event::Silent;
    use crate::exec::Interrupt;
    use crate::git::objects::Changes;
    use crate::git::store::GitStore;
    use crate::git::testing::Upstream;

    fn objects(dir: &Path) -> Objects {
        Objects::init(&dir.join("x.git")).unwrap()
    }

    fn tree(objects: &Objects, files: &[(&str, Mode, &str)]) -> TreeId {
        let changes: Changes =
            files.iter().map(|(p, m, c)| (RelPath::new(*p).unwrap(), Some((*m, c.as_bytes().to_vec())))).collect();
        objects.write(None, &changes).unwrap()
    }

    #[test]
    fn what_was_checked_out_imports_as_the_same_tree() {
        let dir = tempfile::tempdir().unwrap();
        let objects = objects(dir.path());
        let files = [
            ("a/b/c.sh", Mode::Executable, "#!/bin/sh\r\n"),
            ("a.txt", Mode::File, "x"),
            ("a/.gitignore", Mode::File, "*\n"),
            (".gitattributes", Mode::File, "* text eol=crlf\n"),
            ("empty", Mode::File, ""),
            ("link", Mode::Symlink, "a/b/../b"),
            ("z/up", Mode::Symlink, "../../etc"),
            ("abs", Mode::Symlink, "/etc/passwd"),
        ];
        let tree = tree(&objects, &files);
        let out = dir.path().join("out");
        let stats = checkout(&objects, &tree, &out).unwrap();
        assert_eq!((stats.files, stats.links), (5, 3));
        assert_eq!(stats.outside.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["abs", "z/up"]);
        assert_eq!(fs::metadata(out.join("a/b/c.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        fs::create_dir_all(out.join("nothing/here")).unwrap();
        fs::create_dir_all(out.join("a/.git")).unwrap();
        fs::write(out.join("a/.git/HEAD"), "x").unwrap();
        assert_eq!(import_dir(&objects, &out).unwrap(), tree);
        assert!(matches!(checkout(&objects, &tree, &out), Err(ObjectsError::NotEmpty { .. })));
        let empty = dir.path().join("empty-dir");
        fs::create_dir(&empty).unwrap();
        assert_eq!(import_dir(&objects, &empty).unwrap().as_str(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let objects = objects(dir.path());
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let repo = objects.repo();
        let odb = repo.odb().unwrap();
        let target = odb.write(ObjectType::Blob, outside.to_str().unwrap().as_bytes()).unwrap();
        let inner = [&b"100644 x\0"[..], target.as_bytes()].concat();
        let inner = odb.write(ObjectType::Tree, &inner).unwrap();
        let between = [b"100644 a-b\0", target.as_bytes()].concat();
        for middle in [Vec::new(), between] {
            let raw = [&b"120000 a\0"[..], target.as_bytes(), &middle, b"40000 a\0", inner.as_bytes()].concat();
            let tree = tree_id(odb.write(ObjectType::Tree, &raw).unwrap());
            let out = dir.path().join(format!("out{}", middle.len()));
            assert!(checkout(&objects, &tree, &out).is_err());
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_submodule_is_an_empty_folder() {
        let dir = tempfile::tempdir().unwrap();
        let objects = objects(dir.path());
        let base = tree(&objects, &[("f", Mode::File, "x")]);
        let odb = objects.repo().odb().unwrap();
        let commit = Oid::from_str("1111111111111111111111111111111111111111").unwrap();
        let blob = objects.oid(objects.walk(&base).unwrap()[0].id.as_str()).unwrap();
        let raw = [&b"100644 f\0"[..], blob.as_bytes(), b"160000 sub\0", commit.as_bytes()].concat();
        let tree = tree_id(odb.write(ObjectType::Tree, &raw).unwrap());
        let out = dir.path().join("out");
        checkout(&objects, &tree, &out).unwrap();
        assert!(out.join("sub").is_dir());
        assert_eq!(import_dir(&objects, &out).unwrap(), base);
    }

    #[test]
    fn odd_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let objects = objects(dir.path());
        let src = dir.path().join("src");
        fs::create_dir(&src).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(src.join("s")).unwrap();
        assert!(matches!(import_dir(&objects, &src), Err(ObjectsError::NotImportable { .. })));
        fs::remove_file(src.join("s")).unwrap();
        fs::write(src.join("a\\b"), "").unwrap();
        let error = import_dir(&objects, &src).unwrap_err().to_string();
        assert!(error.contains("a\\b"), "{error}");
    }

    #[test]
    fn a_checkout_is_what_git_checks_out() {
        let up = Upstream::new();
        let files: Vec<(String, String)> = (0..900).map(|i| (format!("d{}/e/f{i}", i % 17), format!("content {i}\n"))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(n, c)| (n.as_str(), c.as_str())).collect();
        let commit = up.commit(&files, "many");
        let store = GitStore::open_or_init(&up.dir.path().join("store.git"), &Silent, &Interrupt::never()).unwrap();
        store.fetch_commit(&up.exec, &up.url(), &commit, None, &Silent).unwrap();
        let objects = store.objects().unwrap();
        let out = up.dir.path().join("out");
        checkout(&objects, &objects.commit_tree(&commit).unwrap(), &out).unwrap();
        let work = format!("--work-tree={}", out.display());
        assert_eq!(up.git(&[&work, "status", "--porcelain"]), "");
    }
}
