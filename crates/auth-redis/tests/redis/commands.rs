//! Commands against a real server.

use std::time::Duration;

use auth_redis::{Redis, RedisErrorKind, RedisState};
use auth_testkit::RedisServer;

use crate::MINUTE;

fn server_and_handle() -> Option<(RedisServer, Redis)> {
    let server = RedisServer::start()?;
    let redis = Redis::builder(&server.url()).connect().unwrap();
    Some((server, redis))
}

#[tokio::test]
async fn values_are_bytes_and_come_back_as_they_were() {
    let Some((_server, redis)) = server_and_handle() else {
        return;
    };
    // The first command waits for the first connection.
    assert_eq!(redis.get("absent").await.unwrap(), None);
    assert_eq!(redis.state(), RedisState::Up);

    let bytes: Vec<u8> = (0..=255).collect();
    redis.set("bytes", &bytes, MINUTE).await.unwrap();
    redis.set("empty", b"", None).await.unwrap();
    assert_eq!(redis.get("bytes").await.unwrap().unwrap(), bytes);
    assert_eq!(redis.get("empty").await.unwrap().unwrap(), "");

    let values = redis.get_many(&["empty", "absent", "bytes"]).await.unwrap();
    assert_eq!(values, [Some("".into()), None, Some(bytes.into())]);
    assert_eq!(redis.get_many(&[]).await.unwrap(), []);
    redis.ping().await.unwrap();
}

#[tokio::test]
async fn keys_are_deleted_and_counted() {
    let Some((_server, redis)) = server_and_handle() else {
        return;
    };
    redis.set("a", b"1", None).await.unwrap();
    redis.set("b", b"1", None).await.unwrap();
    assert!(redis.exists("a").await.unwrap());
    assert_eq!(redis.delete(&["a", "b", "c"]).await.unwrap(), 2);
    assert!(!redis.exists("a").await.unwrap());
    assert_eq!(redis.delete(&[]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_key_lives_as_long_as_it_was_told() {
    let Some((_server, redis)) = server_and_handle() else {
        return;
    };
    // A lifetime of nothing is no error and no eternity.
    redis.set("gone", b"1", Duration::ZERO).await.unwrap();
    while redis.exists("gone").await.unwrap() {}

    redis.set("kept", b"1", Duration::MAX).await.unwrap();
    assert!(redis.exists("kept").await.unwrap());
    assert!(redis.expire("kept", Duration::ZERO).await.unwrap());
    while redis.exists("kept").await.unwrap() {}
    assert!(!redis.expire("kept", MINUTE).await.unwrap());
}

#[tokio::test]
async fn values_are_appended_to_a_list() {
    let Some((_server, redis)) = server_and_handle() else {
        return;
    };
    assert_eq!(redis.push("list", &[b"a", b"b"]).await.unwrap(), 2);
    assert_eq!(redis.push("list", &[b"c"]).await.unwrap(), 3);
    assert_eq!(redis.push("list", &[]).await.unwrap(), 3);
}

#[tokio::test]
async fn a_refusal_of_the_server_is_told_from_an_outage() {
    let Some((_server, redis)) = server_and_handle() else {
        return;
    };
    redis.set("user:planted", b"1", None).await.unwrap();
    // More refusals than the breaker has patience for: it takes a working server to refuse.
    for _ in 0..5 {
        let error = redis.push("user:planted", &[b"x"]).await.unwrap_err();
        assert_eq!(error.kind(), RedisErrorKind::Rejected);
        assert!(!error.is_transient());
        assert_eq!(error.code(), Some("WRONGTYPE"));
        assert_eq!(
            error.to_string(),
            "redis RPUSH: the server refused the command (WRONGTYPE)"
        );
    }
    assert_eq!(redis.state(), RedisState::Up);
}

#[tokio::test]
async fn a_prefix_is_put_before_every_key() {
    let Some((server, bare)) = server_and_handle() else {
        return;
    };
    let redis = Redis::builder(&server.url())
        .key_prefix("app:")
        .connect()
        .unwrap();
    redis.set("set", b"1", None).await.unwrap();
    redis.push("list", &[b"1"]).await.unwrap();
    assert!(redis.set_if_absent("nx", b"1", MINUTE).await.unwrap());
    let one = redis.command("INCR", "counter", &[]).await.unwrap();
    assert_eq!(one.as_integer(), Some(1));
    for key in ["set", "list", "nx", "counter"] {
        assert!(redis.exists(key).await.unwrap());
        assert!(!bare.exists(key).await.unwrap());
        assert!(bare.exists(&format!("app:{key}")).await.unwrap());
    }
    assert!(redis.get_many(&["set"]).await.unwrap()[0].is_some());
    assert!(redis.expire("set", MINUTE).await.unwrap());
    assert_eq!(redis.delete(&["set", "list"]).await.unwrap(), 2);
    assert!(!bare.exists("app:set").await.unwrap());
}

#[tokio::test]
async fn what_is_there_is_not_set_again() {
    let Some((_server, redis)) = server_and_handle() else {
        return;
    };
    assert!(redis.set_if_absent("k", b"1", MINUTE).await.unwrap());
    assert!(!redis.set_if_absent("k", b"2", MINUTE).await.unwrap());
    assert_eq!(redis.get("k").await.unwrap().unwrap(), "1");
}

#[tokio::test]
async fn commands_without_a_method_answer_in_their_form() {
    let Some((_server, redis)) = server_and_handle() else {
        return;
    };
    let id = redis
        .command("XADD", "stream", &[b"*", b"event", b"user.deleted"])
        .await
        .unwrap();
    assert!(id.as_bytes().is_some());
    let entries = redis
        .command("XRANGE", "stream", &[b"-", b"+"])
        .await
        .unwrap();
    let [entry] = entries.as_list().unwrap() else {
        panic!("{entries:?}");
    };
    let [read, fields] = entry.as_list().unwrap() else {
        panic!("{entries:?}");
    };
    assert_eq!(read, &id);
    assert_eq!(fields.as_list().unwrap().len(), 2);
    // Values are for the program, not for its log.
    assert!(!format!("{entries:?}").contains("user.deleted"));
}
