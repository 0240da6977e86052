//! What the layers make of every answer an authenticator or an authorizer can give.

mod common;

use std::fmt;
use std::sync::{Arc, Mutex};

use auth_core::{
    AuthenticationError, Authenticator, Authorizer, BoxFuture, Decision, Identity, Permission,
    Role, Secret,
};
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, Policy, StaticKeys, Verifier};
use auth_tower::{AuthLayer, CurrentUser, Refusal, RequirePermission, RequireRole};
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use common::ask;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use serde_json::json;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, ServiceExt, service_fn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Answers by the name of the role.
struct ByName;

impl Authorizer for ByName {
    fn has_role<'a>(&'a self, _: &'a Identity, role: &'a Role) -> BoxFuture<'a, Decision> {
        let decision = match role.as_str() {
            "granted" => Decision::Granted,
            "denied" => Decision::Denied,
            _ => Decision::unknown("roles_unavailable", "the roles could not be looked up"),
        };
        Box::pin(async { decision })
    }

    fn has_permission<'a>(&'a self, _: &'a Identity, _: &'a Permission) -> BoxFuture<'a, Decision> {
        Box::pin(async { Decision::Denied })
    }
}

/// Grants everything, and counts how often it was asked.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<u32>>);

impl Authorizer for Counting {
    fn has_role<'a>(&'a self, _: &'a Identity, _: &'a Role) -> BoxFuture<'a, Decision> {
        *self.0.lock().unwrap() += 1;
        Box::pin(async { Decision::Granted })
    }

    fn has_permission<'a>(
        &'a self,
        identity: &'a Identity,
        permission: &'a Permission,
    ) -> BoxFuture<'a, Decision> {
        let granted = identity.permissions().contains(permission);
        Box::pin(async move { granted.into() })
    }
}

/// Cannot judge anything.
struct Down;

impl Authenticator for Down {
    fn authenticate<'a>(
        &'a self,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>> {
        let down = AuthenticationError::unavailable("keys_unavailable", "the issuer is down");
        Box::pin(async { Err(down) })
    }
}

/// A verifier, and the header of a user it accepts.
fn verifier() -> (Verifier, String) {
    let key = SigningKey::generate(Algorithm::HS256).unwrap();
    let claims = json!({ "iss": "i", "aud": "a", "sub": "u", "scope": "orders:read",
        "exp": 4_102_444_800_i64 });
    let token = key.sign(&claims).unwrap();
    let keys = KeySet::from(key.verification_key().unwrap());
    let policy = Policy::builder("i", "a").build().unwrap();
    let header = format!("Bearer {}", token.expose());
    (Verifier::new(policy, StaticKeys::new(keys)), header)
}

