//! Promises that hold with memory alone.

use std::sync::Arc;
use std::time::Duration;

use crate::common::Loader;
use auth_cache::{BestEffort, Bounded, Cache, LoadError, Origin, Space, Strict};
use auth_core::{Clock, CorrelationId, RequestContext, UnixTime};
use auth_testkit::TestClock;
use tokio::sync::{Notify, oneshot};

const TTL: Duration = Duration::from_secs(100);
const ROLES: Space<String, Bounded> = Space::new("roles", TTL).max_stale(Duration::from_secs(50));
const PREFS: Space<String, BestEffort> =
    Space::new("prefs", TTL).max_stale(Duration::from_secs(50));
const REVOKED: Space<String, Strict> = Space::new("revoked", TTL);

fn cache() -> (Cache, TestClock) {
    let clock = TestClock::at_unix_secs(1_700_000_000);
    let cache = Cache::builder("test")
        .clock(clock.clone())
        .random(|| 0.5)
        .build();
    (cache, clock)
}

#[tokio::test]
async fn two_hundred_concurrent_misses_share_one_load() {
    let (cache, _) = cache();
    let loader = Loader::new();
    let (gate, open) = oneshot::channel();
    let open = Arc::new(std::sync::Mutex::new(Some(open)));
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (cache, loader, open) = (cache.clone(), loader.clone(), Arc::clone(&open));
            tokio::spawn(async move {
                let load = move || async move {
                    let open = open.lock().unwrap().take();
                    open.unwrap().await.unwrap();
                    loader.answer("v").await
                };
                cache.get_or_load(&ROLES, "k", load).await
            })
        })
        .collect();
    while cache.stats().joined < 199 {
        tokio::task::yield_now().await;
    }
    gate.send(()).unwrap();
    for call in calls {
        let loaded = call.await.unwrap().unwrap();
        assert_eq!(loaded.value(), "v");
        assert_eq!(loaded.origin(), Origin::Loader);
    }
    assert_eq!(loader.calls(), 1);
    assert_eq!(cache.stats().loads, 1);
}

#[tokio::test]
async fn an_observer_that_panics_costs_nobody_a_value() {
    let cache = Cache::builder("test")
        .observer(|event| panic!("on purpose: {event:?}"))
        .build();
    let loader = Loader::new();
    for origin in [Origin::Loader, Origin::Memory] {
        let loaded = cache.get_or_load(&ROLES, "k", loader.load("v")).await;
        assert_eq!(loaded.unwrap().origin(), origin);
    }
    assert_eq!(cache.stats().loads, 1);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_end_the_load_for_the_others() {
    let (cache, _) = cache();
    let loader = Loader::new();
    let gate = Arc::new(Notify::new());
    let call = || {
        let (cache, loader, gate) = (cache.clone(), loader.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let load = move || async move {
                gate.notified().await;
                loader.answer("v").await
            };
            cache.get_or_load(&ROLES, "k", load).await
        })
    };
    let leader = call();
    while cache.stats().loads == 0 {
        tokio::task::yield_now().await;
    }
    let follower = call();
    while cache.stats().joined == 0 {
        tokio::task::yield_now().await;
    }
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.notify_one();
    assert_eq!(follower.await.unwrap().unwrap().value(), "v");
    assert_eq!(loader.calls(), 1);
    assert_eq!(cache.get(&ROLES, "k").await.unwrap().value(), "v");
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_wait_and_not_kept() {
    let (cache, _) = cache();
    let loader = Loader::new();
    let call = || cache.get_or_load(&ROLES, "k", loader.failing());
    let (first, second) = tokio::join!(call(), call());
    assert_eq!(
        first.unwrap_err(),
        LoadError::Failed("the service is away".to_owned())
    );
    assert_eq!(
        second.unwrap_err(),
        LoadError::Failed("the service is away".to_owned())
    );
    assert_eq!(loader.calls(), 1);
    call().await.unwrap_err();
    assert_eq!(loader.calls(), 2);
}

fn panic<T>() -> T {
    panic!("a bug of the loader's")
}

#[tokio::test]
async fn a_loader_that_panics_does_so_in_its_own_call_only() {
    let (cache, _) = cache();
    let gate = Arc::new(Notify::new());
    let panicking = {
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let load = move || async move {
                gate.notified().await;
                panic::<Result<String, String>>()
            };
            cache.get_or_load(&ROLES, "k", load).await
        })
    };
    while cache.stats().loads == 0 {
        tokio::task::yield_now().await;
    }
    let loader = Loader::new();
    let waiting = {
        let (cache, load) = (cache.clone(), loader.load("v"));
        tokio::spawn(async move { cache.get_or_load(&ROLES, "k", load).await })
    };
    while cache.stats().joined == 0 {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(waiting.await.unwrap().unwrap().value(), "v");
    assert_eq!(loader.calls(), 1);
}

