use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use hyper::body::{Body, Frame, SizeHint};

use crate::fault::BoxError;

/// What a request carries: bytes that are there, or a stream of them.
///
/// A request of bytes can be sent again where that is allowed. One of a stream can as long as
/// nothing of the stream was read. Clones share the stream: of several calls with it the one that
/// reads first sends it, and the others fail.
///
/// Printed, it shows its length and nothing of what it holds.
///
/// # Example: a file that is never whole in memory
///
/// ```no_run
/// use auth_http::{HttpClient, RequestBody};
/// use bytes::Bytes;
/// use futures_util::stream;
/// use tokio::fs::File;
/// use tokio::io::AsyncReadExt;
///
/// # async fn run(client: HttpClient) -> Result<(), Box<dyn std::error::Error>> {
/// let file = File::open("report.pdf").await?;
/// let length = file.metadata().await?.len();
/// let pieces = stream::try_unfold(file, |mut file| async move {
///     let mut piece = Vec::with_capacity(64 * 1024);
///     let read = file.read_buf(&mut piece).await?;
///     Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
/// });
/// let body = RequestBody::stream(pieces).with_length(length);
/// client.put("/files/report").body("application/pdf", body).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RequestBody(pub(crate) Payload);

#[derive(Clone)]
pub(crate) enum Payload {
    Whole(Bytes),
    Streamed(Streamed),
}

impl RequestBody {
    /// Takes a stream of pieces. Its length is not announced, unless
    /// [`with_length`](Self::with_length) tells it. A piece that is an error ends the call.
    pub fn stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let stream = stream.map(|piece| piece.map_err(Into::into)).fuse();
        Self(Payload::Streamed(Streamed {
            source: Arc::new(Mutex::new(Source {
                stream: Box::pin(stream),
                readers: 0,
                reader: None,
                read: 0,
                last: None,
            })),
            length: None,
        }))
    }

    /// Announces how many bytes a stream has. One that turns out to have more or fewer ends the
    /// call. What is there as bytes has its length already.
    #[must_use]
    pub fn with_length(mut self, length: u64) -> Self {
        if let Payload::Streamed(streamed) = &mut self.0 {
            streamed.length = Some(length);
        }
        self
    }
}

impl Payload {
    /// How many bytes it has, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Streamed(streamed) => streamed.length,
        }
    }

    /// How many bytes were sent, or will be.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Streamed(streamed) => streamed.lock().read,
        }
    }

    pub(crate) fn can_be_sent(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Streamed(streamed) => streamed.lock().reader.is_none(),
        }
    }

    /// A body to send, and what it shares with who sends it.
    pub(crate) fn outgoing(&self) -> (Outgoing, Arc<Sending>) {
        let content = match self {
            Self::Whole(bytes) => Content::Whole(bytes.clone()),
            Self::Streamed(streamed) => Content::Streamed(streamed.reader()),
        };
        let sending = Arc::new(Sending {
            content,
            begun: AtomicBool::new(false),
        });
        let outgoing = Outgoing {
            sending: Arc::clone(&sending),
            handed_out: false,
        };
        (outgoing, sending)
    }

    /// The pieces it consists of, for who puts it among others.
    pub(crate) fn into_pieces(self) -> Pieces {
        match self {
            Self::Whole(bytes) => Box::pin(futures_util::stream::iter([Ok(bytes)])),
            Self::Streamed(streamed) => {
                let reader = streamed.reader();
                Box::pin(futures_util::stream::poll_fn(move |cx| reader.poll(cx)))
            }
        }
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self(Payload::Whole(bytes))
    }
}

