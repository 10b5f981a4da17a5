//! Addresses that files are fetched from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::url::is_loopback;
use super::{NameError, redact, refuse};

/// Where a file is fetched from: `https://HOST/PATH`, `http://HOST/PATH` or `file:///PATH`. The text shown by `Display` and
/// `Debug` has no password or token; [`WebUrl::expose`] gives the whole to who fetches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebUrl(String);

impl WebUrl {
    /// Checks protocol and form; a fragment (`#...`) is refused, since no server sees one.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        const KIND: &str = "web address";
        let text = text.into();
        let shown = redact(&text);
        if text.is_empty() || text.len() > 2000 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(refuse(KIND, &shown, "1 to 2000 ASCII characters without spaces are expected (others as %XX)"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refuse(KIND, &shown, "https://HOST/PATH is expected"));
        };
        if text.contains(['#', '\\', '"', '\'', '<', '>', '^', '`', '{', '|', '}']) {
            return Err(refuse(KIND, &shown, "it has characters that are written as %XX"));
        }
        let host = authority(rest).rsplit('@').next().unwrap_or_default();
        match scheme {
            "https" | "http" if host.is_empty() || host.starts_with([':', '-']) => {
                return Err(refuse(KIND, &shown, "a host is missing or starts with `-`"));
            }
            "https" | "http" => {}
            "file" if rest.starts_with('/') => {}
            "file" => return Err(refuse(KIND, &shown, "file:///PATH is expected, without a host")),
            _ => return Err(refuse(KIND, &shown, "only https, http and file are allowed")),
        }
        Ok(Self(text))
    }

    /// The whole, with everything that the user wrote: for who fetches, never for output.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `https`, `http` or `file`.
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// Host and port as they are written, without userinfo; empty for a file.
    pub fn authority(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        authority(rest).rsplit('@').next().unwrap_or_default()
    }

    /// The host, in brackets where it is an address of IPv6.
    pub fn host(&self) -> &str {
        split_port(self.authority()).0
    }

    /// The port, also where it is not written; 0 for a file.
    pub fn port(&self) -> u16 {
        let standard = match self.scheme() {
            "https" => 443,
            "http" => 80,
            _ => 0,
        };
        split_port(self.authority()).1.and_then(|port| port.parse().ok()).unwrap_or(standard)
    }

    /// What stands before the host: `USER` or `USER:PASSWORD`, with its %XX.
    pub fn userinfo(&self) -> Option<&str> {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        authority(rest).rsplit_once('@').map(|(user, _)| user)
    }

    /// The path with what follows it, with its %XX; at least `/`.
    pub fn path(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.find(['/', '?']).map_or("/", |at| &rest[at..])
    }

    /// True where nobody on the way can change what is fetched: https, this machine, or its loopback.
    pub fn is_safe(&self) -> bool {
        self.scheme() != "http" || is_loopback(self.0.split_once("://").map_or("", |(_, rest)| rest))
    }

    /// The address of something below this one.
    pub fn below(&self, path: &str) -> Result<Self, NameError> {
        Self::new(format!("{}/{path}", self.0.trim_end_matches('/')))
    }
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// Host and port of `host:port`, `[::1]:port` or either without a port.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&redact(&self.0))
    }
}
impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebUrl({self})")
    }
}
impl FromStr for WebUrl {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl TryFrom<String> for WebUrl {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl From<WebUrl> for String {
    fn from(url: WebUrl) -> String {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let url = WebUrl::new("https://me:s%40crt@host.example:8443/a/b?c").unwrap();
        assert_eq!((url.scheme(), url.host(), url.port(), url.path()), ("https", "host.example", 8443, "/a/b?c"));
        assert_eq!(url.userinfo(), Some("me:s%40crt"));
        assert_eq!(url.to_string(), "https://***@host.example:8443/a/b?c");
        assert_eq!(format!("{url:?}"), "WebUrl(https://***@host.example:8443/a/b?c)");
        let url = WebUrl::new("http://[::1]/").unwrap();
        assert_eq!((url.host(), url.port(), url.is_safe()), ("[::1]", 80, true));
        assert_eq!(WebUrl::new("file:///a").unwrap().below("b").unwrap().expose(), "file:///a/b");
        assert!(!WebUrl::new("http://host.example").unwrap().is_safe());
        for bad in
            ["", "a", "ftp://h/x", "https://", "https:///x", "https://-h/x", "file://host/x", "https://h/a b", "https://h/#x"]
        {
            assert!(WebUrl::new(bad).is_err(), "{bad:?} was taken");
        }
    }
}
