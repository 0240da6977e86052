//! Query strings and URLs.

use std::borrow::Cow;

use crate::memo::Judge;
use crate::{MASK, text};

pub(crate) fn mask(judge: &mut Judge<'_>, query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    // Whether a parameter was left out, and its separator has to go too.
    let mut left_out = false;
    let mut before = "";
    // Some servers take a semicolon for an ampersand, so a secret may begin behind either.
    for piece in query.split_inclusive(['&', ';']) {
        let (parameter, separator) = match piece.strip_suffix(['&', ';']) {
            Some(parameter) => (parameter, &piece[parameter.len()..]),
            None => (piece, ""),
        };
        match masked(judge, parameter) {
            Some(shown) => {
                out.push_str(before);
                out.push_str(&shown);
                before = separator;
            }
            None => left_out = true,
        }
    }
    if !left_out {
        out.push_str(before);
    }
    out
}

pub(crate) fn mask_url(judge: &mut Judge<'_>, url: &str) -> String {
    // What is masked in a parameter may have hidden where a host ends, or begins.
    let mut shown = Cow::Borrowed(url);
    for _ in 0..MOST_ROUNDS {
        let again = mask_url_once(judge, &shown);
        if again == *shown {
            return again;
        }
        shown = again.into();
    }
    // Nobody knows what it is.
    MASK.to_owned()
}

/// Two are enough for what people write, and four for what a machine made up so far.
const MOST_ROUNDS: usize = 16;

fn mask_url_once(judge: &mut Judge<'_>, url: &str) -> String {
    // First, as in a text: a key may hold a slash, and a card spaces, that end a host for others.
    let url = if judge.policy.looks_into_values() {
        text::known_by_itself(judge, url)
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
    let mut out = text::unnamed(judge, path).into_owned();
    // An authorisation response may stand in either (OAuth 2.0 Multiple Response Types §2.1).
    for (sign, part) in [('?', query), ('#', fragment)] {
        if let Some(part) = part {
            out.push(sign);
            out.push_str(&mask(judge, part));
        }
    }
    out
}

/// A parameter as it may be shown; `None` if it is left out.
fn masked<'a>(judge: &mut Judge<'_>, parameter: &'a str) -> Option<Cow<'a, str>> {
    let Some((name, value)) = parameter.split_once('=') else {
        let hidden = judge.policy.masks_the_unnamed() && !parameter.is_empty();
        return Some(
            if hidden {
                MASK
            } else {
                shown(judge, parameter)
            }
            .into(),
        );
    };
    let by_itself = judge.judge_in_query(&decoded(name));
    // A token that ends with `=` is taken for a name. What is shown of it will be judged next time.
    let name = shown(judge, name);
    let judgement = judge.judge_in_query(&decoded(name)).or(by_itself);
    let value = if !judgement.is_sensitive() {
        shown(judge, value).into()
    } else {
        let style = judge.policy.replacement(judgement);
        match (style.is_blind(), style.of_other()) {
            (_, None) => return None,
            // An empty value is no secret, and its emptiness may be what somebody looks for.
            _ if value.is_empty() => value.into(),
            (true, Some(shown)) => shown.into(),
            (false, _) => encoded(&style.of_text(&decoded(value))?),
        }
    };
    Some([name, "=", &*value].concat().into())
}

/// A text as it is, unless there is a secret in what it means.
fn shown<'a>(judge: &mut Judge<'_>, text: &'a str) -> &'a str {
    match text::mask(judge, &decoded(text)) {
        Cow::Owned(_) if judge.policy.looks_into_values() => MASK,
        _ => text,
    }
}

/// A text with all percent-encoded that is not unreserved (RFC 3986 §2.3), but for the star.
fn encoded(text: &str) -> Cow<'static, str> {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'*' => {
                out.push(byte.into());
            }
            _ => {
                let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value & 15)]);
                out.extend(['%', digit(byte >> 4), digit(byte)]);
            }
        }
    }
    out.into()
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
