//! What the fuzz targets check.
//!
//! The checks are in a file of their own because `crates/auth-jwt/tests/fuzz_corpus.rs` has it too:
//! there the corpora are replayed with every run of the tests, and without a fuzzer.

mod checks;

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
