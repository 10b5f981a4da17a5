//! `forge patch`: the life of a series, one file per subcommand.

mod export;
mod import;
mod lint;
mod rebase;
mod run;
mod save;
mod show;
mod start;
mod status;
mod to_edit;
mod undo;
mod which;

pub(super) use run::run;
