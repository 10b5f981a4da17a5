//! Makes a source folder a clean git repository with one commit. Programs such as k0sctl take their version from what `go
//! build` reads out of git; a commit of fixed author and date makes that the same everywhere.
//!
//! The commands `git init -b main`, `git add -A -f`, `git commit` and `git tag` with the same identity and dates give the same
//! commit id (a test holds that), provided that `.git/info/attributes` says [`ATTRIBUTES`] first.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{IndexEntry, IndexTime, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};

use super::checkout::{Imported, import_with};
use super::objects::{Objects, ObjectsError, tree_id};
use crate::disk::DiskError;
use crate::names::{CommitId, Revision, TreeId};

/// Who commits. Nobody: the patches have authors, this commit only freezes a tree.
pub const NAME: &str = "forge";

/// The address that goes with [`NAME`].
pub const EMAIL: &str = "forge@localhost";

/// The line of `.git/info/attributes` that switches off all that would make git see other bytes than those on disk. It wins
/// over every `.gitattributes` (gitattributes(5)).
pub const ATTRIBUTES: &str = "* -text -eol -ident -filter -working-tree-encoding\n";

/// Settings that keep `git status` and `git log` quick, clean and silent, whatever the user's configuration says.
pub(super) const CONFIG: &[(&str, &str)] = &[
    ("core.autocrlf", "false"),
    ("core.safecrlf", "false"),
    ("core.excludesfile", "/dev/null"),
    ("core.attributesfile", "/dev/null"),
    ("core.hookspath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedcache", "false"),
    ("core.splitindex", "false"),
    ("core.sparsecheckout", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
];

/// What [`stamp`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The one commit.
    pub commit: CommitId,
    /// Its tree.
    pub tree: TreeId,
}

/// Makes `dir` a repository: branch `main`, one commit of all files (whatever `.gitignore` says), a lightweight tag `version`.
/// `time` is in seconds since 1970, UTC, and counts for author and committer. Submodules and everything else named `.git` is
/// left out. Fails where `dir` is a repository already.
pub fn stamp(dir: &Path, version: &Revision, time: i64, message: &str) -> Result<Stamped, ObjectsError> {
    let objects = init_work(dir, CONFIG)?;
    let (tree, index) = import_indexed(&objects, dir)?;
    let who = signature(&objects, NAME, EMAIL, Time::new(time, 0))?;
    let commit = write_commit(&objects, &tree, &who, &who, message, None)?;
    finish(&objects, commit, index)?;
    let tag = format!("refs/tags/{version}");
    objects.repo().reference(&tag, commit, true, "stamp").map_err(|e| objects.fail(&e))?;
    Ok(Stamped { commit: commit_id(commit), tree })
}

/// Makes a repository without commits, isolated from the user's attributes and, by `config`, from more. Its folder may hold
/// files.
pub(super) fn init_work(dir: &Path, config: &[(&str, &str)]) -> Result<Objects, ObjectsError> {
    let git = dir.join(".git");
    if fs::symlink_metadata(&git).is_ok() {
        return Err(ObjectsError::NotEmpty { path: git });
    }
    let mut options = RepositoryInitOptions::new();
    options.mkpath(true).no_reinit(true).external_template(false).initial_head("main");
    let open = |e: git2::Error| ObjectsError::Open { path: git.clone(), message: e.message().to_owned() };
    let repo = Repository::init_opts(dir, &options).map_err(open)?;
    let mut local = repo.config().and_then(|c| c.open_level(git2::ConfigLevel::Local)).map_err(open)?;
    for (key, value) in config {
        local.set_str(key, value).map_err(open)?;
    }
    let attributes = git.join("info/attributes");
    crate::disk::create_dir_all(&git.join("info"))?;
    fs::write(&attributes, ATTRIBUTES).map_err(|e| DiskError::new("write", &attributes, e))?;
    Objects::open(&git)
}

/// Imports a folder and prepares the index entries that `git status` compares it with.
pub(super) fn import_indexed(objects: &Objects, dir: &Path) -> Result<(TreeId, Vec<IndexEntry>), ObjectsError> {
    let mut index = Vec::new();
    let tree = import_with(objects, dir, &mut |file| index.push(index_entry(&file)))?;
    Ok((tree, index))
}

