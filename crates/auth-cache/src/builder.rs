use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, SystemClock};
use auth_crypto::KeyRing;
use auth_redis::Redis;

use crate::Cache;
use crate::backend::Backend;
use crate::redis::RedisBackend;
use crate::stats::{CacheEvent, Observer};

/// Settings of a [`Cache`].
pub struct CacheBuilder {
    pub(crate) namespace: String,
    pub(crate) backend: Option<Arc<dyn Backend>>,
    pub(crate) key_ring: Option<KeyRing>,
    pub(crate) observer: Option<Observer>,
    pub(crate) check_interval: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) is_clock_of_machine: bool,
    pub(crate) random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl CacheBuilder {
    pub(crate) fn new(namespace: String) -> Self {
        Self {
            namespace,
            backend: None,
            key_ring: None,
            observer: None,
            check_interval: Duration::from_millis(500),
            clock: Arc::new(SystemClock),
            is_clock_of_machine: true,
            random: Arc::new(auth_core::spread),
        }
    }

    /// Puts Redis behind the memory. Without it, or while it is away, there is memory only.
    #[must_use]
    pub fn redis(mut self, redis: Redis) -> Self {
        self.backend = Some(Arc::new(RedisBackend(redis)));
        self
    }

    /// Puts something else behind the memory, in the place of Redis.
    #[must_use]
    pub fn backend(mut self, backend: impl Backend) -> Self {
        self.backend = Some(Arc::new(backend));
        self
    }

    /// Sets the keys that seal the values of [sealed](crate::Space::sealed) spaces. Whoever shares the
    /// level behind needs the same ones.
    #[must_use]
    pub fn key_ring(mut self, keys: KeyRing) -> Self {
        self.key_ring = Some(keys);
        self
    }

    /// Tells somebody what happens, as it happens. They must be quick: callers wait for them. A panic of theirs is
    /// logged and ends there.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(CacheEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets how often it is looked whether a change by others was missed. 500 ms unless set. What was
    /// missed is noticed after two such times.
    #[must_use]
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets the clock that lifetimes go by. The machine's own unless set, which hits in memory read once in a
    /// millisecond; this one they read each time.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self.is_clock_of_machine = false;
        self
    }

    /// Replaces the randomness that spreads lifetimes: numbers from zero up to one. With 0.5 a
    /// lifetime of a [`Bounded`](crate::Bounded) or [`BestEffort`](crate::BestEffort) space is
    /// exactly what was declared; with 1 that of a [`Strict`](crate::Strict) one.
    #[must_use]
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Makes the cache.
    pub fn build(self) -> Cache {
        Cache::new(self)
    }
}

impl fmt::Debug for CacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("namespace", &self.namespace)
            .field("has_backend", &self.backend.is_some())
            .finish_non_exhaustive()
    }
}
