//! Which proxy leads to a host, by the rules that go and curl share.

use std::net::IpAddr;

use crate::exec::Environment;
use crate::names::{WebUrl, redact};
use crate::net::error::NetError;

/// The proxy of the environment for an address: the variable and its value. Hosts of this machine and those of NO_PROXY are
/// reached without one.
pub(super) fn proxy_for(env: &Environment, url: &WebUrl) -> Option<(&'static str, String)> {
    let names: &[&'static str] = match url.scheme() {
        "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        // A CGI program is given HTTP_PROXY by whoever sends it a header `Proxy`; curl takes the small spelling alone.
        _ => &["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"],
    };
    let value = |name: &'static str| Some((name, env.get(name)?.to_str()?.trim().to_owned())).filter(|(_, v)| !v.is_empty());
    let (name, value) = names.iter().copied().find_map(value)?;
    let list = ["NO_PROXY", "no_proxy"].iter().find_map(|name| env.get(name)).map(|v| v.to_string_lossy().into_owned());
    (!is_direct(&list.unwrap_or_default(), url)).then_some((name, value))
}

/// Reads a proxy; one without a protocol speaks HTTP.
pub(super) fn parse(name: &'static str, value: &str) -> Result<ureq::Proxy, NetError> {
    let refuse = |reason: String| NetError::Proxy { name, value: redact(value), reason };
    if let Some((scheme, _)) = value.split_once("://")
        && !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https")
    {
        return Err(refuse(format!("{scheme} is not spoken")));
    }
    ureq::Proxy::new(value).map_err(|_| refuse("http://HOST:PORT is expected".into()))
}

/// True where NO_PROXY (<https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config>) takes an address out: a host with all
/// below it, `.host` for those below alone, an IP address or a block of them, each perhaps with a port, or `*`.
fn is_direct(list: &str, url: &WebUrl) -> bool {
    let host = url.host().to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_owned();
    let address: Option<IpAddr> = bare.parse().ok();
    if bare == "localhost" || address.is_some_and(|a| a.is_loopback()) {
        return true;
    }
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let (Some((block, bits)), Some(address)) = (entry.split_once('/'), address) {
            return block.parse().ok().zip(bits.parse().ok()).is_some_and(|(block, bits)| is_within(address, block, bits));
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) if name.starts_with('[') == name.ends_with(']') && !name.contains(':') | name.ends_with(']') => {
                (name.to_owned(), port.parse::<u16>().ok())
            }
            _ => (entry.clone(), None),
        };
        if port.is_some_and(|port| port != url.port()) {
            return false;
        }
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(other) = name.parse::<IpAddr>() {
            return address == Some(other);
        }
        let name = name.strip_prefix('*').unwrap_or(name);
        match name.strip_prefix('.') {
            Some(_) => bare.ends_with(name),
            None => bare == name || bare.strip_suffix(name).is_some_and(|head| head.ends_with('.')),
        }
    })
}

fn is_within(address: IpAddr, block: IpAddr, bits: u32) -> bool {
    let same = |a: u128, b: u128, width: u32| bits <= width && (bits == 0 || a >> (width - bits) == b >> (width - bits));
    match (address, block) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_takes_hosts_out() {
        let url = |text: &str| WebUrl::new(text).unwrap();
        for (list, address, direct) in [
            ("", "https://go.dev/dl", false),
            ("", "https://localhost:1/x", true),
            ("", "http://127.0.0.5/x", true),
            ("", "http://[::1]:80/x", true),
            ("*", "https://go.dev/dl", true),
            ("example.org, go.dev", "https://go.dev/dl", true),
            ("go.dev", "https://www.Go.dev/dl", true),
            ("go.dev", "https://notgo.dev/dl", false),
            (".go.dev", "https://go.dev/dl", false),
            ("*.go.dev", "https://a.go.dev/dl", true),
            ("go.dev:443", "https://go.dev/dl", true),
            ("go.dev:8443", "https://go.dev/dl", false),
            ("10.0.0.0/8", "https://10.1.2.3/dl", true),
            ("10.0.0.0/8", "https://11.1.2.3/dl", false),
            ("10.1.2.3", "https://10.1.2.3/dl", true),
            ("fd00::/8", "https://[fd12::1]/dl", true),
            ("[fd12::1]:443", "https://[fd12::1]/dl", true),
            ("fd12::1", "https://[fd12::1]/dl", true),
        ] {
            assert_eq!(is_direct(list, &url(address)), direct, "{list} {address}");
        }
    }

    #[test]
    fn the_variable_of_the_protocol_counts() {
        let env = Environment::from_vars([("HTTPS_PROXY", "http://a:1"), ("http_proxy", "b:2"), ("NO_PROXY", "go.dev")]);
        let of = |text: &str| proxy_for(&env, &WebUrl::new(text).unwrap());
        assert_eq!(of("https://h/x"), Some(("HTTPS_PROXY", "http://a:1".to_owned())));
        assert_eq!(of("http://h/x"), Some(("http_proxy", "b:2".to_owned())));
        assert_eq!(of("https://go.dev/x"), None);
        assert_eq!(parse("http_proxy", "b:2").unwrap().port(), 2);
        let error = parse("ALL_PROXY", "socks5://me:secret@h:1").unwrap_err().to_string();
        assert!(error.contains("socks5 is not spoken") && !error.contains("secret"), "{error}");
    }
}
