//! What a claim is compared with, and as what it is read.

use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, claims_with, honest_claims};
use crate::{verdict_of_issuer, with_payload};

#[track_caller]
fn check(name: &str, value: Value, expected: &str) {
    let token = with_payload(claims_with(name, value.clone()).to_string());
    assert_eq!(verdict_of_issuer(&token), expected, "{name}: {value}");
}

/// The same with a number that serde_json would not write.
#[track_caller]
fn check_text(name: &str, value: &str, expected: &str) {
    let claims = claims_with(name, json!("PLACE")).to_string();
    let token = with_payload(claims.replace(r#""PLACE""#, value));
    assert_eq!(verdict_of_issuer(&token), expected, "{name}: {value}");
}

/// PyJWT asked whether the issuer is *in* the expected one, so a part of its name was enough.
#[test]
fn ghsa_75c5_xw7c_p5pm_a_part_of_the_issuer_is_another_issuer() {
    check("iss", json!(ISSUER), "accepted");
    for at in 1..ISSUER.len() {
        check("iss", json!(ISSUER[..at]), "issuer");
        check("iss", json!(ISSUER[at..]), "issuer");
    }
    check("iss", json!(""), "issuer");
    check("iss", json!(format!("{ISSUER}/")), "issuer");
    check("iss", json!(format!("{ISSUER} ")), "issuer");
    check("iss", json!(ISSUER.to_uppercase()), "issuer");
}

/// fast-jwt accepted a list of issuers if ours was among them, and another library reads the first.
#[test]
fn cve_2025_30144_a_list_of_issuers_is_no_issuer() {
    check("iss", json!(ISSUER), "accepted");
    check("iss", json!([ISSUER]), "bad_claim");
    check("iss", json!(["https://evil.test", ISSUER]), "bad_claim");
    check("iss", json!([ISSUER, "https://evil.test"]), "bad_claim");
    check("iss", json!({ "0": ISSUER }), "bad_claim");
}

/// jsonwebtoken took a date of another type for a date that is not there, and let the token pass.
#[test]
fn cve_2026_25537_a_date_of_another_type_is_not_a_missing_date() {
    check("nbf", json!(NOW - 1), "accepted");
    check("exp", json!(NOW + 1), "accepted");
    for ahead in [
        json!((NOW + 3600).to_string()),
        json!([NOW + 3600]),
        json!({ "secs": NOW + 3600 }),
        json!(true),
        json!(null),
    ] {
        check("nbf", ahead.clone(), "bad_claim");
        check("iat", ahead.clone(), "bad_claim");
        check("exp", ahead, "bad_claim");
    }
    // What is a number is judged as one, however it is written.
    check_text("nbf", &format!("{}.5", NOW + 3600), "not_yet_valid");
    check_text("nbf", "1.7952660e9", "not_yet_valid");
    check_text("exp", &format!("{}.5", NOW - 3600), "expired");
}

/// libjwt, over one of its two JSON libraries, cut a date beyond 64 bits down to the largest that it
/// could hold, and the token never ended.
#[test]
fn libjwt_283_a_date_beyond_the_range_does_not_saturate() {
    // The last date that every implementation can tell from its neighbours.
    let last = 1_i64 << 53;
    check("exp", json!(last), "accepted");
    for beyond in [
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999",
        "1e300",
        "-9223372036854775809",
        "-1e300",
    ] {
        check_text("exp", beyond, "bad_claim");
        check_text("nbf", beyond, "bad_claim");
        check_text("iat", beyond, "bad_claim");
    }
    check_text("exp", "1e999", "malformed");
    // One that wraps round at 32 or 64 bits would be a moment ago or a moment ahead.
    check("exp", json!(NOW - 3600 + (1_i64 << 32)), "accepted");
    check("nbf", json!(NOW - 3600 + (1_i64 << 32)), "not_yet_valid");
    let honest = with_payload(honest_claims().to_string());
    assert_eq!(verdict_of_issuer(&honest), "accepted");
}
