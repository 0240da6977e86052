use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that notes whether an answer to what was last written has begun.
///
/// When a connection fails, the HTTP stack cannot say whether the server had begun to answer; and
/// what has been answered must not be sent again. So the bytes are watched, above TLS, where only
/// HTTP passes.
pub(crate) struct Watched<S> {
    stream: S,
    answer: AnswerBegan,
    how: How,
}

/// What the pool has to know of a connection.
#[derive(Clone, Copy)]
pub(crate) struct How {
    /// Whether it ends at a proxy that has to be told where each request goes.
    pub(crate) proxied: bool,
    /// Whether HTTP/2 is spoken on it though that was not negotiated.
    pub(crate) http2: bool,
}

/// The note; it travels with the errors of the connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct AnswerBegan(Arc<AtomicBool>);

impl AnswerBegan {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, began: bool) {
        self.0.store(began, Ordering::Relaxed);
    }
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, how: How) -> Self {
        Self {
            stream,
            how,
            answer: AnswerBegan::default(),
        }
    }
}

impl<S: Connection> Connection for Watched<S> {
    fn connected(&self) -> Connected {
        // Addresses, which the stack would copy into each answer, are left out.
        let connected = Connected::new().proxy(self.how.proxied);
        let negotiated = || self.stream.connected().is_negotiated_h2();
        let connected = match self.how.http2 || negotiated() {
            true => connected.negotiated_h2(),
            false => connected,
        };
        connected.extra(self.answer.clone())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        // The end of the stream is read too, as nothing at all; that is no answer.
        if buffer.filled().len() > before {
            self.answer.set(true);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answer.set(false);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.answer.set(false);
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }
}
