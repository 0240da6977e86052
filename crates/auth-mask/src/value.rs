//! Masking of a document that is already in memory.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::memo::Judge;
use crate::policy::Judgement;
use crate::{MASK, text};

/// A masked copy.
pub(crate) fn masked(judge: &mut Judge<'_>, value: &Value) -> Value {
    Place::TOP.masked(judge, value)
}

/// The same, in place.
pub(crate) fn mask(judge: &mut Judge<'_>, value: &mut Value) {
    Place::TOP.mask(judge, value);
}

/// Whether any name is sensitive; what lies too deep to be looked at counts as such.
pub(crate) fn contains_sensitive(judge: &mut Judge<'_>, value: &Value) -> bool {
    fn within(judge: &mut Judge<'_>, value: &Value, levels: usize) -> bool {
        match value {
            Value::Array(_) | Value::Object(_) if levels == 0 => true,
            Value::Array(items) => items.iter().any(|item| within(judge, item, levels - 1)),
            Value::Object(members) => members.iter().any(|(name, value)| {
                judge.judge(name).is_sensitive() || within(judge, value, levels - 1)
            }),
            _ => false,
        }
    }
    within(judge, value, MAX_DEPTH)
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// How many more levels are looked into; what lies below is masked.
    levels: usize,
    /// Whether a name stands before it, or before a list that it is in.
    named: bool,
}

impl Place {
    const TOP: Self = Self {
        levels: MAX_DEPTH,
        named: false,
    };

    fn inside(self, named: bool) -> Self {
        Self {
            levels: self.levels - 1,
            named,
        }
    }

    fn masked(self, judge: &mut Judge<'_>, value: &Value) -> Value {
        match value {
            Value::Array(_) | Value::Object(_) if self.levels == 0 => MASK.into(),
            Value::Array(items) => {
                let item = self.inside(self.named);
                items
                    .iter()
                    .map(|value| item.masked(judge, value))
                    .collect()
            }
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| {
                    let (name, judgement) = text::judged(judge, name);
                    let value = if judgement.is_sensitive() {
                        replaced(judge, value, judgement)?
                    } else {
                        self.inside(true).masked(judge, value)
                    };
                    Some((name.into_owned(), value))
                };
                Value::Object(members.iter().filter_map(member).collect::<Map<_, _>>())
            }
            scalar => self.scalar(judge, scalar).unwrap_or_else(|| scalar.clone()),
        }
    }

    fn mask(self, judge: &mut Judge<'_>, value: &mut Value) {
        match value {
            Value::Array(_) | Value::Object(_) if self.levels == 0 => replace(value, MASK.into()),
            Value::Array(items) => {
                let item = self.inside(self.named);
                items.iter_mut().for_each(|value| item.mask(judge, value));
            }
            Value::Object(members) => {
                let mut dropped = Vec::new();
                let mut renamed = false;
                for (name, value) in members.iter_mut() {
                    let (shown_name, judgement) = text::judged(judge, name);
                    renamed |= matches!(shown_name, Cow::Owned(_));
                    if !judgement.is_sensitive() {
                        self.inside(true).mask(judge, value);
                    } else if let Some(shown) = replaced(judge, value, judgement) {
                        replace(value, shown);
                    } else {
                        replace(value, Value::Null);
                        dropped.push(name.clone());
                    }
                }
                for name in dropped {
                    members.remove(&name);
                }
                if renamed {
                    let named = std::mem::take(members).into_iter();
                    *members = named
                        .map(|(name, value)| (text::judged(judge, &name).0.into_owned(), value))
                        .collect();
                }
            }
            scalar => {
                if let Some(shown) = self.scalar(judge, scalar) {
                    *scalar = shown;
                }
            }
        }
    }

    /// What is shown of a text, a number, or the like, if that is not all of it.
    fn scalar(self, judge: &mut Judge<'_>, value: &Value) -> Option<Value> {
        if !self.named && judge.policy.masks_the_unnamed() {
            return Some(MASK.into());
        }
        if !judge.policy.looks_into_values() {
            return None;
        }
        match value {
            Value::String(text) => match text::mask(judge, text) {
                Cow::Owned(shown) => Some(shown.into()),
                Cow::Borrowed(_) => None,
            },
            Value::Number(number) => {
                let is_card = text::is_card(judge.policy, &number.to_string());
                is_card.then(|| MASK.into())
            }
            _ => None,
        }
    }
}

/// What stands in place of a secret, if anything does.
fn replaced(judge: &Judge<'_>, value: &Value, judgement: Judgement) -> Option<Value> {
    let style = judge.policy.replacement(judgement);
    let shown = match value {
        Value::String(text) => style.of_text(text)?,
        Value::Number(number) => style.of_text(&number.to_string())?,
        _ => style.of_other()?.into(),
    };
    Some(shown.into())
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
