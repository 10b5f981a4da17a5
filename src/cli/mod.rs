//! The command line: arguments, the environment, one file per command, and the table from errors to exit codes.

mod args;
mod args_matrix;
mod args_new;
mod args_patch;
mod build;
mod completions;
mod context;
mod doctor;
mod exit;
mod fetch;
mod gc;
mod kit;
mod list;
mod lock;
mod matrix;
mod new;
mod patch;
mod plan;
mod report;
mod run;
mod shell;
mod show;
mod tree;
mod trial;
mod update;

pub use args::command;
pub use run::run;
