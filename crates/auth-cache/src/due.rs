//! Changes on their way to level two, by whoever made them, and by whoever collects what is left.

use std::sync::{Arc, Weak};
use std::time::Duration;

use auth_core::BoxFuture;

use crate::backend::When;
use crate::debts::{Debt, Owed};
use crate::envelope::{self, Content};
use crate::level_two::{LONGEST_LOAD, LevelTwo, OLDEST};
use crate::message::{Message, What};
use crate::record::{Body, random};
use crate::space::{Cacheable, Rules};
use crate::stats::CacheEvent;

/// A change by whoever made it. Nobody else carries it out until this is dropped.
pub(crate) struct Due {
    level_two: Arc<LevelTwo>,
    debt: Debt,
    owed: Owed,
}

impl Due {
    /// Adds what was set to what is owed, so that it is written and not only deleted. Whether it could be:
    /// it may be too large, or must be sealed and cannot, or nobody knows the record of the space.
    pub(crate) async fn add_value<V: Cacheable>(
        &mut self,
        content: &Content<V>,
        rules: &Rules,
    ) -> bool {
        let level_two = &self.level_two;
        let Debt::Key { space, key } = &self.debt else {
            return false;
        };
        let (record, is_current) = match level_two.record(space).await {
            Some(record) => (record, true),
            // What is written under it may not count any more.
            None => match level_two.remembered(space) {
                Some(record) => (record, false),
                None => return false,
            },
        };
        let at = level_two.key(space, key);
        let form = level_two.form(rules, &at);
        let sealed = envelope::seal(content, &record, self.owed.stamp.as_bytes(), form);
        let Some(bytes) = sealed else {
            return false;
        };
        let (debt, owed) = (&self.debt, &mut self.owed);
        level_two.debts.amend(debt, owed, bytes.into());
        is_current
    }

    /// Makes the change known, now or when the level is back. Whether it is known now, as it was made. Of several
    /// changes of a key the last one is made known, and by whoever made it.
    pub(crate) async fn pay(self) -> bool {
        let Self {
            level_two,
            debt,
            owed,
        } = &self;
        if matches!(debt, Debt::Key { .. }) && !level_two.debts.is_current(debt, owed) {
            return false;
        }
        let paid = level_two.try_to_pay(debt, owed, true).await;
        level_two.debts.release(debt, owed);
        level_two.collect_later();
        paid == Some(Paid::AsOwed)
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        // It may have been stopped with its runtime. Then the next one to read or change something sees to it.
        self.level_two.debts.release(&self.debt, &self.owed);
    }
}

/// What level two has learned of a change.
#[derive(PartialEq)]
enum Paid {
    AsOwed,
    /// A value that must not be written any more.
    AsDeletion,
}

impl LevelTwo {
    /// Notes that something was changed. From here on it is not read.
    pub(crate) fn owe(self: &Arc<Self>, debt: Debt, until: u64) -> Due {
        let now = self.now();
        let stamp = self.stamps.next(now, &random());
        let (debt, owed) = self.debts.note(debt, stamp, None, until, now);
        let level_two = Arc::clone(self);
        Due {
            level_two,
            debt,
            owed,
        }
    }

    /// Has what is owed made known when the level is back, unless somebody does already: whoever did may have gone
    /// with a runtime.
    pub(crate) fn collect_later(self: &Arc<Self>) {
        if self.debts.are_any() && self.debts.begin_collection() {
            let collection = Collection(Arc::downgrade(self));
            tokio::spawn(collect(collection, self.backend.ready()));
        }
    }

    async fn try_to_pay(&self, debt: &Debt, owed: &Owed, is_first: bool) -> Option<Paid> {
        let mut paid = Paid::AsOwed;
        let (space, what) = match debt {
            Debt::Key { space, key } => {
                let now = self.now();
                let at = self.key(space, key);
                let left = Duration::from_millis(owed.until.saturating_sub(now));
                // Somebody may have deleted it later, and after so long nothing there says so any more.
                let is_alive = !left.is_zero() && !owed.since.is(OLDEST, now);
                let value = owed.value.as_deref().filter(|_| is_alive);
                if value.is_none() && owed.value.is_some() {
                    paid = Paid::AsDeletion;
                }
                let stamp = owed.stamp.as_bytes();
                // Others may have changed it since, and theirs is the later change. Where that was at the same
                // time nobody can say: then whoever deletes is right, which costs no more than a load.
                let later = match value {
                    Some(_) => owed.stamp.earliest(),
                    None => owed.stamp.latest(),
                };
                let when = match is_first {
                    true => When::Always,
                    false => When::HeadIsBefore(later.as_bytes()),
                };
                let written = match value {
                    // That it was changed stays known for as long as a load from before may take.
                    Some(value) if left < LONGEST_LOAD => {
                        let stamp = owed.stamp.as_str();
                        self.write_apart(space, key, stamp, value, left, when)
                            .await?
                    }
                    Some(value) => {
                        self.heed(self.backend.write(&at, value, Some(left), when).await)?
                    }
                    None => {
                        let ttl = Some(LONGEST_LOAD);
                        self.heed(self.backend.write(&at, stamp, ttl, when).await)?
                    }
                };
                if !written && self.debts.is_current(debt, owed) {
                    // Then memory must not go on serving ours.
                    self.hearing.apply(space, &What::Key(key.clone()));
                }
                (*space, What::Key(key.clone()))
            }
            Debt::Mark { space, mark } => {
                let change = |body: &mut Body, now| body.mark(mark, now, owed.until);
                self.change_record(space, change).await?;
                (*space, What::Mark(mark.clone()))
            }
            Debt::Space(space) => {
                self.change_record(space, |body, _| *body = Body::begin())
                    .await?;
                (*space, What::All)
            }
        };
        let message = Message::new(&self.node, space, what).write();
        self.heed(self.backend.announce(&self.channel, &message).await)?;
        self.debts.settle(debt, owed);
        Some(paid)
    }
}

/// The duty to collect. It is given up when the task ends before its time: with the runtime it runs on, or by a
/// panic. Then the next one to read or change something has another task collect.
struct Collection(Weak<LevelTwo>);

impl Drop for Collection {
    fn drop(&mut self) {
        if let Some(level) = self.0.upgrade() {
            level.debts.break_off_collection();
        }
    }
}

/// Has everything made known that is owed, and ends when nothing is, or when the cache is gone.
async fn collect(mut collection: Collection, mut ready: BoxFuture<'static, bool>) {
    // While it waits it holds no handle, so it keeps neither the cache nor the connection alive.
    while ready.await {
        let Some(level) = collection.0.upgrade() else {
            return;
        };
        let owed = level.debts.next_to_collect();
        if owed.is_empty() {
            // It has ended in there, and somebody may have begun another.
            collection.0 = Weak::new();
            return;
        }
        let mut failed = false;
        for (debt, owed) in owed {
            // A later change of the same may have been shared since this was taken.
            if !level.debts.is_current(&debt, &owed) {
                continue;
            }
            match level.try_to_pay(&debt, &owed, false).await {
                Some(_) => level.counters.note(CacheEvent::Replayed),
                // The fault may be of this one alone.
                None => {
                    level.debts.postpone(&debt, &owed);
                    failed = true;
                }
            }
        }
        ready = level.backend.ready();
        drop(level);
        if failed {
            // It is there and does not do it. Asking in a loop would not help it.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

const PAUSE: Duration = Duration::from_millis(200);
