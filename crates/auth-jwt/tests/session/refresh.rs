//! A refresh token is good once; who presents it again has stolen it, or was a moment too late.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use auth_core::{BoxFuture, UnixTime};
use auth_jwt::session::memory::RefreshTokens;
use auth_jwt::session::{
    Exchange, RefreshStore, RefreshToken, RefreshTokenPolicy, Rotation, RotationAnswer,
    StoreUnavailable,
};
use auth_jwt::{
    Failure, Policy, Success, TokenUse, ValidationHooks, Verifier, VerifierError, danger, m8,
};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::support::{Hand, NOW, code};
use crate::{keys, sign};

const SUBJECT: &str = "550e8400-e29b-41d4-a716-446655440000";
const LIFETIME: Duration = Duration::from_secs(3600);

fn token(token_id: &str) -> String {
    token_of(SUBJECT, token_id)
}

fn token_of(subject: &str, token_id: &str) -> String {
    sign(&json!({ "type": "refresh", "sub": subject, "jti": token_id, "exp": NOW + 3600 }))
}

fn refresh_policy(clock: &Hand) -> RefreshTokenPolicy {
    over(RefreshTokens::new(), clock)
}

fn over(store: impl RefreshStore + 'static, clock: &Hand) -> RefreshTokenPolicy {
    let verifier = Verifier::new(m8::refresh().build().unwrap(), keys());
    RefreshTokenPolicy::new(verifier.with_clock(clock.clone()), store).unwrap()
}

fn register(policy: &RefreshTokenPolicy, token_id: &str) {
    block_on(policy.register(token_id, SUBJECT, LIFETIME)).unwrap();
}

/// The identifier of the token to hand out, or the code of the rejection.
fn exchange(policy: &RefreshTokenPolicy, old: &str, new: &str) -> String {
    match block_on(policy.exchange(&token(old), new, LIFETIME)) {
        Ok(Exchange::Rotated { next, .. }) => next.token_id,
        Ok(Exchange::Raced { next, .. }) => format!("raced {}", next.token_id),
        Ok(_) => unreachable!("there is no third answer"),
        Err(rejection) => rejection.code().to_owned(),
    }
}

#[test]
fn each_token_is_exchanged_for_the_next() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    let exchanged = block_on(policy.exchange(&token("r2"), "r3", LIFETIME)).unwrap();
    assert_eq!(exchanged.claims().token_id(), Some("r2"));
    let next = exchanged.next();
    assert_eq!(
        next,
        &RefreshToken::new("r3", SUBJECT, UnixTime::from_secs(NOW + 3600))
    );
}

#[test]
fn a_token_used_again_after_the_grace_ends_the_family() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    register(&policy, "other");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    clock.set(NOW + 10);
    assert_eq!(exchange(&policy, "r1", "r3"), "reused");
    // The honest one cannot go on either, and the other family can.
    for old in ["r2", "r1", "r3"] {
        assert_eq!(exchange(&policy, old, "r4"), "revoked", "{old}");
    }
    assert_eq!(exchange(&policy, "other", "other-2"), "other-2");
}

/// Two requests of one client that cross each other: both are told the same token.
#[test]
fn the_slower_of_two_is_told_what_the_faster_got() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    clock.set(NOW + 9);
    assert_eq!(exchange(&policy, "r1", "r3"), "raced r2");
    // A third one, when the winner has gone on already.
    assert_eq!(exchange(&policy, "r2", "r4"), "r4");
    assert_eq!(exchange(&policy, "r1", "r5"), "raced r4");
    // What was not handed out is not known.
    assert_eq!(exchange(&policy, "r3", "r6"), "revoked");
    assert_eq!(exchange(&policy, "r4", "r7"), "r7");
}

/// Each exchange on the way has to have just happened.
#[test]
fn a_chain_of_races_ends_with_its_oldest_grace() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    clock.set(NOW + 8);
    assert_eq!(exchange(&policy, "r2", "r3"), "r3");
    clock.set(NOW + 9);
    assert_eq!(exchange(&policy, "r1", "r9"), "raced r3");
    clock.set(NOW + 12);
    assert_eq!(exchange(&policy, "r2", "r9"), "raced r3");
    assert_eq!(exchange(&policy, "r1", "r9"), "reused");
    assert_eq!(exchange(&policy, "r3", "r9"), "revoked");
}

