//! The tokens of m8 (auth-sdk-m8 0.5.2): the claims its issuer writes, and the words its validator
//! has for what is wrong with them.
//!
//! Source: the m8 contract, §1.1, §1.2 and §2. Where the original accepts more than it should
//! (contract §9, appendix B), the policies here do not; one that does is
//! [`danger::m8_access_as_the_original`](crate::danger::m8_access_as_the_original).
//!
//! # Example: an access token of an m8 issuer
//!
//! ```
//! use auth_core::SecretBytes;
//! use auth_jwt::{Algorithm, StaticKeys, VerificationKey, Verifier, m8};
//!
//! # use auth_jwt::mint::SigningKey;
//! # let secret = SecretBytes::from(b"Abcdef-1234_XYZ-abcdef-ghijkl-mnopqr-stuvwx".as_slice());
//! # let token = SigningKey::from_secret(&secret, Algorithm::HS256)?.sign(&serde_json::json!({
//! #     "iss": "https://auth.test", "aud": "orders", "sub": "u1", "jti": "j1", "type": "access",
//! #     "exp": 4102444800_i64, "iat": 1, "nbf": 1, "email": "ada@example.com", "role": "writer",
//! # }))?;
//! // secret: the ACCESS_SECRET_KEY of the issuer; token: what a client sent.
//! let key = VerificationKey::from_secret(&secret, Algorithm::HS256)?;
//! let policy = m8::access("https://auth.test", "orders").build()?;
//! let verifier = Verifier::new(policy, StaticKeys::new(key));
//!
//! let claims = verifier.verify_with_known_keys(token.expose())?;
//! let user = m8::User::from_claims(&claims).expect("the policy is m8's");
//! assert!(user.role.is_at_least(m8::Role::Reader));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod email;
mod outcome;
mod user;
mod uuid;

use std::time::Duration;

use crate::claims::Claims;
use crate::json::Element;
use crate::policy::{Policy, PolicyBuilder};
use crate::profile::{Profile, Strictness};
use crate::rejection::Rejection;
use crate::role_claim::RoleClaim;

pub use crate::m8::outcome::{Outcome, outcome};
pub use crate::m8::user::{Role, User};

pub(crate) use crate::m8::user::check_access;
pub(crate) use crate::m8::uuid::canonical as canonical_uuid;

/// The policy for access tokens: `type` is `access`, `jti`, `iat` and `nbf` are there, the user has
/// a well-formed address, a known role and an active account, and `is_superuser` goes with the role
/// `superadmin` and with no other. The leeway is 2 seconds.
pub fn access(issuer: impl Into<Box<str>>, audience: impl Into<Box<str>>) -> PolicyBuilder {
    let policy = Policy::builder(issuer, audience)
        .roles_from([RoleClaim::Text("role".into())])
        .leeway(Duration::from_secs(2))
        .profile(Profile::M8Access(Strictness::Strict));
    ["jti", "type", "iat", "nbf"]
        .into_iter()
        .fold(policy, PolicyBuilder::require_claim)
}

/// The policy for refresh tokens: `type` is `refresh`, `sub` is a UUID, `jti` is not empty, and
/// there is no leeway.
///
/// m8's refresh tokens name no issuer and no audience: they are for the issuer alone, which alone
/// has their key. A token with an `aud` is refused unless the policy compares it.
pub fn refresh() -> PolicyBuilder {
    let policy = Policy::unpinned()
        .roles_from([])
        .leeway(Duration::ZERO)
        .profile(Profile::M8Refresh);
    ["jti", "type"]
        .into_iter()
        .fold(policy, PolicyBuilder::require_claim)
}

/// Access tokens as the original judges them, with its defaults.
pub(crate) fn access_as_the_original() -> PolicyBuilder {
    let policy = Policy::unpinned()
        .roles_from([RoleClaim::Text("role".into())])
        .leeway(Duration::from_secs(5))
        .profile(Profile::M8Access(Strictness::Lax));
    ["jti", "type"]
        .into_iter()
        .fold(policy, PolicyBuilder::require_claim)
}

pub(crate) fn check_refresh(claims: &Claims, audience_compared: bool) -> Result<(), Rejection> {
    // A token for somebody is not for an issuer that has not said who it is.
    if !audience_compared && claims.root().get("aud").is_some() {
        return Err(Rejection::WrongAudience);
    }
    check_type(claims, "refresh")?;
    check_token_id(claims, Strictness::Strict)?;
    match canonical_uuid(claims.subject()) {
        Some(_) => Ok(()),
        None => Err(Rejection::bad_claim("sub")),
    }
}

fn check_type(claims: &Claims, wanted: &str) -> Result<(), Rejection> {
    match claims.root().get("type").and_then(Element::as_text) {
        Some(said) if said == wanted => Ok(()),
        _ => Err(Rejection::WrongType),
    }
}

fn check_token_id(claims: &Claims, strictness: Strictness) -> Result<(), Rejection> {
    match claims.token_id() {
        Some("") if strictness == Strictness::Strict => Err(Rejection::bad_claim("jti")),
        _ => Ok(()),
    }
}
