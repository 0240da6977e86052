use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Clock;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::backend::Backend;
use crate::builder::CacheBuilder;
use crate::change::Change;
use crate::debts::Debt;
use crate::entry::{Entry, Era, Lifetime, millis};
use crate::envelope::Content;
use crate::fresh::Fresh;
use crate::hearing;
use crate::level_two::LevelTwo;
use crate::loaded::{Loaded, Origin};
use crate::moments::Moments;
use crate::place::Place;
use crate::record::Mark;
use crate::registry::Registry;
use crate::share::Deletion;
use crate::shelf::{Kept, Shelf};
use crate::space::{Cacheable, Consistency, Rules, Space};
use crate::stats::{CacheEvent, CacheStats, Counters};

/// A two-level cache. Clones share everything.
///
/// The crate's front page says what it promises. Every method needs a tokio runtime, and none of
/// them fails because the level behind does.
#[derive(Clone)]
pub struct Cache(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    namespace: String,
    shelves: Registry,
    pub(crate) level_two: Option<Arc<LevelTwo>>,
    check_interval: Duration,
    clock: Arc<dyn Clock>,
    moments: Moments,
    pub(crate) random: Arc<dyn Fn() -> f64 + Send + Sync>,
    pub(crate) counters: Arc<Counters>,
    /// How many tasks of ours are under way.
    tasks: watch::Sender<usize>,
}

impl Cache {
    /// Starts settings. The namespace keeps applications apart that share a Redis.
    pub fn builder(namespace: impl Into<String>) -> CacheBuilder {
        CacheBuilder::new(namespace.into())
    }

    pub(crate) fn new(builder: CacheBuilder) -> Self {
        let counters = Arc::new(Counters::new(builder.observer));
        let level_two = builder.backend.map(|backend| {
            Arc::new(LevelTwo::new(
                backend,
                &builder.namespace,
                builder.key_ring,
                Arc::clone(&builder.clock),
                Arc::clone(&counters),
            ))
        });
        Self(Arc::new(Inner {
            namespace: builder.namespace,
            shelves: Registry::default(),
            level_two,
            check_interval: builder.check_interval,
            moments: Moments::new(Arc::clone(&builder.clock), builder.is_clock_of_machine),
            clock: builder.clock,
            random: builder.random,
            counters,
            tasks: watch::Sender::new(0),
        }))
    }

    /// Whether the values of sealed spaces can be kept wherever values are kept.
    pub(crate) fn can_seal(&self) -> bool {
        let level_two = self.0.level_two.as_ref();
        level_two.is_none_or(|level_two| level_two.can_seal())
    }

