//! The table from errors to exit codes, details and next steps. Scripts rely on the codes: see docs/exit-codes.md.

use miette::Diagnostic;

use crate::build::{BuildError, CheckError, PayloadError};
use crate::exec::ExecError;
use crate::files::FilesError;
use crate::git::GitError;
use crate::gomod::{GoError, RewriteError};
use crate::patch::explain;
use crate::pipeline::{LifeError, NewError, PipelineError};
use crate::recipe::error::RecipeErrors;
use crate::recipe::find::ChooseError;
use crate::source::SourceError;
use crate::store::StoreError;
use crate::trial::TrialError;
use crate::ui::{Notes, child_line};

/// Done.
pub(super) const DONE: u8 = 0;
/// Recipe, lock or environment at fault.
pub(super) const ENVIRONMENT: u8 = 1;
/// Wrong usage.
pub(super) const USAGE: u8 = 2;
/// A patch does not apply.
pub(super) const PATCH: u8 = 3;
/// A tool that ran failed.
pub(super) const TOOL: u8 = 4;
/// A fact about the result is wrong.
pub(super) const FACT: u8 = 5;

/// Everything that ends a command badly.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(super) enum CliError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeErrors),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Choose(#[from] ChooseError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Files(#[from] FilesError),
    /// The command line is wrong in a way that only its meaning shows.
    #[error("{message}")]
    Usage {
        message: String,
        #[help]
        help: Option<String>,
    },
    /// The environment lacks something.
    #[error("{message}")]
    Environment {
        message: String,
        #[help]
        help: Option<String>,
    },
}

impl CliError {
    pub(super) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: Some(help.into()) }
    }

    /// What to draw.
    pub(super) fn diagnostic(&self) -> &dyn Diagnostic {
        match self {
            Self::Recipe(error) | Self::Pipeline(PipelineError::Recipe(error)) => error,
            Self::Pipeline(PipelineError::Series(error)) => error,
            other => other,
        }
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Pipeline(error) => pipeline(error),
            Self::Usage { .. } => USAGE,
            Self::Recipe(_) | Self::Choose(_) | Self::Store(_) | Self::Files(_) | Self::Environment { .. } => ENVIRONMENT,
        }
    }

    /// What is told below the message.
    pub(super) fn notes(&self) -> Notes {
        match self {
            Self::Pipeline(error) => notes(error),
            _ => Notes::default(),
        }
    }
}

fn pipeline(error: &PipelineError) -> u8 {
    match error {
        PipelineError::LockedAdHoc(_) | PipelineError::NoRole { .. } => USAGE,
        PipelineError::New(NewError::NotALibrary(_) | NewError::IntoNothing(_) | NewError::Described { .. }) => USAGE,
        PipelineError::Trial(TrialError::Exec(error)) => exec(error),
        PipelineError::Trial(TrialError::Refused { .. }) => TOOL,
        PipelineError::Patches { .. } => PATCH,
        PipelineError::Exec(error) => exec(error),
        PipelineError::Git(error) => git(error),
        PipelineError::Life(LifeError::NotTheSame { .. }) => PATCH,
        PipelineError::Go(error) => go(error),
        PipelineError::Source(SourceError::Git(error)) => git(error),
        PipelineError::Source(SourceError::Go(error)) => go(error),
        PipelineError::Rewrite(RewriteError::Go(error)) => go(error),
        PipelineError::Rewrite(RewriteError::NotInForce { .. }) => FACT,
        PipelineError::Build(BuildError::Exec(error)) | PipelineError::Check(CheckError::Exec(error)) => exec(error),
        PipelineError::Build(BuildError::Failed { lines, .. }) if lines.iter().any(|line| no_space(line)) => ENVIRONMENT,
        PipelineError::Build(BuildError::Failed { .. } | BuildError::NoOutput { .. } | BuildError::NoMakeOutput { .. }) => TOOL,
        PipelineError::Payload(PayloadError::Broken { .. }) => FACT,
        PipelineError::Check(CheckError::Wrong { .. } | CheckError::Info(_)) => FACT,
        PipelineError::BuildFailed { source, .. } => pipeline(source),
        PipelineError::NotPrepared { .. } => TOOL,
        _ => ENVIRONMENT,
    }
}

fn exec(error: &ExecError) -> u8 {
    match error {
        ExecError::Failed { .. } => TOOL,
        _ => ENVIRONMENT,
    }
}

fn git(error: &GitError) -> u8 {
    match error {
        GitError::Failed { detail, .. } if no_space(detail) => ENVIRONMENT,
        GitError::Failed { .. } => TOOL,
        GitError::Exec(error) => exec(error),
        _ => ENVIRONMENT,
    }
}

fn go(error: &GoError) -> u8 {
    match error {
        GoError::Failed { message, .. } if no_space(message) => ENVIRONMENT,
        GoError::Failed { .. } | GoError::Output { .. } => TOOL,
        GoError::Exec(error) => exec(error),
        _ => ENVIRONMENT,
    }
}

/// True where a tool failed because the disk is full: that is not the tool's fault. The C library's words, and Go's.
fn no_space(words: &str) -> bool {
    ["no space left on device", "No space left on device", "Disk quota exceeded", "disk quota exceeded"]
        .iter()
        .any(|sign| words.contains(sign))
}

fn notes(error: &PipelineError) -> Notes {
    let mut notes = Notes::default();
    match error {
        PipelineError::Patches { component, failures, .. } => {
            notes.details.extend(failures.iter().map(|f| explain(f, component.as_str())));
        }
        PipelineError::OutOfDate { changes, .. } => notes.details.extend(changes.clone()),
        PipelineError::Build(BuildError::Failed { lines, errors, .. }) => {
            notes.details.extend(lines.iter().map(|line| child_line(line)));
            for error in errors {
                if let Some(patch) = &error.patch {
                    notes.details.push(format!("{}:{}: this line comes from {patch}: {}", error.path, error.line, error.message));
                }
            }
        }
        PipelineError::Check(CheckError::Wrong { facts }) => notes.details.extend(facts.clone()),
        PipelineError::BuildFailed { source, tree, log, shell, .. } => {
            notes = self::notes(source);
            if let Some(help) = source.help() {
                notes.help.push(help.to_string());
            }
            notes.places.push(format!("tree: {}", tree.display()));
            notes.places.push(format!("log:  {}", log.display()));
            notes.help.push(format!("to go on by hand, in the environment of the build: {shell}"));
        }
        _ => {}
    }
    notes
}
