//! The quickstart in the surroundings a newcomer's command does not have.

use std::io::{Read, Write};
use std::net::TcpStream;

use auth_sdk::core::config::Env;
use auth_testkit::RedisServer;

use super::run;

fn env(redis: &RedisServer) -> Env {
    Env::from_pairs([("REDIS_URL", redis.url())])
}

#[tokio::test]
async fn alone() {
    assert!(run(&Env::default()).await.unwrap());
}

#[tokio::test]
async fn with_redis_it_remembers_there_too() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    assert!(run(&env(&redis)).await.unwrap());

    let mut peer = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
    peer.write_all(b"KEYS *\r\nQUIT\r\n").unwrap();
    let mut keys = String::new();
    peer.read_to_string(&mut keys).unwrap();
    assert!(keys.contains("roles"), "{keys}");
}

#[tokio::test]
async fn with_a_redis_that_is_gone_it_remembers_by_itself() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    redis.stop();
    assert!(run(&env(&redis)).await.unwrap());
}
