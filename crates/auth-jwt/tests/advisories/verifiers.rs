//! Several verifiers, or one over time: an answer is never that to another question.

use std::sync::{Arc, Mutex};

use auth_core::{Authenticator, BoxFuture, Clock, Secret};
use auth_jwt::{
    Algorithm, KeySet, KeySource, KeysUnavailable, PolicyBuilder, RoleClaim, StaticKeys,
    TokenCache, Verifier,
};
use serde_json::json;

use crate::support::{
    AUDIENCE, Hand, ISSUER, NOW, Standing, claims_with, honest_claims, policy, sign,
};
use crate::{ISSUER_KEY, STRANGER, code, header, ready, with_header, with_payload};

/// The verifier under test; every test here gets its verifiers from this one place.
fn verifier(
    policy: PolicyBuilder,
    keys: impl KeySource + 'static,
    clock: impl Clock + 'static,
) -> Verifier {
    Verifier::new(policy.build().unwrap(), keys)
        .with_clock(clock)
        .with_token_cache(TokenCache::new())
}

fn issuers_key() -> StaticKeys {
    StaticKeys::new(ISSUER_KEY.verification_key().unwrap())
}

fn strangers_key() -> StaticKeys {
    StaticKeys::new(STRANGER.verification_key().unwrap())
}

/// fast-jwt answered from its cache under a key that left out what was asked, so one token's claims
/// were handed out for another, and one verifier's answer for another's.
#[test]
fn ghsa_rp9m_7r4c_75qg_verifiers_of_different_policies_never_answer_for_one_another() {
    let token = with_header(&json!({}));
    let other = || auth_jwt::Policy::builder("https://other.test", AUDIENCE);
    let for_other = || auth_jwt::Policy::builder(ISSUER, "other-api");
    let later = Hand::at(NOW + 3600);
    let question = |policy, keys: StaticKeys| verifier(policy, keys, Standing);
    let questions = [
        (question(policy(), issuers_key()), "accepted"),
        (question(other(), issuers_key()), "issuer"),
        (question(for_other(), issuers_key()), "audience"),
        (
            question(policy().algorithms([Algorithm::RS256]), issuers_key()),
            "alg_not_allowed",
        ),
        (
            question(policy().token_type("at+jwt"), issuers_key()),
            "typ",
        ),
        (
            question(policy().require_claim("sid"), issuers_key()),
            "missing_claim",
        ),
        (
            question(policy().max_token_bytes(100), issuers_key()),
            "too_large",
        ),
        (question(policy(), strangers_key()), "bad_signature"),
        (
            question(policy(), StaticKeys::new(KeySet::default())),
            "unknown_key",
        ),
        (verifier(policy(), issuers_key(), later), "expired"),
    ];
    // Each after each other, so that there is something to be confused with.
    for _ in 0..2 {
        for (first, expected_first) in &questions {
            for (second, expected_second) in &questions {
                let first = code(first.verify_with_known_keys(&token));
                assert_eq!(first, *expected_first);
                let second = code(ready(second.verify(&token)));
                assert_eq!(second, *expected_second, "after {expected_first}");
            }
        }
    }
}

/// The same defect from the other side: two tokens that are alike in all that one might tell them by.
#[test]
fn ghsa_rp9m_7r4c_75qg_a_token_is_never_answered_with_the_claims_of_another() {
    let verifier = verifier(policy(), issuers_key(), Standing);
    let tokens: Vec<_> = ["ada", "bob", "eve"]
        .map(|subject| {
            (
                subject,
                with_payload(claims_with("sub", json!(subject)).to_string()),
            )
        })
        .into();
    for _ in 0..2 {
        for (subject, token) in &tokens {
            let claims = verifier.verify_with_known_keys(token).unwrap();
            assert_eq!(claims.subject(), *subject);
            let claims = ready(verifier.verify(token)).unwrap();
            assert_eq!(claims.subject(), *subject);
            // What was accepted does not speak for the same claims under another signature.
            let forged = sign(&STRANGER, header(&json!({})), claims.as_json());
            let (signed, _) = token.rsplit_once('.').unwrap();
            assert!(forged.starts_with(signed));
            assert_eq!(
                code(verifier.verify_with_known_keys(&forged)),
                "bad_signature"
            );
            let longer = format!("{token}=");
            assert_eq!(code(verifier.verify_with_known_keys(&longer)), "malformed");
        }
    }
}

