//! Texts as they stand in a document.

use std::borrow::Cow;

use crate::Style;
use crate::text::Block;

/// What may be shown of a text that is given as it stands between its quotation marks; borrowed if
/// that is all of it.
pub(super) fn shown<'t>(
    raw: &'t str,
    escapes: bool,
    mask: impl FnOnce(&str) -> Cow<'_, str>,
) -> Cow<'t, str> {
    let changed = |masked: Cow<'_, str>| match masked {
        Cow::Owned(masked) => Some(masked),
        Cow::Borrowed(_) => None,
    };
    let masked = if escapes {
        changed(mask(&unescaped(raw)))
    } else {
        changed(mask(raw))
    };
    masked.map_or(raw.into(), Cow::Owned)
}

/// Appends what stands in place of a secret that is given as it stands in the document.
pub(super) fn replacement(style: &Style, raw: &str, out: &mut String) {
    let shown = match raw.as_bytes() {
        _ if style.is_blind() => style.of_other().map(Cow::Borrowed),
        [b'"', ..] => {
            let content = raw.get(1..raw.len() - 1).unwrap_or_default();
            if content.contains('\\') {
                style.of_text(&unescaped(content))
            } else {
                style.of_text(content)
            }
        }
        [b'-' | b'0'..=b'9', ..] => style.of_text(raw),
        _ => style.of_other().map(Cow::Borrowed),
    };
    if let Some(shown) = shown {
        quote(&shown, out);
    }
}

/// Where the plain text ends that begins at `from`: at a quotation mark, a backslash, a control
/// character, or the end of the document.
#[inline]
pub(crate) fn plain_until(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let stops = Block::of(block).stops();
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += 16;
    }
    // Eight bytes at a time. In each mask the lowest bit that is set is exact, and the lowest is
    // all that is asked for.
    while let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(eight);
        let stops = zero_bytes(word ^ (LOW * u64::from(b'"')))
            | zero_bytes(word ^ (LOW * u64::from(b'\\')))
            | (word.wrapping_sub(LOW * 0x20) & !word & HIGH);
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let stop = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    at + rest.iter().position(stop).unwrap_or(rest.len())
}

/// Whether a text can stand in a document as it is.
pub(crate) fn is_plain(text: &str) -> bool {
    plain_until(text.as_bytes(), 0) == text.len()
}

/// The high bit of each byte that is zero; above the first such byte others may be set too.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

/// Where the escape ends that begins at `at`, if it is one.
///
/// Half of a pair of surrogates is one too: it stands for no character, but documents with such
/// texts exist, and what is broken there is not the document.
pub(super) fn escape_ends(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => {
            let digits = bytes.get(at + 2..at + 6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 6)
        }
        _ => None,
    }
}

/// Whether what is left of a document is the beginning of an escape.
pub(super) fn is_cut(rest: &[u8]) -> bool {
    match rest {
        [b'\\'] => true,
        [b'\\', b'u', digits @ ..] => digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// What a text with escapes stands for. Half of a pair of surrogates becomes a replacement
/// character.
pub(crate) fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(escape) = rest.find('\\') {
        text.push_str(&rest[..escape]);
        rest = &rest[escape..];
        let (character, length) = character(rest);
        text.push(character);
        rest = &rest[length..];
    }
    text.push_str(rest);
    text
}

/// The character an escape stands for, and how many bytes the escape has.
fn character(escape: &str) -> (char, usize) {
    let bytes = escape.as_bytes();
    let unit = |at: usize| {
        let digits = escape.get(at + 2..at + 6)?;
        escape.get(at..at + 2).filter(|it| *it == "\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    match bytes.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => match (unit(0), unit(6)) {
            (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
                let pair =
                    0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                (
                    char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER),
                    12,
                )
            }
            (Some(unit), _) => {
                let alone = char::from_u32(u32::from(unit));
                (alone.unwrap_or(char::REPLACEMENT_CHARACTER), 6)
            }
            (None, _) => (char::REPLACEMENT_CHARACTER, 2),
        },
        // Of what is no escape the backslash goes, so that any text is answered.
        _ => match escape[1..].chars().next() {
            Some(plain) => (plain, 1 + plain.len_utf8()),
            None => (char::REPLACEMENT_CHARACTER, 1),
        },
    }
}

/// Appends a text with its quotation marks, escaped as far as JSON asks for it.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let plain = plain_until(rest.as_bytes(), 0);
        out.push_str(&rest[..plain]);
        let Some(&byte) = rest.as_bytes().get(plain) else {
            break;
        };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x8 => out.push_str("\\b"),
            0xc => out.push_str("\\f"),
            control => {
                let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
                out.push_str("\\u00");
                out.push(digit(control >> 4));
                out.push(digit(control));
            }
        }
        rest = &rest[plain + 1..];
    }
    out.push('"');
}
