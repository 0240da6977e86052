//! The cookies of a header (RFC 6265 §4).

use std::borrow::Cow;

use crate::memo::Judge;
use crate::{MASK, text};

/// Masks the pairs of `Cookie`.
pub(crate) fn mask(judge: &mut Judge<'_>, header: &str) -> String {
    let mut out = String::with_capacity(header.len());
    for pair in header.split(';') {
        let pair = pair.trim_matches([' ', '\t']);
        if let Some(shown) = cookie(judge, pair) {
            if !out.is_empty() {
                out.push_str("; ");
            }
            out.push_str(&shown);
        }
    }
    out
}

/// Masks the one cookie of `Set-Cookie`, and shows its attributes; nothing, if it is dropped.
pub(crate) fn mask_set(judge: &mut Judge<'_>, header: &str) -> String {
    let mut parts = header.split(';');
    let pair = parts.next().unwrap_or_default();
    let Some(shown) = cookie(judge, pair.trim_matches([' ', '\t'])) else {
        return String::new();
    };
    let mut out = shown.into_owned();
    for part in parts {
        out.push(';');
        push_attribute(part, &mut out);
    }
    out
}

/// An attribute as it stands, if it is one: of several cookies in one header the next begins
/// within an attribute, behind a comma, and a quoted value may hold a semicolon.
fn push_attribute(part: &str, out: &mut String) {
    let name = part.split('=').next().unwrap_or_default();
    let is_known = ATTRIBUTES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name.trim_matches([' ', '\t'])));
    let value = part.get(name.len() + 1..);
    match value {
        Some(value) if is_known && value.contains('=') => {
            out.extend([name, "=", MASK]);
        }
        _ if is_known || part.trim_matches([' ', '\t']).is_empty() => out.push_str(part),
        _ => {
            let space = part.len() - part.trim_start_matches([' ', '\t']).len();
            out.extend([&part[..space], MASK]);
        }
    }
}

/// RFC 6265 §4.1.1, and what browsers added to it.
const ATTRIBUTES: &[&str] = &[
    "Expires",
    "Max-Age",
    "Domain",
    "Path",
    "Secure",
    "HttpOnly",
    "SameSite",
    "Partitioned",
    "Priority",
];

/// A cookie is a credential by its nature: unless its name is said to be shown, what the policy
/// says of the name `cookie` holds for each of them. One without a name is a value.
fn cookie<'a>(judge: &mut Judge<'_>, pair: &'a str) -> Option<Cow<'a, str>> {
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    if value.is_empty() {
        return Some(pair.into());
    }
    let by_itself = judge.policy.judge_cookie(name);
    // What is shown of a name that is a secret is another name, and will be judged next time.
    let name = text::name(judge, name);
    let judgement = judge.policy.judge_cookie(&name).or(by_itself);
    let shown = if judgement.is_sensitive() {
        judge.policy.replacement(judgement).of_text(value)?
    } else if judge.policy.looks_into_values() {
        text::mask(judge, value)
    } else {
        return Some(pair.into());
    };
    let sign = if pair.len() > value.len() { "=" } else { "" };
    Some([&*name, sign, &*shown].concat().into())
}
