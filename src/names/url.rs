//! Where git upstreams live, and texts without the secrets of URLs.

use std::fmt;

use serde::Serialize;

use super::{NameError, refuse};

/// Where a git upstream lives. Only `https`, `ssh`, `git` and `file` are allowed (and `user@host:path`, and a local path,
/// which git reads as ssh and file); `ext::` and other transports that run programs are refused.
/// The text shown by `Display` and `Debug` has no password or token; [`GitUrl::expose`] gives the whole to git.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct GitUrl(String);

impl GitUrl {
    /// Checks protocol and form. Userinfo is allowed here (a user may type it); files refuse it with
    /// [`GitUrl::has_userinfo`].
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        const KIND: &str = "git URL";
        let text = text.into();
        let shown = redact(&text);
        if text.is_empty() || text.len() > 2000 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(refuse(KIND, &shown, "1 to 2000 characters without spaces are expected"));
        }
        if text.starts_with('-') {
            return Err(refuse(KIND, &shown, "a leading `-` would be read as an option"));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            if !matches!(scheme, "https" | "http" | "ssh" | "git" | "file") {
                return Err(refuse(KIND, &shown, "only https, ssh, git and file are allowed"));
            }
            if scheme == "http" && !is_loopback(rest) {
                return Err(refuse(KIND, &shown, "plain http is allowed on the loopback only; use https"));
            }
            if rest.is_empty() || rest.starts_with('-') || rest.split('@').nth(1).is_some_and(|h| h.starts_with('-')) {
                return Err(refuse(KIND, &shown, "a host is missing or starts with `-`"));
            }
        } else if text.contains("::") {
            return Err(refuse(KIND, &shown, "remote helpers (`name::...`) can run programs; use https, ssh, git or file"));
        } else if let Some((host, path)) = text.split_once(':')
            && !host.contains('/')
            && (host.is_empty() || path.is_empty() || host.rsplit('@').next().is_none_or(|h| h.is_empty() || h.starts_with('-')))
        {
            return Err(refuse(KIND, &shown, "`user@host:path` is expected"));
        }
        Ok(Self(text))
    }

    /// The URL with everything that the user wrote: for git's command line, never for output.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the repository is called: the last part of the URL, without `.git`. Of a URL without a path it is the host.
    pub fn last_part(&self) -> &str {
        let last = self.0.trim_end_matches('/').rsplit(['/', ':', '@']).next().unwrap_or_default();
        last.strip_suffix(".git").unwrap_or(last)
    }

    /// The URL without what [`GitUrl::has_userinfo`] finds, as it may stand in a file.
    pub fn without_userinfo(&self) -> Self {
        let Some((scheme, rest)) = self.0.split_once("://").filter(|_| self.has_userinfo()) else { return self.clone() };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        match user.split(':').next().filter(|name| scheme == "ssh" && !name.is_empty()) {
            Some(name) => Self(format!("{scheme}://{name}@{host}{path}")),
            None => Self(format!("{scheme}://{host}{path}")),
        }
    }

    /// True where the URL carries a password or a token (`https://TOKEN@host`; `ssh://git@host` is only a login name).
    pub fn has_userinfo(&self) -> bool {
        match self.0.split_once("://") {
            Some((scheme, rest)) => {
                let authority = rest.split('/').next().unwrap_or("");
                authority.rsplit_once('@').is_some_and(|(user, _)| scheme != "ssh" || user.contains(':'))
            }
            None => false,
        }
    }
}

/// True where what follows `://` names a host of this machine.
pub(super) fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|l| host == *l || host.strip_prefix(l).is_some_and(|p| p.starts_with(':')))
}

/// The text with the userinfo of every URL in it replaced by `***`. For anything that came from a tool or a user and is
/// about to be shown or kept.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end =
            tail.find(|c: char| c == '/' || c.is_whitespace() || matches!(c, '\'' | '"' | '`' | ',' | '|')).unwrap_or(tail.len());
        match tail[..end].rfind('@') {
            Some(at) => {
                out.push_str("***@");
                rest = &tail[at + 1..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&redact(&self.0))
    }
}
impl fmt::Debug for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitUrl({self})")
    }
}
impl From<GitUrl> for String {
    fn from(url: GitUrl) -> String {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_run_programs_or_look_like_options_are_refused() {
        for bad in [
            "",
            "-u",
            "--upload-pack=x",
            "ext::sh -c id",
            "ext::sh",
            "fd::3",
            "ftp://host/x",
            "https://",
            "ssh://-oProxyCommand=x/y",
            "ssh://user@-oProxyCommand=x/y",
            "-host:path",
            "user@-host:path",
            "http://example.org/x",
            "https://a b/c",
        ] {
            assert!(GitUrl::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in [
            "https://github.com/k0sproject/k0s.git",
            "git@github.com:a/b",
            "ssh://git@h/p",
            "file:///srv/x",
            "/srv/x",
            "../x",
            "http://127.0.0.1:80/x",
        ] {
            assert!(GitUrl::new(good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let url = GitUrl::new("https://user:tok@en@host.example/x").unwrap();
        assert_eq!(url.to_string(), "https://***@host.example/x");
        assert_eq!(format!("{url:?}"), "GitUrl(https://***@host.example/x)");
        assert!(url.has_userinfo());
        for (with, without) in [
            ("https://user:tok@en@host.example/x", "https://host.example/x"),
            ("https://host.example/x@y", "https://host.example/x@y"),
            ("ssh://git:pw@h:22/p", "ssh://git@h:22/p"),
            ("ssh://git@h/p", "ssh://git@h/p"),
            ("git@github.com:a/b", "git@github.com:a/b"),
        ] {
            assert_eq!(GitUrl::new(with).unwrap().without_userinfo().expose(), without);
        }
        for (url, last) in
            [("https://h/a/b.git/", "b"), ("git@h:b", "b"), ("https://tok@h", "h"), ("/srv/x", "x"), ("https://h/.git", "")]
        {
            assert_eq!(GitUrl::new(url).unwrap().last_part(), last);
        }
        assert_eq!(String::from(url), "https://***@host.example/x");
        assert_eq!(redact("a https://t@h/x b 'https://u:p@g' c"), "a https://***@h/x b 'https://***@g' c");
        assert!(GitUrl::new("ext+https://tok@h").unwrap_err().to_string().contains("***"));
    }
}
