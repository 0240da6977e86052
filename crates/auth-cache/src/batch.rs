//! Reads of level two that are asked for at the same time, sent as one.
//!
//! Whoever asks joins the batch of the space, lets everybody else run who can run now, and then sends the batch
//! unless somebody of it has: nobody waits for others to come, nor for a task of anybody else. The record of the space
//! is read once for all of them. What comes of it is as new as what each would have read alone, because it is
//! sent after each of them asked: a change that was over by then was carried out by the store before the read that
//! follows.
//!
//! All who wait drive the read together, so it goes on as long as one of them does: one that is dropped, or whose
//! runtime stands still, holds up nobody else.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;

use auth_core::BoxFuture;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Shared;

use crate::level_two::LevelTwo;
use crate::record::Record;

/// What was asked for and not sent yet, by space.
#[derive(Default)]
pub(crate) struct Batches(Mutex<HashMap<&'static str, Open>>);

/// A batch that can be joined.
#[derive(Default)]
struct Open {
    keys: Vec<String>,
    reading: Arc<OnceLock<Reading>>,
}

/// The read of a batch, from when it is closed.
type Reading = Shared<BoxFuture<'static, Option<Arc<Batch>>>>;

/// What lay there: the record of the space, and the values of the keys.
struct Batch {
    record: Arc<Record>,
    keys: Vec<String>,
    values: Vec<Option<Bytes>>,
}

/// The place of one key in a batch.
struct Seat {
    number: usize,
    reading: Arc<OnceLock<Reading>>,
    is_last: bool,
}

/// What lay under a key of a batch.
pub(crate) struct Read {
    batch: Arc<Batch>,
    number: usize,
}

impl Read {
    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.batch.record
    }

    /// The key, as it was given.
    pub(crate) fn at(&self) -> &str {
        &self.batch.keys[self.number]
    }

    pub(crate) fn value(&self) -> Option<&Bytes> {
        self.batch.values[self.number].as_ref()
    }
}

impl Batches {
    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, space: &'static str, key: String) -> Seat {
        let mut batches = self.lock();
        let open = batches.entry(space).or_default();
        open.keys.push(key);
        Seat {
            number: open.keys.len() - 1,
            reading: Arc::clone(&open.reading),
            is_last: open.keys.len() >= MOST,
        }
    }
}

impl LevelTwo {
    /// Reads a key and the record of its space, together with whoever else asks now. `None` if it
    /// cannot be read.
    pub(crate) async fn read_in_batch(
        self: &Arc<Self>,
        space: &'static str,
        key: String,
    ) -> Option<Read> {
        let seat = self.batches.join(space, key);
        if !seat.is_last {
            after_the_others().await;
        }
        let batch = self.close(space, &seat.reading).await?;
        let number = seat.number;
        Some(Read { batch, number })
    }

    /// The read of this batch, which nobody joins any more.
    fn close(self: &Arc<Self>, space: &'static str, reading: &Arc<OnceLock<Reading>>) -> Reading {
        if let Some(reading) = reading.get() {
            return reading.clone();
        }
        let mut batches = self.batches.lock();
        let begin = || {
            // It is still open, for it is closed in here only.
            let open = batches.remove(space).unwrap_or_default();
            let level_two = Arc::clone(self);
            let read = async move { level_two.read_batch(space, open.keys).await.map(Arc::new) };
            // A panic is the end of it for whoever drives it, and nobody else's.
            let read = AssertUnwindSafe(read).catch_unwind();
            let read: BoxFuture<'static, _> = Box::pin(read.map(|read| read.ok().flatten()));
            read.shared()
        };
        reading.get_or_init(begin).clone()
    }

    async fn read_batch(&self, space: &'static str, keys: Vec<String>) -> Option<Batch> {
        let record_key = self.record_key(space);
        let all: Vec<_> = std::iter::once(&record_key)
            .chain(&keys)
            .map(String::as_str)
            .collect();
        let mut values = self.heed(self.backend.read(&all).await)?.into_iter();
        let record = self.read_record(space, values.next()?.as_ref());
        let values: Vec<_> = values.collect();
        (values.len() == keys.len()).then_some(Batch {
            record,
            keys,
            values,
        })
    }

    /// Reads a key and the record of its space alone.
    pub(crate) async fn read_alone(&self, space: &'static str, key: String) -> Option<Read> {
        let batch = self.read_batch(space, vec![key]).await?;
        let batch = Arc::new(batch);
        Some(Read { batch, number: 0 })
    }
}

/// Lets everybody run first who can run now. Where nobody can, it goes on at once. What tokio offers for it puts
/// the task off until the thread has nothing else to do, which on a busy one is long after that.
async fn after_the_others() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Redis does nothing else while it reads a batch, so a batch has its bound; and of many readers some go on with what
/// they got while it reads for the others.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[test]
    fn on_a_busy_thread_a_batch_waits_for_one_turn_of_the_others_and_not_for_their_end() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .event_interval(1_000)
            .build()
            .unwrap();
        let turns = runtime.block_on(async {
            let (done, mut is_done) = oneshot::channel();
            // Able to run at any time.
            let mut turns = 0;
            let busy = tokio::spawn(poll_fn(move |context| {
                if is_done.try_recv().is_ok() {
                    return Poll::Ready(turns);
                }
                turns += 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }));
            tokio::spawn(async move {
                after_the_others().await;
                let _ = done.send(());
            });
            busy.await.unwrap()
        });
        assert!(turns <= 4, "{turns} turns");
    }
}
