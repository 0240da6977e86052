//! The cookies of a header (RFC 6265 §4).

use std::borrow::Cow;

use crate::memo::Judge;
use crate::text;

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
    let (pair, attributes) = match header.find(';') {
        Some(index) => header.split_at(index),
        None => (header, ""),
    };
    cookie(judge, pair.trim_matches([' ', '\t']))
        .map(|shown| [&*shown, attributes].concat())
        .unwrap_or_default()
}

/// A cookie is a credential by its nature: unless its name is said to be shown, what the policy
/// says of the name `cookie` holds for each of them. One without a name is a value.
fn cookie<'a>(judge: &mut Judge<'_>, pair: &'a str) -> Option<Cow<'a, str>> {
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    if value.is_empty() {
        return Some(pair.into());
    }
    let judgement = judge.policy.judge_cookie(name);
    let shown = if judgement.is_sensitive() {
        judge.policy.replacement(judgement).of_text(value)?
    } else if judge.policy.looks_into_values() {
        text::mask(judge, value)
    } else {
        return Some(pair.into());
    };
    let sign = if pair.len() > value.len() { "=" } else { "" };
    Some([name, sign, &*shown].concat().into())
}
