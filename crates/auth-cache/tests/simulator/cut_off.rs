//! What one node owes to the level behind while others go on, in paused time and with clocks that differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use auth_cache::{Cache, Fresh, Origin, Space, Strict};
use auth_core::Clock;
use auth_testkit::TestClock;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use crate::Weather;
use crate::store::{Dice, Store, Way};

const SESSIONS: Space<String, Strict> = Space::new("sessions", Duration::from_secs(8 * 3600));

/// For so long a deletion stays known in the level behind.
const LONGEST_LOAD: Duration = Duration::from_secs(5 * 60);

/// The wall clock of one node, which goes with paused time, and by how many seconds it is ahead.
#[derive(Clone, Debug)]
struct Wall(Instant, Arc<AtomicI64>);

impl Clock for Wall {
    fn now(&self) -> SystemTime {
        let ahead = self.1.load(Ordering::SeqCst);
        let base = Duration::from_secs(1_700_000_000_u64.saturating_add_signed(ahead));
        SystemTime::UNIX_EPOCH + base + self.0.elapsed()
    }
}

struct World {
    store: Arc<Store>,
    dice: Arc<Dice>,
    begun: Instant,
}

struct Node {
    cache: Cache,
    way: Way,
    ahead: Arc<AtomicI64>,
}

impl World {
    fn new() -> Self {
        Self {
            store: Store::new(),
            dice: Arc::new(Dice::new(1)),
            begun: Instant::now(),
        }
    }

    fn node(&self) -> Node {
        self.node_in(Weather::FAIR)
    }

    /// One that hears nothing of what others tell.
    fn deaf_node(&self) -> Node {
        self.node_in(Weather {
            lost: 1.0,
            ..Weather::FAIR
        })
    }

    fn node_in(&self, weather: Weather) -> Node {
        let way = Way::new(&self.store, &self.dice, weather);
        let wall = Wall(self.begun, Arc::default());
        let ahead = Arc::clone(&wall.1);
        let cache = Cache::builder("test")
            .backend(way.clone())
            .clock(wall)
            .random(|| 1.0)
            .build();
        Node { cache, way, ahead }
    }
}

impl Node {
    /// Sets a value. Whether it is shared.
    async fn set(&self, key: &str, value: &str) -> bool {
        let change = self.cache.set(&SESSIONS, key, value.to_owned()).await;
        change.is_shared()
    }

    async fn get(&self, key: &str) -> Option<String> {
        let found = self.cache.get(&SESSIONS, key).await;
        found.map(auth_cache::Loaded::into_value)
    }

