//! Masking of free text: what is a secret wherever it stands.
//!
//! Each file finds one kind of secret. They run one after the other over the whole text, and each
//! leaves alone what is masked already.

mod assignment;
mod card;
mod email;
mod glance;
mod header;
mod iban;
mod jwt;
mod pem;
mod quiet;
mod quote;
mod scheme;
mod seen;
mod shape;
mod signature;
mod telegram;
pub(crate) mod userinfo;
pub(crate) mod vendor_key;
mod words;

use std::borrow::Cow;
use std::ops::Range;

use crate::memo::Judge;
use crate::policy::Judgement;
pub(crate) use crate::text::glance::Block;
use crate::text::quiet::is_quiet;
pub(crate) use crate::text::quiet::{Quoted, is_quiet_and_plain, quoted};
use crate::text::seen::{Seen, Sign};
use crate::{Category, MASK, MaskPolicy, json};

/// What may be shown of a text that goes by no name.
pub(crate) fn unnamed<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    if judge.policy.masks_the_unnamed() && !text.is_empty() {
        MASK.into()
    } else {
        mask(judge, text)
    }
}

/// What may be shown of a text that goes by an innocent name. A text that is a JSON document is
/// masked as one.
///
/// Borrowed if there was nothing to mask.
#[inline]
pub(crate) fn mask<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    if !json::may_be_document(text.as_bytes()) && is_quiet(judge.policy, text) {
        return text.into();
    }
    mask_closely(judge, text)
}

/// The same, of a text that is not quiet, or may be a document.
#[inline(never)]
pub(crate) fn mask_closely<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    if let Some(shown) = json::embedded(judge, text) {
        return shown;
    }
    match scan_closely(judge, text) {
        // Far inside, nobody looks twice: each level would double the time of those within.
        Cow::Owned(shown) if judge.quoted >= TWICE && json::may_be_document(shown.as_bytes()) => {
            MASK.to_owned().into()
        }
        // Without what was masked it may be the beginning of a document.
        Cow::Owned(shown) => match json::embedded(judge, &shown) {
            Some(Cow::Owned(less)) => less.into(),
            _ => shown.into(),
        },
        Cow::Borrowed(text) => text.into(),
    }
}

/// In documents inside of texts.
const TWICE: usize = 3;

/// What may be shown of a text that goes by this name; `None` if it is left out.
pub(crate) fn field<'a>(judge: &mut Judge<'_>, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
    let judgement = judge.judge(name);
    if judgement.is_sensitive() {
        judge.policy.replacement(judgement).of_text(value)
    } else if judge.policy.looks_into_values() {
        Some(mask(judge, value))
    } else {
        Some(value.into())
    }
}

/// What may be shown of a name: the key of a map can be a value somewhere else.
pub(crate) fn name<'a>(judge: &mut Judge<'_>, name: &'a str) -> Cow<'a, str> {
    if name.len() < SHORTEST_NAME || !judge.policy.looks_into_values() {
        name.into()
    } else {
        scan(judge, name)
    }
}

/// What is shown of a name, and what becomes of its value.
pub(crate) fn judged<'a>(judge: &mut Judge<'_>, text: &'a str) -> (Cow<'a, str>, Judgement) {
    let by_itself = judge.judge(text);
    let shown = name(judge, text);
    let judgement = match &shown {
        // It is another name, and will be judged next time.
        Cow::Owned(shown) => by_itself.or(judge.judge(shown)),
        Cow::Borrowed(_) => by_itself,
    };
    (shown, judgement)
}

/// Whether a number of JSON, as it is spelled, is that of a card.
///
/// Of up to 16 digits: longer ones do not survive a reader that takes numbers for floating-point
/// ones, so that nobody writes them, and one in a hundred random identifiers of 64 bits would be one.
pub(crate) fn is_card(policy: &MaskPolicy, number: &str) -> bool {
    policy.masks(Category::Payment)
        && number.len() <= 16
        && card::find(number.as_bytes(), 0).is_some_and(|found| found.len() == number.len())
}

/// Looks for everything there is, in a text that is no document.
pub(crate) fn scan<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    if is_quiet(judge.policy, text) {
        return text.into();
    }
    scan_closely(judge, text)
}

fn scan_closely<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    // What a pass needs and is not there, no earlier pass brings.
    let seen = Seen::in_text(text);
    let is_user = seen.has(Sign::COLON.and(Sign::AT));
    let is_assignment = seen.has(Sign::EQUALS)
        || seen.has(Sign::COLON.and(Sign::QUOTE))
        || seen.has(Sign::COLON) && header::may_be_in(text);
    // The order is one in which nothing that a later one masks makes an earlier one see more.
    let mut text = known(judge.policy, text, seen);
    if is_user {
        text = then(text, userinfo::mask);
    }
    // Before the assignments: of `auth=Bearer abc`, the value would end at the space.
    if seen.has(Sign::SCHEME) {
        text = then(text, scheme::mask);
    }
    if seen.has(Sign::AT) {
        text = then(text, |text| email::mask(judge.policy, text));
    }
    if !is_assignment {
        return text;
    }
    match assignment::mask(judge, &text) {
        // A value may have held the slash that ended a host.
        Cow::Owned(masked) => then(masked.into(), userinfo::mask),
        Cow::Borrowed(_) => text,
    }
}

/// What needs nothing around it to be known: keys, tokens, cards, accounts.
pub(crate) fn known_by_itself<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    known(judge.policy, text, Seen::in_text(text))
}

fn known<'a>(policy: &MaskPolicy, text: &'a str, seen: Seen) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    if seen.has(Sign::BEGIN) {
        text = then(text, pem::mask);
    }
    if seen.has(Sign::DOT.and(Sign::CAPITAL_J)) {
        text = then(text, jwt::mask);
    }
    if seen.has(Sign::SHAPE) {
        text = then(text, |text| shape::mask(policy, text));
    }
    text
}

fn then<'a>(text: Cow<'a, str>, pass: impl FnOnce(&str) -> Cow<'_, str>) -> Cow<'a, str> {
    match pass(&text) {
        Cow::Owned(masked) => masked.into(),
        Cow::Borrowed(_) => text,
    }
}

/// Replaces ranges of a text, front to back, and copies nothing until there is one.
struct Rewriter<'a> {
    text: &'a str,
    /// Up to where the text was copied or replaced.
    done: usize,
    out: String,
}

impl<'a> Rewriter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            done: 0,
            out: String::new(),
        }
    }

    /// Puts the mask in place of a range, unless the range is behind what was replaced before or
    /// is masked already.
    fn mask(&mut self, range: Range<usize>) {
        if range.start < self.done || range.is_empty() || &self.text[range.clone()] == MASK {
            return;
        }
        self.out.push_str(&self.text[self.done..range.start]);
        self.out.push_str(MASK);
        self.done = range.end;
    }

    fn finish(mut self) -> Cow<'a, str> {
        if self.done == 0 {
            return self.text.into();
        }
        self.out.push_str(&self.text[self.done..]);
        self.out.into()
    }
}

/// Where the first of these characters stands, or the end.
fn until(text: &str, from: usize, ends: impl Fn(char) -> bool) -> usize {
    text[from..]
        .find(ends)
        .map_or(text.len(), |length| from + length)
}

/// In bytes; no shorter name is a secret by itself.
pub(crate) const SHORTEST_NAME: usize = 16;
