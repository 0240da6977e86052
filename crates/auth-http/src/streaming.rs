use std::fmt;

use auth_core::CorrelationId;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::body;
use crate::fault::{Fault, FaultKind};
use crate::record::Record;
use crate::response;

/// An answer whose body is read piece by piece.
///
/// The call's deadline holds for all of the body: what takes long needs a
/// [`deadline`](crate::RequestBuilder::deadline) of its own. How long the body is, is not bounded:
/// whoever reads it knows what to do with it. Those who watch are told of the call when the body
/// has ended, or this is dropped.
///
/// Printed, it shows its status, and neither headers nor body.
pub struct StreamingResponse {
    record: Record,
    status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
    /// How long the body is at least.
    announced: u64,
    deadline: Instant,
    ended: bool,
}

impl StreamingResponse {
    pub(crate) fn new(
        record: Record,
        head: http::response::Parts,
        body: Incoming,
        deadline: Instant,
    ) -> Self {
        Self {
            announced: body::announced(&body, &record.line.method, head.status),
            record,
            status: head.status,
            headers: head.headers,
            body,
            deadline,
            ended: false,
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A header's value, or `None` if there is no such header or its value is not visible ASCII;
    /// the first, if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The correlation id of the answer; see
    /// [`Response::correlation_id`](crate::Response::correlation_id).
    pub fn correlation_id(&self) -> Option<CorrelationId> {
        response::correlation_id(&self.headers)
    }

    /// The next piece of the body, or `None` at its end. It may be dropped at any time without
    /// losing a piece.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of kind [`Receive`](FaultKind::Receive) if the body breaks off, or
    /// [`Deadline`](FaultKind::Deadline). There is nothing to be read after one.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        while !self.ended {
            let fault = match timeout_at(self.deadline, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    // What is no data is a trailer, and nobody asks for those.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    self.record.response_bytes += data.len() as u64;
                    // Whoever knows how long it is asks for no more.
                    if self.is_whole() && self.body.is_end_stream() {
                        self.end(None);
                    }
                    return Ok(Some(data));
                }
                Ok(None) if self.is_whole() => {
                    self.end(None);
                    break;
                }
                Ok(None) => Fault::broke_off_in_body(None),
                Ok(Some(Err(error))) => Fault::broke_off_in_body(Some(error)),
                Err(_) => Fault::deadline("reading the answer's body"),
            };
            self.end(Some(fault.kind()));
            return Err(fault
                .with_status(self.status)
                .with_correlation_id(self.correlation_id().as_ref())
                .about(&self.record.line));
        }
        Ok(None)
    }

    fn is_whole(&self) -> bool {
        self.record.response_bytes >= self.announced
    }

    fn end(&mut self, outcome: Option<FaultKind>) {
        self.ended = true;
        self.record.end(outcome);
    }
}

impl fmt::Debug for StreamingResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
