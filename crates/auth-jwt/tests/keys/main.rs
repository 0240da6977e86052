//! Keys that are no good, and what is said of them.

#[path = "../support/mod.rs"]
mod support;

mod jwks;
mod pem;
mod secrets;

use std::sync::LazyLock;

use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeyError};
use serde_json::Value;

static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::RS256).unwrap());
static EC: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::ES256).unwrap());
static ED: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::EdDSA).unwrap());

/// The kind of an error; its text may change.
fn kind(error: KeyError) -> &'static str {
    match error {
        KeyError::Malformed(_) => "malformed",
        KeyError::Weak(_) => "weak",
        KeyError::NotForVerifying(_) => "not for verifying",
        KeyError::Unsupported(_) => "unsupported",
        _ => "a kind these tests do not know",
    }
}

/// The public JWK of a key, less what only restricts it.
fn jwk(key: &SigningKey) -> Value {
    let mut jwk = key.public_jwk().unwrap();
    let members = jwk.as_object_mut().unwrap();
    members.remove("alg");
    members.remove("use");
    jwk
}

/// The modulus and the exponent of the RSA key.
fn rsa_numbers() -> [Vec<u8>; 2] {
    let jwk = jwk(&RSA);
    ["n", "e"].map(|name| support::decode(jwk[name].as_str().unwrap()))
}
