//! A cache on sentinels and on a cluster, while they change under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_cache::{Bounded, Cache, Space};
use auth_redis::{Redis, RedisState};
use auth_testkit::{RedisCluster, RedisSentinels};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::common::Loader;

const TTL: Duration = Duration::from_secs(100);
const ROLES: Space<String, Bounded> = Space::new("roles", TTL).max_stale(Duration::from_secs(50));

/// Far more than any of this takes. Reaching it is a failure; nothing waits for it.
const LONG: Duration = Duration::from_secs(30);

fn connect(url: &str) -> (Redis, Cache) {
    let redis = Redis::builder(url)
        .check_interval(Duration::from_millis(50))
        .connect()
        .unwrap();
    let cache = Cache::builder("test").redis(redis.clone()).build();
    (redis, cache)
}

async fn reach(redis: &Redis, state: RedisState) {
    let mut changes = redis.state_changes();
    let reached = timeout(LONG, changes.reached(state)).await;
    assert!(reached.unwrap_or(false), "still {:?}", redis.state());
}

/// Callers who read and delete. An error of any of them fails the test.
struct Load {
    done: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<(u64, Duration)>>,
}

impl Load {
    fn start(cache: &Cache) -> Self {
        let done = Arc::<AtomicBool>::default();
        let loader = Loader::new();
        let task = |worker: u64| {
            let (cache, done, loader) = (cache.clone(), Arc::clone(&done), loader.clone());
            tokio::spawn(async move {
                let (mut calls, mut slowest) = (0, Duration::ZERO);
                while !done.load(Ordering::SeqCst) {
                    let key = ((calls + worker) % 300).to_string();
                    let begun = Instant::now();
                    let loaded = cache.get_or_load(&ROLES, &key, loader.load("v")).await;
                    slowest = slowest.max(begun.elapsed());
                    assert_eq!(loaded.unwrap().value(), "v");
                    calls += 1;
                    if calls % 20 == 0 {
                        cache.delete(&ROLES, &key).await;
                    }
                    tokio::task::yield_now().await;
                }
                (calls, slowest)
            })
        };
        let tasks = (0..8).map(task).collect();
        Self { done, tasks }
    }

    #[expect(clippy::print_stdout, reason = "the figures are for people")]
    async fn stop(self, what: &str) {
        self.done.store(true, Ordering::SeqCst);
        let (mut calls, mut slowest) = (0, Duration::ZERO);
        for task in self.tasks {
            let (count, time) = task.await.unwrap();
            calls += count;
            slowest = slowest.max(time);
        }
        println!("{what}: {calls} calls, none failed, the slowest took {slowest:?}");
        // A command's time for each of a read's steps, and then some.
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_failover_under_load_reaches_no_caller() {
    let Some(mut servers) = RedisSentinels::start() else {
        return;
    };
    let (redis, cache) = connect(&servers.url());
    reach(&redis, RedisState::Up).await;
    let load = Load::start(&cache);
    servers.kill_primary();
    reach(&redis, RedisState::Down).await;
    reach(&redis, RedisState::Up).await;
    load.stop("sentinel failover").await;
    cache.settled().await;
    let change = cache.set(&ROLES, "after", "v".to_owned()).await;
    assert!(change.is_shared(), "{redis:?} {cache:?}");
    let (redis, other) = connect(&servers.url());
    // The sentinel that is asked first may not have heard of the new primary yet.
    reach(&redis, RedisState::Up).await;
    let found = other.get(&ROLES, "after").await;
    assert!(found.is_some(), "{redis:?} {other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_and_a_primary_that_dies_under_load_reach_no_caller() {
    let Some(mut cluster) = RedisCluster::start() else {
        return;
    };
    let (redis, cache) = connect(&cluster.url());
    reach(&redis, RedisState::Up).await;
    let load = Load::start(&cache);
    // All of the first hundred of the third primary's.
    for slot in 10_923..11_023 {
        tokio::task::block_in_place(|| cluster.move_slot(slot, 2, 0));
    }
    load.stop("slots moved").await;
    let load = Load::start(&cache);
    cluster.kill_primary(1);
    reach(&redis, RedisState::Down).await;
    reach(&redis, RedisState::Up).await;
    load.stop("primary killed").await;
    cache.settled().await;
    let change = cache.set(&ROLES, "after", "v".to_owned()).await;
    assert!(change.is_shared(), "{redis:?} {cache:?}");
    let (redis, other) = connect(&cluster.url());
    // Not all nodes need have heard of the new primary yet.
    reach(&redis, RedisState::Up).await;
    let found = other.get(&ROLES, "after").await;
    assert!(found.is_some(), "{redis:?} {other:?}");
}
