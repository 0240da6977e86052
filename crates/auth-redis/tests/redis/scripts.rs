//! Scripts: known by their hash, sent where they are not known.

use auth_redis::{Redis, RedisErrorKind, RedisState, Script};
use auth_testkit::RedisServer;

use crate::reach;

#[tokio::test]
async fn a_script_is_sent_once_and_again_when_the_server_has_forgotten_it() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url())
        .key_prefix("app:")
        .connect()
        .unwrap();
    let append = Script::new("return redis.call('APPEND', KEYS[1], ARGV[1] .. ARGV[2])");
    for length in [2, 4] {
        let answer = redis.run_script(&append, &["k"], &[b"x", b"\xff"]).await;
        assert_eq!(answer.unwrap().as_integer(), Some(length));
    }
    assert_eq!(redis.get("k").await.unwrap().unwrap(), &b"x\xffx\xff"[..]);

    server.stop();
    reach(&redis, RedisState::Down).await;
    server.restart_on_same_port();
    reach(&redis, RedisState::Up).await;
    let answer = redis.run_script(&append, &["k"], &[b"x", b"y"]).await;
    let answer = answer.unwrap();
    assert_eq!(answer.as_integer(), Some(2));
}

#[tokio::test]
async fn answers_keep_their_form_and_a_failing_script_is_a_refusal() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url()).connect().unwrap();
    let script = Script::new("return {1, 'two', false, {3}, redis.status_reply('fine')}");
    let answer = redis.run_script(&script, &[], &[]).await.unwrap();
    let parts = answer.as_list().unwrap();
    assert_eq!(parts[0].as_integer(), Some(1));
    assert_eq!(parts[1].as_bytes().unwrap(), "two");
    assert_eq!(parts[2], auth_redis::RedisValue::Nil);
    assert_eq!(parts[3].as_list().unwrap()[0].as_integer(), Some(3));
    assert_eq!(parts[4].as_bytes().unwrap(), "fine");

    let script = Script::new("return redis.error_reply('WRONG planted')");
    let error = redis.run_script(&script, &[], &[]).await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Rejected);
    assert!(!error.to_string().contains("planted"), "{error}");
}
