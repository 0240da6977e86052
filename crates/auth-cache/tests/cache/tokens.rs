//! Tokens that a service keeps for its users, with a real Redis.

use std::time::Duration;

use auth_cache::{Cache, SessionTokens, TokenStore};
use auth_core::{Secret, UnixTime};
use auth_crypto::{KeyRing, SealingKey};
use auth_redis::{Redis, RedisState};
use auth_testkit::RedisServer;
use tokio::time::timeout;

const LIFETIME: Duration = Duration::from_secs(3600);

/// Far more than any of this takes.
const LONG: Duration = Duration::from_secs(20);

fn keys() -> KeyRing {
    KeyRing::new(SealingKey::from_hex("a", &Secret::from("0".repeat(64))).unwrap())
}

fn tokens() -> SessionTokens {
    SessionTokens::new(Secret::from("planted-access"))
        .with_refresh(Secret::from("planted-refresh"))
        .expiring_at(UnixTime::from_secs(4_102_444_800))
}

#[tokio::test]
async fn tokens_lie_in_redis_for_nobody_but_those_with_the_key_and_the_session() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    let redis = Redis::builder(&server.url()).connect().unwrap();
    let up = timeout(LONG, redis.state_changes().reached(RedisState::Up)).await;
    assert!(up.unwrap());
    let store = |keys: Option<KeyRing>| {
        let builder = Cache::builder("app").redis(redis.clone());
        let builder = match keys {
            Some(keys) => builder.key_ring(keys),
            None => builder,
        };
        TokenStore::new(builder.build(), "tokens", LIFETIME)
    };
    let one = store(Some(keys())).unwrap();
    let other = store(Some(keys())).unwrap();
    let session = Secret::from("planted-session");
    assert!(one.put(&session, tokens()).await.is_shared());
    assert_eq!(one.get(&session).await, Some(tokens()));
    assert_eq!(other.get(&session).await, Some(tokens()));
    assert_eq!(other.get(&Secret::from("another")).await, None);

    // Nothing of it can be read there, not even whose it is.
    let hash = auth_crypto::TokenHash::of(&session).to_hex();
    let lies = redis
        .get(&format!("app:entry:tokens:{hash}"))
        .await
        .unwrap()
        .unwrap();
    assert!(!String::from_utf8_lossy(&lies).contains("planted"));
    assert!(!format!("{one:?} {:?}", tokens()).contains("planted"));

    // Without a key nothing can be kept, and that is said at once.
    assert!(store(None).is_err());

    // Signed out is signed out, also where it was read a moment ago.
    assert!(one.remove(&session).await.is_shared());
    assert_eq!(one.get(&session).await, None);
    assert_eq!(other.get(&session).await, None);

    // What cannot be known to be there still is not served.
    one.put(&session, tokens()).await;
    assert_eq!(one.get(&session).await, Some(tokens()));
    server.stop();
    assert_eq!(one.get(&session).await, None);
}
