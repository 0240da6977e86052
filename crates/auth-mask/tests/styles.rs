//! What stands in place of a secret, and policies that name one by one what is shown.

use auth_core::Secret;
use auth_mask::{Category, MASK, MaskPolicy, Masker, PseudonymKey, Style};
use serde_json::{Value, json};

const CATEGORIES: [(&str, &str); 4] = [
    ("password", "credentials"),
    ("accessToken", "tokens"),
    ("iban", "payment"),
    ("ssn", "government_id"),
];

fn key(text: &str) -> PseudonymKey {
    PseudonymKey::new(&Secret::from(text.repeat(32))).unwrap()
}

fn styled(style: Style) -> Masker {
    Masker::new(MaskPolicy::iso27001().mask_name("reference", style))
}

/// By every way there is over a document.
#[track_caller]
fn check(masker: &Masker, document: &str, expected: &str) {
    assert_eq!(masker.mask_json(document).unwrap().as_str(), expected);
    let value: Value = serde_json::from_str(document).unwrap();
    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(masker.mask_value(&value), expected);
    assert_eq!(
        masker.to_json(&value).unwrap().as_str(),
        expected.to_string()
    );
    let mut in_place = value;
    masker.mask_value_in_place(&mut in_place);
    assert_eq!(in_place, expected);
}

#[test]
fn a_part_is_shown_of_texts_and_numbers() {
    let (first, last) = (1, 2);
    let masker = styled(Style::Partial { first, last });
    check(
        &masker,
        r#"{"reference":"abcdefgh","b":{"reference":123456},"c":[{"reference":"a\"\u00e4\n"}]}"#,
        r#"{"reference":"a********gh","b":{"reference":"1********56"},"c":[{"reference":"a********ä\n"}]}"#,
    );
    for value in [
        "[\"abcdefgh\"]",
        "{\"a\":\"abcdefgh\"}",
        "null",
        "true",
        "\"\"",
        "\"abc\"",
    ] {
        check(
            &masker,
            &format!("{{\"reference\":{value}}}"),
            &format!("{{\"reference\":\"{MASK}\"}}"),
        );
    }
    assert_eq!(
        masker.mask_query("a=1&reference=a%20b%26c%C3%A4"),
        "a=1&reference=a********c%C3%A4"
    );
    let headers = masker.mask_headers([("X-Reference", "abcdefgh")]);
    assert_eq!(headers[0].1, "a********gh");
    // Of a text without a name nothing is known of where a value ends.
    assert_eq!(
        masker.mask_text("reference=abcdefgh"),
        "reference=***MASKED***"
    );
}

#[test]
fn a_pseudonym_is_the_same_wherever_the_key_is() {
    let masker = styled(Style::Pseudonym(key("a")));
    let pseudonym = |masker: &Masker, value: &str| {
        let document = format!("{{\"reference\":{value}}}");
        let shown: Value =
            serde_json::from_str(masker.mask_json(&document).unwrap().as_str()).unwrap();
        shown["reference"].as_str().unwrap().to_owned()
    };
    let ada = pseudonym(&masker, "\"ada\"");
    assert!(ada.starts_with("pseudonym:") && ada.len() == 42, "{ada}");
    assert_eq!(
        pseudonym(&styled(Style::Pseudonym(key("a"))), "\"\\u0061da\""),
        ada
    );
    assert_eq!(masker.mask_headers([("reference", "ada")])[0].1, ada);
    assert_eq!(
        masker.mask_query("reference=%61da"),
        format!("reference={}", ada.replace(':', "%3A"))
    );
    assert_eq!(
        masker.mask_value(&json!({"reference": "ada"}))["reference"],
        ada
    );
    assert_eq!(
        masker
            .to_json(&json!({"reference": "ada"}))
            .unwrap()
            .as_str(),
        { format!("{{\"reference\":\"{ada}\"}}") }
    );
    assert_eq!(pseudonym(&masker, "12"), pseudonym(&masker, "\"12\""));
    assert_eq!(pseudonym(&masker, "[1]"), MASK);

    assert_ne!(pseudonym(&masker, "\"bob\""), ada);
    assert_ne!(
        pseudonym(&styled(Style::Pseudonym(key("b"))), "\"ada\""),
        ada
    );
    // Masked twice it stays; one that somebody else has made does not.
    assert_eq!(pseudonym(&masker, &format!("\"{ada}\"")), ada);
    let forged = format!("\"pseudonym:{}\"", "0".repeat(32));
    assert_ne!(pseudonym(&masker, &forged), forged.trim_matches('"'));
    let by_others = pseudonym(&styled(Style::Pseudonym(key("b"))), "\"ada\"");
    assert_ne!(pseudonym(&masker, &format!("\"{by_others}\"")), by_others);
}

