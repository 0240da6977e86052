use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::connect::IDLE;
use crate::connections::Place;

/// A connection that notes whether an answer to what was last written has begun, and says so if it
/// then breaks off in its headers; and that ends when the server takes nothing of what is sent.
///
/// When a connection fails, the HTTP stack cannot say whether the server had begun to answer; and
/// what has been answered must not be sent again. So the bytes are watched, above TLS, where only
/// HTTP passes. The stack would carry a note of ours from the connection to every answer, which
/// costs more than to look for the end of the headers here.
pub(crate) struct Watched<S> {
    stream: S,
    how: How,
    answer: Answer,
    /// Runs while the server takes nothing of what there is to send.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Given back with the connection.
    _place: Option<Place>,
}

/// What the pool has to know of a connection.
#[derive(Clone, Copy)]
pub(crate) struct How {
    /// Whether it ends at a proxy that has to be told where each request goes.
    pub(crate) proxied: bool,
    /// Whether HTTP/2 is spoken on it though that was not negotiated.
    pub(crate) http2: bool,
}

/// How far an answer of HTTP/1.1 has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    None,
    Head(Head),
    /// Its headers are complete, or this is none of our business.
    Past,
}

/// The part of the headers that has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    length: usize,
    last_four: u32,
    /// Whether the status is 1xx, after which another one follows.
    is_interim: bool,
}

impl Answer {
    fn read(&mut self, bytes: &[u8]) {
        *self = match *self {
            Self::Past => return,
            // Nothing but empty lines is no answer yet.
            Self::None if bytes.iter().all(is_line_end) => return,
            Self::None if is_whole(bytes) => Self::Past,
            Self::None => Head::default().read(bytes),
            Self::Head(head) => head.read(bytes),
        };
    }
}

/// What mostly comes: all headers at once, of an answer that is final.
fn is_whole(bytes: &[u8]) -> bool {
    bytes.starts_with(HTTP)
        && bytes.get(STATUS).is_some_and(|digit| *digit != b'1')
        && bytes.windows(4).any(|four| four == b"\r\n\r\n")
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

impl Head {
    fn read(mut self, bytes: &[u8]) -> Answer {
        for &byte in bytes {
            // Empty lines before an answer are skipped by the stack too (RFC 9112 §2.2).
            if self.length == 0 && is_line_end(&byte) {
                continue;
            }
            if HTTP.get(self.length).is_some_and(|it| *it != byte) {
                // No headers, so it belongs to a body: of an answer that did not wait for ours.
                return Answer::Past;
            }
            if self.length == STATUS {
                self.is_interim = byte == b'1';
            }
            self.length += 1;
            self.last_four = self.last_four << 8 | u32::from(byte);
            // The stack takes a bare line feed for the end of a line too.
            if self.last_four == u32::from_be_bytes(*b"\r\n\r\n")
                || self.last_four as u16 == u16::from_be_bytes(*b"\n\n")
            {
                if !self.is_interim {
                    return Answer::Past;
                }
                self = Self::default();
            }
        }
        Answer::Head(self)
    }
}

const HTTP: &[u8] = b"HTTP/";
/// Where the status begins in `HTTP/1.1 200`.
const STATUS: usize = 9;

/// The connection ended or failed when an answer had begun, and before its headers were complete.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct AnswerBroke(#[source] Option<io::Error>);

impl<S: Connection> Watched<S> {
    pub(crate) fn new(stream: S, mut how: How, place: Option<Place>) -> Self {
        how.http2 |= stream.connected().is_negotiated_h2();
        Self {
            stream,
            how,
            answer: match how.http2 {
                true => Answer::Past,
                false => Answer::None,
            },
            stalled: None,
            _place: place,
        }
    }
}

impl<S> Watched<S> {
    /// What comes after bytes of a request answers it, unless an answer is coming already: to a
    /// request that is still being written.
    fn wrote(&mut self, accepted: io::Result<usize>) -> io::Result<usize> {
        let written = accepted.map_err(|error| self.failed(error))?;
        if written > 0 && !self.how.http2 && self.answer == Answer::Past {
            self.answer = Answer::None;
        }
        Ok(written)
    }

    /// What there is to send is not offered without end: the stack does so also when the call has
    /// been given up, and would keep the connection and the request's body as long as the server
    /// likes.
    fn in_time<T>(
        &mut self,
        moved: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.stalled = None;
            return moved;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(IDLE)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Whichever side of the connection notices first that it is gone.
    fn failed(&self, error: io::Error) -> io::Error {
        match self.answer {
            Answer::Head(_) => io::Error::other(AnswerBroke(Some(error))),
            _ => error,
        }
    }
}

impl<S: Connection> Connection for Watched<S> {
    fn connected(&self) -> Connected {
        // Addresses, which the stack would copy into each answer, are left out.
        let connected = Connected::new().proxy(self.how.proxied);
        match self.how.http2 {
            true => connected.negotiated_h2(),
            false => connected,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let new = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(match (read, self.answer) {
            (Err(error), _) => Err(self.failed(error)),
            // The end of the stream is read as nothing at all.
            (Ok(()), Answer::Head(_)) if new.is_empty() && buffer.remaining() > 0 => {
                Err(io::Error::other(AnswerBroke(None)))
            }
            (Ok(()), _) if !new.is_empty() => {
                self.answer.read(new);
                Ok(())
            }
            (Ok(()), _) => Ok(()),
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let accepted = Pin::new(&mut self.stream).poll_write(cx, bytes);
        let accepted = ready!(self.in_time(accepted, cx));
        Poll::Ready(self.wrote(accepted))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        let flushed = ready!(self.in_time(flushed, cx));
        Poll::Ready(flushed.map_err(|error| self.failed(error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.in_time(done, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let accepted = Pin::new(&mut self.stream).poll_write_vectored(cx, buffers);
        let accepted = ready!(self.in_time(accepted, cx));
        Poll::Ready(self.wrote(accepted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte by byte, and all at once, it comes to the same.
    #[track_caller]
    fn check(text: &str, is_past: bool) {
        let (mut slowly, mut at_once) = (Answer::None, Answer::None);
        for byte in text.bytes() {
            slowly.read(&[byte]);
        }
        at_once.read(text.as_bytes());
        for answer in [slowly, at_once] {
            assert_eq!(answer == Answer::Past, is_past, "{text:?}: {answer:?}");
        }
    }

    #[test]
    fn an_answer_has_begun_until_its_headers_are_complete() {
        check("H", false);
        check("HTTP/1.1 200 OK\r\na: b\r\n", false);
        check("HTTP/1.1 200 OK\r\na: b\r\n\r\n", true);
        check("HTTP/1.1 200 OK\na: b\n\n", true);
        check("HTTP/1.1 200 OK\r\n\r\nHTTP/", true);
        check("HTTP/1.1 100 Continue\r\n\r\n", false);
        check("HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\n", false);
        check("HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", true);
        check("\r\n\r\nHTTP/1.1 200 OK\r\n", false);
        check("\r\nHTTP/1.1 200 OK\r\n\r\n", true);
        check("\nHTTP/1.1 103 X\r\n\r\n\r\nHTTP/1.1 200 OK\r\n", false);
        // The body of an answer that came while ours was still being written.
        check("<html>", true);
    }
}
