//! What a policy decides about honest signatures.

#[path = "../support/mod.rs"]
mod support;

mod authentication;
mod keys;
mod roles;

use std::sync::LazyLock;
use std::time::Duration;

use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, Claims, KeySet, Policy, PolicyBuilder, PolicyError, Rejection, RoleClaim,
    StaticKeys, Verifier, danger,
};
use serde_json::{Value, json};
use support::{
    AUDIENCE, ISSUER, NOW, Standing, claims_with, claims_without, honest_claims, policy, sign,
};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::ES256).unwrap());

fn judge_token(policy: PolicyBuilder, token: &str) -> Result<Claims, Rejection> {
    let keys = StaticKeys::new(KeySet::from(KEY.verification_key().unwrap()));
    let verifier = Verifier::new(policy.build().unwrap(), keys).with_clock(Standing);
    verifier.verify_with_known_keys(token)
}

fn judge(policy: PolicyBuilder, claims: &Value) -> Result<Claims, Rejection> {
    judge_token(policy, KEY.sign(claims).unwrap().expose())
}

/// The code of the rejection, or `accepted`.
#[track_caller]
fn check(policy: PolicyBuilder, claims: &Value, expected: &str) {
    let verdict = judge(policy, claims);
    let code = verdict.map_or_else(|rejection| rejection.code(), |_| "accepted");
    assert_eq!(code, expected, "{claims}");
}

#[test]
fn a_token_ends_at_exp_and_the_leeway_after_it() {
    for leeway in [0, 1, 60, 86_400] {
        let policy = || policy().leeway(Duration::from_secs(leeway));
        let back = NOW - i64::try_from(leeway).unwrap();
        check(policy(), &claims_with("exp", json!(back + 1)), "accepted");
        check(policy(), &claims_with("exp", json!(back)), "expired");
        check(policy(), &claims_with("exp", json!(back - 1)), "expired");
    }
    // A fraction of a second never makes a token live longer.
    check(
        policy(),
        &claims_with("exp", json!(NOW as f64 - 59.5)),
        "expired",
    );
    check(
        policy(),
        &claims_with("exp", json!(NOW as f64 - 58.5)),
        "accepted",
    );
    // Whole seconds of the leeway count.
    let almost = policy().leeway(Duration::from_millis(1999));
    check(almost, &claims_with("exp", json!(NOW - 1)), "expired");
}

#[test]
fn a_token_begins_at_nbf_and_iat_and_the_leeway_before_them() {
    for claim in ["nbf", "iat"] {
        for leeway in [0, 60] {
            let policy = || policy().leeway(Duration::from_secs(leeway));
            let ahead = NOW + i64::try_from(leeway).unwrap();
            check(policy(), &claims_with(claim, json!(ahead)), "accepted");
            check(
                policy(),
                &claims_with(claim, json!(ahead + 1)),
                "not_yet_valid",
            );
        }
        // However long ago, and without it too.
        check(policy(), &claims_with(claim, json!(-1)), "accepted");
        check(policy(), &claims_without(claim), "accepted");
        check(
            policy(),
            &claims_with(claim, json!(NOW as f64 + 60.5)),
            "not_yet_valid",
        );
    }
}

#[test]
fn a_rejection_says_by_how_much() {
    let expired = judge(policy(), &claims_with("exp", json!(NOW - 100)));
    assert_eq!(expired, Err(Rejection::Expired { by: 100 }));
    let early = judge(policy(), &claims_with("nbf", json!(NOW + 100)));
    assert_eq!(early, Err(Rejection::NotYetValid { by: 100 }));
}

/// The dates last: `expired` is what a caller refreshes a token on, so the token must have been
/// good in every other way.
#[test]
fn a_token_that_is_wrong_in_two_ways_is_refused_for_the_graver_one() {
    let expired = |name: &str, value: Value| {
        let mut claims = claims_with(name, value);
        claims["exp"] = json!(NOW - 1000);
        claims
    };
    check(
        policy(),
        &expired("iss", json!("https://other.test")),
        "issuer",
    );
    check(policy(), &expired("aud", json!("other")), "audience");
    check(policy(), &expired("sub", json!(7)), "bad_claim");
    check(
        policy().require_claim("jti"),
        &expired("jti", json!(null)),
        "bad_claim",
    );
    check(
        policy().require_claim("acr"),
        &expired("x", json!(1)),
        "missing_claim",
    );
    let mut both = claims_with("iss", json!("https://other.test"));
    both["aud"] = json!("other");
    check(policy(), &both, "issuer");
    // What is ill-typed is said before what is missing, and that before what is another's.
    let mut claims = claims_without("sub");
    claims["aud"] = json!(7);
    check(policy(), &claims, "bad_claim");
    claims["aud"] = json!("other");
    check(policy(), &claims, "missing_claim");
}

