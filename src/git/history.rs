//! A repository for people: the upstream's tree and one commit for each patch, to read, to change and to send on.

use std::collections::HashSet;
use std::path::Path;

use git2::Time;

use super::checkout::{CheckoutStats, checkout};
use super::objects::{Objects, ObjectsError};
use super::stamp::{CONFIG, EMAIL, NAME, commit_id, copy_tree, finish, import_indexed, init_work, signature, write_commit};
use crate::names::{CommitId, TreeId};

/// One commit to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// All files as of this commit.
    pub tree: TreeId,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// The author's date in seconds since 1970, UTC.
    pub time: i64,
    /// The author's time zone in minutes east of UTC.
    pub offset_minutes: i32,
    /// Subject, empty line, body.
    pub message: String,
}

impl Step {
    /// A commit of forge's own: nobody else is its author.
    pub fn of_forge(tree: &TreeId, time: i64, message: String) -> Self {
        let (author, email) = (NAME.to_owned(), EMAIL.to_owned());
        Self { tree: tree.clone(), author, email, time, offset_minutes: 0, message }
    }
}

/// A repository that [`write_history`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The commits, in the order of the steps.
    pub commits: Vec<CommitId>,
    /// What lies in the folder.
    pub checkout: CheckoutStats,
}

/// Makes a repository in `dir`, which must be new or empty: on branch `main` one commit for each step, the first without a
/// parent; the files of the last are checked out. forge is the committer, at the author's date, so that the same steps give
/// the same ids. `objects` is where the trees come from; the new repository does not need it afterwards.
pub fn write_history(objects: &Objects, dir: &Path, steps: &[Step]) -> Result<History, ObjectsError> {
    let mut stats = CheckoutStats::default();
    if let Some(last) = steps.last() {
        stats = checkout(objects, &last.tree, dir)?;
    }
    let new = init_work(dir, CONFIG)?;
    // Writes the blobs of the last tree as well; what is left for `copy_tree` are the differences.
    let (_, index) = import_indexed(&new, dir)?;
    let mut copied: HashSet<git2::Oid> = index.iter().map(|entry| entry.id).collect();
    let mut parent = None;
    let mut commits = Vec::with_capacity(steps.len());
    for step in steps {
        let tree = copy_tree(objects, &new, objects.oid(step.tree.as_str())?, &mut copied)?;
        let when = Time::new(step.time, step.offset_minutes);
        let author = signature(&new, &step.author, &step.email, when)?;
        let committer = signature(&new, NAME, EMAIL, when)?;
        let commit = write_commit(&new, &tree, &author, &committer, &step.message, parent)?;
        commits.push(commit_id(commit));
        parent = Some(commit);
    }
    if let Some(last) = parent {
        finish(&new, last, index)?;
    }
    Ok(History { commits, checkout: stats })
}

/// What came of [`write_branch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Branched {
    /// The branch ends in this commit.
    Done(CommitId),
    /// There is a branch of that name, and it is another one.
    Exists,
    /// The repository does not have the commit that the branch would begin at.
    NoBase,
}

/// Makes a branch in a repository that is there: one commit for each step, on top of `base`. Nothing else of it changes.
pub fn write_branch(
    objects: &Objects,
    repository: &Path,
    name: &str,
    base: &CommitId,
    steps: &[Step],
) -> Result<Branched, ObjectsError> {
    let to = Objects::open(repository)?;
    if !to.has_commit(base) {
        return Ok(Branched::NoBase);
    }
    let mut parent = to.oid(base.as_str())?;
    let mut copied = HashSet::new();
    for step in steps {
        let tree = copy_tree(objects, &to, objects.oid(step.tree.as_str())?, &mut copied)?;
        let when = Time::new(step.time, step.offset_minutes);
        let author = signature(&to, &step.author, &step.email, when)?;
        let committer = signature(&to, NAME, EMAIL, when)?;
        parent = write_commit(&to, &tree, &author, &committer, &step.message, Some(parent))?;
    }
    match to.repo().reference(&format!("refs/heads/{name}"), parent, false, "forge patch export") {
        Ok(_) => Ok(Branched::Done(commit_id(parent))),
        Err(e) if e.code() == git2::ErrorCode::Exists => match to.ref_commit(&format!("refs/heads/{name}"))? {
            Some(there) if there == commit_id(parent) => Ok(Branched::Done(there)),
            _ => Ok(Branched::Exists),
        },
        Err(e) => Err(to.fail(&e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::objects::{Changes, Mode};
    use crate::git::testing::{Upstream, git};
    use crate::names::RelPath;

    #[test]
    fn log_and_status_look_right() {
        let up = Upstream::new();
        let objects = Objects::init(&up.dir.path().join("store.git")).unwrap();
        let mut changes = Changes::new();
        changes.insert(RelPath::new("a/f").unwrap(), Some((Mode::File, b"1\r\n".to_vec())));
        changes.insert(RelPath::new(".gitattributes").unwrap(), Some((Mode::File, b"* text=auto\n".to_vec())));
        changes.insert(RelPath::new("gone").unwrap(), Some((Mode::Symlink, b"a/f".to_vec())));
        let base = objects.write(None, &changes).unwrap();
        let mut changes = Changes::new();
        changes.insert(RelPath::new("a/f").unwrap(), Some((Mode::Executable, b"2\n".to_vec())));
        changes.insert(RelPath::new("gone").unwrap(), None);
        let patched = objects.write(Some(&base), &changes).unwrap();
        let step = |tree: &TreeId, author: &str, message: &str| Step {
            tree: tree.clone(),
            author: author.into(),
            email: "a@example.org".into(),
            time: 1_700_000_000,
            offset_minutes: 120,
            message: message.into(),
        };
        let steps = [step(&base, "Upstream", "base v1"), step(&patched, "Zo\u{eb} <x>", "change f\n\nbecause\n\n")];
        let dir = up.dir.path().join("tree");
        let history = write_history(&objects, &dir, &steps).unwrap();
        drop(objects);
        std::fs::remove_dir_all(up.dir.path().join("store.git")).unwrap();
        let git = |args: &[&str]| git(&up.exec, &dir, args);
        assert_eq!(git(&["status", "--porcelain", "--branch"]), "## main");
        assert_eq!(
            git(&["log", "--format=%an|%ad|%cn|%s|%b", "--date=iso"]),
            "Zo\u{eb} x|2023-11-15 00:13:20 +0200|forge|change f|because\n\nUpstream|2023-11-15 00:13:20 +0200|forge|base v1|"
        );
        assert_eq!(git(&["rev-parse", "HEAD", "HEAD~"]), format!("{}\n{}", history.commits[1], history.commits[0]));
        assert_eq!(git(&["rev-parse", "HEAD^{tree}"]), patched.as_str());
        assert_eq!(git(&["fsck", "--strict"]), "");
        assert_eq!(std::fs::read(dir.join("a/f")).unwrap(), b"2\n");
    }
}
