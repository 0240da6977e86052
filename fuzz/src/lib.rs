//! What the fuzz targets check.
//!
//! The checks are in files of their own because `tests/fuzz_corpus` of `auth-jwt` and of `auth-mask` have
//! them too: there the corpora are replayed with every run of the tests, and without a fuzzer.

mod checks;
// It lies where it is replayed: only crates that may make an identity take files from elsewhere.
#[path = "../../crates/auth-mask/tests/fuzz_corpus/masking.rs"]
mod masking;

/// Any bytes as the text of a token.
pub fn token(bytes: &[u8]) {
    checks::token(bytes);
}

/// Any bytes as the payload, and as the header, behind a good signature.
pub fn signed_payload(bytes: &[u8]) {
    checks::signed_payload(bytes);
}

/// Any bytes as a key set.
pub fn jwks(bytes: &[u8]) {
    checks::jwks(bytes);
}

/// Any bytes as a document, a text, a query, a URL, cookies and a header.
pub fn mask(bytes: &[u8]) {
    masking::mask(bytes);
}
