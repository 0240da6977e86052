//! Values that are masked while they are printed: where nothing is secret, they are what serde_json
//! prints.

use std::collections::BTreeMap;

use auth_mask::{MaskPolicy, Masker, Style};
use proptest::prelude::*;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::json;

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Wrapped(&'static str);

#[derive(Serialize)]
struct Pair(u8, Option<char>);

#[derive(Serialize)]
struct Record<'a> {
    text: &'a str,
    none: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    #[serde(rename = "with \"quotes\"")]
    renamed: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

#[derive(Serialize)]
enum Kind {
    Plain,
    One(f64),
    Two(u8, &'static str),
    Named { id: u8, unit: Unit },
}

/// Bytes, which serde's own types never are.
struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[track_caller]
fn check(value: &impl Serialize) {
    let expected = serde_json::to_string(value).unwrap();
    for policy in [MaskPolicy::iso27001(), MaskPolicy::miso_4_9()] {
        let shown = Masker::new(policy).to_json(value).unwrap();
        assert_eq!(shown.as_str(), expected);
    }
}

#[test]
fn every_type_is_printed_as_serde_json_prints_it() {
    check(&Unit);
    check(&Wrapped("a"));
    check(&Pair(1, Some('\u{8}')));
    check(&Pair(1, None));
    check(&[
        Kind::Plain,
        Kind::One(0.1),
        Kind::Two(1, "b"),
        Kind::Named { id: 1, unit: Unit },
    ]);
    check(&[Some(Ok::<_, ()>(1)), Some(Err(())), None]);
    check(&Bytes(b"\x00\xff"));
    check(&());
    check(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    check(&(u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    check(&(
        f32::MIN_POSITIVE,
        f64::MAX,
        1.0_f32,
        -0.0,
        f64::NAN,
        f32::INFINITY,
        1e21,
    ));
    check(&"\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}ä😀\u{2028}");
    check(&Record {
        text: "a\nb",
        none: None,
        left_out: None,
        renamed: true,
        rest: BTreeMap::from([("x".to_owned(), -1), ("ä\"".to_owned(), 2)]),
    });
    check(&BTreeMap::from([(-1_i8, 1)]));
    check(&BTreeMap::from([(u128::MAX, 1)]));
    check(&BTreeMap::from([(true, ())]));
    check(&BTreeMap::from([('ä', [0_u8; 0])]));
    check(&BTreeMap::from([(Some("some"), json!({}))]));
    check(&json!([[], {}, [[]], {"a": {}}]));
}

#[test]
fn what_cannot_be_a_name_is_an_error_and_leaves_nothing_behind() {
    let masker = Masker::default();
    let mut out = "before ".to_owned();
    assert!(
        masker
            .to_json_into(&BTreeMap::from([((1, 2), 3)]), &mut out)
            .is_err()
    );
    assert!(
        masker
            .to_json_into(&[(vec![1], BTreeMap::from([((), 3)]))], &mut out)
            .is_err()
    );
    assert!(
        masker
            .to_json_into(&BTreeMap::from([(vec![1], 3)]), &mut out)
            .is_err()
    );
    assert!(
        masker
            .to_json_into(&BTreeMap::from([(None::<u8>, 3)]), &mut out)
            .is_err()
    );
    assert_eq!(out, "before ");
    masker.to_json_into(&1, &mut out).unwrap();
    assert_eq!(out, "before 1");
}

#[test]
fn the_names_of_types_variants_and_maps_are_judged_alike() {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Login {
        Password(&'static str),
        Token {
            id: u8,
            inside: [u8; 2],
        },
        ApiKey(u8, u8),
        Guest {
            user_name: &'static str,
            otp: Option<u32>,
        },
    }
    let logins = [
        Login::Password("s3cret"),
        Login::Token {
            id: 1,
            inside: [2, 3],
        },
        Login::ApiKey(4, 5),
        Login::Guest {
            user_name: "ada",
            otp: Some(123_456),
        },
    ];
    for (style, expected) in [
        (
            Style::Full,
            r#"[{"password":"***MASKED***"},{"token":"***MASKED***"},{"apiKey":"***MASKED***"},{"guest":{"user_name":"ada","otp":"***MASKED***"}}]"#,
        ),
        (
            Style::Partial { first: 1, last: 1 },
            r#"[{"password":"s********t"},{"token":"***MASKED***"},{"apiKey":"***MASKED***"},{"guest":{"user_name":"ada","otp":"1********6"}}]"#,
        ),
        (Style::Drop, r#"[{},{},{},{"guest":{"user_name":"ada"}}]"#),
    ] {
        let policy = ["password", "token", "api key", "otp"]
            .into_iter()
            .fold(MaskPolicy::iso27001(), |policy, name| {
                policy.mask_name(name, style.clone())
            });
        let masker = Masker::new(policy);
        // More than once: names are remembered.
        for _ in 0..3 {
            assert_eq!(masker.to_json(&logins).unwrap().as_str(), expected);
        }
    }
    // A verdict belongs to its policy.
    let shown = Masker::new(MaskPolicy::iso27001().show_name("password")).to_json(&logins[0]);
    assert_eq!(shown.unwrap().as_str(), r#"{"password":"s3cret"}"#);
}

/// What serde_json hands over as it is, under the names it has for that.
struct AsItIs(&'static str, &'static str);

impl Serialize for AsItIs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serializer.serialize_struct(self.0, 1)?;
        value.serialize_field(self.0, self.1)?;
        value.end()
    }
}

#[test]
fn what_was_printed_before_is_masked_like_a_document() {
    const RAW: &str = "$serde_json::private::RawValue";
    const NUMBER: &str = "$serde_json::private::Number";
    let masker = Masker::default();
    let shown = |value: AsItIs| {
        let member = masker.to_json(&BTreeMap::from([("a", &value)]));
        let hidden = masker.to_json(&BTreeMap::from([("password", &value)]));
        assert_eq!(hidden.unwrap().as_str(), r#"{"password":"***MASKED***"}"#);
        member
            .map(|shown| shown.as_str()[5..shown.as_str().len() - 1].to_owned())
            .ok()
    };
    assert_eq!(
        shown(AsItIs(RAW, r#"{ "otp": [1], "b": "Bearer abcdef" }"#)).unwrap(),
        r#"{ "otp": "***MASKED***", "b": "Bearer ***MASKED***" }"#
    );
    assert_eq!(shown(AsItIs(NUMBER, "1.50e400")).unwrap(), "1.50e400");
    assert_eq!(
        shown(AsItIs(NUMBER, "4242424242424242")).unwrap(),
        "\"***MASKED***\""
    );
    assert_eq!(shown(AsItIs(RAW, "{\"cut")), None);
    assert_eq!(shown(AsItIs(NUMBER, "1}, \"otp\": 2")), None);
    let strict = Masker::new(MaskPolicy::strict().show_name("a"));
    let value = AsItIs(RAW, "[1,{\"a\":2}]");
    assert_eq!(
        strict.to_json(&value).unwrap().as_str(),
        r#"["***MASKED***",{"a":2}]"#
    );
    assert_eq!(
        strict
            .to_json(&BTreeMap::from([("a", value)]))
            .unwrap()
            .as_str(),
        r#"{"a":[1,{"a":2}]}"#
    );
}

proptest! {
    #[test]
    fn any_text_is_printed_as_serde_json_prints_it(text in any::<String>(), name in any::<String>()) {
        let value = BTreeMap::from([(name, vec![text])]);
        let masker = Masker::new(MaskPolicy::miso_4_9());
        prop_assume!(!masker.policy().is_sensitive(value.keys().next().unwrap()));
        prop_assert_eq!(masker.to_json(&value).unwrap().into_string(), serde_json::to_string(&value).unwrap());
    }
}
