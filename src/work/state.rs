//! What forge remembers of a work folder: `.git/forge/state.json` in it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{DiskError, create_dir_all, write_atomic};
use crate::files::read_limited;
use crate::names::{CommitId, ComponentName, PatchName, Revision, SeriesName, Sha256, TreeId, UpstreamName};

/// The format that this program reads and writes.
pub const FORMAT: u32 = 2;

/// The ref of the commit that the patches stand on.
pub const BASE_REF: &str = "refs/forge/base";

/// The ref of the last commit as the series has it.
pub const SAVED_REF: &str = "refs/forge/saved";

/// A work folder that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WorkError {
    /// It is none.
    #[error("{} is not in a work folder", path.display())]
    #[diagnostic(help("`forge patch start COMPONENT` opens one"))]
    None {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Somebody else's.
    #[error("the work folder {} belongs to somebody else", path.display())]
    #[diagnostic(help(
        "what it says about the project is not to be trusted; open one of your own with `forge patch start COMPONENT --dir DIR`"
    ))]
    Owner {
        /// The folder.
        path: PathBuf,
    },
    /// Written by another version.
    #[error("the work folder {} has format {found}; this forge knows {FORMAT}", path.display())]
    #[diagnostic(help(
        "save it with the forge that opened it, or keep what you need with `git format-patch {BASE_REF}..`, remove the folder and start again"
    ))]
    Format {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Its state is unreadable.
    #[error("the state of the work folder, {}, cannot be read: {message}", path.display())]
    #[diagnostic(help(
        "your commits are safe: keep them with `git format-patch {BASE_REF}..`, remove the folder and start again"
    ))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// Files of it cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(#[from] DiskError),
}

/// A series as it was opened or saved last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedSeries {
    /// Its upstream.
    pub upstream: UpstreamName,
    /// Its name.
    pub name: SeriesName,
    /// Its digest then.
    pub digest: Sha256,
}

/// A patch and the commit that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedPatch {
    /// The series.
    pub series: SeriesName,
    /// The patch.
    pub patch: PatchName,
    /// The form that applied; `None` for a patch that is not for this release.
    pub form: Option<PatchName>,
    /// Its commit; `None` for a patch that is not for this release, or whose commit is still to come.
    pub commit: Option<CommitId>,
    /// Whether the upstream has the change already, by proof: it has no commit then, and is for older releases.
    #[serde(default)]
    pub upstreamed: bool,
}

impl OpenedPatch {
    /// A patch that has no commit, or not yet.
    pub fn new(series: SeriesName, patch: PatchName) -> Self {
        Self { series, patch, form: None, commit: None, upstreamed: false }
    }
}

/// Applying the series stopped at a patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// The patch, by its place in [`WorkState::patches`].
    pub at: usize,
    /// The commit that it did not apply to.
    pub onto: CommitId,
    /// Files with conflict markers.
    pub files: Vec<String>,
    /// The tree with the markers, to learn from how they are resolved.
    #[serde(default)]
    pub shown: Option<TreeId>,
    /// The folder as it was before, where it was not new.
    pub before: Option<Box<WorkState>>,
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkState {
    /// [`FORMAT`]
    pub format: u32,
    /// The project's folder: absolute, or relative to the work folder.
    pub project: PathBuf,
    /// The recipe, as `--recipe` takes it.
    pub recipe: String,
    /// The component.
    pub component: ComponentName,
    /// The release.
    pub release: Revision,
    /// The commit of the unpatched release, in the work folder.
    pub base: CommitId,
    /// The last commit as it was opened or saved.
    pub tip: CommitId,
    /// The series.
    pub series: Vec<OpenedSeries>,
    /// All their patches in order.
    pub patches: Vec<OpenedPatch>,
    /// Where applying them stopped.
    pub stopped: Option<Stopped>,
    /// Whether what does not apply, and can be merged without a conflict, is merged.
    #[serde(default)]
    pub merging: bool,
    /// The commit that files and branch are being moved to. Where it is still there, forge was killed on the way; there was
    /// nothing in the files then that is not in a commit.
    pub moving: Option<CommitId>,
}