#[tokio::test]
async fn a_value_is_served_for_its_lifetime_and_tells_its_age() {
    let (cache, clock) = cache();
    let loader = Loader::new();
    let call = || cache.get_or_load(&ROLES, "k", loader.load("v"));
    assert_eq!(call().await.unwrap().age(), Duration::ZERO);
    clock.advance(Duration::from_secs(99));
    let loaded = call().await.unwrap();
    assert_eq!(loaded.origin(), Origin::Memory);
    assert_eq!(loaded.age(), Duration::from_secs(99));
    clock.advance(Duration::from_secs(1));
    assert_eq!(call().await.unwrap().origin(), Origin::Loader);
    assert_eq!(loader.calls(), 2);
}

#[tokio::test]
async fn an_expired_value_covers_a_failing_loader_up_to_its_bound() {
    let (cache, clock) = cache();
    let loader = Loader::new();
    for space in ["roles", "prefs"] {
        let call = |load| {
            let cache = cache.clone();
            async move {
                match space {
                    "roles" => cache.get_or_load(&ROLES, "k", load).await,
                    _ => cache.get_or_load(&PREFS, "k", load).await,
                }
            }
        };
        call(loader.load("old")).await.unwrap();
        clock.advance(Duration::from_secs(149));
        let loaded = call(loader.failing()).await.unwrap();
        assert_eq!(
            (loaded.value().as_str(), loaded.origin()),
            ("old", Origin::Stale)
        );
        assert_eq!(loaded.age(), Duration::from_secs(149));
        // A loader that works is always asked first.
        assert_eq!(call(loader.load("new")).await.unwrap().value(), "new");

        clock.advance(Duration::from_secs(150));
        assert_eq!(
            call(loader.failing()).await.unwrap_err(),
            LoadError::Failed("the service is away".to_owned())
        );
    }
    assert_eq!(cache.stats().stale_served, 2);
}

#[tokio::test]
async fn a_strict_value_is_never_served_after_its_lifetime() {
    let clock = TestClock::at_unix_secs(1_700_000_000);
    // The longest lifetime that chance can give.
    let cache = Cache::builder("test")
        .clock(clock.clone())
        .random(|| 1.0)
        .build();
    let loader = Loader::new();
    let call = |load| cache.get_or_load(&REVOKED, "k", load);
    call(loader.load("v")).await.unwrap();
    clock.advance(TTL - Duration::from_millis(1));
    assert_eq!(
        call(loader.failing()).await.unwrap().origin(),
        Origin::Memory
    );
    clock.advance(Duration::from_millis(1));
    call(loader.failing()).await.unwrap_err();
    assert!(cache.get(&REVOKED, "k").await.is_none());
}

#[tokio::test]
async fn an_entry_never_outlives_the_end_it_was_given() {
    let (cache, clock) = cache();
    let end = UnixTime::from(clock.now() + Duration::from_secs(10));
    let space = ROLES.until(end);
    let loader = Loader::new();
    cache
        .get_or_load(&space, "k", loader.load("v"))
        .await
        .unwrap();
    clock.advance(Duration::from_secs(9));
    assert!(cache.get(&ROLES, "k").await.is_some());
    clock.advance(Duration::from_secs(1));
    // Neither fresh nor stale, and not even for somebody who asks without an end.
    assert!(cache.get(&ROLES, "k").await.is_none());
    cache
        .get_or_load(&ROLES, "k", loader.failing())
        .await
        .unwrap_err();

    // What has ended already is given out once, to whoever loaded it, and not kept.
    cache
        .get_or_load(&space, "k", loader.load("v"))
        .await
        .unwrap();
    assert!(cache.get(&ROLES, "k").await.is_none());

    // The end counts for the reader too.
    cache.set(&ROLES, "k", "v".to_owned()).await;
    assert!(cache.get(&ROLES, "k").await.is_some());
    assert!(cache.get(&space, "k").await.is_none());
}

#[tokio::test]
async fn a_load_that_began_before_a_deletion_does_not_bring_the_value_back() {
    let (cache, clock) = cache();
    for overtake in ["delete", "invalidate", "clear", "set"] {
        let gate = Arc::new(Notify::new());
        let loader = Loader::new();
        let slow = {
            let (cache, loader, gate) = (cache.clone(), loader.clone(), Arc::clone(&gate));
            let begun = cache.stats().loads;
            let task = tokio::spawn({
                let cache = cache.clone();
                async move {
                    let load = move || async move {
                        gate.notified().await;
                        loader.answer("old").await
                    };
                    cache.get_or_load(&ROLES, "k", load).await
                }
            });
            while cache.stats().loads == begun {
                tokio::task::yield_now().await;
            }
            task
        };
        match overtake {
            "delete" => assert!(!cache.delete(&ROLES, "k").await.existed()),
            "invalidate" => {
                cache.invalidate(&ROLES, &["k", "other"]).await;
            }
            "clear" => {
                cache.clear_space(&ROLES).await;
            }
            _ => {
                cache.set(&ROLES, "k", "new".to_owned()).await;
            }
        }
        // Who asks now does not wait for the old load either.
        let now = cache.get_or_load(&ROLES, "k", loader.load("new")).await;
        assert_eq!(now.unwrap().value(), "new", "{overtake}");
        gate.notify_one();
        assert_eq!(slow.await.unwrap().unwrap().value(), "old", "{overtake}");
        let kept = cache.get(&ROLES, "k").await.unwrap();
        assert_eq!(kept.value(), "new", "{overtake}");
        clock.advance(Duration::from_secs(1000));
    }
}

