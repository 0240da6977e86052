//! Private keys in PEM (RFC 7468).

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
        if text[label..label + length].ends_with(PRIVATE) {
            rewriter.mask(start..end_of(text, label + length));
        }
    }
    rewriter.finish()
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
