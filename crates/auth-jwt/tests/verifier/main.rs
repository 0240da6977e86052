//! What a verifier does besides judging one token by one policy: it remembers, it tells, and it
//! knows whose token is whose.

#[path = "../support/mod.rs"]
mod support;

mod cache;
mod hooks;
mod issuers;

use std::sync::LazyLock;

use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, StaticKeys};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::EdDSA).unwrap());

fn keys() -> StaticKeys {
    StaticKeys::new(KEY.verification_key().unwrap())
}
