use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::BoxFuture;

use crate::AuditEvent;

/// Where the trail goes: a service, a topic, a file.
///
/// One batch is delivered at a time. A delivery that takes longer than the log's patience is
/// dropped and tried again, so a sink should know events it has seen by their id.
pub trait Sink: Send + Sync {
    /// Takes a batch, or says why not.
    ///
    /// # Errors
    ///
    /// [`SinkFault::transient`] if the same batch may be taken later; [`SinkFault::rejected`] or
    /// [`SinkFault::rejected_some`] if it, or some of it, never will be.
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, SinkFault>>;
}

impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, SinkFault>> {
        (**self).deliver(batch)
    }
}

/// Events that are delivered together: at least one, in the order in which they were emitted.
#[derive(Clone, Debug)]
pub struct Batch {
    events: Vec<Arc<AuditEvent>>,
    attempt: u32,
}

impl Batch {
    pub(crate) fn new(events: Vec<Arc<AuditEvent>>, attempt: u32) -> Self {
        Self { events, attempt }
    }

    /// The events. Their places are what [`SinkFault::rejected_some`] counts.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &AuditEvent> {
        self.events.iter().map(|event| &**event)
    }

    /// How often it has been tried before.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

/// For the tests of a sink: a batch of these events, at its first attempt.
impl From<Vec<AuditEvent>> for Batch {
    fn from(events: Vec<AuditEvent>) -> Self {
        Self::new(events.into_iter().map(Arc::new).collect(), 0)
    }
}

/// A sink's word that it has the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered(());

impl Delivered {
    /// Every event was accepted.
    pub fn all() -> Self {
        Self(())
    }
}

/// Why a sink did not take a batch, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkFault {
    kind: Kind,
    reason: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Transient {
        after: Option<Duration>,
    },
    /// `None` if it is the whole batch.
    Rejected {
        indices: Option<Vec<usize>>,
    },
}

impl SinkFault {
    /// Nothing was accepted, and the same batch may be accepted later. The reason goes to tracing,
    /// masked.
    pub fn transient(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: Kind::Transient { after: None },
            reason: reason.into(),
        }
    }

    /// The batch will never be accepted. The reason goes to tracing, masked.
    pub fn rejected(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: Kind::Rejected { indices: None },
            reason: reason.into(),
        }
    }

    /// The events at these places will never be accepted, and all others were (a 207 of the
    /// controller, contract miso §1.5). A place outside of the batch says nothing.
    pub fn rejected_some(
        indices: impl IntoIterator<Item = usize>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: Kind::Rejected {
                indices: Some(indices.into_iter().collect()),
            },
            reason: reason.into(),
        }
    }

    /// Sets how long to wait at least before the next attempt (`Retry-After`). A rejection is not
    /// tried again, and stays as it is.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        if let Kind::Transient { after } = &mut self.kind {
            *after = Some(wait);
        }
        self
    }

    /// Whether the same batch may be accepted later.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Transient { .. })
    }

    pub(crate) fn wait(&self) -> Option<Duration> {
        match self.kind {
            Kind::Transient { after } => after,
            Kind::Rejected { .. } => None,
        }
    }

    /// Whether the event at this place was rejected.
    pub(crate) fn rejects(&self, index: usize) -> bool {
        match &self.kind {
            Kind::Transient { .. } => false,
            Kind::Rejected { indices: None } => true,
            Kind::Rejected {
                indices: Some(indices),
            } => indices.contains(&index),
        }
    }
}

impl fmt::Display for SinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for SinkFault {}
