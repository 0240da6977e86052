//! What holds for every document and every text.

use auth_core::Secret;
use auth_mask::{Category, MASK, MaskPolicy, Masker, PseudonymKey, Style, mask_partial};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const SECRET: &str = "pl4nted-s3cret";

fn key() -> PseudonymKey {
    PseudonymKey::new(&Secret::from("0123456789abcdef0123456789abcdef")).unwrap()
}

/// One of each kind, and one in which every category has another style.
fn policies() -> impl Strategy<Value = Masker> {
    let (first, last) = (2, 3);
    let styled = MaskPolicy::iso27001()
        .style(Category::Payment, Style::Partial { first, last })
        .style(Category::Tokens, Style::Pseudonym(key()))
        .style(Category::Session, Style::Drop);
    prop_oneof![
        Just(MaskPolicy::iso27001()),
        Just(MaskPolicy::miso_4_9()),
        Just(styled.clone()),
        Just(
            styled
                .show_name("api token")
                .mask_name("status", Style::Drop)
        ),
        Just(
            MaskPolicy::strict()
                .show_name("message")
                .show_name("status")
        ),
    ]
    .prop_map(Masker::new)
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_.-]{0,8}",
        proptest::sample::select(vec![
            "message",
            "status",
            "accessToken",
            "apiToken",
            "db_password",
            "iban",
            "session-id",
        ])
        .prop_map(str::to_owned),
        // A text that begins so may be a document, which is looked for in values only.
        any::<String>().prop_filter("no document", |name| !name
            .trim_start()
            .starts_with(['{', '[', '"'])),
    ]
}

/// Written once more, without regard to anything but what is meant: what is shown of a value, or
/// `None` if it is left out. It asks the policy about single names and single texts only.
fn slow(masker: &Masker, value: &Value, named: bool) -> Value {
    let policy = masker.policy();
    let values = policy.as_ref() != &MaskPolicy::miso_4_9();
    match value {
        Value::Object(members) => {
            let mut shown = Map::new();
            for (name, value) in members {
                let value = if policy.is_sensitive(name) {
                    slow_secret(masker, name, value)
                } else {
                    Some(slow(masker, value, true))
                };
                // A long name may be a secret that became a key.
                let name = match masker.mask_field("message", name) {
                    Some(shown) if name.len() >= 16 => shown.into_owned(),
                    _ => name.clone(),
                };
                shown.extend(value.map(|value| (name, value)));
            }
            shown.into()
        }
        Value::Array(items) => items.iter().map(|item| slow(masker, item, named)).collect(),
        _ if !named && policy.is_sensitive("never heard of it") => MASK.into(),
        Value::String(text) if values => match masker.mask_field("message", text) {
            Some(text) => text.into(),
            None => unreachable!("no policy drops messages"),
        },
        Value::Number(number) if values => {
            let digits = number.to_string();
            let is_card = digits.len() <= 16
                && masker.mask_field("message", &digits).as_deref() == Some(MASK);
            if is_card { MASK.into() } else { value.clone() }
        }
        _ => value.clone(),
    }
}

fn slow_secret(masker: &Masker, name: &str, value: &Value) -> Option<Value> {
    let policy = masker.policy();
    let of_text = |text: &str| masker.mask_field(name, text).map(Value::from);
    match value {
        Value::String(text) => of_text(text),
        Value::Number(number) => of_text(&number.to_string()),
        _ => of_text("anything").map(|_| MASK.into()),
    }
    .inspect(|shown| {
        if policy.category(name) == Some(Category::Payment) && shown != MASK && value.is_string() {
            let text = value.as_str().unwrap();
            assert_eq!(shown, &mask_partial(text, 2, 3));
        }
    })
}

