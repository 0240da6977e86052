use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, EventId};
use auth_mask::Masker;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::course::Course;
use crate::delivering::suppressed;
use crate::event::{AuditEvent, Level};
use crate::queue::{Phase, Queue, Settled, Settlement};
use crate::retry::Backoff;
use crate::sink::{Batch, Delivered, Sink, SinkFault};
use crate::{DROPPED, REJECTED, SUSPECTED};

/// Carries events from the queue to the sink, one batch at a time.
pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue>,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) masker: Masker,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) backoff: Backoff,
    pub(crate) batch_size: usize,
    pub(crate) batch_interval: Duration,
    pub(crate) patience: Duration,
    pub(crate) _ending: Ending,
}

impl Worker {
    /// Works until the log is closed and the queue is empty.
    pub(crate) async fn run(self) {
        while self.filled().await {
            if !self.deliver().await {
                return;
            }
        }
    }

    /// Waits for a batch that is full or old enough. False if there will be none any more.
    async fn filled(&self) -> bool {
        let mut due = None;
        loop {
            let pending = self.queue.len();
            let closing = self.queue.phase() > Phase::Open;
            if pending >= self.batch_size || (closing && pending > 0) {
                return true;
            }
            if closing {
                return false;
            }
            if pending == 0 {
                self.queue.changed().await;
                continue;
            }
            let due = *due.get_or_insert_with(|| Instant::now() + self.batch_interval);
            tokio::select! {
                () = self.queue.changed() => {}
                () = sleep_until(due) => return true,
            }
        }
    }

    /// Delivers the first events of the queue, however often it takes. False if it was given up.
    async fn deliver(&self) -> bool {
        let mut course = Course::of(self.queue.len().min(self.batch_size));
        while let Some(count) = course.pieces.pop() {
            // The same events, though more may have come: a sink may know a batch by its parts.
            let batch = Batch::new(self.queue.peek(0, count), course.failures);
            let count = batch.events().len();
            let Err(fault) = self.attempt(&batch).await else {
                course.has_passed(self.queue.settle(0, count, Settlement::Taken));
                continue;
            };
            let reason = self.masker.mask_text(&fault.to_string());
            if fault.refuses_the_whole() && count > 1 {
                tracing::debug!(count, "the audit sink refused a batch: {reason}");
                course.halve(count);
                continue;
            }
            if !fault.is_transient() {
                tracing::error!("the audit sink rejected events: {reason}");
                let settlement = Settlement::of_rejection(&fault);
                course.has_passed(self.queue.settle(0, count, settlement));
                continue;
            }
            if self.queue.phase() == Phase::Abandoned {
                tracing::error!("the audit sink is not available: {reason}");
                return false;
            }
            let is_suspect = course.has_failed(fault.may_be_an_event());
            if is_suspect && count > 1 && fault.wait().is_none() {
                course.halve(count);
                continue;
            }
            if is_suspect && count == 1 && course.is_proven() {
                tracing::error!("the audit sink fails at an event, which is set aside: {reason}");
                course.has_passed(self.queue.settle(0, 1, Settlement::Refused));
                continue;
            }
            match count {
                1 if is_suspect => {
                    // What else there was of the batch may be taken out of its order now.
                    course.pieces = vec![1];
                    self.try_another(&mut course, batch.events().next()).await;
                }
                _ if is_suspect => course.halve(count),
                _ => course.pieces.push(count),
            }
            let wait = self.backoff.wait(course.failures.max(1), fault.wait());
            let failures = course.failures;
            tracing::warn!(failures, ?wait, "the audit sink is not available: {reason}");
            self.queue.count_retry();
            self.tell_settled(std::mem::take(&mut course.settled));
            self.pause(wait).await;
        }
        self.tell_settled(course.settled);
        true
    }

    /// Whether it is the sink or the first event that fails, another event says: one of those
    /// behind it, or one that tells of the suspicion if there is no other.
    async fn try_another(&self, course: &mut Course, suspect: Option<&AuditEvent>) {
        if self.queue.len() < 2 {
            let id = suspect.map(|event| event.id().to_string());
            self.tell(SUSPECTED, json!({ "id": id }));
        }
        let place = course.next_other(self.queue.len().saturating_sub(1));
        let batch = Batch::new(self.queue.peek(place, 1), 0);
        if batch.events().len() == 0 {
            return;
        }
        let answer = self.attempt(&batch).await;
        let settlement = match &answer {
            Ok(_) => Settlement::Taken,
            Err(fault) if fault.is_transient() => return,
            Err(fault) => Settlement::of_rejection(fault),
        };
        course.settled.add(self.queue.settle(place, 1, settlement));
        if answer.is_ok() {
            course.another_passed();
        }
    }

    /// One attempt, within the patience; a sink that panics is one that is not available.
    async fn attempt(&self, batch: &Batch) -> Result<Delivered, SinkFault> {
        // Called inside of the future, because the call may panic or audit something as well.
        let delivery = suppressed(async { self.sink.deliver(batch).await });
        match timeout(self.patience, AssertUnwindSafe(delivery).catch_unwind()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SinkFault::transient("the sink panicked")),
            Err(_) => Err(SinkFault::transient("no answer in time")),
        }
    }

    /// Waits, but no longer than until the log begins to close: there may not be much time left.
    async fn pause(&self, wait: Duration) {
        let due = Instant::now() + wait;
        let phase = self.queue.phase();
        while self.queue.phase() == phase {
            tokio::select! {
                () = self.queue.changed() => {}
                () = sleep_until(due) => return,
            }
        }
    }

    /// Tells the trail of what got lost.
    fn tell_settled(&self, settled: Settled) {
        let Settled { rejected, dropped } = settled;
        if !rejected.is_empty() {
            let context = json!({ "rejected": rejected.len(), "ids": rejected });
            self.tell(REJECTED, context);
        }
        if dropped > 0 {
            self.tell(DROPPED, json!({ "dropped": dropped }));
        }
    }

    /// Puts an event of the log's own into the trail.
    fn tell(&self, action: &str, context: Value) {
        self.queue.push_own(AuditEvent {
            id: EventId::random(),
            time: self.clock.now(),
            level: Level::Warn,
            action: action.to_owned(),
            resource: "audit".to_owned(),
            entity: None,
            old_values: None,
            new_values: None,
            context,
            message: None,
            correlation_id: None,
            principal: None,
            method: None,
            path: None,
        });
    }
}

/// Ends the log when the worker ends, also when its runtime drops it before it began.
pub(crate) struct Ending {
    queue: Arc<Queue>,
    /// Whoever waits for the end sees this go, after the log has ended.
    _ended: watch::Sender<()>,
}

impl Ending {
    pub(crate) fn new(queue: &Arc<Queue>) -> (Self, watch::Receiver<()>) {
        let (sender, receiver) = watch::channel(());
        let ending = Self {
            queue: Arc::clone(queue),
            _ended: sender,
        };
        (ending, receiver)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Who has ended it before knows already how many are left.
        let known = self.queue.phase() == Phase::Ended;
        let left = self.queue.end();
        if left > 0 && !known {
            tracing::error!(lost = left, "audit events are lost: their worker has ended");
        }
    }
}
