//! A program may have switched on any backend of `jsonwebtoken`, or two of them, which makes it
//! panic at its first signature. Tokens are verified all the same.
//!
//! This crate switches on both for its tests, and Cargo unites the features of a workspace: all its
//! tests run in such programs.

use std::panic::catch_unwind;

use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, StaticKeys, Verifier, danger};
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

#[test]
fn tokens_are_minted_and_verified_beside_two_backends_that_panic() {
    let claims = json!({ "sub": "u1", "exp": 4_102_444_800_i64 });
    let secret = SecretBytes::from(SECRET);
    let key = SigningKey::from_secret(&secret, Algorithm::HS256).unwrap();
    let token = key.sign(&claims).unwrap();

    // The control: in this program the library below does panic.
    let theirs = catch_unwind(|| {
        let key = DecodingKey::from_secret(SECRET);
        jsonwebtoken::decode::<Value>(token.expose(), &key, &Validation::default()).is_ok()
    });
    assert!(theirs.is_err(), "jsonwebtoken no longer panics: {theirs:?}");

    for algorithm in Algorithm::ALL {
        let key = if algorithm.is_symmetric() {
            SigningKey::generate(algorithm).unwrap()
        } else {
            // By way of a file, which is what that library is asked for here.
            let pem = private_pem(algorithm);
            SigningKey::from_private_pem(pem.as_bytes(), algorithm).unwrap()
        };
        let token = key.sign(&claims).unwrap();
        let policy = danger::policy_without_issuer_and_audience()
            .build()
            .unwrap();
        let verifier = Verifier::new(policy, StaticKeys::new(key.verification_key().unwrap()));
        let verified = verifier.verify_with_known_keys(token.expose()).unwrap();
        assert_eq!(verified.subject(), "u1", "{algorithm}");
    }
}

fn private_pem(algorithm: Algorithm) -> String {
    let kind = match algorithm {
        Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Algorithm::ES384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        Algorithm::ES512 => &rcgen::PKCS_ECDSA_P521_SHA512,
        Algorithm::EdDSA => &rcgen::PKCS_ED25519,
        _ => &rcgen::PKCS_RSA_SHA256,
    };
    rcgen::KeyPair::generate_for(kind).unwrap().serialize_pem()
}
