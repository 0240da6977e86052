use std::sync::Arc;
use std::time::Duration;

use auth_core::CorrelationId;
use http::StatusCode;
use tokio::time::Instant;

use crate::client::HttpClient;
use crate::fault::{FaultKind, RequestLine};
use crate::observer::{self, Exchange};
use crate::payload::Payload;
use crate::request::RequestBuilder;

/// What is known of a call while it runs. When it ends, however it does, those who watch are told:
/// also when its future is dropped, for the server may have acted by then.
pub(crate) struct Record {
    pub(crate) client: HttpClient,
    pub(crate) line: RequestLine,
    pub(crate) correlation_id: Option<CorrelationId>,
    start: Instant,
    /// The path that was asked for, below the origin's prefix.
    pub(crate) path: Option<Arc<str>>,
    pub(crate) origin: usize,
    pub(crate) attempts: u32,
    status: Option<StatusCode>,
    answered_after: Option<Duration>,
    payload: Payload,
    pub(crate) response_bytes: u64,
    outcome: Option<FaultKind>,
}

impl Record {
    pub(crate) fn begin(request: &RequestBuilder) -> Self {
        Self {
            client: request.client(),
            line: request.line(),
            correlation_id: request.correlation_to_send(),
            start: Instant::now(),
            path: None,
            origin: 0,
            attempts: 0,
            status: None,
            answered_after: None,
            payload: request.payload(),
            response_bytes: 0,
            outcome: Some(FaultKind::Canceled),
        }
    }

    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Begins an attempt at an origin: of the one before nothing counts any more.
    pub(crate) fn attempt(&mut self, origin: usize) {
        self.attempts += 1;
        self.origin = origin;
        self.status = None;
        self.answered_after = None;
        self.response_bytes = 0;
    }

    /// An answer has begun.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        // A look at the clock is not for nothing.
        if !self.client.inner().observers.is_empty() {
            self.answered_after = Some(self.start.elapsed());
        }
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.status
    }

    pub(crate) fn end(&mut self, outcome: Option<FaultKind>) {
        self.outcome = outcome;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let client = self.client.inner();
        let origin = client.origin(self.origin);
        tracing::debug!(
            method = %self.line.method,
            origin = &**origin.text(),
            template = self.line.template.as_deref(),
            status = self.status.map(|status| status.as_u16()),
            fault = self.outcome.map(FaultKind::code),
            attempts = self.attempts,
            elapsed_ms = self.start.elapsed().as_secs_f64() * 1000.0,
            "outgoing call"
        );
        if client.observers.is_empty() {
            return;
        }
        let path = self.path.take();
        let exchange = Exchange {
            method: self.line.method.clone(),
            origin: Arc::clone(origin.text()),
            template: self.line.template.clone(),
            path: path.map_or_else(Box::default, |path| {
                [origin.prefix(), &path].concat().into()
            }),
            status: self.status,
            fault: self.outcome,
            elapsed: self.start.elapsed(),
            answered_after: self.answered_after,
            attempts: self.attempts,
            request_bytes: self.payload.bytes(),
            response_bytes: self.response_bytes,
            correlation_id: self.correlation_id.take(),
        };
        observer::tell(&client.observers, |it| it.observe(&exchange));
    }
}
