//! Grants that services on the published clients use too.

use std::time::Duration;

use auth_client::{AuthClient, AuthClientBuilder};
use auth_core::config::Env;
use auth_core::{Clock, Identity, Secret};
use auth_redis::{Redis, RedisState};
use auth_testkit::{MisoController, OidcIssuer, RedisServer, TestClock};
use serde_json::json;

use crate::{PERMISSIONS, ROLES, controller, end, issuer, settings, token};

struct World {
    server: RedisServer,
    issuer: OidcIssuer,
    controller: MisoController,
    /// As somebody else holds it, who knows the prefix.
    redis: Redis,
    ada: Secret,
}

impl World {
    async fn start() -> Option<Self> {
        let server = RedisServer::start()?;
        let issuer = issuer().await;
        let redis = Redis::builder(&server.url()).key_prefix("miso:");
        let redis = redis.connect().unwrap();
        let mut changes = redis.state_changes();
        while changes.current() != RedisState::Up {
            changes.changed().await.unwrap();
        }
        Some(Self {
            controller: controller(&issuer).await,
            ada: token(&issuer, "ada"),
            server,
            issuer,
            redis,
        })
    }

    fn builder(&self) -> AuthClientBuilder {
        let redis = Redis::builder(&self.server.url()).key_prefix("miso:");
        AuthClient::miso(settings(&self.controller)).redis(redis)
    }

    /// As the published Python client leaves it.
    async fn plant(&self, kind: &str, identity: &Identity, name: &str, millis: i64) {
        let entry = json!({ "__cached_value__": { kind: [name], "timestamp": millis } });
        let (key, entry) = (self.key(kind, identity), entry.to_string());
        self.redis.set(&key, entry.as_bytes(), None).await.unwrap();
    }

    fn key(&self, kind: &str, identity: &Identity) -> String {
        format!("{kind}:{}", identity.subject())
    }

    fn asked(&self) -> [usize; 2] {
        [ROLES, PERMISSIONS].map(|path| self.controller.count(path))
    }
}

async fn started(builder: AuthClientBuilder) -> AuthClient {
    let client = builder.build().unwrap();
    assert_eq!(client.started().await.redis, Some(RedisState::Up));
    client
}

fn now() -> i64 {
    auth_core::SystemClock.unix_now().as_secs() * 1000
}