#[test]
fn a_short_key_makes_no_pseudonyms_and_no_key_is_shown() {
    assert!(PseudonymKey::new(&Secret::from("short")).is_err());
    let policy = MaskPolicy::iso27001().mask_name("a", Style::Pseudonym(key("k")));
    assert!(!format!("{policy:?}").contains("kkkk"));
    assert_eq!(policy.clone(), policy);
    assert_ne!(
        policy,
        MaskPolicy::iso27001().mask_name("a", Style::Pseudonym(key("l")))
    );
}

#[test]
fn what_is_dropped_leaves_the_document_whole() {
    let masker = styled(Style::Drop);
    for (document, expected) in [
        (r#"{"reference":1}"#, "{}"),
        (r#"{"reference":1,"b":2}"#, r#"{"b":2}"#),
        (r#"{"a":1,"reference":[{"x":[]}]}"#, r#"{"a":1}"#),
        (r#"{"a":1,"reference":{},"c":3}"#, r#"{"a":1,"c":3}"#),
        (
            r#"{"reference":1,"other_reference":2,"c":3,"reference3":"x","e":5}"#,
            r#"{"c":3,"e":5}"#,
        ),
        (
            r#"{"a":{"reference":1},"b":[{"reference":1,"c":{}},{"reference":1}]}"#,
            r#"{"a":{},"b":[{"c":{}},{}]}"#,
        ),
        (
            r#"{"a":{"x":{"reference":1}},"reference":0,"z":{"reference":2,"password":3}}"#,
            r#"{"a":{"x":{}},"z":{"password":"***MASKED***"}}"#,
        ),
        (
            r#"{"password":{"reference":1,"b":2},"reference":1}"#,
            r#"{"password":"***MASKED***"}"#,
        ),
    ] {
        check(&masker, document, expected);
    }
    let spaced = masker.mask_json("{ \"reference\" : 1 ,\n  \"b\" : 2 , \"reference\" : 3 }");
    assert_eq!(spaced.unwrap().as_str(), "{ \n  \"b\" : 2  }");

    for (query, expected) in [
        ("reference=1", ""),
        ("reference=1&b=2", "b=2"),
        ("a=1&reference=&c=3;d=4", "a=1&c=3;d=4"),
        ("a=1;reference=1", "a=1"),
        ("a=1&&reference", "a=1&&reference"),
    ] {
        assert_eq!(masker.mask_query(query), expected);
    }
    assert_eq!(
        masker.mask_headers([("reference", "a"), ("b", "c")]).len(),
        1
    );
    assert_eq!(masker.mask_field("reference", "x"), None);
    assert_eq!(
        masker.mask_cookies("reference=1; sid=2"),
        "sid=***MASKED***"
    );
    assert_eq!(masker.mask_set_cookie("reference=1; Path=/"), "");
}

#[test]
fn each_category_has_a_style_of_its_own() {
    for (name, code) in CATEGORIES {
        let category = MaskPolicy::default().category(name).unwrap();
        assert_eq!(category.code(), code);
        let masker = Masker::new(MaskPolicy::iso27001().style(category, Style::Drop));
        for (other, _) in CATEGORIES {
            let document = format!("{{\"{other}\":1}}");
            let expected = if other == name {
                "{}".to_owned()
            } else {
                format!("{{\"{other}\":\"{MASK}\"}}")
            };
            check(&masker, &document, &expected);
        }
    }
    // A name goes before its category.
    let policy = MaskPolicy::iso27001()
        .style(Category::Tokens, Style::Drop)
        .mask_name("refresh token", Style::Full);
    check(
        &Masker::new(policy),
        r#"{"accessToken":1,"refreshToken":2}"#,
        r#"{"refreshToken":"***MASKED***"}"#,
    );
}

#[test]
fn a_policy_file_has_styles_as_well() {
    let file = br#"{"fields":{"internal":["badge"]},"neverMaskFields":["code","status"]}"#;
    let policy = MaskPolicy::from_file(file).unwrap();
    let policy = policy
        .style(Category::Credentials, Style::Drop)
        .show_name("badge colour");
    check(
        &Masker::new(policy.clone()),
        r#"{"badge":1,"badgeColour":2,"password":3,"status":4}"#,
        r#"{"badge":"***MASKED***","badgeColour":2,"status":4}"#,
    );
    // What is never masked is not masked in a query either.
    assert_eq!(Masker::new(policy).mask_query("code=1&sig=2"), "code=1");
}

#[test]
fn strict_shows_what_is_named_and_nothing_else() {
    let masker = Masker::new(MaskPolicy::strict().show_name("status").show_name("tags"));
    for (document, expected) in [
        ("1", "\"***MASKED***\""),
        ("\"x\"", "\"***MASKED***\""),
        ("null", "\"***MASKED***\""),
        (
            "[1,[true],\"x\",{}]",
            r#"["***MASKED***",["***MASKED***"],"***MASKED***",{}]"#,
        ),
        (
            r#"{"status":200,"id":7,"data":{"status":1}}"#,
            r#"{"status":200,"id":"***MASKED***","data":"***MASKED***"}"#,
        ),
        (
            r#"{"tags":["a",{"b":1,"status":[2]},[null]]}"#,
            r#"{"tags":["a",{"b":"***MASKED***","status":[2]},[null]]}"#,
        ),
        (
            r#"{"status":"Bearer abcdef","tags":"{\"a\":1,\"status\":2}"}"#,
            r#"{"status":"Bearer ***MASKED***","tags":"{\"a\":\"***MASKED***\",\"status\":2}"}"#,
        ),
    ] {
        check(&masker, document, expected);
    }
    assert_eq!(masker.mask_text("all is well"), MASK);
    assert_eq!(masker.mask_text(""), "");
    assert_eq!(masker.mask_url("/users/7?status=1&id=7#x"), {
        "***MASKED***?status=1&id=***MASKED***#***MASKED***"
    });
    assert_eq!(masker.mask_query("status=a&x"), "status=a&***MASKED***");
    assert_eq!(
        masker.mask_headers([("Status", "ok"), ("accept", "*/*")]),
        [
            ("Status".to_owned(), "ok".to_owned()),
            ("accept".to_owned(), MASK.to_owned())
        ]
    );
    assert!(masker.contains_sensitive(&json!({"a": 1})));
    assert!(!masker.contains_sensitive(&json!({"status": {"tags": 1}})));
}

#[test]
fn a_policy_is_swapped_for_all_who_share_the_masker() {
    let masker = Masker::default();
    let shared = masker.clone();
    assert_eq!(shared.mask_query("id=1&email=2"), "id=1&email=2");
    masker.set_policy(MaskPolicy::strict());
    assert_eq!(
        shared.mask_query("id=1&email=2"),
        "id=***MASKED***&email=***MASKED***"
    );
    assert_eq!(*shared.policy(), MaskPolicy::strict());

    // While others mask, each document is masked by one policy or the other, and by no mixture.
    let masker = Masker::default();
    let document = r#"{"id":1,"password":2,"success":3}"#;
    let policies = [
        MaskPolicy::iso27001(),
        MaskPolicy::strict(),
        MaskPolicy::miso_4_9(),
    ];
    let shown = |masker: &Masker| masker.mask_json(document).unwrap().into_string();
    let expected = policies.clone().map(|policy| shown(&Masker::new(policy)));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..5000).for_each(|_| assert!(expected.contains(&shown(&masker)))));
        }
        for round in 0..5000 {
            masker.set_policy(policies[round % 3].clone());
        }
    });
}
