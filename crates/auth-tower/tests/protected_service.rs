//! A protected axum service, asked as a client would: what it answers, and what it never does.

mod common;

use auth_core::{CorrelationId, RequestContext};
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, Policy, StaticKeys, Verifier};
use auth_testkit::{OidcIssuer, User};
use auth_tower::{AuthLayer, CurrentUser, RequireRole};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use common::{Answer, ask};
use expect_test::{Expect, expect};
use http::{Request, StatusCode};
use tower::ServiceExt;

async fn issuer() -> OidcIssuer {
    OidcIssuer::builder()
        .audience("orders")
        .user(User::new("ada", "x").role("admin"))
        .user(User::new("bob", "x").role("reader"))
        .start()
        .await
        .unwrap()
}

fn auth_layer(issuer: &OidcIssuer) -> AuthLayer {
    let policy = Policy::builder(issuer.url(), issuer.audience())
        .build()
        .unwrap();
    let keys = KeySet::from_jwks(issuer.jwks().as_bytes()).unwrap();
    AuthLayer::new(Verifier::new(policy, StaticKeys::new(keys))).realm("orders")
}

fn service(issuer: &OidcIssuer) -> Router {
    let admin = get(async |user: CurrentUser| user.username().unwrap().to_owned());
    Router::new()
        .route("/admin", admin)
        .layer(RequireRole::new("admin"))
        .route(
            "/me",
            get(async |user: CurrentUser| user.subject().to_owned()),
        )
        .layer(auth_layer(issuer))
}

#[track_caller]
fn check(answer: &Answer, expected: Expect) {
    expected.assert_eq(&answer.to_string());
}

