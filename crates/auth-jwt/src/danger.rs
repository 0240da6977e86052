//! What weakens a check, by name, so that a review finds it with one search.

use std::fmt;

use crate::compact;
use crate::json::{Document, NotStrict};
use crate::m8;
use crate::policy::{Policy, PolicyBuilder};
use crate::rejection::{Malformed, Rejection};
use crate::session::TokenPolicy;

/// What a token says about itself. Anybody can have written it.
///
/// `Debug` shows nothing: a token that was not even verified has no business in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Unverified {
    header: Box<str>,
    claims: Box<str>,
}

impl Unverified {
    /// The header, as the JSON text it is: one object without repeated members.
    pub fn header_json(&self) -> &str {
        &self.header
    }

    /// The payload, as the JSON text it is: one object without repeated members.
    pub fn claims_json(&self) -> &str {
        &self.claims
    }
}

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
    let strict = |json: Vec<u8>, malformed: Malformed| {
        let text = String::from_utf8(json).map_err(|_| malformed)?;
        match Document::parse_object(&text) {
            Ok(_) => Ok(text),
            Err(NotStrict) => Err(malformed),
        }
    };
    Ok(Unverified {
        header: strict(header, Malformed::Header)?.into(),
        claims: strict(payload, Malformed::Payload)?.into(),
    })
}

/// Starts a policy that compares neither issuer nor audience: it accepts tokens that were issued
/// for somebody else's service. Both may still be added. Every other check stands.
pub fn policy_without_issuer_and_audience() -> PolicyBuilder {
    Policy::unpinned()
}

/// Starts a policy that accepts what the validator of m8 accepts with its defaults (contract m8
/// §2.3, appendix B): no issuer and no audience are compared until they are added, a `jti` or `sub`
/// may be empty, the account may be switched off, the role and `is_superuser` may contradict each
/// other, flags may be numbers or words, dates may be texts, and an address may stand in its
/// display form. For a service that moves over and finds such tokens; the policy to move to is
/// [`m8::access`].
///
/// What two parsers would read differently stays refused: repeated members, text that is not UTF-8,
/// padding, dates beyond 2^53, and addresses that only tables of Unicode could judge.
pub fn m8_access_as_the_original() -> PolicyBuilder {
    m8::access_as_the_original()
}

/// Accepts a token also when nobody can tell whether it is revoked, as long as that lasts. The
/// signature and the claims are still checked.
pub fn fail_open(policy: TokenPolicy) -> TokenPolicy {
    policy.fail_open()
}
