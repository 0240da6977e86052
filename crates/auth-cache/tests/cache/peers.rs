//! Several caches on one Redis: what one changes, the others learn.

use std::sync::Arc;
use std::time::Duration;

use auth_cache::{BestEffort, Bounded, Cache, CacheStats, Fresh, Origin, Space, Strict};
use auth_redis::{Redis, RedisState};
use auth_testkit::{RedisServer, TestClock};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::common::Loader;

const TTL: Duration = Duration::from_secs(100);
const ROLES: Space<String, Bounded> = Space::new("roles", TTL).max_stale(Duration::from_secs(50));
const PREFS: Space<String, BestEffort> = Space::new("prefs", TTL);
const REVOKED: Space<String, Strict> = Space::new("revoked", TTL);

/// Far more than any of this takes. Reaching it is a failure; nothing waits for it.
const LONG: Duration = Duration::from_secs(10);

struct Setting {
    server: RedisServer,
    clock: TestClock,
}

/// A process with a connection of its own.
struct Node {
    cache: Cache,
    redis: Redis,
}

impl Setting {
    fn new() -> Option<Self> {
        Some(Self {
            server: RedisServer::start()?,
            clock: TestClock::at_unix_secs(1_700_000_000),
        })
    }

    async fn node(&self) -> Node {
        let redis = Redis::builder(&self.server.url())
            .check_interval(Duration::from_millis(20))
            .command_timeout(Duration::from_millis(200))
            .connect_timeout(Duration::from_millis(400))
            .connect()
            .unwrap();
        let cache = Cache::builder("test")
            .redis(redis.clone())
            .clock(self.clock.clone())
            .random(|| 0.5)
            .check_interval(Duration::from_millis(20))
            .build();
        redis.ping().await.unwrap();
        // The first use begins to listen.
        cache.get(&ROLES, "nothing").await;
        Node { cache, redis }
    }
}

impl Node {
    async fn reach(&self, state: RedisState) {
        let mut changes = self.redis.state_changes();
        let reached = timeout(LONG, changes.reached(state)).await;
        assert!(reached.unwrap_or(false), "still {:?}", self.redis.state());
    }

    async fn until(&self, holds: impl Fn(&CacheStats) -> bool) {
        let wait = async {
            while !holds(&self.cache.stats()) {
                tokio::task::yield_now().await;
            }
        };
        let held = timeout(LONG, wait).await;
        assert!(held.is_ok(), "{:?}", self.cache.stats());
    }

    async fn value<C: auth_cache::Consistency>(
        &self,
        space: &Space<String, C>,
        key: &str,
    ) -> Option<String> {
        let found = self.cache.get(space, key).await;
        found.map(auth_cache::Loaded::into_value)
    }
}

#[tokio::test]
async fn what_one_changes_the_others_drop_from_memory() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let (one, other) = (setting.node().await, setting.node().await);
    for space in [&PREFS] {
        one.cache.set(space, "k", "1".to_owned()).await;
    }
    assert!(one.cache.set(&ROLES, "k", "1".to_owned()).await.is_shared());
    assert_eq!(other.value(&ROLES, "k").await.as_deref(), Some("1"));
    assert_eq!(other.value(&PREFS, "k").await.as_deref(), Some("1"));
    other.until(|stats| stats.invalidations == 2).await;
    assert_eq!(one.cache.stats().invalidations, 0, "its own are ignored");

    one.cache.set(&ROLES, "k", "2".to_owned()).await;
    other.until(|stats| stats.invalidations == 3).await;
    assert_eq!(other.value(&ROLES, "k").await.as_deref(), Some("2"));
    // Not what lies beside it.
    let beside = other.cache.get(&PREFS, "k").await.unwrap();
    assert_eq!(beside.origin(), Origin::Memory);

    one.cache.delete(&ROLES, "k").await;
    other.until(|stats| stats.invalidations == 4).await;
    assert_eq!(other.value(&ROLES, "k").await, None);
    for node in [&one, &other] {
        assert_eq!(node.cache.stats().gaps, 0);
    }
}

