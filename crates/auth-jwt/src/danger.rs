//! What weakens a check, by name, so that a review finds it with one search.

use std::fmt;

use crate::compact;
use crate::policy::{Policy, PolicyBuilder};
use crate::rejection::{Malformed, Rejection};

/// What a token says about itself. Anybody can have written it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Unverified {
    /// The header.
    pub header: serde_json::Value,
    /// The payload.
    pub claims: serde_json::Value,
}

/// Shows nothing: a token that was not even verified has no business in a log.
impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unverified(..)")
    }
}

/// Takes a token apart and verifies **nothing**: for a person who looks at a token, never for a
/// program that decides by it. There is no way from the result to [`Claims`](crate::Claims) or an
/// [`Identity`](auth_core::Identity).
///
/// # Errors
///
/// If the token is larger than 1 MiB or not made of strict JSON objects in three parts. The
/// algorithm may be anything.
pub fn decode_without_verifying(token: &str) -> Result<Unverified, Rejection> {
    let (header, payload) = compact::decode_unverified(token, 1024 * 1024)?;
    let value = |json: &[u8], malformed: Malformed| {
        let strict = crate::json::Object::parse(json).map_err(|_| malformed);
        strict.and_then(|_| serde_json::from_slice(json).map_err(|_| malformed))
    };
    Ok(Unverified {
        header: value(&header, Malformed::Header)?,
        claims: value(&payload, Malformed::Payload)?,
    })
}

/// Starts a policy that compares neither issuer nor audience: it accepts tokens that were issued
/// for somebody else's service. Both may still be added. Every other check stands.
pub fn policy_without_issuer_and_audience() -> PolicyBuilder {
    Policy::unpinned()
}
