//! One client for identity, grants, cache, log and audit, whatever the service behind it.
//!
//! [`AuthClient`] asks a provider who somebody is and what they may, remembers the answers as long
//! as it may, and writes down what happened. It is an [`Authenticator`](auth_core::Authenticator)
//! and an [`Authorizer`](auth_core::Authorizer), so that `auth_tower::AuthLayer::new(client)` is all
//! a service needs.
//!
//! ```no_run
//! use std::time::Duration;
//! use auth_client::AuthClient;
//! use auth_core::Secret;
//! use serde_json::json;
//!
//! # async fn run(token: Secret) -> Result<(), Box<dyn std::error::Error>> {
//! let client = AuthClient::from_env()?; // AUTH_PROVIDER=miso, then the variables of that provider
//!
//! let identity = client.validate_token(&token).await?;
//! if client.has_role(&identity, "admin").await.is_granted() {
//!     client
//!         .audit("admin.opened", "dashboard")
//!         .context(json!({ "page": 1, "password": "hunter2" })) // leaves as ***MASKED***
//!         .emit();
//! }
//! client.shutdown(Duration::from_secs(5)).await?; // drains the audit queue, or says what is left
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! - Roles and permissions are looked up by an [`Identity`](auth_core::Identity) and never by a
//!   token or a subject; what is remembered of them belongs to one application of one provider, and
//!   ends with the token. [`share_grants`](AuthClientBuilder::share_grants) gives up that they belong
//!   to one application, for the sake of services on other clients, and is off unless called.
//! - A provider that gives no usable answer makes a decision
//!   [`Unknown`](auth_core::Decision::Unknown): never a grant, and not a refusal either.
//! - Without Redis, or while it is away, memory serves.
//! - Every call to the provider is in the audit trail, but for those that deliver it.
//!
//! # Limits
//!
//! It needs a tokio runtime. The trail is kept in memory until it is delivered: 10,000 events, and
//! what is dropped beyond that is counted in the trail itself.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod builder;
mod client;
mod grants;
mod health;
mod sharing;
mod store;
mod watcher;

pub use crate::builder::{AuthClientBuilder, StartError};
pub use crate::client::AuthClient;
pub use crate::health::{Condition, Health};