/// The same defect in what is derived: which claims list roles is a part of the question.
#[test]
fn ghsa_rp9m_7r4c_75qg_roles_are_those_of_the_policy_that_asks() {
    let claims = claims_with("roles", json!(["from-the-list"]));
    let token = Secret::from(with_payload(claims.to_string()));
    let of =
        |claims: Vec<RoleClaim>| verifier(policy().roles_from(claims), issuers_key(), Standing);
    let questions = [
        (of(vec![RoleClaim::KeycloakRealm]), &["planted-role"][..]),
        (
            of(vec![RoleClaim::List("roles".into())]),
            &["from-the-list"],
        ),
        (of(vec![]), &[]),
        (
            of(vec![
                RoleClaim::List("roles".into()),
                RoleClaim::KeycloakRealm,
            ]),
            &["from-the-list", "planted-role"],
        ),
    ];
    for _ in 0..2 {
        for (verifier, expected) in &questions {
            let identity = ready(verifier.authenticate(&token)).unwrap();
            for role in ["planted-role", "from-the-list"] {
                let has = identity.roles().contains(&role.into());
                assert_eq!(has, expected.contains(&role), "{role} of {expected:?}");
            }
        }
    }
}

/// fast-jwt's cache, and others like it, went on answering when the token had ended.
#[test]
fn ghsa_rp9m_7r4c_75qg_an_answer_does_not_outlive_the_token() {
    let clock = Hand::at(NOW);
    let verifier = verifier(policy(), issuers_key(), clock.clone());
    let token = with_payload(claims_with("nbf", json!(NOW)).to_string());
    for (moment, expected) in [
        (NOW, "accepted"),
        (NOW + 300 + 59, "accepted"),
        (NOW + 300 + 60, "expired"),
        (NOW, "accepted"),
        (NOW - 61, "not_yet_valid"),
        (NOW, "accepted"),
    ] {
        clock.set(moment);
        assert_eq!(code(verifier.verify_with_known_keys(&token)), expected);
        assert_eq!(code(ready(verifier.verify(&token))), expected);
    }
}

/// Spring Security went on trusting a key that its issuer had withdrawn.
#[test]
fn spring_security_5853_a_withdrawn_key_is_no_longer_trusted() {
    let keys = Changing::default();
    let verifier = verifier(policy(), keys.clone(), Standing);
    let token = ISSUER_KEY.sign(&honest_claims()).unwrap();
    let known = || KeySet::from(ISSUER_KEY.verification_key().unwrap());
    let replaced = || KeySet::from(STRANGER.verification_key().unwrap());
    for (set, expected) in [
        (known(), "accepted"),
        (KeySet::default(), "unknown_key"),
        (known(), "accepted"),
        (replaced(), "bad_signature"),
        (known(), "accepted"),
    ] {
        keys.change_to(set);
        for _ in 0..2 {
            let verdict = verifier.verify_with_known_keys(token.expose());
            assert_eq!(code(verdict), expected);
            assert_eq!(code(ready(verifier.verify(token.expose()))), expected);
        }
    }
}

/// Keys that the issuer adds and withdraws.
#[derive(Clone, Debug, Default)]
struct Changing(Arc<Mutex<Arc<KeySet>>>);

impl Changing {
    fn change_to(&self, keys: KeySet) {
        *self.0.lock().unwrap() = Arc::new(keys);
    }
}

impl KeySource for Changing {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.lock().unwrap())
    }

    fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
