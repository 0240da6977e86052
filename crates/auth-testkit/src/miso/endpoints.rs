//! The controller's endpoints, in the shapes of contract miso §1.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_core::{CorrelationId, Problem, Secret, UnixTime, to_rfc3339};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::controller::{State, stopped_by};
use super::outbox::Received;
use crate::oidc::User;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/api/v1/auth/token", post(client_token))
        .route("/api/v1/auth/validate", post(validate))
        .route("/api/v1/auth/user", get(user_info))
        .route("/api/v1/auth/refresh", post(refresh))
        .route("/api/v1/auth/roles", get(roles))
        .route("/api/v1/auth/roles/refresh", get(roles))
        .route("/api/v1/auth/permissions", get(permissions))
        .route("/api/v1/auth/permissions/refresh", get(permissions))
        .route("/api/v1/logs", post(log))
        .route("/api/v1/logs/batch", post(log_batch))
        .fallback(async |uri: Uri| {
            problem(StatusCode::NOT_FOUND, "there is no such endpoint", &uri)
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&state), receive))
        .with_state(state)
}

/// Remembers every request, and lets the script have its way.
async fn receive(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too large",
            &parts.uri,
        );
    };
    let received = Received::new(parts.method.clone(), &parts.uri, &parts.headers, &body);
    state.outbox.put(received);
    match state.script.next(parts.uri.path()) {
        Some(fault) => match fault.response() {
            Some(response) => response,
            None => {
                stopped_by(state.stopped.clone()).await;
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        },
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    }
}

async fn client_token(Shared(state): Shared<Arc<State>>, headers: HeaderMap, uri: Uri) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let secret = header("x-client-secret").map(Secret::from);
    let known = header("x-client-id") == Some(&*state.client_id)
        && secret.as_ref() == Some(&state.client_secret);
    if !known {
        return unauthorized(
            "client-credentials",
            "the client id or secret is wrong",
            &uri,
        );
    }
    let now = state.clock.now();
    let lifetime = state.client_tokens.lifetime();
    let token = state
        .client_tokens
        .mint(&state.client_id, UnixTime::from(now).as_secs());
    match token {
        Ok(token) => {
            let data = json!({
                "token": token.expose(),
                "expiresIn": lifetime.as_secs(),
                "expiresAt": time_after(now, lifetime),
            });
            (StatusCode::CREATED, Json(json!({ "data": data }))).into_response()
        }
        Err(_) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "no token can be made",
            &uri,
        ),
    }
}

async fn validate(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    uri: Uri,
    body: Option<Json<Value>>,
) -> Response {
    if let Err(refusal) = client(&state, &headers, &uri) {
        return refusal;
    }
    let Some(token) = body.as_ref().and_then(|body| body["token"].as_str()) else {
        return problem(StatusCode::BAD_REQUEST, "token is missing", &uri);
    };
    let data = match user_of(&state, token) {
        Some((user, expires_at)) => json!({
            "authenticated": true,
            "user": user_json(user),
            "expiresAt": expires_at,
        }),
        None => json!({ "authenticated": false }),
    };
    success(&state, data)
}

async fn user_info(Shared(state): Shared<Arc<State>>, headers: HeaderMap, uri: Uri) -> Response {
    match caller(&state, &headers, &uri) {
        Ok(user) => success(
            &state,
            json!({ "authenticated": true, "user": user_json(user) }),
        ),
        Err(refusal) => refusal,
    }
}

async fn refresh(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    uri: Uri,
    body: Option<Json<Value>>,
) -> Response {
    if let Err(refusal) = client(&state, &headers, &uri) {
        return refusal;
    }
    let Some(token) = body.as_ref().and_then(|body| body["refreshToken"].as_str()) else {
        return problem(StatusCode::BAD_REQUEST, "refreshToken is missing", &uri);
    };
    let Some(user) = state.issuer.redeem(token) else {
        return unauthorized("bearer", "the refresh token is not valid", &uri);
    };
    match state.issuer.token_for(user).sign() {
        Ok(token) => success(
            &state,
            json!({
                "accessToken": token.expose(),
                "refreshToken": state.issuer.refresh_token_for(user).expose(),
                "expiresIn": state.issuer.lifetime().as_secs(),
            }),
        ),
        Err(_) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "no token can be made",
            &uri,
        ),
    }
}

async fn roles(Shared(state): Shared<Arc<State>>, headers: HeaderMap, uri: Uri) -> Response {
    match caller(&state, &headers, &uri) {
        Ok(user) => {
            let roles: Vec<_> = user.roles().iter().map(|role| role.as_str()).collect();
            success(&state, json!({ "roles": roles }))
        }
        Err(refusal) => refusal,
    }
}

