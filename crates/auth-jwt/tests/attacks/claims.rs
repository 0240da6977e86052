//! Claims of an honest signature: of the wrong type, out of range, missing, or for somebody else.

use serde_json::{Value, json};

use crate::support::{AUDIENCE, ISSUER, NOW, claims_with, claims_without};
use crate::{Row, VERIFIER, refused, row, with_payload};

/// The leeway of a policy that sets none.
const LEEWAY: i64 = 60;

#[test]
fn a_signature_does_not_excuse_a_claim() {
    refused(rows());
}

pub(crate) fn rows() -> Vec<Row> {
    [
        issuer(),
        audience(),
        expiry(),
        beginning(),
        subject(),
        purpose(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Tokens of the same issuer and key that were made for something else.
fn purpose() -> Vec<Row> {
    let logout = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let thumbprint = json!({ "x5t#S256": "planted-thumbprint" });
    vec![
        row(
            "an ID token under a header of JWT",
            "typ",
            with("typ", json!("ID")),
        ),
        row(
            "a refresh token under a header of JWT",
            "typ",
            with("typ", json!("Refresh")),
        ),
        row(
            "an offline token under a header of JWT",
            "typ",
            with("typ", json!("Offline")),
        ),
        row(
            "a logout token under a header of JWT",
            "typ",
            with("typ", json!("Logout")),
        ),
        row("an ID token in lower case", "typ", with("typ", json!("id"))),
        row(
            "an ID token as Cognito calls it",
            "typ",
            with("token_use", json!("id")),
        ),
        row(
            "an ID token that calls itself so at length",
            "typ",
            with("token_use", json!("id_token")),
        ),
        row(
            "an ID token in a list",
            "bad_claim",
            with("typ", json!(["ID"])),
        ),
        row(
            "a use in a list",
            "bad_claim",
            with("token_use", json!(["id"])),
        ),
        row(
            "a refresh token as m8 calls it",
            "typ",
            with("type", json!("refresh")),
        ),
        row("a logout token by its event", "typ", with("events", logout)),
        row(
            "a token bound to a DPoP key",
            "bad_claim",
            with("cnf", json!({ "jkt": "planted" })),
        ),
        row(
            "a token bound to a certificate",
            "bad_claim",
            with("cnf", thumbprint),
        ),
        row(
            "a token bound to nothing",
            "bad_claim",
            with("cnf", Value::Null),
        ),
    ]
}

fn with(name: &str, value: Value) -> String {
    with_payload(claims_with(name, value).to_string())
}

fn without(name: &str) -> String {
    with_payload(claims_without(name).to_string())
}

/// Honest claims and a claim whose value JSON cannot be asked to write.
fn with_text(name: &str, value: &str) -> String {
    let claims = claims_without(name).to_string();
    let claims = claims.strip_suffix('}').unwrap();
    with_payload(format!(r#"{claims},"{name}":{value}}}"#))
}

fn issuer() -> Vec<Row> {
    let iss = |iss: Value| with("iss", iss);
    let text = |iss: &str| with("iss", json!(iss));
    vec![
        row("iss is missing", "missing_claim", without("iss")),
        row("iss is null", "bad_claim", iss(json!(null))),
        row("iss is a number", "bad_claim", iss(json!(1))),
        row("iss is a boolean", "bad_claim", iss(json!(true))),
        row("iss is an object", "bad_claim", iss(json!({ "0": ISSUER }))),
        row(
            "iss is a list with ours in it (CVE-2025-30144)",
            "bad_claim",
            iss(json!(["https://planted.test", ISSUER])),
        ),
        row(
            "iss is a list of ours alone",
            "bad_claim",
            iss(json!([ISSUER])),
        ),
        row("iss is empty", "issuer", text("")),
        row(
            "iss of somebody else",
            "issuer",
            text("https://planted.test"),
        ),
        row(
            "iss is a prefix of ours (GHSA-75c5-xw7c-p5pm)",
            "issuer",
            text("https://issuer.test/realms/mai"),
        ),
        row(
            "ours is a prefix of iss",
            "issuer",
            text("https://issuer.test/realms/main2"),
        ),
        row(
            "iss is another realm",
            "issuer",
            text("https://issuer.test/realms/planted"),
        ),
        row(
            "iss with a slash at its end",
            "issuer",
            text("https://issuer.test/realms/main/"),
        ),
        row(
            "iss in another case",
            "issuer",
            text("https://ISSUER.test/realms/main"),
        ),
        row(
            "iss without TLS",
            "issuer",
            text("http://issuer.test/realms/main"),
        ),
        row(
            "iss with the port spelled out",
            "issuer",
            text("https://issuer.test:443/realms/main"),
        ),
        row(
            "iss with a way back in its path",
            "issuer",
            text("https://issuer.test/realms/x/../main"),
        ),
        row(
            "iss with an escaped letter",
            "issuer",
            text("https://issuer.test/realms/m%61in"),
        ),
        row(
            "iss with ours as its user",
            "issuer",
            text("https://issuer.test/realms/main@planted.test"),
        ),
        row(
            "iss and a space",
            "issuer",
            text("https://issuer.test/realms/main "),
        ),
        row(
            "iss and a NUL",
            "issuer",
            text("https://issuer.test/realms/main\0"),
        ),
        row(
            "iss with a letter of another alphabet",
            "issuer",
            text("https://issuer.test/realms/m\u{430}in"),
        ),
    ]
}

fn audience() -> Vec<Row> {
    let aud = |aud: Value| with("aud", aud);
    vec![
        row("aud is missing", "missing_claim", without("aud")),
        row("aud is null", "bad_claim", aud(json!(null))),
        row("aud is a number", "bad_claim", aud(json!(7))),
        row("aud is a boolean", "bad_claim", aud(json!(true))),
        row(
            "aud is an object",
            "bad_claim",
            aud(json!({ "my-api": true })),
        ),
        row(
            "aud is a list with ours and a number",
            "bad_claim",
            aud(json!([AUDIENCE, 7])),
        ),
        row(
            "aud is a list with ours and null",
            "bad_claim",
            aud(json!([null, AUDIENCE])),
        ),
        row(
            "aud is a list of lists",
            "bad_claim",
            aud(json!([[AUDIENCE]])),
        ),
        row("aud is an empty list", "audience", aud(json!([]))),
        row("aud is empty", "audience", aud(json!(""))),
        row(
            "aud is a list of an empty text",
            "audience",
            aud(json!([""])),
        ),
        row(
            "aud of somebody else",
            "audience",
            aud(json!("planted-service")),
        ),
        row(
            "aud is a list of others",
            "audience",
            aud(json!(["planted-service", "account"])),
        ),
        row("aud is a prefix of ours", "audience", aud(json!("my-ap"))),
        row(
            "ours is a prefix of aud",
            "audience",
            aud(json!("my-api-planted")),
        ),
        row("aud in another case", "audience", aud(json!("My-Api"))),
        row(
            "aud lists several in one text",
            "audience",
            aud(json!("planted-service my-api")),
        ),
        row("aud is a wildcard", "audience", aud(json!("*"))),
    ]
}

fn expiry() -> Vec<Row> {
    let exp = |exp: Value| with("exp", exp);
    vec![
        row("exp is missing", "missing_claim", without("exp")),
        row("exp is null", "bad_claim", exp(json!(null))),
        row(
            "exp is the text of a number (CVE-2026-25537)",
            "bad_claim",
            exp(json!((NOW + 300).to_string())),
        ),
        row("exp is a text", "bad_claim", exp(json!("planted-never"))),
        row(
            "exp is a date",
            "bad_claim",
            exp(json!("2099-12-31T23:59:59Z")),
        ),
        row("exp is the text NaN", "bad_claim", exp(json!("NaN"))),
        row("exp is NaN", "malformed", with_text("exp", "NaN")),
        row("exp is infinite", "malformed", with_text("exp", "Infinity")),
        row("exp is true", "bad_claim", exp(json!(true))),
        row("exp is false", "bad_claim", exp(json!(false))),
        row(
            "exp is an object",
            "bad_claim",
            exp(json!({ "$date": NOW + 300 })),
        ),
        row("exp is a list", "bad_claim", exp(json!([NOW + 300]))),
        row("exp is 1e300", "bad_claim", with_text("exp", "1e300")),
        row("exp is 1e999", "malformed", with_text("exp", "1e999")),
        row(
            "exp is beyond what a double tells apart",
            "bad_claim",
            exp(json!((1_i64 << 53) + 1)),
        ),
        row(
            "exp is the largest integer",
            "bad_claim",
            exp(json!(i64::MAX)),
        ),
        row(
            "exp is beyond the largest integer",
            "bad_claim",
            exp(json!(u64::MAX)),
        ),
        row(
            "exp is beyond 64 bits",
            "bad_claim",
            with_text("exp", "18446744073709551616"),
        ),
        row(
            "exp in hexadecimal",
            "malformed",
            with_text("exp", "0xffffffff"),
        ),
        row(
            "exp with a leading zero",
            "malformed",
            with_text("exp", "04102444800"),
        ),
        row(
            "exp with a plus",
            "malformed",
            with_text("exp", "+4102444800"),
        ),
        row(
            "exp lies back by a year",
            "expired",
            exp(json!(NOW - 31_536_000)),
        ),
        row(
            "exp is the smallest integer",
            "bad_claim",
            exp(json!(i64::MIN)),
        ),
        row("exp is -1", "expired", exp(json!(-1))),
        row("exp is -1e300", "bad_claim", with_text("exp", "-1e300")),
        row("exp is zero", "expired", exp(json!(0))),
        row("exp is minus zero", "expired", with_text("exp", "-0")),
        row(
            "exp is a tiny fraction",
            "expired",
            with_text("exp", "1e-300"),
        ),
        row(
            "exp lies back by the leeway",
            "expired",
            exp(json!(NOW - LEEWAY)),
        ),
        row(
            "exp lies back by the leeway, less a fraction",
            "expired",
            with_text("exp", &format!("{}.9", NOW - LEEWAY)),
        ),
        row(
            "exp lies back by an hour",
            "expired",
            exp(json!(NOW - 3600)),
        ),
        row(
            "exp twice",
            "malformed",
            with_payload(r#"{"exp":1,"exp":4102444800}"#),
        ),
    ]
}

fn beginning() -> Vec<Row> {
    let code = "not_yet_valid";
    vec![
        row("nbf lies ahead", code, with("nbf", json!(NOW + 3600))),
        row(
            "nbf lies ahead by a second more than the leeway",
            code,
            with("nbf", json!(NOW + LEEWAY + 1)),
        ),
        row(
            "nbf lies ahead by a fraction more",
            code,
            with_text("nbf", &format!("{}.1", NOW + LEEWAY)),
        ),
        row("nbf is null", "bad_claim", with("nbf", json!(null))),
        row(
            "nbf is a text",
            "bad_claim",
            with("nbf", json!((NOW - 5).to_string())),
        ),
        row("nbf is a boolean", "bad_claim", with("nbf", json!(false))),
        row("nbf is a list", "bad_claim", with("nbf", json!([NOW]))),
        row("nbf is 1e300", "bad_claim", with_text("nbf", "1e300")),
        row("nbf is -1e300", "bad_claim", with_text("nbf", "-1e300")),
        row("iat lies ahead", code, with("iat", json!(NOW + 3600))),
        row(
            "iat lies ahead by a second more than the leeway",
            code,
            with("iat", json!(NOW + LEEWAY + 1)),
        ),
        row("iat is null", "bad_claim", with("iat", json!(null))),
        row(
            "iat is a text",
            "bad_claim",
            with("iat", json!("planted-yesterday")),
        ),
        row("iat is an object", "bad_claim", with("iat", json!({}))),
        row("iat is 1e300", "bad_claim", with_text("iat", "1e300")),
    ]
}

fn subject() -> Vec<Row> {
    let bad = |name: &str, value: Value| with(name, value);
    let code = "bad_claim";
    vec![
        row("sub is missing", "missing_claim", without("sub")),
        row("sub is null", code, bad("sub", json!(null))),
        row("sub is empty", code, bad("sub", json!(""))),
        row("sub is a number", code, bad("sub", json!(0))),
        row(
            "sub is a list",
            code,
            bad("sub", json!(["planted-subject"])),
        ),
        row(
            "sub is an object",
            code,
            bad("sub", json!({ "id": "planted-subject" })),
        ),
        row("jti is a number", code, bad("jti", json!(1234))),
        row("jti is null", code, bad("jti", json!(null))),
        row(
            "jti is a list",
            code,
            bad("jti", json!(["planted-token-id"])),
        ),
    ]
}

/// Claims that only describe, of the wrong type. No policy here asks for them.
fn descriptive() -> Vec<Row> {
    let bad = |name: &str, value: Value| with(name, value);
    let code = "absent";
    vec![
        row(
            "email is a list",
            code,
            bad("email", json!(["planted@example.test"])),
        ),
        row(
            "preferred_username is a number",
            code,
            bad("preferred_username", json!(1)),
        ),
        row("sid is an object", code, bad("sid", json!({}))),
        row("azp is a list", code, bad("azp", json!(["planted-client"]))),
        row("client_id is a number", code, bad("client_id", json!(7))),
        row("scope is a number", code, bad("scope", json!(1))),
        row(
            "scope is a list with a number",
            code,
            bad("scope", json!(["read", 1])),
        ),
        row(
            "scope is an object",
            code,
            bad("scope", json!({ "admin": true })),
        ),
    ]
}

/// Claims that list roles, of the wrong type.
fn roles() -> Vec<Row> {
    let code = "absent";
    let realm = |roles: Value| with("realm_access", roles);
    let clients = |clients: Value| with("resource_access", clients);
    vec![
        row("realm_access is a list", code, realm(json!(["admin"]))),
        row(
            "realm_access is a text",
            code,
            realm(json!("planted-administrator")),
        ),
        row("realm_access is null", code, realm(json!(null))),
        row(
            "the roles of the realm are a text",
            code,
            realm(json!({ "roles": "planted-administrator" })),
        ),
        row(
            "the roles of the realm are an object",
            code,
            realm(json!({ "roles": { "admin": true } })),
        ),
        row(
            "the roles of the realm are null",
            code,
            realm(json!({ "roles": null })),
        ),
        row(
            "the roles of the realm hold a number",
            code,
            realm(json!({ "roles": ["user", 1] })),
        ),
        row(
            "the roles of the realm hold a list",
            code,
            realm(json!({ "roles": [["admin"]] })),
        ),
        row(
            "resource_access is a list",
            code,
            clients(json!([{ "my-api": { "roles": ["admin"] } }])),
        ),
        row(
            "our client's access is a list",
            code,
            clients(json!({ "my-api": ["admin"] })),
        ),
        row(
            "our client's roles are a text",
            code,
            clients(json!({ "my-api": { "roles": "admin" } })),
        ),
        row(
            "our client's roles hold null",
            code,
            clients(json!({ "my-api": { "roles": [null] } })),
        ),
        row(
            "roles is a text",
            code,
            with("roles", json!("planted-administrator")),
        ),
        row("roles is a boolean", code, with("roles", json!(true))),
        row("roles is null", code, with("roles", json!(null))),
        row(
            "roles holds an object",
            code,
            with("roles", json!([{ "name": "admin" }])),
        ),
    ]
}

#[test]
fn descriptive_claim_of_the_wrong_type_counts_as_absent() {
    for row in descriptive() {
        let accepted = VERIFIER.verify_with_known_keys(&row.token);
        let accepted = accepted.unwrap_or_else(|rejection| panic!("{}: {rejection}", row.name));
        let texts = [
            accepted.email(),
            accepted.username(),
            accepted.session_id(),
            accepted.client_id(),
        ];
        assert_eq!(texts, [None; 4], "{}", row.name);
        assert_eq!(accepted.scopes().count(), 0, "{}", row.name);
    }
}

#[test]
fn role_claim_of_the_wrong_type_grants_nothing() {
    for row in roles() {
        let accepted = VERIFIER.verify_with_known_keys(&row.token);
        let accepted = accepted.unwrap_or_else(|rejection| panic!("{}: {rejection}", row.name));
        // The honest claims list this one.
        let mut granted = accepted.roles().filter(|role| *role != "planted-role");
        assert_eq!(granted.next(), None, "{}", row.name);
    }
}

/// Not refused, because it may stand in any honest token, but it must not count.
#[test]
fn a_role_of_another_client_is_not_one_of_ours() {
    let mut claims = claims_without("realm_access");
    claims["resource_access"] = json!({
        "my-api2": { "roles": ["admin"] },
        "account": { "roles": ["admin"] },
        "MY-API": { "roles": ["admin"] },
        "": { "roles": ["admin"] },
    });
    claims["role"] = json!("admin");
    claims["groups"] = json!(["admin"]);
    claims["realm_access.roles"] = json!(["admin"]);
    let token = with_payload(claims.to_string());
    let accepted = VERIFIER.verify_with_known_keys(&token).unwrap();
    assert_eq!(accepted.roles().len(), 0);
}
