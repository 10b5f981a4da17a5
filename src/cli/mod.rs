//! The command line.

/// Runs forge with the process's arguments.
pub fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
