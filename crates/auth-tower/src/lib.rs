//! Tower layers and axum extractors that protect a service.
//!
//! [`AuthLayer`] asks an [`Authenticator`](auth_core::Authenticator) whose token a request carries;
//! [`RequireRole`] and [`RequirePermission`] let those through who were granted something;
//! [`CurrentUser`] tells a handler who it is; [`ContextLayer`] ties together what is done for one
//! request.
//!
//! ```
//! use auth_jwt::{KeySet, Policy, StaticKeys, Verifier};
//! use auth_tower::{AuthLayer, CurrentUser, RequireRole};
//! use axum::{Router, routing::get};
//!
//! async fn admin(user: CurrentUser) -> String {
//!     format!("hello, {}", user.principal().name())
//! }
//!
//! # fn router(jwks: &[u8]) -> Result<Router, Box<dyn std::error::Error>> {
//! let policy = Policy::builder("https://issuer.test", "my-api").build()?;
//! let verifier = Verifier::new(policy, StaticKeys::new(KeySet::from_jwks(jwks)?));
//!
//! let app = Router::new()
//!     .route("/admin", get(admin))
//!     .layer(RequireRole::new("admin"))
//!     .layer(AuthLayer::new(verifier)); // in axum the layer added last runs first
//! # Ok(app)
//! # }
//! # router(br#"{"keys":[]}"#).unwrap();
//! ```
//!
//! With tower's `ServiceBuilder` the order is the other way round: the `AuthLayer` comes before the
//! requirements. [`AuthLayer`] shows both.
//!
//! # What a client hears
//!
//! Each refusal is an RFC 9457 body with a `code`, and, where the client can do something about it,
//! an RFC 6750 challenge; [`Refusal`] lists them. Nothing fails open: a route that requires
//! something while no `AuthLayer` covers it answers 500 `auth_layer_missing`, an authenticator
//! that cannot judge a token leads to 503, and so does a role nobody can look up.
//!
//! # Crate features
//!
//! - `axum` (default): [`CurrentUser`] as an extractor, [`Refusal`] as a response. Without it the
//!   layers work for every tower service over HTTP, and [`CurrentUser::from_extensions`] does what
//!   the extractor does. A response body may be any [`http_body::Body`] of
//!   [`Bytes`](bytes::Bytes), `BoxBody` and tonic's among them; clients of gRPC read a refusal from
//!   its HTTP status.
//! - `audit`: the extractor `Log`, and `ContextLayer::audit_log`.
//! - `client`: `probes` for readiness and liveness, from the health of an `AuthClient`.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod access;
mod auth_layer;
#[cfg(feature = "axum")]
mod axum;
mod bearer;
mod body;
mod context_layer;
mod cross_origin;
mod current_user;
#[cfg(feature = "audit")]
mod log;
#[cfg(feature = "client")]
mod probes;
mod refusal;
mod require;
mod token_from;

pub use crate::auth_layer::{AuthLayer, AuthService};
pub use crate::body::GuardedBody;
pub use crate::context_layer::{ContextLayer, ContextService};
pub use crate::current_user::CurrentUser;
#[cfg(feature = "audit")]
pub use crate::log::Log;
#[cfg(feature = "client")]
pub use crate::probes::probes;
pub use crate::refusal::Refusal;
pub use crate::require::{Grant, Require, RequirePermission, RequireRole, RequireService};
pub use crate::token_from::TokenFrom;
