//! The Miso controller: whose token this is, what they may, and where the logs go.
//!
//! [`Miso`] is a client of one controller in the name of one application. It mints the client token
//! every call needs, renews it ahead of its end, and replays a call once if the controller has
//! forgotten it. As an [`IdentityProvider`](auth_core::IdentityProvider) it stands behind the
//! facade; it can also be used alone.
//!
//! ```no_run
//! use auth_core::{Authenticator, Secret, config::Env};
//! use auth_miso::{Miso, MisoSettings};
//!
//! # async fn run(token: Secret) -> Result<(), Box<dyn std::error::Error>> {
//! let miso = Miso::builder(MisoSettings::from_env(&Env::load()?)?).build()?;
//! let identity = miso.authenticate(&token).await?;
//! let roles = miso.roles(&identity).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The wire is that of contract miso §1; what differs on purpose is listed with its reason in
//! `tests/differential`, which holds every call against the published Python client.
//!
//! # Limits
//!
//! Times, sizes and retries are those of `auth-http`: 30 seconds for a call, 1 MiB for an answer. A
//! batch has at most a hundred entries. [`Miso`] caches no roles and permissions; `auth-client`
//! does. [`SharedGrants`] is for a Redis that services on the published clients use too, and says what
//! is weak about that.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod call;
mod client_token;
mod error;
mod http;
mod log_entry;
mod mask_policy;
mod miso;
mod provider;
mod record;
mod settings;
mod shared_grants;
mod sink;
mod wire;

pub use crate::error::{MisoError, MisoErrorKind};
pub use crate::http::{MisoHttp, MisoRequest};
pub use crate::log_entry::{LogEntry, LogLevel, Reference};
pub use crate::mask_policy::read_mask_policy;
pub use crate::miso::{Miso, MisoBuilder};
pub use crate::settings::MisoSettings;
pub use crate::shared_grants::{Shared, SharedGrants};
pub use crate::wire::{BatchOutcome, User, Validated};
