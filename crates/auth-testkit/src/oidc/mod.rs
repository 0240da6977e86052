//! An OpenID Connect issuer in process, with URLs and claims shaped like Keycloak's.

mod issuer;
mod keys;
mod refresh;
mod server;
mod token;
mod user;

pub(crate) use self::issuer::State;
pub use self::issuer::{IssuerRequests, OidcIssuer, OidcIssuerBuilder, TestkitError};
pub use self::token::TokenBuilder;
pub use self::user::User;
