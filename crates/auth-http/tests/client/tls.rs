//! Certificates of an authority that is made for each test.

use std::error::Error;
use std::sync::Arc;

use auth_core::Secret;
use auth_http::{BuildError, Fault, FaultKind, HttpClient, TlsVersion, danger};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::server::{FaultServer, ok};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server with a certificate for these names.
    pub(crate) async fn server(&self, names: &[&str]) -> FaultServer {
        self.server_of(self::names(names)).await
    }

    async fn server_of(&self, params: CertificateParams) -> FaultServer {
        self.serve(params, &[&TLS13, &TLS12], None).await
    }

    /// A server that speaks these versions and asks clients for certificates of this authority.
    async fn serve(
        &self,
        params: CertificateParams,
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<&Self>,
    ) -> FaultServer {
        let config = self.config(params, versions, clients);
        FaultServer::start_tls([ok("{}")], TlsAcceptor::from(Arc::new(config))).await
    }

    pub(crate) fn config(
        &self,
        params: CertificateParams,
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<&Self>,
    ) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(versions).unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    /// A certificate for a client, and its key.
    fn client(&self) -> (String, Secret) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["client".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem().into())
    }
}

pub(crate) fn names(names: &[&str]) -> CertificateParams {
    let names = names.iter().map(|&name| name.to_owned());
    CertificateParams::new(names.collect::<Vec<_>>()).unwrap()
}

fn base_url(server: &FaultServer) -> String {
    format!("https://localhost:{}", server.port())
}

/// A client of the server under this name, which trusts these authorities besides the system's.
fn client(server: &FaultServer, host: &str, roots: &[String]) -> HttpClient {
    let builder = HttpClient::builder(&format!("https://{host}:{}", server.port()));
    builder
        .extra_root_certificates(roots.concat())
        .build()
        .unwrap()
}

async fn refused(server: &FaultServer, client: &HttpClient) -> Fault {
    let fault = client.get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Tls);
    assert!(!fault.is_transient());
    assert!(fault.source().is_some());
    // What is not trusted will not be trusted a moment later, and hears nothing of the request.
    assert_eq!((server.connections(), server.requests().len()), (1, 0));
    fault
}

