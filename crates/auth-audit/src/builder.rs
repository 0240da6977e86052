use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, SystemClock};
use auth_mask::Masker;

use crate::AuditLog;
use crate::queue::Queue;
use crate::retry::Backoff;
use crate::sink::Sink;
use crate::worker::{Ending, Worker};

/// Puts an [`AuditLog`] together.
#[must_use]
pub struct AuditLogBuilder {
    sink: Box<dyn Sink>,
    masker: Masker,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
    capacity: usize,
    batch_size: usize,
    batch_interval: Duration,
    patience: Duration,
}

impl AuditLogBuilder {
    pub(crate) fn new(sink: impl Sink + 'static) -> Self {
        Self {
            sink: Box::new(sink),
            masker: Masker::default(),
            clock: Arc::new(SystemClock),
            backoff: Backoff::default(),
            capacity: 10_000,
            batch_size: 10,
            batch_interval: Duration::from_millis(100),
            patience: Duration::from_secs(30),
        }
    }

    /// Sets what events are masked by. [`Masker::default`] unless set.
    pub fn masker(mut self, masker: Masker) -> Self {
        self.masker = masker;
        self
    }

    /// Sets how many events may be waiting or on the way. 10,000 unless set; at least 1.
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// Sets how many events are delivered together at most. 10 unless set; 1 to 100.
    pub fn batch_size(mut self, events: usize) -> Self {
        self.batch_size = events;
        self
    }

    /// Sets how long an event waits for others to be delivered with. 100 ms unless set.
    pub fn batch_interval(mut self, interval: Duration) -> Self {
        // An hour is for ever here, and for ever is more than a timer can count.
        self.batch_interval = interval.min(Duration::from_secs(60 * 60));
        self
    }

    /// Sets how long one attempt to deliver may take before it counts as failed. 30 s unless set.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets where the events' times come from. The machine's clock unless set. Waiting is the
    /// runtime's business and follows the runtime's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where the randomness of waits between attempts comes from: numbers from 0 to 1.
    pub fn jitter(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.backoff = Backoff::new(random);
        self
    }

    /// Finishes the log and starts its worker on the current runtime, whose timers must be enabled.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a setting is out of its range, or if there is no tokio runtime here.
    pub fn build(self) -> Result<AuditLog, BuildError> {
        if self.capacity == 0 {
            return Err(BuildError::Capacity);
        }
        if !(1..=100).contains(&self.batch_size) {
            return Err(BuildError::BatchSize);
        }
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let queue = Arc::new(Queue::new(self.capacity));
        let (ending, ended) = Ending::new(&queue);
        let worker = Worker {
            queue: Arc::clone(&queue),
            sink: self.sink,
            masker: self.masker.clone(),
            clock: Arc::clone(&self.clock),
            backoff: self.backoff,
            // A batch larger than the queue would never be full.
            batch_size: self.batch_size.min(self.capacity),
            batch_interval: self.batch_interval,
            patience: self.patience,
            _ending: ending,
        };
        let worker = runtime.spawn(worker.run()).abort_handle();
        Ok(AuditLog::new(queue, self.masker, self.clock, worker, ended))
    }
}

impl fmt::Debug for AuditLogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLogBuilder")
            .field("capacity", &self.capacity)
            .field("batch_size", &self.batch_size)
            .field("batch_interval", &self.batch_interval)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// Why an [`AuditLog`] could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The capacity is zero.
    #[error("the capacity of the audit queue must be at least 1")]
    Capacity,
    /// The batch size is out of range.
    #[error("the batch size of the audit log must be from 1 to 100")]
    BatchSize,
    /// There is no runtime to start the worker on.
    #[error("an audit log must be built inside of a tokio runtime")]
    NoRuntime,
}