fn state_file(dir: &Path) -> PathBuf {
    dir.join(".git/forge/state.json")
}

impl WorkState {
    /// How many patches have a commit.
    pub fn commits(&self) -> usize {
        self.patches.iter().filter(|patch| patch.commit.is_some()).count()
    }

    /// The work folder that `from` is in.
    pub fn find(from: &Path) -> Option<PathBuf> {
        let from = fs::canonicalize(from).unwrap_or_else(|_| from.to_owned());
        // A repository inside a work folder is something else.
        let repository = from.ancestors().find(|folder| fs::symlink_metadata(folder.join(".git")).is_ok())?;
        state_file(repository).is_file().then(|| repository.to_owned())
    }

    /// Reads the state of the work folder `dir`, which must belong to the user `uid`. `None`: it is no work folder.
    pub fn read(dir: &Path, uid: u32) -> Result<Option<Self>, WorkError> {
        const LIMIT: u64 = 16 << 20;
        let path = state_file(dir);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.uid() != uid => return Err(WorkError::Owner { path: dir.to_owned() }),
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(DiskError::new("read", &path, e).into()),
        }
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let malformed = |message: String| WorkError::Malformed { path: path.clone(), message };
        let bytes = read_limited(&path, LIMIT).map_err(|e| malformed(e.to_string()))?;
        let format: Format = serde_json::from_slice(&bytes).map_err(|e| malformed(e.to_string()))?;
        if format.format != FORMAT {
            return Err(WorkError::Format { path: dir.to_owned(), found: format.format });
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|e| malformed(e.to_string()))
    }

    /// Writes the state of the work folder `dir`.
    pub fn write(&self, dir: &Path) -> Result<(), WorkError> {
        let path = state_file(dir);
        create_dir_all(path.parent().unwrap_or(dir))?;
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        Ok(write_atomic(&path, &text, 0o644)?)
    }

    /// The project's folder, for the work folder `dir`.
    pub fn project_of(&self, dir: &Path) -> PathBuf {
        let joined = dir.join(&self.project);
        fs::canonicalize(&joined).unwrap_or(joined)
    }

    /// How a work folder names its project: relatively where it is inside, so that both can move together.
    pub fn project_name(dir: &Path, project: &Path) -> PathBuf {
        match dir.strip_prefix(project) {
            Ok(below) => below.components().filter(|part| matches!(part, Component::Normal(_))).map(|_| "..").collect(),
            Err(_) => project.to_owned(),
        }
    }

    /// The file to lock while a work folder is changed.
    pub fn lock_file(dir: &Path) -> PathBuf {
        dir.join(".git/forge/lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_around_is_named_relatively() {
        let name = |dir: &str| WorkState::project_name(Path::new(dir), Path::new("/p"));
        assert_eq!(name("/p/work/r/c"), Path::new("../../.."));
        assert_eq!(name("/q/c"), Path::new("/p"));
    }

    #[test]
    fn another_format_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let uid = fs::metadata(dir.path()).unwrap().uid();
        assert!(WorkState::read(dir.path(), uid).unwrap().is_none());
        fs::create_dir_all(dir.path().join(".git/forge")).unwrap();
        fs::write(state_file(dir.path()), "{\"format\": 99, \"more\": []}").unwrap();
        assert_eq!(WorkState::find(dir.path()), Some(fs::canonicalize(dir.path()).unwrap()));
        assert!(matches!(WorkState::read(dir.path(), uid), Err(WorkError::Format { found: 99, .. })));
        assert!(matches!(WorkState::read(dir.path(), uid + 1), Err(WorkError::Owner { .. })));
        fs::write(state_file(dir.path()), "{\"format\": 2}").unwrap();
        assert!(matches!(WorkState::read(dir.path(), uid), Err(WorkError::Malformed { .. })));
    }
}
