//! A test for each row of the outcomes of an access token (contract m8 §2.3), by the strict policy
//! and by the lax one.

use auth_jwt::Policy;
use serde_json::{Value, json};

use crate::support::NOW;
use crate::{access_claims, lax, sign, strict, told, with};

/// Both policies refuse the claims with this text, and the hooks hear this reason, once.
#[track_caller]
fn both_refuse(claims: &Value, message: &str, reason: &str) {
    refuses(strict(), claims, message, reason);
    refuses(lax(), claims, message, reason);
}

#[track_caller]
fn refuses(policy: Policy, claims: &Value, message: &str, reason: &str) {
    refuses_token(policy, &sign(claims), message, reason);
}

#[track_caller]
fn refuses_token(policy: Policy, token: &str, message: &str, reason: &str) {
    let (verdict, heard) = told(policy, token);
    assert_eq!(verdict, Err(message), "{token}");
    assert_eq!(heard, [format!("access failure {reason}")], "{token}");
}

#[test]
fn an_honest_token_is_told_as_a_success_once() {
    for policy in [strict(), lax()] {
        let (verdict, heard) = told(policy, &sign(&access_claims()));
        assert_eq!(verdict.unwrap().email, "ada@example.com");
        assert_eq!(heard, [format!("access success a1 {}", crate::SUBJECT)]);
    }
}

#[test]
fn an_expired_token_is_called_expired_from_the_moment_the_leeway_is_over() {
    let ended = |secs: i64| with(access_claims(), "exp", json!(NOW - secs));
    let expired = "Access token expired";
    for (policy, leeway) in [(strict as fn() -> Policy, 2), (lax, 5)] {
        assert!(told(policy(), &sign(&ended(leeway - 1))).0.is_ok());
        refuses(policy(), &ended(leeway), expired, "expired");
        refuses(policy(), &ended(leeway + 1), expired, "expired");
    }
}

#[test]
fn whatever_else_is_wrong_with_a_token_makes_it_invalid() {
    let invalid = "Invalid access token";
    for name in ["sub", "jti", "exp"] {
        for value in [None, Some(Value::Null), Some(json!([])), Some(json!({}))] {
            both_refuse(&with(access_claims(), name, value), invalid, "invalid");
        }
    }
    for (name, value) in [
        ("sub", json!(5)),
        ("jti", json!(5)),
        ("exp", json!("soon")),
        ("nbf", json!(NOW + 6)),
        ("iat", json!(NOW + 6)),
        ("nbf", json!("soon")),
        ("iat", json!([NOW])),
    ] {
        both_refuse(&with(access_claims(), name, value), invalid, "invalid");
    }
    let token = sign(&access_claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let tampered = format!("{signed}.A{signature}");
    let header = |alg: &str| {
        let header = json!({ "alg": alg }).to_string();
        crate::support::sign(&crate::key(), header, access_claims().to_string())
    };
    let payload = |text: &str| crate::support::sign(&crate::key(), r#"{"alg":"HS256"}"#, text);
    let mut tokens = vec![
        String::new(),
        "token".to_owned(),
        format!("{signed}."),
        tampered,
    ];
    tokens.extend(["none", "None", "hs256", "HS512", "RS256"].map(header));
    tokens.extend([r#"{"exp":NaN}"#, r#"{"exp":Infinity}"#, "[]", ""].map(payload));
    for token in tokens {
        refuses_token(strict(), &token, invalid, "invalid");
        refuses_token(lax(), &token, invalid, "invalid");
    }
}

#[test]
fn another_issuer_or_audience_makes_it_invalid_where_they_are_compared() {
    let compared = || {
        let policy = auth_jwt::danger::m8_access_as_the_original();
        let policy = policy.issuer(crate::ISSUER).audience(crate::AUDIENCE);
        policy.build().unwrap()
    };
    for name in ["iss", "aud"] {
        for value in [
            None,
            Some(json!("other")),
            Some(Value::Null),
            Some(json!([])),
        ] {
            let claims = with(access_claims(), name, value);
            for policy in [strict(), compared()] {
                refuses(policy, &claims, "Invalid access token", "invalid");
            }
        }
    }
    let several = with(access_claims(), "aud", json!(["other", crate::AUDIENCE]));
    for policy in [strict(), compared()] {
        assert!(told(policy, &sign(&several)).0.is_ok());
    }
}

#[test]
fn a_token_of_another_type_is_no_access_token() {
    for value in [
        json!("refresh"),
        json!("Access"),
        json!(""),
        json!(["access"]),
        json!(5),
    ] {
        let claims = with(access_claims(), "type", value);
        both_refuse(&claims, "Not an access token", "wrong_type");
    }
}

#[test]
fn a_token_without_a_type_is_invalid() {
    for value in [None, Some(Value::Null)] {
        let claims = with(access_claims(), "type", value);
        both_refuse(&claims, "Invalid access token", "invalid");
    }
}

#[test]
fn a_payload_that_is_no_users_is_invalid_and_told_as_such() {
    for (name, value) in [
        ("email", json!("a@localhost")),
        ("email", json!("admin@corp.local")),
        ("email", Value::Null),
        ("role", json!("root")),
        ("role", json!("Admin")),
        ("role", Value::Null),
        ("role", json!(["admin"])),
        ("full_name", json!(5)),
        ("avatar", json!({})),
        ("is_active", json!("maybe")),
        ("is_active", Value::Null),
        ("is_superuser", json!(2)),
        ("email_verified", json!([])),
        ("exp", json!((NOW + 300) as f64 + 0.5)),
    ] {
        let claims = with(access_claims(), name, value);
        both_refuse(&claims, "Invalid access token", "invalid_payload");
    }
    let nobody = with(access_claims(), "email", None);
    both_refuse(&nobody, "Invalid access token", "invalid_payload");
}

#[test]
fn a_role_and_a_privilege_that_contradict_each_other_are_told_as_such() {
    let superuser = with(access_claims(), "is_superuser", json!(true));
    let superadmin = with(access_claims(), "role", json!("superadmin"));
    let reason = "inconsistent_privilege_claims";
    for claims in [&superuser, &superadmin] {
        refuses(strict(), claims, "Invalid access token", reason);
        assert!(told(lax(), &sign(claims)).0.is_ok());
    }
    let both = with(superuser, "role", json!("superadmin"));
    assert!(told(strict(), &sign(&both)).0.unwrap().is_superuser);
}
