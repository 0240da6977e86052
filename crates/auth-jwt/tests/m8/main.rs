//! The policies for m8 by themselves: what each outcome is called, in the text clients know and in
//! the reason hooks hear (contract m8 §2), and the weaknesses of the original that are none here
//! (§9), each with a test of its name. How the published original judges the same is compared in
//! `crates/auth-testkit/tests/m8`.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod access_outcomes;
mod refresh_outcomes;
mod revocation_outcomes;
mod vectors;
mod weaknesses;

use std::sync::{Arc, Mutex};

use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, Failure, Policy, Rejection, StaticKeys, Success, TokenUse, ValidationHooks,
    Verifier, m8,
};
use serde_json::{Value, json};
use support::{NOW, Standing};

/// Contract m8, appendix A.
const SECRET: &[u8] = b"Abcdef-1234_XYZ-abcdef-ghijkl-mnopqr-stuvwx";

const ISSUER: &str = "https://auth.test";
const AUDIENCE: &str = "orders";
const SUBJECT: &str = "550e8400-e29b-41d4-a716-446655440000";

fn key() -> SigningKey {
    SigningKey::from_secret(&SecretBytes::from(SECRET), Algorithm::HS256).unwrap()
}

/// What an m8 issuer writes into an access token.
fn access_claims() -> Value {
    json!({
        "sub": SUBJECT, "type": "access", "jti": "a1", "iss": ISSUER, "aud": AUDIENCE,
        "exp": NOW + 300, "iat": NOW - 10, "nbf": NOW - 10,
        "email": "ada@example.com", "full_name": null, "avatar": null, "is_active": true,
        "email_verified": true, "is_superuser": false, "role": "writer",
    })
}

/// What an m8 issuer writes into a refresh token.
fn refresh_claims() -> Value {
    json!({ "sub": SUBJECT, "type": "refresh", "jti": "r1", "exp": NOW + 7200 })
}

/// The claims with one of them set, or left out if the value is none.
fn with(mut claims: Value, name: &str, value: impl Into<Option<Value>>) -> Value {
    match value.into() {
        Some(value) => claims[name] = value,
        None => drop(claims.as_object_mut().unwrap().remove(name)),
    }
    claims
}

fn sign(claims: &Value) -> String {
    key().sign(claims).unwrap().expose().to_owned()
}

fn verifier(policy: Policy) -> Verifier {
    let keys = StaticKeys::new(key().verification_key().unwrap());
    Verifier::new(policy, keys).with_clock(Standing)
}

fn strict() -> Policy {
    m8::access(ISSUER, AUDIENCE).build().unwrap()
}

fn lax() -> Policy {
    let policy = auth_jwt::danger::m8_access_as_the_original();
    policy.build().unwrap()
}

/// What the hooks hear of one token, and the text of m8 for what comes of it.
fn told(policy: Policy, token: &str) -> (Result<m8::User, &'static str>, Vec<String>) {
    let hooks = Heard::default();
    let verdict = verifier(policy)
        .with_hooks(hooks.clone())
        .verify_with_known_keys(token);
    let verdict = match verdict {
        Ok(claims) => Ok(m8::User::from_claims(&claims).unwrap()),
        Err(rejection) => Err(m8::outcome(TokenUse::Access, &rejection).message),
    };
    (verdict, hooks.take())
}

/// Hooks that write down what they are told, in a word or two.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl ValidationHooks for Heard {
    fn on_success(&self, success: &Success<'_>) {
        let token_use = success.token_use.as_str();
        let (token_id, subject) = (success.token_id.unwrap_or("-"), success.subject);
        let line = format!("{token_use} success {token_id} {subject}");
        self.0.lock().unwrap().push(line);
    }

    fn on_failure(&self, failure: &Failure<'_>) {
        let (token_use, reason) = (failure.token_use.as_str(), failure.reason.as_str());
        let line = format!("{token_use} failure {reason}");
        self.0.lock().unwrap().push(line);
    }
}

/// The code of a rejection, or what was accepted instead.
fn code<T: std::fmt::Debug>(verdict: Result<T, Rejection>) -> String {
    match verdict {
        Ok(accepted) => format!("accepted {accepted:?}"),
        Err(rejection) => rejection.code().to_owned(),
    }
}