async fn permissions(Shared(state): Shared<Arc<State>>, headers: HeaderMap, uri: Uri) -> Response {
    match caller(&state, &headers, &uri) {
        Ok(user) => {
            let names = user.permissions().iter().map(|name| name.as_str());
            success(&state, json!({ "permissions": names.collect::<Vec<_>>() }))
        }
        Err(refusal) => refusal,
    }
}

async fn log(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    uri: Uri,
    body: Option<Json<Value>>,
) -> Response {
    if let Err(refusal) = client(&state, &headers, &uri) {
        return refusal;
    }
    let kind = body.as_ref().and_then(|body| body["type"].as_str());
    if !matches!(kind, Some("error" | "general" | "audit")) {
        return problem(
            StatusCode::BAD_REQUEST,
            "type is none of error, general, audit",
            &uri,
        );
    }
    let answer = json!({
        "success": true,
        "data": null,
        "message": "Log created",
        "timestamp": to_rfc3339(state.clock.now()),
    });
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn log_batch(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    uri: Uri,
    body: Option<Json<Value>>,
) -> Response {
    if let Err(refusal) = client(&state, &headers, &uri) {
        return refusal;
    }
    let logs = body.as_ref().and_then(|body| body["logs"].as_array());
    match logs.map(Vec::len) {
        Some(count @ 1..=100) => Json(json!({
            "success": true,
            "message": "Logs processed",
            "processed": count,
            "failed": 0,
            "timestamp": to_rfc3339(state.clock.now()),
        }))
        .into_response(),
        _ => problem(
            StatusCode::BAD_REQUEST,
            "logs is not a list of 1 to 100",
            &uri,
        ),
    }
}

/// Whether the request carries a client token of ours.
#[expect(
    clippy::result_large_err,
    reason = "it is the response, and sent at once"
)]
fn client(state: &State, headers: &HeaderMap, uri: &Uri) -> Result<(), Response> {
    let token = headers
        .get("x-client-token")
        .and_then(|value| value.to_str().ok());
    if token.is_some_and(|token| state.client_tokens.accepts(token)) {
        Ok(())
    } else {
        Err(unauthorized(
            "client-token",
            "the client token is not valid",
            uri,
        ))
    }
}

/// Whose user token the request carries, beside a client token.
#[expect(
    clippy::result_large_err,
    reason = "it is the response, and sent at once"
)]
fn caller<'s>(state: &'s State, headers: &HeaderMap, uri: &Uri) -> Result<&'s User, Response> {
    client(state, headers, uri)?;
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(|token| user_of(state, token))
        .map(|(user, _)| user)
        .ok_or_else(|| unauthorized("bearer", "the user token is not valid", uri))
}

fn user_of<'s>(state: &'s State, token: &str) -> Option<(&'s User, String)> {
    let claims = state.user_tokens.verify_with_known_keys(token).ok()?;
    let by_subject = |user: &&User| user.subject_id() == claims.subject();
    let user = state.users.iter().find(by_subject)?;
    let expires_at = Duration::from_secs(claims.expires_at().as_secs().max(0).unsigned_abs());
    Some((user, time_after(SystemTime::UNIX_EPOCH, expires_at)))
}

fn user_json(user: &User) -> Value {
    let roles: Vec<_> = user.roles().iter().map(|role| role.as_str()).collect();
    let mut json = json!({
        "id": user.subject_id(),
        "username": user.username(),
        "roles": roles,
    });
    if let Some(email) = user.email_address() {
        json["email"] = email.into();
    }
    json
}

fn success(state: &State, data: Value) -> Response {
    let timestamp = to_rfc3339(state.clock.now());
    Json(json!({ "success": true, "data": data, "timestamp": timestamp })).into_response()
}

fn unauthorized(auth_method: &str, detail: &'static str, uri: &Uri) -> Response {
    respond(
        Problem::new(StatusCode::UNAUTHORIZED)
            .with_detail(detail)
            .with_auth_method(auth_method),
        uri,
    )
}

fn problem(status: StatusCode, detail: &'static str, uri: &Uri) -> Response {
    respond(Problem::new(status).with_detail(detail), uri)
}

/// The platform's own shape, as plain JSON: the published clients parse nothing else.
fn respond(problem: Problem, uri: &Uri) -> Response {
    let problem = problem
        .with_instance(uri.path())
        .with_correlation_id(&CorrelationId::random());
    (problem.status(), Json(problem.platform())).into_response()
}

fn time_after(time: SystemTime, duration: Duration) -> String {
    to_rfc3339(time.checked_add(duration).unwrap_or(time))
}

const MAX_BODY: usize = 1024 * 1024;
