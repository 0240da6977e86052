//! The nouns every `auth-*` crate speaks in.
//!
//! Nothing here opens a socket or needs an async runtime. The crates above add verification,
//! transport, caching and audit; what they hand to one another is defined here:
//!
//! - [`Secret`] and [`SecretBytes`]: what must not reach a log line.
//! - [`Identity`]: proof that somebody was authenticated. It can only be made by
//!   [`identity::vouch`], and the layer check of this workspace says who may call that.
//! - [`Principal`], [`Role`], [`Permission`]: who it is, and what they may be granted.
//! - [`Decision`]: granted, denied, or unknown. *Unknown is not No, and never Yes.*
//! - [`Authenticator`], [`Authorizer`] and [`IdentityProvider`]: the ports of whoever judges.
//! - [`Problem`]: an error body, in the shape of RFC 9457 and in the platform's own.
//! - [`RequestContext`]: what is known about the request at hand; it follows the future.
//! - [`Clock`], [`UnixTime`], [`CorrelationId`], [`EventId`], [`BoxFuture`].
//! - [`config`]: settings from an [`Env`](config::Env), all problems reported at once.
//!
//! ```
//! use auth_core::{Decision, Secret};
//!
//! let password = Secret::from("correct horse");
//! assert_eq!(format!("{password:?}"), "Secret(..)");
//! assert!(!Decision::unknown("roles_unavailable", "the controller did not answer").is_granted());
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod access;
mod clock;
pub mod config;
mod context;
mod correlation;
mod decision;
mod event_id;
mod future;
mod grant;
pub mod identity;
mod principal;
mod problem;
mod reason;
mod rfc3339;
mod secret;
mod spread;

pub use crate::access::{AuthenticationError, Authenticator, Authorizer, IdentityProvider};
pub use crate::clock::{Clock, SystemClock, UnixTime};
pub use crate::context::{RequestContext, RequestContextBuilder, Scoped};
pub use crate::correlation::CorrelationId;
pub use crate::decision::Decision;
pub use crate::event_id::EventId;
pub use crate::future::BoxFuture;
pub use crate::grant::{Permission, Role};
pub use crate::identity::Identity;
pub use crate::principal::{Principal, PrincipalBuilder};
pub use crate::problem::{PlatformProblem, Problem};
pub use crate::reason::Reason;
pub use crate::rfc3339::{from_rfc3339, to_rfc3339};
pub use crate::secret::{Secret, SecretBytes};
pub use crate::spread::spread;
