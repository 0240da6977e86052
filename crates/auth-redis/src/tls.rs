//! Whom to trust, and what to show, where a URL asks for TLS.

use std::sync::Arc;

use auth_core::Secret;
use deadpool_redis::redis::{Client, ClientTlsConfig, ConnectionInfo, TlsCertificates};

/// What is known beyond the system's own certificates. `Debug` shows none of it.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    pub(crate) ca: Option<Arc<[u8]>>,
    pub(crate) client: Option<(Arc<[u8]>, Secret)>,
}

impl Tls {
    pub(crate) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.client.is_none()
    }

    /// Adds to the address what TLS needs. The error continues a sentence.
    pub(crate) fn apply(&self, info: ConnectionInfo) -> Result<ConnectionInfo, &'static str> {
        provide();
        if self.is_empty() {
            return Ok(info);
        }
        let certificates = TlsCertificates {
            client_tls: self
                .client
                .as_ref()
                .map(|(certificate, key)| ClientTlsConfig {
                    client_cert: certificate.to_vec(),
                    client_key: key.expose().as_bytes().to_vec(),
                }),
            root_cert: self.ca.as_deref().map(<[u8]>::to_vec),
        };
        let client = Client::build_with_tls(info, certificates);
        let client = client.map_err(|_| "are not well-formed PEM")?;
        Ok(client.get_connection_info().clone())
    }

    /// What an empty file or one of another kind would only say at the first connection.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let holds = |pem: &[u8], what: &str| {
            String::from_utf8_lossy(pem).contains(&format!("-----BEGIN {what}"))
        };
        if self.ca.as_ref().is_some_and(|ca| !holds(ca, "CERTIFICATE")) {
            return Err("hold no certificate of an authority");
        }
        if let Some((certificate, key)) = &self.client {
            if !holds(certificate, "CERTIFICATE") {
                return Err("hold no client certificate");
            }
            if !key.expose().contains("PRIVATE KEY-----") {
                return Err("hold no private key for the client certificate");
            }
        }
        Ok(())
    }
}

/// redis-rs asks rustls for the default of the process. If somebody has set one, it stays.
fn provide() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only if another thread was faster.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}
