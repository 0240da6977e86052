//! Named after the weaknesses of the original client (contract miso §13).

use auth_mask::{MASK, MaskPolicy, Masker};
use serde_json::json;

/// Masked by the original although nothing about them is secret (contract miso §5).
const OVER_MASKED: &str = "author authors authenticated authority key keys keyId sourceKey keyboard monkey turkey success
    access account accept accuracy accountId occurred iccid soccer className businessName processName passName shipping
    mapping typing ping opinion spinner occupation footprint hotpot notPresent tokenLength";

/// Shown by the original although they are secrets.
const MISSED: &str =
    "passphrase credential credentials jwt bearer sid pass passcode cardNumber card_number iban
    connectionString csrf plaintext dob";

#[track_caller]
fn check(policy: MaskPolicy, names: &str, sensitive: bool) {
    for name in names.split_whitespace() {
        assert_eq!(policy.is_sensitive(name), sensitive, "{name:?}");
    }
}

#[test]
fn a9_what_the_original_masks_for_nothing_is_shown() {
    check(MaskPolicy::iso27001(), OVER_MASKED, false);
}

#[test]
fn a9_what_the_original_misses_is_masked() {
    check(MaskPolicy::iso27001(), MISSED, true);
}

#[test]
fn a9_stays_as_it_is_under_the_originals_own_policy() {
    check(MaskPolicy::miso_4_9(), OVER_MASKED, true);
    check(MaskPolicy::miso_4_9(), MISSED, false);
    check(
        MaskPolicy::miso_4_9(),
        "accesstoken apikey auth authorization cc cookie creditcard cvv key otp passwd password pin privatekey pwd
         refreshtoken secret secretkey session ssn token Access_Token X-API-KEY client-secret my__pass-word",
        true,
    );
    check(
        MaskPolicy::miso_4_9(),
        "k p.assword pass.word email x-client-id",
        false,
    );
}

#[test]
fn a9_secrets_in_the_values_of_innocent_names_are_masked() {
    let document = json!({
        "message": "login with Bearer abc.def failed",
        "url": "/callback?state=1&token=s3cret",
        "stackTrace": ["at x", "postgres://ada:pw@db/x"],
        "body": r#"{"password":"hunter2"}"#,
    });
    let shown = Masker::default().mask_value(&document);
    assert_eq!(
        shown,
        json!({
            "message": "login with Bearer ***MASKED*** failed",
            "url": "/callback?state=1&token=***MASKED***",
            "stackTrace": ["at x", "postgres://***MASKED***@db/x"],
            "body": r#"{"password":"***MASKED***"}"#,
        })
    );
    let as_it_was = Masker::new(MaskPolicy::miso_4_9()).mask_value(&document);
    assert_eq!(as_it_was, document);
}

#[test]
fn a7_the_query_of_a_url_is_masked() {
    let masker = Masker::default();
    for (url, expected) in [
        ("https://h/p?token=SECRET", "https://h/p?token=***MASKED***"),
        (
            "/p?a=1&access_token=SECRET&b=2#x",
            "/p?a=1&access_token=***MASKED***&b=2#x",
        ),
        (
            "/cb#access_token=SECRET&state=1",
            "/cb#access_token=***MASKED***&state=1",
        ),
        ("/p?pass%77ord=SECRET", "/p?pass%77ord=***MASKED***"),
        (
            "/p?code=SECRET&sig=SECRET",
            "/p?code=***MASKED***&sig=***MASKED***",
        ),
        (
            "/p?countryCode=FI&tokenCount=3",
            "/p?countryCode=FI&tokenCount=3",
        ),
        (
            "/p?next=https%3A%2F%2Fu%3Apw%40h%2F",
            "/p?next=***MASKED***",
        ),
        ("/p?token=&page=2", "/p?token=&page=2"),
        ("https://user@h/p", "https://***MASKED***@h/p"),
        ("//ada:SECRET@h/p", "//***MASKED***@h/p"),
        ("https://u:p/w@h/p", "https://***MASKED***@h/p"),
        ("https://h:8080/users/@me", "https://h:8080/users/@me"),
        ("https://[::1]:80/@me", "https://[::1]:80/@me"),
        ("/reset/eyJhbGci.eyJzdWIi.c2ln", "/reset/***MASKED***"),
    ] {
        assert_eq!(masker.mask_url(url), expected);
        assert_eq!(masker.mask_url(expected), expected);
    }
}

#[test]
fn a8_lists_and_bare_strings_are_masked_too() {
    let masker = Masker::default();
    for (body, expected) in [
        (
            r#"[{"token":"t"},["Bearer abc"]]"#,
            r#"[{"token":"***MASKED***"},["Bearer ***MASKED***"]]"#,
        ),
        (r#""Bearer abc""#, r#""Bearer ***MASKED***""#),
        (r#"{"plaintext":"x"}"#, r#"{"plaintext":"***MASKED***"}"#),
    ] {
        assert_eq!(masker.mask_json(body).unwrap().as_str(), expected);
    }
}

#[test]
fn b6_deep_data_does_not_overflow_the_stack() {
    const DEEP: usize = 200_000;
    let mut value = json!("SECRET");
    for _ in 0..DEEP {
        value = serde_json::Value::Array(vec![value]);
    }
    let masker = Masker::default();
    assert!(masker.contains_sensitive(&value));
    let copy = masker.mask_value(&value).to_string();
    assert!(copy.contains(MASK) && !copy.contains("SECRET"));

    masker.mask_value_in_place(&mut value);
    assert_eq!(value.to_string(), copy);
    assert!(masker.mask_json(&"[".repeat(DEEP)).is_err());

    // As text there is no depth at which masking stops.
    let deep = |inside: &str| {
        let (open, close) = (r#"{"a":["#.repeat(DEEP), "]}".repeat(DEEP));
        format!(r#"{open}{{"password":{inside}}}{close}"#)
    };
    let shown = masker.mask_json(&deep(&deep("\"SECRET\"")));
    assert_eq!(shown.unwrap().as_str(), deep("\"***MASKED***\""));
}
