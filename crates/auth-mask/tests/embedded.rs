//! Documents inside of texts, and cards that are written as numbers.

use auth_mask::{Category, MaskPolicy, Masker};
use serde_json::{Value, json};

#[track_caller]
fn check(text: &str, expected: &str) {
    let masker = Masker::default();
    assert_eq!(masker.mask_text(text), expected);
    assert_eq!(masker.mask_text(expected), expected, "masked twice");
    // The same as the value of a member, by every way.
    let document = json!({ "body": text });
    let expected = json!({ "body": expected });
    let shown = masker.mask_json(&document.to_string()).unwrap();
    assert_eq!(shown.as_str(), expected.to_string());
    assert_eq!(masker.to_json(&document).unwrap(), shown);
    assert_eq!(masker.mask_value(&document), expected);
}

#[test]
fn a_document_in_a_text_is_masked_as_one() {
    for (text, expected) in [
        (
            r#"{"password":{"old":"x"}}"#,
            r#"{"password":"***MASKED***"}"#,
        ),
        (
            r#"{"pass\u0077ord":1}"#,
            r#"{"pass\u0077ord":"***MASKED***"}"#,
        ),
        (
            " [ {\"a\":1, \"otp\" : 123456} ]\n",
            " [ {\"a\":1, \"otp\" : \"***MASKED***\"} ]\n",
        ),
        (r#"["Bearer abcdef"]"#, r#"["Bearer ***MASKED***"]"#),
        (r#""password=abc""#, r#""password=***MASKED***""#),
        (
            r#""{\"token\":\"abc\",\"a\":1}""#,
            r#""{\"token\":\"***MASKED***\",\"a\":1}""#,
        ),
        (r#"{"a":1}"#, r#"{"a":1}"#),
        ("[]", "[]"),
    ] {
        check(text, expected);
    }
}

#[test]
fn it_may_lie_as_deep_as_somebody_cares_to_quote_it() {
    let mut document = json!({"password": "s3cret", "id": 1});
    for _ in 0..8 {
        document = json!({ "body": document.to_string() });
    }
    let mut shown: Value = serde_json::from_str(
        Masker::default()
            .mask_json(&document.to_string())
            .unwrap()
            .as_str(),
    )
    .unwrap();
    assert!(!shown.to_string().contains("s3cret"));
    for _ in 0..8 {
        shown = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    }
    assert_eq!(shown, json!({"password": "***MASKED***", "id": 1}));
}

#[test]
fn of_one_that_was_cut_the_last_piece_is_hidden() {
    for (text, expected) in [
        (
            r#"{"user":"ada","password":"s3c"#,
            r#"{"user":"ada","password":***MASKED***"#,
        ),
        (
            r#"{"user":"ada","note":"half of a s"#,
            r#"{"user":"ada","note":***MASKED***"#,
        ),
        (r#"{"user":"ada","pass"#, r#"{"user":"ada"***MASKED***"#),
        (
            r#"{"user":"ada","n":[4242424242"#,
            r#"{"user":"ada","n":[***MASKED***"#,
        ),
        (
            r#"[{"pass\u0077ord":{"a":"#,
            r#"[{"pass\u0077ord":***MASKED***"#,
        ),
    ] {
        check(text, expected);
    }
}

#[test]
fn a_text_that_only_begins_like_one_is_a_text() {
    for text in [
        "{",
        "[",
        "[INFO] all is well",
        "[2026-11-22] all is well",
        "{user} said {what}",
        "{ a: 1 }",
        "\"quoted\" and not",
        "\"not closed",
        "[1, 2",
        "{}{}",
    ] {
        check(text, text);
    }
    check("[x] password=abc", "[x] password=***MASKED***");
    check(
        r#"{"a":1} and {"secret":{"b":2},"c":3}"#,
        r#"{"a":1} and {"secret":***MASKED***,"c":3}"#,
    );
}

#[test]
fn a_card_is_found_in_a_number() {
    let masker = Masker::default();
    for (number, is_card) in [
        ("4242424242424242", true),
        ("378282246310005", true),
        ("4222222222222", true),
        ("4242424242424241", false),
        ("-4242424242424242", false),
        ("4242424242424242.0", false),
        ("4242424242424242e1", false),
        // Longer ones are identifiers, not cards.
        ("6304000000000000000", false),
        ("1700000000000000", false),
        ("424242424242", false),
    ] {
        let document = format!("{{\"n\":[{number}]}}");
        let expected = if is_card {
            r#"{"n":["***MASKED***"]}"#
        } else {
            &document
        };
        assert_eq!(masker.mask_json(&document).unwrap().as_str(), expected);
        let value: Value = serde_json::from_str(&document).unwrap();
        let shown = masker.mask_value(&value);
        assert_eq!(shown["n"][0] == "***MASKED***", is_card, "{number}");
        assert_eq!(masker.to_json(&value).unwrap().as_str(), shown.to_string());
    }
    assert_eq!(
        masker
            .to_json(&(4_242_424_242_424_242_u64, 1_u8))
            .unwrap()
            .as_str(),
        "[\"***MASKED***\",1]"
    );
    for policy in [
        MaskPolicy::iso27001().without(Category::Payment),
        MaskPolicy::miso_4_9(),
    ] {
        let shown = Masker::new(policy).mask_json("[4242424242424242]").unwrap();
        assert_eq!(shown.as_str(), "[4242424242424242]");
    }
}

#[test]
fn a_name_that_is_a_secret_is_masked_and_judged_by_what_is_left_of_it() {
    let document = r#"{"Bearer abcdef0123456789:status":1,"a":2}"#;
    let shown = Masker::default().mask_json(document).unwrap();
    assert_eq!(shown.as_str(), r#"{"Bearer ***MASKED***":1,"a":2}"#);

    // Under the name that is shown nobody said that it may be.
    let masker = Masker::new(MaskPolicy::strict().show_name("status"));
    let expected = r#"{"Bearer ***MASKED***":"***MASKED***","a":"***MASKED***"}"#;
    let shown = masker.mask_json(document).unwrap();
    assert_eq!(shown.as_str(), expected);
    assert_eq!(masker.mask_json(expected).unwrap(), shown);
    let value: Value = serde_json::from_str(document).unwrap();
    assert_eq!(
        masker.to_json(&value).unwrap().as_str().len(),
        expected.len()
    );
    assert_eq!(
        masker.mask_value(&value),
        serde_json::from_str::<Value>(expected).unwrap()
    );
    let mut value = value;
    masker.mask_value_in_place(&mut value);
    assert_eq!(value, serde_json::from_str::<Value>(expected).unwrap());
}

/// A text in quotation marks that has one backslash for each that was in it, however often it is
/// quoted.
fn quoted_shortly(text: &str) -> String {
    let text = text.replace('\\', "\\u005c").replace('"', "\\u0022");
    format!("\"{text}\"")
}

#[test]
fn what_is_quoted_too_often_is_masked_unseen() {
    let mut text = "password=s3cret".to_owned();
    for level in 1..40 {
        text = format!("[{}]", quoted_shortly(&text));
        let shown = Masker::default().mask_text(&text);
        assert!(!shown.contains("s3cret"), "{level}: {shown}");
        assert_eq!(Masker::default().mask_text(&shown), shown, "{level}");
    }
}

/// Each level is broken behind its text, and has a secret that only those who read it see, so that
/// all of it seems worth a second look.
#[test]
fn a_text_that_is_quoted_and_broken_at_each_level_takes_no_time() {
    let mut text = "x".to_owned();
    for _ in 0..60 {
        text = format!("[{}]x my\\u005ftoken=s3cret", quoted_shortly(&text));
    }
    // A doubling for each level would not end in the lifetime of this machine.
    let shown = Masker::default().mask_text(&text);
    assert!(shown.ends_with("]x my\\u005ftoken=***MASKED***"));
    assert!(Masker::default().mask_text(&shown) == shown);
}