/// Pieces of what the text scanners look for, in any order.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Bearer "),
        Just("basic "),
        Just("eyJ"),
        Just("."),
        Just("://"),
        Just("@"),
        Just(":"),
        Just("="),
        Just("=="),
        Just("&"),
        Just("?"),
        Just("password"),
        Just("token"),
        Just("code"),
        Just("\""),
        Just("'"),
        Just("\\"),
        Just("\\\""),
        Just(" "),
        Just("/"),
        Just("#"),
        Just(";"),
        Just("***MASKED***"),
        Just("abc"),
        Just("dXNlcjpw"),
        Just("ä"),
        Just("{"),
        Just("}"),
        Just("%3A"),
        Just("-----BEGIN PRIVATE KEY-----"),
        Just("-----END PRIVATE KEY-----"),
        Just("\n"),
        Just("80"),
    ];
    prop_oneof![
        vec(piece, 0..24).prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(4_242_424_242_424_242_u64.into()),
        Just(4_242_424_242_424_241_u64.into()),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
        // A document in a text.
        (names(), texts()).prop_map(|(name, text)| json!({ name: [text, 1] }).to_string().into()),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(names(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A document with the secret under a sensitive name, below any path of members and items.
fn planted(path: &[Option<String>], name: &str, beside: &Value) -> Value {
    let mut value = json!({ name: [SECRET, {"x": SECRET}], "beside": beside });
    for step in path {
        value = match step {
            Some(name) => json!({ name.as_str(): value }),
            None => json!([beside, value]),
        };
    }
    value
}

proptest! {
    #[test]
    fn every_way_is_the_slow_and_obvious_one(masker in policies(), document in documents()) {
        let before = document.clone();
        let expected = slow(&masker, &document, false);
        prop_assert_eq!(masker.mask_value(&document), expected.clone());
        prop_assert_eq!(&document, &before);

        let printed = expected.to_string();
        let text = masker.mask_json(&document.to_string()).unwrap();
        prop_assert_eq!(text.as_str(), &printed);
        prop_assert_eq!(masker.to_json(&document).unwrap().into_string(), printed);
        let pretty = serde_json::to_string_pretty(&document).unwrap();
        let shown = masker.mask_json(&pretty).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(shown.as_str()).unwrap(), &expected);
        let mut bytes = String::new();
        masker.mask_json_bytes_into(pretty.as_bytes(), &mut bytes).unwrap();
        prop_assert_eq!(bytes, shown.into_string());

        let mut document = document;
        masker.mask_value_in_place(&mut document);
        prop_assert_eq!(document, expected);
    }

    #[test]
    fn of_a_document_that_was_cut_a_beginning_is_shown(
        masker in policies(),
        document in documents(),
        at in any::<proptest::sample::Index>(),
    ) {
        let document = document.to_string();
        let whole = masker.mask_json(&document).unwrap().into_string();
        let mut cut = document.as_bytes();
        cut = &cut[..at.index(cut.len())];
        let mut shown = String::new();
        // Half of a number is one too.
        if masker.mask_json_bytes_into(cut, &mut shown).is_err() {
            prop_assert!(whole.starts_with(&shown), "{shown}");
        }
    }

    #[test]
    fn masking_twice_is_masking_once(masker in policies(), document in documents()) {
        let once = masker.mask_value(&document);
        prop_assert_eq!(masker.mask_value(&once), once);
        let once = masker.mask_json(&document.to_string()).unwrap();
        prop_assert_eq!(masker.mask_json(once.as_str()).unwrap(), once);
    }

    #[test]
    fn a_planted_secret_is_never_shown(
        masker in policies(),
        path in vec(proptest::option::of(names()), 0..20),
        name in prop_oneof![Just("password"), Just("Access-Token"), Just("my.clientSecret"), Just("otp")],
        beside in documents(),
    ) {
        let document = planted(&path, name, &beside);
        prop_assert!(!masker.mask_value(&document).to_string().contains(SECRET));
        prop_assert!(!masker.to_json(&document).unwrap().as_str().contains(SECRET));
    }

    #[test]
    fn text_urls_and_queries_are_masked_once(masker in policies(), text in texts()) {
        for mask in [
            Masker::mask_text,
            Masker::mask_url,
            Masker::mask_query,
            Masker::mask_cookies,
            Masker::mask_set_cookie,
        ] {
            let once = mask(&masker, &text);
            prop_assert_eq!(mask(&masker, &once), once);
        }
    }

    #[test]
    fn any_text_is_answered(masker in policies(), text in any::<String>()) {
        let _ = masker.mask_json(&text);
        let _ = masker.policy().is_sensitive(&text);
    }
}
