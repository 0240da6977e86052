//! Certificates of an authority that is made for each test.

use std::error::Error;
use std::sync::Arc;

use auth_http::{BuildError, Fault, FaultKind, HttpClient};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::server::{FaultServer, ok};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server with a certificate for these names.
    async fn server(&self, names: &[&str]) -> FaultServer {
        let names = names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>();
        self.server_of(CertificateParams::new(names).unwrap()).await
    }

    async fn server_of(&self, params: CertificateParams) -> FaultServer {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        FaultServer::start_tls([ok("{}")], TlsAcceptor::from(Arc::new(config))).await
    }
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
                matches!(error, BuildError::ExtraRootCertificates { .. }),
                "{error}"
            );
        }
    }
}
