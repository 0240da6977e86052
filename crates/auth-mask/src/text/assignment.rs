//! Values assigned to a sensitive name: `?token=abc`, `Password=abc;`, `secret: "abc"`,
//! `{"password":"abc"}`.

use std::borrow::Cow;
use std::ops::Range;

use crate::json;
use crate::memo::Judge;
use crate::query::decoded;
use crate::text::quote::Quote;
use crate::text::{Rewriter, header, scan, until};

pub(super) fn mask<'a>(judge: &mut Judge<'_>, text: &'a str) -> Cow<'a, str> {
    let mut rewriter = Rewriter::new(text);
    let mut run = Run::default();
    for (index, sign) in text.match_indices(['=', ':']) {
        if index < rewriter.done {
            continue;
        }
        // The name first: a value is looked for only where it is going to be masked, so that no
        // stretch of the text is read more often than twice.
        let name = Name::before(text, index, rewriter.done);
        if !name.is_sensitive(judge) {
            if name.in_query && sign == "=" {
                run.mask(judge, &mut rewriter, index + 1);
            }
            continue;
        }
        let value = value_after(text, index, sign == "=", name.quoted);
        if let Some(value) = value.or_else(|| header::value(text, name.text, index)) {
            rewriter.mask(value);
        }
    }
    rewriter.finish()
}

/// A stretch of text in which parameters may stand one in the other: `?a=http://h/?b=%2541`.
#[derive(Default)]
struct Run {
    end: usize,
    last_percent: Option<usize>,
    looks: usize,
}

impl Run {
    /// Masks the value of the parameter that begins at `start` if there is a secret in what it
    /// stands for, such as another URL.
    ///
    /// A value holds all that come after it, and each of them may hold encoded ones. So there is a
    /// number of looks for each run, and a depth; of whoever has more, the rest is masked unseen.
    fn mask(&mut self, judge: &mut Judge<'_>, rewriter: &mut Rewriter<'_>, start: usize) {
        let text = rewriter.text;
        if start >= self.end {
            let ends = |c: char| c.is_whitespace() || "\"'`<>&;#".contains(c);
            self.end = until(text, start, ends);
            self.last_percent = text[start..self.end].rfind('%').map(|at| start + at);
            self.looks = 0;
        }
        if self.last_percent.is_none_or(|at| at < start) {
            return;
        }
        if self.looks == MOST_LOOKS || judge.encoded == MOST_ENCODED {
            return rewriter.mask(start..self.end);
        }
        self.looks += 1;
        judge.encoded += 1;
        let is_secret = matches!(scan(judge, &decoded(&text[start..self.end])), Cow::Owned(_));
        judge.encoded -= 1;
        if is_secret {
            rewriter.mask(start..self.end);
        }
    }
}

/// How many parameters of one run are looked into.
const MOST_LOOKS: usize = 4;

/// How often a parameter may be encoded that is looked into.
const MOST_ENCODED: usize = 4;

struct Name<'a> {
    text: &'a str,
    /// As in JSON.
    quoted: bool,
    /// Whether it is the parameter of a query.
    in_query: bool,
    /// What a parser complains of: `unexpected token: "x"`.
    is_of_a_parser: bool,
}

impl<'a> Name<'a> {
    /// The name that ends before `index`, in a text of which what stands before `done` was copied or
    /// masked.
    fn before(text: &'a str, index: usize, done: usize) -> Self {
        let before = text[..index].trim_end_matches([' ', '\t']);
        let inside = before.trim_end_matches(['"', '\'', '\\']);
        let length: usize = inside
            .chars()
            .rev()
            .take(LONGEST_NAME)
            .take_while(|&c| is_in_name(c))
            .map(char::len_utf8)
            .sum();
        let start = inside.len() - length;
        Self {
            text: &inside[start..],
            quoted: inside.len() < before.len(),
            in_query: inside[..start].ends_with(['?', '&', '#']),
            // What was masked complains no more.
            is_of_a_parser: inside
                .get(done..start)
                .is_some_and(|before| before.ends_with("nexpected ")),
        }
    }

    fn is_sensitive(&self, judge: &mut Judge<'_>) -> bool {
        if self.text.is_empty() || self.is_of_a_parser {
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

/// Whether names are made of it. One in quotation marks may be written with escapes.
pub(super) fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || "_-.$%[]\\".contains(c)
}

/// The value that is assigned at `index`, or `None` if nothing is: prose has colons too.
fn value_after(text: &str, index: usize, equals: bool, name_quoted: bool) -> Option<Range<usize>> {
    // Ruby and PHP write `=>`, Go and Pascal `:=`.
    let sign = text[index..].trim_start_matches([':', '=', '>']);
    // JSON may be laid out.
    let is_space = |c| matches!(c, ' ' | '\t') || name_quoted && matches!(c, '\n' | '\r');
    let start = text.len() - sign.trim_start_matches(is_space).len();
    let value = &text[start..];
    // `a == b` compares; without the space it may be a value that begins so.
    if text[index..].starts_with("== ") {
        return None;
    }
    let prefix = start + length_of_prefix(value);
    if let Some(quote) = Quote::at(&text[prefix..]) {
        let start = prefix + quote.length();
        return Some(start..quote.closes(text, start));
    }
    let plain = |c: char| c.is_whitespace() || "\"'`<>&;".contains(c);
    // What goes on right behind an object would be taken for the rest of its mask.
    let from = match constructor(value) {
        Some(open) => end_of_container(text, start + open),
        None if name_quoted && value.starts_with(['{', '[']) => end_of_container(text, start),
        None => start,
    };
    match (equals, name_quoted) {
        (false, false) => (from > start).then_some(start..from),
        (false, true) => Some(start..until(text, from, |c| plain(c) || ",}]".contains(c))),
        (true, _) => Some(start..until(text, from, plain)),
    }
}

/// What a language puts before a quotation mark: `b'…'`, `r"…"`.
fn length_of_prefix(value: &str) -> usize {
    let letters = value.bytes().take(3).take_while(u8::is_ascii_alphabetic);
    let length = letters.count();
    match value.as_bytes().get(length) {
        Some(b'"' | b'\'') if length < 3 => length,
        _ => 0,
    }
}

/// Where the first bracket stands in what a program prints of a value that has a text in it:
/// `Some("…")`, `["…"]`.
fn constructor(value: &str) -> Option<usize> {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:&([{".contains(byte);
    let before = value.bytes().take(LONGEST_CONSTRUCTOR);
    let length = before.take_while(belongs).count();
    Quote::at(&value[length..])?;
    value[..length].find(['(', '[', '{'])
}

/// The end of what is between brackets and begins here, or of the text if it was cut.
fn end_of_container(text: &str, start: usize) -> usize {
    let round = text[start..].starts_with('(');
    let mut depth = 0_usize;
    let mut index = start;
    let mut backslashes = 0;
    while let Some(&byte) = text.as_bytes().get(index) {
        index += 1;
        let before = std::mem::take(&mut backslashes);
        match byte {
            b'\\' => backslashes = before + 1,
            b'"' => {
                let quote = Quote {
                    backslashes: before,
                    mark: byte,
                };
                index = quote.closes(text, index) + quote.length();
            }
            b'(' if round => depth += 1,
            b')' if round => depth -= 1,
            b'{' | b'[' if !round => depth += 1,
            b'}' | b']' if !round => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    index.min(text.len())
}

/// In bytes.
const LONGEST_CONSTRUCTOR: usize = 64;

/// In characters. The end of a name decides, so nothing is lost with its beginning.
const LONGEST_NAME: usize = 128;
