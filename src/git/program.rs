//! How the `git` program is run: with the user's own configuration, since their proxies, credentials and `url.insteadOf` are
//! the point of using it, but on no other repository than the one meant, asking nobody, running no hooks, and with every
//! object checked.

use std::ffi::{OsStr, OsString};

use super::GitError;
use crate::exec::{Exec, Run, Tool};
use crate::names::GitUrl;

/// Variables that would lead git to another repository, or change what it prints. The first part is the list of
/// `git rev-parse --local-env-vars` (git 2.39), but for `GIT_CONFIG_PARAMETERS` and `GIT_CONFIG_COUNT`: those are the user's
/// configuration as well.
const REMOVED: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_QUARANTINE_PATH",
    "GIT_DEFAULT_HASH",
    "GIT_PROGRESS_DELAY",
    "LANGUAGE",
    // Opens a window, where GIT_ASKPASS and core.askPass (kept) may also be a script.
    "SSH_ASKPASS",
];

/// Settings that win over the user's.
const SETTINGS: &[&str] = &[
    "gc.auto=0",
    "maintenance.auto=false",
    "core.hooksPath=/dev/null",
    "credential.interactive=never",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    // Harmless mistakes of old programs, which many histories have (github.com fetches them too).
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.badTimezone=ignore",
    // One pack for each fetch: it is synced to disk, and one file is quicker than hundreds.
    "fetch.unpackLimit=1",
    "fetch.prune=false",
    "fetch.pruneTags=false",
    "fetch.writeCommitGraph=false",
];

/// Protocols that git may use, also after `url.*.insteadOf` (http: for mirrors that the user's configuration leads to).
/// The variable wins over every `protocol.*.allow` of the user's configuration (git(1)).
const PROTOCOLS: [&str; 5] = ["https", "ssh", "git", "file", "http"];

/// git, ready for a command.
pub(super) fn git(exec: &Exec) -> Result<Run<'_>, GitError> {
    let env = exec.environment();
    let mut run = exec.run(Tool::Git)?;
    for name in REMOVED {
        run = run.env_remove(*name);
    }
    let allowed: Vec<&str> = match env.get("GIT_ALLOW_PROTOCOL").and_then(OsStr::to_str) {
        Some(user) => PROTOCOLS.into_iter().filter(|p| user.split(':').any(|u| u == *p)).collect(),
        None => PROTOCOLS.to_vec(),
    };
    run = run.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", allowed.join(":"));
    for setting in SETTINGS {
        run = run.arg("-c").arg(*setting);
    }
    // Gives up on a server that sends nothing for two minutes, unless the user chose other limits.
    if env.get("GIT_HTTP_LOW_SPEED_LIMIT").is_none() && env.get("GIT_HTTP_LOW_SPEED_TIME").is_none() {
        run = run.env("GIT_HTTP_LOW_SPEED_LIMIT", "1").env("GIT_HTTP_LOW_SPEED_TIME", "120");
    }
    Ok(run)
}

/// git, ready for a command that talks to a remote: ssh asks nothing, unless the user chose the ssh command.
pub(super) fn git_remote(exec: &Exec) -> Result<Run<'_>, GitError> {
    let run = git(exec)?;
    let env = exec.environment();
    let chosen = env.get("GIT_SSH_COMMAND").is_some() || env.get("GIT_SSH").is_some() || configured_ssh(exec)?;
    Ok(if chosen { run } else { run.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes") })
}

fn configured_ssh(exec: &Exec) -> Result<bool, GitError> {
    let run = git(exec)?.cwd("/").args(["config", "--get", "core.sshCommand"]);
    Ok(run.capture()?.status.success())
}

/// The URL as git's argument. A local path is made absolute, since git does not run in the user's folder.
pub(super) fn argument(url: &GitUrl) -> OsString {
    let text = url.expose();
    let local = !text.contains("://") && text.split_once(':').is_none_or(|(before, _)| before.contains('/'));
    if local && let Ok(path) = std::path::absolute(text) {
        return path.into();
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::testing::isolated_environment;
    use crate::exec::{Environment, Interrupt};

    fn with(vars: &[(&str, &str)]) -> Exec {
        let base = isolated_environment();
        let all = base.iter().map(|(k, v)| (k.to_owned(), v.to_owned()));
        let all = all.chain(vars.iter().map(|(k, v)| ((*k).into(), (*v).into())));
        Exec::new(Environment::from_vars(all), Interrupt::never())
    }

    #[test]
    fn the_environment_leads_to_no_other_repository() {
        let exec = with(&[("GIT_DIR", "/x"), ("GIT_INDEX_FILE", "/x"), ("GIT_ALLOW_PROTOCOL", "ext:https:file")]);
        let vars = git_remote(&exec).unwrap().environment();
        let get = |name: &str| vars.get(OsStr::new(name)).map(|v| v.to_str().unwrap());
        assert_eq!((get("GIT_DIR"), get("GIT_INDEX_FILE")), (None, None));
        assert_eq!(get("GIT_ALLOW_PROTOCOL"), Some("https:file"));
        assert_eq!(get("GIT_SSH_COMMAND"), Some("ssh -o BatchMode=yes"));
        assert_eq!(get("GIT_TERMINAL_PROMPT"), Some("0"));
    }

    #[test]
    fn the_user_s_ssh_command_stays() {
        let exec = with(&[("GIT_SSH_COMMAND", "ssh -i key")]);
        let vars = git_remote(&exec).unwrap().environment();
        assert_eq!(vars[OsStr::new("GIT_SSH_COMMAND")], "ssh -i key");
        let exec = with(&[("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.sshCommand"), ("GIT_CONFIG_VALUE_0", "ssh -v")]);
        assert!(!git_remote(&exec).unwrap().environment().contains_key(OsStr::new("GIT_SSH_COMMAND")));
    }

    #[test]
    fn local_paths_become_absolute_and_urls_stay() {
        let argument = |text: &str| argument(&GitUrl::new(text).unwrap()).into_string().unwrap();
        assert_eq!(argument("/srv/x"), "/srv/x");
        assert!(argument("x/y").starts_with('/'));
        assert!(argument("./a:b").starts_with('/'));
        assert_eq!(argument("git@host:x"), "git@host:x");
        assert_eq!(argument("file:///srv/x"), "file:///srv/x");
    }
}