#[tokio::test]
async fn tags_prefixes_and_clearings_reach_the_others_and_level_two() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let (one, other) = (setting.node().await, setting.node().await);
    let fill = async || {
        for (key, tag) in [("a:1", "t"), ("a:2", "u"), ("b:1", "t")] {
            let value = Fresh::new(key.to_owned()).tag(tag);
            one.cache.set(&ROLES, key, value).await;
            one.cache.set(&PREFS, key, key.to_owned()).await;
            other.value(&ROLES, key).await.unwrap();
        }
        let told = one.cache.stats().owed;
        assert_eq!(told, 0);
    };
    let left = async |node: &Node| {
        let mut left = Vec::new();
        for key in ["a:1", "a:2", "b:1"] {
            left.extend(node.value(&ROLES, key).await);
            node.value(&PREFS, key).await.unwrap();
        }
        left.join(" ")
    };
    let mut heard = 0;
    for (what, expected) in [("prefix", "b:1"), ("tag", "a:2"), ("space", "")] {
        fill().await;
        let change = match what {
            "prefix" => one.cache.delete_prefix(&ROLES, "a:").await,
            "tag" => one.cache.delete_tag(&ROLES, "t").await,
            _ => one.cache.clear_space(&ROLES).await,
        };
        assert!(change.is_shared());
        heard += 7;
        other.until(|stats| stats.invalidations == heard).await;
        assert_eq!(left(&one).await, expected, "{what}");
        assert_eq!(left(&other).await, expected, "{what}");
        // Somebody who has heard nothing finds nothing in level two either.
        assert_eq!(left(&setting.node().await).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_load_that_began_before_anothers_change_reaches_neither_level() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let (one, other) = (setting.node().await, setting.node().await);
    for how in ["delete", "set", "tag", "prefix", "clear"] {
        one.cache.set(&ROLES, "k", "0".to_owned()).await;
        one.cache.delete(&ROLES, "k").await;
        let gate = Arc::new(Notify::new());
        let slow = {
            let (cache, gate) = (other.cache.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let load = move || async move {
                    gate.notified().await;
                    Ok::<_, String>(Fresh::new("old".to_owned()).tag("t"))
                };
                cache.get_or_load(&ROLES, "k", load).await
            })
        };
        let begun = other.cache.stats().loads;
        other.until(|stats| stats.loads > begun).await;
        match how {
            "delete" => one.cache.delete(&ROLES, "k").await,
            "set" => one.cache.set(&ROLES, "k", "new".to_owned()).await,
            "tag" => one.cache.delete_tag(&ROLES, "t").await,
            "prefix" => one.cache.delete_prefix(&ROLES, "k").await,
            _ => one.cache.clear_space(&ROLES).await,
        };
        // The message may not have arrived yet, and level two refuses the old value all the same.
        gate.notify_one();
        assert_eq!(slow.await.unwrap().unwrap().value(), "old");
        other.cache.settled().await;
        let expected = (how == "set").then_some("new");
        let fresh = setting.node().await;
        assert_eq!(fresh.value(&ROLES, "k").await.as_deref(), expected, "{how}");
    }
}

#[tokio::test]
async fn a_strict_value_is_never_served_after_another_node_has_deleted_it() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let (one, other) = (setting.node().await, setting.node().await);
    let loader = Loader::new();
    for _ in 0..50 {
        one.cache.set(&REVOKED, "k", "old".to_owned()).await;
        assert_eq!(other.value(&REVOKED, "k").await.as_deref(), Some("old"));
        assert!(one.cache.delete(&REVOKED, "k").await.is_shared());
        // At once, and not when the message has come.
        assert_eq!(other.value(&REVOKED, "k").await, None);
        let loaded = other
            .cache
            .get_or_load(&REVOKED, "k", loader.load("new"))
            .await;
        assert_eq!(loaded.unwrap().origin(), Origin::Loader);
        assert_eq!(one.value(&REVOKED, "k").await.as_deref(), Some("new"));
    }
    assert_eq!(other.cache.stats().memory_hits, 0);
}

#[tokio::test]
async fn the_last_change_of_a_key_is_made_good_when_redis_returns() {
    let Some(mut setting) = Setting::new() else {
        return;
    };
    let (one, other) = (setting.node().await, setting.node().await);
    one.cache.set(&PREFS, "set", "0".to_owned()).await;
    setting.server.stop();
    one.reach(RedisState::Down).await;
    for value in ["1", "2", "3"] {
        let change = one.cache.set(&PREFS, "set", value.to_owned()).await;
        assert!(!change.is_shared());
    }
    one.cache.set(&PREFS, "deleted", "1".to_owned()).await;
    one.cache.delete(&PREFS, "deleted").await;
    assert_eq!(one.cache.stats().owed, 2);

    setting.server.restart_on_same_port();
    one.until(|stats| stats.owed == 0).await;
    assert_eq!(one.cache.stats().replayed, 2);
    other.reach(RedisState::Up).await;
    // Redis came back empty, and what was written before is of a space that it does not know any more.
    assert_eq!(other.value(&PREFS, "deleted").await, None);
    assert_eq!(one.value(&PREFS, "set").await.as_deref(), Some("3"));
}

