//! What several test binaries of this crate need.

#![allow(
    dead_code,
    reason = "each test binary compiles this module and uses a part of it"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::Clock;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Policy, PolicyBuilder, Rejection};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The moment all tests are at: 2026-11-21T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_262_400;

pub(crate) const ISSUER: &str = "https://issuer.test/realms/main";

pub(crate) const AUDIENCE: &str = "my-api";

/// A clock that stands still at [`NOW`].
#[derive(Debug)]
pub(crate) struct Standing;

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs())
    }
}

/// A clock that is set by hand.
#[derive(Clone, Debug)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn at(moment: i64) -> Self {
        Self(Arc::new(AtomicI64::new(moment)))
    }

    pub(crate) fn set(&self, moment: i64) {
        self.0.store(moment, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> SystemTime {
        let secs = self.0.load(Ordering::Relaxed).unsigned_abs();
        UNIX_EPOCH + Duration::from_secs(secs)
    }
}

/// The code of the rejection, or `accepted`.
pub(crate) fn code<T>(verdict: Result<T, Rejection>) -> &'static str {
    verdict.map_or_else(|rejection| rejection.code(), |_| "accepted")
}

pub(crate) fn policy() -> PolicyBuilder {
    Policy::builder(ISSUER, AUDIENCE)
}

/// The claims of an honest token. The marker shows up in whatever quotes the token.
pub(crate) fn honest_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "planted-subject",
        "exp": NOW + 300,
        "iat": NOW - 10,
        "jti": "planted-token-id",
        "realm_access": { "roles": ["planted-role"] },
    })
}

/// The honest claims with one of them set.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = honest_claims();
    claims[name] = value;
    claims
}

/// The honest claims without one of them.
pub(crate) fn claims_without(name: &str) -> Value {
    let mut claims = honest_claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

pub(crate) fn sign(
    key: &SigningKey,
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
) -> String {
    let token = key.sign_parts(header.as_ref(), payload.as_ref()).unwrap();
    token.expose().to_owned()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[track_caller]
pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
