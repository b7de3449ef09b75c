//! HTTPS by real handshakes, while certificate and key change.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::shop::{Shop, TAKE_UP_MAX, daily_sales};
use crate::config::{ServeLimits, ServerConfig, TlsFiles};

/// Two certificates of `localhost` with their keys, made for this test and good for nothing else.
const FIRST: (&str, &str) = (include_str!("tls/a.pem"), include_str!("tls/a.key"));
const SECOND: (&str, &str) = (include_str!("tls/b.pem"), include_str!("tls/b.key"));

/// Believes every certificate: the test looks at which one it is.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that the server shows.
fn shown(server: SocketAddr) -> CertificateDer<'static> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
        let socket = tokio::net::TcpStream::connect(server).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
        let (_, connection) = stream.get_ref();
        connection.peer_certificates().unwrap()[0].clone().into_owned()
    })
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
}

#[test]
fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let folder = tempfile::tempdir().unwrap();
    let files =
        TlsFiles { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
    write(&files.certificate, FIRST.0);
    write(&files.key, FIRST.1);
    let config = ServerConfig { tls: Some(files.clone()), ..ServerConfig::default() };
    let server = shop.serve_as(shop.auth(), config, ServeLimits::default());
    assert_eq!(shown(server.address), certificate(FIRST.0));

    // Longer than the files are left alone.
    let looked_at = Duration::from_millis(1100);
    for broken in ["no certificate", "", SECOND.0] {
        write(&files.certificate, broken);
        std::thread::sleep(looked_at);
        assert_eq!(shown(server.address), certificate(FIRST.0), "{broken:?} was taken up");
    }
    write(&files.key, SECOND.1);
    let deadline = Instant::now() + TAKE_UP_MAX;
    while shown(server.address) != certificate(SECOND.0) {
        assert!(Instant::now() < deadline, "the new certificate was not taken up");
        std::thread::sleep(Duration::from_millis(50));
    }
}
