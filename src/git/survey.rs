//! One bare repository for each origin that holds many releases at once, without history and without files: commits and
//! folders (`--depth 1 --filter=blob:none`), and then only the files that somebody asks about, in one batch. `git.md` of the
//! design has the measurements behind the choice.
//!
//! It is never mixed with a [`GitStore`](super::store::GitStore), whose commits are complete. The list of tags and branches as
//! it was last seen lies beside it, so that `--offline` has something to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::GitError;
use super::objects::{Objects, ObjectsError};
use super::program::{argument, git_remote};
use super::store::{GitStore, Words};
use crate::disk::{self, FileLock};
use crate::event::{Event, Reporter};
use crate::exec::{Exec, Interrupt, Run};
use crate::names::{BlobId, CommitId, GitUrl, Revision, TreeId};

/// What a name on the remote is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeenKind {
    /// A tag.
    Tag,
    /// A branch.
    Branch,
    /// No name: the commit itself.
    Commit,
}

/// A tag or branch as it was seen on the remote, or a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its name without `refs/tags/` or `refs/heads/`.
    pub name: Revision,
    /// What it names.
    pub kind: SeenKind,
    /// The commit that it leads to.
    pub commit: CommitId,
}

impl Seen {
    /// What to ask the remote for: the full name of the ref, or the commit's id.
    pub fn full_name(&self) -> String {
        match self.kind {
            SeenKind::Tag => format!("refs/tags/{}", self.name),
            SeenKind::Branch => format!("refs/heads/{}", self.name),
            SeenKind::Commit => self.commit.to_string(),
        }
    }
}

/// A bare repository of many releases without their files.
#[derive(Debug, Clone)]
pub struct Survey {
    store: GitStore,
}

/// How much of the history comes with a commit.
#[derive(Debug, Clone, Copy)]
enum Depth {
    One,
    All,
}

/// What makes git fetch single files later and expect their absence. `extensions.partialClone` would say the same and make
/// libgit2 refuse the repository.
const CONFIG: [(&str, &str); 2] = [("remote.origin.promisor", "true"), ("remote.origin.partialclonefilter", "blob:none")];

impl Survey {
    /// The survey at `path` (a folder that only forge writes), made if it is not there.
    pub fn open_or_init(path: &Path, reporter: &dyn Reporter, interrupt: &Interrupt) -> Result<Self, GitError> {
        Ok(Self { store: GitStore::open_or_init_with(path, &CONFIG, reporter, interrupt)? })
    }

    /// The bare repository's folder.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// The objects.
    pub fn objects(&self) -> Result<Objects, ObjectsError> {
        self.store.objects()
    }

    /// The refs as they were last seen; `None` where nobody has looked yet.
    pub fn seen(&self) -> Option<Vec<Seen>> {
        serde_json::from_slice(&std::fs::read(self.seen_path()).ok()?).ok()
    }

    /// Remembers what was seen.
    pub fn remember(&self, seen: &[Seen]) -> Result<(), GitError> {
        let text = serde_json::to_vec(seen).unwrap_or_default();
        Ok(disk::write_atomic(&self.seen_path(), &text, 0o644)?)
    }

