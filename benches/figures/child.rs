//! Running programs: timed from the start to the end of the whole process.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The first argument of the process that [`peak_kib`] starts.
pub(crate) const PEAK: &str = "--peak-of";

/// A program without what a user's settings would change, and without a terminal.
pub(crate) fn program(name: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(name);
    for name in ["FORGE_STORE", "FORGE_RECIPE", "GOFLAGS", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C").env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command
}

/// forge as Cargo built it for this benchmark.
pub(crate) fn forge(folder: &Path, store: &Path) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_forge"), folder);
    command.env("FORGE_STORE", store);
    command
}

/// git as nobody has configured it.
pub(crate) fn git(folder: &Path) -> Command {
    let mut command = program("git", folder);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Bench").env(format!("GIT_{role}_EMAIL"), "bench@example.org");
        command.env(format!("GIT_{role}_DATE"), "1700000000 +0000");
    }
    command
}

/// Runs it and gives what it prints. A benchmark of something that fails is none.
pub(crate) fn output(command: &mut Command) -> Vec<u8> {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(out.status.success(), "{command:?}: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// What it prints, as trimmed text.
pub(crate) fn text(command: &mut Command) -> String {
    String::from_utf8(output(command)).unwrap().trim().to_owned()
}

/// How long it takes.
pub(crate) fn time(command: &mut Command) -> Duration {
    let begun = Instant::now();
    output(command);
    begun.elapsed()
}

/// The most memory that it had at once, in KiB. A small process of its own starts it: the system counts what the parent
/// has at that moment, too.
pub(crate) fn peak_kib(command: &Command) -> u64 {
    let mut helper = Command::new(std::env::current_exe().unwrap());
    helper.arg(PEAK).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => helper.env(name, value),
            None => helper.env_remove(name),
        };
    }
    helper.current_dir(command.get_current_dir().unwrap());
    text(&mut helper).parse().unwrap()
}

/// Runs a program and prints its peak. See [`peak_kib`].
#[expect(unsafe_code, reason = "the standard library waits without asking what the child used")]
#[expect(clippy::zombie_processes, reason = "it is waited for by wait4")]
pub(crate) fn peak_of(words: &[String]) {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    let mut status = 0;
    // SAFETY: `rusage` is plain numbers, for which zero is a value; both pointers are to live locals, and the child is ours
    // and not waited for elsewhere.
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &raw mut status, 0, &raw mut usage), usage)
    };
    assert!(waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{words:?} failed");
    println!("{}", usage.ru_maxrss);
}
