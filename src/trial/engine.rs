//! The container engine: docker, or podman where that is all there is.

use std::time::Duration;

use crate::exec::{Captured, Exec, ExecError, Run, Tool};
use crate::names::visible;

/// How long the engine may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there are no hosts to try something on.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TrialError {
    /// The engine could not be started, or was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    /// It is there and does not answer.
    #[error("{engine} does not answer: {said}")]
    #[diagnostic(help("{help}"))]
    NoAnswer {
        /// The engine.
        engine: &'static str,
        /// What it said.
        said: String,
        /// What to do.
        help: &'static str,
    },
    /// It refused.
    #[error("{what}: {said}")]
    Refused {
        /// What was tried.
        what: String,
        /// What it said.
        said: String,
        /// What to do.
        #[help]
        help: Option<String>,
    },
    /// A host did not come up.
    #[error("the host {host} does not boot: {why}")]
    #[diagnostic(help("{help}"))]
    NoBoot {
        /// The host.
        host: String,
        /// What was waited for, and what was seen.
        why: String,
        /// What to do.
        help: String,
    },
    /// A command of the scenario failed.
    #[error("the scenario {scenario} cannot set up a host: `{command}` {why}")]
    #[diagnostic(help("each command of `setup` must end with 0; --keep leaves the host to look at"))]
    Setup {
        /// The scenario.
        scenario: String,
        /// The command.
        command: String,
        /// How it ended, and what it said.
        why: String,
    },
    /// A base image cannot be made.
    #[error("no base image: {why}")]
    #[diagnostic(help("{help}"))]
    NoImage {
        /// Why.
        why: String,
        /// What to do.
        help: String,
    },
    /// A file cannot be written or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

/// A container engine that answers.
#[derive(Debug)]
pub struct Engine<'a> {
    pub(in crate::trial) exec: &'a Exec,
    pub(in crate::trial) tool: Tool,
    version: String,
}

impl<'a> Engine<'a> {
    /// Asks the engine for its version.
    pub fn answering(exec: &'a Exec, tool: Tool) -> Result<Self, TrialError> {
        let format = if tool == Tool::Podman { "{{.Client.Version}}" } else { "{{.Server.Version}}" };
        let done = exec.run(tool)?.args(["version", "--format", format]).timeout(PATIENCE).capture()?;
        if done.status.success() {
            let version = visible(String::from_utf8_lossy(&done.stdout).trim());
            return Ok(Self { exec, tool, version });
        }
        let said = last_line(&done);
        let help = match (said.to_lowercase().contains("permission denied"), tool) {
            (true, _) => {
                "its socket is for others: be in its group (`sudo usermod -aG docker $USER`, then log in again), or run forge as root"
            }
            (false, Tool::Podman) => "see what `podman info` says",
            (false, _) => "start it (`sudo systemctl start docker`), or point DOCKER_HOST to one that runs",
        };
        Err(TrialError::NoAnswer { engine: tool.name(), said, help })
    }

    /// The same engine where forge was asked to stop.
    pub(in crate::trial) fn for_cleaning_up(exec: &'a Exec, tool: Tool) -> Self {
        Self { exec, tool, version: String::new() }
    }

    /// The engine and its version.
    pub fn shown(&self) -> String {
        format!("{} {}", self.tool, self.version)
    }

    pub(in crate::trial) fn run(&self) -> Result<Run<'a>, TrialError> {
        Ok(self.exec.run(self.tool)?)
    }

    /// Asks for something; the answer may be no.
    pub(in crate::trial) fn ask(&self, words: &[&str]) -> Result<Captured, TrialError> {
        Ok(self.run()?.args(words.iter().copied()).timeout(PATIENCE).capture()?)
    }

    /// Asks for something that has to work. Gives what it printed.
    pub(in crate::trial) fn must(&self, what: impl FnOnce() -> String, words: &[&str]) -> Result<String, TrialError> {
        let done = self.ask(words)?;
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
        }
        let said = last_line(&done);
        let help = if said.contains("port is already allocated") || said.contains("address already in use") {
            Some("another program has that port: end it, or wait until it is free".to_owned())
        } else if said.contains("ermission denied") || said.contains("not permitted") {
            Some("hosts need the capability SYS_ADMIN and a seccomp profile that allows mounts: see that this engine may give them".into())
        } else {
            None
        };
        Err(TrialError::Refused { what: what(), said, help })
    }
}

/// The last line of standard error, else of standard output, without secrets and control characters.
pub(in crate::trial) fn last_line(done: &Captured) -> String {
    let said = done.stderr_tail(1);
    if !said.is_empty() {
        return said;
    }
    let text = String::from_utf8_lossy(&done.stdout);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if line.is_empty() { format!("it {}", done.status) } else { visible(line) }
}
