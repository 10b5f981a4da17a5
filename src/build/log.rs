//! The log of one build: what ran and all that it printed, bounded, without secrets or control characters.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::names::{redact, visible};

/// A log never grows beyond this; what comes later is counted, not kept.
const LIMIT: u64 = 256 << 20;

/// An open log.
#[derive(Debug)]
pub struct BuildLog {
    path: PathBuf,
    out: BufWriter<File>,
    written: u64,
    dropped: u64,
}

impl BuildLog {
    /// Begins a log at `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), out: BufWriter::new(File::create(path)?), written: 0, dropped: 0 })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line; gives back what was written, for showing.
    pub fn line(&mut self, text: &str) -> io::Result<String> {
        let text = visible(&redact(text));
        if self.written + text.len() as u64 + 1 > LIMIT {
            self.dropped += 1;
            return Ok(text);
        }
        self.written += text.len() as u64 + 1;
        writeln!(self.out, "{text}")?;
        Ok(text)
    }

    /// Writes out everything.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.dropped > 0 {
            writeln!(self.out, "... {} more lines were dropped: the log has a limit of {} MiB", self.dropped, LIMIT >> 20)?;
            self.dropped = 0;
        }
        self.out.flush()
    }
}
