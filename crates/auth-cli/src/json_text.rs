//! JSON shown as it was written: laid out anew, and not a member, an order or a digit changed.
//!
//! Reading it into a value and printing that would sort the members and round long numbers. Both
//! functions take a document that was found to be JSON.

use crate::printable::printable;

/// The document on one line.
pub(crate) fn line(document: &str) -> String {
    let mut line = String::with_capacity(document.len());
    for token in tokens(document) {
        line.push_str(token);
    }
    printable(&line)
}

/// The document with a line for each member, indented by its depth.
pub(crate) fn pretty(document: &str) -> String {
    let mut pretty = String::with_capacity(2 * document.len());
    let mut depth = 0_usize;
    let mut before = "";
    for token in tokens(document) {
        let closes = matches!(token, "}" | "]");
        depth = depth.saturating_sub(usize::from(closes));
        let begins = match before {
            // An empty object or list stays on its line.
            "{" | "[" => !closes,
            "," => true,
            _ => closes,
        };
        if begins {
            pretty.push('\n');
            pretty.push_str(&"  ".repeat(depth));
        }
        pretty.push_str(&printable(token));
        if token == ":" {
            pretty.push(' ');
        }
        depth += usize::from(matches!(token, "{" | "["));
        before = token;
    }
    pretty
}

/// Strings, numbers, words and punctuation, without the white space between them.
fn tokens(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = match first {
            '"' => string_end(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest
                .find(|c: char| c.is_whitespace() || "{}[],:\"".contains(c))
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

/// Where the string that begins the text ends, its closing quote included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{line, pretty};

    const DOCUMENT: &str = r#" {"z" : [1.50,{ } ,[]],
        "a":"x, \" {y\\", "n":123456789012345678901234567890,"o":{"t":true} } "#;

    #[test]
    fn a_line_has_every_token_and_no_space_between() {
        let expected = r#"{"z":[1.50,{},[]],"a":"x, \" {y\\","n":123456789012345678901234567890,"o":{"t":true}}"#;
        assert_eq!(line(DOCUMENT), expected);
        assert_eq!(
            line("{\"a\":\"\u{9b}\u{202e}\"}"),
            r#"{"a":"\u009b\u202e"}"#
        );
    }

    #[test]
    fn pretty_keeps_order_and_digits() {
        let expected = r#"{
  "z": [
    1.50,
    {},
    []
  ],
  "a": "x, \" {y\\",
  "n": 123456789012345678901234567890,
  "o": {
    "t": true
  }
}"#;
        assert_eq!(pretty(DOCUMENT), expected);
    }
}
