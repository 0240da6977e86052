//! When a loader is asked, and how long anybody waits for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_cache::{
    BestEffort, Bounded, Cache, CacheEvent, Consistency, Fresh, LoadError, Loaded, Origin, Space,
    Strict,
};
use auth_core::UnixTime;
use auth_testkit::TestClock;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::common::Loader;

const TTL: Duration = Duration::from_secs(100);
const SOFT: Duration = Duration::from_millis(50);
const HARD: Duration = Duration::from_millis(200);

const ROLES: Space<String, Bounded> = Space::new("roles", TTL).max_stale(Duration::from_secs(50));
const TIMED: Space<String, Bounded> = Space::new("timed", TTL)
    .hard_deadline(HARD)
    .max_stale(Duration::from_secs(50))
    .soft_deadline(SOFT);

fn cache() -> (Cache, TestClock) {
    let clock = TestClock::at_unix_secs(1_700_000_000);
    let cache = Cache::builder("test")
        .clock(clock.clone())
        .random(|| 0.5)
        .build();
    (cache, clock)
}

/// What a loader was told: the value, where it was and its age.
type Told = Option<(String, Origin, Duration)>;

/// Asks with a loader that has nothing newer than what is known, and returns what it was told.
async fn ask_for_newer<C: Consistency>(
    cache: &Cache,
    space: &Space<String, C>,
) -> (Loaded<String>, Told) {
    let told = Arc::new(Mutex::new(None));
    let tell = Arc::clone(&told);
    let load = move |known: Option<Loaded<String>>| async move {
        *tell.lock().unwrap() = known
            .as_ref()
            .map(|it| (it.value().clone(), it.origin(), it.age()));
        let value = known.map_or_else(|| "first".to_owned(), Loaded::into_value);
        Ok::<_, String>(value)
    };
    let loaded = cache.get_or_reload(space, "k", load).await.unwrap();
    cache.settled().await;
    let told = told.lock().unwrap().take();
    (loaded, told)
}

#[tokio::test]
async fn a_loader_is_told_what_is_known_and_makes_it_as_good_as_new() {
    let (cache, clock) = cache();
    let (loaded, told) = ask_for_newer(&cache, &ROLES).await;
    assert_eq!((loaded.origin(), told), (Origin::Loader, None));
    clock.advance(TTL + Duration::from_secs(20));
    let (loaded, told) = ask_for_newer(&cache, &ROLES).await;
    let age = TTL + Duration::from_secs(20);
    assert_eq!(told, Some(("first".to_owned(), Origin::Memory, age)));
    assert_eq!(
        (loaded.origin(), loaded.age()),
        (Origin::Loader, Duration::ZERO)
    );
    clock.advance(TTL - Duration::from_secs(1));
    assert!(cache.get(&ROLES, "k").await.is_some());

    // Nobody is told what has been deleted, or is too old.
    cache.delete(&ROLES, "k").await;
    assert_eq!(ask_for_newer(&cache, &ROLES).await.1, None);
    clock.advance(TTL + Duration::from_secs(50));
    assert_eq!(ask_for_newer(&cache, &ROLES).await.1, None);
}

#[tokio::test]
async fn who_refreshes_is_told_what_is_still_good_and_who_is_strict_nothing() {
    const AHEAD: Space<String, Bounded> = Space::new("ahead", TTL).refresh_ahead(50);
    const STRICT: Space<String, Strict> = Space::new("strict", TTL);
    let (cache, clock) = cache();
    ask_for_newer(&cache, &AHEAD).await;
    ask_for_newer(&cache, &STRICT).await;
    clock.advance(Duration::from_secs(60));
    let (loaded, told) = ask_for_newer(&cache, &AHEAD).await;
    assert_eq!(loaded.origin(), Origin::Memory);
    let age = Duration::from_secs(60);
    assert_eq!(told, Some(("first".to_owned(), Origin::Memory, age)));
    clock.advance(Duration::from_secs(60));
    assert_eq!(cache.get(&AHEAD, "k").await.unwrap().age(), age);
    assert_eq!(ask_for_newer(&cache, &STRICT).await.1, None);
}