#[tokio::test]
async fn a_good_chain_is_accepted_and_its_connection_kept() {
    let authority = Authority::new("ours");
    let server = authority.server(&["localhost", "127.0.0.1"]).await;
    for host in ["localhost", "127.0.0.1"] {
        let before = server.connections();
        let client = client(
            &server,
            host,
            &[Authority::new("another").pem(), authority.pem()],
        );
        assert_eq!(client.origin(), format!("https://{host}:{}", server.port()));
        for _ in 0..3 {
            client.get("/").send().await.unwrap();
        }
        assert_eq!(server.connections(), before + 1);
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let server = Authority::new("theirs").server(&["localhost"]).await;
    let client = client(&server, "localhost", &[Authority::new("another").pem()]);
    assert_eq!(
        refused(&server, &client).await.to_string(),
        "GET /: the server's certificate is from an authority that is not trusted here"
    );
}

/// The same name on another key: anybody can make that.
#[tokio::test]
async fn an_authority_that_only_bears_a_trusted_name_is_refused() {
    let server = Authority::new("ours").server(&["localhost"]).await;
    let client = client(&server, "localhost", &[Authority::new("ours").pem()]);
    assert_eq!(
        refused(&server, &client).await.to_string(),
        "GET /: the server's certificate is not signed by the authority it names"
    );
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new("ours");
    let server = authority.server(&["other.test"]).await;
    let client = client(&server, "localhost", &[authority.pem()]);
    assert_eq!(
        refused(&server, &client).await.to_string(),
        "GET /: the server's certificate is for another host"
    );
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new("ours");
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let server = authority.server_of(params).await;
    let client = client(&server, "localhost", &[authority.pem()]);
    assert_eq!(
        refused(&server, &client).await.to_string(),
        "GET /: the server's certificate has expired"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let server = FaultServer::start([ok("{}")]).await;
    let client = client(&server, "localhost", &[Authority::new("another").pem()]);
    // It waits for a request's end, which the greeting of TLS does not have.
    let call = client
        .get("/")
        .deadline(std::time::Duration::from_millis(200));
    assert_eq!(call.send().await.unwrap_err().kind(), FaultKind::Deadline);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn what_holds_no_certificate_is_refused_when_the_client_is_built() {
    let pem =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    for pem in [String::new(), "no pem".to_owned(), pem("AAAA"), pem("!!!!")] {
        for base_url in ["https://localhost", "http://localhost"] {
            let builder = HttpClient::builder(base_url).extra_root_certificates(&pem);
            let error = builder.build().unwrap_err();
            assert!(
                matches!(error, BuildError::RootCertificates { .. }),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn only_the_named_authorities_are_trusted_if_so_asked() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let server = ours.server(&["localhost"]).await;
    let only = |authority: &Authority| {
        let builder = HttpClient::builder(&base_url(&server));
        let builder = builder.only_root_certificates(authority.pem());
        builder.build().unwrap()
    };
    only(&ours).get("/").send().await.unwrap();
    let fault = only(&theirs).get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Tls);
}

#[tokio::test]
async fn a_client_shows_its_certificate_to_who_asks_for_one() {
    let (ours, clients) = (Authority::new("ours"), Authority::new("clients"));
    let server = ours
        .serve(names(&["localhost"]), &[&TLS13, &TLS12], Some(&clients))
        .await;
    let builder = || HttpClient::builder(&base_url(&server)).only_root_certificates(ours.pem());
    let (chain, key) = clients.client();
    let client = builder().client_certificate(&chain, &key).build().unwrap();
    client.get("/").send().await.unwrap();
    assert_eq!(server.requests().len(), 1);

    let (chain, key) = Authority::new("strangers").client();
    let stranger = builder().client_certificate(&chain, &key);
    for builder in [builder(), stranger] {
        let client = builder.build().unwrap();
        client.post("/").send().await.unwrap_err();
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_refused_when_the_client_is_built() {
    let authority = Authority::new("clients");
    let (chain, key) = authority.client();
    let (other_chain, _) = authority.client();
    let planted = Secret::from("s3cr3t");
    for (chain, key) in [
        (other_chain.as_str(), &key),
        ("", &key),
        ("-----BEGIN CERTIFICATE-----", &key),
        (chain.as_str(), &planted),
        (chain.as_str(), &Secret::from(chain.as_str())),
    ] {
        let builder = HttpClient::builder("https://localhost");
        let builder = builder.client_certificate(chain, key);
        assert!(!format!("{builder:?}").contains("s3cr3t"));
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, BuildError::ClientCertificate { .. }),
            "{error}"
        );
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_too_old_a_version_is_refused() {
    let authority = Authority::new("ours");
    let server = authority
        .serve(names(&["localhost"]), &[&TLS12], None)
        .await;
    let builder =
        || HttpClient::builder(&base_url(&server)).only_root_certificates(authority.pem());
    builder().build().unwrap().get("/").send().await.unwrap();
    let strict = builder()
        .min_tls_version(TlsVersion::Tls13)
        .build()
        .unwrap();
    let fault = strict.get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Tls);
    assert_eq!(server.requests().len(), 1);
}

/// Expired, for another name, of an authority that nobody knows.
#[tokio::test]
async fn danger_alone_skips_the_check() {
    let authority = Authority::new("theirs");
    let mut params = names(&["other.test"]);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let server = authority.server_of(params).await;
    let builder = || HttpClient::builder(&base_url(&server));
    let client = builder().build().unwrap();
    let fault = client.get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Tls);
    let client = danger::accept_any_certificate(builder()).build().unwrap();
    client.get("/").send().await.unwrap();
    // It still has to hold the key of what it shows.
    let plain = FaultServer::start([ok("{}")]).await;
    let builder = HttpClient::builder(&base_url(&plain));
    let client = danger::accept_any_certificate(builder).build().unwrap();
    let call = client
        .get("/")
        .deadline(std::time::Duration::from_millis(50));
    call.send().await.unwrap_err();
}
