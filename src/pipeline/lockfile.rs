//! The lock as a file: beside its recipe, or, for a built-in recipe, in the program with deviations in the state folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{FileLock, create_dir_all, write_atomic};
use crate::event::Event;
use crate::files::{Files, Origin};
use crate::names::RelPath;
use crate::pipeline::error::PipelineError;
use crate::pipeline::session::Session;
use crate::plan::{Lock, LockChange, LockEntry};
use crate::recipe::model::Recipe;

/// Locks beyond this size are refused.
const LIMIT: u64 = 64 << 20;

/// A lock and the file that it is written to.
#[derive(Debug)]
pub struct LockFile {
    state: PathBuf,
    path: PathBuf,
    /// The lock.
    pub lock: Lock,
}

impl LockFile {
    /// Where the lock of a recipe is. `state` is the folder for deviations of built-in recipes.
    pub fn path_of(recipe: &Recipe, state: &Path) -> PathBuf {
        match &recipe.origin {
            Origin::Disk(path) => path.with_extension("lock"),
            Origin::BuiltIn(_) => state.join("locks").join(format!("{}.lock", recipe.name)),
        }
    }

    /// Reads the lock of a recipe; an absent file is an empty lock.
    pub fn read(recipe: &Recipe, files: &Files, state: &Path) -> Result<Self, PipelineError> {
        let path = Self::path_of(recipe, state);
        match fs::read_to_string(&path) {
            Ok(text) => {
                return Ok(Self { lock: Lock::parse(&path.display().to_string(), &text)?, path, state: state.to_owned() });
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(PipelineError::Io { path, source }),
        }
        if recipe.origin.is_built_in()
            && let Ok(inner) = RelPath::new(format!("recipes/{}.lock", recipe.name))
            && let Some(found) = files.read(&inner, LIMIT)?
        {
            let text = String::from_utf8_lossy(&found.bytes).into_owned();
            return Ok(Self { lock: Lock::parse(&found.origin.to_string(), &text)?, path, state: state.to_owned() });
        }
        Ok(Self { path, lock: Lock::default(), state: state.to_owned() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps other forges from changing this lock until the guard is dropped. The guard is a file in the store: the folder of
    /// the recipe may be read-only.
    pub fn guard(&self, session: &Session<'_>) -> Result<FileLock, PipelineError> {
        // One name, whatever folder the recipe was named from.
        let folder =
            self.path.parent().and_then(|f| fs::canonicalize(if f.as_os_str().is_empty() { Path::new(".") } else { f }).ok());
        let path = folder.unwrap_or_default().join(self.path.file_name().unwrap_or_default());
        let file = session.store.lock("recipe", &path.to_string_lossy())?;
        Ok(FileLock::acquire(&file, session.reporter, session.exec.interrupt())?)
    }

    /// Reads it again, now that nobody else may change it.
    pub fn reread(&mut self, session: &Session<'_>) -> Result<(), PipelineError> {
        self.lock = Self::read(session.recipe, session.files, &self.state)?.lock;
        Ok(())
    }

    /// True where every entry is one that the recipe leads to.
    pub fn is_tidy(&self, recipe: &Recipe) -> bool {
        self.used(recipe).len() == self.lock.entries().len()
    }

    /// The entries that the recipe leads to: what it wants, and what is placed inside of that.
    fn used(&self, recipe: &Recipe) -> Vec<LockEntry> {
        let wanted = |entry: &&LockEntry| {
            recipe.components.get(&entry.name).is_some_and(|c| super::select::picks(c).iter().any(|p| p.key() == entry.pick))
        };
        let entries = self.lock.entries();
        let users: Vec<&LockEntry> = entries.iter().filter(wanted).collect();
        let used = |entry: &&LockEntry| users.iter().any(|user| user.uses.get(&entry.name) == Some(&entry.release));
        entries.iter().filter(|entry| wanted(entry) || used(entry)).cloned().collect()
    }

    /// Drops entries that the recipe no longer leads to, tells what changed against `before`, and writes the file where it did.
    /// With `--locked` a change is an error and nothing is written.
    pub fn settle(&mut self, session: &Session<'_>, before: &Lock) -> Result<Vec<LockChange>, PipelineError> {
        let kept = self.used(session.recipe);
        self.lock.retain(|entry| kept.contains(entry));
        let changes = before.changes_to(&self.lock);
        if changes.is_empty() {
            return Ok(changes);
        }
        let lines: Vec<String> = changes.iter().flat_map(LockChange::lines).collect();
        if session.options.locked {
            return Err(PipelineError::OutOfDate { path: self.path.clone(), changes: lines });
        }
        if let Some(folder) = self.path.parent() {
            create_dir_all(folder)?;
        }
        write_atomic(&self.path, self.lock.render().as_bytes(), 0o644)?;
        for line in lines {
            session.reporter.report(Event::Notice { text: format!("lock: {line}") });
        }
        Ok(changes)
    }
}
