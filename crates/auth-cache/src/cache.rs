use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Clock, RequestContext};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::backend::Backend;
use crate::builder::CacheBuilder;
use crate::change::Change;
use crate::debts::Debt;
use crate::entry::{Entry, Era, Lifetime, millis};
use crate::envelope::Content;
use crate::error::LoadError;
use crate::flight::Role;
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

    /// Returns the value of a key: from memory, from the level behind, or from the loader.
    ///
    /// Those who ask while the loader runs wait for it. It runs in a task of its own, in the
    /// [`RequestContext`] of the call that started it. It returns the value, or a [`Fresh`] one with
    /// more to say of it.
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's own, if the space does not allow an expired entry or
    /// there is none; [`LoadError::TimedOut`] if the space has a deadline.
    ///
    /// # Panics
    ///
    /// If the loader does, in the call that brought it. Those who waited use their own.
    pub async fn get_or_load<V, C, T, E, F, Fut>(
        &self,
        space: &Space<V, C>,
        key: &str,
        load: F,
    ) -> Result<Loaded<V>, LoadError<E>>
    where
        V: Cacheable,
        C: Consistency,
        T: Into<Fresh<V>> + Send + 'static,
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let rules = space.rules();
        if let Some((entry, now)) = self.at_once(space, key, rules) {
            self.0.counters.memory_hit();
            if entry.wants_refresh(rules, now) {
                self.refresh(space, key, move |_| load());
            }
            return Ok(entry.loaded(Origin::Memory, now));
        }
        // A hit does not carry around all that a load may need.
        Box::pin(self.load_or_join(space, key, move |_| load())).await
    }

    /// As [`get_or_load`](Self::get_or_load), with a loader that is told what is known already: a value that has expired
    /// or is to be refreshed, if there is one. So it can ask its source for something new only, and return what
    /// it was told if there is nothing: then that is as good as new.
    ///
    /// An expired value is kept for as long as its space allows it to be [stale](Space::max_stale).
    ///
    /// # Errors
    ///
    /// As `get_or_load`.
    ///
    /// # Panics
    ///
    /// As `get_or_load`.
    ///
    /// # Example: a document with an `ETag`
    ///
    /// ```
    /// use std::time::Duration;
    /// use auth_cache::{Bounded, Cache, Loaded, Space};
    /// # use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Document { etag: String, text: String }
    ///
    /// const DOCUMENTS: Space<Document, Bounded> = Space::new("documents", Duration::from_secs(60))
    ///     .max_stale(Duration::from_secs(3600));
    ///
    /// /// `If-None-Match: {etag}`; `None` is the answer 304.
    /// async fn fetch(etag: Option<&str>) -> Result<Option<Document>, String> {
    ///     # let document = || Document { etag: "1".into(), text: "text".into() };
    ///     # Ok((etag != Some("1")).then(document))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let load = async |known: Option<Loaded<Document>>| {
    ///     let known = known.map(Loaded::into_value);
    ///     let newer = fetch(known.as_ref().map(|it| it.etag.as_str())).await?;
    ///     newer.or(known).ok_or_else(|| "nothing is known to be unchanged".to_owned())
    /// };
    /// let cache = Cache::builder("my-app").build();
    /// let document = cache.get_or_reload(&DOCUMENTS, "terms", load).await;
    /// assert_eq!(document.unwrap().value().text, "text");
    /// # }
    /// ```
    pub async fn get_or_reload<V, C, T, E, F, Fut>(
        &self,
        space: &Space<V, C>,
        key: &str,
        load: F,
    ) -> Result<Loaded<V>, LoadError<E>>
    where
        V: Cacheable,
        C: Consistency,
        T: Into<Fresh<V>> + Send + 'static,
        E: Clone + Send + Sync + 'static,
        F: FnOnce(Option<Loaded<V>>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let rules = space.rules();
        if let Some((entry, now)) = self.at_once(space, key, rules) {
            self.0.counters.memory_hit();
            if entry.wants_refresh(rules, now) {
                self.refresh(space, key, load);
            }
            return Ok(entry.loaded(Origin::Memory, now));
        }
        Box::pin(self.load_or_join(space, key, load)).await
    }

    /// Waits for the load of this key, and starts it if there is none.
    async fn load_or_join<V, C, T, E, F, Fut>(
        &self,
        space: &Space<V, C>,
        key: &str,
        load: F,
    ) -> Result<Loaded<V>, LoadError<E>>
    where
        V: Cacheable,
        C: Consistency,
        T: Into<Fresh<V>> + Send + 'static,
        E: Clone + Send + Sync + 'static,
        F: FnOnce(Option<Loaded<V>>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let rules = space.rules();
        let place = Place::new(self, self.shelf(space), space, key);
        let begun = Instant::now();
        // What must be confirmed may not come of a load that began before it was asked for.
        let mut may_join = !self.0.must_confirm(rules);
        let mut load = Some(load);
        loop {
            let began = place.shelf.began(key, self.0.gaps(rules));
            if let Some(found) = place.found_or_resting(began) {
                return Ok(found);
            }
            match place.shelf.flights.join::<Result<Loaded<V>, E>>(key, began) {
                Role::Follow(waiting) => {
                    self.0.counters.note(CacheEvent::Joined);
                    match place.wait(waiting, began, begun).await {
                        Some(outcome) if may_join => return outcome,
                        Some(Err(LoadError::TimedOut)) => return Err(LoadError::TimedOut),
                        // Whatever flies from now on began after this was asked for.
                        Some(_) => may_join = true,
                        // Its loader panicked. There is still our own.
                        None => {}
                    }
                }
                Role::Lead(landing, waiting) => {
                    let Some(load) = load.take() else {
                        unreachable!("whoever leads returns");
                    };
                    let load = in_context(load);
                    let flying = place.clone();
                    let task =
                        self.spawn(async move { flying.fill(began, load, landing, false).await });
                    if let Some(outcome) = place.wait(waiting, began, begun).await {
                        return outcome;
                    }
                    return match task.await {
                        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                        // The runtime is shutting down, and this task with it.
                        _ => std::future::pending().await,
                    };
                }
            }
        }
    }

    /// Starts a load that nobody waits for, unless there is one. Not inlined: it would weigh upon every hit.
    #[inline(never)]
    fn refresh<V, C, T, E, F, Fut>(&self, space: &Space<V, C>, key: &str, load: F)
    where
        V: Cacheable,
        C: Consistency,
        T: Into<Fresh<V>> + Send + 'static,
        E: Clone + Send + Sync + 'static,
        F: FnOnce(Option<Loaded<V>>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let shelf = self.shelf(space);
        let began = shelf.began(key, self.0.gaps(space.rules()));
        let Role::Lead(landing, _) = shelf.flights.join::<Result<Loaded<V>, E>>(key, began) else {
            return;
        };
        self.0.counters.note(CacheEvent::RefreshedAhead);
        let place = Place::new(self, shelf, space, key);
        let load = in_context(load);
        // Nobody waits for it, and nobody hears of its failure but the counters.
        drop(self.spawn(async move { place.fill(began, load, landing, true).await }));
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
    fn at_once<V: Cacheable, C: Consistency>(
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

/// The load, in the request and the span that it is for.
fn in_context<V, T, E, F, Fut>(
    load: F,
) -> impl FnOnce(Option<Loaded<V>>) -> BoxFuture<'static, Result<T, E>> + Send
where
    V: Cacheable,
    F: FnOnce(Option<Loaded<V>>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    let (context, span) = (RequestContext::current(), Span::current());
    move |known| {
        let load = async move { load(known).await };
        match context {
            Some(context) => Box::pin(context.scope(load).instrument(span)),
            None => Box::pin(load.instrument(span)),
        }
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

/// What only happens between two steps that no caller can come between on purpose.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{BackendFault, Listener, Notice, When};
    use crate::space::Bounded;
    use auth_testkit::TestClock;
    use bytes::Bytes;

    const BOUND: Duration = Duration::from_secs(5);
    const ROLES: Space<String, Bounded> =
        Space::new("roles", Duration::from_secs(100)).max_stale(BOUND);

    fn place(cache: &Cache) -> Place<String> {
        Place::new(cache, cache.shelf(&ROLES), &ROLES, "k")
    }

    /// A level behind that is away.
    struct Away;

    impl Backend for Away {
        fn read<'a>(
            &'a self,
            _: &'a [&'a str],
        ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, BackendFault>> {
            Box::pin(async { Err(BackendFault) })
        }

        fn write<'a>(
            &'a self,
            _: &'a str,
            _: &'a [u8],
            _: Option<Duration>,
            _: When<'a>,
        ) -> BoxFuture<'a, Result<bool, BackendFault>> {
            Box::pin(async { Err(BackendFault) })
        }

        fn announce<'a>(
            &'a self,
            _: &'a str,
            _: &'a [u8],
        ) -> BoxFuture<'a, Result<u64, BackendFault>> {
            Box::pin(async { Err(BackendFault) })
        }

        fn position<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<u64, BackendFault>> {
            Box::pin(async { Err(BackendFault) })
        }

        fn listen(&self, _: &str) -> Box<dyn Listener> {
            Box::new(Self)
        }

        fn ready(&self) -> BoxFuture<'static, bool> {
            Box::pin(std::future::pending())
        }
    }

    impl Listener for Away {
        fn next(&mut self) -> BoxFuture<'_, Option<Notice>> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn what_was_in_doubt_before_a_gap_is_not_served_because_all_is_known_after_it() {
        let clock = TestClock::at_unix_secs(1_700_000_000);
        let builder = Cache::builder("test").backend(Away).clock(clock.clone());
        let cache = builder.build();
        cache.set(&ROLES, "k", "old".to_owned()).await;
        assert!(cache.get(&ROLES, "k").await.is_some());
        clock.advance(BOUND + Duration::from_secs(1));
        assert!(cache.get(&ROLES, "k").await.is_none());
        // A flight begins, and before it looks the node hears again.
        let place = place(&cache);
        let began = place.shelf.began("k", 0);
        let Role::Lead(landing, waiting) = place.shelf.flights.join("k", began) else {
            panic!("nobody else flies");
        };
        let level_two = cache.0.level_two.as_ref().unwrap();
        level_two.hearing.know_again_from(cache.0.now());
        let load = |_| async { Ok::<_, &str>("new".to_owned()) };
        place.fill(began, load, landing, false).await;
        let loaded = waiting.outcome().await.unwrap().unwrap();
        assert_eq!(loaded.value(), "new");
    }

    #[tokio::test]
    async fn a_flight_that_finds_its_value_in_memory_loads_nothing() {
        let cache = Cache::builder("test").build();
        let place = place(&cache);
        cache.set(&ROLES, "k", "there already".to_owned()).await;
        let began = place.shelf.began("k", 0);
        let Role::Lead(landing, waiting) = place.shelf.flights.join("k", began) else {
            panic!("nobody else flies");
        };
        let load = |_| async { Err::<String, _>("nobody should ask") };
        place.fill(began, load, landing, false).await;
        let loaded = waiting.outcome().await.unwrap().unwrap();
        assert_eq!(loaded.origin(), Origin::Memory);
        assert_eq!(cache.stats().loads, 0);
    }
}
