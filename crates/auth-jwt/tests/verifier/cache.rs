//! The cache of verified tokens: a hit is the same token, by the same policy, at a time and with
//! keys that still accept it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{Authenticator, BoxFuture, Secret};
use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, Epoch, KeySet, KeySource, KeysUnavailable, Policy, StaticKeys, TokenCache, Verifier,
};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Hand, NOW, Standing, claims_with, code, honest_claims, policy};
use crate::{KEY, keys};

/// Keys that count how often they are taken, which a recognised token does not do.
#[derive(Clone, Debug)]
struct Counted(Arc<CountedState>);

#[derive(Debug)]
struct CountedState {
    set: Mutex<Arc<KeySet>>,
    taken: AtomicUsize,
}

impl Counted {
    fn new(key: &SigningKey) -> Self {
        let set = KeySet::from(key.verification_key().unwrap());
        Self(Arc::new(CountedState {
            set: Mutex::new(Arc::new(set)),
            taken: AtomicUsize::new(0),
        }))
    }

    fn replace(&self, set: KeySet) {
        *self.0.set.lock().unwrap() = Arc::new(set);
    }

    fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }
}

impl KeySource for Counted {
    fn snapshot(&self) -> Arc<KeySet> {
        self.0.taken.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.0.set.lock().unwrap())
    }

    fn epoch(&self) -> Epoch {
        self.0.set.lock().unwrap().epoch()
    }

    fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn sign(claims: &Value) -> String {
    KEY.sign(claims).unwrap().expose().to_owned()
}

fn counted() -> (Counted, Verifier) {
    let source = Counted::new(&KEY);
    let verifier = Verifier::new(policy().build().unwrap(), source.clone())
        .with_clock(Standing)
        .with_token_cache(TokenCache::new());
    (source, verifier)
}

#[test]
fn a_token_that_comes_back_is_not_verified_again_and_says_the_same() {
    let (source, verifier) = counted();
    let token = sign(&honest_claims());
    let first = verifier.verify_with_known_keys(&token).unwrap();
    assert_eq!(source.taken(), 1);
    for _ in 0..3 {
        assert_eq!(verifier.verify_with_known_keys(&token).unwrap(), first);
        assert_eq!(block_on(verifier.verify(&token)).unwrap(), first);
        assert_eq!(
            verifier.clone().verify_with_known_keys(&token).unwrap(),
            first
        );
    }
    assert_eq!(source.taken(), 1);
}

#[test]
fn without_a_cache_every_token_is_verified() {
    let source = Counted::new(&KEY);
    let verifier = Verifier::new(policy().build().unwrap(), source.clone()).with_clock(Standing);
    let token = sign(&honest_claims());
    for taken in 1..4 {
        verifier.verify_with_known_keys(&token).unwrap();
        assert_eq!(source.taken(), taken);
    }
}

/// Also where what is left of it is what a token is looked up by.
#[test]
fn a_token_with_any_byte_changed_is_another_token() {
    let (_, verifier) = counted();
    let token = sign(&honest_claims());
    verifier.verify_with_known_keys(&token).unwrap();
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] ^= 1;
        if let Ok(changed) = String::from_utf8(changed) {
            let verdict = verifier.verify_with_known_keys(&changed);
            assert!(verdict.is_err(), "byte {at}: {verdict:?}");
        }
    }
    for changed in [&token[1..], &token[..token.len() - 1], &format!("{token}.")] {
        assert!(verifier.verify_with_known_keys(changed).is_err());
    }
    let header_and_payload = token.rsplit_once('.').unwrap().0;
    let forged_payload = sign(&claims_with("sub", json!("admin")));
    let signature = token.rsplit_once('.').unwrap().1;
    let forged = format!("{}.{signature}", forged_payload.rsplit_once('.').unwrap().0);
    assert_ne!(forged, format!("{header_and_payload}.{signature}"));
    assert_eq!(
        code(verifier.verify_with_known_keys(&forged)),
        "bad_signature"
    );
}