    async fn owes_nothing(&self) {
        for _ in 0..10_000 {
            if self.cache.stats().owed == 0 {
                return;
            }
            advance(Duration::from_millis(1)).await;
        }
        panic!("{:?}", self.cache.stats());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_while_a_node_was_cut_off_for_long_does_not_come_back() {
    let clock_set_back = -3600;
    for ahead in [0, clock_set_back] {
        let world = World::new();
        let (one, other) = (world.node(), world.node());
        assert!(other.set("beside", "x").await);
        assert!(one.get("beside").await.is_some());
        one.way.cut(true);
        assert!(!one.set("session", "tokens").await);
        one.ahead.store(ahead, Ordering::SeqCst);
        advance(Duration::from_secs(1)).await;
        let deleted = other.cache.delete(&SESSIONS, "session").await;
        assert!(deleted.is_shared());
        advance(LONGEST_LOAD + Duration::from_secs(1)).await;
        // What has not been owed for so long is made good as it was set.
        assert!(!one.set("recent", "tokens").await);

        one.way.cut(false);
        one.owes_nothing().await;
        for node in [&one, &other] {
            assert_eq!(node.get("session").await, None);
        }
        one.ahead.store(0, Ordering::SeqCst);
        for node in [&one, &other] {
            assert_eq!(node.get("recent").await.as_deref(), Some("tokens"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_set_first_in_an_empty_store_is_there_whoever_else_sets_something() {
    let world = World::new();
    let nodes: Vec<_> = (0..5).map(|_| Arc::new(world.node())).collect();
    let set_by_all = async |round: &'static str| {
        let mut sets = JoinSet::new();
        for (number, node) in nodes.iter().cloned().enumerate() {
            sets.spawn(async move { node.set(&format!("{round}{number}"), "tokens").await });
        }
        assert_eq!(sets.join_all().await, [true; 5], "{round}");
        for number in 0..nodes.len() {
            let key = format!("{round}{number}");
            assert!(nodes[0].get(&key).await.is_some(), "{key}");
        }
    };
    set_by_all("empty").await;
    world.store.flush(5_000_000);
    set_by_all("flushed").await;
}

const CODES: Space<String, Strict> = Space::new("codes", Duration::from_secs(5));

#[tokio::test(start_paused = true)]
async fn a_short_lived_value_that_was_set_ends_in_time_whose_clock_is_ahead() {
    for ahead in [0, 60, 3600, -60] {
        let world = World::new();
        let (one, other) = (world.node(), world.node());
        one.ahead.store(ahead, Ordering::SeqCst);
        let change = one.cache.set(&CODES, "k", "v".to_owned()).await;
        assert!(change.is_shared());
        let found = async |node: &Node| node.cache.get(&CODES, "k").await.is_some();
        // For those who are far ahead of others it is over at once, which errs to the safe side.
        assert!(found(&one).await);
        assert_eq!(found(&other).await, ahead >= 0, "{ahead}");
        advance(Duration::from_secs(4)).await;
        assert_eq!(found(&other).await, ahead >= 0, "{ahead}");
        advance(Duration::from_secs(1)).await;
        assert!(!found(&one).await && !found(&other).await, "{ahead}");
        // That it was changed stays known.
        let deleted = other.cache.delete(&CODES, "k").await;
        assert!(deleted.is_shared() && !deleted.existed());
    }
}

/// A load that has begun and goes on until it is let go.
struct Slow {
    goes_on: Arc<Notify>,
    load: tokio::task::JoinHandle<String>,
}

impl Slow {
    async fn begin(node: &Node, value: &'static str) -> Self {
        let (asked, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&asked), Arc::clone(&goes_on));
        let cache = node.cache.clone();
        let load = tokio::spawn(async move {
            let load = move || async move {
                tell.notify_one();
                wait.notified().await;
                Ok::<_, String>(value.to_owned())
            };
            let loaded = cache.get_or_load(&SESSIONS, "k", load).await;
            loaded.unwrap().into_value()
        });
        asked.notified().await;
        Self { goes_on, load }
    }

    async fn end(self, node: &Node) -> String {
        self.goes_on.notify_one();
        let value = self.load.await.unwrap();
        node.cache.settled().await;
        value
    }
}

/// Loads a value that lives for less time than it takes to notice that a message was lost.
async fn load_for_a_moment(node: &Node, value: &'static str) {
    let load = move || async move { Ok::<_, String>(Fresh::new(value.to_owned()).ttl(MOMENT)) };
    let loaded = node.cache.get_or_load(&SESSIONS, "k", load).await;
    assert_eq!(loaded.unwrap().origin(), Origin::Loader);
    node.cache.settled().await;
    assert_eq!(node.get("k").await.as_deref(), Some(value));
}

const MOMENT: Duration = Duration::from_millis(300);

#[tokio::test(start_paused = true)]
async fn a_value_that_lived_for_a_moment_does_not_let_older_loads_in() {
    let world = World::new();
    let (deaf, other) = (world.deaf_node(), world.node());
    assert!(other.set("beside", "x").await);
    let slow = Slow::begin(&deaf, "old").await;
    assert!(other.cache.delete(&SESSIONS, "k").await.is_shared());
    load_for_a_moment(&other, "none").await;
    advance(MOMENT * 2).await;
    assert_eq!(other.get("k").await, None);
    assert_eq!(slow.end(&deaf).await, "old");
    assert_eq!(other.get("k").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_lived_for_a_moment_does_not_let_older_changes_in() {
    let world = World::new();
    let (one, other) = (world.node(), world.node());
    assert!(one.set("k", "older").await);
    one.way.cut(true);
    assert!(!one.set("k", "old").await);
    advance(Duration::from_secs(1)).await;
    assert!(other.cache.delete(&SESSIONS, "k").await.is_shared());
    load_for_a_moment(&other, "none").await;
    advance(MOMENT * 2).await;
    one.way.cut(false);
    one.owes_nothing().await;
    for node in [&one, &other] {
        assert_eq!(node.get("k").await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cleared_space_and_a_deleted_prefix_take_what_lies_apart_with_them() {
    let world = World::new();
    let (one, other) = (world.node(), world.node());
    for clears in [true, false] {
        assert!(one.cache.set(&CODES, "k", "v".to_owned()).await.is_shared());
        assert!(other.cache.get(&CODES, "k").await.is_some());
        let change = if clears {
            one.cache.clear_space(&CODES).await
        } else {
            one.cache.delete_prefix(&CODES, "k").await
        };
        assert!(change.is_shared());
        assert!(other.cache.get(&CODES, "k").await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_set_while_others_read_is_there() {
    let world = World::new();
    let node = world.node();
    assert!(node.set("beside", "x").await);
    for round in 0..100 {
        let key = round.to_string();
        let (set, read) = tokio::join!(node.set(&key, "tokens"), async {
            advance(Duration::from_micros(300 * round)).await;
            node.get("beside").await
        });
        assert!(set && read.is_some(), "{round}");
        assert_eq!(node.get(&key).await.as_deref(), Some("tokens"), "{round}");
    }
    // Nobody else does what is being done.
    assert_eq!(node.cache.stats().replayed, 0);
}

#[tokio::test(start_paused = true)]
async fn of_two_who_delete_the_same_prefix_both_know_that_it_is_shared() {
    let node = World::new().node();
    let delete = || node.cache.delete_prefix(&SESSIONS, "k");
    let (one, other) = tokio::join!(delete(), delete());
    assert!(one.is_shared() && other.is_shared());
}

#[tokio::test(start_paused = true)]
async fn what_an_empty_store_forgot_again_does_not_let_older_loads_in() {
    let world = World::new();
    let (deaf, other) = (world.deaf_node(), world.node());
    let slow = Slow::begin(&deaf, "old").await;
    assert!(other.set("k", "new").await);
    assert!(other.cache.delete(&SESSIONS, "k").await.is_shared());
    world.store.flush(5_000_000);
    assert_eq!(slow.end(&deaf).await, "old");
    assert_eq!(other.get("k").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_takes_its_time_does_not_let_a_load_in_that_was_nearly_too_slow() {
    for seed in 0..30 {
        let world = World {
            dice: Arc::new(Dice::new(seed)),
            ..World::new()
        };
        let far_away = world.node_in(Weather {
            delay: Duration::from_secs(4),
            lost: 1.0,
            ..Weather::FAIR
        });
        let other = world.node();
        assert!(other.set("beside", "x").await);
        assert!(far_away.get("beside").await.is_some());
        let asked = Instant::now();
        let slow = Slow::begin(&far_away, "old").await;
        assert!(other.cache.delete(&SESSIONS, "k").await.is_shared());
        let nearly = LONGEST_LOAD.saturating_sub(Duration::from_millis(100));
        advance(nearly.saturating_sub(asked.elapsed())).await;
        assert_eq!(slow.end(&far_away).await, "old");
        assert_eq!(other.get("k").await, None, "{seed}");
    }
}

/// Two nodes that say the same time all the time, and a key that both change.
async fn of_two_changes_in_one_millisecond(owed_is_deletion: bool) -> Option<String> {
    let world = World::new();
    let clock = TestClock::at_unix_secs(1_700_000_000);
    let [one, other] = [(), ()].map(|()| {
        let mut node = world.node();
        let builder = Cache::builder("test").backend(node.way.clone());
        node.cache = builder.clock(clock.clone()).random(|| 1.0).build();
        node
    });
    assert!(one.set("k", "older").await && other.set("beside", "x").await);
    clock.advance(Duration::from_secs(1));
    one.way.cut(true);
    let is_shared = match owed_is_deletion {
        true => one.cache.delete(&SESSIONS, "k").await.is_shared(),
        false => one.set("k", "owed").await,
    };
    assert!(!is_shared);
    assert!(other.set("k", "shared").await);
    one.way.cut(false);
    one.owes_nothing().await;
    let (found, by_other) = (one.get("k").await, other.get("k").await);
    assert_eq!(found, by_other);
    found
}

#[tokio::test(start_paused = true)]
async fn of_two_changes_in_one_millisecond_a_deletion_wins_and_a_value_that_is_owed_does_not() {
    for _ in 0..20 {
        let found = of_two_changes_in_one_millisecond(false).await;
        assert_eq!(found.as_deref(), Some("shared"));
        assert_eq!(of_two_changes_in_one_millisecond(true).await, None);
    }
}
