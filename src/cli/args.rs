//! Arguments as typed.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cli::args_matrix::MatrixArgs;
use crate::cli::args_new::NewArgs;
use crate::cli::args_patch::PatchCommand;

/// Patch-and-build toolchain for downstream forks of k0s, k0sctl and kardianos/service.
///
/// A recipe names upstream repositories, the patch series to apply and the changes to go.mod; forge fetches, patches, builds,
/// checks and delivers. Nothing is hidden: `forge plan --sh` prints the same build as plain git, go and shell commands.
#[derive(Debug, Parser)]
#[command(name = "forge", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 recipe, lock or environment at fault; 2 usage; 3 a patch does not apply; 4 a tool \
that ran (git, go, make) failed; 5 a fact about the result is wrong; 130 and 143 interrupted.";

/// The command line as clap knows it: for whoever has to agree with it, such as the documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

#[derive(Debug, Args)]
pub(super) struct Global {
    /// The store: clones, trees and finished builds [default: $FORGE_STORE, else forge in the user's cache folder]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(super) store: Option<PathBuf>,
    /// Tell only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Everywhere")]
    pub(super) quiet: bool,
    /// Tell more, with all that git, go and make print
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub(super) verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Everywhere")]
    pub(super) color: Color,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build components into the output folder
    ///
    /// Runs what the recipe and the upstream's build say, as you. Without COMPONENT everything that can be built is.
    Build(BuildArgs),
    /// Show what a build would do, without doing it
    Plan(PlanArgs),
    /// Fill the store: sources, toolchain and modules; fail where a tag has moved
    Fetch(SelectArgs),
    /// Write the lock: what the recipe resolves to
    Lock(SelectArgs),
    /// Move the lock to the newest release of each line
    Update(UpdateArgs),
    /// Write a recipe for a Go project, from its git URL
    ///
    /// Looks at the newest release: its go.mod, its programs, and what its Makefile says; nothing of it runs. Writes
    /// recipes/RECIPE.toml, or adds to it, and recipes/upstreams/NAME.toml, which `forge build` then takes.
    New(NewArgs),
    /// List recipes and what they build
    List(ListArgs),
    /// Show a recipe with all that it leads to
    Show(ShowArgs),
    /// Write the patched sources of a component to a folder
    Tree(TreeArgs),
    /// Say on which releases the series hold
    Matrix(MatrixArgs),
    /// Open a shell in the patched tree, with the environment of the build
    ///
    /// The tree is laid out as a build does it, and removed afterwards. Nothing of the recipe or the upstream has run yet: the
    /// commands that a build would run are printed. The exit code is that of the shell or of CMD.
    Shell(ShellArgs),
    /// Write what an operator deploys: binaries, configuration, the steps
    ///
    /// The files are the recipe's [[kit]]: binaries, and templates with the values of recipe and lock. What is not built yet is
    /// built.
    Kit(KitArgs),
    /// Try the binaries on disposable hosts with a systemd of their own
    ///
    /// The steps are the recipe's [[trial]], first those for stock binaries of the same releases, then those for its own. Hosts are
    /// containers; they are gone afterwards. Steps run what the recipe says, on the hosts and as you. Exit code 5 where one does
    /// not end as expected.
    Trial(TrialArgs),
    /// Tell an upstream what was patched, built and observed, as Markdown for an issue
    ///
    /// Collects what is known and runs nothing: the lock, builds in the store, the last matrix and the last trials. What was not
    /// run says so.
    Report(ReportArgs),
    /// Work on the patches of a series
    #[command(subcommand)]
    Patch(PatchCommand),
    /// Look for what builds need on this machine, and say how to get what is missing
    Doctor(ListArgs),
    /// Make room in the store
    ///
    /// Without a budget: what killed forges left, and the trees of failed builds. While other forges are at work, nothing that one
    /// of them might use is removed.
    Gc(GcArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Clone, Args)]
