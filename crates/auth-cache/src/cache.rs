use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, PoisonError, RwLock};

use auth_core::{Clock, RequestContext};
use tokio::sync::watch;
use tracing::Instrument;

use crate::builder::CacheBuilder;
use crate::debts::Debt;
use crate::entry::{Entry, Lifetime, moment};
use crate::flight::{Landing, Role};
use crate::level_two::{Answer, LevelTwo};
use crate::loaded::{Loaded, Origin};
use crate::shelf::{Began, Kept, Shelf};
use crate::space::{Cacheable, Consistency, Rules, Space};
use crate::stats::{CacheStats, Counters};

/// A two-level cache. Clones share everything.
///
/// The crate's front page says what it promises. Every method needs a tokio runtime, and none of
/// them fails because Redis does.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    namespace: String,
    shelves: RwLock<HashMap<ShelfName, Arc<dyn Any + Send + Sync>>>,
    level_two: Option<Arc<LevelTwo>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Fn() -> f64 + Send + Sync>,
    counters: Arc<Counters>,
    /// How many tasks of ours are under way.
    tasks: watch::Sender<usize>,
}

/// The name of a space, and its types: two declarations that disagree get shelves of their own, and
/// neither reads a value of the other's type.
type ShelfName = (&'static str, TypeId);

/// A key of a space, with what is needed to work on it in another task.
struct Place<V> {
    inner: Arc<Inner>,
    shelf: Arc<Shelf<V>>,
    space: &'static str,
    rules: Rules,
    key: Box<str>,
}

impl Cache {
    /// Starts settings. The namespace keeps applications apart that share a Redis.
    pub fn builder(namespace: impl Into<String>) -> CacheBuilder {
        CacheBuilder::new(namespace.into())
    }

    pub(crate) fn new(builder: CacheBuilder) -> Self {
        let counters = Arc::<Counters>::default();
        let level_two = builder
            .redis
            .map(|redis| LevelTwo::new(redis, &builder.namespace, Arc::clone(&counters)))
            .map(Arc::new);
        Self(Arc::new(Inner {
            namespace: builder.namespace,
            shelves: RwLock::default(),
            level_two,
            clock: builder.clock,
            random: builder.random,
            counters,
            tasks: watch::Sender::new(0),
        }))
    }

    /// Returns the value of a key: from memory, from Redis, or from the loader.
    ///
    /// Those who ask while the loader runs wait for it. It runs in a task of its own, in the
    /// [`RequestContext`] of the call that started it.
    ///
    /// # Errors
    ///
    /// The loader's own, if the space does not allow an expired entry or there is none.
    ///
    /// # Panics
    ///
    /// If the loader does, in the call that brought it. Those who waited use their own.
    pub async fn get_or_load<V, C, E, F, Fut>(
        &self,
        space: &Space<V, C>,
        key: &str,
        load: F,
    ) -> Result<Loaded<V>, E>
    where
        V: Cacheable,
        C: Consistency,
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
    {
        let shelf = self.shelf(space);
        let rules = space.rules();
        loop {
            let began = shelf.began(key, self.0.ups(&rules));
            if let Some(found) = self.0.fresh(&shelf, key, began, &rules) {
                return Ok(found);
            }
            match shelf.flights.join(key, began) {
                Role::Follow(waiting) => {
                    self.0.counters.joined.add();
                    if let Some(outcome) = waiting.outcome().await {
                        return outcome;
                    }
                    // Its loader panicked. There is still our own.
                }
                Role::Lead(landing, waiting) => {
                    let place = Place::new(self, shelf, space, key);
                    let context = RequestContext::current();
                    let load = async move {
                        match context {
                            Some(context) => context.scope(load()).await,
                            None => load().await,
                        }
                    };
                    let load = load.in_current_span();
                    let task = self.spawn(async move { place.fill(began, load, landing).await });
                    if let Some(outcome) = waiting.outcome().await {
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

    /// Returns the value of a key if it is there and has not expired.
    pub async fn get<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        key: &str,
    ) -> Option<Loaded<V>> {
        let shelf = self.shelf(space);
        let rules = space.rules();
        let began = shelf.began(key, self.0.ups(&rules));
        if let Some(found) = self.0.fresh(&shelf, key, began, &rules) {
            return Some(found);
        }
        self.0.level_two.as_ref()?;
        let place = Place::new(self, shelf, space, key);
        let (entry, _) = place.read_level_two(began).await;
        let now = self.0.now();
        let entry = entry.filter(|entry| entry.lifetime.is_fresh(now))?;
        self.0.counters.redis_hits.add();
        Some(entry.loaded(Origin::Redis, now))
    }

    /// Keeps a value, in the place of whatever was there.
    pub async fn set<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        key: &str,
        value: V,
    ) {
        let place = Place::new(self, self.shelf(space), space, key);
        let now = self.0.now();
        let lifetime = self.0.begin(&place.rules, now);
        let era = place.shelf.era(self.0.ups(&place.rules));
        let Some(kept) = Kept::new(value.clone(), lifetime, era, now) else {
            self.delete(space, key).await;
            return;
        };
        // Before the first await: from here on nobody sees the old value, even if this future is
        // dropped.
        let epoch = place.shelf.replace(key, kept);
        let Some(level_two) = self.0.level_two.clone() else {
            return;
        };
        let owed = level_two.owe(place.debt());
        let task = self.spawn(async move {
            let stripe = place.shelf.stripe(&place.key);
            let _order = stripe.order.lock().await;
            let mut written = false;
            // If somebody else changed this key meanwhile, theirs is the later value, and ours must
            // not be what remains.
            if stripe.epoch() == epoch
                && let Some(generation) = level_two.generation(place.space).await
            {
                let entry = (&value, &lifetime);
                written = level_two
                    .write(place.space, &place.key, entry, &generation, now)
                    .await;
            }
            if written {
                level_two.replaced(owed).await;
            } else {
                level_two.pay(owed).await;
            }
            // What was read in between may have been the old value.
            stripe.advance(|| ());
        });
        // It can only fail by being stopped with the runtime.
        let _ = task.await;
    }

    /// Deletes a key, in both levels. Returns whether there was something in either, as far as Redis
    /// could be asked.
    pub async fn delete<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        key: &str,
    ) -> bool {
        let place = Place::new(self, self.shelf(space), space, key);
        let now = self.0.now();
        let era = place.shelf.era(self.0.ups(&place.rules));
        let (_, removed) = place.shelf.remove(key);
        let was_in_memory =
            removed.is_some_and(|entry| entry.era == era && entry.lifetime.is_fresh(now));
        let Some(level_two) = self.0.level_two.clone() else {
            return was_in_memory;
        };
        let owed = level_two.owe(place.debt());
        let task = self.spawn(async move {
            let stripe = place.shelf.stripe(&place.key);
            let _order = stripe.order.lock().await;
            let deleted = level_two.pay(owed).await;
            stripe.advance(|| ());
            deleted.is_some_and(|count| count > 0)
        });
        task.await.unwrap_or(false) || was_in_memory
    }

    /// Says that what lies under these keys is out of date: as [`delete`](Self::delete) for each.
    pub async fn invalidate<V: Cacheable, C: Consistency>(
        &self,
        space: &Space<V, C>,
        keys: &[&str],
    ) {
        for key in keys {
            self.delete(space, key).await;
        }
    }

    /// Deletes everything in a space, in both levels and for everybody who uses this namespace,
    /// and nothing in any other.
    pub async fn clear_space<V: Cacheable, C: Consistency>(&self, space: &Space<V, C>) {
        let shelf = self.shelf(space);
        shelf.clear();
        let Some(level_two) = self.0.level_two.clone() else {
            return;
        };
        let owed = level_two.owe(Debt::Space(space.name()));
        let task = self.spawn(async move {
            level_two.pay(owed).await;
            // What was read in between may have been of the old generation.
            shelf.clear();
        });
        // It can only fail by being stopped with the runtime.
        let _ = task.await;
    }

    /// Waits until nothing is under way: no load, and no write to Redis. Not for deletions that are
    /// owed because Redis is away.
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

    fn shelf<V: Cacheable, C: Consistency>(&self, space: &Space<V, C>) -> Arc<Shelf<V>> {
        let name = (space.name(), TypeId::of::<(V, C)>());
        let shelves = self.0.shelves.read();
        let found = shelves
            .unwrap_or_else(PoisonError::into_inner)
            .get(&name)
            .cloned();
        let shelf = found.unwrap_or_else(|| {
            let shelves = self.0.shelves.write();
            let mut shelves = shelves.unwrap_or_else(PoisonError::into_inner);
            let shelf = shelves
                .entry(name)
                .or_insert_with(|| Arc::new(Shelf::new(space)));
            Arc::clone(shelf)
        });
        match shelf.downcast() {
            Ok(shelf) => shelf,
            Err(_) => unreachable!("the name holds the type"),
        }
    }

    fn spawn<T: Send + 'static>(
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
            .field("redis", &self.0.level_two.as_ref().map(|it| &it.redis))
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn now(&self) -> u64 {
        moment(self.clock.now())
    }

    fn begin(&self, rules: &Rules, now: u64) -> Lifetime {
        Lifetime::begin(rules, now, (self.random)())
    }

    /// How often Redis came up, as far as the space cares.
    fn ups(&self, rules: &Rules) -> u64 {
        match &self.level_two {
            Some(level_two) if rules.dropped_after_outage => level_two.redis.ups(),
            _ => 0,
        }
    }

    fn fresh<V: Cacheable>(
        &self,
        shelf: &Shelf<V>,
        key: &str,
        began: Began,
        rules: &Rules,
    ) -> Option<Loaded<V>> {
        let entry = shelf.find(key, began.era)?;
        let now = self.now();
        if !entry.lifetime.adopted(rules, now).is_fresh(now) {
            return None;
        }
        self.counters.memory_hits.add();
        Some(entry.loaded(Origin::Memory, now))
    }
}

impl<V: Cacheable> Place<V> {
    fn new<C: Consistency>(
        cache: &Cache,
        shelf: Arc<Shelf<V>>,
        space: &Space<V, C>,
        key: &str,
    ) -> Self {
        Self {
            inner: Arc::clone(&cache.0),
            shelf,
            space: space.name(),
            rules: space.rules(),
            key: key.into(),
        }
    }

    /// Fills the place and lets the outcome land; what is left to do after that keeps nobody waiting.
    async fn fill<E>(
        self,
        began: Began,
        load: impl Future<Output = Result<V, E>>,
        landing: Landing<Result<Loaded<V>, E>>,
    ) {
        let Self { inner, shelf, .. } = &self;
        // Somebody else's load may have landed between the look into memory and this flight.
        if let Some(found) = inner.fresh(shelf, &self.key, began, &self.rules) {
            return landing.land(Ok(found));
        }
        let (remote, generation) = self.read_level_two(began).await;
        let now = inner.now();
        if let Some(entry) = remote.as_ref().filter(|it| it.lifetime.is_fresh(now)) {
            inner.counters.redis_hits.add();
            return landing.land(Ok(entry.loaded(Origin::Redis, now)));
        }
        // The younger of the two, should the loader fail.
        let local = shelf.find(&self.key, began.era);
        let stale = [local, remote]
            .into_iter()
            .flatten()
            .max_by_key(|entry| entry.lifetime.stored_at);

        inner.counters.loads.add();
        let value = match load.await {
            Ok(value) => value,
            Err(error) => {
                inner.counters.load_failures.add();
                return landing.land(self.fall_back(stale, began).ok_or(error));
            }
        };
        let now = inner.now();
        let lifetime = inner.begin(&self.rules, now);
        let loaded = Loaded::new(value.clone(), Origin::Loader, std::time::Duration::ZERO);
        let kept = Kept::new(value.clone(), lifetime, began.era, now);
        let published = match kept {
            Some(kept) => {
                let published = shelf.publish(&self.key, began, kept);
                if !published {
                    inner.counters.fenced.add();
                }
                published
            }
            None => false,
        };
        landing.land(Ok(loaded));
        if published {
            self.write_level_two(&value, &lifetime, began, generation)
                .await;
        }
    }

    /// What may be served although it has expired, unless it was deleted while the loader ran.
    fn fall_back(&self, stale: Option<Arc<Entry<V>>>, began: Began) -> Option<Loaded<V>> {
        let now = self.inner.now();
        let entry = stale?;
        let lifetime = entry.lifetime.adopted(&self.rules, now);
        if !lifetime.is_servable(now) || !self.still(began) {
            return None;
        }
        self.inner.counters.stale_served.add();
        Some(entry.loaded(Origin::Stale, now))
    }

    /// Reads Redis, and keeps in memory what is worth it.
    async fn read_level_two(&self, began: Began) -> (Option<Arc<Entry<V>>>, Option<String>) {
        let answer = match &self.inner.level_two {
            Some(level_two) => level_two.read(self.space, &self.key).await,
            None => Answer::NONE,
        };
        let now = self.inner.now();
        let entry = answer.found.and_then(|(value, lifetime)| {
            let lifetime = lifetime.adopted(&self.rules, now);
            let kept = Kept::new(value, lifetime, began.era, now)?;
            let entry = kept.entry();
            self.shelf.publish(&self.key, began, kept);
            Some(entry)
        });
        (entry, answer.generation)
    }

    async fn write_level_two(
        &self,
        value: &V,
        lifetime: &Lifetime,
        began: Began,
        generation: Option<String>,
    ) {
        let (Some(level_two), Some(generation)) = (&self.inner.level_two, generation) else {
            return;
        };
        let _order = self.shelf.stripe(&self.key).order.lock().await;
        // A deletion that came before this waits behind us no longer; one that comes now does.
        if self.still(began) {
            let (now, entry) = (self.inner.now(), (value, lifetime));
            level_two
                .write(self.space, &self.key, entry, &generation, now)
                .await;
        }
    }

    /// Whether nothing was deleted since.
    fn still(&self, began: Began) -> bool {
        self.shelf.began(&self.key, self.inner.ups(&self.rules)) == began
    }

    fn debt(&self) -> Debt {
        Debt::Key {
            space: self.space,
            key: self.key.clone(),
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
    use crate::space::Bounded;
    use auth_redis::Redis;
    use auth_testkit::RedisServer;
    use std::time::Duration;

    const ROLES: Space<String, Bounded> = Space::new("roles", Duration::from_secs(100));

    fn place(cache: &Cache) -> Place<String> {
        Place::new(cache, cache.shelf(&ROLES), &ROLES, "k")
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
        let load = async { Err("nobody should ask") };
        place.fill(began, load, landing).await;
        let loaded = waiting.outcome().await.unwrap().unwrap();
        assert_eq!(loaded.origin(), Origin::Memory);
        assert_eq!(cache.stats().loads, 0);
    }

    #[tokio::test]
    async fn a_deletion_between_memory_and_redis_keeps_the_value_out_of_redis() {
        let Some(server) = RedisServer::start() else {
            return;
        };
        let redis = Redis::builder(&server.url()).connect().unwrap();
        let cache = Cache::builder("test").redis(redis.clone()).build();
        redis.ping().await.unwrap();
        let place = place(&cache);
        let lifetime = cache.0.begin(&place.rules, cache.0.now());
        let generation = || Some(String::new());
        let value = "old".to_owned();

        let began = place.shelf.began("k", cache.0.ups(&place.rules));
        place
            .write_level_two(&value, &lifetime, began, generation())
            .await;
        assert!(cache.delete(&ROLES, "k").await);
        place
            .write_level_two(&value, &lifetime, began, generation())
            .await;
        assert!(!cache.delete(&ROLES, "k").await);
    }
}
