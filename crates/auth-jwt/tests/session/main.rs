//! Tokens that are revoked, sessions that are over, refresh tokens that are exchanged.

#[path = "../support/mod.rs"]
mod support;

mod refresh;
mod revocation;

use std::sync::LazyLock;

use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, StaticKeys};
use serde_json::Value;

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::EdDSA).unwrap());

fn keys() -> StaticKeys {
    StaticKeys::new(KEY.verification_key().unwrap())
}

fn sign(claims: &Value) -> String {
    KEY.sign(claims).unwrap().expose().to_owned()
}
