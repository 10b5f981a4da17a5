//! What tests of several modules share.

use super::{Environment, Exec, Interrupt};

/// An [`Exec`] with the PATH of the test and nothing else of its environment: neither home nor git configuration.
pub(crate) fn isolated(interrupt: Interrupt) -> Exec {
    Exec::new(isolated_environment(), interrupt)
}

/// The environment of [`isolated`].
pub(crate) fn isolated_environment() -> Environment {
    #[expect(clippy::disallowed_methods, reason = "tests need the tools of the machine")]
    let path = std::env::var_os("PATH").unwrap();
    let fixed = [("HOME", "/nonexistent"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];
    Environment::from_vars(
        fixed
            .into_iter()
            .map(|(k, v)| (std::ffi::OsString::from(k), std::ffi::OsString::from(v)))
            .chain([(std::ffi::OsString::from("PATH"), path)]),
    )
}
