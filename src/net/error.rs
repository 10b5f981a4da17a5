//! Why a file could not be fetched.

use std::io;

use crate::exec::Interrupted;
use crate::names::WebUrl;

/// A file did not come.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NetError {
    /// The server does not have it (404, 410), or there is no such file.
    #[error("{url}: there is no such file")]
    Absent {
        /// The address.
        url: WebUrl,
    },
    /// The server answered something else than the file.
    #[error("{url}: the server answers {status}")]
    Status {
        /// The address.
        url: WebUrl,
        /// The number of HTTP, with its words.
        status: String,
    },
    /// The server points to where forge does not go.
    #[error("{url} leads to {to:?}: {reason}")]
    Redirect {
        /// The address.
        url: WebUrl,
        /// Where it points, without userinfo.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// No connection, or one that broke.
    #[error("{url}: {reason}")]
    #[diagnostic(help("check the network; HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR are followed"))]
    Broken {
        /// The address.
        url: WebUrl,
        /// What the system says.
        reason: String,
    },
    /// The proxy of the environment cannot be used.
    #[error("{name}={value:?} names no proxy that can be used: {reason}")]
    #[diagnostic(help("http://HOST:PORT and https://HOST:PORT are understood"))]
    Proxy {
        /// The variable.
        name: &'static str,
        /// Its value, without userinfo.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// Certificates cannot be read.
    #[error("no certificate to check servers with: {reason}")]
    #[diagnostic(help("install ca-certificates, or let SSL_CERT_FILE name a file with certificates in PEM"))]
    Certificates {
        /// What is wrong.
        reason: String,
    },
    /// Credentials would go over the network as plain text.
    #[error("{url}: credentials are not sent by plain http")]
    #[diagnostic(help("use https"))]
    PlainCredentials {
        /// The address.
        url: WebUrl,
    },
    /// More came than can be right.
    #[error("{url}: more than {limit} bytes came")]
    TooLong {
        /// The address.
        url: WebUrl,
        /// The limit.
        limit: u64,
    },
    /// What came cannot be kept.
    #[error("cannot write what comes from {url}: {source}")]
    Write {
        /// The address.
        url: WebUrl,
        /// The reason.
        source: io::Error,
    },
    /// forge was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}
