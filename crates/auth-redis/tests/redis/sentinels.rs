//! The primary of a service, and its replacement when it dies.

use std::time::Duration;

use auth_redis::{Redis, RedisErrorKind, RedisState, SubscriptionEvent};
use auth_testkit::{RedisSentinels, RedisServer};
use tokio::time::timeout;

use crate::outages::count;
use crate::{LONG, MINUTE, reach};

/// One set of servers for both: to start them takes longer than the rest.
#[tokio::test]
async fn a_failover_is_followed_by_commands_and_subscriptions() {
    let Some(mut servers) = RedisSentinels::start() else {
        return;
    };
    a_service_that_no_sentinel_knows_is_told(&servers).await;
    let redis = Redis::builder(&servers.url())
        .key_prefix("app:")
        .check_interval(Duration::from_millis(50))
        .connect()
        .unwrap();
    redis.set("k", b"before", MINUTE).await.unwrap();
    let mut subscription = redis.subscribe("news");
    assert_eq!(
        subscription.next().await,
        Some(SubscriptionEvent::Listening)
    );

    let old = servers.kill_primary();
    assert_eq!(
        timeout(LONG, subscription.next()).await.unwrap(),
        Some(SubscriptionEvent::Lost)
    );
    reach(&redis, RedisState::Down).await;
    let error = redis.get("k").await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Unavailable);

    reach(&redis, RedisState::Up).await;
    servers.agree_on_another_than(old);
    redis.set("k", b"after", MINUTE).await.unwrap();
    assert_eq!(redis.get("k").await.unwrap().unwrap(), "after");
    assert_eq!(
        timeout(LONG, subscription.next()).await.unwrap(),
        Some(SubscriptionEvent::Listening)
    );
    assert_eq!(redis.publish("news", b"hello").await.unwrap(), 1);
    assert_eq!(redis.ups(), 2);
}

async fn a_service_that_no_sentinel_knows_is_told(servers: &RedisSentinels) {
    let url = servers.url().replace("/main", "/planted");
    let redis = Redis::builder(&url).connect().unwrap();
    reach(&redis, RedisState::Down).await;
    let error = redis.ping().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "redis PING: the sentinels do not know the service"
    );
}

#[tokio::test]
async fn a_primary_that_was_cut_off_is_left_although_it_still_answers_as_one() {
    let Some(servers) = RedisSentinels::start() else {
        return;
    };
    let redis = Redis::builder(&servers.url())
        .check_interval(Duration::from_millis(50))
        .connect()
        .unwrap();
    redis.set("k", b"before", MINUTE).await.unwrap();
    let mut changes = redis.state_changes();

    let old = servers.cut_off_primary();
    let change = timeout(LONG, changes.changed()).await.unwrap();
    assert_eq!(change, Some(RedisState::Down));
    reach(&redis, RedisState::Up).await;
    assert_eq!(redis.ups(), 2);
    redis.set("k", b"after", MINUTE).await.unwrap();

    let url = format!("redis://:{}@127.0.0.1:{old}", RedisSentinels::PASSWORD);
    let old = Redis::builder(&url).connect().unwrap();
    assert_eq!(old.get("k").await.unwrap().unwrap(), "before");
    old.set("k", b"taken for the primary", MINUTE)
        .await
        .unwrap();
}

#[tokio::test]
async fn most_of_the_sentinels_are_heeded_and_silence_or_a_few_change_nothing() {
    let Some(mut sentinels) = RedisSentinels::start() else {
        return;
    };
    let start = || RedisServer::start_with_password(RedisSentinels::PASSWORD).unwrap();
    let (one, other) = (start(), start());
    sentinels.watch("pair", &one);
    let url = sentinels.url().replace("/main", "/pair");
    let redis = Redis::builder(&url)
        .command_timeout(LONG)
        .check_interval(Duration::from_millis(10))
        .connect()
        .unwrap();
    reach(&redis, RedisState::Up).await;

    // The same connections serve for every question.
    let connections = sentinels.connections_made();
    checks_go_on(&redis, &one).await;
    assert!(sentinels.connections_made() < connections + 20);

    sentinels.rewatch("pair", &other, 1);
    checks_go_on(&redis, &one).await;
    sentinels.stall();
    checks_go_on(&redis, &one).await;
    sentinels.resume();
    assert_eq!((redis.state(), redis.ups()), (RedisState::Up, 1));

    let mut changes = redis.state_changes();
    sentinels.rewatch("pair", &other, 2);
    let change = timeout(LONG, changes.changed()).await.unwrap();
    assert_eq!(change, Some(RedisState::Down));
    reach(&redis, RedisState::Up).await;
    sentinels.stop();
    checks_go_on(&redis, &other).await;
    assert_eq!((redis.state(), redis.ups()), (RedisState::Up, 2));
}

/// Returns after many checks of the server in use, before each of which the sentinels could be asked.
async fn checks_go_on(redis: &Redis, server: &RedisServer) {
    let checks = || count(server, "commandstats", "cmdstat_role:calls=");
    let begun = checks();
    while checks() < begun + 20 {
        redis.ping().await.unwrap();
    }
}
