//! Secrets that are known by their shape, whatever stands around them: keys of vendors, cards, and
//! accounts.
//!
//! Each of them begins where a word begins, so the text is walked once, and whoever knows a shape
//! is asked at the beginning of each word. All of them look no further than their shape is long,
//! and refuse what is a piece of something longer.

use std::borrow::Cow;
use std::ops::Range;

use crate::text::{Rewriter, card, iban, signature, telegram, vendor_key};
use crate::{Category, MaskPolicy};

pub(super) fn mask<'a>(policy: &MaskPolicy, text: &'a str) -> Cow<'a, str> {
    let credentials = policy.masks(Category::Credentials);
    let payment = policy.masks(Category::Payment);
    if text.len() < SHORTEST || !(credentials || payment) {
        return text.into();
    }
    let bytes = text.as_bytes();
    let find = |start| {
        let key = credentials.then(|| secret_at(bytes, start)).flatten();
        key.or_else(|| payment.then(|| account_at(bytes, start)).flatten())
    };
    let mut rewriter = Rewriter::new(text);
    let mut inside = false;
    for (start, byte) in bytes.iter().enumerate() {
        let begins = !inside;
        inside = IS_ALNUM[usize::from(*byte)];
        if !(begins && inside && may_begin(bytes, start)) || start < rewriter.done {
            continue;
        }
        // What was masked before is no number that could go on here.
        let before = &bytes[rewriter.done..start];
        if byte.is_ascii_digit() && goes_on(before) {
            continue;
        }
        if let Some(found) = find(start) {
            rewriter.mask(found);
        }
    }
    rewriter.finish()
}

/// Whether the first letters are those of any shape; most words are done with here.
fn may_begin(text: &[u8], start: usize) -> bool {
    let [first, second, third, ..] = text[start..] else {
        return false;
    };
    if first.is_ascii_digit() {
        return second.is_ascii_digit() || second == b'/';
    }
    third.is_ascii_digit()
        || vendor_key::may_begin(first, second)
        || matches!(
            [first, second, third],
            [b'b', b'o', b't'] | [b's', b'i', b'g']
        )
}

fn secret_at(text: &[u8], start: usize) -> Option<Range<usize>> {
    vendor_key::find(text, start)
        .or_else(|| telegram::find(text, start))
        .or_else(|| signature::find(text, start))
}

fn account_at(text: &[u8], start: usize) -> Option<Range<usize>> {
    if text[start].is_ascii_digit() {
        card::find(text, start)
    } else {
        iban::find(text, start)
    }
}

/// Whether a number goes on that began before: `2026-…`, `0.…`, `17_…`.
fn goes_on(before: &[u8]) -> bool {
    matches!(before, [.., b'0'..=b'9', b'-' | b'_' | b'.'])
}

/// Whether a word ends before `end`: what stands there is no letter and no digit.
pub(super) fn ends(text: &[u8], end: usize) -> bool {
    !text.get(end).is_some_and(u8::is_ascii_alphanumeric)
}

/// What people put between the groups of a number; a form writes `+` for the space.
pub(super) const SEPARATORS: &[u8] = b" -+";

/// In bytes; a card of 13 digits.
const SHORTEST: usize = 13;

/// One look instead of six comparisons, for each byte of every text.
const IS_ALNUM: [bool; 256] = {
    let mut alnum = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        alnum[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    alnum
};
