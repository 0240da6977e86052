//! Hooks hear of each verdict once, and change none.

use std::sync::{Arc, Mutex};

use auth_jwt::{
    Failure, KeySet, StaticKeys, Success, TokenCache, TokenUse, ValidationHooks, Verifier,
};
use futures_executor::block_on;
use serde_json::json;

use crate::support::{NOW, Standing, claims_with, code, honest_claims, policy};
use crate::{KEY, keys};

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl ValidationHooks for Heard {
    fn on_success(&self, success: &Success<'_>) {
        assert_eq!(success.token_use, TokenUse::Access);
        let token_id = success.token_id.unwrap_or("-");
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {token_id}", success.subject));
    }

    fn on_failure(&self, failure: &Failure<'_>) {
        assert_eq!(failure.token_use.as_str(), "access");
        let code = failure.rejection.code();
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {code}", failure.reason.as_str()));
    }
}

#[derive(Debug)]
struct Broken;

impl ValidationHooks for Broken {
    fn on_success(&self, _: &Success<'_>) {
        panic!("the counter is gone");
    }

    fn on_failure(&self, _: &Failure<'_>) {
        panic!("the counter is gone");
    }
}

/// What it panics with panics again when it is dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("once more");
    }
}

#[derive(Debug)]
struct BrokenTwice;

impl ValidationHooks for BrokenTwice {
    fn on_success(&self, _: &Success<'_>) {
        std::panic::panic_any(Bomb);
    }
}

fn verifier(hooks: impl ValidationHooks + 'static) -> Verifier {
    Verifier::new(policy().build().unwrap(), keys())
        .with_clock(Standing)
        .with_hooks(hooks)
}

#[test]
fn each_verdict_is_heard_once() {
    let heard = Heard::default();
    let verifier = verifier(heard.clone()).with_token_cache(TokenCache::new());
    let good = KEY.sign(&honest_claims()).unwrap();
    let expired = KEY.sign(&claims_with("exp", json!(NOW - 100))).unwrap();
    let other = KEY.sign(&claims_with("typ", json!("ID"))).unwrap();
    // The second time it is recognised, which is an acceptance like any other.
    for _ in 0..2 {
        verifier.verify_with_known_keys(good.expose()).unwrap();
        block_on(verifier.verify(good.expose())).unwrap();
        assert_eq!(heard.take(), ["planted-subject planted-token-id"; 2]);
    }
    for (token, expected) in [
        (expired.expose(), "expired expired"),
        (other.expose(), "wrong_type typ"),
        ("no token", "invalid malformed"),
    ] {
        assert!(verifier.verify_with_known_keys(token).is_err());
        assert!(block_on(verifier.verify(token)).is_err());
        assert_eq!(heard.take(), [expected; 2]);
    }
    let keyless = Verifier::new(
        policy().build().unwrap(),
        StaticKeys::new(KeySet::default()),
    )
    .with_hooks(heard.clone());
    assert!(block_on(keyless.verify(good.expose())).is_err());
    assert_eq!(heard.take(), ["invalid unknown_key"]);
}

#[test]
fn a_hook_that_panics_changes_no_verdict() {
    let (sound, broken) = (verifier(Heard::default()), verifier(Broken));
    let good = KEY.sign(&honest_claims()).unwrap();
    for token in [good.expose(), "no token"] {
        let expected = sound.verify_with_known_keys(token);
        assert_eq!(broken.verify_with_known_keys(token), expected);
        assert_eq!(block_on(broken.verify(token)), expected);
    }
    let twice = verifier(BrokenTwice);
    for broken in [broken, twice] {
        assert_eq!(
            code(broken.verify_with_known_keys(good.expose())),
            "accepted"
        );
    }
}
