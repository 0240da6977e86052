//! Messages, and the moments when they may have been missed.

use std::time::Duration;

use auth_redis::{Redis, RedisState, Subscription, SubscriptionEvent};
use auth_testkit::RedisServer;
use tokio::time::timeout;

use crate::{LONG, reach};

async fn next(subscription: &mut Subscription) -> SubscriptionEvent {
    let event = timeout(LONG, subscription.next()).await;
    event.expect("no event").expect("the handle is gone")
}

fn message(text: &'static str) -> SubscriptionEvent {
    SubscriptionEvent::Message(text.into())
}

#[tokio::test]
async fn messages_arrive_in_order_and_under_the_prefix() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let connect = |prefix: &str| {
        let settings = Redis::builder(&server.url());
        settings.key_prefix(prefix).connect().unwrap()
    };
    let (one, other, stranger) = (connect("a:"), connect("a:"), connect("b:"));
    let mut subscription = one.subscribe("news");
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
    assert_eq!(other.publish("news", b"1").await.unwrap(), 1);
    assert_eq!(stranger.publish("news", b"not for us").await.unwrap(), 0);
    assert_eq!(one.publish("news", b"2").await.unwrap(), 1);
    assert_eq!(next(&mut subscription).await, message("1"));
    assert_eq!(next(&mut subscription).await, message("2"));
    drop(subscription);
    while one.publish("news", b"3").await.unwrap() > 0 {}
}

#[tokio::test]
async fn an_outage_is_told_before_messages_come_again() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    server.stop();
    let settings = Redis::builder(&server.url()).check_interval(Duration::from_millis(20));
    let redis = settings.connect().unwrap();
    // It may be asked for before there is a server.
    let mut subscription = redis.subscribe("news");
    for _ in 0..2 {
        server.restart_on_same_port();
        assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
        // The connection for commands may not have noticed yet that it broke.
        while redis.publish("news", b"hello").await.is_err() {
            reach(&redis, RedisState::Up).await;
        }
        assert_eq!(next(&mut subscription).await, message("hello"));
        server.stop();
        assert_eq!(next(&mut subscription).await, SubscriptionEvent::Lost);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_as_good_as_gone() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url())
        .check_interval(Duration::from_millis(20))
        .command_timeout(Duration::from_millis(100))
        .connect_timeout(Duration::from_millis(100))
        .connect()
        .unwrap();
    let mut subscription = redis.subscribe("news");
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
    server.stall();
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Lost);
    server.resume();
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
}

#[tokio::test]
async fn who_does_not_keep_up_learns_that_messages_were_lost() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url()).connect().unwrap();
    let mut subscription = redis.subscribe("news");
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
    // More than may wait, while nobody takes any: until the connection is given up.
    while redis.publish("news", b"much").await.unwrap() > 0 {}
    let mut messages = 0;
    loop {
        match next(&mut subscription).await {
            SubscriptionEvent::Message(_) => messages += 1,
            event => {
                assert_eq!(event, SubscriptionEvent::Lost);
                break;
            }
        }
    }
    assert!(messages > 0);
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
}

#[tokio::test]
async fn nobody_listens_on_behalf_of_who_does_not_keep_up() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    // It would listen again at once.
    let settings = Redis::builder(&server.url()).random(|| 0.0);
    let redis = settings.connect().unwrap();
    let mut subscription = redis.subscribe("news");
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
    while redis.publish("news", b"much").await.unwrap() > 0 {}
    // Room for the news that some were lost, and for nothing else.
    assert_eq!(next(&mut subscription).await, message("much"));
    for _ in 0..2000 {
        assert_eq!(redis.publish("news", b"more").await.unwrap(), 0);
    }
    while next(&mut subscription).await != SubscriptionEvent::Lost {}
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
    assert_eq!(redis.publish("news", b"again").await.unwrap(), 1);
}

#[tokio::test]
async fn a_subscription_ends_with_the_last_handle_and_does_not_keep_it() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let settings = Redis::builder(&server.url()).check_interval(Duration::from_millis(20));
    let redis = settings.connect().unwrap();
    let mut subscription = redis.subscribe("news");
    assert_eq!(next(&mut subscription).await, SubscriptionEvent::Listening);
    let mut changes = redis.state_changes();
    drop(redis);
    assert_eq!(timeout(LONG, changes.changed()).await.unwrap(), None);
    while timeout(LONG, subscription.next()).await.unwrap().is_some() {}
}
