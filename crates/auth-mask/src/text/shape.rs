//! Secrets that are known by their shape, whatever stands around them: keys of vendors, cards, and
//! accounts.
//!
//! Each of them begins where a word begins, so the text is walked once, and whoever knows a shape
//! is asked at the beginning of each word. All of them look no further than their shape is long,
//! and refuse what is a piece of something longer.

use std::borrow::Cow;
use std::ops::Range;

use crate::text::{Rewriter, card, iban, signature, telegram, vendor_key, words};
use crate::{Category, MaskPolicy};

/// Masks what is known by its shape at these places, or wherever it stands.
pub(super) fn mask<'a>(
    policy: &MaskPolicy,
    text: &'a str,
    places: Option<&[usize]>,
) -> Cow<'a, str> {
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
    let mut mask_at = |start| {
        // What was masked before is no number that could go on here.
        let Some(before) = bytes.get(rewriter.done..start) else {
            return;
        };
        if bytes[start].is_ascii_digit() && goes_on(before) {
            return;
        }
        if let Some(found) = find(start) {
            rewriter.mask(found);
        }
    };
    match places {
        Some(places) => places.iter().copied().for_each(&mut mask_at),
        None => words(bytes).for_each(&mut mask_at),
    }
    rewriter.finish()
}

/// Where the words begin that may have any of the shapes; there is none of three letters.
fn words(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut inside = false;
    let begins = move |(start, byte): (usize, &u8)| {
        let before = std::mem::replace(&mut inside, byte.is_ascii_alphanumeric());
        (inside && !before).then_some(start)
    };
    let is_known = |&start: &usize| {
        let word = text[start..].first_chunk();
        word.is_some_and(|word| words::sets(*word) & !words::SCHEME != 0)
    };
    text.iter().enumerate().filter_map(begins).filter(is_known)
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