/// Nothing in the payload is told to somebody who could not sign it.
#[test]
fn a_bad_signature_says_nothing_of_the_claims() {
    let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
    for claims in [
        claims_with("exp", json!(1)),
        claims_with("iss", json!(7)),
        json!(null),
    ] {
        let token = stranger.sign(&claims).unwrap();
        let verdict = judge_token(policy(), token.expose());
        assert_eq!(verdict, Err(Rejection::BadSignature), "{claims}");
    }
}

#[test]
fn one_of_several_issuers_and_audiences_is_enough() {
    let several = || {
        policy()
            .issuer("https://second.test")
            .audience("second-api")
    };
    check(several(), &honest_claims(), "accepted");
    check(
        several(),
        &claims_with("iss", json!("https://second.test")),
        "accepted",
    );
    check(
        several(),
        &claims_with("iss", json!("https://third.test")),
        "issuer",
    );
    check(
        several(),
        &claims_with("aud", json!("second-api")),
        "accepted",
    );
    check(
        several(),
        &claims_with("aud", json!(["x", "second-api"])),
        "accepted",
    );
    check(
        several(),
        &claims_with("aud", json!(["x", "y"])),
        "audience",
    );
}

#[test]
fn what_is_not_compared_is_well_typed_all_the_same() {
    let loose = danger::policy_without_issuer_and_audience;
    check(loose(), &claims_without("iss"), "accepted");
    check(loose(), &claims_without("aud"), "accepted");
    check(loose(), &claims_with("aud", json!([])), "accepted");
    check(loose(), &claims_with("iss", json!([ISSUER])), "bad_claim");
    check(loose(), &claims_with("aud", json!({})), "bad_claim");
    check(loose(), &claims_without("exp"), "missing_claim");
    check(loose(), &claims_without("sub"), "missing_claim");
    check(loose(), &claims_with("exp", json!(NOW - 100)), "expired");
    // One of the two alone.
    check(loose().issuer(ISSUER), &claims_without("aud"), "accepted");
    check(
        loose().issuer(ISSUER),
        &claims_without("iss"),
        "missing_claim",
    );
    check(
        loose().audience(AUDIENCE),
        &claims_without("iss"),
        "accepted",
    );
    check(
        loose().audience(AUDIENCE),
        &claims_without("aud"),
        "missing_claim",
    );
}

#[test]
fn a_required_claim_is_there_and_not_null() {
    let strict = || policy().require_claim("acr");
    check(strict(), &honest_claims(), "missing_claim");
    check(strict(), &claims_with("acr", json!(null)), "missing_claim");
    check(strict(), &claims_with("acr", json!("mfa")), "accepted");
    check(strict(), &claims_with("acr", json!("")), "accepted");
    let rejection = judge(strict(), &honest_claims()).unwrap_err();
    assert_eq!(rejection.to_string(), "claim acr is missing");
}

#[test]
fn the_type_of_a_token_is_compared_as_a_media_type() {
    let typ = |policy: PolicyBuilder, typ: Option<&str>| {
        let mut header = json!({ "alg": "ES256" });
        if let Some(typ) = typ {
            header["typ"] = typ.into();
        }
        let token = sign(&KEY, header.to_string(), honest_claims().to_string());
        judge_token(policy, &token).map_or_else(|rejection| rejection.code(), |_| "accepted")
    };
    for ours in [
        "JWT",
        "jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/JWT",
    ] {
        assert_eq!(typ(policy(), Some(ours)), "accepted", "{ours}");
    }
    assert_eq!(typ(policy(), None), "accepted");
    for only in ["at+jwt", "application/at+jwt", "AT+jwt"] {
        let only = || policy().token_type(only);
        assert_eq!(typ(only(), Some("at+jwt")), "accepted");
        assert_eq!(typ(only(), Some("application/AT+JWT")), "accepted");
        assert_eq!(typ(only(), Some("JWT")), "typ");
        assert_eq!(typ(only(), None), "typ");
    }
    assert_eq!(
        typ(policy().token_type("logout+jwt"), Some("logout+jwt")),
        "accepted"
    );
}