#[test]
fn without_a_grace_every_second_use_is_a_reuse() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock).with_grace(Duration::ZERO);
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    assert_eq!(exchange(&policy, "r1", "r2"), "reused");
}

#[test]
fn a_grace_is_a_minute_at_most() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock).with_grace(Duration::from_secs(86_400));
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    clock.set(NOW + 59);
    assert_eq!(exchange(&policy, "r1", "r2"), "raced r2");
    clock.set(NOW + 60);
    assert_eq!(exchange(&policy, "r1", "r3"), "reused");
}

/// Contract m8 §9 W1, with threads: ten at once, one exchange, one live token.
#[test]
fn of_many_at_once_one_exchanges_and_all_hold_the_same() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    for round in 0..50 {
        let first = format!("first-{round}");
        register(&policy, &first);
        let start = Barrier::new(10);
        let answers = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for number in 0..10 {
                let (policy, first, start, answers) = (&policy, &first, &start, &answers);
                scope.spawn(move || {
                    start.wait();
                    let answer = exchange(policy, first, &format!("next-{round}-{number}"));
                    answers.lock().unwrap().push(answer);
                });
            }
        });
        let answers = answers.into_inner().unwrap();
        let (raced, rotated): (Vec<_>, Vec<_>) = answers
            .iter()
            .partition(|answer| answer.starts_with("raced "));
        assert_eq!(rotated.len(), 1, "{answers:?}");
        assert!(
            raced
                .iter()
                .all(|raced| **raced == format!("raced {}", rotated[0]))
        );
    }
}

#[test]
fn what_the_store_does_not_know_is_not_exchanged() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    assert_eq!(exchange(&policy, "never-issued", "r2"), "revoked");
    // Registered for somebody else.
    register(&policy, "r1");
    let thief = token_of("11111111-1111-4111-8111-111111111111", "r1");
    let verdict = block_on(policy.exchange(&thief, "r2", LIFETIME));
    assert_eq!(code(verdict), "revoked");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
}

#[test]
fn what_is_wrong_with_the_token_itself_comes_first() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    let judge = |claims: Value| code(block_on(policy.exchange(&sign(&claims), "r2", LIFETIME)));
    let claims = |name: &str, value: Value| {
        let mut claims = json!({ "type": "refresh", "sub": SUBJECT, "jti": "r1", "exp": NOW + 10 });
        claims[name] = value;
        claims
    };
    for (claims, expected) in [
        (claims("exp", json!(NOW)), "expired"),
        (claims("type", json!("access")), "typ"),
        (claims("type", json!(null)), "missing_claim"),
        (claims("jti", json!("")), "bad_claim"),
        (claims("jti", json!(1)), "bad_claim"),
        (claims("sub", json!("u1")), "bad_claim"),
        (claims("aud", json!("anybody")), "audience"),
        (claims("nbf", json!(NOW + 1)), "not_yet_valid"),
        (claims("iss", json!("whoever")), "accepted"),
    ] {
        assert_eq!(judge(claims.clone()), expected, "{claims}");
    }
}

/// A policy that is not m8's may leave the `jti` out; an exchange may not.
#[test]
fn a_token_without_an_identifier_cannot_be_exchanged() {
    let plain = danger::policy_without_issuer_and_audience().token_type("refresh+jwt");
    let policy: Policy = plain.build().unwrap();
    let verifier = Verifier::new(policy, keys()).with_clock(Hand::at(NOW));
    let policy = RefreshTokenPolicy::new(verifier, RefreshTokens::new()).unwrap();
    let header = r#"{"alg":"EdDSA","typ":"refresh+jwt"}"#;
    let payload = json!({ "sub": "u1", "exp": NOW + 10 }).to_string();
    let token = crate::support::sign(&crate::KEY, header, payload);
    assert_eq!(
        code(block_on(policy.exchange(&token, "r2", LIFETIME))),
        "missing_claim"
    );
}

