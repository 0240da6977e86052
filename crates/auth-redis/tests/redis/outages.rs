//! A real server that is away, dies, hangs, and comes back.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use auth_redis::{Redis, RedisErrorKind, RedisSettings, RedisState, Script, SubscriptionEvent};
use auth_testkit::RedisServer;
use tokio::time::{Instant, timeout};

use crate::{LONG, reach};

/// A handle that finds out soon.
fn quick(server: &RedisServer) -> RedisSettings {
    Redis::builder(&server.url()).check_interval(Duration::from_millis(20))
}

#[tokio::test]
async fn a_server_that_is_away_at_first_is_found_when_it_comes() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    server.stop();
    let redis = quick(&server).connect().unwrap();
    assert_eq!(redis.state(), RedisState::Connecting);
    reach(&redis, RedisState::Down).await;
    let error = redis.get("k").await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Unavailable);
    assert!(error.is_transient());

    server.restart_on_same_port();
    reach(&redis, RedisState::Up).await;
    redis.set("k", b"v", None).await.unwrap();
    assert_eq!(redis.ups(), 1);
}

#[tokio::test]
async fn a_server_that_dies_makes_commands_fail_at_once_until_it_is_back() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    // Nobody checks: the commands themselves find out.
    let redis = Redis::builder(&server.url())
        .check_interval(LONG)
        .connect()
        .unwrap();
    redis.set("k", b"v", None).await.unwrap();
    server.stop();
    while redis.state() == RedisState::Up {
        let error = redis.get("k").await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }

    // A thousand of them take less than the time of one that waits.
    let begun = Instant::now();
    for _ in 0..1000 {
        let error = redis.get("k").await.unwrap_err();
        assert_eq!(error.kind(), RedisErrorKind::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_millis(250));

    server.restart_on_same_port();
    reach(&redis, RedisState::Up).await;
    assert_eq!(redis.get("k").await.unwrap(), None);
    assert_eq!(redis.ups(), 2);
}

#[tokio::test]
async fn a_loss_is_noticed_although_nobody_sends_a_command() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    let redis = quick(&server).connect().unwrap();
    reach(&redis, RedisState::Up).await;
    let mut changes = redis.state_changes();
    server.stop();
    let change = timeout(LONG, changes.changed()).await.unwrap();
    assert_eq!(change, Some(RedisState::Down));
    server.restart_on_same_port();
    let change = timeout(LONG, changes.changed()).await.unwrap();
    assert_eq!(change, Some(RedisState::Up));
}

#[tokio::test]
async fn a_server_that_hangs_costs_each_command_its_time_and_then_nothing() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url())
        .command_timeout(Duration::from_millis(100))
        .connect_timeout(Duration::from_millis(100))
        .check_interval(LONG)
        .connect()
        .unwrap();
    reach(&redis, RedisState::Up).await;
    server.stall();
    for _ in 0..3 {
        let begun = Instant::now();
        let error = redis.get("k").await.unwrap_err();
        assert_eq!(error.kind(), RedisErrorKind::Timeout);
        assert!(error.is_transient());
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    // The third one opened the breaker, and a socket that still accepts does not close it.
    assert_eq!(redis.state(), RedisState::Down);
    let error = redis.get("k").await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Unavailable);

    server.resume();
    reach(&redis, RedisState::Up).await;
    redis.ping().await.unwrap();
}

#[tokio::test]
async fn two_timeouts_do_not_open_the_breaker_and_an_answer_forgives_them() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url())
        .command_timeout(Duration::from_millis(100))
        .check_interval(LONG)
        .connect()
        .unwrap();
    reach(&redis, RedisState::Up).await;
    for _ in 0..2 {
        server.stall();
        for _ in 0..2 {
            redis.ping().await.unwrap_err();
        }
        assert_eq!(redis.state(), RedisState::Up);
        server.resume();
        // A server that was just woken may need a moment more than the others get.
        while redis.ping().await.is_err() {}
    }
    assert_eq!(redis.ups(), 1);
}

#[tokio::test]
async fn a_connection_that_grew_old_is_replaced_without_a_gap() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = quick(&server).max_age(Duration::ZERO).connect().unwrap();
    reach(&redis, RedisState::Up).await;
    let begun = connections_made(&server);
    let mut questions = 0;
    while connections_made(&server) < begun + questions + 5 {
        questions += 1;
        redis.ping().await.unwrap();
    }
    assert_eq!(redis.ups(), 1);
}

/// As the server counts them, those of this question included.
fn connections_made(server: &RedisServer) -> u64 {
    count(server, "stats", "total_connections_received:")
}

/// The number after this text in a section of `INFO`, none being nothing.
pub(crate) fn count(server: &RedisServer, section: &str, name: &str) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let login = server
        .url()
        .split_once("://:")
        .map_or_else(String::new, |(_, rest)| {
            let (password, _) = rest.split_once('@').unwrap();
            format!("AUTH {password}\r\n")
        });
    let question = format!("{login}INFO {section}\r\nQUIT\r\n");
    stream.write_all(question.as_bytes()).unwrap();
    let text = std::io::read_to_string(stream).unwrap();
    let number = text.lines().find_map(|line| line.strip_prefix(name));
    let end = |text: &str| {
        text.find(|it: char| !it.is_ascii_digit())
            .unwrap_or(text.len())
    };
    number.map_or(0, |text| text[..end(text)].parse().unwrap())
}

