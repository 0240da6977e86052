//! Letting level two and the others know of a change.
//!
//! It is done in a task of its own, so that a caller who goes away leaves nothing half done. What cannot be done
//! now is owed.

use std::sync::Arc;

use crate::cache::Cache;
use crate::change::Change;
use crate::debts::Debt;
use crate::due::Due;
use crate::entry::millis;
use crate::envelope::Content;
use crate::level_two::{LONGEST_LOAD, LevelTwo};
use crate::place::Place;
use crate::record::Mark;
use crate::space::{Cacheable, Consistency, Space};

/// A deletion that was made in memory.
pub(crate) struct Deletion<V> {
    pub(crate) place: Place<V>,
    /// Unless there is no level two.
    pub(crate) due: Option<Due>,
    /// Whether there was something.
    pub(crate) existed: bool,
}

impl Cache {
    pub(crate) async fn delete_marked<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        mark: Mark,
    ) -> Change {
        let place = Place::new(self, self.shelf(space), space, "");
        let shelf = Arc::clone(&place.shelf);
        shelf.remove_marked(&mark);
        let debt = Debt::Mark {
            space: space.name(),
            mark: mark.clone(),
        };
        self.share_marked(place, debt, move || shelf.remove_marked(&mark))
            .await
    }

    /// Notes a change that is about to be made. From here on level two is not asked for the key.
    pub(crate) fn owe<V: Cacheable>(&self, place: &Place<V>, until: u64) -> Option<Due> {
        let level_two = self.0.level_two.as_ref()?;
        Some(level_two.owe(place.debt(), until))
    }

    /// Lets level two and the others know of a change of one key.
    pub(crate) async fn share<V: Cacheable>(
        &self,
        place: Place<V>,
        due: Option<Due>,
        value: Option<Content<V>>,
        existed: bool,
    ) -> Change {
        let Some((level_two, due)) = self.0.level_two.clone().zip(due) else {
            let is_shared = true;
            return Change { existed, is_shared };
        };
        let task =
            self.spawn(async move { place.carry_out(&level_two, due, value, existed).await });
        // It can only fail by being stopped with the runtime.
        task.await.unwrap_or(Change {
            existed,
            is_shared: false,
        })
    }

    /// Lets level two and the others know of deletions.
    pub(crate) async fn share_deletions<V: Cacheable>(
        &self,
        deletions: Vec<Deletion<V>>,
    ) -> Change {
        let mut change = Change {
            existed: deletions.iter().any(|it| it.existed),
            is_shared: true,
        };
        let Some(level_two) = self.0.level_two.clone() else {
            return change;
        };
        let existed = change.existed;
        let task = self.spawn(async move {
            for it in deletions {
                let Some(due) = it.due else { continue };
                let one = it.place.carry_out(&level_two, due, None, it.existed);
                let one = one.await;
                change.existed |= one.existed;
                change.is_shared &= one.is_shared;
            }
            change
        });
        // It can only fail by being stopped with the runtime.
        task.await.unwrap_or(Change {
            existed,
            is_shared: false,
        })
    }

    /// Lets level two and the others know of a change of many keys, and does it once more here when
    /// they do.
    pub(crate) async fn share_marked<V: Cacheable>(
        &self,
        place: Place<V>,
        debt: Debt,
        again: impl FnOnce() + Send + 'static,
    ) -> Change {
        let existed = false;
        let Some(level_two) = self.0.level_two.clone() else {
            let is_shared = true;
            return Change { existed, is_shared };
        };
        let due = level_two.owe(debt, place.until(self.0.now()));
        let task = self.spawn(async move {
            level_two.hearing.has_begun().await;
            let is_shared = due.pay().await;
            again();
            is_shared
        });
        let is_shared = task.await.unwrap_or(false);
        Change { existed, is_shared }
    }
}

impl<V: Cacheable> Place<V> {
    pub(crate) fn debt(&self) -> Debt {
        Debt::Key {
            space: self.space,
            key: self.key.clone(),
        }
    }

    /// Drops what memory has. Whether it was something to be served.
    pub(crate) fn remove(&self, now: u64) -> bool {
        let era = self.shelf.era(self.inner.gaps(&self.rules));
        let (_, removed) = self.shelf.remove(&self.key);
        removed.is_some_and(|entry| entry.era == era && entry.lifetime.is_fresh(now))
    }

    /// When nothing is left of what may be there now.
    pub(crate) fn until(&self, now: u64) -> u64 {
        let longest = self.rules.longest() + self.rules.max_stale + LONGEST_LOAD;
        now.saturating_add(millis(longest))
    }

    /// Does what is owed. A deletion looks first whether there was something.
    async fn carry_out(
        &self,
        level_two: &Arc<LevelTwo>,
        due: Due,
        value: Option<Content<V>>,
        existed: bool,
    ) -> Change {
        let is_deletion = value.is_none();
        let existed =
            existed || is_deletion && level_two.has::<V>(self.space, &self.key, &self.rules).await;
        let is_shared = self.share(level_two, due, value).await;
        Change { existed, is_shared }
    }

    /// Writes what was set, if nobody here has changed it again meanwhile. Whether all know it now. What cannot
    /// be written is deleted, and that is not what all were to know.
    pub(crate) async fn share(
        &self,
        level_two: &Arc<LevelTwo>,
        mut due: Due,
        value: Option<Content<V>>,
    ) -> bool {
        level_two.hearing.has_begun().await;
        let stripe = self.shelf.stripe(&self.key);
        let _order = stripe.order.lock().await;
        let is_whole = match value {
            Some(content) => due.add_value(&content, &self.rules).await,
            None => true,
        };
        due.pay().await && is_whole
    }
}
