//! `forge completions`.

use clap::CommandFactory;

use crate::cli::args::Cli;
use crate::cli::exit::{CliError, DONE};
use crate::ui::Output;

pub(super) fn run(shell: clap_complete::Shell) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "forge", &mut script);
    match Output.bytes(&script) {
        Ok(()) => Ok(DONE),
        Err(e) => Err(CliError::Environment { message: format!("cannot write to standard output: {e}"), help: None }),
    }
}
