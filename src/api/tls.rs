//! HTTPS: a certificate and its key from PEM files, by rustls.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::auth::{Stamp, stamp};
use crate::config::TlsFiles;

/// How often the files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    state: Mutex<State>,
}

struct State {
    acceptor: TlsAcceptor,
    stamps: Stamps,
    looked: Instant,
}

/// What tells that one of the two files has changed.
type Stamps = [Option<Stamp>; 2];

impl Tls {
    /// # Errors
    /// If a file cannot be read, or the two are none of one another.
    pub(super) fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        let stamps = stamps(files);
        let state = State { acceptor: acceptor(files)?, stamps, looked: Instant::now() };
        Ok(Self { files: files.clone(), state: Mutex::new(state) })
    }

    /// What makes connections of sockets, of the files as they are now. Files that cannot be used, or belong together no
    /// more (a certificate is often written before its key), leave what was, and are told in the log.
    pub(super) fn current(&self) -> TlsAcceptor {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() < LOOK_EVERY {
            return state.acceptor.clone();
        }
        state.looked = Instant::now();
        let found = stamps(&self.files);
        if found != state.stamps {
            state.stamps = found;
            match acceptor(&self.files) {
                Ok(acceptor) => {
                    let file = self.files.certificate.display();
                    tracing::info!(%file, "the certificate was read again");
                    state.acceptor = acceptor;
                }
                Err(error) => tracing::error!(%error, "the certificate from before stays"),
            }
        }
        state.acceptor.clone()
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    [stamp(&files.certificate), stamp(&files.key)]
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
