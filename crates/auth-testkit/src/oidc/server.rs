//! The issuer's endpoints: OpenID Connect Discovery 1.0 §4, RFC 7517 §5, RFC 6749 §4.3, §5 and §6.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use auth_core::Secret;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::{HeaderName, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::issuer::State;

pub(super) fn router(state: Arc<State>) -> Router {
    let realm = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/protocol/openid-connect/certs", get(jwks))
        .route("/protocol/openid-connect/token", post(token))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state);
    Router::new().nest("/realms/development", realm)
}

async fn discovery(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    state.requests.discovery.fetch_add(1, Ordering::Relaxed);
    Json(json!({
        "issuer": state.url,
        "jwks_uri": state.jwks_uri(),
        "token_endpoint": state.token_endpoint(),
        "grant_types_supported": ["password", "refresh_token"],
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [state.algorithm().name()],
        "token_endpoint_auth_methods_supported": ["none"],
    }))
}

async fn jwks(Shared(state): Shared<Arc<State>>) -> impl IntoResponse {
    state.requests.jwks.fetch_add(1, Ordering::Relaxed);
    let content_type = (header::CONTENT_TYPE, "application/jwk-set+json");
    ([content_type], state.keys.jwks())
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    refresh_token: Option<Secret>,
}

async fn token(
    Shared(state): Shared<Arc<State>>,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    state.requests.token.fetch_add(1, Ordering::Relaxed);
    let Ok(Form(request)) = form else {
        return refusal("invalid_request", "send the parameters as a form");
    };
    let user = match request.grant_type.as_deref() {
        Some("password") => match (request.username, request.password) {
            (Some(username), Some(password)) => state.login(&username, &password),
            _ => return refusal("invalid_request", "username or password is missing"),
        },
        Some("refresh_token") => match request.refresh_token {
            Some(token) => state.redeem(token.expose()),
            None => return refusal("invalid_request", "refresh_token is missing"),
        },
        Some(_) => {
            let supported = "password and refresh_token are supported";
            return refusal("unsupported_grant_type", supported);
        }
        None => return refusal("invalid_request", "grant_type is missing"),
    };
    let Some(user) = user else {
        return refusal(
            "invalid_grant",
            "the password or the refresh token is wrong",
        );
    };
    match state.token_for(user).sign() {
        Ok(token) => (
            NO_STORE,
            Json(json!({
                "access_token": token.expose(),
                "token_type": "Bearer",
                "expires_in": state.lifetime().as_secs(),
                "refresh_token": state.refresh_token_for(user).expose(),
                "scope": "openid profile email",
            })),
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// RFC 6749 §5.2.
fn refusal(error: &'static str, description: &'static str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (StatusCode::BAD_REQUEST, NO_STORE, Json(body)).into_response()
}

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

const MAX_BODY: usize = 64 * 1024;
