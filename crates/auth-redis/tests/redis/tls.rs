//! TLS with an authority made for the test.

use std::time::Duration;

use auth_core::Secret;
use auth_redis::{Redis, RedisErrorKind, RedisSettings, RedisState, SubscriptionEvent};
use auth_testkit::{RedisCluster, RedisSentinels, RedisServer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use tokio::time::timeout;

use crate::{LONG, MINUTE, reach};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this name, and its key.
    fn certificate(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A server with a certificate for this name, which lets in clients of this authority.
    fn server(&self, name: &str) -> Option<RedisServer> {
        let (certificate, key) = self.certificate(name);
        RedisServer::builder()
            .tls(self.pem(), certificate, key)
            .start()
    }

    fn settings(&self, server: &RedisServer) -> RedisSettings {
        self.settings_for(&server.url())
    }

    fn settings_for(&self, url: &str) -> RedisSettings {
        let (certificate, key) = self.certificate("client");
        Redis::builder(url)
            .ca(self.pem())
            .client_certificate(certificate, Secret::from(key))
    }
}

async fn refused(settings: RedisSettings) -> String {
    let redis = settings.connect().unwrap();
    reach(&redis, RedisState::Down).await;
    let error = redis.ping().await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Denied, "{error}");
    assert!(!error.is_transient(), "waiting does not mend a certificate");
    error.to_string()
}

#[tokio::test]
async fn commands_and_messages_go_by_tls_with_both_certificates() {
    let authority = Authority::new("ours");
    let Some(mut server) = authority.server("127.0.0.1") else {
        return;
    };
    assert!(server.url().starts_with("rediss://"));
    let redis = authority.settings(&server).connect().unwrap();
    redis.set("k", b"v", MINUTE).await.unwrap();
    let mut subscription = redis.subscribe("news");
    assert!(subscription.next().await.is_some());
    assert_eq!(redis.publish("news", b"hello").await.unwrap(), 1);

    // And again after an outage.
    server.stop();
    reach(&redis, RedisState::Down).await;
    server.restart_on_same_port();
    reach(&redis, RedisState::Up).await;
    assert_eq!(redis.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_refused() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let Some(server) = authority.server("127.0.0.1") else {
        return;
    };
    let not_trusted = "redis PING: the server's certificate is not one to trust";
    assert_eq!(
        refused(authority.settings(&server).ca(other.pem())).await,
        not_trusted
    );
    // The system's authorities have not signed it either.
    assert_eq!(refused(Redis::builder(&server.url())).await, not_trusted);

    let server = authority.server("redis.test").unwrap();
    assert_eq!(refused(authority.settings(&server)).await, not_trusted);
}

#[tokio::test]
async fn a_client_without_a_certificate_or_with_one_of_others_is_refused() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let Some(server) = authority.server("127.0.0.1") else {
        return;
    };
    let refusal = "redis PING: the server refused our side of TLS";
    let without = Redis::builder(&server.url()).ca(authority.pem());
    assert_eq!(refused(without).await, refusal);
    let (certificate, key) = other.certificate("client");
    let settings = authority.settings(&server);
    let settings = settings.client_certificate(certificate, Secret::from(key));
    assert_eq!(refused(settings).await, refusal);
}

