//! A server on 127.0.0.1 that does what it is told, byte for byte, and remembers what it got.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use auth_http::{HttpClient, HttpClientBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What it does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Writes these bytes, and takes the next request.
    Answer(Vec<u8>),
    /// Writes these bytes, and closes the connection.
    AnswerAndClose(Vec<u8>),
    /// Writes these bytes, and nothing ever after.
    AnswerAndStall(Vec<u8>),
    /// Resets the connection.
    Reset,
}

/// A whole answer of this status line and body.
pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Act {
    let length = format!("content-length: {}", body.len());
    let lines = [&[length.as_str()], headers].concat().join("\r\n");
    Act::Answer(format!("HTTP/1.1 {status}\r\n{lines}\r\n\r\n{body}").into())
}

pub(crate) fn ok(body: &str) -> Act {
    answer("200 OK", &["content-type: application/json"], body)
}

pub(crate) struct FaultServer {
    address: SocketAddr,
    seen: Arc<Seen>,
    closed: watch::Receiver<usize>,
    /// Dropped with the server, and its connections with it.
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    arrived: Notify,
    connections: Mutex<usize>,
}

impl FaultServer {
    /// Does one act per request, in order; the last one for all that follow.
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        Self::listen(acts, None).await
    }

    pub(crate) async fn start_tls(
        acts: impl IntoIterator<Item = Act>,
        acceptor: TlsAcceptor,
    ) -> Self {
        Self::listen(acts, Some(acceptor)).await
    }

    async fn listen(acts: impl IntoIterator<Item = Act>, tls: Option<TlsAcceptor>) -> Self {
        let acts = Arc::new(Mutex::new(acts.into_iter().collect::<VecDeque<_>>()));
        let resets = acts
            .lock()
            .unwrap()
            .iter()
            .any(|act| matches!(act, Act::Reset));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (close, closed) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *shared.connections.lock().unwrap() += 1;
                if resets {
                    stream.set_zero_linger().unwrap();
                }
                let (tls, acts, seen) = (tls.clone(), Arc::clone(&acts), Arc::clone(&shared));
                let close = close.clone();
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, &acts, &seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &acts, &seen).await;
                            }
                        }
                    }
                    close.send_modify(|count| *count += 1);
                });
            }
        });
        Self {
            address,
            seen,
            closed,
            _tasks: tasks,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn builder(&self) -> HttpClientBuilder {
        HttpClient::builder(&self.url())
    }

    pub(crate) fn client(&self) -> HttpClient {
        self.builder().build().unwrap()
    }

    /// What arrived: each request's head, an empty line, and its body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.seen.connections.lock().unwrap()
    }

    /// Returns when so many requests have arrived.
    pub(crate) async fn received(&self, count: usize) {
        while self.requests().len() < count {
            self.seen.arrived.notified().await;
        }
    }

    /// Returns when it has closed its first connection and the client may know.
    pub(crate) async fn closed_one(&mut self) {
        self.closed.wait_for(|count| *count > 0).await.unwrap();
        // The runtime looks at its sockets whenever a task yields to it.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
}

async fn serve<S>(mut stream: S, acts: &Mutex<VecDeque<Act>>, seen: &Seen)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        seen.requests.lock().unwrap().push(request);
        seen.arrived.notify_one();
        let act = {
            let mut acts = acts.lock().unwrap();
            match acts.len() {
                1 => acts[0].clone(),
                _ => acts.pop_front().unwrap(),
            }
        };
        let (Act::Answer(bytes) | Act::AnswerAndClose(bytes) | Act::AnswerAndStall(bytes)) = &act
        else {
            return;
        };
        // A client that has seen enough may be gone by now.
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        match act {
            Act::AnswerAndStall(_) => std::future::pending().await,
            Act::AnswerAndClose(_) => {
                let _ = stream.shutdown().await;
                return;
            }
            _ => {}
        }
    }
}

async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(buffer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = match length {
                Some(length) => length.parse().unwrap(),
                // None of the tests has this within a chunk.
                None if lower.contains("transfer-encoding: chunked") => {
                    body.find("0\r\n\r\n").map_or(usize::MAX, |end| end + 5)
                }
                None => 0,
            };
            if body.len() >= length {
                buffer.drain(..head.len() + 4 + length);
                return Some(text[..head.len() + 4 + length].to_owned());
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
