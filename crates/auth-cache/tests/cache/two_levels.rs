//! Promises about the level behind, with a real Redis.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::Loader;
use crate::setting::{LONG, PREFS, REVOKED, ROLES, Setting, TTL};
use auth_cache::{Bounded, Cache, LoadError, Loaded, Origin, Space, Strict};
use auth_core::{Clock, Secret};
use auth_crypto::{KeyRing, SealingKey};
use auth_redis::Redis;
use tokio::sync::Notify;
use tokio::time::timeout;

#[tokio::test]
async fn what_one_process_loads_another_finds() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let (one, other) = (setting.node(), setting.node());
    let loader = Loader::new();
    one.get_or_load(&ROLES, "k", loader.load("v"))
        .await
        .unwrap();
    one.settled().await;
    setting.clock.advance(Duration::from_secs(10));

    let found = other
        .get_or_load(&ROLES, "k", loader.load("w"))
        .await
        .unwrap();
    assert_eq!(
        (found.value().as_str(), found.origin()),
        ("v", Origin::Redis)
    );
    assert_eq!(found.age(), Duration::from_secs(10));
    let again = other.get(&ROLES, "k").await.unwrap();
    assert_eq!(again.origin(), Origin::Memory);
    assert_eq!(loader.calls(), 1);

    // The lifetime is that of the first load, wherever the entry lies.
    setting.clock.advance(Duration::from_secs(90));
    assert!(other.get(&ROLES, "k").await.is_none());
    assert!(setting.node().get(&ROLES, "k").await.is_none());
    // And it covers a failing loader in a process that has never seen it fresh.
    let stale = setting.node();
    let stale = stale
        .get_or_load(&ROLES, "k", loader.failing())
        .await
        .unwrap();
    assert_eq!(
        (stale.value().as_str(), stale.origin()),
        ("v", Origin::Stale)
    );
}

#[tokio::test]
async fn a_loader_is_told_what_another_process_has_loaded_and_what_has_expired_since() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let (one, other) = (setting.node(), setting.node());
    let loader = Loader::new();
    let loaded = one.get_or_load(&ROLES, "k", loader.load("v")).await;
    loaded.unwrap();
    one.settled().await;
    setting.clock.advance(TTL);
    let load = async |known: Option<Loaded<String>>| {
        let known = known.ok_or("nothing is known")?;
        assert_eq!((known.origin(), known.age()), (Origin::Redis, TTL));
        Ok::<_, &str>(known.into_value())
    };
    let loaded = other.get_or_reload(&ROLES, "k", load).await.unwrap();
    assert_eq!(
        (loaded.value().as_str(), loaded.age()),
        ("v", Duration::ZERO)
    );
    other.settled().await;
    let found = setting.node().get(&ROLES, "k").await.unwrap();
    assert_eq!(found.origin(), Origin::Redis);
    // What was deleted is not known any more.
    assert!(one.delete(&ROLES, "k").await.is_shared());
    let failed = other.get_or_reload(&ROLES, "k", load).await.unwrap_err();
    assert_eq!(failed, LoadError::Failed("nothing is known"));
}

/// How often Redis was asked for several keys at once.
async fn batches(redis: &Redis) -> u64 {
    let stats = redis.command("INFO", "commandstats", &[]).await.unwrap();
    let stats = String::from_utf8_lossy(stats.as_bytes().unwrap()).into_owned();
    let calls = stats.split_once("cmdstat_mget:calls=");
    let calls = calls.and_then(|(_, rest)| rest.split_once(','));
    calls.map_or(0, |(calls, _)| calls.parse().unwrap())
}

#[tokio::test]
async fn values_that_are_asked_for_at_the_same_time_come_in_a_few_round_trips() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    for number in 0..200 {
        let (key, value) = (format!("k{number}"), format!("v{number}"));
        assert!(cache.set(&REVOKED, &key, value).await.is_shared());
    }
    let before = batches(&setting.redis).await;
    let mut reads = tokio::task::JoinSet::new();
    for number in 0..200 {
        let cache = cache.clone();
        reads.spawn(async move {
            let found = cache.get(&REVOKED, &format!("k{number}")).await;
            assert_eq!(*found.unwrap().value(), format!("v{number}"));
            assert!(
                cache
                    .get(&REVOKED, &format!("absent{number}"))
                    .await
                    .is_none()
            );
        });
    }
    while let Some(read) = reads.join_next().await {
        read.unwrap();
    }
    let sent = batches(&setting.redis).await - before;
    assert!(sent <= 40, "400 reads in {sent} round trips");
}

