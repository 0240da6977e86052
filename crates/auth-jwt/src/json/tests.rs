use proptest::prelude::*;
use serde_json::Value;

use super::scan::{FEW_MEMBERS, MAX_DEPTH};
use super::*;

#[track_caller]
fn check(document: &str, strict: bool) {
    let read = Document::parse_object(document);
    assert_eq!(read.is_ok(), strict, "{document:.60}: {read:?}");
}

#[test]
fn what_parsers_could_read_differently_is_refused() {
    check(r#"{}"#, true);
    check(r#" {"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]} "#, true);
    check(r#"{"a":1,"a":1}"#, false);
    check(r#"{"a":1,"\u0061":2}"#, false);
    check(r#"{"b":{"a":1,"a":2}}"#, false);
    check(r#"{"b":[{"a":1,"a":2}]}"#, false);
    for document in [
        "",
        "[]",
        "null",
        "1",
        r#""{}""#,
        "{}{}",
        "{} x",
        "{,}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{\"a\":1e999}",
        "{\"a\":01}",
        "{\"a\":\"\n\"}",
        "\u{feff}{}",
        "{\"a\":\"\\ud800\"}",
        r#"{"a":{"$serde_json::private::RawValue":"{}"}}"#,
    ] {
        check(document, false);
    }
}

#[test]
fn members_are_told_apart_beyond_the_first_few() {
    let members = |count: usize, last: usize| {
        let mut list: Vec<_> = (0..count).map(|i| format!(r#""m{i}":0"#)).collect();
        list.push(format!(r#""m{last}":0"#));
        format!("{{{}}}", list.join(","))
    };
    for count in [15, FEW_MEMBERS - 1, FEW_MEMBERS, FEW_MEMBERS + 1, 500] {
        check(&members(count, count), true);
        check(&members(count, 0), false);
        check(&members(count, count - 1), false);
    }
}

#[test]
fn nesting_is_capped() {
    let nested = |depth: usize| {
        format!(
            r#"{{"a":{}{}}}"#,
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    check(&nested(MAX_DEPTH), true);
    check(&nested(MAX_DEPTH + 1), false);
    check(&nested(100_000), false);
    check(
        &format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33)),
        false,
    );
}

/// What the tape says, as the other reader says it.
fn value(element: Element<'_>) -> Value {
    if let Some(text) = element.as_text() {
        return text.into();
    }
    if let Some(flag) = element.as_bool() {
        return flag.into();
    }
    match element.as_number() {
        Some(Number::Integer(number)) => return number.into(),
        Some(Number::Float(number)) => return number.into(),
        None => {}
    }
    if element.is_list() {
        return element.items().map(value).collect();
    }
    if element.is_object() {
        let members = element.members();
        let member = |(name, member): (&str, Element<'_>)| (name.to_owned(), value(member));
        return Value::Object(members.map(member).collect());
    }
    assert!(element.is_null());
    Value::Null
}

/// Whether two values are the same. The other reader may hold an integer as a fraction, and is off by
/// the last bit of one now and then.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            // Near zero there are fewer bits than usual.
            one == other || (one - other).abs() <= one.abs() * 1e-15 + f64::MIN_POSITIVE
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let known = |(name, one): (&String, &Value)| {
                other.get(name).is_some_and(|other| same(one, other))
            };
            one.len() == other.len() && one.iter().all(known)
        }
        (one, other) => one == other,
    }
}

/// Whether the other reader would lose something: a member that is repeated, or one it reads as
/// something else.
fn is_ambiguous(document: &str) -> bool {
    struct Seen(bool);

    impl<'de> serde::de::DeserializeSeed<'de> for &mut Seen {
        type Value = ();

        fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_any(self)
        }
    }

    impl<'de> serde::de::Visitor<'de> for &mut Seen {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }

        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            while seq.next_element_seed(&mut *self)?.is_some() {}
            Ok(())
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut names = std::collections::HashSet::new();
            while let Some(name) = map.next_key::<String>()? {
                self.0 |= name.starts_with("$serde_json::private::");
                map.next_value_seed(&mut *self)?;
                self.0 |= !names.insert(name);
            }
            Ok(())
        }
    }

    let mut seen = Seen(false);
    let mut from = serde_json::Deserializer::from_str(document);
    serde::de::DeserializeSeed::deserialize(&mut seen, &mut from).is_ok() && seen.0
}

/// Reads what the other reader reads, but for the documents two readers could disagree about, and
/// says the same of it.
fn agree(document: &str) -> Result<(), TestCaseError> {
    let ours = Document::parse(document);
    let depth = depth(document);
    match serde_json::from_str::<Value>(document) {
        Ok(theirs) if !is_ambiguous(document) && depth <= MAX_DEPTH => {
            let ours = ours.map(|ours| value(ours.root()));
            let agreed = ours.as_ref().is_ok_and(|ours| same(ours, &theirs));
            prop_assert!(agreed, "{}: {:?}", document, ours);
        }
        _ => prop_assert!(ours.is_err(), "{}", document),
    }
    Ok(())
}

/// How many brackets are open at once, those in texts not counted.
fn depth(document: &str) -> usize {
    let (mut open, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in document.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = open.max(deepest);
    }
    deepest
}

/// Documents, and with them repeated names, escapes, and every kind of number.
fn documents() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[a-c]{0,2}",
        "[ -~]{0,20}",
        r"\PC{0,12}",
        r#"([a-z]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\ud83d\\ude00){0,6}"#,
    ]
    .prop_map(|text| {
        // What was made of escapes stays; anything else has to be escaped to be a text.
        match serde_json::from_str::<String>(&format!("\"{text}\"")) {
            Ok(_) => format!("\"{text}\""),
            Err(_) => Value::from(text).to_string(),
        }
    });
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| Value::from(number).to_string()),
        "-?(0|[1-9][0-9]{0,30})([.][0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        "-?[0-9.eE+-]{1,8}",
    ];
    let leaf = prop_oneof![
        4 => text.clone(),
        4 => number,
        1 => prop_oneof![Just("null"), Just("true"), Just("false")].prop_map(str::to_owned),
    ];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        let member = (text.clone(), inner.clone()).prop_map(|(name, it)| format!("{name}:{it}"));
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(member, 0..8).prop_map(|all| format!("{{{}}}", all.join(" ,\n"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_document_is_read_as_the_usual_reader_reads_it(document in documents()) {
        agree(&document)?;
    }

    #[test]
    fn a_document_with_a_character_changed_is_read_as_the_usual_reader_reads_it(
        document in documents(),
        at in any::<prop::sample::Index>(),
        other in prop_oneof![
            prop::sample::select(r#"{}[]",:\\ue-+.0 tfn"#.chars().collect::<Vec<_>>()),
            any::<char>(),
        ],
    ) {
        let mut characters: Vec<_> = document.chars().collect();
        let at = at.index(characters.len());
        characters[at] = other;
        agree(&characters.iter().collect::<String>())?;
        characters.remove(at);
        agree(&characters.into_iter().collect::<String>())?;
    }

    #[test]
    fn names_are_told_apart_however_many_there_are(
        names in prop::collection::vec("[a-d]{1,4}", 0..120),
    ) {
        let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":0")).collect();
        let distinct = names.iter().collect::<std::collections::HashSet<_>>();
        let read = Document::parse(format!("{{{}}}", members.join(",")));
        prop_assert_eq!(read.is_ok(), distinct.len() == names.len());
    }
}

/// The reader looks at eight bytes at a time, and at what is left one by one.
#[test]
fn a_text_ends_wherever_it_ends() {
    for length in 0..40 {
        for (ending, good) in [
            ("\"", true),
            ("\\n\"", true),
            ("\n\"", false),
            ("\u{1f}\"", false),
            ("", false),
        ] {
            for filling in ["a", "\u{7f}", "é", "\u{80}", "￿"] {
                let document = format!("\"{}{ending}", filling.repeat(length));
                let read = Document::parse(document.as_str());
                assert_eq!(read.is_ok(), good, "{document:?}");
                if let Ok(read) = read {
                    let theirs: String = serde_json::from_str(&document).unwrap();
                    assert_eq!(read.root().as_text(), Some(theirs.as_str()));
                }
            }
        }
    }
}
