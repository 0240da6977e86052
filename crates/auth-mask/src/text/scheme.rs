//! Credentials as the `Authorization` header has them: `Bearer …` (RFC 6750 §2.1) and `Basic …`
//! (RFC 7617 §2).

use std::borrow::Cow;

use crate::MASK;
use crate::text::{Rewriter, until};

/// Masks what follows a scheme, where it can be credentials.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    let mut rewriter = Rewriter::new(text);
    let mut index = 0;
    while let Some(length) = text.as_bytes()[index..].iter().position(|byte| is_b(*byte)) {
        let start = index + length;
        index = start + 1;
        let boundary = start == 0 || !text.as_bytes()[start - 1].is_ascii_alphanumeric();
        let scheme = SCHEMES.iter().find(|(name, _)| {
            let word = text.as_bytes().get(start..start + name.len());
            boundary && word.is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
        });
        if let Some((name, is_credential)) = scheme {
            index = start + name.len();
            let spaces = until(text, index, |c| !matches!(c, ' ' | '\t' | ':'));
            // A program may print it in quotation marks.
            let value = until(text, spaces, |c| !matches!(c, '"' | '\'' | '\\'));
            if text[index..spaces].contains([' ', '\t']) {
                let end = until(text, value, ends_value);
                if is_credential(&text[value..end]) {
                    rewriter.mask(value..end);
                }
            }
        }
    }
    rewriter.finish()
}

type IsCredential = fn(&str) -> bool;

const SCHEMES: [(&str, IsCredential); 2] = [("bearer", is_bearer), ("basic", is_basic)];

fn is_b(byte: u8) -> bool {
    byte.eq_ignore_ascii_case(&b'b')
}

fn ends_value(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '"' | '\'' | '`' | '<' | '>' | ',' | ';' | ')' | ']' | '}' | '\\'
        )
}

/// Anything but the words that follow in prose, and the parameters of a challenge.
fn is_bearer(value: &str) -> bool {
    // Of one that held a key the rest is masked too.
    let ends = ['.', ':', '!', '?'];
    if value.starts_with(MASK) {
        return value.trim_end_matches(ends) != MASK;
    }
    let begins = value.starts_with(|c: char| c.is_ascii_alphanumeric() || "._~+/-".contains(c));
    let word = value.split('=').next().unwrap_or_default();
    let word = word.trim_end_matches(ends).to_ascii_lowercase();
    begins && !PROSE.contains(&&*word)
}

/// What decodes to a user and a password; "basic information" does not.
fn is_basic(value: &str) -> bool {
    let mut bits = 0_u32;
    let mut held = 0;
    for byte in value.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return false,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            if (bits >> held) & 0xff == u32::from(b':') {
                return true;
            }
        }
    }
    false
}

const PROSE: [&str; 39] = [
    "and",
    "as",
    "auth",
    "authentication",
    "authorisation",
    "authorization",
    "challenge",
    "charset",
    "credential",
    "credentials",
    "error",
    "error_description",
    "expected",
    "flow",
    "for",
    "format",
    "from",
    "grant",
    "header",
    "in",
    "is",
    "method",
    "missing",
    "not",
    "of",
    "only",
    "or",
    "prefix",
    "realm",
    "required",
    "resource_metadata",
    "scheme",
    "scope",
    "to",
    "token",
    "tokens",
    "type",
    "was",
    "with",
];