impl From<Vec<u8>> for RequestBody {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for RequestBody {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for RequestBody {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("length", &self.0.length())
            .finish_non_exhaustive()
    }
}

/// A stream that all attempts of a call share, so that one which never read of it leaves it to the
/// next.
#[derive(Clone)]
pub(crate) struct Streamed {
    source: Arc<Mutex<Source>>,
    length: Option<u64>,
}

struct Source {
    stream: Pieces,
    /// How many may have read it.
    readers: u64,
    /// Who did, and alone may go on.
    reader: Option<u64>,
    read: u64,
    /// The piece that completes the announced length.
    last: Option<Bytes>,
}

/// One of those who may read a stream. Of several the first to do so gets all of it: two would take
/// each other's pieces, and one would wait for what the other was woken for.
struct Reader {
    streamed: Streamed,
    number: u64,
}

pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

impl Streamed {
    fn reader(&self) -> Reader {
        let mut source = self.lock();
        source.readers += 1;
        Reader {
            streamed: self.clone(),
            number: source.readers,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let mut source = self.streamed.lock();
        if *source.reader.get_or_insert(self.number) != self.number {
            return Poll::Ready(Some(Err(BodyFailed::boxed(READ_BY_ANOTHER, None))));
        }
        loop {
            let Poll::Ready(piece) = source.stream.as_mut().poll_next(cx) else {
                return Poll::Pending;
            };
            let piece = match piece.transpose() {
                Ok(piece) => piece,
                Err(error) => {
                    let what = "the source of the request's body failed";
                    return Poll::Ready(Some(Err(BodyFailed::boxed(what, Some(error)))));
                }
            };
            source.read += piece.as_ref().map_or(0, |piece| piece.len() as u64);
            let Some(length) = self.streamed.length else {
                return Poll::Ready(piece.map(Ok));
            };
            let ended = piece.is_none();
            if source.read > length || (ended && source.read != length) {
                let what = "the request's body is not as long as was announced";
                return Poll::Ready(Some(Err(BodyFailed::boxed(what, None))));
            }
            if ended {
                return Poll::Ready(source.last.take().map(Ok));
            }
            if source.read < length {
                return Poll::Ready(piece.map(Ok));
            }
            // Handed out when the stream has ended: nobody asks for more after it.
            if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
                source.last = Some(piece);
            }
        }
    }
}

pub(crate) const READ_BY_ANOTHER: &str = "the stream of the body was read by another call";

/// Why a stream could not be sent to its end; nothing of it was the server's doing.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct BodyFailed {
    pub(crate) what: &'static str,
    source: Option<BoxError>,
}

impl BodyFailed {
    fn boxed(what: &'static str, source: Option<BoxError>) -> BoxError {
        Self { what, source }.into()
    }
}

/// A body on its way out. The HTTP stack moves it a dozen times a call, so it is small.
pub(crate) struct Outgoing {
    sending: Arc<Sending>,
    /// Whether bytes that were there have been: all of them at once.
    handed_out: bool,
}

/// What is sent, and whether that has begun.
pub(crate) struct Sending {
    content: Content,
    /// Set when a connection asks what there is to send, which it does right before it sends
    /// anything of the request. The HTTP stack has a note of its own, which costs much more.
    begun: AtomicBool,
}

enum Content {
    Whole(Bytes),
    Streamed(Reader),
}

impl Sending {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &self.sending.content {
            Content::Whole(bytes) if self.handed_out || bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => {
                let bytes = bytes.clone();
                self.handed_out = true;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Content::Streamed(body) => body.poll(cx).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.sending.begun.store(true, Ordering::Relaxed);
        match &self.sending.content {
            Content::Whole(bytes) => self.handed_out || bytes.is_empty(),
            // Its end has to be read, to see whether it is as long as was announced.
            Content::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.sending.begun.store(true, Ordering::Relaxed);
        match &self.sending.content {
            Content::Whole(_) if self.handed_out => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Streamed(body) => body
                .streamed
                .length
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Up to there it is moved in place, and beyond by a call each time: a fiftieth of all that a
    /// call costs in our own code and the stack's.
    #[test]
    fn a_request_is_small_enough_to_be_moved() {
        assert!(size_of::<http::Request<Outgoing>>() <= 256);
    }
}
