//! Query strings and URLs.

use std::borrow::Cow;

use crate::{MASK, Masker, text};

pub(crate) fn mask(masker: &Masker, query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    // Some servers take a semicolon for an ampersand, so a secret may begin behind either.
    for piece in query.split_inclusive(['&', ';']) {
        let (parameter, separator) = match piece.strip_suffix(['&', ';']) {
            Some(parameter) => (parameter, &piece[parameter.len()..]),
            None => (piece, ""),
        };
        parameter_into(masker, parameter, &mut out);
        out.push_str(separator);
    }
    out
}

pub(crate) fn mask_url(masker: &Masker, url: &str) -> String {
    // First, as in a text: a key may hold a slash, and a card spaces, that end a host for others.
    let url = if masker.policy().looks_into_values() {
        text::known_by_itself(masker, url)
    } else {
        url.into()
    };
    let url = text::userinfo::mask(&url);
    let (url, fragment) = match url.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (&*url, None),
    };
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    let mut out = text::mask(masker, path).into_owned();
    // An authorisation response may stand in either (OAuth 2.0 Multiple Response Types §2.1).
    for (sign, part) in [('?', query), ('#', fragment)] {
        if let Some(part) = part {
            out.push(sign);
            out.push_str(&mask(masker, part));
        }
    }
    out
}

fn parameter_into(masker: &Masker, parameter: &str, out: &mut String) {
    let Some((name, value)) = parameter.split_once('=') else {
        out.push_str(shown(masker, parameter).unwrap_or(MASK));
        return;
    };
    out.push_str(name);
    out.push('=');
    let sensitive = masker.policy().is_sensitive_in_query(&decoded(name));
    // An empty value is no secret, and its emptiness may be what somebody looks for.
    if value.is_empty() {
    } else if sensitive {
        out.push_str(MASK);
    } else {
        out.push_str(shown(masker, value).unwrap_or(MASK));
    }
}

/// A text as it is, unless there is a secret in what it means.
fn shown<'a>(masker: &Masker, text: &'a str) -> Option<&'a str> {
    match masker.innocent(&decoded(text)) {
        Cow::Borrowed(_) => Some(text),
        Cow::Owned(_) => None,
    }
}

/// A text without its percent-encoding; what is not UTF-8 becomes replacement characters.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_decoded_as_far_as_it_can_be() {
        for (text, expected) in [
            ("", ""),
            ("abc", "abc"),
            ("a+b", "a b"),
            ("pass%77ord", "password"),
            ("%c3%A4", "ä"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(text), expected, "{text:?}");
        }
    }
}
