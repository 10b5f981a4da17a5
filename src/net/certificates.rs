//! The certificates that servers are checked with: those of the system, or the ones that the user names.

use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, RootCerts};

use crate::exec::Environment;
use crate::net::error::NetError;

/// Variables that name a file with certificates, as OpenSSL, curl and Nix have them.
const FILES: [&str; 3] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "NIX_SSL_CERT_FILE"];

/// Reads the certificates. What cannot be read among others is passed over, as OpenSSL does.
pub(super) fn roots(env: &Environment) -> Result<RootCerts, NetError> {
    let given = |name: &&str| env.get(name).filter(|value| !value.is_empty());
    let file = FILES.iter().find_map(given).map(PathBuf::from);
    let folders: Vec<PathBuf> = env.get("SSL_CERT_DIR").map(|dirs| std::env::split_paths(dirs).collect()).unwrap_or_default();
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).filter(|folder| !folder.as_os_str().is_empty()).collect();
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    let mut take = |result: rustls_native_certs::CertificateResult| {
        found.extend(result.certs.iter().map(|cert| Certificate::from_der(cert.as_ref()).to_owned()));
        wrong.extend(result.errors.iter().map(ToString::to_string));
    };
    match (&file, folders.is_empty()) {
        (None, true) => take(rustls_native_certs::load_native_certs()),
        _ => {
            file.iter().for_each(|file| take(rustls_native_certs::load_certs_from_paths(Some(file), None)));
            folders.iter().for_each(|folder| take(rustls_native_certs::load_certs_from_paths(None, Some(folder))));
        }
    }
    if found.is_empty() {
        let reason = wrong.into_iter().next().unwrap_or_else(|| "none was found".into());
        return Err(NetError::Certificates { reason });
    }
    Ok(RootCerts::new_with_certs(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("none.pem");
        let error = |value: &Path| roots(&Environment::from_vars([("SSL_CERT_FILE", value)])).unwrap_err().to_string();
        assert!(error(&file).contains("no certificate to check servers with"));
        std::fs::write(&file, "").unwrap();
        assert!(error(&file).contains("none was found"));
    }
}
