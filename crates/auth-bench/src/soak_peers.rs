//! Whom the [soak](crate::soak) talks to, and what goes wrong with them.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::anyhow;
use auth_testkit::RedisServer;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime::Builder;

/// A server on 127.0.0.1 that resets some connections instead of answering, and says of some requests
/// that it is unavailable. It runs in a thread of its own until the process ends.
pub(crate) struct Unreliable {
    port: u16,
}

impl Unreliable {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || runtime.block_on(accept(listener)));
        Ok(Self { port })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn accept(listener: TcpListener) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let asked = Arc::new(AtomicU64::new(0));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // Whatever it closes, it resets.
        stream.set_zero_linger()?;
        let asked = Arc::clone(&asked);
        let service = service_fn(move |request: Request<Incoming>| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                request
                    .into_body()
                    .collect()
                    .await
                    .map_err(io::Error::other)?;
                let mut answer = Response::new(Full::new(Bytes::from_static(br#"{"id":1}"#)));
                if number.is_multiple_of(RESET) {
                    return Err(io::Error::other("no answer"));
                }
                if number.is_multiple_of(UNAVAILABLE) {
                    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                }
                Ok(answer)
            }
        });
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // Its end is part of the plan.
            let _ = connection.await;
        });
    }
}

/// A thread that kills a Redis and brings it back, again and again.
pub(crate) struct Mistreating {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

/// Lets the server live so long each time, and be away for a quarter of that.
pub(crate) fn mistreat(mut server: RedisServer, life: Duration) -> Mistreating {
    let (end, ended) = channel();
    let thread = thread::spawn(move || {
        let goes_on = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        while goes_on(life) {
            server.stop();
            if !goes_on(life / 4) {
                return;
            }
            server.restart_on_same_port();
        }
    });
    Mistreating { end, thread }
}

impl Mistreating {
    /// Returns when the server is gone for good.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        drop(self.end);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow!("redis-server did not come back"))
    }
}

const RESET: u64 = 97;
const UNAVAILABLE: u64 = 61;