#[test]
fn only_the_algorithms_of_the_policy_are_accepted() {
    let token = KEY.sign(&honest_claims()).unwrap();
    for (algorithms, expected) in [
        (&[Algorithm::ES256][..], "accepted"),
        (&[Algorithm::RS256, Algorithm::ES256], "accepted"),
        (&[Algorithm::RS256], "alg_not_allowed"),
        // The key is for ES256 only, so this one accepts nothing at all.
        (&[Algorithm::ES384, Algorithm::HS256], "alg_not_allowed"),
    ] {
        let verdict = judge_token(policy().algorithms(algorithms.to_vec()), token.expose());
        let code = verdict.map_or_else(|rejection| rejection.code(), |_| "accepted");
        assert_eq!(code, expected, "{algorithms:?}");
    }
}

#[test]
fn a_token_may_be_smaller_or_larger_if_the_policy_says_so() {
    let token = KEY.sign(&honest_claims()).unwrap();
    let length = token.expose().len();
    let of = |limit| judge_token(policy().max_token_bytes(limit), token.expose());
    assert!(of(length).is_ok());
    assert_eq!(
        of(length - 1),
        Err(Rejection::TooLarge { limit: length - 1 })
    );
    assert_eq!(of(1), Err(Rejection::TooLarge { limit: 1 }));
    let large = KEY
        .sign(&claims_with("x", json!("x".repeat(200_000))))
        .unwrap();
    let roomy = policy().max_token_bytes(1024 * 1024);
    assert!(judge_token(roomy, large.expose()).is_ok());
}

#[test]
fn a_policy_that_makes_no_sense_is_not_built() {
    let day = Duration::from_secs(86_400);
    for (builder, expected) in [
        (Policy::builder("", AUDIENCE), PolicyError::EmptyName),
        (Policy::builder(ISSUER, ""), PolicyError::EmptyName),
        (policy().issuer(""), PolicyError::EmptyName),
        (policy().audience(""), PolicyError::EmptyName),
        (policy().require_claim(""), PolicyError::EmptyName),
        (policy().token_type(""), PolicyError::EmptyName),
        (
            policy().roles_from([RoleClaim::List("".into())]),
            PolicyError::EmptyName,
        ),
        (
            policy().roles_from([RoleClaim::KeycloakClient("".into())]),
            PolicyError::EmptyName,
        ),
        (policy().algorithms([]), PolicyError::NoAlgorithm),
        (
            policy().leeway(day + Duration::from_nanos(1)),
            PolicyError::LeewayTooLong,
        ),
        (policy().leeway(Duration::MAX), PolicyError::LeewayTooLong),
        (
            policy().max_token_bytes(1024 * 1024 + 1),
            PolicyError::TokenTooLarge,
        ),
        (
            policy().max_token_bytes(usize::MAX),
            PolicyError::TokenTooLarge,
        ),
    ] {
        assert_eq!(builder.build().unwrap_err(), expected);
    }
    assert!(
        policy()
            .leeway(day)
            .max_token_bytes(1024 * 1024)
            .build()
            .is_ok()
    );
}

#[test]
fn the_claims_are_what_was_signed() {
    let mut signed = honest_claims();
    signed["aud"] = json!(["x", AUDIENCE]);
    signed["nbf"] = json!(NOW as f64 - 1.5);
    signed["preferred_username"] = json!("ada");
    signed["email"] = json!(null);
    signed["sid"] = json!("s1");
    signed["client_id"] = json!("second");
    signed["scope"] = json!(" read  write ");
    signed["x"] = json!({ "deep": [1, 2.5, null, "\u{1f600}"] });
    let claims = judge(policy(), &signed).unwrap();
    assert_eq!(claims.issuer(), Some(ISSUER));
    assert!(claims.audience().eq(["x", AUDIENCE]));
    assert_eq!(claims.expires_at().as_secs(), NOW + 300);
    assert_eq!(claims.not_before().unwrap().as_secs(), NOW - 1);
    assert_eq!(claims.issued_at().unwrap().as_secs(), NOW - 10);
    assert_eq!(claims.token_id(), Some("planted-token-id"));
    assert_eq!((claims.username(), claims.email()), (Some("ada"), None));
    assert_eq!(
        (claims.session_id(), claims.client_id()),
        (Some("s1"), Some("second"))
    );
    assert!(claims.scopes().eq(["read", "write"]));
    assert_eq!(claims.deserialize::<Value>().unwrap(), signed);
    signed["azp"] = json!("first");
    signed["scope"] = json!(["read all", "write"]);
    let claims = judge(policy(), &signed).unwrap();
    assert_eq!(claims.client_id(), Some("first"));
    assert!(claims.scopes().eq(["read all", "write"]));
}