fn index_entry(file: &Imported<'_>) -> IndexEntry {
    // Numbers of the file system are cut to 32 bits, as git's index does (index-format.txt).
    IndexEntry {
        ctime: IndexTime::new(file.meta.ctime() as i32, file.meta.ctime_nsec() as u32),
        mtime: IndexTime::new(file.meta.mtime() as i32, file.meta.mtime_nsec() as u32),
        dev: file.meta.dev() as u32,
        ino: file.meta.ino() as u32,
        mode: file.mode.bits() as u32,
        uid: file.meta.uid(),
        gid: file.meta.gid(),
        file_size: file.meta.size() as u32,
        id: file.id,
        flags: 0,
        flags_extended: 0,
        path: file.path.as_bytes().to_vec(),
    }
}

/// A commit without any ref. The message loses white space at its end and gets one newline, as `git commit` does.
pub(super) fn write_commit(
    objects: &Objects,
    tree: &TreeId,
    author: &Signature<'_>,
    committer: &Signature<'_>,
    message: &str,
    parent: Option<Oid>,
) -> Result<Oid, ObjectsError> {
    let write = || {
        let repo = objects.repo();
        let tree = repo.find_tree(Oid::from_str(tree.as_str())?)?;
        let parent = parent.map(|parent| repo.find_commit(parent)).transpose()?;
        let message = format!("{}\n", message.trim_end().replace('\0', ""));
        repo.commit(None, author, committer, &message, &tree, &parent.iter().collect::<Vec<_>>())
    };
    write().map_err(|e| objects.fail(&e))
}

/// Points `main` at the commit, and writes the index.
pub(super) fn finish(objects: &Objects, commit: Oid, entries: Vec<IndexEntry>) -> Result<(), ObjectsError> {
    let write = || {
        let repo = objects.repo();
        repo.reference("refs/heads/main", commit, true, "stamp")?;
        let mut index = repo.index()?;
        index.clear()?;
        for entry in &entries {
            index.add(entry)?;
        }
        index.write()
    };
    write().map_err(|e| objects.fail(&e))
}

/// An identity as git can store it: without the characters that end its parts.
pub(super) fn signature(objects: &Objects, name: &str, email: &str, when: Time) -> Result<Signature<'static>, ObjectsError> {
    let clean = |text: &str, otherwise: &str| {
        let text: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
        match text.trim() {
            "" => otherwise.to_owned(),
            text => text.to_owned(),
        }
    };
    Signature::new(&clean(name, "unknown"), &clean(email, "unknown"), &when).map_err(|e| objects.fail(&e))
}

pub(super) fn commit_id(oid: Oid) -> CommitId {
    CommitId::new(oid.to_string()).expect("libgit2 prints 40 hex digits")
}

