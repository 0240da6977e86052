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
    /// [`SinkFault::transient`] or [`SinkFault::unreachable`] if the same batch may be taken later;
    /// [`SinkFault::rejected`] if nothing of it was taken and the batch never will be;
    /// [`SinkFault::rejected_some`] if all of it was taken but for some that never will be.
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
        /// Whether it may be an event of the batch that makes the sink fail.
        answered: bool,
    },
    /// `None` if it is the whole batch.
    Rejected { indices: Option<Vec<usize>> },
}

impl SinkFault {
    /// The sink was reached and failed, and the same batch may be accepted later. The reason goes to
    /// tracing, masked.
    ///
    /// A batch that fails like this again and again is tried in halves, and an event that goes on
    /// failing alone while others are accepted is set aside as rejected. A sink that fails for all
    /// events loses none of them, however long it lasts.
    pub fn transient(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::passing(reason.into(), true)
    }

    /// The sink could not be reached, or refuses whatever it is sent for the time being: no event
    /// is the cause of it. The same batch is tried until it is answered. The reason goes to tracing,
    /// masked.
    pub fn unreachable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::passing(reason.into(), false)
    }

    fn passing(reason: Cow<'static, str>, answered: bool) -> Self {
        let after = None;
        Self {
            kind: Kind::Transient { after, answered },
            reason,
        }
    }

    /// Nothing was accepted, and the batch as it is never will be: its events are tried in halves,
    /// down to those that are refused alone. The reason goes to tracing, masked.
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
        if let Kind::Transient { after, .. } = &mut self.kind {
            *after = Some(wait);
        }
        self
    }

    /// Whether the same batch may be accepted later.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Transient { .. })
    }

    /// Whether an event of the batch may be what the sink fails at.
    pub(crate) fn may_be_an_event(&self) -> bool {
        matches!(self.kind, Kind::Transient { answered: true, .. })
    }

    /// Whether nothing was accepted and smaller batches may be.
    pub(crate) fn refuses_the_whole(&self) -> bool {
        matches!(self.kind, Kind::Rejected { indices: None })
    }

    pub(crate) fn wait(&self) -> Option<Duration> {
        match self.kind {
            Kind::Transient { after, .. } => after,
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
