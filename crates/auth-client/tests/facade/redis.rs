//! The client beside a real Redis: what is shared, what is not, and what is done without it.

use std::time::Duration;

use auth_client::AuthClient;
use auth_core::Decision;
use auth_redis::{Redis, RedisState};
use auth_testkit::{MisoController, RedisServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{ROLES, VALIDATE, controller, end, issuer, settings, token};

/// Contract miso §13 A11: applications that shared a Redis shared their users' roles.
#[tokio::test]
async fn miso_a11_applications_on_one_redis_have_their_own_grants_and_processes_share_them() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let issuer = issuer().await;
    let orders = controller(&issuer).await;
    let billing = MisoController::builder(&issuer).unwrap();
    let billing = billing
        .client_id("miso-controller-dev-billing")
        .start()
        .await
        .unwrap();
    let connected = async |controller: &MisoController| {
        let client = AuthClient::miso(settings(controller)).redis(Redis::builder(&redis.url()));
        let client = client.build().unwrap();
        assert_eq!(client.started().await.redis, Some(RedisState::Up));
        client
    };
    let ada = token(&issuer, "ada");
    for controller in [&orders, &orders, &billing] {
        let client = connected(controller).await;
        let identity = client.validate_token(&ada).await.unwrap();
        assert!(client.has_role(&identity, "admin").await.is_granted());
        // What was written is in Redis before the next one looks.
        end(&client).await;
    }
    assert_eq!((orders.count(ROLES), billing.count(ROLES)), (1, 1));
    // Who somebody is stays within a process: a store that others can write to makes no identities.
    assert_eq!((orders.count(VALIDATE), billing.count(VALIDATE)), (2, 1));

    // Another controller that calls its client the same is another application.
    let namesake = controller(&issuer).await;
    let client = connected(&namesake).await;
    let identity = client.validate_token(&ada).await.unwrap();
    assert!(client.has_role(&identity, "admin").await.is_granted());
    assert_eq!(namesake.count(ROLES), 1);

    // Nor does one read or clear what another has put into the cache.
    let (one, other) = (connected(&orders).await, connected(&billing).await);
    one.cache_set("key", &"secret of orders", Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(other.cache_get::<String>("key").await, None);
    other.cache_clear().await;
    assert!(one.cache_get::<String>("key").await.is_some());
}

/// What is remembered in Redis describes, and proves nothing: whoever can write there cannot make
/// an identity of a token the controller has not accepted.
#[tokio::test]
async fn nothing_that_lies_in_redis_makes_an_identity() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = AuthClient::miso(settings(&controller)).redis(Redis::builder(&redis.url()));
    let client = client.build().unwrap();
    assert_eq!(client.started().await.redis, Some(RedisState::Up));
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    assert!(client.has_role(&identity, "admin").await.is_granted());
    // What was written is in Redis after this.
    end(&client).await;

    let mut peer = TcpStream::connect(("127.0.0.1", redis.port()))
        .await
        .unwrap();
    peer.write_all(b"KEYS *\r\nQUIT\r\n").await.unwrap();
    let mut keys = String::new();
    peer.read_to_string(&mut keys).await.unwrap();
    assert!(keys.contains("roles"), "{keys}");
    assert!(!keys.contains("validated"), "{keys}");
}

#[tokio::test]
async fn without_redis_the_client_answers_all_the_same() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = AuthClient::miso(settings(&controller)).redis(Redis::builder(&redis.url()));
    let client = client.build().unwrap();
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    assert!(client.has_role(&identity, "admin").await.is_granted());
    redis.stop();
    for user in ["ada", "bob"] {
        let identity = client.validate_token(&token(&issuer, user)).await.unwrap();
        let expected = Decision::from(user == "ada");
        assert_eq!(
            client.has_role(&identity, "admin").await,
            expected,
            "{user}"
        );
    }
    assert!(client.health().is_ready());
    end(&client).await;
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_is_used_when_it_comes() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    redis.stop();
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let ada = token(&issuer, "ada");
    let started = || {
        let client = AuthClient::miso(settings(&controller)).redis(Redis::builder(&redis.url()));
        client.build().unwrap()
    };
    let early = started();
    assert_eq!(early.started().await.redis, Some(RedisState::Down));
    let identity = early.validate_token(&ada).await.unwrap();
    assert!(early.has_role(&identity, "admin").await.is_granted());

    let url = redis.url();
    redis.restart_on_same_port();
    while early.health().redis != Some(RedisState::Up) {
        tokio::task::yield_now().await;
    }
    // Another process finds there what this one was told: as soon as this one hears of others again,
    // for until then it shares nothing.
    let shared = async {
        loop {
            early.forget_grants(&identity).await;
            early.roles(&identity).await.unwrap();
            let asked = controller.count(ROLES);
            let late = AuthClient::miso(settings(&controller)).redis(Redis::builder(&url));
            let late = late.build().unwrap();
            assert_eq!(late.started().await.redis, Some(RedisState::Up));
            assert!(late.has_role(&identity, "admin").await.is_granted());
            end(&late).await;
            if controller.count(ROLES) == asked {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), shared)
        .await
        .unwrap();
    end(&early).await;
}