/// Copies a tree with all that it holds, but what `done` has, from one repository to another.
pub(super) fn copy_tree(
    from: &Objects,
    to: &Objects,
    tree: Oid,
    done: &mut std::collections::HashSet<Oid>,
) -> Result<TreeId, ObjectsError> {
    let (read, write) = (from.repo().odb().map_err(|e| from.fail(&e))?, to.repo().odb().map_err(|e| to.fail(&e))?);
    let mut todo = vec![(tree, true)];
    while let Some((id, is_tree)) = todo.pop() {
        if !done.insert(id) {
            continue;
        }
        if !write.exists(id) {
            let object = read.read(id).map_err(|e| from.find(&id.to_string(), &e))?;
            write.write(object.kind(), object.data()).map_err(|e| to.fail(&e))?;
        }
        // Also of a tree that is there: it may have come without what is in it, if somebody was killed.
        if is_tree {
            let tree = from.repo().find_tree(id).map_err(|e| from.find(&id.to_string(), &e))?;
            let inside = tree.iter().filter(|e| e.kind() != Some(ObjectType::Commit));
            todo.extend(inside.map(|e| (e.id(), e.kind() == Some(ObjectType::Tree))));
        }
    }
    Ok(tree_id(tree))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::exec::{Environment, Exec, Interrupt, Tool};
    use crate::git::testing::{Upstream, git};

    fn fill(dir: &Path) {
        fs::create_dir_all(dir.join("sub/deep")).unwrap();
        fs::create_dir_all(dir.join("submodule")).unwrap();
        fs::write(dir.join(".gitignore"), "*.o\nsub/\n").unwrap();
        fs::write(dir.join(".gitattributes"), "*.txt text eol=crlf\n*.id ident\n*.lfs filter=lfs -text\n").unwrap();
        fs::write(dir.join("a.txt"), "one\r\ntwo\n").unwrap();
        fs::write(dir.join("b.id"), "$Id$\n").unwrap();
        fs::write(dir.join("c.lfs"), "big\n").unwrap();
        fs::write(dir.join("ignored.o"), "o").unwrap();
        fs::write(dir.join("sub/deep/x.sh"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(dir.join("sub/deep/x.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("a.txt", dir.join("link")).unwrap();
    }

    #[test]
    fn the_stamp_is_what_plain_git_commands_make() {
        let up = Upstream::new();
        let (ours, theirs) = (up.dir.path().join("ours"), up.dir.path().join("theirs"));
        fill(&ours);
        fill(&theirs);
        let version = Revision::new("v0.19.4+k0s.1").unwrap();
        let stamped = stamp(&ours, &version, 1_700_000_000, "k0sctl v0.19.4\n\nbody").unwrap();

        let date = "@1700000000 +0000";
        let vars = up.exec.environment().iter().map(|(k, v)| (k.to_owned(), v.to_owned()));
        let who = [
            ("GIT_AUTHOR_NAME", NAME),
            ("GIT_AUTHOR_EMAIL", EMAIL),
            ("GIT_AUTHOR_DATE", date),
            ("GIT_COMMITTER_NAME", NAME),
            ("GIT_COMMITTER_EMAIL", EMAIL),
            ("GIT_COMMITTER_DATE", date),
        ];
        let vars = vars.chain(who.iter().map(|(k, v)| ((*k).into(), (*v).into())));
        let exec = Exec::new(Environment::from_vars(vars), Interrupt::never());
        let plain = |args: &[&str]| {
            let got = exec.run(Tool::Git).unwrap().cwd(&theirs).args(args.iter().copied()).capture().unwrap();
            String::from_utf8(got.checked().unwrap().stdout).unwrap().trim_end().to_owned()
        };
        plain(&["init", "-q", "-b", "main"]);
        fs::write(theirs.join(".git/info/attributes"), ATTRIBUTES).unwrap();
        plain(&["add", "-A", "-f"]);
        plain(&["commit", "-q", "-m", "k0sctl v0.19.4\n\nbody"]);
        assert_eq!(plain(&["rev-parse", "HEAD"]), stamped.commit.as_str());
        assert_eq!(plain(&["rev-parse", "HEAD^{tree}"]), stamped.tree.as_str());

        // Clean for a user with a peculiar configuration, also when git looks at the files and not at their times.
        let odd = up.exec_with(&[
            ("core.autocrlf", "true"),
            ("core.excludesFile", "/etc/hostname"),
            ("filter.lfs.clean", "tr a-z A-Z"),
            ("status.showUntrackedFiles", "all"),
        ]);
        assert_eq!(git(&odd, &ours, &["status", "--porcelain"]), "");
        fs::File::open(ours.join("a.txt")).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        fs::File::open(ours.join("c.lfs")).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(git(&odd, &ours, &["status", "--porcelain"]), "");
        assert_eq!(git(&odd, &ours, &["describe", "--tags", "--exact-match"]), "v0.19.4+k0s.1");
        assert_eq!(git(&odd, &ours, &["log", "--format=%an <%ae> %ct %s"]), "forge <forge@localhost> 1700000000 k0sctl v0.19.4");
        assert_eq!(git(&odd, &ours, &["fsck", "--strict"]), "");
        assert!(matches!(stamp(&ours, &version, 0, "again"), Err(ObjectsError::NotEmpty { .. })));
    }
}
