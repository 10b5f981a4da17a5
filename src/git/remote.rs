//! What a remote has: tags and branches with their commits, without fetching anything.

use std::collections::BTreeMap;

use super::GitError;
use super::error::classify;
use super::program::{argument, git_remote};
use crate::event::{Event, Reporter};
use crate::exec::Exec;
use crate::names::{CommitId, GitUrl, Revision};

/// Which refs of a remote are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefKind {
    /// `refs/tags/...`
    Tags,
    /// `refs/heads/...`
    Branches,
}

impl RefKind {
    fn option(self) -> &'static str {
        match self {
            Self::Tags => "--tags",
            Self::Branches => "--heads",
        }
    }

    /// What full names of this kind start with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Tags => "refs/tags/",
            Self::Branches => "refs/heads/",
        }
    }
}

/// A tag or branch of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// Its name without `refs/tags/` or `refs/heads/`.
    pub name: Revision,
    /// The commit that it leads to.
    pub commit: CommitId,
    /// The tag object, where it is an annotated tag. A tag that was made anew for the same commit has another one.
    pub tag_object: Option<CommitId>,
}

/// All tags or branches of a remote, sorted by name. One request; patterns would not make it smaller, git sends none. Names
/// that are no [`Revision`] are left out: nobody can ask for them.
pub fn list_refs(exec: &Exec, url: &GitUrl, kind: RefKind, reporter: &dyn Reporter) -> Result<Vec<RemoteRef>, GitError> {
    let listed = ls_remote(exec, url, kind, None, reporter)?;
    let mut refs: BTreeMap<Revision, RemoteRef> = BTreeMap::new();
    for (id, name) in listed {
        let Some(name) = name.strip_prefix(kind.prefix()) else { continue };
        // `NAME^{}` follows the line of an annotated tag and gives the commit (git-ls-remote(1)).
        let (name, peeled) = name.strip_suffix("^{}").map_or((name, false), |name| (name, true));
        let Ok(name) = Revision::new(name) else { continue };
        match refs.get_mut(&name) {
            Some(tag) if peeled => tag.tag_object = Some(std::mem::replace(&mut tag.commit, id)),
            Some(_) => {}
            None => {
                refs.insert(name.clone(), RemoteRef { name, commit: id, tag_object: None });
            }
        }
    }
    Ok(refs.into_values().collect())
}

/// The commit of a branch, where the remote has it.
pub fn find_branch(exec: &Exec, url: &GitUrl, branch: &Revision, reporter: &dyn Reporter) -> Result<Option<CommitId>, GitError> {
    let full = format!("{}{branch}", RefKind::Branches.prefix());
    // The pattern matches the end of names as well: `refs/heads/x/refs/heads/main`.
    let listed = ls_remote(exec, url, RefKind::Branches, Some(&full), reporter)?;
    Ok(listed.into_iter().find(|(_, name)| *name == full).map(|(id, _)| id))
}

/// The branch that a remote's HEAD stands for; `None` where it stands for none, as in an empty repository.
pub fn default_branch(exec: &Exec, url: &GitUrl, reporter: &dyn Reporter) -> Result<Option<Revision>, GitError> {
    reporter.report(Event::Contacting { url: url.clone() });
    let run = git_remote(exec)?.cwd("/").args(["ls-remote", "--symref", "--"]).arg(argument(url)).arg("HEAD");
    let got = run.capture()?;
    if !got.status.success() {
        return Err(classify(url, "HEAD", got.command, got.status, &String::from_utf8_lossy(&got.stderr)));
    }
    // `ref: refs/heads/main<TAB>HEAD` (git-ls-remote(1)); the pattern matches the end of other names as well.
    let text = String::from_utf8_lossy(&got.stdout);
    let mut names = text.lines().filter_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"));
    Ok(names.next().and_then(|name| name.strip_prefix(RefKind::Branches.prefix())).and_then(|name| Revision::new(name).ok()))
}

