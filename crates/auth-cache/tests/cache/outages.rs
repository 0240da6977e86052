//! Promises about a level behind that goes away, with a real Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::Loader;
use crate::setting::{LONG, PREFS, REVOKED, ROLES, Setting, TTL, debts_are_paid};
use auth_cache::Origin;
use auth_core::UnixTime;
use auth_redis::RedisState;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn without_redis_there_is_memory_and_with_its_return_there_is_both() {
    let Some(mut setting) = Setting::new().await else {
        return;
    };
    setting.server.stop();
    setting.reach(RedisState::Down).await;
    let cache = setting.node();
    let loader = Loader::new();
    let call = || cache.get_or_load(&PREFS, "k", loader.load("v"));
    assert_eq!(call().await.unwrap().origin(), Origin::Loader);
    assert_eq!(call().await.unwrap().origin(), Origin::Memory);
    cache.set(&PREFS, "set", "v".to_owned()).await;
    assert!(cache.get(&PREFS, "set").await.is_some());
    assert!(cache.stats().redis_faults > 0);

    setting.server.restart_on_same_port();
    setting.reach(RedisState::Up).await;
    debts_are_paid(&cache).await;
    cache.set(&PREFS, "set", "w".to_owned()).await;
    assert_eq!(
        setting.node().get(&PREFS, "set").await.unwrap().value(),
        "w"
    );
}

#[tokio::test]
async fn the_return_of_redis_empties_memory_where_a_deletion_may_have_been_missed() {
    let Some(mut setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    cache.set(&ROLES, "k", "v".to_owned()).await;
    cache.set(&REVOKED, "k", "v".to_owned()).await;
    cache.set(&PREFS, "k", "v".to_owned()).await;
    setting.server.stop();
    setting.reach(RedisState::Down).await;
    assert!(
        cache.get(&ROLES, "k").await.is_some(),
        "memory serves the outage"
    );
    // Nobody can confirm it.
    assert!(cache.get(&REVOKED, "k").await.is_none());

    setting.server.restart_on_same_port();
    setting.reach(RedisState::Up).await;
    let gap = async {
        while cache.stats().gaps == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, gap).await.unwrap();
    assert!(cache.get(&ROLES, "k").await.is_none());
    assert!(cache.get(&REVOKED, "k").await.is_none());
    assert!(cache.get(&PREFS, "k").await.is_some());
    // It does not come back as a stale one either.
    let loader = Loader::new();
    setting.clock.advance(TTL);
    cache
        .get_or_load(&ROLES, "k", loader.failing())
        .await
        .unwrap_err();
}

#[tokio::test]
async fn a_clock_that_is_set_back_during_an_outage_stretches_no_bound() {
    let Some(mut setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    cache.set(&ROLES, "k", "v".to_owned()).await;
    setting.server.stop();
    setting.reach(RedisState::Down).await;
    assert!(cache.get(&ROLES, "k").await.is_some());
    setting
        .clock
        .set(UnixTime::from_secs(1_700_000_000 - 1_800));
    let dropped = async {
        while cache.get(&ROLES, "k").await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, dropped).await.unwrap();
}

#[tokio::test]
async fn what_was_changed_while_redis_hung_is_not_found_as_it_was() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    for key in ["deleted", "replaced", "untouched"] {
        cache.set(&ROLES, key, "old".to_owned()).await;
        cache.set(&PREFS, key, "old".to_owned()).await;
    }
    setting.server.stall();
    setting.reach(RedisState::Down).await;
    cache.delete(&ROLES, "deleted").await;
    cache.set(&ROLES, "replaced", "new".to_owned()).await;
    cache.clear_space(&PREFS).await;
    assert_eq!(cache.stats().owed, 3);

    setting.server.resume();
    setting.reach(RedisState::Up).await;
    // It has kept everything, and nothing of it that was changed is served: by us at once, and by
    // others when we have told Redis.
    assert!(cache.get(&ROLES, "deleted").await.is_none());
    assert_eq!(cache.get(&ROLES, "replaced").await.unwrap().value(), "new");
    assert!(cache.get(&PREFS, "untouched").await.is_none());
    debts_are_paid(&cache).await;
    let other = setting.node();
    assert!(other.get(&ROLES, "deleted").await.is_none());
    assert_eq!(other.get(&ROLES, "replaced").await.unwrap().value(), "new");
    assert!(other.get(&PREFS, "untouched").await.is_none());
    assert_eq!(other.get(&ROLES, "untouched").await.unwrap().value(), "old");
    assert_eq!(cache.get(&ROLES, "untouched").await.unwrap().value(), "old");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_under_load_reaches_no_caller() {
    let Some(mut setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    let loader = Loader::new();
    let done = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..16)
        .map(|worker| {
            let (cache, loader, done) = (cache.clone(), loader.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let (mut calls, mut slowest) = (0_u64, Duration::ZERO);
                while !done.load(Ordering::SeqCst) {
                    let key = format!("{}", (calls + worker) % 500);
                    let begun = Instant::now();
                    let loaded = cache.get_or_load(&ROLES, &key, loader.load("v")).await;
                    slowest = slowest.max(begun.elapsed());
                    assert_eq!(loaded.unwrap().value(), "v");
                    calls += 1;
                    if calls % 50 == 0 {
                        cache.delete(&ROLES, &key).await;
                    }
                    tokio::task::yield_now().await;
                }
                (calls, slowest)
            })
        })
        .collect();
    for _ in 0..2 {
        let hits = cache.stats().memory_hits;
        while cache.stats().memory_hits < hits + 1000 {
            tokio::task::yield_now().await;
        }
        setting.server.stop();
        setting.reach(RedisState::Down).await;
        let hits = cache.stats().memory_hits;
        while cache.stats().memory_hits < hits + 1000 {
            tokio::task::yield_now().await;
        }
        setting.server.restart_on_same_port();
        setting.reach(RedisState::Up).await;
    }
    done.store(true, Ordering::SeqCst);
    for worker in workers {
        let (calls, slowest) = worker.await.unwrap();
        assert!(calls > 0);
        // A command's time and then some: nobody waits for a dead server.
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    }
    debts_are_paid(&cache).await;
    cache.settled().await;
    // And the second level is in use again.
    cache.set(&ROLES, "after", "v".to_owned()).await;
    assert!(setting.node().get(&ROLES, "after").await.is_some());
}

#[tokio::test]
async fn a_cache_that_is_dropped_lets_go_of_redis_although_it_is_owed_something() {
    let Some(mut setting) = Setting::new().await else {
        return;
    };
    setting.server.stop();
    setting.reach(RedisState::Down).await;
    let cache = setting.node();
    cache.delete(&ROLES, "k").await;
    assert_eq!(cache.stats().owed, 1);
    let mut changes = setting.redis.state_changes();
    drop(cache);
    drop(setting.redis);
    assert_eq!(timeout(LONG, changes.changed()).await.unwrap(), None);
}

#[test]
fn what_was_changed_on_a_runtime_that_is_shut_down_is_made_good_all_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
    let Some(setting) = runtime.block_on(Setting::new()) else {
        return;
    };
    let cache = setting.node();
    let other = setting.node();
    runtime.block_on(async {
        cache.set(&ROLES, "deleted", "old".to_owned()).await;
        setting.server.stall();
        setting.reach(RedisState::Down).await;
    });
    let short = tokio::runtime::Builder::new_current_thread();
    let short = { short }.enable_all().build().unwrap();
    let change = short.block_on(cache.delete(&ROLES, "deleted"));
    assert!(!change.is_shared());
    drop(short);
    runtime.block_on(async {
        setting.server.resume();
        setting.reach(RedisState::Up).await;
        assert!(cache.get(&ROLES, "another").await.is_none());
        debts_are_paid(&cache).await;
        assert!(other.get(&ROLES, "deleted").await.is_none());
    });
}