#[tokio::test]
async fn what_a_client_hears() {
    let issuer = issuer().await;
    let service = service(&issuer);
    let bearer = |token: &str| vec![format!("Bearer {token}")];
    let token = |user: &str| issuer.token(user).unwrap();

    check(
        &ask(&service, "/admin", &[]).await,
        expect![[r#"
            401 Unauthorized
            www-authenticate: Bearer realm="orders"
            {"type":"/Errors/Unauthorized","title":"Unauthorized","status":401,"detail":"the request carries no bearer token","instance":"/admin","code":"missing_token","correlationId":"test","authMethod":"bearer"}"#]],
    );
    check(
        &ask(&service, "/admin", &["Basic YWRhOng=".to_owned()]).await,
        expect![[r#"
            401 Unauthorized
            www-authenticate: Bearer realm="orders"
            {"type":"/Errors/Unauthorized","title":"Unauthorized","status":401,"detail":"the request carries no bearer token","instance":"/admin","code":"missing_token","correlationId":"test","authMethod":"bearer"}"#]],
    );
    check(
        &ask(&service, "/admin", &["Bearer".to_owned()]).await,
        expect![[r#"
            400 Bad Request
            www-authenticate: Bearer realm="orders", error="invalid_request", error_description="the request does not carry exactly one well-formed bearer token"
            {"type":"/Errors/BadRequest","title":"Bad Request","status":400,"detail":"the request does not carry exactly one well-formed bearer token","instance":"/admin","code":"invalid_request","correlationId":"test"}"#]],
    );
    let kid = issuer.current_kid();
    let forger = SigningKey::generate(Algorithm::ES256)
        .unwrap()
        .with_kid(kid);
    let forged = token("ada").sign_with(&forger).unwrap();
    check(
        &ask(&service, "/admin", &bearer(forged.expose())).await,
        expect![[r#"
            401 Unauthorized
            www-authenticate: Bearer realm="orders", error="invalid_token", error_description="signature does not match"
            {"type":"/Errors/Unauthorized","title":"Unauthorized","status":401,"detail":"signature does not match","instance":"/admin","code":"bad_signature","correlationId":"test","authMethod":"bearer"}"#]],
    );
    let bob = token("bob").sign().unwrap();
    check(
        &ask(&service, "/admin", &bearer(bob.expose())).await,
        expect![[r#"
            403 Forbidden
            www-authenticate: Bearer realm="orders", error="insufficient_scope", error_description="the user does not have what this requires"
            {"type":"/Errors/Forbidden","title":"Forbidden","status":403,"detail":"the user does not have what this requires","instance":"/admin","code":"insufficient_scope","correlationId":"test"}"#]],
    );
    let ada = token("ada").sign().unwrap();
    check(
        &ask(&service, "/admin", &bearer(ada.expose())).await,
        expect![[r#"
            200 OK
            ada"#]],
    );
}

#[tokio::test]
async fn every_bad_token_is_refused_with_its_code() {
    let issuer = issuer().await;
    let service = service(&issuer);
    let ada = || issuer.token("ada").unwrap();
    let long_ago = std::time::Duration::from_secs(120);
    let stranger = SigningKey::generate(Algorithm::ES256)
        .unwrap()
        .with_kid("stranger");
    for (code, token) in [
        ("expired", ada().expired_for(long_ago).sign()),
        ("issuer", ada().claim("iss", "https://else.test").sign()),
        ("audience", ada().claim("aud", "billing").sign()),
        ("missing_claim", ada().without("exp").sign()),
        ("bad_claim", ada().claim("sub", 5).sign()),
        ("unknown_key", ada().sign_with(&stranger)),
        ("malformed", Ok("no.token".into())),
    ] {
        let token = format!("Bearer {}", token.unwrap().expose());
        let answer = ask(&service, "/me", &[token]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{code}");
        assert_eq!(answer.code(), code);
    }
}

#[tokio::test]
async fn two_authorization_headers_are_refused_whichever_is_good() {
    let issuer = issuer().await;
    let service = service(&issuer);
    let good = format!(
        "Bearer {}",
        issuer.token("ada").unwrap().sign().unwrap().expose()
    );
    for headers in [
        [good.clone(), "Bearer x".to_owned()],
        ["Bearer x".to_owned(), good],
    ] {
        let answer = ask(&service, "/me", &headers).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn what_requires_something_without_a_layer_answers_500_and_never_passes() {
    let issuer = issuer().await;
    let token = issuer.token("ada").unwrap().sign().unwrap();
    let header = [format!("Bearer {}", token.expose())];
    let open = || get(async || "passed");
    let services = [
        (
            "a role",
            Router::new()
                .route("/", open())
                .layer(RequireRole::new("admin")),
        ),
        (
            "a user",
            Router::new().route("/", get(async |_: CurrentUser| "passed")),
        ),
        (
            "perhaps a user",
            Router::new().route("/", get(async |_: Option<CurrentUser>| "passed")),
        ),
        (
            "layers in the wrong order",
            Router::new()
                .route("/", open())
                .layer(auth_layer(&issuer))
                .layer(RequireRole::new("admin")),
        ),
    ];
    for (name, service) in services {
        let answer = ask(&service, "/", &header).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{name}");
        assert_eq!(answer.code(), "auth_layer_missing", "{name}");
        assert_eq!(answer.challenge, None, "{name}");
    }
}

#[tokio::test]
async fn anonymous_requests_pass_where_allowed_and_nowhere_else() {
    let issuer = issuer().await;
    let service = Router::new()
        .route("/role", get(async || "passed"))
        .layer(RequireRole::new("admin"))
        .route("/user", get(async |_: CurrentUser| "passed"))
        .route(
            "/open",
            get(async |user: Option<CurrentUser>| {
                user.and_then(|user| user.username().map(str::to_owned))
                    .unwrap_or_else(|| "nobody".to_owned())
            }),
        )
        .layer(auth_layer(&issuer).allow_anonymous());

    let answer = ask(&service, "/open", &[]).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, "nobody"));
    for path in ["/user", "/role"] {
        let answer = ask(&service, path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.code(), "missing_token", "{path}");
        assert_eq!(
            answer.challenge.as_deref(),
            Some(r#"Bearer realm="orders""#),
            "{path}"
        );
    }

    let token = issuer.token("bob").unwrap().sign().unwrap();
    let header = [format!("Bearer {}", token.expose())];
    let answer = ask(&service, "/open", &header).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, "bob"));
    // What is presented must be good, also where nothing is needed.
    for header in ["Bearer forged", "Basic YWRhOng=", "DPoP abc"] {
        let answer = ask(&service, "/open", &[header.to_owned()]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
    }
}

#[tokio::test]
async fn the_handler_runs_in_a_context_that_names_the_user() {
    let issuer = issuer().await;
    let handler = async || {
        // Also after the task has moved on: the context belongs to the future, not to the thread.
        tokio::task::yield_now().await;
        let context = RequestContext::current().unwrap();
        format!(
            "{} {} {} {}",
            context.correlation_id(),
            context.method().unwrap(),
            context.path().unwrap(),
            context.principal().unwrap().name(),
        )
    };
    let service = Router::new()
        .route("/a", get(handler))
        .layer(auth_layer(&issuer));
    let token = issuer.token("ada").unwrap().sign().unwrap();
    let answer = ask(
        &service,
        "/a?secret=1",
        &[format!("Bearer {}", token.expose())],
    )
    .await;
    assert_eq!(answer.body, "test GET /a ada");
    assert!(RequestContext::current().is_none());
}

#[tokio::test]
async fn a_request_made_while_handling_another_is_not_its_users() {
    let issuer = issuer().await;
    let seen = async || {
        let context = RequestContext::current().unwrap();
        let name = context
            .principal()
            .map(|principal| principal.name().to_owned());
        format!("{} {name:?}", context.path().unwrap())
    };
    let inner = Router::new()
        .route("/inner", get(seen))
        .layer(auth_layer(&issuer).allow_anonymous());
    let call_inner = move || {
        let request = Request::get("/inner").body(Body::empty()).unwrap();
        inner.clone().oneshot(request)
    };
    let outer = Router::new()
        .route("/outer", get(call_inner))
        .layer(auth_layer(&issuer));
    let token = issuer.token("ada").unwrap().sign().unwrap();
    let header = [format!("Bearer {}", token.expose())];
    let answer = ask(&outer, "/outer", &header).await;
    assert_eq!(answer.body, "/inner None");
}

#[tokio::test]
async fn a_refusal_states_the_correlation_id_of_the_request_or_a_new_one() {
    let service = service(&issuer().await);
    let answer = ask(&service, "/me", &[]).await;
    assert_eq!(answer.correlation_id.as_deref(), Some("test"));

    let answer = common::ask_with(&service, "/me", &[], &[("x-correlation-id", "a b")]).await;
    let id = answer.correlation_id.unwrap();
    assert_eq!(CorrelationId::parse(&id).unwrap().as_str().len(), 36);
}
