//! From asking for a key to a value: what is at hand, or a load, one's own or somebody else's.

use std::future::Future;
use std::panic::resume_unwind;

use auth_core::{BoxFuture, RequestContext};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::cache::Cache;
use crate::error::LoadError;
use crate::flight::Role;
use crate::fresh::Fresh;
use crate::loaded::{Loaded, Origin};
use crate::place::Place;
use crate::space::{Cacheable, Consistency, Space};
use crate::stats::CacheEvent;

impl Cache {
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

/// What only happens between two steps that no caller can come between on purpose.
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backend::{Backend, BackendFault, Listener, Notice, When};
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
