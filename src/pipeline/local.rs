//! `--source COMPONENT=DIR`: a git repository on this machine, of which only commits count.

use std::path::Path;

use crate::exec::{Exec, Tool};
use crate::names::{ComponentName, GitUrl, visible};
use crate::pipeline::error::PipelineError;

/// The URL of a local repository, and whether it has uncommitted changes.
pub fn local_source(exec: &Exec, component: &ComponentName, folder: &Path) -> Result<(GitUrl, bool), PipelineError> {
    let wrong = |reason: String| PipelineError::Override { component: component.clone(), reason };
    // A subfolder of a repository would silently stand for the whole of it.
    let probe = exec.run(Tool::Git)?.args(["rev-parse", "--is-bare-repository", "--show-prefix"]).cwd(folder).capture()?;
    let text = String::from_utf8_lossy(&probe.stdout).into_owned();
    let mut lines = text.lines();
    let bare = match lines.next() {
        Some("true") => true,
        Some("false") if probe.status.success() => false,
        _ => return Err(wrong(format!("{} is not a git repository", folder.display()))),
    };
    if let Some(prefix) = lines.next().filter(|p| !p.is_empty()) {
        return Err(wrong(format!("{} is the folder {} of a repository: name its root", folder.display(), visible(prefix))));
    }
    let dirty = !bare && {
        let status = exec.run(Tool::Git)?.args(["status", "--porcelain", "--untracked-files=normal"]).cwd(folder).capture()?;
        !status.stdout.is_empty()
    };
    let path = folder.canonicalize().map_err(|source| PipelineError::Io { path: folder.to_owned(), source })?;
    let path = path.to_str().ok_or_else(|| wrong("its path is not UTF-8".into()))?;
    Ok((GitUrl::new(path)?, dirty))
}
