//! What can go wrong with a remote, told from what git prints. git has one exit code for nearly everything, so its words
//! (in English, see `program`) are all there is.

use crate::disk::DiskError;
use crate::exec::{ExecError, Interrupted, Status};
use crate::git::objects::ObjectsError;
use crate::names::{CommitId, GitUrl, redact, visible};

/// A remote could not be asked, or a commit not be brought.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum GitError {
    /// The other side could not be reached.
    #[error("cannot reach {url}:\n{detail}")]
    #[diagnostic(help(
        "check the network, the proxy (`git config --get http.proxy`) and the URL; with everything in the store, `--offline` works"
    ))]
    Network {
        /// The remote.
        url: GitUrl,
        /// git's words.
        detail: String,
    },
    /// The other side wants to know who asks.
    #[error("{url} refuses access:\n{detail}")]
    #[diagnostic(help(
        "forge never asks for passwords: set up a git credential helper, an ssh agent or a known host key until `git ls-remote URL` works without a question"
    ))]
    Authentication {
        /// The remote.
        url: GitUrl,
        /// git's words.
        detail: String,
    },
    /// There is no repository.
    #[error("there is no repository at {url}:\n{detail}")]
    #[diagnostic(help("check the URL; a private repository may look as if it did not exist to who is not logged in"))]
    NotFound {
        /// The remote.
        url: GitUrl,
        /// git's words.
        detail: String,
    },
    /// The repository lacks the tag, branch or commit.
    #[error("{url} does not have {what}:\n{detail}")]
    #[diagnostic(help("it may have been deleted or moved; `forge update` resolves it again"))]
    RefMissing {
        /// The remote.
        url: GitUrl,
        /// What was asked for.
        what: String,
        /// git's words.
        detail: String,
    },
    /// A tag or branch led to another commit than the wanted one, which the server does not give by its id.
    #[error("{name} of {url} is {found}, not {wanted}")]
    #[diagnostic(help("it was moved, and the server does not hand out the old commit; `forge update` accepts the new one"))]
    Moved {
        /// The remote.
        url: GitUrl,
        /// The full name of the ref.
        name: String,
        /// The commit that was asked for.
        wanted: CommitId,
        /// The commit that it is now.
        found: CommitId,
    },
    /// The URL leads to a protocol that can run programs, or that this git does not know.
    #[error("git refuses the protocol of {url}:\n{detail}")]
    #[diagnostic(help("only https, ssh, git and file are allowed, also after `url.*.insteadOf` of your git configuration"))]
    Protocol {
        /// The remote.
        url: GitUrl,
        /// git's words.
        detail: String,
    },
    /// A repository with SHA-256 object names.
    #[error("{url} is a SHA-256 repository")]
    #[diagnostic(help("forge works with SHA-1 repositories only, as nearly all are"))]
    Sha256 {
        /// The remote.
        url: GitUrl,
    },
    /// The installed git lacks an option.
    #[error("this git is too old: {detail}")]
    #[diagnostic(help("install git 2.29 or newer"))]
    TooOld {
        /// git's words.
        detail: String,
    },
    /// No space is left.
    #[error("no space is left to fetch {url}:\n{detail}")]
    #[diagnostic(help("free some space (the store may be removed at any time), or choose another place with `--store DIR`"))]
    Full {
        /// The remote.
        url: GitUrl,
        /// git's words.
        detail: String,
    },
    /// Anything else that git said.
    #[error("`{command}` {status}:\n{detail}")]
    #[diagnostic(help("run the command by hand to see more"))]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: Status,
        /// The last lines that git printed.
        detail: String,
    },
    /// forge was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// git could not be run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(ExecError),
    /// The store's folder could not be written or locked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(DiskError),
    /// The store's objects could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Objects(#[from] ObjectsError),
}

impl From<ExecError> for GitError {
    fn from(error: ExecError) -> Self {
        match error {
            ExecError::Interrupted(interrupted) => Self::Interrupted(interrupted),
            error => Self::Exec(error),
        }
    }
}

impl From<DiskError> for GitError {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::Interrupted(interrupted) => Self::Interrupted(interrupted),
            error => Self::Disk(error),
        }
    }
}

