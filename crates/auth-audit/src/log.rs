use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_core::Clock;
use auth_mask::Masker;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::builder::AuditLogBuilder;
use crate::draft::EventDraft;
use crate::event::AuditEvent;
use crate::queue::{Phase, Queue};
use crate::sink::Sink;
use crate::stats::Stats;

/// Takes events for the audit trail and has them delivered.
///
/// A clone is cheap and is the same log. End it with [`shutdown`](Self::shutdown): when the last
/// clone is dropped without, a line of tracing says how many events were not delivered yet, and
/// they are delivered only as far as the runtime goes on and the sink takes them.
#[derive(Clone)]
pub struct AuditLog(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    masker: Masker,
    clock: Arc<dyn Clock>,
    worker: AbortHandle,
    /// Closed when the worker has ended.
    ended: watch::Receiver<()>,
}

impl AuditLog {
    /// Starts a log that delivers to this sink.
    pub fn builder(sink: impl Sink + 'static) -> AuditLogBuilder {
        AuditLogBuilder::new(sink)
    }

    pub(crate) fn new(
        queue: Arc<Queue>,
        masker: Masker,
        clock: Arc<dyn Clock>,
        worker: AbortHandle,
        ended: watch::Receiver<()>,
    ) -> Self {
        Self(Arc::new(Inner {
            queue,
            masker,
            clock,
            worker,
            ended,
        }))
    }

    /// Starts an event: what was done, and to or on what.
    ///
    /// ```
    /// # async fn example(log: auth_audit::AuditLog) -> Result<(), auth_audit::NotDurable> {
    /// log.event("role.granted", "users")
    ///     .entity("User", "4711")
    ///     .old_values(serde_json::json!({ "roles": [] }))
    ///     .new_values(serde_json::json!({ "roles": ["admin"] }))
    ///     .emit_durable()
    ///     .await
    /// # }
    /// ```
    pub fn event(&self, action: impl Into<String>, resource: impl Into<String>) -> EventDraft<'_> {
        EventDraft::new(self, action.into(), resource.into())
    }

    /// What has become of the events so far.
    pub fn stats(&self) -> Stats {
        self.0.queue.stats()
    }

    /// The events that the sink rejected, the last 100 of them.
    pub fn set_aside(&self) -> Vec<AuditEvent> {
        self.0.queue.set_aside()
    }

    /// Takes no more events, delivers what is there, and ends the log.
    ///
    /// A wait between two attempts is cut short once, so that a sink that is back is not waited
    /// for. Several callers may wait for the same end; the first deadline that passes is the end.
    ///
    /// # Errors
    ///
    /// [`NotDrained`] with the number of events that are left when the deadline has passed, or when
    /// the worker's runtime was gone before. Nothing is delivered any more then.
    pub async fn shutdown(&self, deadline: Duration) -> Result<Drained, NotDrained> {
        let inner = &*self.0;
        inner.queue.advance(Phase::Closing);
        let mut ended = inner.ended.clone();
        let left = match timeout(deadline, ended.changed()).await {
            Ok(_) => inner.queue.len(),
            Err(_) => {
                inner.worker.abort();
                inner.queue.end()
            }
        };
        match left {
            0 => Ok(Drained(self.stats())),
            left => Err(NotDrained { left }),
        }
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    pub(crate) fn masker(&self) -> &Masker {
        &self.0.masker
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.clock.now()
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.queue.phase() < Phase::Abandoned {
            let pending = self.queue.len();
            if pending > 0 {
                tracing::warn!(
                    pending,
                    "an audit log was dropped without a finished shutdown"
                );
            }
            self.queue.advance(Phase::Abandoned);
        }
    }
}

/// All events that were taken have been answered by the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained(Stats);

impl Drained {
    /// What has become of the events.
    pub fn stats(&self) -> Stats {
        self.0
    }
}

/// The log has ended, and the sink does not have all of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{left} audit events were not delivered")]
pub struct NotDrained {
    left: usize,
}

impl NotDrained {
    /// How many events are left. Those of an attempt that was under way may have arrived.
    pub fn left(&self) -> usize {
        self.left
    }
}
