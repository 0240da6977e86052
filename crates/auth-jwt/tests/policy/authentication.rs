//! How the user was authenticated: `acr`, `amr` and `auth_time` (OpenID Connect Core §2, RFC 8176,
//! RFC 9470), and the policies that come ready-made.

use std::time::Duration;

use auth_jwt::{Policy, PolicyBuilder, PolicyError};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, ISSUER, NOW, claims_with, honest_claims, policy, sign};
use crate::{KEY, check, judge, judge_token};

const MINUTE: Duration = Duration::from_secs(60);

fn authenticated(acr: Value, amr: Value, auth_time: Value) -> Value {
    let mut claims = honest_claims();
    claims["acr"] = acr;
    claims["amr"] = amr;
    claims["auth_time"] = auth_time;
    claims
}

#[test]
fn the_class_of_the_authentication_is_one_of_those_named() {
    let policy = || {
        policy()
            .authentication_class("silver")
            .authentication_class("gold")
    };
    for (acr, expected) in [
        (json!("silver"), "accepted"),
        (json!("gold"), "accepted"),
        (json!("bronze"), "insufficient_authentication"),
        (json!("Gold"), "insufficient_authentication"),
        (json!(""), "insufficient_authentication"),
        (json!(null), "insufficient_authentication"),
        (json!(["gold"]), "bad_claim"),
        (json!(1), "bad_claim"),
    ] {
        check(policy(), &claims_with("acr", acr), expected);
    }
    check(policy(), &honest_claims(), "insufficient_authentication");
}

#[test]
fn the_methods_of_the_authentication_are_all_that_are_named() {
    let policy = || {
        policy()
            .authentication_method("mfa")
            .authentication_method("otp")
    };
    for (amr, expected) in [
        (json!(["mfa", "otp"]), "accepted"),
        (json!(["otp", "pwd", "mfa"]), "accepted"),
        (json!(["mfa"]), "insufficient_authentication"),
        (json!(["mfa", "OTP"]), "insufficient_authentication"),
        (json!([]), "insufficient_authentication"),
        (json!(null), "insufficient_authentication"),
        (json!("mfa otp"), "bad_claim"),
        (json!(["mfa", "otp", 1]), "bad_claim"),
        (json!({ "mfa": true, "otp": true }), "bad_claim"),
    ] {
        check(policy(), &claims_with("amr", amr), expected);
    }
    check(policy(), &honest_claims(), "insufficient_authentication");
}

#[test]
fn the_authentication_is_recent_enough() {
    let policy = |leeway| {
        policy()
            .max_authentication_age(5 * MINUTE)
            .leeway(Duration::from_secs(leeway))
    };
    for (auth_time, leeway, expected) in [
        (json!(NOW), 0, "accepted"),
        (json!(NOW - 300), 0, "accepted"),
        (json!(NOW - 301), 0, "insufficient_authentication"),
        (json!(NOW - 301), 1, "accepted"),
        (json!(NOW - 302), 1, "insufficient_authentication"),
        // A fraction never makes an authentication younger.
        (json!(NOW as f64 - 300.5), 0, "insufficient_authentication"),
        (json!(NOW + 1), 0, "not_yet_valid"),
        (json!(null), 0, "insufficient_authentication"),
        (json!("1795262400"), 0, "bad_claim"),
        (json!(1e300), 0, "bad_claim"),
    ] {
        check(
            policy(leeway),
            &claims_with("auth_time", auth_time),
            expected,
        );
    }
    check(policy(0), &honest_claims(), "insufficient_authentication");
}

/// An expired token is expired, whatever else: a new login is not asked for where a new token would
/// do.
#[test]
fn an_authentication_too_long_ago_is_told_after_an_expiry() {
    let mut claims = claims_with("auth_time", json!(NOW - 10_000));
    let policy = || policy().max_authentication_age(MINUTE);
    check(policy(), &claims, "insufficient_authentication");
    claims["exp"] = json!(NOW - 1000);
    check(policy(), &claims, "expired");
}

