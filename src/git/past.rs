//! What happened between two releases: which commits touched some files.

use super::GitError;
use super::error::classify;
use super::program::git;
use super::survey::Survey;
use crate::exec::Exec;
use crate::names::{CommitId, GitUrl, RelPath};

/// A commit of an upstream's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastCommit {
    /// The commit.
    pub id: CommitId,
    /// What it was made on.
    pub parents: Vec<CommitId>,
    /// The author's date, `2025-01-31`.
    pub date: String,
    /// The first paragraph of its message, as the author wrote it.
    pub subject: String,
}

impl Survey {
    /// The commits that lead to `new` and not to `old` and touch one of the paths, children before their parents. Both
    /// histories have to be here ([`Survey::fetch_history`]); `url` is for messages.
    pub fn between(
        &self,
        exec: &Exec,
        url: &GitUrl,
        (old, new): (&CommitId, &CommitId),
        paths: &[RelPath],
    ) -> Result<Vec<PastCommit>, GitError> {
        // Plumbing, and pathspecs without magic: no configuration changes what it prints.
        let run = git(exec)?.arg("--literal-pathspecs").arg(self.git_dir());
        let run = run.args(["rev-list", "--topo-order", "--date=short", "--format=%H%x00%P%x00%ad%x00%s"]);
        let run = run.arg(format!("^{old}")).arg(new.as_str()).arg("--").args(paths.iter().map(RelPath::as_str));
        let got = run.capture()?;
        if !got.status.success() {
            return Err(classify(url, "history", got.command, got.status, &String::from_utf8_lossy(&got.stderr)));
        }
        let text = String::from_utf8_lossy(&got.stdout);
        Ok(text.lines().filter_map(read).collect())
    }
}

/// Reads a line of the format above; `commit ID` comes before each.
fn read(line: &str) -> Option<PastCommit> {
    let mut fields = line.splitn(4, '\0');
    let id = CommitId::new(fields.next()?).ok()?;
    let parents = fields.next()?.split(' ').filter_map(|id| CommitId::new(id).ok()).collect();
    let (date, subject) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    Some(PastCommit { id, parents, date, subject })
}
