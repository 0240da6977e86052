//! What a service may set: the place of the token, the body of a refusal, the type of a body, and
//! the way its layers are put together.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};

use auth_jwt::{KeySet, Policy, StaticKeys, Verifier};
use auth_testkit::{OidcIssuer, User};
use auth_tower::{AuthLayer, ContextLayer, CurrentUser, Refusal, RequireRole, TokenFrom};
use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

async fn issuer() -> OidcIssuer {
    let user = User::new("ada", "x").role("admin");
    let issuer = OidcIssuer::builder().audience("orders").user(user);
    issuer.start().await.unwrap()
}

fn auth_layer(issuer: &OidcIssuer) -> AuthLayer {
    let policy = Policy::builder(issuer.url(), issuer.audience());
    let keys = KeySet::from_jwks(issuer.jwks().as_bytes()).unwrap();
    let verifier = Verifier::new(policy.build().unwrap(), StaticKeys::new(keys));
    AuthLayer::new(verifier).realm("orders")
}

fn token(issuer: &OidcIssuer) -> String {
    let token = issuer.token("ada").unwrap().sign().unwrap();
    token.expose().to_owned()
}

async fn send(service: &Router, request: http::request::Builder) -> Response<Body> {
    let request = request.body(Body::empty()).unwrap();
    service.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn service_builder_and_router_layer_take_the_documented_orders() {
    let issuer = issuer().await;
    let header = format!("Bearer {}", token(&issuer));
    let open = || Router::new().route("/", get(async || "passed"));
    let built = ServiceBuilder::new()
        .layer(ContextLayer::new())
        .layer(auth_layer(&issuer))
        .layer(RequireRole::new("admin"));
    let reversed = ServiceBuilder::new()
        .layer(RequireRole::new("admin"))
        .layer(auth_layer(&issuer));
    let added = open()
        .layer(RequireRole::new("admin"))
        .layer(auth_layer(&issuer))
        .layer(ContextLayer::new());
    for (service, status) in [
        (open().layer(built), StatusCode::OK),
        (added, StatusCode::OK),
        (open().layer(reversed), StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let request = Request::get("/").header("authorization", &header);
        assert_eq!(send(&service, request).await.status(), status);
    }
}

#[tokio::test]
async fn token_in_cookie_or_query_counts_only_where_it_is_set() {
    let issuer = issuer().await;
    let token = token(&issuer);
    let seen = async |user: CurrentUser, uri: Uri| format!("{} {uri}", user.username().unwrap());
    let service = |layer| Router::new().route("/", any(seen)).layer(layer);
    let plain = service(auth_layer(&issuer));
    let places = [
        TokenFrom::Header,
        TokenFrom::cookie("sid"),
        TokenFrom::query("access_token"),
    ];
    let wide = service(auth_layer(&issuer).token_from(places));

    let cookie = || Request::get("/").header("cookie", format!("sid={token}"));
    let query = || Request::get(format!("/?a=1&access_token={token}"));
    for request in [cookie(), query()] {
        let response = send(&plain, request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let response = send(&wide, cookie()).await;
    assert_eq!(response.headers().get(CACHE_CONTROL), None);
    assert_eq!(text(response).await, "ada /");
    let response = send(&wide, query()).await;
    assert_eq!(response.headers()[CACHE_CONTROL], "private");
    assert_eq!(text(response).await, "ada /?a=1");

    let both = cookie().header("authorization", format!("Bearer {token}"));
    let response = send(&wide, both).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn cookie_sent_for_a_page_of_another_origin_is_refused() {
    let issuer = issuer().await;
    let layer = auth_layer(&issuer).token_from([TokenFrom::cookie("sid")]);
    let service = Router::new()
        .route("/", any(async |_: CurrentUser| "passed"))
        .layer(layer.allow_anonymous());
    let post = || Request::post("/").header("cookie", format!("sid={}", token(&issuer)));
    let forged = send(&service, post().header("sec-fetch-site", "cross-site")).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    assert_eq!(forged.extensions().get(), Some(&Refusal::CrossOrigin));
    let own = send(&service, post().header("sec-fetch-site", "same-origin")).await;
    assert_eq!(own.status(), StatusCode::OK);
}

#[tokio::test]
async fn refusals_of_every_layer_are_rewritten() {
    let issuer = issuer().await;
    let layer = auth_layer(&issuer).map_refusal(|refusal, response| {
        assert!(response.body().starts_with(b"{"));
        response.map(|_| format!("no: {}", refusal.code()).into())
    });
    let service = Router::new()
        .route("/role", get(async || "passed"))
        .layer(RequireRole::new("auditor"))
        .route("/handler", get(async || Refusal::Forbidden))
        .route("/open", get(async || "passed"))
        .layer(layer);
    let header = format!("Bearer {}", token(&issuer));
    let asked = |path: &str| Request::get(path).header("authorization", header.clone());
    for (request, expected) in [
        (Request::get("/open"), "no: missing_token"),
        (asked("/role"), "no: insufficient_scope"),
        (asked("/handler"), "no: insufficient_scope"),
        (asked("/open"), "passed"),
    ] {
        let response = send(&service, request).await;
        let is_refusal = response.extensions().get::<Refusal>().is_some();
        assert_eq!(is_refusal, expected != "passed");
        if is_refusal {
            let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
            assert!(challenge.contains("realm=\"orders\""), "{challenge}");
        }
        let length = response.headers().get(CONTENT_LENGTH);
        assert!(length.is_none_or(|it| *it == expected.len().to_string()));
        assert_eq!(text(response).await, expected);
    }
}

#[tokio::test]
async fn boxed_body_is_answered_and_refused() {
    let issuer = issuer().await;
    let inner = service_fn(async |_: Request<()>| {
        let body: BoxBody<Bytes, Infallible> = Full::from("passed").boxed();
        Ok::<_, Infallible>(Response::new(body))
    });
    let layers = ServiceBuilder::new()
        .layer(auth_layer(&issuer))
        .layer(RequireRole::new("admin"));
    let service = layers.service(inner);
    let request = Request::get("/").header("authorization", format!("Bearer {}", token(&issuer)));
    let response = service
        .clone()
        .oneshot(request.body(()).unwrap())
        .await
        .unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "passed");

    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"{\"type\""));
}

/// The fields of the spans named `request`, and the depth at each event of this test.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<(String, u64)>>);

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        if span.metadata().name() != "request" {
            return Id::from_u64(1);
        }
        span.record(&mut self.clone());
        Id::from_u64(2)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        assert_eq!(id.into_u64(), 2);
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == "handler" {
            let mut seen = self.0.lock().unwrap();
            let line = format!("event in {} span\n", seen.1);
            seen.0.push_str(&line);
        }
    }

    fn enter(&self, id: &Id) {
        self.0.lock().unwrap().1 += u64::from(id.into_u64() == 2);
    }

    fn exit(&self, id: &Id) {
        self.0.lock().unwrap().1 -= u64::from(id.into_u64() == 2);
    }
}

