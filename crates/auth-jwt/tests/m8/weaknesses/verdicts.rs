//! Tokens that should not pass, and verdicts nobody else should change (W10, W11, W13, W20).

use auth_jwt::session::{RefreshTokenPolicy, memory::RefreshTokens};
use auth_jwt::{Failure, Rejection, Success, ValidationHooks, danger, m8};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::refresh_outcomes::DAY;
use crate::revocation_outcomes::Silent;
use crate::{
    Heard, SECRET, SUBJECT, access_claims, code, lax, refresh_claims, sign, strict, told, verifier,
    with,
};

#[test]
fn m8_w10_a_token_nobody_can_ask_about_is_not_accepted() {
    let hooks = Heard::default();
    let token = sign(&access_claims());
    let policy = || crate::revocation_outcomes::policy(&hooks);
    let with_sid = sign(&with(access_claims(), "sid", json!("s1")));
    for (policy, token) in [
        (policy().with_revocation_list(Silent), &token),
        (policy().with_session_store(Silent), &with_sid),
    ] {
        let rejection = block_on(policy.verify(token)).unwrap_err();
        assert_eq!(rejection.code(), "revocation_unavailable");
        assert!(rejection.is_undetermined());
        assert_eq!(hooks.take(), ["access failure revocation_unavailable"]);
        // Who wants it otherwise says so by name.
        block_on(danger::fail_open(policy).verify(token)).unwrap();
        hooks.take();
    }
}

#[test]
fn m8_w11_a_user_who_is_switched_off_is_not_accepted() {
    let token = sign(&with(access_claims(), "is_active", json!(false)));
    let rejection = verifier(strict())
        .verify_with_known_keys(&token)
        .unwrap_err();
    assert_eq!(rejection, Rejection::Inactive);
    // The original leaves it to the caller, and says so in the user.
    assert!(!told(lax(), &token).0.unwrap().is_active);
}

#[test]
fn m8_w11_a_subject_that_is_no_uuid_is_a_subject_or_a_rejection() {
    let access = sign(&with(access_claims(), "sub", json!("u1")));
    for policy in [strict(), lax()] {
        assert_eq!(told(policy, &access).0.unwrap().subject, "u1");
    }
    let refresh = sign(&with(refresh_claims(), "sub", json!("u1")));
    let verdict = verifier(m8::refresh().build().unwrap()).verify_with_known_keys(&refresh);
    assert_eq!(code(verdict), "bad_claim");
}

#[test]
fn m8_w13_an_issuer_and_an_audience_are_compared_once_they_are_named() {
    let lax = danger::m8_access_as_the_original;
    let policies = [
        ("iss", lax().issuer(crate::ISSUER)),
        ("iss", m8::access(crate::ISSUER, crate::AUDIENCE)),
        ("aud", lax().audience(crate::AUDIENCE)),
        ("aud", m8::access(crate::ISSUER, crate::AUDIENCE)),
    ];
    for (name, policy) in policies {
        let verifier = verifier(policy.build().unwrap());
        let verify = |claims: &Value| verifier.verify_with_known_keys(&sign(claims));
        verify(&access_claims()).unwrap();
        for value in [
            None,
            Some(Value::Null),
            Some(json!("other")),
            Some(json!("https://auth")),
        ] {
            let claims = with(access_claims(), name, value);
            assert!(verify(&claims).is_err(), "{claims}");
        }
    }
}

#[test]
fn m8_w20_a_token_of_one_use_is_refused_for_the_other_though_the_key_is_the_same() {
    let access = verifier(strict());
    let refresh = verifier(m8::refresh().build().unwrap());
    // Everything either of them asks for, except that there is only one type.
    let mut claims = access_claims();
    claims.as_object_mut().unwrap().remove("aud");
    let as_refresh = sign(&with(claims, "type", json!("refresh")));
    refresh.verify_with_known_keys(&as_refresh).unwrap();
    for policy in [strict(), lax()] {
        let token = sign(&with(access_claims(), "type", json!("refresh")));
        let verdict = verifier(policy).verify_with_known_keys(&token);
        assert_eq!(code(verdict), "typ");
    }
    let token = sign(&with(access_claims(), "aud", None));
    assert_eq!(code(refresh.verify_with_known_keys(&token)), "typ");
    access
        .verify_with_known_keys(&sign(&access_claims()))
        .unwrap();
}

/// Hooks that panic, whatever they are told.
#[derive(Debug)]
struct Panicking;

impl ValidationHooks for Panicking {
    fn on_success(&self, _: &Success<'_>) {
        panic!("a hook panics on purpose");
    }

    fn on_failure(&self, _: &Failure<'_>) {
        panic!("a hook panics on purpose");
    }
}

#[test]
fn m8_a_hook_that_panics_does_not_change_the_verdict() {
    let access = verifier(strict()).with_hooks(Panicking);
    access
        .verify_with_known_keys(&sign(&access_claims()))
        .unwrap();
    block_on(access.verify(&sign(&access_claims()))).unwrap();
    assert_eq!(code(access.verify_with_known_keys("token")), "malformed");

    let refresh = verifier(m8::refresh().build().unwrap()).with_hooks(Panicking);
    let policy = RefreshTokenPolicy::new(refresh, RefreshTokens::new()).unwrap();
    block_on(policy.register("r1", SUBJECT, DAY)).unwrap();
    block_on(policy.exchange(&sign(&refresh_claims()), "r2", DAY)).unwrap();
    assert_eq!(
        code(block_on(policy.exchange("token", "r2", DAY))),
        "malformed"
    );
}

#[test]
fn m8_nothing_that_is_said_of_a_token_repeats_it() {
    let secret = std::str::from_utf8(SECRET).unwrap();
    let planted = with(access_claims(), "email", json!("planted@corp.local"));
    let planted = with(planted, "role", json!("planted"));
    let token = sign(&planted);
    let rejection = verifier(strict())
        .verify_with_known_keys(&token)
        .unwrap_err();
    let said = format!("{rejection} {rejection:?}");
    for text in ["planted", secret, &token] {
        assert!(!said.contains(text), "{said}");
    }
}
