//! What tests and first steps need: servers in this process, tokens on demand, time by hand.
//!
//! - [`OidcIssuer`]: an OpenID Connect issuer on a free port of 127.0.0.1, with discovery, JWKS, a
//!   token endpoint for seeded [`User`]s, key rotation on demand, and tokens as a test wants them.
//! - [`MisoController`]: a Miso controller that judges that issuer's tokens, remembers every request
//!   and misbehaves on demand.
//! - [`RedisServer`]: a real `redis-server` that can be stopped, stalled and brought back;
//!   [`RedisSentinels`] and [`RedisCluster`] are several of them.
//! - [`TestClock`]: a clock that is set by hand.
//! - [`Peer`]: somebody else's implementation, as a test partner.
//!
//! These servers judge as the real ones do, but hold nothing worth protecting: their passwords are
//! in the source of whoever seeds them. They listen on loopback only.
//!
//! ```
//! use auth_jwt::{KeySet, Policy, StaticKeys, Verifier};
//! use auth_testkit::{OidcIssuer, User};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = OidcIssuer::builder()
//!     .user(User::new("ada", "correct horse").role("admin"))
//!     .start()
//!     .await?;
//!
//! let keys = KeySet::from_jwks(issuer.jwks().as_bytes())?;
//! let policy = Policy::builder(issuer.url(), issuer.audience()).build()?;
//! let verifier = Verifier::new(policy, StaticKeys::new(keys));
//!
//! let token = issuer.token("ada")?.sign()?;
//! assert_eq!(verifier.verify(token.expose()).await?.username(), Some("ada"));
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod clock;
mod miso;
mod oidc;
mod peer;
mod redis;

pub use crate::clock::TestClock;
pub use crate::miso::{MisoController, MisoControllerBuilder, Received, ScriptedFault};
pub use crate::oidc::{
    IssuerRequests, OidcIssuer, OidcIssuerBuilder, TestkitError, TokenBuilder, User,
};
pub use crate::peer::Peer;
pub use crate::redis::{RedisCluster, RedisSentinels, RedisServer, RedisServerBuilder};
