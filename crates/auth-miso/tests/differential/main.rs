//! The published Python client and ours make the same calls against one controller, and the
//! requests are compared field by field. What differs on purpose is in [`DIFFERENCES`], each with
//! its reason; a difference that is not there, or is there and does not show, fails the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use auth_audit::AuditLog;
use auth_core::{Authenticator, CorrelationId, Principal, RequestContext, Secret};
use auth_miso::{LogEntry, LogLevel, Miso, MisoSettings, SharedGrants};
use auth_redis::{Redis, RedisState};
use auth_testkit::{MisoController, OidcIssuer, Peer, Received, RedisServer, User};
use serde_json::{Value, json};

/// One place in one request that differs on purpose.
struct Difference {
    call: &'static str,
    /// A JSON pointer into the request as [`fields`] spells it.
    place: &'static str,
    theirs: Option<&'static str>,
    ours: Option<&'static str>,
    reason: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        call: "log",
        place: "/body/data/context/applicationId",
        theirs: Some("\"miso-controller-dev-development-id\""),
        ours: None,
        reason: "the same identifier stands in `applicationId` of the entry",
    },
    Difference {
        call: "audit",
        place: "/body/logs/0/context/applicationId",
        theirs: Some("\"miso-controller-dev-development-id\""),
        ours: None,
        reason: "the same identifier stands in `applicationId` of the entry",
    },
    Difference {
        call: "audit",
        place: "/body/logs/0/hostname",
        theirs: Some("\"unknown\""),
        ours: None,
        reason: "what is not known is not sent",
    },
    Difference {
        call: "audit",
        place: "/body/logs/0/context/eventId",
        theirs: None,
        ours: Some("\"<id>\""),
        reason: "an entry that is delivered twice can be told by it",
    },
    Difference {
        call: "batch",
        place: "/body/logs/0/clientId",
        theirs: None,
        ours: Some("\"miso-controller-dev-development\""),
        reason: "every entry says which application it comes from",
    },
    Difference {
        call: "batch",
        place: "/body/logs/0/applicationId",
        theirs: None,
        ours: Some(
            r#"{"id":"miso-controller-dev-development-id","key":"miso-controller-dev-development-id","name":"miso-controller-dev-development-id","type":"Application"}"#,
        ),
        reason: "every entry says which application it comes from",
    },
];

const CALLS: [&str; 8] = [
    "mint",
    "validate",
    "user",
    "roles",
    "permissions",
    "log",
    "audit",
    "batch",
];

/// What belongs to the connection and not to the call: which library speaks (`user-agent`), what it
/// can decode (`accept`, `accept-encoding`), to whom (`host`) and how the bytes are framed. A body's
/// length is compared by comparing the body.
const OF_THE_CONNECTION: [&str; 6] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "user-agent",
];

/// A request as one document, with what differs from run to run replaced by its kind.
fn fields(received: &Received) -> Value {
    let headers: BTreeMap<_, _> = received
        .headers
        .iter()
        .filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str()))
        .map(|(name, value)| match name.as_str() {
            "x-client-token" => (name, "<client token>".to_owned()),
            "x-correlation-id" => {
                assert!(CorrelationId::parse(value).is_some(), "{value}");
                (name, "<id>".to_owned())
            }
            _ => (name, value.clone()),
        })
        .collect();
    let mut query: Vec<_> = received
        .query
        .as_deref()
        .unwrap_or_default()
        .split('&')
        .collect();
    query.sort_unstable();
    let mut body = received.body.clone();
    if let Some(log) = body.pointer_mut("/logs/0") {
        let timestamp = log["timestamp"].as_str().unwrap();
        assert!(auth_core::from_rfc3339(timestamp).is_some(), "{timestamp}");
        log["timestamp"] = "<time>".into();
        if let Some(id) = log.pointer_mut("/context/eventId") {
            *id = "<id>".into();
        }
    }
    json!({
        "method": received.method.as_str(),
        "path": received.path,
        "query": query,
        "headers": headers,
        "body": body,
    })
}

/// Changes what the original sent into what we send on purpose.
fn with_differences(call: &str, mut request: Value) -> Value {
    let document = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    for difference in DIFFERENCES.iter().filter(|it| it.call == call) {
        let Difference { place, reason, .. } = difference;
        let theirs = request.pointer(place);
        assert_eq!(
            theirs,
            difference.theirs.map(document).as_ref(),
            "{place}: {reason}"
        );
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = request
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        match difference.ours {
            Some(ours) => parent.insert(name.to_owned(), document(ours)),
            None => parent.remove(name),
        };
    }
    request
}

/// The same calls with our client, in the same order.
async fn ours(controller: &MisoController, token: &Secret) {
    let secret = controller.client_secret().clone();
    let settings = MisoSettings::new(controller.url(), controller.client_id(), secret);
    let miso = Miso::builder(settings).build().unwrap();
    miso.client_token().await.unwrap();
    let identity = miso.authenticate(token).await.unwrap();
    assert_eq!(miso.user(&identity).await.unwrap().username, "ada");
    assert_eq!(miso.roles(&identity).await.unwrap(), ["admin".into()]);
    assert_eq!(
        miso.permissions(&identity).await.unwrap(),
        ["orders:read".into()]
    );

    let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let id = |id: &str| CorrelationId::parse(id).unwrap();
    let warning = LogEntry::new(LogLevel::Warn, "the disk is filling up", at)
        .user("u1")
        .correlation_id(&id("c-1"))
        .context(json!({ "order": 17, "password": "***MASKED***" }));
    miso.log(&warning).await.unwrap();

    let audit = AuditLog::builder(miso.clone())
        .batch_size(1)
        .build()
        .unwrap();
    let context = RequestContext::builder(id("c-1"));
    let context = context.principal(Principal::builder("u1").build()).build();
    context.enter(|| {
        let event = audit.event("order.deleted", "order");
        event
            .context(json!({ "order": 17, "password": "hunter2" }))
            .emit();
    });
    audit.shutdown(Duration::from_secs(10)).await.unwrap();

    let mut entry = LogEntry::new(LogLevel::Audit, "Audit: order.deleted on order", at)
        .correlation_id(&id("c-2"))
        .context(json!({ "action": "order.deleted", "resource": "order" }));
    entry.environment = Some("dev".to_owned());
    entry.application = Some("development".to_owned());
    assert_eq!(miso.log_batch(&[entry]).await.unwrap().failed, 0);
}