pub(super) struct RecipeArgs {
    /// The recipe: a name, or a file [default: $FORGE_RECIPE, else the only one]
    #[arg(short, long, value_name = "NAME|FILE")]
    pub(super) recipe: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct SessionArgs {
    #[command(flatten)]
    pub(super) recipe: RecipeArgs,
    /// Take a component from elsewhere, under the same lock; a folder is a git repository, of which only commits count
    #[arg(long, value_name = "COMPONENT=URL|DIR")]
    pub(super) source: Vec<String>,
    /// Fail instead of changing the lock
    #[arg(long)]
    pub(super) locked: bool,
    /// Use what is in the store, and no network
    #[arg(long)]
    pub(super) offline: bool,
}

impl SessionArgs {
    /// Those of a command that has none, for a recipe that is known.
    pub(super) fn of_recipe(recipe: String) -> Self {
        Self { recipe: RecipeArgs { recipe: Some(recipe) }, source: Vec::new(), locked: false, offline: false }
    }
}

#[derive(Debug, Args)]
pub(super) struct SelectArgs {
    /// Components; all that can be built where none is named
    #[arg(value_name = "COMPONENT")]
    pub(super) components: Vec<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct WhatArgs {
    /// Components; COMPONENT@REQ is another release (tag, branch, commit or range), resolved afresh and not locked
    #[arg(value_name = "COMPONENT[@REQ]")]
    pub(super) components: Vec<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Every line of each component, not only the first
    #[arg(long)]
    pub(super) all: bool,
    /// Build for this platform, not those of the recipe
    #[arg(long, value_name = "OS/ARCH")]
    pub(super) target: Vec<String>,
    /// What drives the build, where not what the recipe says; the artifact's name says so
    #[arg(long, value_name = "DRIVER")]
    pub(super) driver: Option<DriverArg>,
    /// Append the zip at the end of this binary, another build of the same release; the artifact's name says so
    #[arg(long, value_name = "FILE")]
    pub(super) payload: Option<PathBuf>,
    /// Replace a module for this run; the artifact's name says so
    #[arg(long, value_name = "MODULE=DIR|MODULE@VERSION")]
    pub(super) replace: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DriverArg {
    /// `go build`, directly
    Go,
    /// The upstream's make, without containers
    Make,
    /// The upstream's make, in containers
    Docker,
}

#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    #[command(flatten)]
    pub(super) what: WhatArgs,
    /// Where binaries, logs and SHA256SUMS go
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub(super) out: PathBuf,
    /// How many builds run side by side; each takes all processors that it can use, so that more than 1 helps where there are
    /// many, or where builds wait for downloads
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) jobs: NonZeroUsize,
    /// Print one JSON document, also where something failed
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) what: WhatArgs,
    /// Print one JSON document
    #[arg(long, conflicts_with = "sh")]
    pub(super) json: bool,
    /// Print a shell script of plain git, go and shell commands that gives the identical binary
    #[arg(long)]
    pub(super) sh: bool,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Components; COMPONENT@VERSION rewrites the recipe to that version first
    #[arg(value_name = "COMPONENT[@VERSION]")]
    pub(super) components: Vec<String>,
    #[command(flatten)]
    pub(super) recipe: RecipeArgs,
    /// Say what is outdated, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    pub(super) recipe: RecipeArgs,
    /// Show the variables of every locked release with their values
    #[arg(long)]
    pub(super) variables: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct TreeArgs {
    /// The component; COMPONENT@REQ is another release, resolved afresh
    #[arg(value_name = "COMPONENT[@REQ]")]
    pub(super) component: String,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// A new or empty folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Make it a git repository with one commit per patch
    #[arg(long)]
    pub(super) git: bool,
    /// The sources before any patch
    #[arg(long, conflicts_with = "git")]
    pub(super) unpatched: bool,
}

#[derive(Debug, Args)]
pub(super) struct KitArgs {
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// A new or empty folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Binaries for this platform; this machine's own, or the recipe's first, where absent
    #[arg(long, value_name = "OS/ARCH")]
    pub(super) target: Option<String>,
    /// Copy the binaries, instead of linking to those of the store
    #[arg(long)]
    pub(super) copy: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct TrialArgs {
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// What hosts are like: the name of a scenario, or a file [default: nixos]
    #[arg(long, value_name = "FILE|NAME")]
    pub(super) scenario: Option<String>,
    /// How many hosts have a role; 1 where absent
    #[arg(long, value_name = "ROLE=N")]
    pub(super) hosts: Vec<String>,
    /// An image with systemd in it, instead of the scenario's
    #[arg(long, value_name = "IMAGE", conflicts_with = "from_packages")]
    pub(super) base_image: Option<String>,
    /// Build the image from the scenario's packages, by debootstrap: for places without a registry
    #[arg(long)]
    pub(super) from_packages: bool,
    /// Binaries that steps need and the recipe does not build: a folder, or a build that has them at its end
    #[arg(long, value_name = "DIR|FILE")]
    pub(super) payload: Option<PathBuf>,
    /// Leave the hosts, and say how to get in and how to take them away
    #[arg(long)]
    pub(super) keep: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Components; all where none is named
    #[arg(value_name = "COMPONENT")]
    pub(super) components: Vec<String>,
    #[command(flatten)]
    pub(super) recipe: RecipeArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct GcArgs {
    /// Remove the longest unused until the store is no larger: a number with K, M, G or T behind it
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::gc::size)]
    pub(super) max_size: Option<u64>,
    /// Remove what was not used for this long: a number with h, d or w behind it
    #[arg(long, value_name = "AGE", value_parser = crate::cli::gc::age)]
    pub(super) max_age: Option<std::time::Duration>,
    /// Say what would go, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShellArgs {
    /// The component; COMPONENT@REQ is another release, resolved afresh
    #[arg(value_name = "COMPONENT[@REQ]")]
    component: String,
    #[command(flatten)]
    session: SessionArgs,
    /// For this platform; this machine's own, or the recipe's first, where absent
    #[arg(long, value_name = "OS/ARCH")]
    target: Option<String>,
    /// What drives the build, where not what the recipe says
    #[arg(long, value_name = "DRIVER")]
    driver: Option<DriverArg>,
    /// Replace a module for this run
    #[arg(long, value_name = "MODULE=DIR|MODULE@VERSION")]
    replace: Vec<String>,
    /// Leave the tree when the shell has ended
    #[arg(long)]
    pub(super) keep: bool,
    /// A command to run instead of $SHELL
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}

impl ShellArgs {
    /// What would be built.
    pub(super) fn what(&self) -> WhatArgs {
        WhatArgs {
            components: vec![self.component.clone()],
            session: self.session.clone(),
            all: false,
            target: self.target.iter().cloned().collect(),
            driver: self.driver,
            payload: None,
            replace: self.replace.clone(),
        }
    }
}
