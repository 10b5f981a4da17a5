//! One bare, shallow repository for each origin, which grows by one commit (without history) at a time. `git.md` of the
//! design has the measurements behind the choice.
//!
//! A commit is here when its ref `refs/forge/COMMIT` is here: git writes the ref last, after it has checked that nothing is
//! missing. A killed fetch leaves rubbish, but no ref.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use super::GitError;
use super::error::classify;
use super::objects::{Objects, ObjectsError};
use super::program::{argument, git, git_remote};
use crate::disk::{self, DiskError, FileLock};
use crate::event::{Event, Reporter};
use crate::exec::{Exec, Interrupt, Run, Status};
use crate::names::{CommitId, GitUrl};

/// A bare repository that commits are fetched into, safe to use by many processes at once.
#[derive(Debug, Clone)]
pub struct GitStore {
    path: PathBuf,
}

/// How a commit came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchOutcome {
    /// Nothing had to be fetched.
    pub already: bool,
    /// The server did not give the commit by its id; it came by the name that was given as a hint.
    pub by_name: bool,
}

/// The settings of a store. Nothing may repack it: a repack of a shallow store can drop what a ref of another depth needs.
const CONFIG: [(&str, &str); 3] = [("gc.auto", "0"), ("maintenance.auto", "false"), ("core.logallrefupdates", "false")];

impl GitStore {
    /// The store at `path` (a folder that only forge writes), made if it is not there. Its lock is the file `path` with
    /// `.lock` added.
    pub fn open_or_init(path: &Path, reporter: &dyn Reporter, interrupt: &Interrupt) -> Result<Self, GitError> {
        Self::open_or_init_with(path, &[], reporter, interrupt)
    }

    /// The same with more settings, for a store of another kind.
    pub(super) fn open_or_init_with(
        path: &Path,
        more: &[(&str, &str)],
        reporter: &dyn Reporter,
        interrupt: &Interrupt,
    ) -> Result<Self, GitError> {
        let store = Self { path: path.to_owned() };
        if !path.join("HEAD").is_file() {
            let _lock = FileLock::acquire(&store.lock_path(), reporter, interrupt)?;
            if !path.join("HEAD").is_file() {
                store.init(more)?;
            }
        }
        Ok(store)
    }

    /// Made elsewhere and renamed, so that a store is whole from its first moment.
    fn init(&self, more: &[(&str, &str)]) -> Result<(), GitError> {
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        disk::remove_dir_all(&new)?;
        let objects = Objects::init(&new)?;
        let mut config =
            objects.repo().config().and_then(|c| c.open_level(git2::ConfigLevel::Local)).map_err(|e| objects.fail(&e))?;
        for (key, value) in CONFIG.iter().chain(more) {
            config.set_str(key, value).map_err(|e| objects.fail(&e))?;
        }
        drop((config, objects));
        disk::remove_dir_all(&self.path)?; // without HEAD it is no repository
        disk::rename_synced(&new, &self.path)?;
        Ok(())
    }

    /// The ref that keeps a commit, and proves that it is here.
    pub(super) fn ref_name(commit: &CommitId) -> String {
        format!("refs/forge/{commit}")
    }

    /// The repository's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The objects of this store. Not to be shared by threads; opening is cheap, and new packs are seen by open ones.
    pub fn objects(&self) -> Result<Objects, ObjectsError> {
        Objects::open(&self.path)
    }

    /// True where the commit was fetched completely.
    pub fn has(&self, commit: &CommitId) -> Result<bool, ObjectsError> {
        let objects = self.objects()?;
        // A ref without its object (a damaged store) does not count: the fetch repairs it.
        Ok(matches!(objects.ref_commit(&Self::ref_name(commit)), Ok(Some(found)) if found == *commit)
            && objects.has_commit(commit))
    }

    /// Brings one commit, without history, with all of its files. Does nothing where it is here already. Where the server
    /// refuses to give a commit by its id, `hint` (a full ref name, such as `refs/tags/v1.2.3`) is fetched instead; it must
    /// lead to the same commit.
    pub fn fetch_commit(
        &self,
        exec: &Exec,
        url: &GitUrl,
        commit: &CommitId,
        hint: Option<&str>,
        reporter: &dyn Reporter,
    ) -> Result<FetchOutcome, GitError> {
        if self.has(commit)? {
            return Ok(FetchOutcome { already: true, by_name: false });
        }
        let lock = FileLock::acquire(&self.lock_path(), reporter, exec.interrupt())?;
        if self.has(commit)? {
            return Ok(FetchOutcome { already: true, by_name: false });
        }
        self.tidy()?;
        reporter.report(Event::Contacting { url: url.clone() });
        let wanted = Self::ref_name(commit);
        let by_id = self.fetch(exec, &lock, url, &format!("+{commit}:{wanted}"), &format!("commit {commit}"), reporter);
        let by_name = match (by_id, hint) {
            (Ok(()), _) => false,
            (Err(GitError::RefMissing { .. }), Some(name)) => {
                self.fetch(exec, &lock, url, &format!("+{name}:{INCOMING}"), name, reporter)?;
                self.accept(exec, &lock, url, name, commit)?;
                true
            }
            (Err(error), _) => return Err(error),
        };
        let objects = self.objects()?;
        objects.check_complete(&objects.commit_tree(commit)?)?;
        Ok(FetchOutcome { already: false, by_name })
    }

