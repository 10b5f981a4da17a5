//! Why a child could not be run. A non-zero exit is no error here: what it means, the caller knows.

use std::io;
use std::path::PathBuf;

use super::interrupt::Interrupted;
use super::run::Status;

/// A child could not be started, or not be run to its end.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExecError {
    /// The tool is not installed.
    #[error("`{tool}` was not found in PATH")]
    #[diagnostic(help("{hint}"))]
    NotFound {
        /// The tool's name.
        tool: &'static str,
        /// How to get it.
        hint: &'static str,
    },
    /// The system did not start the program.
    #[error("cannot start `{command}`: {source}")]
    #[diagnostic(help("check that the program exists, may be executed and is made for this machine"))]
    Spawn {
        /// The command line, without secrets.
        command: String,
        /// The reason.
        source: io::Error,
    },
    /// The folder that the program was to run in does not exist.
    #[error("cannot start `{command}`: there is no folder {}", cwd.display())]
    NoFolder {
        /// The command line, without secrets.
        command: String,
        /// The folder.
        cwd: PathBuf,
    },
    /// The program ran and said no. Only made on request: see [`super::Captured::checked`].
    #[error("`{command}` {status}{}{tail}", if tail.is_empty() { "" } else { ":\n" })]
    Failed {
        /// The command line, without secrets.
        command: String,
        /// How it ended.
        status: Status,
        /// The last lines of its standard error, without secrets and control characters.
        tail: String,
    },
    /// The user (or the system) asked forge to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The program printed more than can be kept.
    #[error("`{command}` printed more than {limit} bytes")]
    #[diagnostic(help("it was stopped; run the command by hand to see what it prints"))]
    TooMuchOutput {
        /// The command line, without secrets.
        command: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// Talking to the program failed.
    #[error("lost contact with `{command}`: {source}")]
    Io {
        /// The command line, without secrets.
        command: String,
        /// The reason.
        source: io::Error,
    },
}
