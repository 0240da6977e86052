//! Checks JSON Web Tokens against a [`Policy`].
//!
//! A token goes in as text, and either [`Claims`] or a [`Rejection`] comes out. Nothing in this
//! crate does I/O or needs an async runtime: keys arrive through a [`KeySource`], time through
//! [`auth_core::Clock`].
//!
//! ```
//! use auth_jwt::mint::SigningKey;
//! use auth_jwt::{Algorithm, KeySet, Policy, StaticKeys, Verifier};
//!
//! # let issuer = SigningKey::generate(Algorithm::ES256)?.with_kid("2026-11");
//! # let token = issuer.sign(&serde_json::json!({
//! #     "iss": "https://issuer.test", "aud": "my-api", "sub": "u1", "exp": 4102444800_i64,
//! #     "realm_access": { "roles": ["admin"] },
//! # }))?;
//! # let jwks = serde_json::json!({ "keys": [issuer.public_jwk()] }).to_string();
//! // jwks: the issuer's key set document; token: what a client sent.
//! let policy = Policy::builder("https://issuer.test", "my-api").build()?;
//! let keys = StaticKeys::new(KeySet::from_jwks(jwks.as_bytes())?);
//! let verifier = Verifier::new(policy, keys);
//!
//! let claims = verifier.verify_with_known_keys(token.expose())?;
//! assert_eq!(claims.subject(), "u1");
//! assert!(claims.roles().eq(["admin"]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is checked
//!
//! In this order; the first thing wrong is the rejection:
//!
//! 1. **Form**: size, three parts, canonical base64url, a header that is one JSON object without
//!    repeated members, `alg`, `kid` and `typ` of the right type, no `crit`, no `b64: false`.
//! 2. **Policy of the header**: `alg` is allowed, `typ` fits.
//! 3. **Signature**: by a key the header may mean, with an algorithm the *key* allows. A token
//!    never chooses the key it is judged by: `jku`, `jwk`, `x5u` and `x5c` are not looked at.
//! 4. **Claims**: one strict JSON object, every known claim of its type, the required ones there,
//!    no `cnf` (a token bound to a key is not to be accepted without the key's proof), `iss` and
//!    `aud` as the policy says, the rules of its profile, `acr` and `amr`; then `nbf`, `iat` and
//!    `exp`, and how long ago the user was authenticated. Where the type may be an access token's,
//!    a payload that calls itself an ID, refresh or logout token is of the wrong type.
//!
//! What is missing never passes. What weakens a check lies in [`danger`].
//!
//! A verifier with a [`TokenCache`] does this once a token: one that comes back, byte for byte, while
//! the policy and the keys still accept it, is recognised in a tenth of a microsecond. A verifier of
//! several issuers reads `iss` first, to know by whose keys and rules to judge. Whether a token was
//! revoked since it was signed, [`session`] finds out.
//!
//! # What it does not do
//!
//! It fetches nothing (a [`KeySource`] of yours does), keeps nothing beyond the process, and decrypts
//! nothing: an encrypted token (JWE) has five parts and is malformed here.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

/// The code in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod algorithm;
mod base64url;
mod claims;
mod compact;
pub mod danger;
mod header;
mod hooks;
mod json;
pub mod jws;
mod key;
mod key_set;
mod key_source;
pub mod m8;
pub mod mint;
mod policy;
mod profile;
mod rejection;
mod role_claim;
mod seen_headers;
pub mod session;
mod token_cache;
mod verifier;

// What the API is spoken in, so that this crate alone will do.
pub use auth_core::{BoxFuture, Clock, Secret, SecretBytes, SystemClock, UnixTime};

pub use crate::algorithm::{Algorithm, UnknownAlgorithm};
pub use crate::claims::Claims;
pub use crate::hooks::{Failure, Reason, Success, TokenUse, ValidationHooks};
pub use crate::key::{KeyError, VerificationKey};
pub use crate::key_set::{Epoch, KeySet, KeySetError, Skip, SkippedKey};
pub use crate::key_source::{KeySource, KeysUnavailable, StaticKeys};
pub use crate::policy::{Policy, PolicyBuilder, PolicyError};
pub use crate::rejection::{Malformed, Rejection};
pub use crate::role_claim::RoleClaim;
pub use crate::token_cache::TokenCache;
pub use crate::verifier::{Verifier, VerifierError};
