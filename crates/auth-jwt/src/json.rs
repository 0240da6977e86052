//! JSON as a verifier reads it: what two parsers could read differently is refused.
//!
//! A member that occurs twice lets one parser see `"admin"` and the next one `"user"`, so it is
//! refused at any depth. Nesting is capped, text after the document is refused, and so is anything
//! that is not UTF-8.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The document is not a strict JSON object. Which rule it broke is not said: the text is hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStrict;

/// A value, borrowing from the document where it can.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number with a fraction, an exponent, or beyond 64 bits.
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Object<'a>),
}

/// An object; no two members have the same name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// Reads a document that is one object.
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, NotStrict> {
        match parse(document)? {
            Value::Object(object) => Ok(object),
            _ => Err(NotStrict),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        let member = self.0.iter().find(|(member, _)| member == name);
        member.map(|(_, value)| value)
    }
}

impl<'a> Value<'a> {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The texts of a list that holds nothing else.
    pub(crate) fn as_texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(list) => list.iter().map(Value::as_text).collect(),
            _ => None,
        }
    }
}

/// Reads any document.
pub(crate) fn parse(document: &[u8]) -> Result<Value<'_>, NotStrict> {
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let value = Strict { depth: MAX_DEPTH }
        .deserialize(&mut deserializer)
        .map_err(|_| NotStrict)?;
    deserializer.end().map_err(|_| NotStrict)?;
    Ok(value)
}

/// Reads one value, with so many levels left.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        depth
            .map(|depth| Self { depth })
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        // Beyond 63 bits only the magnitude matters, and every user of it caps that.
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let inner = self.inner()?;
        let mut members: Vec<(Cow<'de, str>, Value<'de>)> = Vec::new();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key_seed(Name)? {
            // A handful is compared one by one; more go through a set, so that a token full of
            // members does not cost the square of their number.
            let repeated = if members.len() < FEW_MEMBERS {
                members.iter().any(|(member, _)| *member == name)
            } else {
                if names.is_empty() {
                    names.extend(members.iter().map(|(member, _)| member.clone()));
                }
                !names.insert(name.clone())
            };
            if repeated {
                return Err(A::Error::custom("a member is repeated"));
            }
            // With some of its features serde_json reads a member of such a name as something
            // else, and a feature anywhere in a program is a feature everywhere in it.
            if name.starts_with("$serde_json::private::") {
                return Err(A::Error::custom("a member has a reserved name"));
            }
            let value = map.next_value_seed(inner)?;
            members.push((name, value));
        }
        Ok(Value::Object(Object(members)))
    }
}

/// Reads a member's name, borrowing if it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// How deep objects and lists may lie in one another, the document itself counted.
const MAX_DEPTH: usize = 32;

const FEW_MEMBERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, strict: bool) {
        let read = Object::parse(document.as_bytes());
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
        assert_eq!(Object::parse(b"{\"a\":\"\xff\"}"), Err(NotStrict));
        assert_eq!(Object::parse(b"{\0\"\0a\0\"\0:\x001\0}\0"), Err(NotStrict));
    }

    #[test]
    fn members_are_told_apart_beyond_the_first_few() {
        let members = |count: usize, last: usize| {
            let mut list: Vec<_> = (0..count).map(|i| format!(r#""m{i}":0"#)).collect();
            list.push(format!(r#""m{last}":0"#));
            format!("{{{}}}", list.join(","))
        };
        for count in [FEW_MEMBERS - 1, FEW_MEMBERS, FEW_MEMBERS + 1, 500] {
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
}
