use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a response that passed a layer of this crate: the body of the service inside, or
    /// that of a [`Refusal`](crate::Refusal).
    ///
    /// It is an [`http_body::Body`] where the inner body is one, so a service may answer with any
    /// body: `Full`, `BoxBody`, `axum::body::Body`, `tonic::body::Body`. Frames, trailers, errors
    /// and size hints of the inner body are passed on as they are.
    pub struct GuardedBody<B> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[project = ContentProjection]
    enum Content<B> {
        Inner { #[pin] body: B },
        Refusal { bytes: Option<Bytes> },
    }
}

impl<B> GuardedBody<B> {
    /// The body of the service inside.
    pub(crate) fn inner(body: B) -> Self {
        let content = Content::Inner { body };
        Self { content }
    }

    /// The response of the service inside, with its body in this type.
    pub(crate) fn wrap(response: Response<B>) -> Response<Self> {
        response.map(Self::inner)
    }
}

impl<B> From<Bytes> for GuardedBody<B> {
    fn from(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        let content = Content::Refusal { bytes };
        Self { content }
    }
}

impl<B> Default for GuardedBody<B> {
    /// An empty body.
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").finish_non_exhaustive()
    }
}

impl<B: Body<Data = Bytes>> Body for GuardedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().content.project() {
            ContentProjection::Inner { body } => body.poll_frame(cx),
            ContentProjection::Refusal { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body } => body.is_end_stream(),
            Content::Refusal { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body } => body.size_hint(),
            Content::Refusal { bytes } => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(length as u64)
            }
        }
    }
}
