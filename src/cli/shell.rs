//! `forge shell`.

use std::path::PathBuf;

use crate::build::Visitor;
use crate::cli::args::ShellArgs;
use crate::cli::build::{options, selected};
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::event::Event;
use crate::exec::Status;
use crate::pipeline::shell;

pub(super) fn run(context: &Context, args: &ShellArgs) -> Result<u8, CliError> {
    let what = args.what();
    let project = context.project(&what.session.recipe)?;
    let options = options(context, &what, &project)?;
    let selected = selected(&what, &project)?.remove(0);
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    let visitor = match args.command.split_first() {
        Some((name, rest)) => Visitor::Program { name: name.to_string_lossy().into_owned(), args: rest.to_vec() },
        None => {
            let shell = context.exec.environment().get("SHELL").filter(|shell| !shell.is_empty());
            Visitor::Shell(shell.map_or_else(|| "/bin/sh".into(), PathBuf::from))
        }
    };
    let (status, kept) = shell(&session, &selected, &mut lock, &visitor, args.keep, &|| context.end_progress())?;
    if let Some(tree) = kept {
        context.reporter().report(Event::Notice { text: format!("kept: {}", tree.display()) });
    }
    Ok(match status {
        Status::Exited(code) => u8::try_from(code).unwrap_or(u8::MAX),
        // As shells tell of a signal.
        Status::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        Status::TimedOut => u8::MAX,
    })
}
