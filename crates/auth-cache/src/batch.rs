//! Reads of level two that are asked for at the same time, sent as one.
//!
//! The first one to ask has a task send, and whoever asks before that task runs is sent along: nobody waits
//! for others to come. The record of the space is read once for all of them. What comes of it is as new as what
//! each would have read alone, because it is sent after each of them asked: a change that was over by then was
//! carried out by the store before the read that follows.
//!
//! The task runs where the first one asked. Where that runtime is not driven, or its thread is held up by
//! somebody who blocks right after asking, all who read with the first one wait for it, on other runtimes too.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::level_two::LevelTwo;
use crate::record::Record;

/// What was asked for and not sent yet, by space.
#[derive(Default)]
pub(crate) struct Batches(Mutex<HashMap<&'static str, Vec<Wanted>>>);

struct Wanted {
    at: String,
    answer: oneshot::Sender<Read>,
}

/// What lies there: the record of the space, and the value of the key.
pub(crate) struct Read {
    pub(crate) record: Arc<Record>,
    /// The key, as it was given.
    pub(crate) at: String,
    pub(crate) value: Option<Bytes>,
}

impl Batches {
    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Vec<Wanted>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what is sent next. What somebody must send now, if there is anything.
    fn add(&self, space: &'static str, wanted: Wanted) -> Option<Batch> {
        let mut batches = self.lock();
        let batch = batches.entry(space).or_default();
        batch.push(wanted);
        match batch.len() {
            1 => Some(Batch::Open),
            MOST => Some(Batch::Closed(std::mem::take(batch))),
            _ => None,
        }
    }

    fn take(&self, space: &'static str) -> Vec<Wanted> {
        self.lock()
            .get_mut(space)
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

impl LevelTwo {
    /// Reads a key and the record of its space, together with whoever else asks now. `None` if it
    /// cannot be read.
    pub(crate) async fn read_in_batch(
        self: &Arc<Self>,
        space: &'static str,
        at: String,
    ) -> Option<Read> {
        let (answer, read) = oneshot::channel();
        let wanted = Wanted { at, answer };
        if let Some(batch) = self.batches.add(space, wanted) {
            let level_two = Arc::clone(self);
            let sending = Sending {
                level_two,
                space,
                batch,
            };
            tokio::spawn(sending.send());
        }
        read.await.ok()
    }
}

enum Batch {
    /// Whatever will have been asked for when it is sent.
    Open,
    /// This, and no more.
    Closed(Vec<Wanted>),
}

/// A batch that somebody has to send.
struct Sending {
    level_two: Arc<LevelTwo>,
    space: &'static str,
    batch: Batch,
}

impl Sending {
    fn close(&mut self) -> Vec<Wanted> {
        match std::mem::replace(&mut self.batch, Batch::Closed(Vec::new())) {
            // Nothing, if it was full before this ran.
            Batch::Open => self.level_two.batches.take(self.space),
            Batch::Closed(batch) => batch,
        }
    }

    async fn send(mut self) {
        after_the_others().await;
        let batch = self.close();
        if batch.is_empty() {
            return;
        }
        let record_key = self.level_two.record_key(self.space);
        let mut keys = Vec::with_capacity(batch.len() + 1);
        keys.push(&*record_key);
        keys.extend(batch.iter().map(|wanted| &*wanted.at));
        let values = self.level_two.backend.read(&keys).await;
        let Some(values) = self.level_two.heed(values) else {
            return;
        };
        let mut values = values.into_iter();
        let Some(record) = values.next() else {
            return;
        };
        let record = self.level_two.read_record(self.space, record.as_ref());
        for (wanted, value) in batch.into_iter().zip(values) {
            let Wanted { at, answer } = wanted;
            let record = Arc::clone(&record);
            // Whoever asked may be gone.
            let _ = answer.send(Read { record, at, value });
        }
    }
}

impl Drop for Sending {
    /// If the runtime is shut down before this runs, those who wait must not wait for ever, and
    /// those who come later must not wait with them.
    fn drop(&mut self) {
        drop(self.close());
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

/// Redis does nothing else while it reads a batch, so a batch has its bound.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

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
