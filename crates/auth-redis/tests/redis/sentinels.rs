//! The primary of a service, and its replacement when it dies.

use std::time::Duration;

use auth_redis::{Redis, RedisErrorKind, RedisState, SubscriptionEvent};
use auth_testkit::RedisSentinels;
use tokio::time::timeout;

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