#[test]
fn a_logout_ends_the_family() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    assert!(block_on(policy.revoke("r2")).unwrap());
    assert_eq!(exchange(&policy, "r2", "r3"), "revoked");
    assert_eq!(exchange(&policy, "r1", "r3"), "revoked");
    assert!(!block_on(policy.revoke("r2")).unwrap());
    assert!(!block_on(policy.revoke("nobody")).unwrap());
}

#[test]
fn an_identifier_is_given_once() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    register(&policy, "victim");
    let again = block_on(policy.register("r1", SUBJECT, LIFETIME));
    assert_eq!(code(again), "revocation_unavailable");
    // Neither another's token nor the old one itself is a new one.
    for taken in ["victim", "r1"] {
        assert_eq!(exchange(&policy, "r1", taken), "revocation_unavailable");
    }
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    assert_eq!(exchange(&policy, "victim", "victim-2"), "victim-2");
}

#[test]
fn a_full_store_forgets_what_has_ended_and_nothing_else() {
    let clock = Hand::at(NOW);
    let policy = over(RefreshTokens::bounded(2), &clock);
    block_on(policy.register("short", SUBJECT, Duration::from_secs(10))).unwrap();
    register(&policy, "r1");
    // There is no room for the next one, so the old one stays good.
    assert_eq!(exchange(&policy, "r1", "r2"), "revocation_unavailable");
    assert_eq!(exchange(&policy, "r1", "r2"), "revocation_unavailable");
    clock.set(NOW + 10);
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    // An exchanged token is kept as long as it could be presented again.
    let full = block_on(policy.register("r9", SUBJECT, LIFETIME));
    assert_eq!(code(full), "revocation_unavailable");
}

/// An issuer may give the access and the refresh token of a pair one `jti` (contract m8 §11): whoever
/// gets the one must not get the other for it.
#[test]
fn a_policy_that_accepts_access_tokens_is_refused() {
    let of = |policy: Policy| {
        let verifier = Verifier::new(policy, keys());
        RefreshTokenPolicy::new(verifier, RefreshTokens::new()).map(drop)
    };
    let plain = || danger::policy_without_issuer_and_audience();
    for access in [
        plain(),
        Policy::builder("i", "a"),
        Policy::rfc9068("i", "a"),
        plain().token_type("JWT"),
        m8::access("i", "a"),
        danger::m8_access_as_the_original(),
    ] {
        let refused = of(access.build().unwrap());
        assert_eq!(refused, Err(VerifierError::NotForRefresh));
    }
    for refresh in [m8::refresh(), plain().token_type("refresh+jwt")] {
        assert_eq!(of(refresh.build().unwrap()), Ok(()));
    }
    // An identifier is one of its issuer, and the store does not know issuers.
    let one = m8::refresh().issuer("one").build().unwrap();
    let other = m8::refresh().issuer("other").build().unwrap();
    let both = Verifier::new(one, keys())
        .with_issuer(other, keys())
        .unwrap();
    let refused = RefreshTokenPolicy::new(both, RefreshTokens::new());
    assert_eq!(refused.unwrap_err(), VerifierError::SeveralIssuers);
    let two_names = m8::refresh().issuer("one").issuer("other").build().unwrap();
    assert_eq!(of(two_names), Err(VerifierError::SeveralIssuers));
}

