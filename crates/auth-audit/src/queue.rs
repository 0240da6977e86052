use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::event::AuditEvent;
use crate::sink::SinkFault;
use crate::stats::Stats;

/// Why an event will never be with the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDurable {
    /// The queue was full.
    #[error("the audit queue is full")]
    Full,
    /// The sink refused it for good.
    #[error("the audit sink rejected the event")]
    Rejected,
    /// The log was shut down, or its runtime was, before the sink had it.
    #[error("the audit log is closed")]
    Closed,
    /// It was emitted by what is itself part of a delivery.
    #[error("the event is part of a delivery of the audit log")]
    Suppressed,
}

type Waiter = oneshot::Sender<Result<(), NotDurable>>;

/// The events that the sink does not have yet, first come first.
///
/// An event stays in it while it is on the way, so the bound holds for everything that is not
/// delivered, and nothing can be lost between queue and sink.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Wakes the worker.
    wake: Notify,
    capacity: usize,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    phase: Phase,
    /// Drops that the trail has not told yet.
    untold: u64,
    stats: Stats,
    set_aside: VecDeque<Arc<AuditEvent>>,
}

struct Entry {
    event: Arc<AuditEvent>,
    waiter: Option<Waiter>,
    /// Whether the log itself put it there: its rejection is not told in yet another event.
    own: bool,
}

/// What a sink has done with events that leave the queue.
#[derive(Clone, Copy)]
pub(crate) enum Settlement<'a> {
    /// It has them.
    Taken,
    /// It will never have them.
    Refused,
    /// It has all but those that the fault rejects.
    Partly(&'a SinkFault),
}

impl<'a> Settlement<'a> {
    pub(crate) fn of_rejection(fault: &'a SinkFault) -> Self {
        if fault.refuses_the_whole() {
            Self::Refused
        } else {
            Self::Partly(fault)
        }
    }
}

/// What the trail should tell after a batch.
#[derive(Default)]
pub(crate) struct Settled {
    /// The ids of the events that the sink rejected; those of the log itself are left out.
    pub(crate) rejected: Vec<String>,
    /// How many were dropped since this was told last.
    pub(crate) dropped: u64,
}

impl Settled {
    pub(crate) fn add(&mut self, other: Self) {
        self.rejected.extend(other.rejected);
        self.dropped += other.dropped;
    }
}

/// How far the life of a log has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Events are taken.
    #[default]
    Open,
    /// No more events are taken, and what is there is delivered.
    Closing,
    /// Nobody is left who could ask: as `Closing`, but the first fault ends it.
    Abandoned,
    /// Nothing is delivered any more.
    Ended,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            wake: Notify::new(),
            capacity,
        }
    }

    /// Takes an event, or counts it as dropped.
    pub(crate) fn push(&self, event: AuditEvent, waiter: Option<Waiter>) {
        let mut state = self.lock();
        let refusal = if state.phase != Phase::Open {
            Some(NotDurable::Closed)
        } else if state.entries.len() >= self.capacity {
            Some(NotDurable::Full)
        } else {
            None
        };
        let Some(refusal) = refusal else {
            let event = Arc::new(event);
            let own = false;
            state.entries.push_back(Entry { event, waiter, own });
            drop(state);
            self.wake.notify_one();
            return;
        };
        state.stats.dropped += 1;
        state.untold += 1;
        let first = state.untold == 1;
        drop(state);
        if first {
            tracing::warn!("audit events are being dropped: {refusal}");
        }
        if let Some(waiter) = waiter {
            let _gone = waiter.send(Err(refusal));
        }
    }

    pub(crate) fn suppress(&self) {
        self.lock().stats.suppressed += 1;
    }

    /// The first `most` events after so many others; they stay in the queue.
    pub(crate) fn peek(&self, skip: usize, most: usize) -> Vec<Arc<AuditEvent>> {
        let state = self.lock();
        let first = state.entries.iter().skip(skip).take(most);
        first.map(|entry| Arc::clone(&entry.event)).collect()
    }

    /// Takes `count` events out, after `skip` that stay: the sink has them, but for those that
    /// `settlement` rejects.
    pub(crate) fn settle(&self, skip: usize, count: usize, settlement: Settlement<'_>) -> Settled {
        let mut state = self.lock();
        let skip = skip.min(state.entries.len());
        let end = skip.saturating_add(count).min(state.entries.len());
        let settled: Vec<_> = state.entries.drain(skip..end).collect();
        let mut told = Settled {
            rejected: Vec::new(),
            // There is room now, and before any other event takes it.
            dropped: std::mem::take(&mut state.untold),
        };
        let mut answers = Vec::new();
        for (index, entry) in settled.into_iter().enumerate() {
            let rejected = match settlement {
                Settlement::Taken => false,
                Settlement::Refused => true,
                Settlement::Partly(fault) => fault.rejects(index),
            };
            if rejected {
                state.stats.rejected += 1;
                if !entry.own {
                    told.rejected.push(entry.event.id().to_string());
                }
                if state.set_aside.len() == MOST_SET_ASIDE {
                    state.set_aside.pop_front();
                }
                state.set_aside.push_back(entry.event);
            } else {
                state.stats.delivered += 1;
            }
            let answer = if rejected {
                Err(NotDurable::Rejected)
            } else {
                Ok(())
            };
            answers.extend(entry.waiter.map(|waiter| (waiter, answer)));
        }
        drop(state);
        for (waiter, answer) in answers {
            let _gone = waiter.send(answer);
        }
        told
    }

    /// Puts an event of the log itself into the trail: also while closing, and beyond the capacity,
    /// because it comes after at least one event has left.
    pub(crate) fn push_own(&self, event: AuditEvent) {
        let event = Arc::new(event);
        let (waiter, own) = (None, true);
        self.lock().entries.push_back(Entry { event, waiter, own });
    }

    pub(crate) fn count_retry(&self) {
        self.lock().stats.retries += 1;
    }

    /// Advances to a later phase, and wakes the worker to see it.
    pub(crate) fn advance(&self, phase: Phase) {
        let mut state = self.lock();
        state.phase = state.phase.max(phase);
        drop(state);
        self.wake.notify_one();
    }

    /// Ends the log and answers everybody who waits. Returns how many events are left.
    pub(crate) fn end(&self) -> usize {
        let mut state = self.lock();
        state.phase = Phase::Ended;
        // Nobody answers a waiter that is dropped, and that is an answer.
        let waiters: Vec<_> = state
            .entries
            .iter_mut()
            .map(|entry| entry.waiter.take())
            .collect();
        let left = state.entries.len();
        drop(state);
        drop(waiters);
        left
    }

    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats {
            pending: state.entries.len() as u64,
            ..state.stats
        }
    }

    pub(crate) fn set_aside(&self) -> Vec<AuditEvent> {
        let state = self.lock();
        state
            .set_aside
            .iter()
            .map(|event| (**event).clone())
            .collect()
    }

    /// Resolves when something was pushed or the phase changed since the last time.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so what a poisoned lock holds is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many rejected events are kept to be looked at.
const MOST_SET_ASIDE: usize = 100;
