//! What masking is compared with.

use std::collections::HashMap;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::case::Operation;

pub(super) const VALIDATE: &str = "validate: sonic-rs LazyValue";
pub(super) const WALK: &str = "serde_json Value + walk (memoised keys)";

/// Not less than this can be done.
pub(super) fn copy(document: &str) -> anyhow::Result<Operation> {
    let document = document.to_owned();
    let mut out = String::with_capacity(document.len());
    Ok(Operation::new(move || {
        out.clear();
        out.push_str(&document);
        out.len() == document.len()
    }))
}

/// The fastest reader there is, which only looks whether it is JSON.
pub(super) fn validate(document: &str) -> anyhow::Result<Operation> {
    let document = document.to_owned();
    serde_json::from_str::<IgnoredAny>(&document)?;
    Ok(Operation::new(move || {
        sonic_rs::from_str::<sonic_rs::LazyValue<'_>>(&document).is_ok()
    }))
}

/// What somebody would write: the document in memory, a walk over it, and the document printed.
pub(super) fn walk(document: &str) -> anyhow::Result<Operation> {
    let document = document.to_owned();
    let mut known = HashMap::new();
    Ok(Operation::new(move || {
        let Ok(mut value) = serde_json::from_str(&document) else {
            return false;
        };
        mask(&mut value, &mut known);
        serde_json::to_vec(&value).is_ok()
    }))
}

/// The document, masked by the walk.
pub(super) fn walked(document: &str) -> anyhow::Result<Value> {
    let mut value = serde_json::from_str(document)?;
    mask(&mut value, &mut HashMap::new());
    Ok(value)
}

fn mask(value: &mut Value, known: &mut HashMap<String, bool>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let sensitive = match known.get(name) {
                    Some(sensitive) => *sensitive,
                    None => {
                        let sensitive = is_sensitive(name);
                        known.insert(name.clone(), sensitive);
                        sensitive
                    }
                };
                if sensitive {
                    *value = "***MASKED***".into();
                } else {
                    mask(value, known);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, known)),
        _ => {}
    }
}

/// As miso-client 4.9.0 judges a name (contract miso §5).
fn is_sensitive(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '-'], "");
    NAMES.iter().any(|part| name.contains(part))
}

const NAMES: [&str; 21] = [
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "cc",
    "cookie",
    "creditcard",
    "cvv",
    "key",
    "otp",
    "passwd",
    "password",
    "pin",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "session",
    "ssn",
    "token",
];
