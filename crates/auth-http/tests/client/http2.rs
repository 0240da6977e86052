//! HTTP/2, with a server of the same stack.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_http::{FaultKind, HttpClient, HttpClientBuilder, RequestBody, RetryPolicy};
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::tls::{Authority, names};

/// Answers with what it got; `/stall` never, `/fail` by giving the stream up, and `/long`, for HEAD,
/// with a length.
struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<(Version, String)>,
}

impl Server {
    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Seen>>::default();
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let (tls, seen) = (tls.clone(), Arc::clone(&shared));
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, seen).await,
                        Some(tls) => serve(tls.accept(stream).await.unwrap(), seen).await,
                    }
                });
            }
        });
        Self {
            port,
            seen,
            _tasks: tasks,
        }
    }

    /// One that offers these protocols over TLS, and a client that trusts it.
    async fn over_tls(protocols: &[&str]) -> (Self, HttpClientBuilder) {
        let authority = Authority::new("ours");
        let mut config = authority.config(names(&["localhost"]), &[&TLS13, &TLS12], None);
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        let server = Self::start(Some(TlsAcceptor::from(Arc::new(config)))).await;
        let builder = HttpClient::builder(&format!("https://localhost:{}", server.port));
        (server, builder.only_root_certificates(authority.pem()))
    }

    fn plain_client(&self) -> HttpClient {
        let builder = HttpClient::builder(&format!("http://127.0.0.1:{}", self.port));
        builder.http2_only().build().unwrap()
    }

    fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests.len()
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    seen: Arc<Mutex<Seen>>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        let version = request.version();
        seen.lock().unwrap().requests.push((version, path.clone()));
        async move {
            match path.as_str() {
                "/stall" => std::future::pending().await,
                "/fail" => Err(io::Error::other("no")),
                "/long" => {
                    let builder = Response::builder().header(CONTENT_LENGTH, "10000000");
                    builder.body(Full::default()).map_err(io::Error::other)
                }
                _ => {
                    let body = request.into_body().collect().await;
                    let body = body.map_err(io::Error::other)?.to_bytes();
                    Ok(Response::new(Full::new(body)))
                }
            }
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(TokioIo::new(stream), service);
    let _ = served.await;
}

#[tokio::test]
async fn over_tls_both_sides_agree_on_a_version() {
    type Setting = fn(HttpClientBuilder) -> HttpClientBuilder;
    let (default, http1): (Setting, Setting) = (|it| it, HttpClientBuilder::http1_only);
    let http2: Setting = HttpClientBuilder::http2_only;
    for (protocols, setting, version) in [
        (&["h2", "http/1.1"][..], default, Some(Version::HTTP_2)),
        (&["http/1.1"], default, Some(Version::HTTP_11)),
        (&[], default, Some(Version::HTTP_11)),
        (&["h2", "http/1.1"], http1, Some(Version::HTTP_11)),
        (&["h2", "http/1.1"], http2, Some(Version::HTTP_2)),
        (&["http/1.1"], http2, None),
    ] {
        let (server, builder) = Server::over_tls(protocols).await;
        let client = setting(builder).build().unwrap();
        let outcome = client.post("/").json(&[1, 2]).send().await;
        let spoken = server.seen.lock().unwrap().requests.first().map(|it| it.0);
        assert_eq!(spoken, version, "{protocols:?}");
        assert_eq!(outcome.is_ok(), version.is_some());
    }
}

#[tokio::test]
async fn all_calls_share_one_connection() {
    let server = Server::start(None).await;
    let client = server.plain_client();
    client.get("/").send().await.unwrap();
    let mut calls = JoinSet::new();
    for number in 0..100_u32 {
        let call = client.post("/{n}").segment("n", &number.to_string());
        calls.spawn(async move { (number, call.json(&number).send().await.unwrap()) });
    }
    while let Some(call) = calls.join_next().await {
        let (number, answer) = call.unwrap();
        assert_eq!(answer.json::<u32>().unwrap(), number);
    }
    assert_eq!((server.connections(), server.requests()), (1, 101));
}

/// There a call that hangs keeps a stream and no connection.
#[tokio::test]
async fn a_bound_on_connections_holds_no_call_back() {
    for (protocols, spoken) in [(["h2"], Version::HTTP_2), (["http/1.1"], Version::HTTP_11)] {
        let (server, builder) = Server::over_tls(&protocols).await;
        let client = builder.max_connections_per_origin(2).build().unwrap();
        let stalled = tokio::spawn(client.get("/stall").send());
        let mut calls = JoinSet::new();
        for _ in 0..50 {
            calls.spawn(client.get("/").send());
        }
        while let Some(call) = calls.join_next().await {
            call.unwrap().unwrap();
        }
        assert_eq!(server.requests(), 51);
        assert!(server.connections() <= 2);
        assert_eq!(server.seen.lock().unwrap().requests[0].0, spoken);
        stalled.abort();
    }
}

