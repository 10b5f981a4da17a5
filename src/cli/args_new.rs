//! Arguments of `forge new` as typed.

use clap::Args;

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The repository: a URL, or a folder of this machine, of which only commits count
    #[arg(value_name = "GIT-URL|FOLDER")]
    pub(super) url: String,
    /// What the component and its upstream are called [default: as the repository]
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The recipe that gets the component, made where it is not there [default: called as the component]
    #[arg(short, long, value_name = "NAME")]
    pub(super) recipe: Option<String>,
    /// Which of several programs, such as ./cmd/tool
    #[arg(long, value_name = "PACKAGE")]
    pub(super) package: Option<String>,
    /// For a library: the component of the recipe that has it in its `replace` [default: the only program]
    #[arg(long, value_name = "COMPONENT")]
    pub(super) into: Option<String>,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}
