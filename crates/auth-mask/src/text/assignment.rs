//! Values assigned to a sensitive name: `?token=abc`, `Password=abc;`, `secret: "abc"`,
//! `{"password":"abc"}`.

use std::borrow::Cow;
use std::ops::Range;

use crate::json;
use crate::memo::Judge;
use crate::query::decoded;
use crate::text::{Rewriter, until};

pub(super) fn mask<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    let mut rewriter = Rewriter::new(text);
    for (index, sign) in text.match_indices(['=', ':']) {
        if index < rewriter.done {
            continue;
        }
        // The name first: a value is looked for only where it is going to be masked, so that no
        // stretch of the text is read more often than twice.
        let name = Name::before(text, index);
        if !name.is_sensitive(judge) {
            continue;
        }
        if let Some(value) = value_after(text, index, sign == "=", name.quoted) {
            rewriter.mask(value);
        }
    }
    rewriter.finish()
}

struct Name<'a> {
    text: &'a str,
    /// As in JSON.
    quoted: bool,
    /// Whether it is the parameter of a query.
    in_query: bool,
}

impl<'a> Name<'a> {
    /// The name that ends before `index`.
    fn before(text: &'a str, index: usize) -> Self {
        let before = text[..index].trim_end_matches(' ');
        let inside = before.trim_end_matches(['"', '\'', '\\']);
        // A name in quotation marks may be written with escapes.
        let belongs = |c: char| c.is_alphanumeric() || "_-.$%[]\\".contains(c);
        let length: usize = inside
            .chars()
            .rev()
            .take(LONGEST_NAME)
            .take_while(|&c| belongs(c))
            .map(char::len_utf8)
            .sum();
        let start = inside.len() - length;
        Self {
            text: &inside[start..],
            quoted: inside.len() < before.len(),
            in_query: inside[..start].ends_with(['?', '&', '#']),
        }
    }

    fn is_sensitive(&self, judge: &mut Judge<'_>) -> bool {
        if self.text.is_empty() {
            return false;
        }
        let name = decoded(self.text);
        let name = match name.contains('\\') {
            true => json::unescaped(&name).into(),
            false => name,
        };
        if self.in_query {
            judge.judge_in_query(&name).is_sensitive()
        } else {
            judge.judge(&name).is_sensitive()
        }
    }
}

/// The value that is assigned at `index`, or `None` if nothing is: prose has colons too.
fn value_after(text: &str, index: usize, equals: bool, name_quoted: bool) -> Option<Range<usize>> {
    // Ruby and PHP write `=>`, Go and Pascal `:=`.
    let sign = text[index..].trim_start_matches([':', '=', '>']);
    let start = text.len() - sign.trim_start_matches(' ').len();
    let value = &text[start..];
    // `a == b` compares; without the space it may be a value that begins so.
    if text[index..].starts_with("== ") {
        return None;
    }
    for quote in ["\\\"", "\"", "'"] {
        if value.starts_with(quote) {
            let start = start + quote.len();
            return Some(start..end_of_quoted(text, start, quote));
        }
    }
    let plain = |c: char| c.is_whitespace() || "\"'`<>&;".contains(c);
    match (equals, name_quoted) {
        (false, false) => None,
        (false, true) => {
            // What goes on right behind an object would be taken for the rest of its mask.
            let from = match value.starts_with(['{', '[']) {
                true => end_of_container(text, start),
                false => start,
            };
            Some(start..until(text, from, |c| plain(c) || ",}]".contains(c)))
        }
        (true, _) => Some(start..until(text, start, plain)),
    }
}

/// The end of what began after a quote: at the same quote, unless it is escaped.
fn end_of_quoted(text: &str, start: usize, quote: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text[start..].char_indices() {
        if !escaped && text[start + index..].starts_with(quote) {
            return start + index;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

/// The end of an object or a list that begins here, or of the text if it was cut.
fn end_of_container(text: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    let mut index = start;
    while let Some(&byte) = text.as_bytes().get(index) {
        index += 1;
        match byte {
            b'"' => {
                let escaped = text[..index].ends_with("\\\"");
                let quote = if escaped { "\\\"" } else { "\"" };
                index = end_of_quoted(text, index, quote) + quote.len();
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    index.min(text.len())
}

/// In characters. The end of a name decides, so nothing is lost with its beginning.
const LONGEST_NAME: usize = 128;
