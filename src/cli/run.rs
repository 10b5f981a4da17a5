//! From `argv` to an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Parser;

use crate::cli::args::{Cli, Color, Command};
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::{
    build, completions, doctor, exit, fetch, gc, kit, list, lock, matrix, new, patch, plan, report, shell, show, tree, trial,
    update,
};
use crate::ui::{Output, render};

/// Runs forge with the process's arguments and environment.
#[expect(clippy::disallowed_methods, reason = "cli reads the environment for everybody")]
pub fn run() -> ExitCode {
    ExitCode::from(run_with(std::env::args_os().collect(), std::env::vars_os().collect()))
}

fn run_with(args: Vec<OsString>, vars: Vec<(OsString, OsString)>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    Output::set_color(match cli.global.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    });
    let context = match Context::new(&cli.global, vars) {
        Ok(context) => context,
        Err(error) => return fail(&error, None),
    };
    let done = match cli.command {
        Command::Build(args) => build::run(&context, &args),
        Command::Plan(args) => plan::run(&context, &args),
        Command::Fetch(args) => fetch::run(&context, &args),
        Command::Lock(args) => lock::run(&context, &args),
        Command::Update(args) => update::run(&context, &args),
        Command::List(args) => list::run(&context, &args),
        Command::Show(args) => show::run(&context, &args),
        Command::Tree(args) => tree::run(&context, &args),
        Command::Matrix(args) => matrix::run(&context, &args),
        Command::New(args) => new::run(&context, &args),
        Command::Kit(args) => kit::run(&context, &args),
        Command::Report(args) => report::run(&context, &args),
        Command::Trial(args) => trial::run(&context, &args),
        Command::Shell(args) => shell::run(&context, &args),
        Command::Patch(command) => patch::run(&context, &command),
        Command::Doctor(args) => doctor::run(&context, &args),
        Command::Gc(args) => gc::run(&context, &args),
        Command::Completions { shell } => completions::run(shell),
    };
    match done {
        Ok(code) => code,
        Err(error) => fail(&error, Some(&context)),
    }
}

fn usage(error: &clap::Error) -> u8 {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        Output.complaint(&text);
        return exit::USAGE;
    }
    match Output.help(&text) {
        Ok(()) => exit::DONE,
        Err(_) => exit::ENVIRONMENT,
    }
}

/// Tells an error and gives its exit code. After a signal everything else is a consequence of it.
pub(super) fn fail(error: &CliError, context: Option<&Context>) -> u8 {
    if let Some(context) = context {
        context.end_progress();
        if let Err(interrupted) = context.exec.interrupt().check() {
            Output.complaint("interrupted");
            return u8::try_from(interrupted.exit_code()).unwrap_or(exit::ENVIRONMENT);
        }
    }
    Output.complaint(&render(error.diagnostic(), &error.notes(), Output.has_colored_errors()));
    error.code()
}