#[test]
fn a_token_is_forgotten_when_it_ends() {
    let clock = Hand::at(NOW);
    let verifier = Verifier::new(
        policy().leeway(Duration::from_secs(5)).build().unwrap(),
        keys(),
    )
    .with_clock(clock.clone())
    .with_token_cache(TokenCache::new());
    let token = sign(&claims_with("exp", json!(NOW + 300)));
    for (moment, expected) in [
        (NOW, "accepted"),
        (NOW + 304, "accepted"),
        (NOW + 305, "expired"),
        (NOW + 306, "expired"),
        // A clock that goes back finds the token as it would find a new one.
        (NOW, "accepted"),
        (NOW - 15, "accepted"),
        (NOW - 16, "not_yet_valid"),
    ] {
        clock.set(moment);
        assert_eq!(
            code(verifier.verify_with_known_keys(&token)),
            expected,
            "{moment}"
        );
        assert_eq!(
            code(block_on(verifier.verify(&token))),
            expected,
            "{moment}"
        );
    }
}

#[test]
fn a_token_is_forgotten_when_the_authentication_is_too_long_ago() {
    let clock = Hand::at(NOW);
    let policy = policy()
        .leeway(Duration::ZERO)
        .max_authentication_age(Duration::from_secs(60));
    let verifier = Verifier::new(policy.build().unwrap(), keys())
        .with_clock(clock.clone())
        .with_token_cache(TokenCache::new());
    let token = sign(&claims_with("auth_time", json!(NOW)));
    for (moment, expected) in [
        (NOW, "accepted"),
        (NOW + 60, "accepted"),
        (NOW + 61, "insufficient_authentication"),
        (NOW + 300, "expired"),
    ] {
        clock.set(moment);
        assert_eq!(
            code(verifier.verify_with_known_keys(&token)),
            expected,
            "{moment}"
        );
    }
}

#[test]
fn a_token_is_forgotten_when_the_keys_are_replaced() {
    let (source, verifier) = counted();
    let token = sign(&honest_claims());
    verifier.verify_with_known_keys(&token).unwrap();
    // The same key in another set: verified again, and accepted.
    source.replace(KeySet::from(KEY.verification_key().unwrap()));
    verifier.verify_with_known_keys(&token).unwrap();
    assert_eq!(source.taken(), 2);
    verifier.verify_with_known_keys(&token).unwrap();
    assert_eq!(source.taken(), 2);
    // The key is withdrawn.
    let other = SigningKey::generate(Algorithm::EdDSA).unwrap();
    source.replace(KeySet::from(other.verification_key().unwrap()));
    assert_eq!(
        code(verifier.verify_with_known_keys(&token)),
        "bad_signature"
    );
    source.replace(KeySet::default());
    assert_eq!(code(verifier.verify_with_known_keys(&token)), "unknown_key");
}

/// Two verifiers that come of one have the same number for different issuers.
#[test]
fn verifiers_that_come_of_one_do_not_share_what_they_remember() {
    let one = Verifier::new(Policy::builder("one", AUDIENCE).build().unwrap(), keys())
        .with_clock(Standing)
        .with_token_cache(TokenCache::new());
    let second = |policy: Policy| one.clone().with_issuer(policy, keys()).unwrap();
    let lenient = second(policy().build().unwrap());
    let strict = second(policy().require_claim("tenant").build().unwrap());
    let token = sign(&honest_claims());
    for _ in 0..2 {
        assert_eq!(code(lenient.verify_with_known_keys(&token)), "accepted");
        assert_eq!(code(strict.verify_with_known_keys(&token)), "missing_claim");
        assert_eq!(code(one.verify_with_known_keys(&token)), "issuer");
    }
}

#[test]
fn what_was_not_accepted_is_verified_again() {
    let source = Counted::new(&KEY);
    let verifier = Verifier::new(policy().build().unwrap(), source.clone())
        .with_clock(Standing)
        .with_token_cache(TokenCache::new());
    let expired = sign(&claims_with("exp", json!(NOW - 100)));
    for taken in 1..4 {
        assert_eq!(code(verifier.verify_with_known_keys(&expired)), "expired");
        assert_eq!(source.taken(), taken);
    }
}