#[tokio::test]
async fn a_later_change_by_another_node_is_not_undone_by_an_earlier_one() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let (one, other) = (setting.node().await, setting.node().await);
    one.cache.set(&ROLES, "k", "0".to_owned()).await;
    assert!(other.value(&ROLES, "k").await.is_some());
    // One cannot write for a while, and another can.
    setting.server.stall();
    one.reach(RedisState::Down).await;
    one.cache.set(&ROLES, "k", "earlier".to_owned()).await;
    setting.clock.advance(Duration::from_secs(1));
    // It has to get in before the first one finds out that the server is back.
    let later = {
        let cache = other.cache.clone();
        tokio::spawn(async move { cache.set(&ROLES, "k", "later".to_owned()).await })
    };
    setting.server.resume();
    later.await.unwrap();
    for node in [&one, &other] {
        node.until(|stats| stats.owed == 0).await;
    }
    // Whoever was first to reach Redis: the later change is what remains, for everybody.
    let agreed = async {
        loop {
            let values = (one.value(&ROLES, "k").await, other.value(&ROLES, "k").await);
            if values == (Some("later".to_owned()), Some("later".to_owned())) {
                break;
            }
        }
    };
    let agreed = timeout(LONG, agreed).await;
    assert!(
        agreed.is_ok(),
        "{:?} {:?} {:?} {:?} {:?}",
        one.value(&ROLES, "k").await,
        other.value(&ROLES, "k").await,
        setting.node().await.value(&ROLES, "k").await,
        one.cache.stats(),
        other.cache.stats()
    );
    let fresh = setting.node().await;
    assert_eq!(fresh.value(&ROLES, "k").await.as_deref(), Some("later"));
}

#[tokio::test]
async fn a_flush_is_noticed_and_memory_reacts() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let node = setting.node().await;
    node.cache.set(&ROLES, "k", "v".to_owned()).await;
    node.cache.set(&PREFS, "k", "v".to_owned()).await;
    assert!(node.value(&ROLES, "k").await.is_some());
    node.redis.command("FLUSHALL", "SYNC", &[]).await.unwrap();
    node.until(|stats| stats.gaps > 0).await;
    assert_eq!(node.value(&ROLES, "k").await, None);
    assert!(node.value(&PREFS, "k").await.is_some(), "it does not mind");
}

#[tokio::test]
async fn a_message_that_was_lost_is_noticed() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let node = setting.node().await;
    node.cache.set(&ROLES, "k", "v".to_owned()).await;
    // Somebody announced something, and nobody heard it.
    node.redis
        .command("INCR", "test:changes", &[])
        .await
        .unwrap();
    node.until(|stats| stats.gaps == 1).await;
    // From there on everything is heard again.
    node.cache.set(&ROLES, "k", "w".to_owned()).await;
    let other = setting.node().await;
    other.cache.set(&ROLES, "k", "x".to_owned()).await;
    node.until(|stats| stats.invalidations == 1).await;
    assert_eq!(node.cache.stats().gaps, 1);
}

#[tokio::test]
async fn a_reconnect_during_which_nothing_was_said_costs_nothing() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let node = setting.node().await;
    node.cache.set(&ROLES, "k", "v".to_owned()).await;
    setting.server.stall();
    node.reach(RedisState::Down).await;
    setting.server.resume();
    node.reach(RedisState::Up).await;
    let other = setting.node().await;
    let heard = async {
        // Until it listens again.
        loop {
            other.cache.set(&PREFS, "other", "x".to_owned()).await;
            if node.cache.stats().invalidations > 0 {
                break;
            }
        }
    };
    timeout(LONG, heard).await.unwrap();
    assert!(node.cache.stats().gaps <= 1, "{:?}", node.cache.stats());
}

#[tokio::test]
async fn one_loader_for_all_nodes_where_the_space_says_so() {
    const FLEET: Space<String, Bounded> =
        Space::new("fleet", TTL).one_loader_per_fleet(Duration::from_secs(10));
    let Some(setting) = Setting::new() else {
        return;
    };
    let (loader, gate) = (Loader::new(), Arc::new(Notify::new()));
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(setting.node().await);
    }
    let calls: Vec<_> = nodes
        .iter()
        .map(|node| {
            let (cache, loader, gate) = (node.cache.clone(), loader.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let load = move || async move {
                    gate.notified().await;
                    loader.answer("v").await
                };
                cache.get_or_load(&FLEET, "k", load).await
            })
        })
        .collect();
    // One loads; the others have asked at least once whether they may.
    let begun = async {
        while nodes
            .iter()
            .map(|node| node.cache.stats().loads)
            .sum::<u64>()
            == 0
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, begun).await.unwrap();
    gate.notify_one();
    for call in calls {
        let value = timeout(LONG, call).await.unwrap().unwrap().unwrap();
        assert_eq!(value.value(), "v");
    }
    assert_eq!(loader.calls(), 1);
}

#[tokio::test]
async fn a_holder_that_died_holds_up_the_others_for_its_lease_only() {
    const FLEET: Space<String, Bounded> =
        Space::new("fleet", TTL).one_loader_per_fleet(Duration::from_millis(200));
    let Some(setting) = Setting::new() else {
        return;
    };
    let node = setting.node().await;
    // Its lock is all that is left of it.
    let lock = "test:load:fleet:k";
    node.redis
        .set(lock, b"somebody else", Duration::from_secs(60))
        .await
        .unwrap();
    let loader = Loader::new();
    let loaded = timeout(LONG, node.cache.get_or_load(&FLEET, "k", loader.load("v"))).await;
    assert_eq!(loaded.unwrap().unwrap().origin(), Origin::Loader);
}
