//! Which subcommand.

use crate::cli::args_patch::PatchCommand;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::patch::{export, import, lint, rebase, save, show, start, status, to_edit, undo};

pub(in crate::cli) fn run(context: &Context, command: &PatchCommand) -> Result<u8, CliError> {
    match command {
        PatchCommand::Start(args) => start::run(context, args),
        PatchCommand::Save(args) => save::run(context, args),
        PatchCommand::Status(args) => status::run(context, args),
        PatchCommand::ToEdit(args) => to_edit::run(context, args),
        PatchCommand::Undo(args) => undo::run(context, args),
        PatchCommand::Rebase(args) => rebase::run(context, args),
        PatchCommand::Import(args) => import::run(context, args),
        PatchCommand::Export(args) => export::run(context, args),
        PatchCommand::Lint(args) => lint::run(context, args),
        PatchCommand::Show(args) => show::run(context, args),
    }
}
