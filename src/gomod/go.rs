//! The `go` command with a pinned environment: what a user has set for other work (GOFLAGS, a workspace, GOAMD64) never
//! reaches a build, what is needed to reach modules (proxies, certificates, GOPRIVATE) always does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::event::{Event, Reporter};
use crate::exec::{Exec, ExecError, Run, Status};
use crate::gomod::bootstrap::BootstrapError;
use crate::gomod::host::GoBin;
use crate::names::{EnvName, GoVersion, Target, redact, visible};

/// What can go wrong when `go` is asked for something.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum GoError {
    /// The program could not be run at all.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    /// There is none, and none can be fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The installed `go` is not in a tree that says its version.
    #[error("cannot tell which Go {} is", path.display())]
    #[diagnostic(help("`go version` should print something like `go version go1.26.5 linux/amd64`"))]
    Unknown {
        /// The program.
        path: PathBuf,
    },
    /// The exact version cannot be had.
    #[error("Go {version} is wanted and cannot be fetched: {message}")]
    #[diagnostic(help("check the network and GOPROXY; `GOTOOLCHAIN=go{version} go version` shows the same"))]
    Toolchain {
        /// The version.
        version: GoVersion,
        /// The last lines of go's output.
        message: String,
    },
    /// Another version ran than was wanted.
    #[error("Go {wanted} is wanted, but `go version` says {found}")]
    WrongVersion {
        /// The wanted one.
        wanted: GoVersion,
        /// What it said.
        found: String,
    },
    /// A scratch folder or file cannot be made.
    #[error("cannot make a temporary file: {0}")]
    #[diagnostic(help("TMPDIR names the folder for them"))]
    Scratch(#[from] std::io::Error),
    /// A go command failed.
    #[error("`{command}` failed ({status}):\n{message}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// The last lines of its output.
        message: String,
    },
    /// The module proxy (or origin) cannot be reached.
    #[error("`{command}` could not reach the network:\n{message}")]
    #[diagnostic(help("check the network and GOPROXY; with a full store, `--offline` needs neither"))]
    Network {
        /// The command line.
        command: String,
        /// The last lines of its output.
        message: String,
    },
    /// The output was not what this version of forge understands.
    #[error("cannot read the output of `{command}`: {reason}")]
    Output {
        /// The command line.
        command: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The toolchain that a go.mod or an upstream variable means. A `go` line of two numbers means the first release of that
/// language version: `1.21` is 1.21.0 from 1.21 on, and 1.20 before (<https://go.dev/doc/toolchain#name>).
pub fn toolchain_of(text: &str) -> Option<GoVersion> {
    let text = text.trim();
    let text = text.strip_prefix("go").unwrap_or(text);
    let parts: Vec<&str> = text.split('.').collect();
    let minor = parts.get(1).and_then(|m| m.parse::<u32>().ok());
    match (parts.len(), minor) {
        (2, Some(minor)) if minor >= 21 => GoVersion::new(format!("{text}.0")).ok(),
        _ => GoVersion::new(text).ok(),
    }
}

/// True for a Go before 1.18, whose `go build` has no `-buildvcs` (<https://go.dev/doc/go1.18#go-version>).
pub fn lacks_buildvcs(go: &GoVersion) -> bool {
    let mut parts = go.as_str().split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    matches!((parts.next(), parts.next()), (Some(Ok(1)), Some(Ok(minor))) if minor < 18)
}

/// The variables that reach modules and caches; none of them changes what a build makes. They are read once from `go env`,
/// so that settings made with `go env -w` hold although the pinned environment has GOENV=off.
const PASSED_GO: [&str; 10] =
    ["GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GOVCS", "GOAUTH", "GOCACHE", "GOMODCACHE"];

/// Variables of the system that children need. Proxies are spelled both ways.
const PASSED: [&str; 27] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "GOPATH",
    "NETRC",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "NIX_SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "SSH_AUTH_SOCK",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSH_COMMAND",
];

/// C compilers; passed where CGO is on, and then part of the build key.
pub(crate) const PASSED_CGO: [&str; 4] = ["CC", "CXX", "AR", "PKG_CONFIG"];

/// The environment of a `go` command, complete: nothing else reaches the child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoEnv(BTreeMap<OsString, OsString>);

impl GoEnv {
    /// The pinned part: what makes a build the same everywhere. Shown by `plan` and part of the build key.
    pub fn pinned(version: &GoVersion, target: Option<&Target>, cgo: bool) -> BTreeMap<String, String> {
        let mut env: BTreeMap<String, String> =
            [("GOENV", "off"), ("GOFLAGS", ""), ("GOWORK", "off"), ("GO111MODULE", "on"), ("LC_ALL", "C"), ("TZ", "UTC")]
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect();
        env.insert("GOTOOLCHAIN".into(), format!("go{version}"));
        env.insert("CGO_ENABLED".into(), if cgo { "1" } else { "0" }.into());
        if let Some(target) = target {
            env.insert("GOOS".into(), target.os().into());
            env.insert("GOARCH".into(), target.arch().into());
        }
        env
    }

    /// Sets one more variable.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(k, v)| (k.as_os_str(), v.as_os_str()))
    }
}

/// `go` at one exact version.
pub struct Go<'a> {
    exec: &'a Exec,
    bin: GoBin,
    passed: BTreeMap<OsString, OsString>,
    version: GoVersion,
}

