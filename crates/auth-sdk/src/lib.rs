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
//! - `jwt` (default): token checks.
//! - `axum` (default): layers and extractors for axum; includes `tower`.
//! - `tower`: layers for any tower service.
//! - `testkit`: development servers and a token mint, for tests.
//! - `full`: everything but `testkit`.

/// The nouns every crate speaks in.
#[doc(inline)]
pub use auth_core as core;

/// Token checks. Needs the `jwt` feature.
#[cfg(feature = "jwt")]
#[doc(inline)]
pub use auth_jwt as jwt;

/// Layers and extractors. Needs the `tower` feature.
#[cfg(feature = "tower")]
#[doc(inline)]
pub use auth_tower as tower;

/// Development servers and a token mint. Needs the `testkit` feature.
#[cfg(feature = "testkit")]
#[doc(inline)]
pub use auth_testkit as testkit;

/// Compiles the example of the workspace's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