#[tokio::test]
async fn bodies_are_streamed_both_ways() {
    let server = Server::start(None).await;
    let piece = Bytes::from(vec![b'x'; 10_000]);
    let pieces = stream::iter((0..100).map(move |_| Ok::<_, Infallible>(piece.clone())));
    let call = server.plain_client().put("/");
    let call = call.body("text/plain", RequestBody::stream(pieces));
    let mut answer = call.send_streaming().await.unwrap();
    let mut read = 0;
    while let Some(piece) = answer.chunk().await.unwrap() {
        read += piece.len();
    }
    assert_eq!(read, 1_000_000);
}

/// Whoever gives a stream up may have acted on it.
#[tokio::test]
async fn a_stream_that_the_server_gives_up_is_sent_again_only_if_idempotent() {
    let server = Server::start(None).await;
    let client = server.plain_client();
    let fault = client.post("/fail").send().await.unwrap_err();
    assert_eq!((fault.kind(), server.requests()), (FaultKind::Send, 1));
    assert!(fault.is_transient());
    client.get("/fail").send().await.unwrap_err();
    assert_eq!(server.requests(), 4);
    // The connection is as good as before.
    client.get("/").send().await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_however_long_it_says_that_would_be() {
    let server = Server::start(None).await;
    let call = server.plain_client().request(Method::HEAD, "/long");
    let answer = call.clone().send().await.unwrap();
    assert_eq!(answer.header("content-length"), Some("10000000"));
    assert!(answer.body().is_empty());
    let mut answer = call.send_streaming().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap(), None);
}

/// The stack takes the stream's end for that of the body, because the server names no error.
#[tokio::test]
async fn a_body_that_is_shorter_than_was_announced_broke_off() {
    for (sent, is_whole) in [("hello", false), ("", false), ("helloworld", true)] {
        for streaming in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                give_up_after(sent, &mut stream).await;
                // Until the client hangs up.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
            let builder = HttpClient::builder(&url).http2_only();
            let client = builder.build().unwrap();
            let call = client.get("/");
            let body = match streaming {
                false => call.send().await.map(|answer| answer.body().to_vec()),
                true => {
                    let mut answer = call.send_streaming().await.unwrap();
                    let mut body = Vec::new();
                    loop {
                        match answer.chunk().await {
                            Ok(Some(piece)) => body.extend_from_slice(&piece),
                            Ok(None) => break Ok(body),
                            Err(fault) => break Err(fault),
                        }
                    }
                }
            };
            match is_whole {
                true => assert_eq!(body.unwrap(), sent.as_bytes()),
                false => {
                    let fault = body.unwrap_err();
                    assert_eq!(fault.kind(), FaultKind::Receive, "{fault}");
                    assert!(fault.to_string().ends_with("broke off in its body"));
                }
            }
            server.abort();
        }
    }
}

/// Announces a body of ten bytes, sends this much of it, and gives the stream up without an error
/// (RFC 9113 §6.4).
async fn give_up_after(sent: &str, stream: &mut TcpStream) {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const SETTINGS: u8 = 4;
    const END_HEADERS: u8 = 4;
    fn frame(kind: u8, flags: u8, id: u8, payload: &[u8]) -> Vec<u8> {
        let head = [0, 0, payload.len() as u8, kind, flags, 0, 0, 0, id];
        [&head, payload].concat()
    }
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream.read_exact(&mut [0; PREFACE.len()]).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).await.unwrap();
        if kind == HEADERS {
            break;
        }
    }
    // `:status: 200`, and `content-length: 10` (RFC 7541 §6, appendix A).
    let headers = [0x88, 0x0f, 0x0d, 2, b'1', b'0'];
    let answer = [
        frame(HEADERS, END_HEADERS, 1, &headers),
        frame(DATA, 0, 1, sent.as_bytes()),
        frame(RESET, 0, 1, &[0; 4]),
    ];
    stream.write_all(&answer.concat()).await.unwrap();
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test]
async fn a_call_that_ends_at_its_deadline_leaves_the_connection_to_the_others() {
    let server = Server::start(None).await;
    let client = server.plain_client();
    client.get("/").send().await.unwrap();
    let call = client.get("/stall").deadline(Duration::from_millis(50));
    let fault = call.send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Deadline);
    client.get("/").send().await.unwrap();
    assert_eq!(server.connections(), 1);
}

