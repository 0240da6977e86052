//! Headers in a text, as a dump of a request has them: `X-Api-Key: abc`.

use std::ops::Range;

use crate::MASK;
use crate::text::assignment::is_in_name;
use crate::text::until;

/// Whether there is a colon that a header could have.
pub(super) fn may_be_in(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair == b": ")
}

/// The value of the header whose name ends at `colon`, if it is one: what people write before a colon
/// is a sensitive word more often than the name of a secret.
///
/// At the beginning of a line the value is the rest of the line, as it is of what stands in quotation
/// marks (`curl -H 'X-Api-Key: abc'`), and elsewhere it is one word.
pub(super) fn value(text: &str, name: &str, colon: usize) -> Option<Range<usize>> {
    let rest = text[colon..].strip_prefix(": ")?;
    let known = KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known));
    if !(known || name.contains('-')) {
        return None;
    }
    let start = text.len() - rest.trim_start_matches(' ').len();
    let before = text[..colon].strip_suffix(name)?;
    let word = text[start..].split(ENDS_A_WORD).next().unwrap_or_default();
    if PROSE.iter().any(|prose| word.eq_ignore_ascii_case(prose)) {
        return None;
    }
    // The line's end is looked for at its beginning only: there may be many headers in it.
    let is_newline = |c| matches!(c, '\r' | '\n');
    let end = match before.chars().next_back() {
        None | Some('\n') => until(text, start, is_newline),
        Some(quote @ ('"' | '\'')) => until(text, start, |c| c == quote || is_newline(c)),
        // `> X-Api-Key: abc`, as curl shows what it sends.
        _ if before.ends_with("\n> ") || before == "> " => until(text, start, is_newline),
        // Of a name that is longer than any, the beginning is not known.
        Some(c) if c.is_whitespace() || is_in_name(c) => {
            until(text, start, |c| c.is_whitespace() || "\"'`<>,;".contains(c))
        }
        Some(_) => return None,
    };
    let value = &text[start..end];
    (!value.is_empty() && !value.contains(MASK)).then_some(start..end)
}

const ENDS_A_WORD: [char; 9] = [' ', ',', ';', '.', '"', '\'', '`', '\r', '\n'];

/// Those that are one word.
const KNOWN: [&str; 2] = ["authorization", "cookie"];

/// What begins a sentence about a header, or a scheme that others look after.
#[rustfmt::skip]
const PROSE: [&str; 30] = [
    "a", "an", "and", "are", "basic", "bearer", "cannot", "does", "empty", "expected", "got", "has", "header", "invalid",
    "is", "malformed", "missing", "must", "no", "none", "not", "null", "or", "present", "required", "should", "the",
    "unknown", "was", "with",
];

#[cfg(test)]
mod tests {
    use crate::Masker;

    #[test]
    fn a_header_in_a_text_is_masked() {
        for (text, expected) in [
            ("X-Api-Key: hunter2", "X-Api-Key: ***MASKED***"),
            (
                "GET / HTTP/1.1\r\nHost: h\r\nX-Api-Key: hunter2 3\r\nCookie: acme=a; b=c\r\nAccept: */*",
                "GET / HTTP/1.1\r\nHost: h\r\nX-Api-Key: ***MASKED***\r\nCookie: ***MASKED***\r\nAccept: */*",
            ),
            (
                "Authorization: Token hunter2",
                "Authorization: ***MASKED***",
            ),
            (
                "curl -H 'X-Api-Key: hunter2' -H \"cookie: a=b\" https://h/",
                "curl -H 'X-Api-Key: ***MASKED***' -H \"cookie: ***MASKED***\" https://h/",
            ),
            (
                "> X-Auth-Token: x b\n< 200",
                "> X-Auth-Token: ***MASKED***\n< 200",
            ),
            (
                "sent x-api-key: hunter2, got 401",
                "sent x-api-key: ***MASKED***, got 401",
            ),
            (
                "Authorization: Bearer abcdef",
                "Authorization: Bearer ***MASKED***",
            ),
        ] {
            assert_eq!(Masker::default().mask_text(text), expected);
            assert_eq!(
                Masker::default().mask_text(expected),
                expected,
                "masked twice"
            );
        }
    }

    #[test]
    fn a_name_that_is_longer_than_any_hides_its_value_too() {
        let name = format!("{}x-api-key", "-".repeat(200));
        let shown = Masker::default().mask_text(&format!("{name}: hunter2 3"));
        assert_eq!(shown, format!("{name}: ***MASKED*** 3"));
    }

    #[test]
    fn prose_about_headers_is_shown() {
        for text in [
            "x-api-key: missing",
            "X-Api-Key: must not be empty",
            "authorization: required",
            "Cookie: none",
            "password: wrong",
            "token: 7",
            "Content-Type: text/plain",
            "a-token:b",
            "Authorization: ",
        ] {
            assert_eq!(Masker::default().mask_text(text), text);
        }
    }
}
