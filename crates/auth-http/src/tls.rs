use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::BuildError;

/// What a TLS client needs, with the provider named: a process-wide default, if somebody set one,
/// is not asked.
pub(crate) fn config(roots: RootCertStore) -> Result<ClientConfig, BuildError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| BuildError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// The system's root certificates, and those of `extra`, which are PEM documents.
pub(crate) fn roots(extra: &[Box<[u8]>]) -> Result<RootCertStore, BuildError> {
    let mut roots = RootCertStore::empty();
    for pem in extra {
        add_pem(&mut roots, pem)?;
    }
    // A store that is unreadable in part is used for the rest: a missing root refuses a server,
    // and never accepts one.
    let system = rustls_native_certs::load_native_certs();
    let (_, unusable) = roots.add_parsable_certificates(system.certs);
    if unusable > 0 || !system.errors.is_empty() {
        let unreadable = system.errors.len();
        tracing::debug!(
            unusable,
            unreadable,
            "some system root certificates are left out"
        );
    }
    if roots.is_empty() {
        return Err(BuildError::NoRootCertificates);
    }
    Ok(roots)
}

/// Checks and adds: a certificate somebody named must be one, or they would search for it later.
pub(crate) fn add_pem(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), BuildError> {
    let refuse = |reason| BuildError::ExtraRootCertificates { reason };
    let mut none = true;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| refuse("are not well-formed PEM"))?;
        let added = roots.add(certificate);
        added.map_err(|_| refuse("hold a certificate that is none"))?;
        none = false;
    }
    if none {
        return Err(refuse("hold no certificate"));
    }
    Ok(())
}
