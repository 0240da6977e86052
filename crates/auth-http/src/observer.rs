use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use auth_core::CorrelationId;
use http::{Method, StatusCode};

use crate::{CircuitState, FaultKind};

/// Watches the calls of a client, for audit and metrics.
///
/// It is told once per [`send`](crate::RequestBuilder::send), however many attempts that took, and
/// also of a call that was refused before anything was sent, and of one whose future was dropped
/// before it was done; of a streamed answer when its body has ended or is dropped. It runs where the call runs, so it should hand on what takes time.
///
/// # Example: counting
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use auth_http::{Exchange, HttpClient, Observer};
///
/// #[derive(Default)]
/// struct Faults(AtomicU32);
///
/// impl Observer for Faults {
///     fn observe(&self, exchange: &Exchange) {
///         if exchange.fault().is_some() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let faults = Arc::new(Faults::default());
/// let client = HttpClient::builder("http://127.0.0.1:8080").observer(Arc::clone(&faults)).build()?;
/// # Ok::<(), auth_http::BuildError>(())
/// ```
pub trait Observer: Send + Sync {
    /// Takes note of a call that is done.
    fn observe(&self, exchange: &Exchange);

    /// Takes note that the circuit to an origin has opened, is tried again, or has closed.
    fn circuit_changed(&self, origin: &str, state: CircuitState) {
        let _ = (origin, state);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, exchange: &Exchange) {
        (**self).observe(exchange);
    }

    fn circuit_changed(&self, origin: &str, state: CircuitState) {
        (**self).circuit_changed(origin, state);
    }
}

/// Tells each of them. Of a fault of one of them neither the call nor the others know.
pub(crate) fn tell(observers: &[Arc<dyn Observer>], tell: impl Fn(&dyn Observer)) {
    for observer in observers {
        if catch_unwind(AssertUnwindSafe(|| tell(observer))).is_err() {
            tracing::error!("an observer of outgoing calls panicked");
        }
    }
}

/// One call as its caller made it: what was asked of whom, and what came of it.
///
/// It holds no query, no header and no body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    pub(crate) method: Method,
    pub(crate) origin: Arc<str>,
    pub(crate) template: Option<Arc<str>>,
    pub(crate) path: Box<str>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) fault: Option<FaultKind>,
    pub(crate) elapsed: Duration,
    pub(crate) answered_after: Option<Duration>,
    pub(crate) attempts: u32,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) correlation_id: Option<CorrelationId>,
}

impl Exchange {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Scheme and host, and the port where it is not the scheme's own; of several origins, the one
    /// that was tried last.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path as the caller wrote it, before the values were in: few different ones, fit for a
    /// metric's label. Empty if it was refused, because a path that was refused may hold anything.
    pub fn template(&self) -> &str {
        self.template.as_deref().unwrap_or_default()
    }

    /// The path that was asked for, the base URL's included, without its query. Empty if the
    /// request was refused before it was sent. The values in it may be personal data.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// In which phase it failed, or `None` if the caller got a response. A body that was not what
    /// the caller expected is found later, and is not told here.
    pub fn fault(&self) -> Option<FaultKind> {
        self.fault
    }

    /// The time from the caller's call to its outcome, all attempts and pauses included.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The time to the headers of the answer that it ended with, if there was one. What is left
    /// of [`elapsed`](Self::elapsed) is its body.
    pub fn answered_after(&self) -> Option<Duration> {
        self.answered_after
    }

    /// How often it was tried: 0 if it was refused, or its circuit was open.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The length of the request's body.
    pub fn request_bytes(&self) -> u64 {
        self.request_bytes
    }

    /// How much of the answer's body was read.
    pub fn response_bytes(&self) -> u64 {
        self.response_bytes
    }

    /// The correlation id that was sent, if one was.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.correlation_id.as_ref()
    }
}
