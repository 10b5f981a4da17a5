//! The `forge` program.

fn main() -> std::process::ExitCode {
    forge::cli::run()
}
