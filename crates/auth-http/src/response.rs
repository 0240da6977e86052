use std::fmt;

use auth_core::CorrelationId;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::fault::{Fault, FaultKind, RequestLine};

/// An answer, whole: its body has arrived and is within its bound.
///
/// Printed, it shows its status and its length, and neither headers nor body.
#[derive(Clone)]
pub struct Response {
    request: RequestLine,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Response {
    pub(crate) fn new(request: RequestLine, head: http::response::Parts, body: Bytes) -> Self {
        Self {
            request,
            status: head.status,
            headers: head.headers,
            body,
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

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body read as JSON, whatever media type it claims to have.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of kind [`Decode`](FaultKind::Decode) that says whether the body is empty, is
    /// HTML, or where it ceased to be what was expected. It repeats nothing of the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Fault::new(FaultKind::Decode, self.complaint(&error))
                .with_status(self.status)
                .with_correlation_id(self.correlation_id().as_ref())
                .about(&self.request)
        })
    }

    /// The correlation id of the answer: the first usable one of `x-correlation-id`,
    /// `x-request-id`, `correlation-id`, `correlationId`, `x-correlationid` and `request-id`
    /// (contract miso §1.1).
    pub fn correlation_id(&self) -> Option<CorrelationId> {
        correlation_id(&self.headers)
    }

    /// Why the body is not the JSON that was expected. The parser's own words would repeat values.
    fn complaint(&self, error: &serde_json::Error) -> String {
        use serde_json::error::Category;
        let text = self.body.trim_ascii_start();
        if text.is_empty() {
            return "the answer's body is empty where JSON was expected".to_owned();
        }
        let is_html = |media: &str| {
            media
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("text/html")
        };
        if self.header(CONTENT_TYPE.as_str()).is_some_and(is_html) || text.starts_with(b"<") {
            return "the answer's body is HTML where JSON was expected: a proxy or a login page may \
                    have answered"
                .to_owned();
        }
        let what = match error.classify() {
            Category::Data => "is JSON of another shape than expected",
            Category::Eof => "is JSON that breaks off",
            Category::Syntax | Category::Io => "is not JSON",
        };
        let (line, column) = (error.line(), error.column());
        format!("the answer's body {what} (line {line}, column {column})")
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

pub(crate) fn correlation_id(headers: &HeaderMap) -> Option<CorrelationId> {
    RESPONSE_HEADERS
        .into_iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .find_map(CorrelationId::parse)
}

/// Not the order in which a request is asked, and one more spelling (contract miso §1.1).
const RESPONSE_HEADERS: [&str; 6] = [
    "x-correlation-id",
    "x-request-id",
    "correlation-id",
    "correlationid",
    "x-correlationid",
    "request-id",
];