impl Visit for Spans {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let line = format!("{field}={value:?}\n");
        self.0.lock().unwrap().0.push_str(&line);
    }
}

#[tokio::test]
async fn handler_runs_in_a_span_with_correlation_id_and_subject() {
    let issuer = issuer().await;
    let handler = async || {
        tokio::task::yield_now().await;
        tracing::info!(target: "handler", "in the handler");
    };
    let service = Router::new()
        .route("/span", get(handler))
        .layer(auth_layer(&issuer))
        .layer(ContextLayer::new());
    let spans = Spans::default();
    // For the whole process: a subscriber of one thread may miss call sites cached by another.
    tracing::subscriber::set_global_default(spans.clone()).unwrap();
    let request = Request::get("/span?secret=1")
        .header("authorization", format!("Bearer {}", token(&issuer)))
        .header("x-correlation-id", "span-7");
    assert_eq!(send(&service, request).await.status(), StatusCode::OK);
    let seen = spans.0.lock().unwrap().0.clone();
    let subject = issuer.users()[0].subject_id();
    let expected = format!(
        "correlation_id=\"span-7\"\nmethod=\"GET\"\npath=\"/span\"\nsubject=\"{subject}\"\nevent in 1 span\n"
    );
    assert!(seen.contains(&expected), "{seen}");
}
