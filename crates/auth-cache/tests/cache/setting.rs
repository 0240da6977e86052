//! A real Redis, and caches on it.

use std::time::Duration;

use auth_cache::{BestEffort, Bounded, Cache, Space, Strict};
use auth_redis::{Redis, RedisState};
use auth_testkit::{RedisServer, TestClock};
use tokio::time::timeout;

pub(crate) const TTL: Duration = Duration::from_secs(100);
pub(crate) const ROLES: Space<String, Bounded> =
    Space::new("roles", TTL).max_stale(Duration::from_secs(50));
pub(crate) const PREFS: Space<String, BestEffort> = Space::new("prefs", TTL);
pub(crate) const REVOKED: Space<String, Strict> = Space::new("revoked", TTL);

/// Far more than any of this takes. Reaching it is a failure; nothing waits for it.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct Setting {
    pub(crate) server: RedisServer,
    pub(crate) redis: Redis,
    pub(crate) clock: TestClock,
}

impl Setting {
    pub(crate) async fn new() -> Option<Self> {
        let server = RedisServer::start()?;
        let redis = Redis::builder(&server.url())
            .check_interval(Duration::from_millis(20))
            .command_timeout(Duration::from_millis(100))
            .connect_timeout(Duration::from_millis(200))
            .connect()
            .unwrap();
        let setting = Self {
            server,
            redis,
            clock: TestClock::at_unix_secs(1_700_000_000),
        };
        setting.reach(RedisState::Up).await;
        Some(setting)
    }

    /// One more process, as it were.
    pub(crate) fn node(&self) -> Cache {
        self.node_of("test")
    }

    pub(crate) fn node_of(&self, namespace: &str) -> Cache {
        Cache::builder(namespace)
            .redis(self.redis.clone())
            .clock(self.clock.clone())
            .random(|| 0.5)
            .build()
    }

    pub(crate) async fn reach(&self, state: RedisState) {
        let mut changes = self.redis.state_changes();
        let reached = timeout(LONG, changes.reached(state)).await;
        assert!(reached.unwrap_or(false), "still {:?}", self.redis.state());
    }
}

pub(crate) async fn debts_are_paid(cache: &Cache) {
    let paid = async {
        while cache.stats().owed > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, paid).await.unwrap();
}