/// Contract miso §13 A11: the keys name no application, so whoever shares a prefix shares grants.
/// That has to be asked for.
#[tokio::test]
async fn miso_a11_grants_of_a_shared_prefix_are_believed_only_where_that_was_asked_for() {
    let Some(world) = World::start().await else {
        return;
    };
    let alone = started(world.builder()).await;
    let identity = alone.validate_token(&world.ada).await.unwrap();
    world.plant("roles", &identity, "planted", now()).await;
    world
        .plant("permissions", &identity, "planted:too", now())
        .await;
    assert!(!alone.has_role(&identity, "planted").await.is_granted());
    assert!(
        !alone
            .has_permission(&identity, "planted:too")
            .await
            .is_granted()
    );
    assert_eq!(world.asked(), [1, 1]);
    // What the application keeps for itself would be found by the next one.
    alone.forget_grants(&identity).await;
    end(&alone).await;
    let key = world.key("roles", &identity);
    assert!(world.redis.exists(&key).await.unwrap());

    let sharing = started(world.builder().share_grants()).await;
    assert!(sharing.has_role(&identity, "planted").await.is_granted());
    assert!(
        sharing
            .has_permission(&identity, "planted:too")
            .await
            .is_granted()
    );
    assert_eq!(world.asked(), [1, 1]);

    // Forgotten for everybody, asked once, and left there for the others.
    sharing.forget_grants(&identity).await;
    assert!(!world.redis.exists(&key).await.unwrap());
    assert!(sharing.has_role(&identity, "admin").await.is_granted());
    assert!(
        sharing
            .has_permission(&identity, "orders:read")
            .await
            .is_granted()
    );
    assert_eq!(world.asked(), [2, 2]);
    let left = world.redis.get(&key).await.unwrap().unwrap();
    assert!(left.starts_with(br#"{"roles":["admin","auditor"],"timestamp":"#));
    end(&sharing).await;
}

/// Contract miso §13 A1: a self-made token with the subject of somebody whose roles are remembered
/// had them.
#[tokio::test]
async fn miso_a1_a_forged_subject_finds_no_shared_grants() {
    let Some(world) = World::start().await else {
        return;
    };
    let client = started(world.builder().share_grants()).await;
    let identity = client.validate_token(&world.ada).await.unwrap();
    world.plant("roles", &identity, "admin", now()).await;
    let stranger = issuer().await;
    let forged = token(&stranger, "ada");
    client.validate_token(&forged).await.unwrap_err();
    assert_eq!(world.asked(), [0, 0]);
    // The true one does.
    assert!(client.has_role(&identity, "admin").await.is_granted());
    assert_eq!(world.asked(), [0, 0]);
    end(&client).await;
}

#[tokio::test]
async fn what_others_wrote_ends_with_its_timestamp_also_in_memory() {
    let Some(world) = World::start().await else {
        return;
    };
    let clock = TestClock::stopped_now();
    let client = started(world.builder().share_grants().clock(clock.clone())).await;
    let identity = client.validate_token(&world.ada).await.unwrap();
    let written = (clock.unix_now().as_secs() - 880) * 1000;
    world.plant("roles", &identity, "planted", written).await;
    assert!(client.has_role(&identity, "planted").await.is_granted());
    clock.advance(Duration::from_secs(19));
    assert!(client.has_role(&identity, "planted").await.is_granted());
    assert_eq!(world.asked(), [0, 0]);
    clock.advance(Duration::from_secs(1));
    assert!(!client.has_role(&identity, "planted").await.is_granted());
    assert_eq!(world.asked(), [1, 0]);
    end(&client).await;
}

#[tokio::test]
async fn while_redis_is_away_the_controller_is_asked() {
    let Some(mut world) = World::start().await else {
        return;
    };
    let client = started(world.builder().share_grants()).await;
    let identity = client.validate_token(&world.ada).await.unwrap();
    world.plant("roles", &identity, "planted", now()).await;
    world.server.stop();
    assert!(client.has_role(&identity, "admin").await.is_granted());
    assert_eq!(world.asked(), [1, 0]);
    let bob = token(&world.issuer, "bob");
    let bob = client.validate_token(&bob).await.unwrap();
    assert!(!client.has_role(&bob, "admin").await.is_granted());
    end(&client).await;
}

#[tokio::test]
async fn sharing_without_a_redis_is_refused_at_the_start() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let builder = AuthClient::miso(settings(&controller)).share_grants();
    let error = builder.build().unwrap_err();
    assert!(error.to_string().contains("share_grants"), "{error}");

    let variables = |more: [(&'static str, &'static str); 2]| {
        let settings = [
            ("AUTH_PROVIDER", "miso"),
            ("MISO_CLIENTID", "a"),
            ("MISO_CLIENTSECRET", "b"),
            ("MISO_CONTROLLER_URL", "https://controller.test"),
        ];
        AuthClient::from_env_of(&Env::from_pairs(settings.into_iter().chain(more)))
    };
    let problem = |more| {
        let error = variables(more).unwrap_err();
        let [problem] = error.problems() else {
            panic!("{error}");
        };
        problem.variable().to_owned()
    };
    assert_eq!(
        problem([("MISO_SHARE_GRANTS", "true"), ("X", "")]),
        "MISO_SHARE_GRANTS"
    );
    assert_eq!(
        problem([("MISO_SHARE_GRANTS", "yes"), ("X", "")]),
        "MISO_SHARE_GRANTS"
    );
    assert!(variables([("MISO_SHARE_GRANTS", "false"), ("X", "")]).is_ok());
}

/// Neither side was told a prefix, and they meet.
#[tokio::test]
async fn the_environment_shares_under_the_prefix_of_the_published_clients() {
    let Some(world) = World::start().await else {
        return;
    };
    let url = world.server.url();
    let of = |prefix: Option<&'static str>| {
        let mut variables = vec![
            ("AUTH_PROVIDER", "miso".to_owned()),
            ("MISO_CLIENTID", world.controller.client_id().to_owned()),
            (
                "MISO_CLIENTSECRET",
                world.controller.client_secret().expose().to_owned(),
            ),
            ("MISO_CONTROLLER_URL", world.controller.url().to_owned()),
            ("MISO_SHARE_GRANTS", "true".to_owned()),
            ("REDIS_URL", url.clone()),
        ];
        variables.extend(prefix.map(|prefix| ("REDIS_KEY_PREFIX", prefix.to_owned())));
        AuthClient::from_env_of(&Env::from_pairs(variables)).unwrap()
    };
    for (prefix, is_granted) in [(Some("other:"), false), (None, true)] {
        let client = of(prefix);
        client.started().await;
        let identity = client.validate_token(&world.ada).await.unwrap();
        world.plant("roles", &identity, "planted", now()).await;
        let decision = client.has_role(&identity, "planted").await;
        assert_eq!(decision.is_granted(), is_granted, "{prefix:?}");
        end(&client).await;
    }
}