#[tokio::test]
async fn a_reader_who_goes_away_takes_nothing_from_those_who_read_with_it() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    cache.set(&REVOKED, "k", "v".to_owned()).await;
    let mut first = Box::pin(cache.get(&REVOKED, "k"));
    let mut second = Box::pin(cache.get(&REVOKED, "k"));
    assert!(poll_once(&mut first).await.is_none());
    assert!(poll_once(&mut second).await.is_none());
    drop(first);
    let found = timeout(LONG, second).await.unwrap();
    assert_eq!(found.unwrap().value(), "v");

    // Nor when all of them go, after one of them has sent.
    let mut first = Box::pin(cache.get(&REVOKED, "k"));
    let mut second = Box::pin(cache.get(&REVOKED, "k"));
    poll_once(&mut first).await;
    poll_once(&mut second).await;
    poll_once(&mut first).await;
    drop((first, second));
    let found = timeout(LONG, cache.get(&REVOKED, "k")).await.unwrap();
    assert_eq!(found.unwrap().value(), "v");
}

/// Looks at a future once. What it has brought, if it has.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[test]
fn a_reader_whose_runtime_stands_still_or_is_shut_down_holds_up_nobody() {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
    let Some(setting) = runtime.block_on(Setting::new()) else {
        return;
    };
    let cache = setting.node();
    runtime.block_on(cache.set(&REVOKED, "k", "v".to_owned()));
    // Once it has asked and not sent, and once it has sent.
    for polls in [1, 2] {
        let mut first = Box::pin(cache.get(&REVOKED, "k"));
        let still = tokio::runtime::Builder::new_current_thread();
        let still = { still }.enable_all().build().unwrap();
        let mut early = None;
        for _ in 0..polls {
            early = still.block_on(poll_once(&mut first));
        }
        let second = cache.get(&REVOKED, "k");
        let found = runtime.block_on(async { timeout(LONG, second).await });
        assert_eq!(found.unwrap().unwrap().value(), "v");
        drop(still);
        let found = early.unwrap_or_else(|| {
            let found = runtime.block_on(async { timeout(LONG, first).await });
            found.unwrap()
        });
        assert_eq!(found.unwrap().value(), "v");
    }
}

#[test]
fn a_cache_whose_first_runtime_is_shut_down_goes_on_hearing_others() {
    let runtime = || tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime().worker_threads(1).enable_all().build().unwrap();
    let Some(setting) = runtime.block_on(Setting::new()) else {
        return;
    };
    let (cache, other) = (setting.node(), setting.node());
    for looks in [0, 1] {
        // The first time it ends before it is known where the messages begin.
        let short = tokio::runtime::Builder::new_current_thread();
        let short = { short }.enable_all().build().unwrap();
        short.block_on(async {
            let mut first = Box::pin(cache.get(&PREFS, "first"));
            if looks > 0 {
                assert!(timeout(LONG, first).await.unwrap().is_none());
                return;
            }
            tokio::select! {
                biased;
                _ = &mut first => panic!("Redis has not been asked"),
                () = std::future::ready(()) => {}
            }
        });
        drop(short);
        runtime.block_on(async {
            other.set(&PREFS, "k", "old".to_owned()).await;
            let found = timeout(LONG, cache.get(&PREFS, "k")).await.unwrap();
            assert_eq!(found.unwrap().value(), "old");
            other.set(&PREFS, "k", "new".to_owned()).await;
            let heard = async {
                while cache.get(&PREFS, "k").await.unwrap().value() != "new" {
                    tokio::task::yield_now().await;
                }
            };
            timeout(LONG, heard).await.unwrap();
            cache.delete(&PREFS, "k").await;
        });
    }
}

