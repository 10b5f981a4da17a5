//! One file, in pieces. A thread of its own speaks with the server, so that an interrupt never waits for a silent one.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use ureq::http::header;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::event::{Event, Reporter};
use crate::exec::{Environment, Interrupt};
use crate::names::{WebUrl, redact};
use crate::net::certificates::roots;
use crate::net::error::NetError;
use crate::net::proxy::{parse, proxy_for};

/// How long names, connections and answers may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a server may point elsewhere.
const REDIRECTS: usize = 5;

/// The size of a piece, and how many may wait to be taken.
const PIECE: usize = 1 << 17;
const WAITING: usize = 8;

/// Takes the pieces of a file in their order.
pub type Sink<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// The way out, as the environment describes it.
#[derive(Debug)]
pub struct Net {
    environment: Environment,
    interrupt: Interrupt,
}

/// What the thread that speaks with the server tells.
enum Told {
    Length(u64),
    Piece(Vec<u8>),
    End,
    Failed(NetError),
}

impl Net {
    /// With the proxies and certificates of `environment`, until `interrupt`.
    pub fn new(environment: &Environment, interrupt: &Interrupt) -> Self {
        Self { environment: environment.clone(), interrupt: interrupt.clone() }
    }

    /// Fetches a file of at most `limit` bytes into `sink`; gives its size. `what` is how progress is called: "Go 1.26.7".
    /// Redirects go to https, or stay on the server where that is plain http. Userinfo of the address is sent to its own
    /// server alone.
    pub fn fetch(
        &self,
        url: &WebUrl,
        limit: u64,
        what: &str,
        reporter: &dyn Reporter,
        sink: &mut Sink<'_>,
    ) -> Result<u64, NetError> {
        self.interrupt.check()?;
        let (tell, told) = sync_channel(WAITING);
        let (address, environment) = (url.clone(), self.environment.clone());
        // Not joined: where a server is silent, it ends with its own patience, or with forge.
        std::thread::spawn(move || {
            let done = match address.scheme() {
                "file" => read_file(&address, &tell),
                _ => speak(&address, &environment, &tell),
            };
            let _ = tell.send(done.map_or_else(Told::Failed, |()| Told::End));
        });
        self.take(&told, url, limit, what, reporter, sink)
    }

    fn take(
        &self,
        told: &Receiver<Told>,
        url: &WebUrl,
        limit: u64,
        what: &str,
        reporter: &dyn Reporter,
        sink: &mut Sink<'_>,
    ) -> Result<u64, NetError> {
        let (mut done, mut total) = (0, 0);
        loop {
            self.interrupt.check()?;
            match told.recv_timeout(Duration::from_millis(50)) {
                Ok(Told::Length(length)) => total = length,
                Ok(Told::Piece(piece)) => {
                    done += piece.len() as u64;
                    if done > limit {
                        return Err(NetError::TooLong { url: url.clone(), limit });
                    }
                    sink(&piece).map_err(|source| NetError::Write { url: url.clone(), source })?;
                    reporter.report(Event::Progress { what: what.to_owned(), done, total });
                }
                Ok(Told::End) => return Ok(done),
                Ok(Told::Failed(error)) => return Err(error),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(NetError::Broken { url: url.clone(), reason: "the transfer ended early".into() });
                }
            }
        }
    }
}

fn read_file(url: &WebUrl, tell: &SyncSender<Told>) -> Result<(), NetError> {
    let fail = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => NetError::Absent { url: url.clone() },
        _ => NetError::Broken { url: url.clone(), reason: e.to_string() },
    };
    let path = PathBuf::from(percent_decode_str(url.path()).decode_utf8_lossy().into_owned());
    let file = File::open(path).map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    if !meta.is_file() {
        return Err(NetError::Absent { url: url.clone() });
    }
    let _ = tell.send(Told::Length(meta.len()));
    pass_on(file, tell).map_err(fail)
}

/// Passes on all that comes; ends without an error when nobody listens any more.
fn pass_on(mut from: impl Read, tell: &SyncSender<Told>) -> io::Result<()> {
    loop {
        let mut piece = vec![0; PIECE];
        let read = from.read(&mut piece)?;
        piece.truncate(read);
        if read == 0 || tell.send(Told::Piece(piece)).is_err() {
            return Ok(());
        }
    }
}

