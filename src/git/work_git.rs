//! What the `git` program is asked to do in a repository to work in: looking at its files, moving them.

use super::GitError;
use super::program::git;
use super::work::WorkRepo;
use crate::exec::Exec;
use crate::names::CommitId;

/// What the files of a work folder look like to git.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkStatus {
    /// Files with changes that are in no commit, as `git status` spells them.
    pub changed: Vec<String>,
    /// Files that git does not know and does not ignore.
    pub untracked: Vec<String>,
    /// What git is in the midst of: a rebase, a merge, a cherry-pick.
    pub in_progress: Option<&'static str>,
}

impl WorkStatus {
    /// True where nothing would be lost.
    pub fn is_clean(&self) -> bool {
        self.changed.is_empty() && self.untracked.is_empty() && self.in_progress.is_none()
    }
}

impl WorkRepo {
    /// Looks at the files.
    pub fn status(&self, exec: &Exec) -> Result<WorkStatus, GitError> {
        let args = ["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=all", "--no-renames"];
        let said = git(exec)?.cwd(self.dir()).args(args).capture()?.checked()?;
        let mut status = WorkStatus::default();
        for entry in String::from_utf8_lossy(&said.stdout).split('\0').filter(|e| e.len() > 3) {
            let (what, path) = entry.split_at(3);
            let list = if what == "?? " { &mut status.untracked } else { &mut status.changed };
            list.push(path.to_owned());
        }
        // The files that git keeps while it is at it (builtin/rebase.c, sequencer.c).
        let signs = [
            ("rebase-merge", "a rebase"),
            ("rebase-apply", "a rebase or am"),
            ("MERGE_HEAD", "a merge"),
            ("CHERRY_PICK_HEAD", "a cherry-pick"),
            ("REVERT_HEAD", "a revert"),
            ("BISECT_LOG", "a bisect"),
        ];
        status.in_progress = signs.iter().find(|(file, _)| self.git_dir().join(file).exists()).map(|(_, what)| *what);
        Ok(status)
    }

    /// Moves index and files from one commit to another. git refuses where a change that is in no commit would be lost.
    pub fn move_files(&self, exec: &Exec, from: &CommitId, to: &CommitId) -> Result<(), GitError> {
        let args = ["read-tree", "-m", "-u", from.as_str(), to.as_str()];
        git(exec)?.cwd(self.dir()).args(args).capture()?.checked()?;
        Ok(())
    }

    /// Makes index and files those of a commit, whatever they are.
    pub fn reset_files(&self, exec: &Exec, to: &CommitId) -> Result<(), GitError> {
        git(exec)?.cwd(self.dir()).args(["read-tree", "--reset", "-u", to.as_str()]).capture()?.checked()?;
        Ok(())
    }

    /// Whether the files that git knows are those of a commit.
    pub fn files_are(&self, exec: &Exec, commit: &CommitId) -> Result<bool, GitError> {
        let args = ["diff", "--no-ext-diff", "--ignore-submodules=all", "--name-only", commit.as_str(), "--"];
        let said = git(exec)?.cwd(self.dir()).args(args).capture()?.checked()?;
        Ok(said.stdout.is_empty())
    }
}
