//! Grants in a real Redis, in the shapes of the published clients: what is read, what is not there,
//! and what is written.

use std::time::Duration;

use auth_core::{Authenticator, Identity, Role, UnixTime};
use auth_miso::{Miso, MisoSettings, SharedGrants};
use auth_redis::{Redis, RedisState};
use auth_testkit::{MisoController, OidcIssuer, RedisServer, TestClock, User};
use serde_json::{Value, json};

struct World {
    redis: Redis,
    clock: TestClock,
    shared: SharedGrants,
    ada: Identity,
    bob: Identity,
    _server: RedisServer,
}

impl World {
    async fn start() -> Option<Self> {
        let server = RedisServer::start()?;
        let clock = TestClock::stopped_now();
        let issuer = OidcIssuer::builder().clock(clock.clone());
        let issuer = issuer
            .user(User::new("ada", "x"))
            .user(User::new("bob", "x"));
        let issuer = issuer.start().await.unwrap();
        let controller = MisoController::builder(&issuer).unwrap();
        let controller = controller.clock(clock.clone()).start().await.unwrap();
        let secret = controller.client_secret().clone();
        let settings = MisoSettings::new(controller.url(), controller.client_id(), secret);
        let miso = Miso::builder(settings)
            .clock(clock.clone())
            .build()
            .unwrap();
        let identity = async |user| {
            let token = issuer.token(user).unwrap().sign().unwrap();
            miso.authenticate(&token).await.unwrap()
        };
        let (ada, bob) = (identity("ada").await, identity("bob").await);
        let redis = Redis::builder(&server.url()).key_prefix("miso:");
        let redis = redis.connect().unwrap();
        let mut changes = redis.state_changes();
        while changes.current() != RedisState::Up {
            changes.changed().await.unwrap();
        }
        Some(Self {
            shared: SharedGrants::new(redis.clone()).clock(clock.clone()),
            redis,
            clock,
            ada,
            bob,
            _server: server,
        })
    }

    fn now(&self) -> UnixTime {
        auth_core::Clock::unix_now(&self.clock)
    }

    /// So many seconds from now, in milliseconds.
    fn stamp(&self, secs: i64) -> i64 {
        (self.now().as_secs() + secs) * 1000
    }

    async fn put(&self, kind: &str, value: impl AsRef<[u8]>) {
        let key = format!("{kind}:{}", self.ada.subject());
        self.redis.set(&key, value.as_ref(), None).await.unwrap();
    }

    async fn lies_there(&self, kind: &str) -> Option<Value> {
        let key = format!("{kind}:{}", self.ada.subject());
        let value = self.redis.get(&key).await.unwrap()?;
        Some(serde_json::from_slice(&value).unwrap())
    }

    async fn ttl(&self, kind: &str) -> i64 {
        let key = format!("{kind}:{}", self.ada.subject());
        let ttl = self.redis.command("TTL", &key, &[]).await.unwrap();
        ttl.as_integer().unwrap()
    }
}

/// Contract miso §13 B16: what Python wrote TypeScript misread. What we write both can read, because
/// it is not wrapped (`tests/differential` has Python read it).
#[tokio::test]
async fn miso_b16_both_shapes_are_read_and_the_one_that_both_read_is_written() {
    let Some(world) = World::start().await else {
        return;
    };
    let (shared, ada) = (&world.shared, &world.ada);
    assert_eq!(shared.roles(ada).await, None);

    let stamp = world.stamp(-10);
    let entry = json!({ "roles": ["admin", "Admin"], "timestamp": stamp });
    let until = world.now().saturating_add(Duration::from_secs(890));
    for stored in [entry.clone(), json!({ "__cached_value__": entry })] {
        world.put("roles", stored.to_string()).await;
        let found = shared.roles(ada).await.unwrap();
        assert_eq!(found.names, ["admin".into(), "Admin".into()]);
        assert_eq!(found.until, until);
    }
    let entry = json!({ "permissions": [], "timestamp": stamp });
    world.put("permissions", entry.to_string()).await;
    assert_eq!(shared.permissions(ada).await.unwrap().names, []);
    // One user's are nobody else's.
    assert_eq!(shared.roles(&world.bob).await, None);

    shared.set_roles(ada, &["clerk".into()]).await.unwrap();
    let written = world.lies_there("roles").await.unwrap();
    assert_eq!(written["roles"], json!(["clerk"]));
    assert_eq!(
        written["timestamp"].as_i64().unwrap() / 1000,
        world.now().as_secs()
    );
    assert_eq!(written.as_object().unwrap().len(), 2);
    assert!((890..=900).contains(&world.ttl("roles").await));
    shared.set_permissions(ada, &["a:b".into()]).await.unwrap();
    let written = world.lies_there("permissions").await.unwrap();
    assert_eq!(written["permissions"], json!(["a:b"]));
    assert_eq!(shared.roles(ada).await.unwrap().names, ["clerk".into()]);
    assert_eq!(shared.permissions(ada).await.unwrap().names, ["a:b".into()]);

    shared.forget(ada).await.unwrap();
    assert_eq!(shared.roles(ada).await, None);
    assert_eq!(world.lies_there("permissions").await, None);
}