/// What git's messages mean, most telling first: git ends most failures with the same "Could not read from remote
/// repository", whatever the reason was.
const SIGNS: &[(Sign, &[&str])] = &[
    (Sign::Full, &["no space left on device", "disk quota exceeded"]),
    (Sign::Sha256, &["mismatched algorithms", "server sha256"]),
    (Sign::TooOld, &["unknown option", "unknown switch"]),
    (
        Sign::Protocol,
        &["transport '", "is not a git command", "unable to find remote helper", "protocol '", "does not support shallow"],
    ),
    (
        Sign::Authentication,
        &[
            "authentication failed",
            "could not read username",
            "could not read password",
            "terminal prompts disabled",
            // With the bracket it is ssh's; without, it may be a local file's.
            "permission denied (",
            "permission denied, please try again",
            "host key verification failed",
            "access denied",
            "returned error: 401",
            "returned error: 403",
            "returned error: 407",
            "invalid username or",
            "dubious ownership",
        ],
    ),
    (Sign::RefMissing, &["couldn't find remote ref", "not our ref", "unadvertised object", "no such remote ref"]),
    (
        Sign::Network,
        &[
            "could not resolve",
            "failed to connect",
            "couldn't connect",
            "unable to connect",
            "connection refused",
            "connection timed out",
            "connection reset",
            "connection closed",
            "operation timed out",
            "operation too slow",
            "network is unreachable",
            "no route to host",
            "name resolution",
            "unable to look up",
            "ssl certificate",
            "certificate verif",
            "server certificate",
            "tls connect",
            "ssl_connect",
            "gnutls",
            "returned error: 5",
            "returned error: 429",
            "early eof",
            "hung up unexpectedly",
            "rpc failed",
            "the requested url returned an empty",
        ],
    ),
    (
        Sign::NotFound,
        &[
            "repository not found",
            "' not found",
            "not appear to be a git repository",
            "does not exist",
            "no such file or directory",
            "returned error: 404",
            "returned error: 410",
            "could not be found",
            "not valid: is this a git repository",
            "repository not exported",
        ],
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Full,
    Sha256,
    TooOld,
    Protocol,
    Authentication,
    RefMissing,
    Network,
    NotFound,
}

/// The error that these words of git mean. `what` is what was asked of the remote.
pub(super) fn classify(url: &GitUrl, what: &str, command: String, status: Status, words: &str) -> GitError {
    let lower = words.to_lowercase();
    let sign = SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| lower.contains(sign))).map(|(kind, _)| *kind);
    let (url, detail) = (url.clone(), tail(words));
    match sign {
        Some(Sign::Full) => GitError::Full { url, detail },
        Some(Sign::Sha256) => GitError::Sha256 { url },
        Some(Sign::TooOld) => GitError::TooOld { detail },
        Some(Sign::Protocol) => GitError::Protocol { url, detail },
        Some(Sign::Authentication) => GitError::Authentication { url, detail },
        Some(Sign::RefMissing) => GitError::RefMissing { url, what: what.to_owned(), detail },
        Some(Sign::Network) => GitError::Network { url, detail },
        Some(Sign::NotFound) => GitError::NotFound { url, detail },
        None => GitError::Failed { command, status, detail },
    }
}

/// The last lines, without secrets, control characters and advice that does not help here.
fn tail(words: &str) -> String {
    const EMPTY: [&str; 2] = ["Please make sure you have the correct access rights", "and the repository exists."];
    let lines: Vec<&str> =
        words.lines().map(str::trim_end).filter(|l| !l.trim().is_empty() && !EMPTY.contains(&l.trim())).collect();
    let last = lines[lines.len().saturating_sub(8)..].iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n");
    visible(&redact(&last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(words: &str) -> GitError {
        let url = GitUrl::new("https://user:secret@host.example/x").unwrap();
        classify(&url, "tag v1", "git fetch".into(), Status::Exited(128), words)
    }

    #[test]
    fn git_s_words_become_kinds() {
        let host = "fatal: unable to access 'https://u:secret@h/x/': Could not resolve host: h";
        assert!(matches!(kind(host), GitError::Network { .. }));
        assert!(!kind(host).to_string().contains("secret"), "{}", kind(host));
        let ssh = "ssh: connect to host h port 22: Connection refused\r\nfatal: Could not read from remote repository.";
        assert!(matches!(kind(ssh), GitError::Network { .. }));
        let prompt = "fatal: could not read Username for 'https://h': terminal prompts disabled";
        assert!(matches!(kind(prompt), GitError::Authentication { .. }));
        let key = "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\n\
                   Please make sure you have the correct access rights\nand the repository exists.";
        assert!(matches!(kind(key), GitError::Authentication { .. }));
        assert!(!kind(key).to_string().contains("Please"));
        assert!(matches!(kind("fatal: repository 'https://h/x/' not found"), GitError::NotFound { .. }));
        assert!(matches!(kind("fatal: transport 'ext' not allowed"), GitError::Protocol { .. }));
        assert!(matches!(kind("fatal: couldn't find remote ref refs/tags/x"), GitError::RefMissing { .. }));
        assert!(matches!(kind("fatal: write error: No space left on device"), GitError::Full { .. }));
        assert!(matches!(kind("fatal: mismatched algorithms: client sha1; server sha256"), GitError::Sha256 { .. }));
        assert!(matches!(kind("error: unknown option `no-write-fetch-head'"), GitError::TooOld { .. }));
        let odd = kind("fatal: \x1b[31modd");
        assert!(matches!(odd, GitError::Failed { .. }));
        assert_eq!(odd.to_string(), "`git fetch` ended with exit code 128:\n  fatal: \\u{1b}[31modd");
    }
}
