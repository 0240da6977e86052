//! Published advisories about other libraries, one test each, under the advisory's own name.
//!
//! Each says in a line what the defect was, shows that it is not ours, and has a control beside it:
//! the honest counterpart is accepted, so a verifier that refuses everything fails here. Variations
//! of the same attacks are in `tests/attacks` and `tests/keys`.

#[path = "../support/mod.rs"]
mod support;

mod claims;
mod fetching;
mod form;
mod secrets;
mod verifiers;

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, Claims, KeySet, Rejection, StaticKeys, Verifier};
use serde_json::{Value, json};
use support::{Standing, honest_claims, policy, sign};

/// The issuer's key.
static ISSUER_KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::generate(Algorithm::ES256)
        .unwrap()
        .with_kid("k1")
});

/// A key nobody trusts, under the name of the issuer's.
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::generate(Algorithm::ES256)
        .unwrap()
        .with_kid("k1")
});

/// `accepted`, or the code of the rejection.
fn code(verdict: Result<Claims, Rejection>) -> &'static str {
    verdict.map_or_else(|rejection| rejection.code(), |_| "accepted")
}

/// The verdict of a verifier that has these keys.
fn verdict(keys: impl Into<KeySet>, token: &str) -> &'static str {
    let policy = policy().build().unwrap();
    let verifier = Verifier::new(policy, StaticKeys::new(keys)).with_clock(Standing);
    code(verifier.verify_with_known_keys(token))
}

/// The verdict of a verifier that has the issuer's key.
fn verdict_of_issuer(token: &str) -> &'static str {
    verdict(ISSUER_KEY.verification_key().unwrap(), token)
}

/// An honest header with members added or replaced.
fn header(members: &Value) -> String {
    let mut header = json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" });
    for (name, value) in members.as_object().unwrap() {
        header[name] = value.clone();
    }
    header.to_string()
}

/// The issuer signs any payload under an honest header.
fn with_payload(payload: impl AsRef<[u8]>) -> String {
    sign(&ISSUER_KEY, header(&json!({})), payload)
}

/// The issuer signs honest claims under a header with members added or replaced.
fn with_header(members: &Value) -> String {
    sign(&ISSUER_KEY, header(members), honest_claims().to_string())
}

/// Runs what never waits.
#[track_caller]
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the keys are there at once, so nothing waits"),
    }
}