fn ls_remote(
    exec: &Exec,
    url: &GitUrl,
    kind: RefKind,
    pattern: Option<&str>,
    reporter: &dyn Reporter,
) -> Result<Vec<(CommitId, String)>, GitError> {
    reporter.report(Event::Contacting { url: url.clone() });
    // Not in the user's folder: a repository there has a configuration of its own.
    let run = git_remote(exec)?.cwd("/").args(["ls-remote", kind.option(), "--"]).arg(argument(url)).args(pattern);
    let got = run.capture()?;
    if !got.status.success() {
        return Err(classify(url, "refs", got.command, got.status, &String::from_utf8_lossy(&got.stderr)));
    }
    let mut refs = Vec::new();
    for line in got.stdout.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let Some((id, name)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once('\t')) else { continue };
        match CommitId::new(id) {
            Ok(id) => refs.push((id, name.to_owned())),
            Err(_) if id.len() == 64 => return Err(GitError::Sha256 { url: url.clone() }),
            Err(_) => {}
        }
    }
    Ok(refs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Silent;
    use crate::git::testing::Upstream;

    #[test]
    fn tags_and_branches_are_listed_with_their_commits() {
        let up = Upstream::new();
        let first = up.commit(&[("f", "1")], "one");
        up.git(&["tag", "light"]);
        up.git(&["tag", "-a", "-m", "x", "v1.0.0+k0s.1"]);
        up.git(&["branch", "side/x"]);
        let second = up.commit(&[("f", "2")], "two");
        let tag = CommitId::new(up.git(&["rev-parse", "v1.0.0+k0s.1"])).unwrap();
        let tags = list_refs(&up.exec, &up.url(), RefKind::Tags, &Silent).unwrap();
        assert_eq!(tags.len(), 2);
        assert_eq!((tags[0].name.as_str(), &tags[0].commit, &tags[0].tag_object), ("light", &first, &None));
        assert_eq!((tags[1].name.as_str(), &tags[1].commit, &tags[1].tag_object), ("v1.0.0+k0s.1", &first, &Some(tag)));
        let branches = list_refs(&up.exec, &up.url(), RefKind::Branches, &Silent).unwrap();
        assert_eq!(branches.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["main", "side/x"]);
        let find = |name: &str| find_branch(&up.exec, &up.url(), &Revision::new(name).unwrap(), &Silent).unwrap();
        assert_eq!(find("main"), Some(second));
        assert_eq!(find("side/x"), Some(first));
        assert_eq!(find("x"), None);
        assert_eq!(default_branch(&up.exec, &up.url(), &Silent).unwrap().unwrap().as_str(), "main");
    }

    #[test]
    fn what_is_not_there_and_what_is_not_allowed_are_told_apart() {
        let up = Upstream::new();
        let ask = |url: &str| list_refs(&up.exec, &GitUrl::new(url).unwrap(), RefKind::Tags, &Silent).unwrap_err();
        assert!(matches!(ask("file:///nonexistent/x"), GitError::NotFound { .. }));
        let error = ask("http://user:secret@127.0.0.1:1/x");
        assert!(matches!(error, GitError::Network { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }

    #[test]
    fn insteadof_of_the_user_counts_but_leads_to_no_program() {
        let up = Upstream::new();
        up.commit(&[("f", "1")], "one");
        up.git(&["tag", "v1"]);
        let ask = |to: &str| {
            let key = format!("url.{to}.insteadOf");
            let exec = up.exec_with(&[(&key, "https://upstream.example/"), ("protocol.ext.allow", "always")]);
            list_refs(&exec, &GitUrl::new("https://upstream.example/").unwrap(), RefKind::Tags, &Silent)
        };
        assert_eq!(ask(up.url().expose()).unwrap().len(), 1);
        let marker = up.dir.path().join("ran");
        let error = ask(&format!("ext::touch {}", marker.display())).unwrap_err();
        assert!(matches!(error, GitError::Protocol { .. }), "{error}");
        assert!(!marker.exists());
    }

    #[test]
    fn a_sha256_repository_is_refused() {
        let up = Upstream::with_format("sha256");
        up.commit_only(&[("f", "1")], "one");
        up.git(&["tag", "v1"]);
        assert!(matches!(list_refs(&up.exec, &up.url(), RefKind::Tags, &Silent), Err(GitError::Sha256 { .. })));
    }
}
