//! What a caller gets while a key is being loaded: the outcome, or what there was before it.

use std::pin::pin;

use tokio::time::{Instant, timeout_at};

use crate::error::LoadError;
use crate::flight::Waiting;
use crate::loaded::{Loaded, Origin};
use crate::place::Place;
use crate::shelf::Began;
use crate::space::Cacheable;
use crate::stats::CacheEvent;

impl<V: Cacheable> Place<V> {
    /// What needs no load: something fresh, or something old while the loader rests.
    pub(crate) fn found_or_resting(&self, began: Began) -> Option<Loaded<V>> {
        let inner = &self.inner;
        if let Some((entry, now)) = inner.fresh(&self.shelf, &self.key, began.era, &self.rules) {
            inner.counters.memory_hit();
            return Some(entry.loaded(Origin::Memory, now));
        }
        if self.rules.rest.is_zero() {
            return None;
        }
        let entry = self.shelf.find(&self.key, began.era)?;
        if !entry.is_resting(inner.now()) {
            return None;
        }
        self.stale_in_memory(began, entry)
    }

    /// Waits for a load, as long as the space allows. `None` if it has no outcome.
    pub(crate) async fn wait<E: Clone>(
        &self,
        waiting: Waiting<Result<Loaded<V>, E>>,
        began: Began,
        begun: Instant,
    ) -> Option<Result<Loaded<V>, LoadError<E>>> {
        let mut outcome = pin!(waiting.outcome());
        let failed = |outcome: Option<Result<Loaded<V>, E>>| {
            outcome.map(|outcome| outcome.map_err(LoadError::Failed))
        };
        let instead = || {
            let entry = self.shelf.find(&self.key, began.era)?;
            self.stale_in_memory(began, entry)
        };
        if let Some(soft) = self.rules.soft_deadline {
            match timeout_at(begun + soft, &mut outcome).await {
                Ok(outcome) => return failed(outcome),
                Err(_) => {
                    if let Some(stale) = instead() {
                        return Some(Ok(stale));
                    }
                }
            }
        }
        let Some(hard) = self.rules.hard_deadline else {
            return failed(outcome.await);
        };
        match timeout_at(begun + hard, &mut outcome).await {
            Ok(outcome) => failed(outcome),
            Err(_) => Some(instead().map_or_else(
                || {
                    self.inner.counters.note(CacheEvent::TimedOut);
                    Err(LoadError::TimedOut)
                },
                Ok,
            )),
        }
    }
}