#[test]
fn claim_no_policy_asks_for_may_be_absent_or_of_any_type() {
    check(policy(), &honest_claims(), "accepted");
    let nothing = authenticated(json!(null), json!(null), json!(null));
    check(policy(), &nothing, "accepted");
    for (claim, value) in [
        ("acr", json!(1)),
        ("amr", json!("pwd")),
        ("auth_time", json!(true)),
    ] {
        check(policy(), &claims_with(claim, value.clone()), "accepted");
        let accepted = judge(policy(), &claims_with(claim, value.clone())).unwrap();
        assert_eq!(accepted.authentication_class(), None);
        assert_eq!(accepted.authentication_methods().count(), 0);
        assert_eq!(accepted.authenticated_at(), None);
        let required = policy().require_claim(claim);
        check(required, &claims_with(claim, value), "bad_claim");
    }
    let accepted = judge(
        policy(),
        &authenticated(json!("1"), json!(["pwd"]), json!(NOW - 5)),
    );
    let accepted = accepted.unwrap();
    assert_eq!(accepted.authentication_class(), Some("1"));
    assert!(accepted.authentication_methods().eq(["pwd"]));
    assert_eq!(accepted.authenticated_at().unwrap().as_secs(), NOW - 5);
}

#[test]
fn rules_that_could_not_be_meant_are_refused() {
    let day = 24 * 60 * MINUTE;
    for (policy, expected) in [
        (policy().authentication_class(""), PolicyError::EmptyName),
        (policy().authentication_method(""), PolicyError::EmptyName),
        (Policy::builder(" ", AUDIENCE), PolicyError::EmptyName),
        (Policy::builder(ISSUER, "\t"), PolicyError::EmptyName),
        (policy().token_type("application/"), PolicyError::EmptyName),
        (policy().max_token_bytes(0), PolicyError::NoToken),
        (
            policy().max_authentication_age(3661 * day),
            PolicyError::AuthenticationTooOld,
        ),
        (
            policy().max_authentication_age(Duration::MAX),
            PolicyError::AuthenticationTooOld,
        ),
    ] {
        assert_eq!(policy.build().unwrap_err(), expected);
    }
}

/// RFC 9068 §2.1, §2.2 and §4.
#[test]
fn rfc_9068_an_access_token_says_that_it_is_one() {
    let policy = || Policy::rfc9068(ISSUER, AUDIENCE);
    let judge = |header: &str, claims: &Value| {
        let token = sign(&KEY, header, claims.to_string());
        let verdict = judge_token(policy(), &token);
        verdict.map_or_else(|rejection| rejection.code(), |_| "accepted")
    };
    let access = r#"{"alg":"ES256","typ":"at+jwt"}"#;
    let mut claims = claims_with("client_id", json!("web"));
    claims["roles"] = json!(["editor"]);
    assert_eq!(judge(access, &claims), "accepted");
    assert_eq!(
        judge(r#"{"alg":"ES256","typ":"application/at+jwt"}"#, &claims),
        "accepted"
    );
    assert_eq!(judge(r#"{"alg":"ES256","typ":"JWT"}"#, &claims), "typ");
    assert_eq!(judge(r#"{"alg":"ES256"}"#, &claims), "typ");
    for required in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(required);
        assert_eq!(judge(access, &claims), "missing_claim", "{required}");
    }
    let token = sign(&KEY, access, claims.to_string());
    assert!(
        judge_token(policy(), &token)
            .unwrap()
            .roles()
            .eq(["editor"])
    );
}

/// The access token of a Keycloak realm, and its siblings that are none.
#[test]
fn keycloak_has_roles_of_the_realm_and_of_the_client() {
    let policy = || -> PolicyBuilder { Policy::keycloak(ISSUER, "orders-api") };
    let mut claims = claims_with("aud", json!(["account", "orders-api"]));
    claims["typ"] = json!("Bearer");
    claims["azp"] = json!("web-portal");
    claims["realm_access"] = json!({ "roles": ["auditor"] });
    claims["resource_access"] = json!({
        "orders-api": { "roles": ["orders:read"] },
        "account": { "roles": ["manage-account"] },
    });
    let accepted = judge(policy(), &claims).unwrap();
    assert!(accepted.roles().eq(["auditor", "orders:read"]));
    assert_eq!(accepted.client_id(), Some("web-portal"));
    for (claim, value, expected) in [
        ("typ", json!("ID"), "typ"),
        ("typ", json!("Refresh"), "typ"),
        ("typ", json!("Offline"), "typ"),
        ("aud", json!("account"), "audience"),
    ] {
        let mut claims = claims.clone();
        claims[claim] = value;
        check(policy(), &claims, expected);
    }
}