#[tokio::test]
async fn what_was_deleted_does_not_cover_a_failing_loader() {
    let (cache, clock) = cache();
    cache.set(&ROLES, "k", "old".to_owned()).await;
    clock.advance(Duration::from_secs(120));
    let gate = Arc::new(Notify::new());
    let call = {
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let load = move || async move {
                gate.notified().await;
                Err::<String, _>("away".to_owned())
            };
            cache.get_or_load(&ROLES, "k", load).await
        })
    };
    while cache.stats().loads == 0 {
        tokio::task::yield_now().await;
    }
    cache.delete(&ROLES, "k").await;
    gate.notify_one();
    call.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn what_was_set_is_there_until_it_is_deleted() {
    let (cache, _) = cache();
    assert!(cache.get(&PREFS, "k").await.is_none());
    cache.set(&PREFS, "k", "1".to_owned()).await;
    cache.set(&PREFS, "k", "2".to_owned()).await;
    assert_eq!(cache.get(&PREFS, "k").await.unwrap().into_value(), "2");
    assert!(cache.delete(&PREFS, "k").await.existed());
    assert!(cache.get(&PREFS, "k").await.is_none());
    assert!(!cache.delete(&PREFS, "k").await.existed());
}

#[tokio::test]
async fn clearing_a_space_clears_no_other() {
    let (cache, _) = cache();
    for key in ["a", "b"] {
        cache.set(&ROLES, key, "role".to_owned()).await;
        cache.set(&PREFS, key, "pref".to_owned()).await;
    }
    cache.clear_space(&ROLES).await;
    for key in ["a", "b"] {
        assert!(cache.get(&ROLES, key).await.is_none());
        assert_eq!(cache.get(&PREFS, key).await.unwrap().value(), "pref");
    }
    cache.set(&ROLES, "a", "again".to_owned()).await;
    assert_eq!(cache.get(&ROLES, "a").await.unwrap().value(), "again");
}

#[tokio::test]
async fn one_name_with_two_types_is_two_spaces() {
    const NUMBERS: Space<u64, Bounded> = Space::new("roles", TTL);
    let (cache, _) = cache();
    cache.set(&ROLES, "k", "v".to_owned()).await;
    assert!(cache.get(&NUMBERS, "k").await.is_none());
    cache.set(&NUMBERS, "k", 7).await;
    assert_eq!(cache.get(&ROLES, "k").await.unwrap().value(), "v");
}

#[tokio::test]
async fn memory_is_bounded() {
    const FEW: Space<u64, BestEffort> = Space::new("few", TTL).max_entries(10);
    let (cache, _) = cache();
    let mut kept = 0;
    for key in 0..1000_u64 {
        cache.set(&FEW, &key.to_string(), key).await;
    }
    for key in 0..1000_u64 {
        kept += usize::from(cache.get(&FEW, &key.to_string()).await.is_some());
    }
    // Room is made a little later than it is taken.
    assert!(kept < 200, "{kept}");
}

#[tokio::test]
async fn a_loader_runs_in_the_request_that_brought_it() {
    let (cache, _) = cache();
    let id = CorrelationId::random();
    let load = || async {
        let context = RequestContext::current();
        context
            .map(|context| context.correlation_id().to_string())
            .ok_or("no context")
    };
    let loaded = RequestContext::builder(id.clone())
        .build()
        .scope(cache.get_or_load(&ROLES, "k", load))
        .await;
    assert_eq!(*loaded.unwrap().value(), id.to_string());
}

#[tokio::test]
async fn debug_shows_no_value_and_no_key() {
    let (cache, _) = cache();
    let loader = Loader::new();
    let loaded = cache
        .get_or_load(&ROLES, "planted-key", loader.load("planted-value"))
        .await
        .unwrap();
    for text in [
        format!("{cache:?}"),
        format!("{loaded:?}"),
        format!("{ROLES:?}"),
        format!("{:?}", Cache::builder("test")),
        format!("{:?}", cache.stats()),
    ] {
        assert!(!text.contains("planted"), "{text}");
    }
}