    /// Returns the value of a key if it is there and has not expired.
    pub async fn get<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        key: &str,
    ) -> Option<Loaded<V>> {
        if let Some((entry, now)) = self.at_once(space, key, space.rules()) {
            self.0.counters.memory_hit();
            return Some(entry.loaded(Origin::Memory, now));
        }
        self.0.level_two.as_ref()?;
        let shelf = self.shelf(space);
        let began = shelf.began(key, self.0.gaps(space.rules()));
        let place = Place::new(self, shelf, space, key);
        let (entry, _) = place.read_level_two(began).await;
        let now = self.0.now();
        let entry = entry.filter(|entry| entry.lifetime.is_fresh(now))?;
        self.0.counters.note(CacheEvent::RedisHit);
        Some(entry.loaded(Origin::Redis, now))
    }

    /// Keeps a value, in the place of whatever was there, and lets the others know.
    pub async fn set<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        key: &str,
        value: impl Into<Fresh<V>>,
    ) -> Change {
        let fresh: Fresh<V> = value.into();
        let place = Place::new(self, self.shelf(space), space, key);
        let now = self.0.now();
        let rules = match fresh.is_negative {
            true => place.rules.of_negative(),
            false => place.rules.with_ttl(fresh.ttl),
        };
        let rules = rules.ending(fresh.until);
        let content = Content {
            lifetime: self.0.begin(&rules, now),
            value: fresh.value,
            tags: fresh.tags.into(),
        };
        let era = place.shelf.era(self.0.gaps(&place.rules));
        let (value, tags) = (content.value.clone(), content.tags.clone());
        let Some(kept) = Kept::new(value, content.lifetime, tags, era, now, &place.rules) else {
            return self.delete(space, key).await;
        };
        let until = now.saturating_add(millis(content.lifetime.left(now)));
        // Before the first await: from here on nobody sees the old value, even if this future is
        // dropped. Owed first, so that nobody reads it behind in between.
        let due = self.owe(&place, until);
        if self.0.must_confirm(&place.rules) {
            place.shelf.remove(key);
        } else {
            place.shelf.replace(key, kept);
        }
        self.share(place, due, Some(content), false).await
    }

    /// Deletes a key, in both levels, and lets the others know.
    pub async fn delete<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        key: &str,
    ) -> Change {
        let place = Place::new(self, self.shelf(space), space, key);
        let now = self.0.now();
        let due = self.owe(&place, place.until(now));
        let existed = place.remove(now);
        self.share(place, due, None, existed).await
    }

    /// Says that what lies under these keys is out of date: as [`delete`](Self::delete) for each, and for all of
    /// them although the future is dropped once it was polled.
    ///
    /// No more than 10,000 changes are remembered until the level behind has them. Beyond that the whole space is
    /// deleted, and the change does not say that it was [shared](Change::is_shared).
    pub async fn invalidate<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        keys: &[&str],
    ) -> Change {
        let shelf = self.shelf(space);
        let now = self.0.now();
        // Before the first await, as for each alone.
        let deletions = keys.iter().map(|key| {
            let place = Place::new(self, Arc::clone(&shelf), space, key);
            let due = self.owe(&place, place.until(now));
            let existed = place.remove(now);
            Deletion {
                place,
                due,
                existed,
            }
        });
        self.share_deletions(deletions.collect()).await
    }

    /// Deletes all keys that begin with this, in both levels and for everybody who uses this
    /// namespace. What is in memory is looked through; what lies behind is not.
    pub async fn delete_prefix<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        prefix: &str,
    ) -> Change {
        self.delete_marked(space, Mark::Prefix(prefix.into())).await
    }

    /// Deletes all entries that were tied to this [tag](Fresh::tag), as
    /// [`delete_prefix`](Self::delete_prefix) does.
    pub async fn delete_tag<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        tag: &str,
    ) -> Change {
        self.delete_marked(space, Mark::Tag(tag.into())).await
    }

    /// Deletes everything in a space, in both levels and for everybody who uses this namespace,
    /// and nothing in any other.
    pub async fn clear_space<V: Cacheable, C: Consistency>(&self, space: &Space<V, C>) -> Change {
        let place = Place::new(self, self.shelf(space), space, "");
        let shelf = Arc::clone(&place.shelf);
        shelf.clear();
        let debt = Debt::Space(space.name());
        // What was read in between may have been of the old generation.
        self.share_marked(place, debt, move || shelf.clear()).await
    }

    /// Waits until nothing is under way: no load, and no write to the level behind. Not for changes
    /// that are owed because it is away.
    pub async fn settled(&self) {
        let mut tasks = self.0.tasks.subscribe();
        // The sender is in this very cache, so it cannot be gone.
        let _ = tasks.wait_for(|count| *count == 0).await;
    }

    /// What the cache has done so far.
    pub fn stats(&self) -> CacheStats {
        let owed = self.0.level_two.as_ref().map_or(0, |it| it.owed());
        self.0.counters.stats(owed)
    }

    /// What memory may answer with.
    pub(crate) fn at_once<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        key: &str,
        rules: &Rules,
    ) -> Option<(Entry<V>, u64)> {
        let shelf = self.0.shelves.find::<V, C>(space.name())?;
        let shelf: &Shelf<V> = shelf.downcast_ref()?;
        let era = shelf.era(self.0.gaps(rules));
        self.0.fresh(shelf, key, era, rules)
    }

    pub(crate) fn shelf<V: Cacheable, C: Consistency>(&self, space: &Space<V, C>) -> Arc<Shelf<V>> {
        let inner = &self.0;
        let shelf = inner.shelves.find_or_add::<V, C>(space.name(), || {
            let shelf = Arc::new(Shelf::new(space));
            if let Some(level_two) = &inner.level_two {
                level_two.hearing.add(space.name(), Arc::clone(&shelf) as _);
            }
            shelf
        });
        if let Some(level_two) = &inner.level_two {
            inner.listen(level_two);
        }
        match Arc::clone(shelf).downcast() {
            Ok(shelf) => shelf,
            Err(_) => unreachable!("the name holds the type"),
        }
    }

    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let busy = Busy::new(Arc::clone(&self.0));
        tokio::spawn(async move {
            let _busy = busy;
            future.await
        })
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("namespace", &self.0.namespace)
            .field("has_backend", &self.0.level_two.is_some())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn now(&self) -> u64 {
        self.moments.now()
    }

    pub(crate) fn begin(&self, rules: &Rules, now: u64) -> Lifetime {
        Lifetime::begin(rules, now, (self.random)())
    }

    /// How often a change by others may have been missed, as far as the space minds.
    pub(crate) fn gaps(&self, rules: &Rules) -> u64 {
        match &self.level_two {
            Some(level_two) if rules.minds_others => level_two.hearing.gaps(),
            _ => 0,
        }
    }

    /// Whether nothing in memory counts, because only level two knows what others have changed.
    pub(crate) fn must_confirm(&self, rules: &Rules) -> bool {
        rules.is_confirmed && self.level_two.is_some()
    }

    /// What memory may answer with.
    pub(crate) fn fresh<V: Cacheable>(
        &self,
        shelf: &Shelf<V>,
        key: &str,
        era: Era,
        rules: &Rules,
    ) -> Option<(Entry<V>, u64)> {
        if self.must_confirm(rules) {
            return None;
        }
        let (entry, read_at) = shelf.find_and_tell_when(key, era)?;
        let now = self.moments.at(read_at);
        let is_fresh = entry.lifetime.adopted(rules, now).is_fresh(now);
        let is_good = is_fresh && !self.is_doubtful(entry.lifetime.stored_at, rules, now);
        // Last, because after a gap all is known again, but not of what was kept before it.
        (is_good && self.gaps(rules) == era.gaps).then_some((entry, now))
    }

    /// Whether others may have changed it too long ago for us not to know. At `known_at` it was as it is.
    pub(crate) fn is_doubtful(&self, known_at: u64, rules: &Rules, now: u64) -> bool {
        let (Some(level_two), Some(bound)) = (&self.level_two, rules.deaf_bound()) else {
            return false;
        };
        let known = known_at.max(level_two.hearing.confirmed_at());
        now.saturating_sub(known) > bound
    }

    /// Begins to listen to others, unless somebody does.
    fn listen(&self, level_two: &Arc<LevelTwo>) {
        // Outside of a runtime nobody can, and whoever comes later will.
        if Handle::try_current().is_err() {
            return;
        }
        let Some(post) = level_two.hearing.begin() else {
            return;
        };
        let backend: &Arc<dyn Backend> = &level_two.backend;
        tokio::spawn(hearing::listen(
            post,
            Arc::downgrade(backend),
            backend.listen(&level_two.channel),
            level_two.channel.clone(),
            level_two.node.clone(),
            Arc::clone(&self.clock),
            self.check_interval,
        ));
    }
}

/// Counts a task while it runs.
struct Busy(Arc<Inner>);

impl Busy {
    fn new(inner: Arc<Inner>) -> Self {
        inner.tasks.send_modify(|count| *count += 1);
        Self(inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0
            .tasks
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}
