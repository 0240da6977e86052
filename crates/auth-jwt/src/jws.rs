//! Signatures alone (RFC 7515): whose they are, whatever the payload says.
//!
//! A token is more than a signed text; to accept one, use [`Verifier`](crate::Verifier). This is
//! for signed documents that are not tokens.

use std::fmt;

use crate::algorithm::Algorithm;
use crate::compact::Compact;
use crate::key::VerificationKey;
use crate::key_set::KeySet;
use crate::rejection::Rejection;
use crate::seen_headers::SeenHeaders;

/// A signed document whose signature was verified. `Debug` does not show what was signed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedJws {
    /// The bytes that were signed.
    pub payload: Vec<u8>,
    /// The algorithm they were signed with.
    pub algorithm: Algorithm,
    /// The media type the header states (`typ`), unchecked.
    pub typ: Option<Box<str>>,
}

impl fmt::Debug for VerifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("algorithm", &self.algorithm)
            .field("typ", &self.typ)
            .finish_non_exhaustive()
    }
}

/// Verifies the signature of a compact JWS of at most `limit` bytes and returns what was signed.
///
/// The algorithms are those the keys allow. The signature is all that is checked: the payload may
/// be anything, and of a token this says neither whether it has expired nor whom it is for. To
/// accept a token, use [`Verifier`](crate::Verifier).
///
/// # Errors
///
/// If the text is malformed, too large, names a critical extension, or is not signed by a key of
/// the set.
///
/// # Example: RFC 8037 §A.4
///
/// ```
/// use auth_jwt::{KeySet, jws};
///
/// let keys = KeySet::from_jwks(
///     br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
///     hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
/// let verified = jws::verify(text, &keys, 16 * 1024)?;
/// assert_eq!(verified.payload, b"Example of Ed25519 signing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(text: &str, keys: &KeySet, limit: usize) -> Result<VerifiedJws, Rejection> {
    let none = SeenHeaders::default();
    let compact = Compact::parse(text, limit, &none)?;
    check_signature(&compact, keys)?;
    Ok(VerifiedJws {
        payload: compact.payload()?,
        algorithm: compact.header().algorithm,
        typ: compact.header().typ().map(Into::into),
    })
}

/// Whether one of the keys the header may mean has signed it.
pub(crate) fn check_signature(compact: &Compact<'_>, keys: &KeySet) -> Result<(), Rejection> {
    let header = compact.header();
    let mut named = keys.candidates(header.kid()).peekable();
    if named.peek().is_none() {
        return Err(Rejection::UnknownKey);
    }
    let mut candidates = named.filter(|key| key.allows(header.algorithm));
    let mut tried = [None; MAX_TRIALS];
    for (place, key) in tried.iter_mut().zip(&mut candidates) {
        *place = Some(key);
    }
    if tried[0].is_none() {
        return Err(Rejection::AlgorithmNotAllowed);
    }
    // None is tried then: which tokens are good must not depend on the order of the keys.
    if candidates.next().is_some() {
        return Err(Rejection::AmbiguousKey);
    }
    let signed_by = |key: &&VerificationKey, signature: &[u8]| {
        key.verifies(header.algorithm, compact.signing_input, signature)
    };
    compact.with_signature(|signature| {
        let mut keys = tried.iter().flatten();
        if keys.any(|key| signed_by(key, signature)) {
            Ok(())
        } else {
            Err(Rejection::BadSignature)
        }
    })?
}

/// A token that does not say which key it means costs one verification for each that it may mean,
/// before anything about it is known.
pub(crate) const MAX_TRIALS: usize = 16;
