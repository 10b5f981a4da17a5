//! What the tests take from the machine: programs in PATH, Go's caches, and the way to the module proxy. Nothing else of the
//! environment reaches a test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Variables that say how to reach the Go module proxy, and a container engine, from here.
fn is_passed(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "PATH",
        "GOPROXY",
        "GOSUMDB",
        "GONOPROXY",
        "GONOSUMDB",
        "GOPRIVATE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "TMPDIR",
        "DOCKER_HOST",
    ];
    let upper = name.to_uppercase();
    NAMES.contains(&upper.as_str()) || upper.contains("_CA_")
}

/// The environment that every test starts from: how to reach the network, and the user's Go caches, so that nothing is
/// downloaded or compiled twice.
pub(crate) fn environment() -> BTreeMap<OsString, OsString> {
    static ENVIRONMENT: OnceLock<BTreeMap<OsString, OsString>> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the kit is the tests' only door to the environment")]
    let read = || {
        let mut vars: BTreeMap<OsString, OsString> =
            std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_passed)).collect();
        for name in ["GOMODCACHE", "GOCACHE", "GOPATH"] {
            vars.insert(name.into(), go_env()[name].as_str().unwrap_or_default().into());
        }
        vars
    };
    ENVIRONMENT.get_or_init(read).clone()
}

/// What `go env` says of the installed Go, asked once.
fn go_env() -> &'static serde_json::Value {
    static GO: OnceLock<serde_json::Value> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the kit is the tests' only door to other programs")]
    GO.get_or_init(|| {
        let names = ["GOVERSION", "GOMODCACHE", "GOCACHE", "GOPATH", "GOPROXY"];
        let out = Command::new("go").args(["env", "-json"]).args(names).current_dir("/").env("GOTOOLCHAIN", "local").output();
        let out = out.expect("the tests need `go` in PATH");
        serde_json::from_slice(&out.stdout).expect("`go env -json` prints JSON")
    })
}

/// The installed Go, such as `go1.26.8`: what a program asks for so that no toolchain is downloaded.
pub(crate) fn go_version() -> &'static str {
    go_env()["GOVERSION"].as_str().expect("`go env` knows its version")
}

/// Where modules come from here, by the installed Go's own settings.
pub(crate) fn goproxy() -> &'static str {
    go_env()["GOPROXY"].as_str().expect("`go env` knows its proxy")
}

/// The platform of this machine, `linux/amd64`.
pub(crate) fn host() -> String {
    forge::names::Target::host().to_string()
}

/// Where a program of PATH is.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = environment().get(std::ffi::OsStr::new("PATH")).cloned().unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("the tests need `{name}` in PATH"))
}

/// Runs a program with a fixed environment, and no standard input.
pub(crate) fn run(program: &Path, dir: &Path, args: &[&str]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the kit is the tests' only door to other programs")]
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env_clear().envs(environment()).envs([
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Ada Author"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_AUTHOR_DATE", "1700000000 +0000"),
        ("GIT_COMMITTER_NAME", "Carl Committer"),
        ("GIT_COMMITTER_EMAIL", "carl@example.org"),
        ("GIT_COMMITTER_DATE", "1700000000 +0000"),
    ]);
    command.output().unwrap_or_else(|e| panic!("{}: {e}", program.display()))
}

/// Runs git, which must succeed; gives what it printed without the last newline.
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    static GIT: OnceLock<PathBuf> = OnceLock::new();
    let out = run(GIT.get_or_init(|| program("git")), dir, args);
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim_end_matches('\n').to_owned()
}
