//! Calls that go through a proxy, to hosts that only the proxy can find.

use std::sync::{Arc, Mutex};

use auth_core::config::Env;
use auth_http::{FaultKind, HttpClient, HttpClientBuilder, ProxySettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::server::{FaultServer, ok};
use crate::tls::Authority;

/// Connects whoever asks to the port they name, on this machine, whatever the host. Or says so.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    async fn start(refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let mut tasks = JoinSet::new();
        let seen = Arc::clone(&heads);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(tunnel(stream, refusal, Arc::clone(&seen)));
            }
        });
        Self {
            port,
            heads,
            _tasks: tasks,
        }
    }

    fn settings(&self, credentials: &str) -> ProxySettings {
        settings(&format!("http://{credentials}127.0.0.1:{}", self.port))
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(mut stream: TcpStream, refusal: Option<&str>, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let port = head.split([' ', ':']).nth(2).unwrap().to_owned();
    heads.lock().unwrap().push(head);
    match refusal {
        Some(refusal) => stream.write_all(refusal.as_bytes()).await.unwrap(),
        None => {
            let server = TcpStream::connect(format!("127.0.0.1:{port}")).await;
            let mut server = server.unwrap();
            let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
            stream.write_all(established).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
    }
}

fn settings(url: &str) -> ProxySettings {
    ProxySettings::from_env(&Env::from_pairs([("ALL_PROXY", url)])).unwrap()
}

/// A server that has no address anywhere, and a client of it.
async fn hidden() -> (FaultServer, HttpClientBuilder) {
    let authority = Authority::new("ours");
    let server = authority.server(&["hidden.test"]).await;
    let builder = HttpClient::builder(&format!("https://hidden.test:{}", server.port()));
    (server, builder.only_root_certificates(authority.pem()))
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_is_checked_by_the_servers_name() {
    let proxy = Proxy::start(None).await;
    let (server, builder) = hidden().await;
    let client = builder.proxy(proxy.settings("user:pass@")).build().unwrap();
    for _ in 0..3 {
        let call = client.get("/orders").bearer(&"s3cr3t".into());
        call.send().await.unwrap();
    }
    let port = server.port();
    let expected = format!(
        "CONNECT hidden.test:{port} HTTP/1.1\r\nHost: hidden.test:{port}\r\n\
         Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n"
    );
    // Once for all three, and nothing of them.
    assert_eq!(proxy.heads(), [expected]);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[0].starts_with("GET /orders HTTP/1.1\r\n"));
    assert!(!requests.concat().to_lowercase().contains("proxy"));
}

/// A tunnel could lead anywhere.
#[tokio::test]
async fn a_proxy_that_leads_elsewhere_is_noticed() {
    let proxy = Proxy::start(None).await;
    let (server, _) = hidden().await;
    let builder = HttpClient::builder(&format!("https://hidden.test:{}", server.port()));
    let builder = builder.only_root_certificates(Authority::new("another").pem());
    let client = builder.proxy(proxy.settings("")).build().unwrap();
    let fault = client.get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Tls);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn plain_http_is_handed_to_the_proxy_with_the_whole_url() {
    let proxy = FaultServer::start([ok("{}")]).await;
    let url = format!("http://user:pass@127.0.0.1:{}", proxy.port());
    let client = HttpClient::builder("http://hidden.test:8080/base")
        .allow_plain_http("hidden.test")
        .proxy(settings(&url))
        .build()
        .unwrap();
    client.get("/orders").query("q", "1").send().await.unwrap();
    let request = &proxy.requests()[0];
    let line = "GET http://hidden.test:8080/base/orders?q=1 HTTP/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    assert!(request.contains("\r\nhost: hidden.test:8080\r\n"));
    assert!(request.contains("\r\nproxy-authorization: Basic dXNlcjpwYXNz\r\n"));
}

#[tokio::test]
async fn loopback_is_called_directly() {
    let proxy = Proxy::start(None).await;
    let server = FaultServer::start([ok("{}")]).await;
    let builder = server.builder().proxy(proxy.settings("user:pass@"));
    builder.build().unwrap().get("/").send().await.unwrap();
    assert!(!server.requests()[0].contains("proxy"));
    assert_eq!(proxy.heads().len(), 0);
}

#[tokio::test]
async fn a_proxy_that_does_not_let_us_through_is_told_from_a_server_that_is_away() {
    let refused = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://s3cr3t:s3cr3t@{}", listener.local_addr().unwrap());
    drop(listener);
    let unwilling = Proxy::start(Some(refused)).await;
    let unable = Proxy::start(Some("HTTP/1.1 502 Bad Gateway\r\n\r\n")).await;
    for (settings, what, transient) in [
        (
            unwilling.settings("s3cr3t@"),
            "the proxy does not accept our credentials",
            false,
        ),
        (
            unable.settings("s3cr3t@"),
            "the proxy did not connect to the server",
            true,
        ),
        (settings(&nobody), "connecting to the proxy failed", true),
    ] {
        let (server, builder) = hidden().await;
        let client = builder.proxy(settings).build().unwrap();
        let fault = client.post("/orders").send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Connect);
        assert_eq!(fault.to_string(), format!("POST /orders: {what}"));
        assert_eq!(fault.is_transient(), transient, "{what}");
        let mut next: Option<&dyn std::error::Error> = Some(&fault);
        while let Some(error) = next {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("s3cr3t"), "{text}");
            assert!(!text.contains("czNjcjN0"), "{text}");
            next = error.source();
        }
        assert_eq!(server.connections(), 0);
    }
    assert_eq!(unwilling.heads().len(), 1, "it is not asked again");
}
