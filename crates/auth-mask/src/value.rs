//! Masking of a document that is already in memory.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{MASK, Masker};

/// How deep a value is looked into. serde_json's parser goes as deep, so only a value that a
/// program built by itself can be deeper.
pub(crate) const MAX_DEPTH: usize = 128;

/// A masked copy; `depth` levels are looked into, and what lies below is masked.
pub(crate) fn masked(masker: &Masker, value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) => masker.innocent(text).into_owned().into(),
        Value::Array(_) | Value::Object(_) if depth == 0 => MASK.into(),
        Value::Array(items) => items
            .iter()
            .map(|item| masked(masker, item, depth - 1))
            .collect(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let shown = if masker.policy().is_sensitive(name) {
                    MASK.into()
                } else {
                    masked(masker, value, depth - 1)
                };
                (masker.name_of(name).into_owned(), shown)
            };
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The same, in place.
pub(crate) fn mask(masker: &Masker, value: &mut Value, depth: usize) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = masker.innocent(text) {
                *text = masked;
            }
        }
        Value::Array(_) | Value::Object(_) if depth == 0 => replace(value),
        Value::Array(items) => {
            for item in items {
                mask(masker, item, depth - 1);
            }
        }
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if masker.policy().is_sensitive(name) {
                    replace(value);
                } else {
                    mask(masker, value, depth - 1);
                }
            }
            let telling = |name: &&String| matches!(masker.name_of(name), Cow::Owned(_));
            if members.keys().any(|name| telling(&name)) {
                let named = std::mem::take(members).into_iter();
                *members = named
                    .map(|(name, value)| (masker.name_of(&name).into_owned(), value))
                    .collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether any name is sensitive; what lies too deep to be looked at counts as such.
pub(crate) fn contains_sensitive(masker: &Masker, value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 => true,
        Value::Array(items) => items
            .iter()
            .any(|item| contains_sensitive(masker, item, depth - 1)),
        Value::Object(members) => members.iter().any(|(name, value)| {
            masker.policy().is_sensitive(name) || contains_sensitive(masker, value, depth - 1)
        }),
        _ => false,
    }
}

/// Puts the mask in place of a value and takes the value apart level by level: dropping a very
/// deep one as it is would overflow the stack.
fn replace(value: &mut Value) {
    let mut rest = vec![std::mem::replace(value, MASK.into())];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => rest.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}
