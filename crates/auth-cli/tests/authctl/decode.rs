//! Looking into a token, and saying that nothing was verified.

use auth_jwt::Algorithm;
use serde_json::json;

use crate::support::{check, key, token, token_with_header};

const WARNING: &str = "NOTHING WAS VERIFIED: anybody can have written this token; to verify it, \
    use `authctl token verify`";

#[test]
fn the_first_line_says_that_nothing_was_verified() {
    let key = key(Algorithm::EdDSA);
    let token = token(&key, &json!({ "sub": "\u{202e}\u{9b}" }));
    let expected = format!(
        r#"{WARNING}

header
{{
  "alg": "EdDSA",
  "kid": "k1",
  "typ": "JWT"
}}

claims
{{
  "aud": "my-api",
  "exp": 1700000100,
  "iss": "https://issuer.test",
  "sub": "\u202e\u009b"
}}
"#
    );
    check(&["token", "decode"], format!("{token}\n"), 0, &expected, "");
}

#[test]
fn json_says_so_too() {
    let key = key(Algorithm::EdDSA);
    let token = token_with_header(&key, &json!({ "alg": "none" }));
    let expected = format!(
        r#"{{"verified":false,"warning":"{WARNING}","header":{{"alg":"none"}},"claims":{{"aud":"my-api","exp":1700000100,"iss":"https://issuer.test","sub":"u1"}}}}"#
    );
    check(
        &["token", "decode", "--json"],
        token,
        0,
        &(expected + "\n"),
        "",
    );
}

#[test]
fn members_stand_in_the_order_and_with_the_digits_they_were_written_with() {
    let key = key(Algorithm::EdDSA);
    let payload = r#"{ "z": 12345678901234567890123, "a": [1.50] }"#;
    let token = key.sign_parts(br#"{"typ":"x","alg":"y"}"#, payload.as_bytes());
    let expected = format!(
        r#"{{"verified":false,"warning":"{WARNING}","header":{{"typ":"x","alg":"y"}},"claims":{{"z":12345678901234567890123,"a":[1.50]}}}}"#
    );
    let arguments = ["token", "decode", "--json"];
    check(
        &arguments,
        token.unwrap().expose(),
        0,
        &(expected + "\n"),
        "",
    );
}

#[test]
fn what_cannot_be_decoded_is_refused() {
    let huge = "x".repeat(2 * 1024 * 1024);
    for (input, code, message) in [
        (&b""[..], "malformed", "not three parts"),
        (b"a.b", "malformed", "not three parts"),
        (b"a.b.c", "malformed", "not canonical base64url"),
        (b"e30.e30.e30.e30.e30", "malformed", "not three parts"),
        (
            b"W10.e30.",
            "malformed",
            "header is not a strict JSON object",
        ),
        (
            b"e30.W10.",
            "malformed",
            "payload is not a strict JSON object",
        ),
        (b"e30.e30.\n\n", "malformed", "not canonical base64url"),
        (b"\xff", "malformed", "not canonical base64url"),
        (huge.as_bytes(), "too_large", "larger than 1048576 bytes"),
    ] {
        check(
            &["token", "decode"],
            input,
            1,
            "",
            &format!("{message}\nhelp: "),
        );
        let error = format!(r#"{{"error":{{"code":"{code}","message":""#);
        check(&["token", "decode", "--json"], input, 1, "", &error);
        check(&["token", "decode", "--json"], input, 1, "", message);
    }
}
