//! Six nodes, of which slots move and primaries die while commands are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use auth_redis::{Redis, RedisErrorKind, RedisState, Script, SubscriptionEvent};
use auth_testkit::RedisCluster;
use tokio::time::{Instant, timeout};

use crate::{LONG, MINUTE, reach};

/// One cluster for all of it: to start one takes longer than the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_one_handle_while_slots_move_and_primaries_die() {
    let Some(mut cluster) = RedisCluster::start() else {
        return;
    };
    let redis = Redis::builder(&cluster.url())
        .key_prefix("app:")
        .check_interval(Duration::from_millis(50))
        .connect()
        .unwrap();
    // The first command waits for the first look at the map.
    redis.ping().await.unwrap();
    reach(&redis, RedisState::Up).await;

    keys_of_all_nodes_are_read_and_deleted_together(&redis).await;
    scripts_take_keys_of_one_slot(&redis).await;
    messages_reach_whoever_listens_anywhere(&redis).await;
    a_slot_moves_under_load_and_nobody_notices(&cluster, &redis).await;
    a_primary_dies_and_its_slots_come_back(&mut cluster, &redis).await;
    a_node_that_may_not_be_asked_how_the_cluster_is_does_not_keep_it_down(&cluster).await;
    what_was_shut_down_leaves_the_nodes_alone(&redis).await;
}

async fn a_node_that_may_not_be_asked_how_the_cluster_is_does_not_keep_it_down(
    cluster: &RedisCluster,
) {
    let connect = || Redis::builder(&cluster.url()).connect().unwrap();
    let redis = connect();
    // What stands where the key is says which node is told, and is a part of the command.
    let told = redis.command("ACL", "SETUSER", &[b"default", b"-cluster|info"]);
    told.await.unwrap();
    reach(&connect(), RedisState::Up).await;
}

async fn what_was_shut_down_leaves_the_nodes_alone(redis: &Redis) {
    reach(redis, RedisState::Up).await;
    let mut subscription = redis.subscribe("news");
    let event = timeout(LONG, subscription.next()).await.unwrap();
    assert_eq!(event, Some(SubscriptionEvent::Listening));
    redis.shutdown().await;
    let ups = redis.ups();
    let error = redis.ping().await.unwrap_err();
    assert_eq!(error.to_string(), "redis PING: the handle was shut down");
    let event = timeout(LONG, subscription.next()).await.unwrap();
    assert_eq!(event, Some(SubscriptionEvent::Lost));
    // Whoever still looked after a node would have connected again by now.
    assert_eq!(redis.ups(), ups);
}

async fn keys_of_all_nodes_are_read_and_deleted_together(redis: &Redis) {
    let keys: Vec<String> = (0..100).map(|number| format!("k{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for key in &keys {
        redis.set(key, key.as_bytes(), MINUTE).await.unwrap();
    }
    let values = redis.get_many(&keys).await.unwrap();
    for (key, value) in keys.iter().zip(values) {
        assert_eq!(value.unwrap(), *key);
    }
    assert_eq!(redis.delete(&keys).await.unwrap(), 100);
    assert_eq!(redis.get_many(&keys).await.unwrap(), vec![None; 100]);
}

async fn scripts_take_keys_of_one_slot(redis: &Redis) {
    let both = Script::new("return redis.call('INCR', KEYS[1]) + redis.call('INCR', KEYS[2])");
    let answer = redis
        .run_script(&both, &["{user:1}:a", "{user:1}:b"], &[])
        .await;
    assert_eq!(answer.unwrap().as_integer(), Some(2));
    let error = redis.run_script(&both, &["a", "b"], &[]).await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Rejected);
}

async fn messages_reach_whoever_listens_anywhere(redis: &Redis) {
    let mut subscription = redis.subscribe("news");
    let event = timeout(LONG, subscription.next()).await.unwrap();
    assert_eq!(event, Some(SubscriptionEvent::Listening));
    redis.publish("news", b"hello").await.unwrap();
    let event = timeout(LONG, subscription.next()).await.unwrap();
    assert_eq!(event, Some(SubscriptionEvent::Message("hello".into())));
}

/// What tasks do while something happens: each counts up in keys of its own, and an addition that
/// was made twice, or lost, is found out by the next.
struct Load {
    done: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(redis: &Redis, keys: &[String]) -> Self {
        let (done, rounds) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let task = |key: &String| {
            let (redis, key) = (redis.clone(), key.clone());
            let (done, rounds) = (Arc::clone(&done), Arc::clone(&rounds));
            tokio::spawn(async move {
                let (mut count, mut errors) = (0, Vec::new());
                while !done.load(Ordering::SeqCst) {
                    match redis.command("INCR", &key, &[]).await {
                        Ok(value) => {
                            count += 1;
                            assert_eq!(value.as_integer(), Some(count), "{key}");
                        }
                        Err(error) => errors.push(error.to_string()),
                    }
                    rounds.fetch_add(1, Ordering::SeqCst);
                }
                errors
            })
        };
        let tasks = keys.iter().map(task).collect();
        Self {
            done,
            rounds,
            tasks,
        }
    }

    async fn go_on(&self, rounds: u64) {
        let until = self.rounds.load(Ordering::SeqCst) + rounds;
        while self.rounds.load(Ordering::SeqCst) < until {
            tokio::task::yield_now().await;
        }
    }

    async fn stop(self) -> Vec<String> {
        self.done.store(true, Ordering::SeqCst);
        let mut errors = Vec::new();
        for task in self.tasks {
            errors.extend(task.await.unwrap());
        }
        errors
    }
}

async fn a_slot_moves_under_load_and_nobody_notices(cluster: &RedisCluster, redis: &Redis) {
    // Slot 12182 is that of `foo`, with the third primary.
    let keys: Vec<String> = (0..8).map(|number| format!("{{foo}}:{number}")).collect();
    let load = Load::start(redis, &keys);
    load.go_on(200).await;
    let mover = async {
        for (from, to) in [(2, 0), (0, 1), (1, 2)] {
            tokio::task::block_in_place(|| cluster.move_slot(12182, from, to));
            load.go_on(200).await;
        }
    };
    mover.await;
    assert_eq!(load.stop().await, Vec::<String>::new());
    assert_eq!(redis.state(), RedisState::Up);
}

async fn a_primary_dies_and_its_slots_come_back(cluster: &mut RedisCluster, redis: &Redis) {
    redis.set("{foo}", b"x", MINUTE).await.unwrap();
    redis.set("{bar}", b"y", MINUTE).await.unwrap();
    let ups = redis.ups();
    cluster.kill_primary(2);
    reach(redis, RedisState::Down).await;

    // Its slots cost a look, and the others nothing.
    let begun = Instant::now();
    let mut refused = 0;
    for _ in 0..200 {
        if let Err(error) = redis.get("{foo}").await {
            assert_eq!(error.kind(), RedisErrorKind::Unavailable, "{error}");
            refused += 1;
        }
        assert_eq!(redis.get("{bar}").await.unwrap().unwrap(), "y");
    }
    assert!(refused > 100, "{refused} were refused");
    assert!(begun.elapsed() < Duration::from_secs(1));

    reach(redis, RedisState::Up).await;
    redis.set("{foo}", b"z", MINUTE).await.unwrap();
    assert_eq!(redis.get("{foo}").await.unwrap().unwrap(), "z");
    assert!(redis.ups() > ups);
}
