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

/// Masks what is known by its shape, wherever it stands.
pub(super) fn mask<'a>(policy: &MaskPolicy, text: &'a str) -> Cow<'a, str> {
    let mut rewriter = Rewriter::new(text);
    for (start, sets) in words(text.as_bytes()) {
        // What was masked before is no number that could go on here.
        if let Some(found) = find(policy, text.as_bytes(), rewriter.done, start, sets) {
            rewriter.mask(found);
        }
    }
    rewriter.finish()
}

/// Whether there is something of a known shape that begins here, with a word of these sets.
pub(super) fn is_at(policy: &MaskPolicy, text: &[u8], start: usize, sets: u64) -> bool {
    find(policy, text, 0, start, sets).is_some()
}

/// What begins at `start`, in what is left of a text from `done` on.
fn find(
    policy: &MaskPolicy,
    text: &[u8],
    done: usize,
    start: usize,
    sets: u64,
) -> Option<Range<usize>> {
    let before = text.get(done..start)?;
    if text[start].is_ascii_digit() && goes_on(before) {
        return None;
    }
    if sets & words::SECRETS != 0
        && policy.masks(Category::Credentials)
        && let Some(secret) = secret_at(text, start)
    {
        return Some(secret);
    }
    if sets & words::ACCOUNTS != 0 && policy.masks(Category::Payment) {
        return account_at(text, start);
    }
    None
}

/// Where the words begin that may have any of the shapes, and the sets they belong to; there is no
/// shape of three letters.
fn words(text: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    let mut inside = false;
    let begins = move |(start, byte): (usize, &u8)| {
        let before = std::mem::replace(&mut inside, byte.is_ascii_alphanumeric());
        (inside && !before).then_some(start)
    };
    let known = |start: usize| {
        let sets = words::sets(*text[start..].first_chunk()?) & words::SHAPES;
        (sets != 0).then_some((start, sets))
    };
    text.iter().enumerate().filter_map(begins).filter_map(known)
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