/// Nobody closes it and nobody resets it: only the unanswered ping tells.
#[tokio::test]
async fn a_connection_whose_peer_went_silent_is_given_up_and_replaced() {
    let server = Server::start(None).await;
    let line = Line::to(server.port).await;
    let client = line.client();
    client.get("/").send().await.unwrap();
    line.cut().await;

    // From here on nothing happens on the line, and time goes by as fast as it may.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let fault = client.post("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Send);
    assert!(fault.is_transient(), "it may go better on another one");
    let after = begun.elapsed();
    assert!((PING..3 * PING).contains(&after), "{after:?}");
    tokio::time::resume();

    client.post("/").send().await.unwrap();
    assert_eq!((server.connections(), server.requests()), (2, 2));
}

/// The counterpart: who answers pings may take as long as the deadline allows.
#[tokio::test]
async fn a_peer_that_is_slow_and_answers_pings_is_waited_for() {
    let server = Server::start(None).await;
    let line = Line::to(server.port).await;
    let client = line.client();
    client.get("/").send().await.unwrap();

    let call = client.get("/stall").deadline(10 * PING);
    let call = tokio::spawn(call.send());
    while server.requests() < 2 {
        tokio::task::yield_now().await;
    }
    // As long as there is always a task to run, time stands still unless it is told to go on: so
    // slowly that a ping is answered long before its time is up.
    tokio::time::pause();
    let before = line.answered();
    for _ in 0..900 {
        tokio::time::advance(PING / 100).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert!(!call.is_finished(), "it was given up");
    let pings = line.answered() - before;
    assert!((6..=9).contains(&pings), "{pings} pings were answered");
    tokio::time::advance(2 * PING).await;
    let fault = call.await.unwrap().unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Deadline);
    assert_eq!(server.connections(), 1);
}

/// As often as the client asks, and as long as it waits for the answer.
const PING: Duration = Duration::from_secs(10);

/// What lies between a client and a server, and can fall silent.
struct Line {
    port: u16,
    /// How often it was cut.
    cuts: watch::Sender<usize>,
    silent: Arc<Notify>,
    answered: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Line {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = watch::Sender::new(0);
        let (silent, answered) = (Arc::<Notify>::default(), Arc::<AtomicUsize>::default());
        let mut tasks = JoinSet::new();
        let shared = (cuts.clone(), Arc::clone(&silent), Arc::clone(&answered));
        tasks.spawn(async move {
            let (cuts, silent, answered) = shared;
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let (mut cut, silent) = (cuts.subscribe(), Arc::clone(&silent));
                let answered = Arc::clone(&answered);
                connections.spawn(async move {
                    let carrying = carry(near, far, &answered);
                    tokio::pin!(carrying);
                    tokio::select! {
                        () = &mut carrying => {}
                        // Both ends stay open.
                        _ = cut.changed() => {
                            silent.notify_one();
                            std::future::pending().await
                        }
                    }
                });
            }
        });
        Self {
            port,
            cuts,
            silent,
            answered,
            _tasks: tasks,
        }
    }

    fn client(&self) -> HttpClient {
        let builder = HttpClient::builder(&format!("http://127.0.0.1:{}", self.port));
        let builder = builder.http2_only().deadline(100 * PING);
        builder.retry(RetryPolicy::never()).build().unwrap()
    }

    /// How often something came back from the server.
    fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Returns when the one connection there is carries nothing any more.
    async fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
        self.silent.notified().await;
    }
}

/// Carries bytes to and fro until one end closes.
async fn carry(mut near: TcpStream, mut far: TcpStream, answered: &AtomicUsize) {
    let (mut there, mut back) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = near.read(&mut there) => match read.unwrap() {
                0 => return,
                read => far.write_all(&there[..read]).await.unwrap(),
            },
            read = far.read(&mut back) => match read.unwrap() {
                0 => return,
                read => {
                    answered.fetch_add(1, Ordering::SeqCst);
                    near.write_all(&back[..read]).await.unwrap();
                }
            },
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_gone_is_replaced() {
    let server = Server::start(None).await;
    let client = server.plain_client();
    client.get("/").send().await.unwrap();
    let Server { port, _tasks, .. } = server;
    drop(_tasks);
    while client.post("/").send().await.is_ok() {}
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::default()));
        }
    });
    client.post("/").send().await.unwrap();
}
