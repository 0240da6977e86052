//! What holds for every document and every text.

use auth_mask::{MaskPolicy, Masker};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &str = "pl4nted-s3cret";

fn policies() -> impl Strategy<Value = Masker> {
    prop_oneof![Just(MaskPolicy::iso27001()), Just(MaskPolicy::miso_4_9())].prop_map(Masker::new)
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_.-]{0,8}",
        Just("message".to_owned()),
        Just("accessToken".to_owned()),
        Just("db_password".to_owned()),
        any::<String>(),
    ]
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
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(names(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether two documents are the same but for what was masked.
fn same_shape(masker: &Masker, one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len()
                && one
                    .iter()
                    .zip(two)
                    .all(|(one, two)| same_shape(masker, one, two))
        }
        (Value::Object(one), Value::Object(two)) => {
            one.len() == two.len()
                && one.iter().zip(two).all(|((name, one), (other, two))| {
                    name == other
                        && if masker.policy().is_sensitive(name) {
                            two == "***MASKED***"
                        } else {
                            same_shape(masker, one, two)
                        }
                })
        }
        (Value::String(_), Value::String(_)) => true,
        (one, two) => one == two,
    }
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
    fn a_document_keeps_its_shape(masker in policies(), document in documents()) {
        let before = document.clone();
        let shown = masker.mask_value(&document);
        prop_assert_eq!(&document, &before);
        prop_assert!(same_shape(&masker, &document, &shown), "{}", shown);
    }

    #[test]
    fn masking_twice_is_masking_once(masker in policies(), document in documents()) {
        let once = masker.mask_value(&document);
        prop_assert_eq!(masker.mask_value(&once), once);
    }

    #[test]
    fn the_three_ways_over_a_document_agree(masker in policies(), document in documents()) {
        let copy = masker.mask_value(&document);
        let text = masker.mask_json(&document.to_string()).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(text.as_str()).unwrap(), &copy);
        prop_assert_eq!(masker.to_json(&document).unwrap(), text.into_string());
        let mut document = document;
        masker.mask_value_in_place(&mut document);
        prop_assert_eq!(document, copy);
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
        prop_assert!(!masker.to_json(&document).unwrap().contains(SECRET));
    }

    #[test]
    fn text_urls_and_queries_are_masked_once(masker in policies(), text in texts()) {
        for mask in [Masker::mask_text, Masker::mask_url, Masker::mask_query] {
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