#[tokio::test]
async fn an_entry_never_outlives_its_end_in_another_process() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let end = (setting.clock.now() + Duration::from_secs(10)).into();
    setting
        .node()
        .set(&ROLES.until(end), "k", "v".to_owned())
        .await;
    assert!(setting.node().get(&ROLES, "k").await.is_some());
    setting.clock.advance(Duration::from_secs(10));
    let node = setting.node();
    assert!(node.get(&ROLES, "k").await.is_none());
    let loader = Loader::new();
    node.get_or_load(&ROLES, "k", loader.failing())
        .await
        .unwrap_err();
}

/// Contract miso §13-B16: the memory copy outlives a deletion in Redis.
#[tokio::test]
async fn miso_b16_what_was_deleted_is_gone_from_both_levels() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let (one, other) = (setting.node(), setting.node());
    one.set(&PREFS, "k", "v".to_owned()).await;
    assert!(one.delete(&PREFS, "k").await.existed());
    assert!(one.get(&PREFS, "k").await.is_none());
    assert!(other.get(&PREFS, "k").await.is_none());
    assert!(
        !one.delete(&PREFS, "k").await.existed(),
        "there was nothing"
    );

    // Also what only Redis has.
    one.set(&PREFS, "k", "v".to_owned()).await;
    assert!(other.delete(&PREFS, "k").await.existed());
    assert!(other.get(&PREFS, "k").await.is_none());
}

#[tokio::test]
async fn whoever_invalidates_keys_and_goes_away_has_invalidated_them_all() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let (cache, other) = (setting.node(), setting.node());
    let keys = ["a", "b", "c"];
    for key in keys {
        cache.set(&ROLES, key, "old".to_owned()).await;
    }
    let mut call = Box::pin(cache.invalidate(&ROLES, &keys));
    tokio::select! {
        biased;
        _ = &mut call => panic!("Redis has not been asked"),
        () = std::future::ready(()) => {}
    }
    drop(call);
    // Here at once, and with the end of what is under way everywhere.
    for key in keys {
        assert!(cache.get(&ROLES, key).await.is_none(), "{key}");
    }
    cache.settled().await;
    for key in keys {
        assert!(other.get(&ROLES, key).await.is_none(), "{key}");
    }
}

#[tokio::test]
async fn miso_b16_types_survive_redis() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    // Contract miso §13-B16: there `"123"` comes back as a number and `"null"` not at all.
    for text in ["123", "true", "null", "", "{}"] {
        setting.node().set(&PREFS, "k", text.to_owned()).await;
        let found = setting.node().get(&PREFS, "k").await.unwrap();
        assert_eq!(
            (found.value().as_str(), found.origin()),
            (text, Origin::Redis)
        );
    }
}

/// Contract miso §13-A11: one prefix for several applications mixes them.
#[tokio::test]
async fn namespaces_and_spaces_share_nothing() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let (a, b) = (setting.node_of("a"), setting.node_of("a:entry"));
    for (cache, value) in [(&a, "a"), (&b, "b")] {
        cache.set(&ROLES, "k", format!("{value} role")).await;
        cache.set(&PREFS, "k", format!("{value} pref")).await;
    }
    a.clear_space(&ROLES).await;
    for (namespace, role) in [("a", None), ("a:entry", Some("b role"))] {
        let fresh = setting.node_of(namespace);
        let found = fresh.get(&ROLES, "k").await.map(Loaded::into_value);
        assert_eq!(found.as_deref(), role);
        assert!(fresh.get(&PREFS, "k").await.is_some());
    }
    assert!(a.get(&ROLES, "k").await.is_none());
    assert!(b.get(&ROLES, "k").await.is_some());

    // What is put there afterwards is there for everybody.
    a.set(&ROLES, "k", "again".to_owned()).await;
    let found = setting.node_of("a").get(&ROLES, "k").await.unwrap();
    assert_eq!(found.value(), "again");
}