/// What the published client is asked to do, and what it must find out.
fn theirs(peer: &Peer, controller: &MisoController, token: &Secret) {
    let answers = peer.ask(&[json!({
        "do": CALLS,
        "url": controller.url(),
        "clientId": controller.client_id(),
        "clientSecret": controller.client_secret().expose(),
        "token": token.expose(),
        "context": { "userId": "u1", "password": "hunter2", "order": 17, "correlationId": "c-1" },
        "entry": {
            "unix": 1_700_000_000,
            "level": "audit",
            "environment": "dev",
            "application": "development",
            "message": "Audit: order.deleted on order",
            "context": { "action": "order.deleted", "resource": "order" },
            "correlationId": "c-2",
        },
    })]);
    let answer = &answers[0];
    assert_eq!(answer["validate"], true);
    assert_eq!(answer["user"]["username"], "ada");
    assert_eq!(answer["roles"], json!(["admin"]));
    assert_eq!(answer["permissions"], json!(["orders:read"]));
    assert_eq!(answer["batch"]["processed"], 1);
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools")
}

/// It also shows that the published client works against the development controller.
#[tokio::test(flavor = "multi_thread")]
async fn both_clients_send_the_same_requests() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/miso.py");
    let Some(peer) = Peer::python(&tools(), "miso_client", &script) else {
        return;
    };
    let issuer = OidcIssuer::builder()
        .user(
            User::new("ada", "x")
                .role("admin")
                .permission("orders:read"),
        )
        .start()
        .await
        .unwrap();
    let controller = MisoController::builder(&issuer)
        .unwrap()
        .start()
        .await
        .unwrap();
    let token = issuer.token("ada").unwrap().sign().unwrap();

    theirs(&peer, &controller, &token);
    let from_them = controller.received();
    controller.forget_received();
    ours(&controller, &token).await;
    let from_us = controller.received();

    assert_eq!((from_them.len(), from_us.len()), (CALLS.len(), CALLS.len()));
    for ((call, theirs), ours) in CALLS.into_iter().zip(&from_them).zip(&from_us) {
        let expected = with_differences(call, fields(theirs));
        let pretty = |value| serde_json::to_string_pretty(value).unwrap();
        assert_eq!(pretty(&fields(ours)), pretty(&expected), "{call}");
    }
}

/// A service on the published client and one on ours beside one Redis: what one was told the other
/// need not ask.
#[tokio::test(flavor = "multi_thread")]
async fn each_client_reads_the_grants_that_the_other_has_written() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/miso.py");
    let Some(peer) = Peer::python(&tools(), "miso_client", &script) else {
        return;
    };
    let Some(server) = RedisServer::start() else {
        return;
    };
    let ada = User::new("ada", "x").role("admin");
    let issuer = OidcIssuer::builder().user(ada.permission("orders:read"));
    let issuer = issuer.start().await.unwrap();
    let controller = MisoController::builder(&issuer).unwrap();
    let controller = controller.start().await.unwrap();
    let token = issuer.token("ada").unwrap().sign().unwrap();
    let they_are_told = || {
        let answers = peer.ask(&[json!({
            "do": ["roles", "permissions"],
            "url": controller.url(),
            "clientId": controller.client_id(),
            "clientSecret": controller.client_secret().expose(),
            "token": token.expose(),
            "redis": { "host": "127.0.0.1", "port": server.port() },
        })]);
        answers[0].clone()
    };
    let secret = controller.client_secret().clone();
    let settings = MisoSettings::new(controller.url(), controller.client_id(), secret);
    let miso = Miso::builder(settings).build().unwrap();
    let identity = miso.authenticate(&token).await.unwrap();
    let redis = Redis::builder(&server.url()).key_prefix("miso:");
    let redis = redis.connect().unwrap();
    let mut changes = redis.state_changes();
    while changes.current() != RedisState::Up {
        changes.changed().await.unwrap();
    }
    let shared = SharedGrants::new(redis);

    let expected = json!({ "roles": ["admin"], "permissions": ["orders:read"] });
    assert_eq!(they_are_told(), expected);
    let asked = || {
        let paths = ["/api/v1/auth/roles", "/api/v1/auth/permissions"];
        paths.map(|path| controller.count(path))
    };
    assert_eq!(asked(), [1, 1]);
    let roles = shared.roles(&identity).await.unwrap();
    assert_eq!(roles.names, ["admin".into()]);
    let permissions = shared.permissions(&identity).await.unwrap();
    assert_eq!(permissions.names, ["orders:read".into()]);

    // Other names than the controller's, so that it shows where they come from.
    shared
        .set_roles(&identity, &["clerk".into(), "é\"".into()])
        .await
        .unwrap();
    shared.set_permissions(&identity, &[]).await.unwrap();
    let expected = json!({ "roles": ["clerk", "é\""], "permissions": [] });
    assert_eq!(they_are_told(), expected);
    assert_eq!(asked(), [1, 1]);
}
