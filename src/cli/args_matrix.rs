//! Arguments of `forge matrix` as typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::SessionArgs;

#[derive(Debug, Args)]
pub(super) struct MatrixArgs {
    /// Components with the releases to judge, such as 'k0s@~1.36' or 'k0s@*' (pre-releases and the branches main and release-*
    /// too); without @ those that the recipe promises
    #[arg(value_name = "COMPONENT[@REQ]")]
    pub(super) components: Vec<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Only releases with a newer commit than this tag's
    #[arg(long, value_name = "TAG")]
    pub(super) new_since: Option<String>,
    /// Only the newest release of each minor version
    #[arg(long)]
    pub(super) newest: bool,
    /// Compile the packages that patches touch, each release with its own Go; this runs what the upstream wrote
    #[arg(long)]
    pub(super) compile: bool,
    /// Compile them and run their tests
    #[arg(long)]
    pub(super) test: bool,
    /// How many packages compile at once [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Name the upstream's commit behind each conflict; fetches the history of the releases
    #[arg(long)]
    pub(super) blame: bool,
    /// Print one JSON document
    #[arg(long, conflicts_with = "markdown")]
    pub(super) json: bool,
    /// Print Markdown, for a README or a CI summary
    #[arg(long)]
    pub(super) markdown: bool,
    /// Write one self-contained page
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write verdicts and the trees that come out, a line for each release
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// Print annotations on standard error for promised releases that fail
    #[arg(long, value_name = "FORMAT")]
    pub(super) annotate: Option<Annotate>,
    /// Write a Code Quality report of GitLab
    #[arg(long, value_name = "FILE")]
    pub(super) code_quality: Option<PathBuf>,
}

/// Whose annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Annotate {
    /// Workflow commands of GitHub Actions
    Github,
}