#[tokio::test]
async fn whatever_is_not_one_of_the_shapes_is_not_there() {
    let Some(world) = World::start().await else {
        return;
    };
    let stamp = world.stamp(-10);
    let entry = |names: Value| json!({ "roles": names, "timestamp": stamp }).to_string();
    let names = |count: usize| entry(vec!["r"; count].into());
    let long = |bytes: usize| entry(json!(["r".repeat(bytes)]));
    let padded = |bytes: usize| {
        let text = names(1);
        let spaces = " ".repeat(bytes - text.len());
        text + &spaces
    };
    // The edges, so that the refusals beyond them are for the reason that is meant.
    for value in [names(1_000), long(256), padded(64 * 1024)] {
        world.put("roles", &value).await;
        assert!(
            world.shared.roles(&world.ada).await.is_some(),
            "{value:.60}"
        );
    }
    let plain = entry(json!(["admin"]));
    let refused = [
        names(1_001),
        long(257),
        long(0),
        padded(64 * 1024 + 1),
        String::new(),
        "admin".to_owned(),
        "null".to_owned(),
        r#"["admin"]"#.to_owned(),
        plain[..plain.len() - 1].to_owned(),
        format!("{plain}{plain}"),
        entry(json!("admin")),
        entry(json!(["admin", 1])),
        entry(Value::Null),
        json!({ "roles": ["admin"] }).to_string(),
        json!({ "timestamp": stamp }).to_string(),
        json!({ "permissions": ["admin"], "timestamp": stamp }).to_string(),
        json!({ "roles": ["admin"], "permissions": [], "timestamp": stamp }).to_string(),
        json!({ "roles": ["admin"], "timestamp": stamp.to_string() }).to_string(),
        json!({ "roles": ["admin"], "timestamp": -1 }).to_string(),
        json!({ "roles": ["admin"], "timestamp": stamp, "application": "other" }).to_string(),
        format!(r#"{{"roles":[],"roles":["admin"],"timestamp":{stamp}}}"#),
        format!(r#"{{"__cached_value__":{{"__cached_value__":{plain}}}}}"#),
        format!(r#"{{"__cached_value__":{plain},"more":1}}"#),
        json!({ "__cached_value__": plain }).to_string(),
    ];
    for value in refused {
        world.put("roles", &value).await;
        assert_eq!(world.shared.roles(&world.ada).await, None, "{value:.80}");
    }
    world
        .put("roles", b"{\"roles\":[\"\xff\"],\"timestamp\":1}")
        .await;
    assert_eq!(world.shared.roles(&world.ada).await, None);
}

#[tokio::test]
async fn nothing_is_believed_for_longer_than_its_timestamp_allows() {
    let Some(world) = World::start().await else {
        return;
    };
    // Without a time of Redis' own: the timestamp alone decides.
    let believed = async |shared: &SharedGrants, secs: i64| {
        let entry = json!({ "roles": ["admin"], "timestamp": world.stamp(secs) });
        world.put("roles", entry.to_string()).await;
        let found = shared.roles(&world.ada).await?;
        Some(found.until.as_secs() - world.now().as_secs())
    };
    let shared = &world.shared;
    assert_eq!(believed(shared, 0).await, Some(900));
    assert_eq!(believed(shared, -899).await, Some(1));
    assert_eq!(believed(shared, -900).await, None);
    // A clock that is a little ahead gains nothing, and one that is far ahead is not believed.
    assert_eq!(believed(shared, 60).await, Some(900));
    assert_eq!(believed(shared, 61).await, None);
    // Less time may be asked for, and more is not to be had.
    let brief = shared.clone().roles_ttl(Duration::from_secs(60));
    assert_eq!(believed(&brief, -59).await, Some(1));
    assert_eq!(believed(&brief, -60).await, None);
    brief
        .set_roles(&world.ada, &["admin".into()])
        .await
        .unwrap();
    assert!((50..=60).contains(&world.ttl("roles").await));
    let greedy = shared.clone().roles_ttl(Duration::from_secs(9_000));
    assert_eq!(believed(&greedy, -900).await, None);
}

#[tokio::test]
async fn what_nobody_could_read_back_is_not_written() {
    let Some(world) = World::start().await else {
        return;
    };
    let long = "r".repeat(256);
    let wide: Vec<Role> = (0..300).map(|_| Role::from(long.as_str())).collect();
    let many: Vec<Role> = (0..1_001).map(|_| Role::from("r")).collect();
    for roles in [wide, many, vec![Role::from("")]] {
        world.shared.set_roles(&world.ada, &roles).await.unwrap();
        assert_eq!(world.lies_there("roles").await, None);
    }
}