#[tokio::test]
async fn what_is_not_ours_in_redis_is_a_miss_and_is_replaced() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let key = "test:entry:roles:k";
    setting.node().set(&ROLES, "k", "v".to_owned()).await;
    assert!(
        setting.redis.exists(key).await.unwrap(),
        "the key has changed"
    );
    let loader = Loader::new();
    for (number, garbage) in [
        &b"\xff\xfe"[..],
        b"garbage",
        b"\"a string of miso-client's\"",
        br#"{"__cached_value__":["admin"]}"#,
        br#"{"v":1,"generation":"","stored_at":0,"expires_at":0,"dies_at":0,"value":7}"#,
        br#"{"v":9,"generation":"","stored_at":0,"expires_at":0,"dies_at":0,"value":"x"}"#,
    ]
    .into_iter()
    .enumerate()
    {
        setting.redis.set(key, garbage, None).await.unwrap();
        let node = setting.node();
        assert!(node.get(&ROLES, "k").await.is_none());
        let loaded = node
            .get_or_load(&ROLES, "k", loader.load("v"))
            .await
            .unwrap();
        assert_eq!(loaded.origin(), Origin::Loader);
        assert_eq!(loader.calls(), number + 1);
        assert_eq!(node.stats().unreadable, 2);
        node.settled().await;
        assert!(setting.node().get(&ROLES, "k").await.is_some());
    }
    // A key of another kind, which Redis itself refuses to read as one of ours.
    setting.redis.delete(&[key]).await.unwrap();
    setting.redis.push(key, &[b"x"]).await.unwrap();
    assert!(setting.node().get(&ROLES, "k").await.is_none());
}

#[tokio::test]
async fn an_entry_forged_to_live_for_ever_lives_no_longer_than_its_space_allows() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let key = "test:entry:revoked:k";
    let node = setting.node();
    let load = Loader::new().load("v");
    node.get_or_load(&REVOKED, "k", load).await.unwrap();
    let bytes = setting.redis.get(key).await.unwrap().unwrap();
    let mut forged = bytes[..25].to_vec();
    let mut json: serde_json::Value = serde_json::from_slice(&bytes[25..]).unwrap();
    for field in ["stored_at", "expires_at", "dies_at"] {
        json[field] = 99_999_999_999_999_u64.into();
    }
    forged.extend(json.to_string().into_bytes());
    setting.redis.set(key, &forged, None).await.unwrap();
    assert_eq!(node.get(&REVOKED, "k").await.unwrap().age(), Duration::ZERO);
    setting.redis.delete(&[key]).await.unwrap();
    setting.clock.advance(TTL);
    assert!(node.get(&REVOKED, "k").await.is_none());
}

