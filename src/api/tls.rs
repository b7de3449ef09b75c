//! HTTPS: a certificate and its key from PEM files, by rustls.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::watched::Watched;
use crate::config::TlsFiles;

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("cannot use `{file}` for TLS: {reason}")]
    File { file: String, reason: String },
    #[error("certificate and key do not make TLS: {0}")]
    Pair(String),
}

/// Certificate and key, read again when their files change.
pub(super) struct Tls {
    files: TlsFiles,
    acceptor: Watched<TlsAcceptor>,
}

impl Tls {
    /// # Errors
    /// If a file cannot be read, or the two are none of one another.
    pub(super) fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        let watched = vec![files.certificate.clone(), files.key.clone()];
        let acceptor = Watched::open(watched, || acceptor(files))?;
        Ok(Self { files: files.clone(), acceptor })
    }

    /// What makes connections of sockets, of the files as they are now. Files that cannot be used, or belong together no
    /// more (a certificate is often written before its key), leave what was, and are told in the log.
    pub(super) fn current(&self) -> TlsAcceptor {
        self.acceptor.current(|| match acceptor(&self.files) {
            Ok(acceptor) => {
                let file = self.files.certificate.display();
                tracing::info!(%file, "the certificate was read again");
                Some(acceptor)
            }
            Err(error) => {
                tracing::error!(%error, "the certificate from before stays");
                None
            }
        })
    }
}

/// What makes connections of sockets.
///
/// # Errors
/// If a file cannot be read, or the two are none of one another.
fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let unusable = |file: &Path, reason: String| {
        let file = file.display().to_string();
        TlsError::File { file, reason }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unusable(&files.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(&files.certificate, "it holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unusable(&files.key, error.to_string()))?;
    let pair = |error: tokio_rustls::rustls::Error| TlsError::Pair(error.to_string());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