/// The issuers' tokens may have one identifier, and the policies one store.
#[test]
fn an_identifier_is_one_of_its_issuer() {
    let clock = Hand::at(NOW);
    let store = RefreshTokens::new();
    let of = |issuer: &str| {
        let policy = m8::refresh().issuer(issuer).build().unwrap();
        let verifier = Verifier::new(policy, keys()).with_clock(clock.clone());
        RefreshTokenPolicy::new(verifier, store.clone()).unwrap()
    };
    let (ours, theirs) = (of("ours"), of("theirs"));
    let token = |issuer: &str| {
        sign(&json!({
            "iss": issuer, "type": "refresh", "sub": SUBJECT, "jti": "r1", "exp": NOW + 3600,
        }))
    };
    register(&ours, "r1");
    let stranger = block_on(theirs.exchange(&token("theirs"), "r2", LIFETIME));
    assert_eq!(code(stranger), "revoked");
    assert!(!block_on(theirs.revoke("r1")).unwrap());
    register(&theirs, "r1");
    for policy in [(&ours, "ours"), (&theirs, "theirs")] {
        let exchanged = block_on(policy.0.exchange(&token(policy.1), "r2", LIFETIME));
        let next = exchanged.unwrap().next().clone();
        assert_eq!(next.issuer.as_deref(), Some(policy.1));
    }
    assert!(block_on(theirs.revoke("r2")).unwrap());
    assert!(block_on(ours.revoke("r2")).unwrap());
}

/// A token that nobody could present again took the place of a good one.
#[test]
fn what_could_not_be_presented_is_not_exchanged_for() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", ""), "bad_claim");
    let short = Duration::from_millis(999);
    assert_eq!(
        code(block_on(policy.exchange(&token("r1"), "r2", short))),
        "bad_claim"
    );
    assert_eq!(
        code(block_on(policy.register("", SUBJECT, LIFETIME))),
        "bad_claim"
    );
    assert_eq!(
        code(block_on(policy.register("r9", SUBJECT, Duration::ZERO))),
        "bad_claim"
    );
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
}

/// m8's words are few; who is not m8 hears what is the matter.
#[test]
fn hooks_of_other_refresh_tokens_hear_all_reasons() {
    let heard = Heard::default();
    let policy = danger::policy_without_issuer_and_audience().token_type("refresh+jwt");
    let verifier = Verifier::new(policy.build().unwrap(), keys())
        .with_clock(Hand::at(NOW))
        .with_hooks(heard.clone());
    let policy = RefreshTokenPolicy::new(verifier, RefreshTokens::new()).unwrap();
    let token = |exp: i64| {
        let header = r#"{"alg":"EdDSA","typ":"refresh+jwt"}"#;
        let payload = json!({ "sub": "u1", "jti": "r1", "exp": exp }).to_string();
        crate::support::sign(&crate::KEY, header, payload)
    };
    assert!(block_on(policy.exchange(&token(NOW - 100), "r2", LIFETIME)).is_err());
    assert!(block_on(policy.exchange(&token(NOW + 100), "r2", LIFETIME)).is_err());
    assert_eq!(*heard.0.lock().unwrap(), ["expired", "revoked"]);
}

/// One valid token, exchanged all day, took all the room there was.
#[test]
fn one_family_does_not_fill_the_store() {
    let clock = Hand::at(NOW);
    let policy = over(RefreshTokens::bounded(40), &clock);
    register(&policy, "t0");
    for number in 0..200 {
        let (old, new) = (format!("t{number}"), format!("t{}", number + 1));
        assert_eq!(exchange(&policy, &old, &new), new);
        clock.set(NOW + 11 * number);
    }
    register(&policy, "other");
    // What is older than the newest few is refused, and the family stays.
    assert_eq!(exchange(&policy, "t3", "x"), "revoked");
    assert_eq!(exchange(&policy, "t200", "t201"), "t201");
    assert_eq!(exchange(&policy, "t199", "x"), "reused");
    assert_eq!(exchange(&policy, "t201", "x"), "revoked");
}

#[test]
fn a_clock_that_is_set_back_makes_no_grace_longer() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    assert_eq!(exchange(&policy, "r1", "r2"), "r2");
    clock.set(NOW - 3600);
    assert_eq!(exchange(&policy, "r1", "r3"), "reused");
}

#[test]
fn a_race_is_not_answered_with_a_token_that_has_ended() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock).with_grace(Duration::from_secs(60));
    register(&policy, "r1");
    let short = Duration::from_secs(5);
    block_on(policy.exchange(&token("r1"), "r2", short)).unwrap();
    clock.set(NOW + 4);
    assert_eq!(exchange(&policy, "r1", "r3"), "raced r2");
    clock.set(NOW + 5);
    assert_eq!(exchange(&policy, "r1", "r3"), "revoked");
}