#[tokio::test]
async fn redis_forgets_a_short_lived_value_in_time_and_that_it_was_set_later() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    const CODES: Space<String, Strict> = Space::new("codes", Duration::from_millis(300));
    let node = setting.node();
    assert!(node.set(&CODES, "k", "v".to_owned()).await.is_shared());
    let there = setting.redis.get("test:entry:codes:k").await.unwrap();
    assert_eq!(there.unwrap()[24..], *b"a");
    // Whatever the clocks of the processes say: they stand still.
    let is_gone = async {
        while node.get(&CODES, "k").await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, is_gone).await.unwrap();
    let left = setting.redis.command("PTTL", "test:entry:codes:k", &[]);
    let left = left.await.unwrap().as_integer().unwrap();
    assert!((240_000..=300_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_load_that_began_before_a_deletion_reaches_neither_level() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    let gate = Arc::new(Notify::new());
    let loader = Loader::new();
    let slow = {
        let (cache, gate, loader) = (cache.clone(), Arc::clone(&gate), loader.clone());
        tokio::spawn(async move {
            let load = move || async move {
                gate.notified().await;
                loader.answer("old").await
            };
            cache.get_or_load(&ROLES, "k", load).await
        })
    };
    while cache.stats().loads == 0 {
        tokio::task::yield_now().await;
    }
    cache.delete(&ROLES, "k").await;
    gate.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().value(), "old");
    cache.settled().await;
    assert_eq!(cache.stats().fenced, 1);
    assert!(cache.get(&ROLES, "k").await.is_none());
    assert!(setting.node().get(&ROLES, "k").await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_deleters_of_one_key_never_leave_an_old_value_behind() {
    let Some(setting) = Setting::new().await else {
        return;
    };
    let cache = setting.node();
    let source = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (cache, source, done) = (cache.clone(), Arc::clone(&source), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    let source = Arc::clone(&source);
                    let load = move || async move {
                        let value = source.load(Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        Ok::<_, String>(value.to_string())
                    };
                    cache.get_or_load(&ROLES, "k", load).await.unwrap();
                    // A hit in memory never waits, so without this nobody else would run.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut shared = 0;
    for version in 1..=200_u64 {
        source.store(version, Ordering::SeqCst);
        let change = cache.delete(&ROLES, "k").await;
        // Whoever looks from here on finds this version or nothing: here in any case, and elsewhere
        // where Redis had the time to be told.
        let found = cache.get(&ROLES, "k").await;
        let expected = version.to_string();
        assert!(found.is_none_or(|found| *found.value() == expected));
        if change.is_shared() {
            let found = setting.node().get(&ROLES, "k").await;
            assert!(found.is_none_or(|found| *found.value() == expected));
            shared += 1;
        }
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    cache.settled().await;
    assert!(shared > 100, "{:?}", cache.stats());
}

#[tokio::test]
async fn a_sealed_value_lies_in_redis_for_those_with_the_key_and_under_its_own_name() {
    const SECRETS: Space<String, Bounded> = Space::new("secrets", TTL)
        .max_stale(Duration::from_secs(50))
        .sealed();
    let Some(setting) = Setting::new().await else {
        return;
    };
    let key =
        |name, digit: &str| SealingKey::from_hex(name, &Secret::from(digit.repeat(64))).unwrap();
    let node = |keys: Option<KeyRing>| {
        let builder = Cache::builder("test")
            .redis(setting.redis.clone())
            .clock(setting.clock.clone());
        match keys {
            Some(keys) => builder.key_ring(keys).build(),
            None => builder.build(),
        }
    };
    let loader = Loader::new();
    let load = async |cache: &Cache, name: &str| {
        let loaded = cache
            .get_or_load(&SECRETS, name, loader.load("planted"))
            .await;
        cache.settled().await;
        loaded.unwrap().origin()
    };
    let ring = || KeyRing::new(key("old", "0"));
    assert_eq!(load(&node(Some(ring())), "a").await, Origin::Loader);
    let lies = setting
        .redis
        .get("test:entry:secrets:a")
        .await
        .unwrap()
        .unwrap();
    assert!(!String::from_utf8_lossy(&lies).contains("planted"));

    // Another process with the key finds it, also one that seals with a newer key.
    assert_eq!(load(&node(Some(ring())), "a").await, Origin::Redis);
    let newer = KeyRing::new(key("new", "1")).also_opening(key("old", "0"));
    assert_eq!(load(&node(Some(newer)), "a").await, Origin::Redis);
    // Whoever cannot open it asks the loader: no key, another key, another key of that name.
    for keys in [
        None,
        Some(KeyRing::new(key("new", "1"))),
        Some(KeyRing::new(key("old", "2"))),
    ] {
        setting
            .redis
            .set("test:entry:secrets:a", &lies, None)
            .await
            .unwrap();
        assert_eq!(load(&node(keys), "a").await, Origin::Loader);
    }
    // And so it is where somebody put it under another name.
    setting
        .redis
        .set("test:entry:secrets:b", &lies, None)
        .await
        .unwrap();
    assert_eq!(load(&node(Some(ring())), "b").await, Origin::Loader);
    // Without a key nothing is written at all.
    assert_eq!(load(&node(None), "c").await, Origin::Loader);
    assert!(!setting.redis.exists("test:entry:secrets:c").await.unwrap());
}

#[tokio::test]
async fn what_cannot_be_kept_in_redis_is_not_said_to_be_shared() {
    const SECRETS: Space<String, Strict> = Space::new("secrets", TTL).sealed();
    let Some(setting) = Setting::new().await else {
        return;
    };
    let node = setting.node();
    assert!(node.set(&REVOKED, "k", "old".to_owned()).await.is_shared());
    let large = "x".repeat(1024 * 1024);
    assert!(!node.set(&REVOKED, "k", large).await.is_shared());
    // Not the old value either, and nothing is left to be made good.
    assert!(node.get(&REVOKED, "k").await.is_none());
    assert_eq!(node.stats().owed, 0);

    // There is no key to seal it with.
    let change = node.set(&SECRETS, "k", "planted".to_owned()).await;
    assert!(!change.is_shared());
    assert!(node.get(&SECRETS, "k").await.is_none());
    assert!(node.delete(&SECRETS, "k").await.is_shared());
}