#[tokio::test]
async fn an_unknown_role_is_neither_a_grant_nor_a_refusal() {
    let (verifier, header) = verifier();
    let none: [&str; 0] = [];
    for (requirement, expected) in [
        (RequireRole::new("granted"), StatusCode::OK),
        (RequireRole::new("denied"), StatusCode::FORBIDDEN),
        (RequireRole::new("unknown"), StatusCode::SERVICE_UNAVAILABLE),
        (RequireRole::any(["denied", "granted"]), StatusCode::OK),
        (RequireRole::any(["unknown", "granted"]), StatusCode::OK),
        (
            RequireRole::any(["unknown", "denied"]),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (
            RequireRole::any(["denied", "denied"]),
            StatusCode::FORBIDDEN,
        ),
        (RequireRole::all(["granted", "granted"]), StatusCode::OK),
        (
            RequireRole::all(["granted", "denied"]),
            StatusCode::FORBIDDEN,
        ),
        (
            RequireRole::all(["unknown", "denied"]),
            StatusCode::FORBIDDEN,
        ),
        (
            RequireRole::all(["granted", "unknown"]),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (RequireRole::any(none), StatusCode::FORBIDDEN),
        (RequireRole::all(none), StatusCode::FORBIDDEN),
    ] {
        let case = format!("{requirement:?}");
        let service = Router::new()
            .route("/", get(async || "passed"))
            .layer(requirement)
            .layer(AuthLayer::with_authorizer(verifier.clone(), ByName));
        let answer = ask(&service, "/", std::slice::from_ref(&header)).await;
        assert_eq!(answer.status, expected, "{case}");
        if expected == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(answer.code(), "roles_unavailable", "{case}");
            assert_eq!(answer.challenge, None, "{case}");
        }
    }
}

#[tokio::test]
async fn one_requirement_stops_at_the_first_answer_that_settles_it() {
    let (verifier, header) = verifier();
    for (requirement, asked) in [
        (RequireRole::any(["a", "b", "c"]), 1),
        (RequireRole::all(["a", "b", "a"]), 2),
    ] {
        let counting = Counting::default();
        let service = Router::new()
            .route("/", get(async || "passed"))
            .layer(requirement)
            .layer(AuthLayer::with_authorizer(
                verifier.clone(),
                counting.clone(),
            ));
        let answer = ask(&service, "/", std::slice::from_ref(&header)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(*counting.0.lock().unwrap(), asked);
    }
}

#[tokio::test]
async fn a_permission_is_required_as_a_role_is() {
    let (verifier, header) = verifier();
    for (requirement, expected) in [
        (RequirePermission::new("orders:read"), StatusCode::OK),
        (
            RequirePermission::new("orders:write"),
            StatusCode::FORBIDDEN,
        ),
        (
            RequirePermission::any(["orders:write", "orders:read"]),
            StatusCode::OK,
        ),
        (
            RequirePermission::all(["orders:write", "orders:read"]),
            StatusCode::FORBIDDEN,
        ),
    ] {
        let case = format!("{requirement:?}");
        let handler = async |user: CurrentUser| {
            user.require_permission("orders:read").await?;
            Ok::<_, Refusal>("passed")
        };
        let service = Router::new()
            .route("/", get(handler))
            .layer(requirement)
            .layer(AuthLayer::with_authorizer(
                verifier.clone(),
                Counting::default(),
            ));
        let answer = ask(&service, "/", std::slice::from_ref(&header)).await;
        assert_eq!(answer.status, expected, "{case}");
    }
    let handler = async |user: CurrentUser| user.require_permission("orders:write").await;
    let service = Router::new()
        .route("/", get(handler))
        .layer(AuthLayer::with_authorizer(verifier, Counting::default()));
    let answer = ask(&service, "/", &[header]).await;
    assert_eq!(
        (answer.status, &*answer.code()),
        (StatusCode::FORBIDDEN, "insufficient_scope")
    );
}

#[tokio::test]
async fn a_token_nobody_can_judge_is_an_outage_and_no_reason_to_log_in_again() {
    let service = Router::new()
        .route("/", get(async || "passed"))
        .layer(AuthLayer::with_authorizer(Down, ByName));
    let answer = ask(&service, "/", &["Bearer x".to_owned()]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "keys_unavailable");
    assert_eq!(answer.challenge, None);
    // Why is for the operator, not for whoever asks.
    assert!(!answer.body.contains("issuer"), "{}", answer.body);
}

/// Without axum, and around a service that panics if it is called before it is ready.
#[tokio::test]
async fn the_layers_protect_any_tower_service() {
    let (verifier, header) = verifier();
    let inner = service_fn(async |_: Request<Empty<Bytes>>| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("passed"))))
    });
    let limited = ConcurrencyLimitLayer::new(1).layer(inner);
    let service = AuthLayer::with_authorizer(verifier, ByName)
        .layer(RequireRole::new("granted").layer(limited));
    for (header, expected) in [
        (header.as_str(), StatusCode::OK),
        ("", StatusCode::UNAUTHORIZED),
    ] {
        let request = Request::builder().header("authorization", header);
        let request = request.body(Empty::new()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body == "passed", expected == StatusCode::OK);
    }
}

/// Writes every event into one text.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<String>>);

impl Subscriber for Captured {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Captured {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let line = format!("{field}={value:?}\n");
        self.0.lock().unwrap().push_str(&line);
    }
}

#[tokio::test]
async fn neither_answer_nor_log_holds_anything_of_the_token() {
    let (verifier, good) = verifier();
    let service = Router::new()
        .route("/", get(async || "passed"))
        .layer(RequireRole::new("denied"))
        .layer(AuthLayer::with_authorizer(verifier, ByName));
    let captured = Captured::default();
    // For the whole process: what is set for one thread may miss what others have been first to log.
    tracing::subscriber::set_global_default(captured.clone()).unwrap();
    let mut everything = String::new();
    for header in [
        good,
        "Bearer planted.planted.planted".to_owned(),
        "Bearer pl anted".to_owned(),
    ] {
        let answer = ask(&service, "/", std::slice::from_ref(&header)).await;
        everything += &format!("{answer} {:?}", answer.correlation_id);
        let parts: Vec<_> = header["Bearer ".len()..]
            .split('.')
            .map(str::to_owned)
            .collect();
        everything += &captured.0.lock().unwrap();
        for part in parts {
            assert!(!everything.contains(&part), "{part} in {everything}");
        }
    }
    assert!(everything.contains("insufficient_scope"), "{everything}");
    assert!(everything.contains("request refused"), "{everything}");
    // An operator finds the request and its user.
    for field in ["correlation_id=\"test\"", "path=\"/\"", "subject=\"u\""] {
        assert!(everything.contains(field), "{field} in {everything}");
    }
}