/// A loader that waits for a gate.
fn gated(
    loader: &Loader,
    gate: &Arc<Notify>,
    value: &'static str,
) -> impl FnOnce() -> Slow + use<> {
    let (loader, gate) = (loader.clone(), Arc::clone(gate));
    move || {
        Box::pin(async move {
            gate.notified().await;
            loader.answer(value).await
        })
    }
}

type Slow = std::pin::Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

#[tokio::test]
async fn ten_thousand_concurrent_misses_of_one_key_run_one_loader() {
    let (cache, _) = cache();
    let (loader, gate) = (Loader::new(), Arc::new(Notify::new()));
    let calls: Vec<_> = (0..10_000)
        .map(|_| {
            let (cache, load) = (cache.clone(), gated(&loader, &gate, "v"));
            tokio::spawn(async move { cache.get_or_load(&ROLES, "k", load).await })
        })
        .collect();
    while cache.stats().joined < 9_999 {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().value(), "v");
    }
    assert_eq!(loader.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_loader_is_not_waited_for_longer_than_the_deadlines_and_still_fills_the_cache() {
    let (cache, clock) = cache();
    let (loader, gate) = (Loader::new(), Arc::new(Notify::new()));

    // Nothing to serve instead: the hard one counts, to the millisecond.
    let begun = Instant::now();
    let outcome = cache
        .get_or_load(&TIMED, "k", gated(&loader, &gate, "1"))
        .await;
    assert_eq!(outcome.unwrap_err(), LoadError::TimedOut);
    assert_eq!(begun.elapsed(), HARD);
    // Those who come meanwhile wait for the same load, for a time of their own.
    let begun = Instant::now();
    let outcome = cache.get_or_load(&TIMED, "k", loader.failing()).await;
    assert_eq!(outcome.unwrap_err(), LoadError::TimedOut);
    assert_eq!(begun.elapsed(), HARD);
    gate.notify_one();
    cache.settled().await;
    assert_eq!(cache.get(&TIMED, "k").await.unwrap().value(), "1");

    // Something expired: the soft one counts.
    clock.advance(TTL);
    let begun = Instant::now();
    let outcome = cache
        .get_or_load(&TIMED, "k", gated(&loader, &gate, "2"))
        .await;
    let stale = outcome.unwrap();
    assert_eq!(
        (stale.value().as_str(), stale.origin()),
        ("1", Origin::Stale)
    );
    assert_eq!(begun.elapsed(), SOFT);
    gate.notify_one();
    cache.settled().await;
    assert_eq!(cache.get(&TIMED, "k").await.unwrap().value(), "2");

    // Too old to be served.
    clock.advance(TTL + Duration::from_secs(50));
    let outcome = cache
        .get_or_load(&TIMED, "k", gated(&loader, &gate, "3"))
        .await;
    assert_eq!(outcome.unwrap_err(), LoadError::TimedOut);
    assert_eq!(cache.stats().timed_out, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_does_not_stand_in_for_a_slow_loader() {
    let (cache, clock) = cache();
    let (loader, gate) = (Loader::new(), Arc::new(Notify::new()));
    cache.set(&TIMED, "k", "old".to_owned()).await;
    clock.advance(TTL);
    let call = {
        let (cache, load) = (cache.clone(), gated(&loader, &gate, "new"));
        tokio::spawn(async move { cache.get_or_load(&TIMED, "k", load).await })
    };
    while cache.stats().loads == 0 {
        tokio::task::yield_now().await;
    }
    cache.delete(&TIMED, "k").await;
    assert_eq!(call.await.unwrap().unwrap_err(), LoadError::TimedOut);
}

#[tokio::test]
async fn a_value_is_loaded_again_before_it_expires_and_nobody_waits() {
    const AHEAD: Space<String, Strict> = Space::new("ahead", TTL).refresh_ahead(80);
    let (cache, clock) = cache();
    let (loader, gate) = (Loader::new(), Arc::new(Notify::new()));
    cache
        .get_or_load(&AHEAD, "k", loader.load("1"))
        .await
        .unwrap();
    // A strict lifetime is spread downward only: 95 of 100 seconds, by these dice.
    clock.advance(Duration::from_secs(75));
    cache
        .get_or_load(&AHEAD, "k", loader.load("2"))
        .await
        .unwrap();
    assert_eq!(loader.calls(), 1);

    clock.advance(Duration::from_secs(2));
    for _ in 0..3 {
        let load = gated(&loader, &gate, "2");
        let found = cache.get_or_load(&AHEAD, "k", load).await.unwrap();
        assert_eq!(
            (found.value().as_str(), found.origin()),
            ("1", Origin::Memory)
        );
    }
    assert_eq!(cache.stats().refreshed_ahead, 1);
    gate.notify_one();
    cache.settled().await;
    let found = cache.get(&AHEAD, "k").await.unwrap();
    assert_eq!((found.value().as_str(), found.age()), ("2", Duration::ZERO));
    assert_eq!(loader.calls(), 2);

    // One that fails leaves what is there.
    clock.advance(Duration::from_secs(77));
    cache
        .get_or_load(&AHEAD, "k", loader.failing())
        .await
        .unwrap();
    cache.settled().await;
    assert_eq!(cache.get(&AHEAD, "k").await.unwrap().value(), "2");
}

#[tokio::test]
async fn a_loader_that_failed_is_left_alone_for_a_while() {
    const RESTING: Space<String, BestEffort> = Space::new("resting", TTL)
        .max_stale(Duration::from_secs(50))
        .rest_after_failure(Duration::from_secs(10));
    let (cache, clock) = cache();
    let loader = Loader::new();
    cache
        .get_or_load(&RESTING, "k", loader.load("1"))
        .await
        .unwrap();
    clock.advance(TTL);
    for _ in 0..5 {
        let found = cache.get_or_load(&RESTING, "k", loader.failing()).await;
        assert_eq!(found.unwrap().origin(), Origin::Stale);
    }
    assert_eq!(loader.calls(), 2);
    clock.advance(Duration::from_secs(11));
    let found = cache.get_or_load(&RESTING, "k", loader.load("2")).await;
    assert_eq!(found.unwrap().origin(), Origin::Loader);
    assert_eq!(cache.stats().stale_served, 5);
}

#[tokio::test]
async fn an_absence_is_remembered_briefly_and_never_stale() {
    const USERS: Space<Option<u32>, Bounded> = Space::new("users", TTL)
        .negative_ttl(Duration::from_secs(3))
        .max_stale(Duration::from_secs(50));
    let (cache, clock) = cache();
    let absent = || async { Ok::<_, String>(Fresh::negative(None)) };
    let away = || async { Err::<Option<u32>, _>("away".to_owned()) };
    assert_eq!(
        cache
            .get_or_load(&USERS, "k", absent)
            .await
            .unwrap()
            .value(),
        &None
    );
    clock.advance(Duration::from_secs(2));
    let found = cache.get_or_load(&USERS, "k", away).await.unwrap();
    assert_eq!(found.origin(), Origin::Memory);
    clock.advance(Duration::from_secs(1));
    let outcome = cache.get_or_load(&USERS, "k", away).await;
    assert_eq!(outcome.unwrap_err(), LoadError::Failed("away".to_owned()));
}

#[tokio::test]
async fn a_loader_may_shorten_a_lifetime_and_not_lengthen_it() {
    let (cache, clock) = cache();
    for (ttl, lives) in [(10, 10), (1000, 100)] {
        let load = move || async move {
            Ok::<_, String>(Fresh::new("v".to_owned()).ttl(Duration::from_secs(ttl)))
        };
        cache.get_or_load(&ROLES, "k", load).await.unwrap();
        clock.advance(Duration::from_secs(lives) - Duration::from_millis(1));
        assert!(cache.get(&ROLES, "k").await.is_some(), "{ttl}");
        clock.advance(Duration::from_secs(lives));
        assert!(cache.get(&ROLES, "k").await.is_none(), "{ttl}");
        cache.delete(&ROLES, "k").await;
    }
}

#[tokio::test]
async fn tags_and_prefixes_delete_what_they_name_and_nothing_else() {
    let (cache, _) = cache();
    let tagged = |tag: &str| Fresh::new("v".to_owned()).tag(tag);
    for (key, tag) in [
        ("user:1:a", "admin"),
        ("user:1:b", "guest"),
        ("user:12", "admin"),
    ] {
        cache.set(&ROLES, key, tagged(tag)).await;
    }
    let there = async |key: &str| cache.get(&ROLES, key).await.is_some();
    cache.delete_prefix(&ROLES, "user:1:").await;
    assert!(!there("user:1:a").await && !there("user:1:b").await && there("user:12").await);
    cache.set(&ROLES, "user:1:b", tagged("guest")).await;
    cache.delete_tag(&ROLES, "admin").await;
    assert!(!there("user:12").await && there("user:1:b").await);
}

#[tokio::test]
async fn a_load_that_began_before_its_tag_or_prefix_was_deleted_is_not_kept() {
    let (cache, _) = cache();
    for by_tag in [true, false] {
        let gate = Arc::new(Notify::new());
        let call = {
            let (cache, gate) = (cache.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let load = move || async move {
                    gate.notified().await;
                    Ok::<_, String>(Fresh::new("old".to_owned()).tag("t"))
                };
                cache.get_or_load(&ROLES, "k:1", load).await
            })
        };
        let begun = cache.stats().loads;
        while cache.stats().loads == begun {
            tokio::task::yield_now().await;
        }
        if by_tag {
            cache.delete_tag(&ROLES, "t").await;
        } else {
            cache.delete_prefix(&ROLES, "k:").await;
        }
        gate.notify_one();
        call.await.unwrap().unwrap();
        assert!(cache.get(&ROLES, "k:1").await.is_none());
    }
}

#[tokio::test]
async fn memory_is_bounded_by_weight() {
    #[expect(clippy::ptr_arg, reason = "it is the type that is kept")]
    fn weigh(value: &String) -> u32 {
        value.len().try_into().unwrap()
    }
    const HEAVY: Space<String, BestEffort> = Space::new("heavy", TTL).max_weight(10_000, weigh);
    let (cache, _) = cache();
    for key in 0..100 {
        cache.set(&HEAVY, &key.to_string(), "x".repeat(1000)).await;
    }
    let mut kept = 0;
    for key in 0..100 {
        kept += usize::from(cache.get(&HEAVY, &key.to_string()).await.is_some());
    }
    // Room is made a little later than it is taken.
    assert!((1..60).contains(&kept), "{kept}");
}

#[tokio::test]
async fn events_are_told_as_they_happen() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let clock = TestClock::at_unix_secs(1_700_000_000);
    let told = Arc::clone(&events);
    let cache = Cache::builder("test")
        .clock(clock.clone())
        .observer(move |event| told.lock().unwrap().push(event))
        .build();
    let loader = Loader::new();
    cache
        .get_or_load(&ROLES, "k", loader.load("v"))
        .await
        .unwrap();
    clock.advance(TTL + Duration::from_secs(20));
    cache
        .get_or_load(&ROLES, "k", loader.failing())
        .await
        .unwrap();
    assert_eq!(
        *events.lock().unwrap(),
        [
            CacheEvent::LoadStarted,
            CacheEvent::LoadStarted,
            CacheEvent::LoadFailed,
            CacheEvent::StaleServed,
        ]
    );
}

#[tokio::test]
async fn a_value_with_an_end_of_its_own_is_not_served_after_it_not_even_stale() {
    let (cache, clock) = cache();
    let end = |secs: i64| UnixTime::from_secs(1_700_000_000 + secs);
    let ending = |at| async move { Ok::<_, String>(Fresh::new("v".to_owned()).until(at)) };
    let failing = || async { Err::<String, _>("away".to_owned()) };
    let load = move || ending(end(10));
    cache.get_or_load(&ROLES, "loaded", load).await.unwrap();
    let set = Fresh::new("v".to_owned()).until(end(10));
    cache.set(&ROLES, "set", set).await;
    // The earlier of two ends counts.
    let (space, load) = (ROLES.until(end(5)), move || ending(end(10)));
    cache.get_or_load(&space, "capped", load).await.unwrap();
    // One beyond the lifetime adds nothing to it.
    let load = move || ending(end(1_000));
    cache.get_or_load(&ROLES, "late", load).await.unwrap();

    clock.advance(Duration::from_millis(9_999));
    let is_there = async |key| cache.get_or_load(&ROLES, key, failing).await.is_ok();
    assert!(is_there("loaded").await && is_there("set").await);
    assert!(!is_there("capped").await);
    clock.advance(Duration::from_millis(1));
    assert!(!is_there("loaded").await && !is_there("set").await);
    clock.advance(Duration::from_secs(91));
    assert!(cache.get(&ROLES, "late").await.is_none());
}
