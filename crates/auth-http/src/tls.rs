use std::sync::Arc;

use auth_core::Secret;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};

use crate::BuildError;
use crate::danger::AnyCertificate;

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), with the cipher suites that still count as safe.
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// What was asked for of TLS.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    /// PEM documents of authorities to trust.
    pub(crate) roots: Vec<Box<[u8]>>,
    /// Whether those are all.
    pub(crate) only_those: bool,
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) min_version: TlsVersion,
    /// Whether the server's certificate is not checked; see [`crate::danger`].
    pub(crate) any_certificate: bool,
}

/// A certificate of our own, and its key, in PEM.
#[derive(Clone)]
pub(crate) struct ClientIdentity {
    pub(crate) chain: Box<[u8]>,
    pub(crate) key: Secret,
}

/// How a client speaks TLS with its servers, and with proxies.
pub(crate) struct Configs {
    pub(crate) servers: ClientConfig,
    pub(crate) proxies: ClientConfig,
}

/// Settles what was asked for. The provider is named: a process-wide default, if somebody set one,
/// is not asked. Where `in_use` says that nobody will speak TLS, the system's roots are not read;
/// what was given is looked at all the same.
pub(crate) fn configs(settings: &Settings, in_use: bool) -> Result<Configs, BuildError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for pem in &settings.roots {
        add_pem(&mut roots, pem)?;
    }
    if in_use && !settings.only_those {
        add_system(&mut roots);
    }
    if in_use && roots.is_empty() && !settings.any_certificate {
        return Err(BuildError::NoRootCertificates);
    }
    let versions: &[&SupportedProtocolVersion] = match settings.min_version {
        TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    let roots = Arc::new(roots);
    let builder = || {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(versions);
        builder.map_err(|_| BuildError::Tls)
    };
    // A proxy is checked by the same authorities, and never sees our certificate.
    let proxies = builder()?
        .with_root_certificates(Arc::clone(&roots))
        .with_no_client_auth();
    let checked = match settings.any_certificate {
        false => builder()?.with_root_certificates(roots),
        true => builder()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(&provider))),
    };
    let servers = match &settings.identity {
        None => checked.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = identity.read()?;
            let config = checked.with_client_auth_cert(chain, key);
            config.map_err(|_| refuse_identity("and its key do not belong together"))?
        }
    };
    Ok(Configs { servers, proxies })
}

/// Adds those the system trusts. A store that is unreadable in part is used for the rest: a missing
/// root refuses a server, and never accepts one.
fn add_system(roots: &mut RootCertStore) {
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
}

/// Checks and adds: a certificate somebody named must be one, or they would search for it later.
fn add_pem(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), BuildError> {
    let refuse = |reason| BuildError::RootCertificates { reason };
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

impl ClientIdentity {
    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BuildError> {
        let chain = CertificateDer::pem_slice_iter(&self.chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| refuse_identity("is not well-formed PEM"))?;
        if chain.is_empty() {
            return Err(refuse_identity("holds no certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes());
        let key = key.map_err(|_| refuse_identity("has no private key in PEM"))?;
        Ok((chain, key))
    }
}

fn refuse_identity(reason: &'static str) -> BuildError {
    BuildError::ClientCertificate { reason }
}