/// One set of servers for all of it: to start them takes longer than the rest.
#[tokio::test]
async fn sentinels_and_the_primary_they_name_are_spoken_to_by_tls_and_a_failover_is_followed() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let (certificate, key) = authority.certificate("127.0.0.1");
    let Some(mut servers) = RedisSentinels::start_tls(authority.pem(), certificate, key) else {
        return;
    };
    let settings = || authority.settings_for(&servers.url());
    assert!(servers.url().starts_with("rediss-sentinel://"));
    let not_trusted = "redis PING: the server's certificate is not one to trust";
    assert_eq!(refused(settings().ca(other.pem())).await, not_trusted);
    let refusal = "redis PING: the server refused our side of TLS";
    let without = Redis::builder(&servers.url()).ca(authority.pem());
    assert_eq!(refused(without).await, refusal);
    // Nor is a server trusted because a sentinel names it.
    let stranger = other.server("127.0.0.1").unwrap();
    servers.watch("stranger", &stranger);
    let url = servers.url().replace("/main", "/stranger");
    assert_eq!(refused(authority.settings_for(&url)).await, not_trusted);

    let often = Duration::from_millis(50);
    let redis = settings().check_interval(often).connect().unwrap();
    redis.set("k", b"before", MINUTE).await.unwrap();
    let mut subscription = redis.subscribe("news");
    let listening = Some(SubscriptionEvent::Listening);
    assert_eq!(subscription.next().await, listening);
    let old = servers.kill_primary();
    reach(&redis, RedisState::Down).await;
    reach(&redis, RedisState::Up).await;
    servers.agree_on_another_than(old);
    redis.set("k", b"after", MINUTE).await.unwrap();
    assert_eq!(redis.get("k").await.unwrap().unwrap(), "after");
    let lost = timeout(LONG, subscription.next()).await.unwrap();
    assert_eq!(lost, Some(SubscriptionEvent::Lost));
    assert_eq!(timeout(LONG, subscription.next()).await.unwrap(), listening);
    assert_eq!(redis.publish("news", b"hello").await.unwrap(), 1);
}

/// One cluster for all of it, as above.
#[tokio::test]
async fn all_nodes_of_a_cluster_are_spoken_to_by_tls_while_slots_move_and_a_primary_dies() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let (certificate, key) = authority.certificate("127.0.0.1");
    let Some(mut cluster) = RedisCluster::start_tls(authority.pem(), certificate, key) else {
        return;
    };
    assert!(cluster.url().starts_with("rediss-cluster://"));
    let settings = authority.settings_for(&cluster.url()).ca(other.pem());
    let distrustful = settings.connect().unwrap();
    reach(&distrustful, RedisState::Down).await;
    let error = distrustful.get("k").await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Unavailable, "{error}");

    let settings = authority.settings_for(&cluster.url());
    let often = Duration::from_millis(50);
    let redis = settings.check_interval(often).connect().unwrap();
    reach(&redis, RedisState::Up).await;
    let keys: Vec<String> = (0..30).map(|number| format!("k{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for key in &keys {
        redis.set(key, key.as_bytes(), MINUTE).await.unwrap();
    }
    let values = redis.get_many(&keys).await.unwrap();
    assert!(
        keys.iter()
            .zip(values)
            .all(|(key, value)| value.unwrap() == *key)
    );

    // Slot 0 is the first primary's. Where the new owner is, the old one says in its refusal.
    redis.set(OF_SLOT_0, b"moved", MINUTE).await.unwrap();
    cluster.move_slot(0, 0, 1);
    assert_eq!(redis.get(OF_SLOT_0).await.unwrap().unwrap(), "moved");

    cluster.kill_primary(2);
    reach(&redis, RedisState::Down).await;
    reach(&redis, RedisState::Up).await;
    for key in &keys {
        redis.set(key, b"after", MINUTE).await.unwrap();
    }
}

/// CRC16 of it is a multiple of 16384.
const OF_SLOT_0: &str = "key3444";

#[tokio::test]
async fn what_is_no_pem_is_refused_before_anything_is_sent() {
    let authority = Authority::new("ours");
    let (certificate, key) = authority.certificate("client");
    let check = |settings: RedisSettings, fault: &str| {
        let error = settings.connect().unwrap_err();
        assert_eq!(error.problems()[0].fault(), fault);
        assert!(!error.to_string().contains("planted"), "{error}");
    };
    let settings = || Redis::builder("rediss://127.0.0.1:1");
    check(
        settings().ca("planted"),
        "hold no certificate of an authority",
    );
    check(settings().ca(""), "hold no certificate of an authority");
    check(
        settings().ca("-----BEGIN CERTIFICATE-----\nplanted"),
        "are not well-formed PEM",
    );
    check(
        settings().client_certificate(&certificate, Secret::from("planted")),
        "hold no private key for the client certificate",
    );
    check(
        settings().client_certificate("planted", Secret::from(key.as_str())),
        "hold no client certificate",
    );
    // Whoever names an authority wants TLS, and does not get less without a word.
    check(
        Redis::builder("redis://127.0.0.1:1").ca(authority.pem()),
        "are set, and the URL does not ask for TLS",
    );
}
