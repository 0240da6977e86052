//! All the `auth-*` crates under one name.
//!
//! Each crate is a module here, and nothing else is: no new types, no logic. A library should
//! depend on the one crate it needs; an application may depend on this one.
//!
//! ```
//! use auth_sdk::jwt::{KeySet, Policy, StaticKeys, Verifier};
//! use auth_sdk::tower::{AuthLayer, CurrentUser, RequireRole};
//! use axum::{Router, routing::get};
//!
//! async fn admin(user: CurrentUser) -> String {
//!     format!("hello, {}", user.principal().name())
//! }
//!
//! # fn app(jwks: &[u8]) -> Result<Router, Box<dyn std::error::Error>> {
//! let policy = Policy::builder("https://issuer.test", "my-api").build()?;
//! let verifier = Verifier::new(policy, StaticKeys::new(KeySet::from_jwks(jwks)?));
//!
//! let app = Router::new()
//!     .route("/admin", get(admin))
//!     .layer(RequireRole::new("admin"))
//!     .layer(AuthLayer::new(verifier));
//! # Ok(app)
//! # }
//! # app(br#"{"keys":[]}"#).unwrap();
//! ```
//!
//! `cargo run --example quickstart` shows such a service and its client at work.
//!
//! # Crate features
//!
//! Each module below has a feature of its name. `default` is what a protected web service needs:
//! `axum` (extractors; includes `tower` and `jwt`) and `client` (the facade and all it stands on).
//! `full` is everything but `testkit`.

/// The nouns every crate speaks in.
#[doc(inline)]
pub use auth_core as core;

/// The facade: one client for identity, grants, cache, log and audit. Needs the `client` feature.
#[cfg(feature = "client")]
#[doc(inline)]
pub use auth_client as client;

/// Layers and extractors. Needs the `tower` feature.
#[cfg(feature = "tower")]
#[doc(inline)]
pub use auth_tower as tower;

/// The Miso controller. Needs the `miso` feature.
#[cfg(feature = "miso")]
#[doc(inline)]
pub use auth_miso as miso;

/// The audit trail. Needs the `audit` feature.
#[cfg(feature = "audit")]
#[doc(inline)]
pub use auth_audit as audit;

/// The two-level cache. Needs the `cache` feature.
#[cfg(feature = "cache")]
#[doc(inline)]
pub use auth_cache as cache;

/// The HTTP client. Needs the `http` feature.
#[cfg(feature = "http")]
#[doc(inline)]
pub use auth_http as http;

/// Redis as one handle. Needs the `redis` feature.
#[cfg(feature = "redis")]
#[doc(inline)]
pub use auth_redis as redis;

/// Token checks. Needs the `jwt` feature.
#[cfg(feature = "jwt")]
#[doc(inline)]
pub use auth_jwt as jwt;

/// What a log may show. Needs the `mask` feature.
#[cfg(feature = "mask")]
#[doc(inline)]
pub use auth_mask as mask;

/// Hashes of tokens. Needs the `crypto` feature.
#[cfg(feature = "crypto")]
#[doc(inline)]
pub use auth_crypto as crypto;

/// Development servers and a token mint. Needs the `testkit` feature.
#[cfg(feature = "testkit")]
#[doc(inline)]
pub use auth_testkit as testkit;

/// Compiles the example of the workspace's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