fn speak(url: &WebUrl, environment: &Environment, tell: &SyncSender<Told>) -> Result<(), NetError> {
    let mut at = url.clone();
    for _ in 0..=REDIRECTS {
        let credentials = url.userinfo().filter(|_| (at.scheme(), at.authority()) == (url.scheme(), url.authority()));
        if credentials.is_some() && !at.is_safe() {
            return Err(NetError::PlainCredentials { url: at });
        }
        let broken = |e: &dyn std::fmt::Display| NetError::Broken { url: at.clone(), reason: redact(&e.to_string()) };
        let mut request = agent(&at, environment)?.get(format!("{}://{}{}", at.scheme(), at.authority(), at.path()));
        if let Some(credentials) = credentials {
            let decoded: Vec<u8> = percent_decode_str(credentials).collect();
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(decoded)));
        }
        let response = request.call().map_err(|e| broken(&e))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()).unwrap_or_default();
            at = follow(&at, to).map_err(|reason| NetError::Redirect { url: at.clone(), to: redact(to), reason })?;
            continue;
        }
        if matches!(status.as_u16(), 404 | 410) {
            return Err(NetError::Absent { url: at });
        }
        if status.as_u16() != 200 {
            return Err(NetError::Status { url: at, status: status.to_string() });
        }
        let body: Body = response.into_body();
        if let Some(length) = body.content_length() {
            let _ = tell.send(Told::Length(length));
        }
        // The limit is the caller's.
        return pass_on(body.into_with_config().limit(u64::MAX).reader(), tell).map_err(|e| broken(&e));
    }
    Err(NetError::Redirect { url: url.clone(), to: at.to_string(), reason: "that is one step too many" })
}

/// Where a redirect leads, if it may.
fn follow(from: &WebUrl, to: &str) -> Result<WebUrl, &'static str> {
    let whole = if to.starts_with('/') && !to.starts_with("//") {
        format!("{}://{}{to}", from.scheme(), from.authority())
    } else {
        to.to_owned()
    };
    let whole = whole.split('#').next().unwrap_or_default();
    let url = WebUrl::new(whole).map_err(|_| "that is no address to go to")?;
    let stays = url.scheme() == from.scheme() && url.authority() == from.authority();
    match url.scheme() {
        "https" => Ok(url),
        "http" if stays => Ok(url),
        _ => Err("only https is followed"),
    }
}

fn agent(url: &WebUrl, environment: &Environment) -> Result<Agent, NetError> {
    let proxy = proxy_for(environment, url).map(|(name, value)| parse(name, &value)).transpose()?;
    let tls = match url.scheme() == "https" || proxy.as_ref().is_some_and(|p| p.protocol() == ureq::ProxyProtocol::Https) {
        true => certificates(environment)?,
        false => RootCerts::new_with_certs(&[]),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().root_certs(tls).unversioned_rustls_crypto_provider(provider).build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .tls_config(tls)
        .user_agent(concat!("forge/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(PATIENCE))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .timeout_per_write(Some(PATIENCE));
    Ok(config.build().new_agent())
}

/// Read once: a redirect asks again.
fn certificates(environment: &Environment) -> Result<RootCerts, NetError> {
    static READ: OnceLock<(Environment, RootCerts)> = OnceLock::new();
    if let Some((_, roots)) = READ.get().filter(|(of, _)| of == environment) {
        return Ok(roots.clone());
    }
    let roots = roots(environment)?;
    let _ = READ.set((environment.clone(), roots.clone()));
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_never_lead_to_plain_http_elsewhere() {
        let follow = |from: &str, to: &str| follow(&WebUrl::new(from).unwrap(), to).map(|url| url.expose().to_owned());
        assert_eq!(follow("https://a/b", "/c#d").as_deref(), Ok("https://a/c"));
        assert_eq!(follow("https://a/b", "https://c/d").as_deref(), Ok("https://c/d"));
        assert_eq!(follow("http://a/b", "/c").as_deref(), Ok("http://a/c"));
        for (from, to) in [
            ("https://a/b", "http://a/b"),
            ("http://127.0.0.1/b", "http://127.0.0.1:81/b"),
            ("https://a/b", "file:///etc/passwd"),
            ("https://a/b", "//c/d"),
            ("https://a/b", "c"),
            ("https://a/b", ""),
        ] {
            assert!(follow(from, to).is_err(), "{from} {to}");
        }
    }
}
