//! Masking of free text: what is a secret wherever it stands.
//!
//! Each file finds one kind of secret. They run one after the other over the whole text, and each
//! leaves alone what is masked already.

mod assignment;
mod card;
mod email;
mod iban;
mod jwt;
mod pem;
mod scheme;
mod seen;
mod shape;
mod signature;
mod telegram;
pub(crate) mod userinfo;
pub(crate) mod vendor_key;

use std::borrow::Cow;
use std::ops::Range;

use crate::text::seen::Seen;
use crate::{MASK, Masker};

/// Borrowed if there was nothing to mask.
pub(crate) fn mask<'a>(masker: &Masker, text: &'a str) -> Cow<'a, str> {
    // What a pass needs and is not there, no earlier pass brings.
    let seen = Seen::in_text(text);
    // The order is one in which nothing that a later one masks makes an earlier one see more.
    let mut text = known(masker, text, seen);
    if seen.has(Seen::COLON.and(Seen::SLASH).and(Seen::AT)) {
        text = then(text, userinfo::mask);
    }
    // Before the assignments: of `auth=Bearer abc`, the value would end at the space.
    if seen.has(Seen::SPACE.and(Seen::LETTER_B)) {
        text = then(text, scheme::mask);
    }
    if seen.has(Seen::AT) {
        text = then(text, |text| email::mask(masker, text));
    }
    if !seen.has(Seen::EQUALS) && !seen.has(Seen::COLON.and(Seen::QUOTE)) {
        return text;
    }
    match assignment::mask(masker, &text) {
        // A value may have held the slash that ended a host.
        Cow::Owned(masked) => then(masked.into(), userinfo::mask),
        Cow::Borrowed(_) => text,
    }
}

/// What needs nothing around it to be known: keys, tokens, cards, accounts.
pub(crate) fn known_by_itself<'a>(masker: &Masker, text: &'a str) -> Cow<'a, str> {
    known(masker, text, Seen::in_text(text))
}

fn known<'a>(masker: &Masker, text: &'a str, seen: Seen) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    if seen.has(Seen::DASH.and(Seen::SPACE)) {
        text = then(text, pem::mask);
    }
    if seen.has(Seen::DOT.and(Seen::CAPITAL_J)) {
        text = then(text, jwt::mask);
    }
    then(text, |text| shape::mask(masker, text))
}

fn then<'a>(text: Cow<'a, str>, pass: impl Fn(&str) -> Cow<'_, str>) -> Cow<'a, str> {
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
