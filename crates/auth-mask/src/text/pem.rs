//! Private keys in PEM (RFC 7468), and in the armour of OpenPGP (RFC 9580 §6.2).

use std::borrow::Cow;

use crate::text::Rewriter;

/// Masks each private key from its first line to its last, or to the end of a text that is cut.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    let mut rewriter = Rewriter::new(text);
    for (start, _) in text.match_indices(BEGIN) {
        if start < rewriter.done {
            continue;
        }
        let label = start + BEGIN.len();
        let Some(length) = text[label..].find(DASHES) else {
            continue;
        };
        if is_private(&text[label..label + length]) {
            rewriter.mask(start..end_of(text, label + length));
        }
    }
    rewriter.finish()
}

/// A label that was masked in part is none: what follows it was looked at when it was whole.
fn is_private(label: &str) -> bool {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ';
    label.contains(PRIVATE) && label.bytes().all(belongs)
}

/// The end of the key whose first line ends at `from`.
fn end_of(text: &str, from: usize) -> usize {
    let Some(length) = text[from..].find(END) else {
        return text.len();
    };
    let label = from + length + END.len();
    match text[label..].find(DASHES) {
        Some(length) => label + length + DASHES.len(),
        None => text.len(),
    }
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const PRIVATE: &str = "PRIVATE KEY";