    /// Takes what a name led to for the wanted commit, if it is.
    fn accept(&self, exec: &Exec, lock: &FileLock, url: &GitUrl, name: &str, wanted: &CommitId) -> Result<(), GitError> {
        let found = self.objects()?.ref_commit(INCOMING)?;
        let matches = found.as_ref() == Some(wanted);
        let mut updates = format!("delete {INCOMING}\n");
        if matches {
            updates.push_str(&format!("update {} {wanted}\n", Self::ref_name(wanted)));
        }
        let run = git(exec)?.arg(self.git_dir()).args(["update-ref", "--stdin"]).stdin(updates.into_bytes());
        let got = run.keep_open(lock.share()?).capture()?;
        if !got.status.success() {
            return Err(classify(url, name, got.command, got.status, &String::from_utf8_lossy(&got.stderr)));
        }
        match found {
            _ if matches => Ok(()),
            Some(found) => Err(GitError::Moved { url: url.clone(), name: name.to_owned(), wanted: wanted.clone(), found }),
            None => Err(GitError::RefMissing { url: url.clone(), what: name.to_owned(), detail: "it is no commit".into() }),
        }
    }

    fn fetch(
        &self,
        exec: &Exec,
        lock: &FileLock,
        url: &GitUrl,
        refspec: &str,
        what: &str,
        reporter: &dyn Reporter,
    ) -> Result<(), GitError> {
        // The URL is an argument and never a configured remote: its secrets stay out of the store.
        let run = git_remote(exec)?
            .arg(self.git_dir())
            .args(["fetch", "--progress", "--no-tags", "--no-auto-gc", "--no-write-fetch-head", "--no-recurse-submodules"])
            .args(["--depth=1", "--"])
            .arg(argument(url))
            .arg(refspec)
            .keep_open(lock.share()?);
        Words::stream(run, url, what, reporter)
    }

    /// Removes what a killed git left. Only under the lock, which every git holds to its very end.
    pub(super) fn tidy(&self) -> Result<(), DiskError> {
        let is_lock = |name: &str| name.ends_with(".lock");
        remove_matching(&self.path, is_lock)?;
        remove_matching(&self.path.join("refs/forge"), is_lock)?;
        remove_matching(&self.path.join("objects/pack"), |name| name.starts_with("tmp_") || name.starts_with(".tmp-"))?;
        remove_matching(&self.path.join("objects"), |name| name.starts_with("tmp_objdir-"))
    }

    pub(super) fn git_dir(&self) -> std::ffi::OsString {
        let mut option = std::ffi::OsString::from("--git-dir=");
        option.push(&self.path);
        option
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        path.into()
    }
}

const INCOMING: &str = "refs/forge/incoming";

/// What a fetch prints.
pub(super) struct Words;

impl Words {
    /// Runs a fetch, reporting its progress; what else it says explains why it failed.
    pub(super) fn stream(run: Run<'_>, url: &GitUrl, what: &str, reporter: &dyn Reporter) -> Result<(), GitError> {
        let command = run.shown();
        // The end counts: a server may say much before git gives up.
        let mut words: VecDeque<String> = VecDeque::new();
        let status = run.stream(&mut |line| match progress(line) {
            Some(event) => reporter.report(event),
            None => {
                words.push_back(line.to_owned());
                if words.len() > 100 {
                    words.pop_front();
                }
            }
        })?;
        match status {
            Status::Exited(0) => Ok(()),
            status => Err(classify(url, what, command, status, words.make_contiguous().join("\n").as_str())),
        }
    }
}

fn remove_matching(folder: &Path, matches: impl Fn(&str) -> bool) -> Result<(), DiskError> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| DiskError::new("read", folder, e))?,
    };
    for entry in entries {
        let entry = entry.map_err(|e| DiskError::new("read", folder, e))?;
        if entry.file_name().to_str().is_some_and(&matches) {
            let path = entry.path();
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                disk::remove_dir_all(&path)?;
            } else {
                fs::remove_file(&path).map_err(|e| DiskError::new("remove", &path, e))?;
            }
        }
    }
    Ok(())
}

/// Reads a line of git's progress: `Receiving objects:  45% (123/1065), 1.2 MiB | 3 MiB/s` (progress.c), also one that the
/// server sent, which starts with `remote: `.
fn progress(line: &str) -> Option<Event> {
    let line = line.strip_prefix("remote: ").unwrap_or(line);
    let (what, rest) = line.split_once(": ")?;
    let (done, total) = rest.split_once("% (")?.1.split_once(')')?.0.split_once('/')?;
    let what = what.to_lowercase();
    if !what.bytes().all(|b| b.is_ascii_lowercase() || b == b' ') {
        return None;
    }
    Some(Event::Progress { what, done: done.parse().ok()?, total: total.parse().ok()? })
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
