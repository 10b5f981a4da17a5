//! The files of a project: `recipes/`, `patches/` and demo sources on disk, and the same folders as they were built into
//! the program. Disk comes first; a folder is taken from one of the two as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, DirEntry, include_dir};

use crate::names::RelPath;

static RECIPES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/recipes");
static PATCHES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/patches");
static DEMO: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/demo");

/// Where a file was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// On disk.
    Disk(PathBuf),
    /// In the program.
    BuiltIn(RelPath),
}

impl Origin {
    /// True for what is part of the program.
    pub fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(path) => write!(f, "{}", path.display()),
            Self::BuiltIn(path) => write!(f, "{path} (built in)"),
        }
    }
}

/// A file and where it came from.
#[derive(Debug, Clone)]
pub struct Found {
    /// The content.
    pub bytes: Vec<u8>,
    /// Where it was.
    pub origin: Origin,
}

/// The entries of a folder and where it came from.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Names of regular files, sorted.
    pub files: Vec<String>,
    /// Names of folders, sorted.
    pub folders: Vec<String>,
    /// Where the folder was.
    pub origin: Origin,
}

/// A project file that could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FilesError {
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// More bytes than such a file may have.
    #[error("{} has more than {limit} bytes", path.display())]
    #[diagnostic(help("a file of this kind is refused beyond that size; is it the right file?"))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
}

/// A project: the folder that holds `recipes/`, or nothing but what is built in.
#[derive(Debug, Clone)]
pub struct Files {
    root: Option<PathBuf>,
    /// Folders as they are about to be.
    drafts: BTreeMap<RelPath, Arc<Draft>>,
}

/// The files of a folder by name.
pub type Draft = BTreeMap<String, Vec<u8>>;

impl Files {
    /// The project at `root`; `None` is the built-in one alone.
    pub fn new(root: Option<PathBuf>) -> Self {
        Self { root, drafts: BTreeMap::new() }
    }

    /// The same project, but for a folder that holds these files instead of those on disk, where it would be written.
    pub fn with_draft(&self, folder: RelPath, draft: Draft) -> Self {
        let mut files = self.clone();
        files.drafts.insert(folder, Arc::new(draft));
        files
    }

    fn draft_at(&self, origin: &Path) -> Option<&Draft> {
        let root = self.root.as_deref()?;
        self.drafts.iter().find(|(folder, _)| folder.below(root) == origin).map(|(_, draft)| &**draft)
    }

    /// The folder that relative paths are relative to, where there is one on disk.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Reads one file of at most `limit` bytes; `None` where it is neither on disk nor built in.
    pub fn read(&self, path: &RelPath, limit: u64) -> Result<Option<Found>, FilesError> {
        if let Some(root) = &self.root {
            let on_disk = path.below(root);
            match read_limited(&on_disk, limit) {
                Ok(bytes) => return Ok(Some(Found { bytes, origin: Origin::Disk(on_disk) })),
                Err(FilesError::Read { source, .. })
                    if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(built_in(path)
            .and_then(DirEntry::as_file)
            .map(|file| Found { bytes: file.contents().to_vec(), origin: Origin::BuiltIn(path.clone()) }))
    }

    /// Reads one file of the folder that `listing` came from, never from the other place.
    pub fn read_in(&self, listing: &Listing, name: &str, limit: u64) -> Result<Option<Found>, FilesError> {
        match &listing.origin {
            Origin::Disk(folder) => {
                let path = folder.join(name);
                if let Some(draft) = self.draft_at(folder) {
                    let found = |bytes: &Vec<u8>| Found { bytes: bytes.clone(), origin: Origin::Disk(path.clone()) };
                    return Ok(draft.get(name).map(found));
                }
                match read_limited(&path, limit) {
                    Ok(bytes) => Ok(Some(Found { bytes, origin: Origin::Disk(path) })),
                    Err(FilesError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error),
                }
            }
            Origin::BuiltIn(folder) => {
                let Ok(path) = folder.join(name) else { return Ok(None) };
                Ok(built_in(&path)
                    .and_then(DirEntry::as_file)
                    .map(|file| Found { bytes: file.contents().to_vec(), origin: Origin::BuiltIn(path.clone()) }))
            }
        }
    }

    /// What a folder holds; `None` where it is neither on disk nor built in.
    pub fn list(&self, folder: &RelPath) -> Result<Option<Listing>, FilesError> {
        if let Some(root) = &self.root {
            let on_disk = folder.below(root);
            if let Some(draft) = self.drafts.get(folder) {
                let (files, folders) = (draft.keys().cloned().collect(), Vec::new());
                return Ok(Some(Listing { files, folders, origin: Origin::Disk(on_disk) }));
            }
            match fs::read_dir(&on_disk) {
                Ok(entries) => return list_disk(on_disk, entries).map(Some),
                Err(source) if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(source) => return Err(FilesError::Read { path: on_disk, source }),
            }
        }
        Ok(self.list_built_in(folder))
    }

    /// What a folder of the program holds, whatever is on disk.
    pub fn list_built_in(&self, folder: &RelPath) -> Option<Listing> {
        let children = match folder.as_str() {
            "recipes" => RECIPES.entries(),
            "patches" => PATCHES.entries(),
            "demo" => DEMO.entries(),
            _ => built_in(folder)?.as_dir()?.entries(),
        };
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in children {
            let name = entry.path().file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
            match entry {
                DirEntry::File(_) => files.push(name),
                DirEntry::Dir(_) => folders.push(name),
            }
        }
        files.sort();
        folders.sort();
        Some(Listing { files, folders, origin: Origin::BuiltIn(folder.clone()) })
    }
}

fn list_disk(folder: PathBuf, entries: fs::ReadDir) -> Result<Listing, FilesError> {
    let fail = |source| FilesError::Read { path: folder.clone(), source };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in entries {
        let entry = entry.map_err(fail)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let meta = fs::metadata(entry.path()).map_err(fail)?;
        if meta.is_dir() {
            folders.push(name);
        } else if meta.is_file() {
            files.push(name);
        }
    }
    files.sort();
    folders.sort();
    Ok(Listing { files, folders, origin: Origin::Disk(folder) })
}

fn built_in(path: &RelPath) -> Option<&'static DirEntry<'static>> {
    let (top, rest) = path.as_str().split_once('/')?;
    match top {
        "recipes" => RECIPES.get_entry(rest),
        "patches" => PATCHES.get_entry(rest),
        "demo" => DEMO.get_entry(rest),
        _ => None,
    }
}

/// Reads a file of at most `limit` bytes.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, FilesError> {
    let fail = |source| FilesError::Read { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    if meta.is_dir() {
        return Err(fail(io::ErrorKind::IsADirectory.into()));
    }
    // Room for all of it and a little more: `Take` hides the size from `read_to_end`, which would begin with 32 bytes.
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(limit)).unwrap_or(0) + 64);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        return Err(FilesError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}