#[tokio::test]
async fn what_cannot_be_made_good_keeps_nothing_else_from_it() {
    const BAD: &str = "bad";
    let Some(setting) = Setting::new().await else {
        return;
    };
    let node = setting.node();
    let allow = async |keys: &[&str]| {
        let mut rules: Vec<_> = [b"default".as_slice(), b"resetkeys"].into();
        rules.extend(keys.iter().map(|it| it.as_bytes()));
        let set = setting.redis.command("ACL", "SETUSER", &rules).await;
        set.unwrap();
    };
    allow(&["~test:[cs]*", "~test:entry:revoked:[0-9]*"]).await;
    setting.server.stall();
    setting.reach(RedisState::Down).await;
    node.delete(&REVOKED, BAD).await;
    for number in 0..150 {
        node.delete(&REVOKED, &number.to_string()).await;
    }
    assert_eq!(node.stats().owed, 151);
    setting.server.resume();
    let all_but_one = async {
        while node.stats().owed > 1 {
            tokio::task::yield_now().await;
        }
    };
    let are_paid = timeout(LONG, all_but_one).await;
    assert!(are_paid.is_ok(), "{:?}", node.stats());
    assert_eq!(node.stats().replayed, 150);
    // And it is paid itself once it can be.
    assert_eq!(node.stats().owed, 1);
    allow(&["~*"]).await;
    debts_are_paid(&node).await;
}
