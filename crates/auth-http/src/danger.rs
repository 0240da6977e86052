//! What weakens a check. Nothing here belongs into a program that meets strangers.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use crate::HttpClientBuilder;

/// Accepts whatever certificate a server shows: of any authority or none, for any name, expired or
/// not. Whoever can reach the connection can then be the server, and gets every credential that is
/// sent.
///
/// For a server of one's own there is
/// [`only_root_certificates`](HttpClientBuilder::only_root_certificates), which is as easy.
///
/// # Example
///
/// ```
/// use auth_http::{HttpClient, danger};
///
/// let builder = HttpClient::builder("https://appliance.test");
/// let client = danger::accept_any_certificate(builder).build()?;
/// # Ok::<(), auth_http::BuildError>(())
/// ```
pub fn accept_any_certificate(mut builder: HttpClientBuilder) -> HttpClientBuilder {
    builder.tls.any_certificate = true;
    builder
}

/// Checks nothing but that the other side holds the key of the certificate that it shows.
pub(crate) struct AnyCertificate(Arc<CryptoProvider>);

impl AnyCertificate {
    pub(crate) fn new(provider: &Arc<CryptoProvider>) -> Self {
        Self(Arc::clone(provider))
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for AnyCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyCertificate")
    }
}
