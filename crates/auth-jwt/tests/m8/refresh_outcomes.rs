//! A test for each outcome of a refresh token (contract m8 §2.8). The hooks hear `invalid` of every
//! one that is not good, whatever is wrong, and `reused` of one that the store does not let pass.

use std::time::Duration;

use auth_jwt::session::{Exchange, RefreshTokenPolicy, memory::RefreshTokens};
use auth_jwt::{Rejection, TokenUse, m8};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::support::NOW;
use crate::{Heard, SUBJECT, refresh_claims, sign, verifier, with};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A policy that knows the token `r1`.
pub(crate) fn policy(hooks: &Heard) -> RefreshTokenPolicy {
    let rules = m8::refresh().build().unwrap();
    let verifier = verifier(rules).with_hooks(hooks.clone());
    let policy = RefreshTokenPolicy::new(verifier, RefreshTokens::new()).unwrap();
    block_on(policy.register("r1", SUBJECT, DAY)).unwrap();
    policy.with_grace(Duration::ZERO)
}

fn exchange(policy: &RefreshTokenPolicy, claims: &Value, new: &str) -> Result<Exchange, Rejection> {
    block_on(policy.exchange(&sign(claims), new, DAY))
}

/// A policy of its own refuses the claims with this text, and the hooks hear `invalid`.
#[track_caller]
fn refused(claims: &Value, message: &str) {
    let hooks = Heard::default();
    let policy = policy(&hooks);
    let rejection = exchange(&policy, claims, "r2").unwrap_err();
    let outcome = m8::outcome(TokenUse::Refresh, &rejection);
    assert_eq!(outcome.message, message, "{claims}");
    assert_eq!(hooks.take(), ["refresh failure invalid"], "{claims}");
    // What is refused is not used up.
    exchange(&policy, &refresh_claims(), "r2").unwrap();
}

#[test]
fn an_exchange_is_told_with_the_new_identifier_and_one_spelling_of_the_user() {
    for subject in [SUBJECT, &SUBJECT.to_uppercase(), &format!("{{{SUBJECT}}}")] {
        let hooks = Heard::default();
        let policy = policy(&hooks);
        block_on(policy.register("r5", subject, DAY)).unwrap();
        let claims = with(refresh_claims(), "sub", json!(subject));
        let exchange = exchange(&policy, &with(claims, "jti", json!("r5")), "r6").unwrap();
        assert!(matches!(exchange, Exchange::Rotated { .. }));
        assert_eq!(exchange.next().token_id, "r6");
        assert_eq!(exchange.claims().token_id(), Some("r5"));
        assert_eq!(hooks.take(), [format!("refresh success r6 {SUBJECT}")]);
    }
}

#[test]
fn an_expired_one_is_called_expired_without_any_leeway() {
    for exp in [NOW - 1, NOW] {
        let claims = with(refresh_claims(), "exp", json!(exp));
        refused(&claims, "Refresh token expired");
    }
    let last_second = with(refresh_claims(), "exp", json!(NOW + 1));
    exchange(&policy(&Heard::default()), &last_second, "r2").unwrap();
}

#[test]
fn one_of_another_type_is_no_refresh_token() {
    for value in [
        json!("access"),
        json!("Refresh"),
        json!(["refresh"]),
        json!(""),
    ] {
        let claims = with(refresh_claims(), "type", value);
        refused(&claims, "Not a refresh token");
    }
}

#[test]
fn whatever_else_is_wrong_makes_it_invalid() {
    let invalid = "Invalid refresh token";
    for name in ["sub", "type", "jti", "exp"] {
        for value in [None, Some(Value::Null)] {
            refused(&with(refresh_claims(), name, value), invalid);
        }
    }
    for (name, value) in [
        ("sub", json!("u1")),
        ("sub", json!("")),
        ("sub", json!(5)),
        ("jti", json!("")),
        ("jti", json!(5)),
        ("exp", json!("4102444800")),
        ("iat", json!(NOW + 1)),
        ("nbf", json!(NOW + 1)),
        ("aud", json!("anybody")),
        ("aud", json!(["anybody"])),
    ] {
        refused(&with(refresh_claims(), name, value), invalid);
    }
}

#[test]
fn one_that_is_not_signed_with_the_key_is_invalid() {
    let hooks = Heard::default();
    let policy = policy(&hooks);
    let token = sign(&refresh_claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let header = |alg: &str| {
        let header = json!({ "alg": alg }).to_string();
        crate::support::sign(&crate::key(), header, refresh_claims().to_string())
    };
    let mut tokens = vec![
        String::new(),
        format!("{signed}."),
        format!("{signed}.A{signature}"),
    ];
    tokens.extend(["none", "HS512", "RS256"].map(header));
    for token in tokens {
        let rejection = block_on(policy.exchange(&token, "r2", DAY)).unwrap_err();
        let outcome = m8::outcome(TokenUse::Refresh, &rejection);
        assert_eq!(outcome.message, "Invalid refresh token", "{token}");
        assert_eq!(hooks.take(), ["refresh failure invalid"], "{token}");
    }
}

#[test]
fn what_is_none_of_its_business_it_does_not_look_at() {
    let mut claims = refresh_claims();
    for (name, value) in [
        ("iss", json!("anybody")),
        ("email", json!("no address")),
        ("role", json!("root")),
        ("is_active", json!(false)),
    ] {
        claims[name] = value;
    }
    exchange(&policy(&Heard::default()), &claims, "r2").unwrap();
}

#[test]
fn one_that_was_used_is_called_reused_and_its_family_ends() {
    let hooks = Heard::default();
    let policy = policy(&hooks);
    exchange(&policy, &refresh_claims(), "r2").unwrap();
    hooks.take();
    let second = with(refresh_claims(), "jti", json!("r2"));
    for (claims, code) in [(&refresh_claims(), "reused"), (&second, "revoked")] {
        let rejection = exchange(&policy, claims, "r3").unwrap_err();
        assert_eq!(rejection.code(), code);
        let outcome = m8::outcome(TokenUse::Refresh, &rejection);
        assert_eq!(outcome.message, "Refresh token already used or revoked");
        assert_eq!(hooks.take(), ["refresh failure reused"]);
    }
}

#[test]
fn one_that_was_never_issued_or_is_revoked_is_told_as_one_that_was_used() {
    let hooks = Heard::default();
    let policy = policy(&hooks);
    let unknown = with(refresh_claims(), "jti", json!("r9"));
    block_on(policy.revoke("r1")).unwrap();
    for claims in [&unknown, &refresh_claims()] {
        let rejection = exchange(&policy, claims, "r2").unwrap_err();
        let outcome = m8::outcome(TokenUse::Refresh, &rejection);
        assert_eq!(outcome.message, "Refresh token already used or revoked");
        assert_eq!(hooks.take(), ["refresh failure reused"]);
    }
}

#[test]
fn one_of_another_user_is_not_the_one_that_was_issued() {
    let policy = policy(&Heard::default());
    let other = with(refresh_claims(), "sub", json!(SUBJECT.replace('5', "6")));
    let rejection = exchange(&policy, &other, "r2").unwrap_err();
    assert_eq!(rejection.code(), "revoked");
    exchange(&policy, &refresh_claims(), "r2").unwrap();
}
