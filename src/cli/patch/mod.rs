//! `forge patch`: the life of a series, one file per subcommand.

mod run;
mod save;
mod show;
mod start;
mod status;
mod undo;

pub(super) use run::run;
