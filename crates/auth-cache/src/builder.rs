use std::fmt;
use std::sync::Arc;

use auth_core::{Clock, SystemClock};
use auth_redis::Redis;

use crate::Cache;

/// Settings of a [`Cache`].
pub struct CacheBuilder {
    pub(crate) namespace: String,
    pub(crate) redis: Option<Redis>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl CacheBuilder {
    pub(crate) fn new(namespace: String) -> Self {
        Self {
            namespace,
            redis: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(auth_core::spread),
        }
    }

    /// Puts Redis behind the memory. Without it, or while it is away, there is memory only.
    #[must_use]
    pub fn redis(mut self, redis: Redis) -> Self {
        self.redis = Some(redis);
        self
    }

    /// Sets the clock that lifetimes go by. The machine's own unless set.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
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
            .field("redis", &self.redis)
            .finish_non_exhaustive()
    }
}
