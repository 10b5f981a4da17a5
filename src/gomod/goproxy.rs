//! GOPROXY, for what is fetched before there is a `go` that reads it.

use crate::names::{NameError, WebUrl};

/// One element of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// A proxy.
    Proxy(WebUrl),
    /// From where the thing itself lives.
    Direct,
    /// Nowhere; what follows does not count.
    Off,
}

/// A way, and whether any failure leads to the next one (`|`), or only that a proxy does not have it (`,`).
pub(super) type Step = (Way, bool);

/// Reads the list as <https://go.dev/ref/mod#goproxy-protocol> and `cmd/go/internal/modfetch/proxy.go` have it.
pub(super) fn parse_goproxy(text: &str) -> Result<Vec<Step>, NameError> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, any, tail) = match rest.find([',', '|']) {
            Some(at) => (&rest[..at], rest.as_bytes()[at] == b'|', &rest[at + 1..]),
            None => (rest, false, ""),
        };
        rest = tail;
        let way = match word.trim() {
            "" => continue,
            "direct" => Way::Direct,
            "off" => Way::Off,
            path if path.starts_with('/') => Way::Proxy(WebUrl::new(format!("file://{path}"))?),
            url if url.contains(":/") => Way::Proxy(WebUrl::new(url)?),
            host if host.contains(['.', ':', '/']) => Way::Proxy(WebUrl::new(format!("https://{host}"))?),
            other => Way::Proxy(WebUrl::new(other)?),
        };
        let last = !matches!(way, Way::Proxy(_));
        steps.push((way, any));
        if last {
            break;
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_as_go_reads_it() {
        let proxy = |text: &str| Way::Proxy(WebUrl::new(text).unwrap());
        assert_eq!(
            parse_goproxy("https://a.b/c, http://d|file:///e,direct,https://never").unwrap(),
            [(proxy("https://a.b/c"), false), (proxy("http://d"), true), (proxy("file:///e"), false), (Way::Direct, false)]
        );
        assert_eq!(parse_goproxy("off,direct").unwrap(), [(Way::Off, false)]);
        assert_eq!(parse_goproxy("goproxy.example|").unwrap(), [(proxy("https://goproxy.example"), true)]);
        assert_eq!(parse_goproxy("https://me:pw@a.b").unwrap()[0].0, proxy("https://me:pw@a.b"));
        assert!(parse_goproxy(",").unwrap().is_empty());
        let error = parse_goproxy("ftp://me:secret@a.b").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        assert!(parse_goproxy("somewhere").is_err());
    }
}