    /// The tree of each commit, in their order. What was found is written down, sorted by commit: libgit2 inflates and hashes a commit to read
    /// it, which for hundreds of releases is most of the time of a matrix that is asked for again.
    pub fn trees<'s>(&self, commits: impl Iterator<Item = &'s CommitId>) -> Result<Vec<TreeId>, ObjectsError> {
        let kept = std::fs::read_to_string(self.beside(".trees")).unwrap_or_default();
        let lines: Vec<(&str, &str)> = kept.lines().filter_map(|line| line.split_once(' ')).collect();
        let mut trees = Vec::new();
        let mut found: Vec<(&CommitId, TreeId)> = Vec::new();
        let mut objects = None;
        for commit in commits {
            let line = lines.binary_search_by_key(&commit.as_str(), |(commit, _)| commit).ok();
            if let Some(tree) = line.and_then(|at| TreeId::new(lines[at].1).ok()) {
                trees.push(tree);
                continue;
            }
            let objects = match &objects {
                Some(objects) => objects,
                None => objects.insert(self.objects()?),
            };
            let tree = objects.commit_tree(commit)?;
            found.push((commit, tree.clone()));
            trees.push(tree);
        }
        if !found.is_empty() {
            let found = found.iter().map(|(commit, tree)| (commit.as_str(), tree.as_str()));
            let all: BTreeMap<&str, &str> = lines.into_iter().chain(found).collect();
            let text: String = all.into_iter().flat_map(|(commit, tree)| [commit, " ", tree, "\n"]).collect();
            // What cannot be written down is only found anew.
            let _ = disk::write_atomic(&self.beside(".trees"), text.as_bytes(), 0o644);
        }
        Ok(trees)
    }

    /// Brings the commits and folders that are missing, all in one fetch. Names what was fetched by name: no server refuses
    /// that. Gives the number of commits that came.
    pub fn fetch_commits(&self, exec: &Exec, url: &GitUrl, wanted: &[Seen], reporter: &dyn Reporter) -> Result<usize, GitError> {
        self.fetch_missing(exec, url, wanted, Depth::One, reporter)
    }

    /// The same with everything that led to the commits. Never in a survey that holds commits without their history.
    pub fn fetch_history(&self, exec: &Exec, url: &GitUrl, wanted: &[Seen], reporter: &dyn Reporter) -> Result<usize, GitError> {
        self.fetch_missing(exec, url, wanted, Depth::All, reporter)
    }

    fn fetch_missing(
        &self,
        exec: &Exec,
        url: &GitUrl,
        wanted: &[Seen],
        depth: Depth,
        reporter: &dyn Reporter,
    ) -> Result<usize, GitError> {
        if self.missing_commits(wanted)?.is_empty() {
            return Ok(0);
        }
        let lock = FileLock::acquire(&self.store.lock_path(), reporter, exec.interrupt())?;
        let missing = self.missing_commits(wanted)?;
        if missing.is_empty() {
            return Ok(0);
        }
        self.store.tidy()?;
        reporter.report(Event::Contacting { url: url.clone() });
        let refspecs: String =
            missing.iter().map(|seen| format!("+{}:{}\n", seen.full_name(), GitStore::ref_name(&seen.commit))).collect();
        let run = match depth {
            Depth::One => self.fetch(exec, url, "noop")?.arg("--depth=1"),
            Depth::All => self.fetch(exec, url, "consecutive")?,
        };
        let run = run.args(["--filter=blob:none", "--stdin", "origin"]).stdin(refspecs.into_bytes());
        self.run(run, &lock, url, "releases", reporter)?;
        let objects = self.objects()?;
        for seen in &missing {
            if !objects.has_commit(&seen.commit) {
                let found = objects.ref_commit(&GitStore::ref_name(&seen.commit))?;
                let (url, name, wanted) = (url.clone(), seen.name.to_string(), seen.commit.clone());
                return Err(match found {
                    Some(found) => GitError::Moved { url, name, wanted, found },
                    None => GitError::RefMissing { url, what: name, detail: "it is no commit".into() },
                });
            }
        }
        Ok(missing.len())
    }

    fn missing_commits<'s>(&self, wanted: &'s [Seen]) -> Result<Vec<&'s Seen>, GitError> {
        let objects = self.objects()?;
        let mut known: BTreeSet<&CommitId> = BTreeSet::new();
        Ok(wanted.iter().filter(|seen| !objects.has_commit(&seen.commit) && known.insert(&seen.commit)).collect())
    }

    /// Brings the files that are missing, all in one fetch. Gives their number.
    pub fn fetch_blobs(
        &self,
        exec: &Exec,
        url: &GitUrl,
        wanted: &BTreeSet<BlobId>,
        reporter: &dyn Reporter,
    ) -> Result<usize, GitError> {
        if self.missing_blobs(wanted)?.is_empty() {
            return Ok(0);
        }
        let lock = FileLock::acquire(&self.store.lock_path(), reporter, exec.interrupt())?;
        let missing = self.missing_blobs(wanted)?;
        if missing.is_empty() {
            return Ok(0);
        }
        self.store.tidy()?;
        reporter.report(Event::Contacting { url: url.clone() });
        let ids: String = missing.iter().map(|id| format!("{id}\n")).collect();
        // Without noop the server is told of commits that are here, and leaves out files that it believes are here as well.
        let run = self.fetch(exec, url, "noop")?.args(["--filter=blob:none", "--stdin", "origin"]).stdin(ids.into_bytes());
        self.run(run, &lock, url, "files", reporter)?;
        match self.missing_blobs(wanted)?.first() {
            None => Ok(missing.len()),
            Some(id) => {
                let detail = "the server did not send it".to_owned();
                Err(GitError::RefMissing { url: url.clone(), what: format!("file {id}"), detail })
            }
        }
    }

    /// Those of the files that are not here.
    fn missing_blobs<'b>(&self, wanted: &'b BTreeSet<BlobId>) -> Result<Vec<&'b BlobId>, GitError> {
        let objects = self.objects()?;
        let mut missing = Vec::new();
        for id in wanted {
            if !objects.has_blob(id)? {
                missing.push(id);
            }
        }
        Ok(missing)
    }

    /// `negotiation` is how the server learns what is here.
    fn fetch<'e>(&self, exec: &'e Exec, url: &GitUrl, negotiation: &str) -> Result<Run<'e>, GitError> {
        // The URL is given for this one run: its secrets stay out of the configuration.
        let mut origin = std::ffi::OsString::from("remote.origin.url=");
        origin.push(argument(url));
        let run = git_remote(exec)?.arg("-c").arg(origin).arg(self.store.git_dir());
        let run = run.arg("-c").arg(format!("fetch.negotiationAlgorithm={negotiation}"));
        let run = run.args(["fetch", "--progress", "--no-tags", "--no-auto-gc"]);
        Ok(run.args(["--no-write-fetch-head", "--no-recurse-submodules"]))
    }

    fn run(&self, run: Run<'_>, lock: &FileLock, url: &GitUrl, what: &str, reporter: &dyn Reporter) -> Result<(), GitError> {
        let run = run.keep_open(lock.share()?);
        Words::stream(run, url, what, reporter)
    }

    /// For git programs that read it.
    pub(super) fn git_dir(&self) -> std::ffi::OsString {
        self.store.git_dir()
    }

    fn seen_path(&self) -> PathBuf {
        self.beside(".refs.json")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.store.path().to_owned().into_os_string();
        path.push(ending);
        path.into()
    }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