#[test]
fn a_cache_stays_within_its_size() {
    let source = Counted::new(&KEY);
    let bytes = 64 * 1024;
    let verifier = Verifier::new(policy().build().unwrap(), source.clone())
        .with_clock(Standing)
        .with_token_cache(TokenCache::with_max_bytes(bytes));
    let tokens: Vec<_> = (0..500)
        .map(|number| sign(&claims_with("jti", json!(format!("token-{number}")))))
        .collect();
    for token in &tokens {
        verifier.verify_with_known_keys(token).unwrap();
    }
    assert_eq!(source.taken(), tokens.len());
    for token in &tokens {
        verifier.verify_with_known_keys(token).unwrap();
    }
    let remembered = 2 * tokens.len() - source.taken();
    // A token of this size with its claims takes more than 1 KiB.
    assert!((1..=64).contains(&remembered), "{remembered}");
    let text = format!("{verifier:?}");
    assert!(text.contains("TokenCache"), "{text}");
    assert!(!text.contains("planted"), "{text}");
}

#[test]
fn a_cache_without_room_remembers_nothing() {
    let source = Counted::new(&KEY);
    let verifier = Verifier::new(policy().build().unwrap(), source.clone())
        .with_clock(Standing)
        .with_token_cache(TokenCache::with_max_bytes(0));
    let token = sign(&honest_claims());
    for taken in 1..4 {
        verifier.verify_with_known_keys(&token).unwrap();
        assert_eq!(source.taken(), taken);
    }
}

#[test]
fn the_identity_of_a_token_that_comes_back_is_that_of_the_token() {
    let (_, verifier) = counted();
    let other = claims_with("sub", json!("somebody-else"));
    for _ in 0..2 {
        for (claims, subject) in [
            (honest_claims(), "planted-subject"),
            (other.clone(), "somebody-else"),
        ] {
            let token = Secret::from(sign(&claims));
            let identity = block_on(verifier.authenticate(&token)).unwrap();
            assert_eq!(identity.subject(), subject);
            assert_eq!(identity.bearer(), &token);
        }
    }
}

/// Many threads, one token: whoever comes first, all are told the same.
#[test]
fn threads_that_share_a_verifier_are_told_the_same() {
    let (_, verifier) = counted();
    let tokens: Vec<_> = (0..8)
        .map(|number| sign(&claims_with("sub", json!(format!("user-{number}")))))
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    for (number, token) in tokens.iter().enumerate() {
                        let claims = verifier.verify_with_known_keys(token).unwrap();
                        assert_eq!(claims.subject(), format!("user-{number}"));
                    }
                }
            });
        }
    });
}

#[test]
fn a_key_set_is_never_taken_for_another() {
    let key = || KEY.verification_key().unwrap();
    let (one, other) = (KeySet::from(key()), KeySet::from(key()));
    assert_ne!(one.epoch(), other.epoch());
    let source = StaticKeys::new(one);
    assert_eq!(source.epoch(), source.snapshot().epoch());
    assert_eq!(Arc::new(source.clone()).epoch(), source.epoch());
}

/// A header that was seen is not read again, and decides the same; there are more headers than are
/// remembered.
#[test]
fn a_header_decides_the_same_the_second_time() {
    let verifier = Verifier::new(policy().build().unwrap(), keys()).with_clock(Standing);
    let claims = honest_claims().to_string();
    let judge = |header: &str| {
        let token = crate::support::sign(&KEY, header, &claims);
        code(verifier.verify_with_known_keys(&token))
    };
    for _ in 0..3 {
        for number in 0..20 {
            let honest = format!(r#"{{"alg":"EdDSA","kid":"k{number}"}}"#);
            assert_eq!(judge(&honest), "accepted");
            assert_eq!(
                judge(&format!(r#"{{"alg":"EdDSA","typ":"{number}"}}"#)),
                "typ"
            );
        }
        assert_eq!(judge(r#"{"alg":"ES256"}"#), "alg_not_allowed");
        assert_eq!(judge(r#"{"alg":"none"}"#), "alg_not_allowed");
        assert_eq!(judge(r#"{"alg":"EdDSA","crit":["x"]}"#), "crit");
        assert_eq!(judge(r#"{"alg":"EdDSA","alg":"EdDSA"}"#), "malformed");
    }
}
