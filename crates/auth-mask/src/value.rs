//! Masking of a document that is already in memory.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::policy::Judgement;
use crate::{MASK, MaskPolicy, text};

/// A masked copy.
pub(crate) fn masked(policy: &MaskPolicy, value: &Value) -> Value {
    Walk::new(policy).masked(value)
}

/// The same, in place.
pub(crate) fn mask(policy: &MaskPolicy, value: &mut Value) {
    Walk::new(policy).mask(value);
}

/// Whether any name is sensitive; what lies too deep to be looked at counts as such.
pub(crate) fn contains_sensitive(policy: &MaskPolicy, value: &Value) -> bool {
    fn within(policy: &MaskPolicy, value: &Value, levels: usize) -> bool {
        match value {
            Value::Array(_) | Value::Object(_) if levels == 0 => true,
            Value::Array(items) => items.iter().any(|item| within(policy, item, levels - 1)),
            Value::Object(members) => members.iter().any(|(name, value)| {
                policy.is_sensitive(name) || within(policy, value, levels - 1)
            }),
            _ => false,
        }
    }
    within(policy, value, MAX_DEPTH)
}

/// A value, and where it stands.
#[derive(Clone, Copy)]
struct Walk<'p> {
    policy: &'p MaskPolicy,
    /// How many more levels are looked into; what lies below is masked.
    levels: usize,
    /// Whether a name stands before it, or before a list that it is in.
    named: bool,
}

impl<'p> Walk<'p> {
    fn new(policy: &'p MaskPolicy) -> Self {
        Self {
            policy,
            levels: MAX_DEPTH,
            named: false,
        }
    }

    fn masked(self, value: &Value) -> Value {
        match value {
            Value::Array(_) | Value::Object(_) if self.levels == 0 => MASK.into(),
            Value::Array(items) => {
                let item = self.inside(self.named);
                items.iter().map(|value| item.masked(value)).collect()
            }
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| {
                    let judgement = self.policy.judge(name);
                    let value = if judgement.is_sensitive() {
                        self.replaced(value, judgement)?
                    } else {
                        self.inside(true).masked(value)
                    };
                    Some((text::name(self.policy, name).into_owned(), value))
                };
                Value::Object(members.iter().filter_map(member).collect::<Map<_, _>>())
            }
            scalar => self.scalar(scalar).unwrap_or_else(|| scalar.clone()),
        }
    }

    fn mask(self, value: &mut Value) {
        match value {
            Value::Array(_) | Value::Object(_) if self.levels == 0 => replace(value, MASK.into()),
            Value::Array(items) => {
                let item = self.inside(self.named);
                items.iter_mut().for_each(|value| item.mask(value));
            }
            Value::Object(members) => {
                let mut dropped = Vec::new();
                for (name, value) in members.iter_mut() {
                    let judgement = self.policy.judge(name);
                    if !judgement.is_sensitive() {
                        self.inside(true).mask(value);
                    } else if let Some(shown) = self.replaced(value, judgement) {
                        replace(value, shown);
                    } else {
                        replace(value, Value::Null);
                        dropped.push(name.clone());
                    }
                }
                for name in dropped {
                    members.remove(&name);
                }
                let is_telling =
                    |name: &String| matches!(text::name(self.policy, name), Cow::Owned(_));
                if members.keys().any(is_telling) {
                    let named = std::mem::take(members).into_iter();
                    *members = named
                        .map(|(name, value)| (text::name(self.policy, &name).into_owned(), value))
                        .collect();
                }
            }
            scalar => {
                if let Some(shown) = self.scalar(scalar) {
                    *scalar = shown;
                }
            }
        }
    }

    fn inside(self, named: bool) -> Self {
        Self {
            levels: self.levels - 1,
            named,
            ..self
        }
    }

    /// What is shown of a text, a number, or the like, if that is not all of it.
    fn scalar(self, value: &Value) -> Option<Value> {
        if !self.named && self.policy.masks_the_unnamed() {
            return Some(MASK.into());
        }
        if !self.policy.looks_into_values() {
            return None;
        }
        match value {
            Value::String(text) => match text::mask(self.policy, text) {
                Cow::Owned(shown) => Some(shown.into()),
                Cow::Borrowed(_) => None,
            },
            Value::Number(number) => {
                let is_card = text::is_card(self.policy, &number.to_string());
                is_card.then(|| MASK.into())
            }
            _ => None,
        }
    }

    /// What stands in place of a secret, if anything does.
    fn replaced(self, value: &Value, judgement: Judgement) -> Option<Value> {
        let style = self.policy.replacement(judgement);
        let shown = match value {
            Value::String(text) => style.of_text(text)?,
            Value::Number(number) => style.of_text(&number.to_string())?,
            _ => style.of_other()?.into(),
        };
        Some(shown.into())
    }
}

/// How deep a value is looked into. serde_json's parser goes as deep, so only a value that a
/// program built by itself can be deeper.
const MAX_DEPTH: usize = 128;

/// Puts another value in place of one and takes that apart level by level: dropping a very deep one
/// as it is would overflow the stack.
fn replace(value: &mut Value, by: Value) {
    let mut rest = vec![std::mem::replace(value, by)];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => rest.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}