impl<'a> Go<'a> {
    /// Makes ready `version`, fetching the toolchain where it is not installed (a minute or so, once). With `offline`, go is
    /// not let near the network.
    pub fn new(exec: &'a Exec, bin: GoBin, version: &GoVersion, offline: bool, reporter: &dyn Reporter) -> Result<Self, GoError> {
        let mut passed: BTreeMap<OsString, OsString> = BTreeMap::new();
        for name in PASSED {
            if let Some(value) = exec.environment().get(name) {
                passed.insert(name.into(), value.into());
            }
        }
        passed.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
        // make and `prepare` call it by its name.
        if let Some(first) = bin.path_entry() {
            let rest = exec.environment().get("PATH").unwrap_or_default();
            let all = std::iter::once(first).chain(std::env::split_paths(rest));
            passed.insert("PATH".into(), std::env::join_paths(all).unwrap_or_else(|_| rest.to_owned()));
        }
        let asked = exec
            .program(bin.path())
            .arg("env")
            .arg("-json")
            .args(PASSED_GO)
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "")
            .env_remove("GOROOT")
            .capture()?;
        let settings: BTreeMap<String, String> = serde_json::from_slice(&asked.stdout)
            .map_err(|e| GoError::Output { command: "go env -json".into(), reason: e.to_string() })?;
        for (name, value) in settings.into_iter().filter(|(_, value)| !value.is_empty()) {
            passed.insert(name.into(), value.into());
        }
        if offline {
            passed.insert("GOPROXY".into(), "off".into());
            // Sums of what is in the cache were checked when it came; the database cannot be asked now.
            passed.insert("GOFLAGS".into(), OsString::new());
        }
        let go = Self { exec, bin, passed, version: version.clone() };
        if go.bin.version() != version {
            reporter
                .report(Event::Detail { text: format!("Go {version} through GOTOOLCHAIN (installed: {})", go.bin.version()) });
        }
        let said = go.run().arg("version").capture()?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        if !said.status.success() {
            return Err(GoError::Toolchain { version: version.clone(), message: tail(&said.stderr) });
        }
        // go version go1.26.5 linux/amd64; distributions add words behind the version.
        let found = text.split_whitespace().nth(2).unwrap_or_default();
        if found.strip_prefix("go") != Some(version.as_str()) {
            return Err(GoError::WrongVersion { wanted: version.clone(), found: visible(text.trim()) });
        }
        Ok(go)
    }

    /// The exact version.
    pub fn version(&self) -> &GoVersion {
        &self.version
    }

    /// The whole environment for this version, a target and CGO, with `more` on top.
    pub fn env(&self, target: Option<&Target>, cgo: bool, more: &BTreeMap<EnvName, String>) -> GoEnv {
        let mut env = self.passed.clone();
        for (name, value) in GoEnv::pinned(&self.version, target, cgo) {
            env.insert(name.into(), value.into());
        }
        if cgo {
            for name in PASSED_CGO {
                if let Some(value) = self.exec.environment().get(name) {
                    env.insert(name.into(), value.into());
                }
            }
        }
        for (name, value) in more {
            env.insert(name.as_str().into(), value.into());
        }
        GoEnv(env)
    }

    /// A `go` command in the pinned environment of the host, CGO off.
    pub fn run(&self) -> Run<'a> {
        self.run_in(&self.env(None, false, &BTreeMap::new()))
    }

    /// A `go` command in `env`.
    pub fn run_in(&self, env: &GoEnv) -> Run<'a> {
        let mut run = self.exec.program(self.bin.path()).env_clear();
        for (name, value) in env.iter() {
            run = run.env(name, value);
        }
        run
    }

    /// Runs a `go` command and gives what it printed; a failure carries the last lines of its standard error.
    pub fn output(&self, run: Run<'a>) -> Result<Vec<u8>, GoError> {
        let command = run.shown();
        let done = run.capture()?;
        if done.status.success() { Ok(done.stdout) } else { Err(failure(command, done.status, &done.stderr)) }
    }
}

/// Sorts a failed go command: no network is the environment's fault, the rest is go's.
pub(crate) fn failure(command: String, status: Status, stderr: &[u8]) -> GoError {
    let message = tail(stderr);
    let network = [
        "dial tcp",
        "no such host",
        "connection refused",
        "i/o timeout",
        "TLS handshake",
        "module lookup disabled by GOPROXY=off",
        "Could not resolve host",
        "network is unreachable",
    ];
    if network.iter().any(|sign| message.contains(sign)) {
        GoError::Network { command, message }
    } else {
        GoError::Failed { command, status: status.to_string(), message }
    }
}

/// The last lines of a child's output, safe to show.
pub(crate) fn tail(bytes: &[u8]) -> String {
    let text = redact(&String::from_utf8_lossy(bytes));
    let lines: Vec<&str> = text.lines().collect();
    visible(&lines[lines.len().saturating_sub(25)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_line_names_a_toolchain() {
        for (line, toolchain) in [
            ("1.26.5", "1.26.5"),
            ("go1.22.3", "1.22.3"),
            ("1.21", "1.21.0"),
            ("1.20", "1.20"),
            ("1.12", "1.12"),
            ("1.27rc1", "1.27rc1"),
        ] {
            assert_eq!(toolchain_of(line).unwrap().as_str(), toolchain);
        }
        assert!(toolchain_of("$(shell x)").is_none());
        assert!(toolchain_of("-x").is_none());
    }
}
