//! Letting level two and the others know of a change.
//!
//! It is done in a task of its own, so that a caller who goes away leaves nothing half done. What cannot be done
//! now is owed.

use std::sync::Arc;

use crate::cache::Cache;
use crate::change::Change;
use crate::debts::{Debt, Owed};
use crate::entry::millis;
use crate::envelope::Content;
use crate::level_two::{LONGEST_LOAD, LevelTwo};
use crate::place::Place;
use crate::record::Mark;
use crate::space::{Cacheable, Consistency, Space};

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

    /// Lets level two and the others know of a change of one key.
    pub(crate) async fn share<V: Cacheable>(
        &self,
        place: Place<V>,
        until: u64,
        value: Option<Content<V>>,
        existed: bool,
    ) -> Change {
        let Some(level_two) = self.0.level_two.clone() else {
            let is_shared = true;
            return Change { existed, is_shared };
        };
        let owed = level_two.owe(place.debt(), until);
        let task =
            self.spawn(async move { place.carry_out(&level_two, owed, value, existed).await });
        // It can only fail by being stopped with the runtime.
        task.await.unwrap_or(Change {
            existed,
            is_shared: false,
        })
    }

    /// Lets level two and the others know of deletions, each with whether there was something. All are owed
    /// before the first await.
    pub(crate) async fn share_deletions<V: Cacheable>(
        &self,
        deletions: Vec<(Place<V>, bool)>,
        until: u64,
    ) -> Change {
        let mut change = Change {
            existed: deletions.iter().any(|(_, existed)| *existed),
            is_shared: true,
        };
        let Some(level_two) = self.0.level_two.clone() else {
            return change;
        };
        let owed: Vec<_> = deletions
            .into_iter()
            .map(|(place, existed)| {
                let owed = level_two.owe(place.debt(), until);
                (place, existed, owed)
            })
            .collect();
        let existed = change.existed;
        let task = self.spawn(async move {
            for (place, existed, owed) in owed {
                let one = place.carry_out(&level_two, owed, None, existed).await;
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
        let owed: (Debt, Owed) = level_two.owe(debt, place.until(self.0.now()));
        let task = self.spawn(async move {
            level_two.hearing.has_begun().await;
            let is_shared = level_two.pay(&owed.0, &owed.1).await;
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

    /// When nothing is left of what may be there now.
    pub(crate) fn until(&self, now: u64) -> u64 {
        let longest = self.rules.longest() + self.rules.max_stale + LONGEST_LOAD;
        now.saturating_add(millis(longest))
    }

    /// Does what is owed. A deletion looks first whether there was something.
    async fn carry_out(
        &self,
        level_two: &Arc<LevelTwo>,
        owed: (Debt, Owed),
        value: Option<Content<V>>,
        existed: bool,
    ) -> Change {
        let is_deletion = value.is_none();
        let existed =
            existed || is_deletion && level_two.has::<V>(self.space, &self.key, &self.rules).await;
        let is_shared = self.share(level_two, owed, value).await;
        // What was read in between may have been the old value.
        self.shelf.stripe(&self.key).advance(|| ());
        Change { existed, is_shared }
    }

    /// Writes what was set, if nobody here has changed it again meanwhile. Whether all know it now. What cannot
    /// be written is deleted, and that is not what all were to know.
    pub(crate) async fn share(
        &self,
        level_two: &Arc<LevelTwo>,
        mut owed: (Debt, Owed),
        value: Option<Content<V>>,
    ) -> bool {
        level_two.hearing.has_begun().await;
        let stripe = self.shelf.stripe(&self.key);
        let _order = stripe.order.lock().await;
        let is_whole = match value {
            Some(content) => level_two.add_value(&mut owed, &content, &self.rules).await,
            None => true,
        };
        let (debt, owed) = owed;
        // Of several changes the last one is shared, and by whoever made it.
        level_two.is_current(&debt, &owed) && level_two.pay(&debt, &owed).await && is_whole
    }
}