#[tokio::test]
async fn a_wrong_password_is_named_and_never_shown() {
    let Some(server) = RedisServer::start_with_password("the-right-one") else {
        return;
    };
    let url = format!("redis://:planted@127.0.0.1:{}", server.port());
    let settings = Redis::builder(&url);
    let settings_text = format!("{settings:?}");
    let redis = settings.connect().unwrap();
    reach(&redis, RedisState::Down).await;
    let error = redis.get("user:planted").await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Denied);
    assert!(!error.is_transient(), "waiting does not mend a password");
    for text in [
        settings_text,
        format!("{redis:?}"),
        format!("{error:?}"),
        error.to_string(),
    ] {
        assert!(!text.contains("planted"), "{text}");
    }
    assert!(std::error::Error::source(&error).is_none());
    assert!(format!("{redis:?}").contains(&format!("127.0.0.1:{}", server.port())));

    let redis = Redis::builder(&server.url()).connect().unwrap();
    redis.ping().await.unwrap();
}

#[tokio::test]
async fn a_missing_password_is_named_too() {
    let Some(server) = RedisServer::start_with_password("the-right-one") else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}", server.port());
    let redis = Redis::builder(&url).connect().unwrap();
    reach(&redis, RedisState::Down).await;
    let error = redis.ping().await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Denied);
    assert_eq!(
        error.to_string(),
        "redis PING: the server refused our credentials (NOAUTH)"
    );
}

#[tokio::test]
async fn after_shutdown_nothing_is_sent_by_any_clone() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url()).connect().unwrap();
    redis.ping().await.unwrap();
    let clone = redis.clone();
    redis.shutdown().await;
    redis.shutdown().await;
    assert_eq!(clone.state(), RedisState::Down);
    let error = clone.ping().await.unwrap_err();
    assert_eq!(error.to_string(), "redis PING: the handle was shut down");
}

#[tokio::test]
async fn changes_end_with_the_last_handle() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url()).connect().unwrap();
    reach(&redis, RedisState::Up).await;
    let mut changes = redis.state_changes();
    drop(redis);
    assert_eq!(timeout(LONG, changes.changed()).await.unwrap(), None);
}

#[tokio::test]
async fn settings_out_of_all_bounds_stop_nothing() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    server.stop();
    let forever = Redis::builder(&server.url())
        .command_timeout(Duration::MAX)
        .connect_timeout(Duration::MAX)
        .check_interval(Duration::MAX)
        .max_age(Duration::MAX)
        .random(|| f64::NAN)
        .connect()
        .unwrap();
    let hasty = Redis::builder(&server.url())
        .check_interval(Duration::ZERO)
        .random(|| f64::INFINITY)
        .connect()
        .unwrap();
    for redis in [&forever, &hasty] {
        reach(redis, RedisState::Down).await;
    }
    server.restart_on_same_port();
    for redis in [forever, hasty] {
        reach(&redis, RedisState::Up).await;
        redis.ping().await.unwrap();
        let mut subscription = redis.subscribe("news");
        let event = timeout(LONG, subscription.next()).await.unwrap();
        assert_eq!(event, Some(SubscriptionEvent::Listening));
        assert_eq!(redis.publish("news", b"hello").await.unwrap(), 1);
        let event = timeout(LONG, subscription.next()).await.unwrap();
        assert_eq!(event, Some(SubscriptionEvent::Message("hello".into())));
    }
}

#[tokio::test]
async fn a_primary_without_its_replicas_is_still_read() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = quick(&server).connect().unwrap();
    let told = redis.command("CONFIG", "SET", &[b"min-replicas-to-write", b"1"]);
    told.await.unwrap();
    // More than the breaker has patience for.
    for _ in 0..5 {
        let error = redis.set("k", b"v", None).await.unwrap_err();
        assert_eq!(error.code(), Some("NOREPLICAS"));
        assert!(error.is_transient(), "it waits for a replica");
    }
    assert_eq!(redis.get("k").await.unwrap(), None);
    assert_eq!(redis.ups(), 1);
}

#[tokio::test]
async fn a_server_that_runs_a_script_for_long_cannot_serve_just_now() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let connect = || quick(&server).check_interval(LONG).connect().unwrap();
    let (one, other) = (connect(), connect());
    let told = other.command("CONFIG", "SET", &[b"busy-reply-threshold", b"1"]);
    told.await.unwrap();
    let endless = Script::new("while true do end");
    let error = one.run_script(&endless, &[], &[]).await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Timeout);

    let error = other.get("k").await.unwrap_err();
    assert_eq!(error.code(), Some("BUSY"));
    assert!(error.is_transient(), "it waits for the script");
    other.command("SCRIPT", "KILL", &[]).await.unwrap();
    // It dies a moment later.
    while other.get("k").await.is_err() {
        reach(&other, RedisState::Up).await;
    }
}

#[test]
fn without_a_runtime_connecting_is_an_error_and_no_panic() {
    let error = Redis::builder("redis://127.0.0.1").connect().unwrap_err();
    assert!(error.to_string().contains("tokio"), "{error}");
}