/// One user of m8 has four spellings, and is one user.
#[test]
fn a_token_is_found_however_its_subject_is_spelled() {
    let clock = Hand::at(NOW);
    let policy = refresh_policy(&clock);
    register(&policy, "r1");
    for (old, new, subject) in [
        ("r1", "r2", SUBJECT.to_uppercase()),
        ("r2", "r3", SUBJECT.replace('-', "")),
        ("r3", "r4", format!("{{{SUBJECT}}}")),
        ("r4", "r5", format!("urn:uuid:{SUBJECT}")),
    ] {
        let exchanged = block_on(policy.exchange(&token_of(&subject, old), new, LIFETIME));
        assert_eq!(exchanged.unwrap().next().subject, SUBJECT);
    }
}

/// A store that does not answer.
#[derive(Debug)]
struct Away;

impl RefreshStore for Away {
    fn register<'a>(
        &'a self,
        _: &'a RefreshToken,
        _: UnixTime,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(std::future::ready(Err(StoreUnavailable::new("away"))))
    }

    fn rotate<'a>(
        &'a self,
        _: &'a Rotation,
        _: UnixTime,
    ) -> BoxFuture<'a, Result<RotationAnswer, StoreUnavailable>> {
        Box::pin(std::future::ready(Err(StoreUnavailable::new("away"))))
    }

    fn revoke_family<'a>(
        &'a self,
        _: Option<&'a str>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(std::future::ready(Err(StoreUnavailable::new("away"))))
    }
}

#[test]
fn without_a_store_nothing_is_exchanged_and_nobody_is_blamed() {
    let clock = Hand::at(NOW);
    let policy = over(Away, &clock);
    let rejection = block_on(policy.exchange(&token("r1"), "r2", LIFETIME)).unwrap_err();
    assert!(rejection.is_undetermined());
    assert_eq!(
        rejection.to_string(),
        "the token store is unavailable: away"
    );
    assert!(block_on(policy.register("r1", SUBJECT, LIFETIME)).is_err());
    assert!(block_on(policy.revoke("r1")).is_err());
}

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl ValidationHooks for Heard {
    fn on_success(&self, success: &Success<'_>) {
        let text = format!("{} {}", success.subject, success.token_id.unwrap_or("-"));
        assert_eq!(success.token_use, TokenUse::Refresh);
        self.0.lock().unwrap().push(text);
    }

    fn on_failure(&self, failure: &Failure<'_>) {
        assert_eq!(failure.token_use, TokenUse::Refresh);
        self.0
            .lock()
            .unwrap()
            .push(failure.reason.as_str().to_owned());
    }
}

/// Contract m8 §2.5: the new identifier, and the user under one spelling.
#[test]
fn hooks_hear_of_an_exchange_once() {
    let heard = Heard::default();
    let clock = Hand::at(NOW);
    let verifier = Verifier::new(m8::refresh().build().unwrap(), keys())
        .with_clock(clock.clone())
        .with_hooks(heard.clone());
    let policy = RefreshTokenPolicy::new(verifier, RefreshTokens::new()).unwrap();
    let subject = SUBJECT.to_uppercase();
    block_on(policy.register("r1", &subject, LIFETIME)).unwrap();
    let old = token_of(&subject, "r1");
    block_on(policy.exchange(&old, "r2", LIFETIME)).unwrap();
    clock.set(NOW + 11);
    for _ in 0..2 {
        assert!(block_on(policy.exchange(&old, "r3", LIFETIME)).is_err());
    }
    assert!(block_on(policy.exchange("no token", "r3", LIFETIME)).is_err());
    let heard = std::mem::take(&mut *heard.0.lock().unwrap());
    assert_eq!(
        heard,
        [&format!("{SUBJECT} r2"), "reused", "reused", "invalid"]
    );
}
