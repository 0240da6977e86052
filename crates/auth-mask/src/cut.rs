//! Showing less of what has been masked.

use std::borrow::Cow;

use crate::MaskedJson;

/// What stands where something was left out to keep a size.
pub const CUT: &str = "***CUT***";

impl MaskedJson {
    /// Shows at most so many bytes, and says inside of the document that this is not all of it.
    ///
    /// It stays valid JSON: a text ends between two characters and with [`CUT`], a list with an item
    /// `"***CUT***"`, an object with a member `"***CUT***":true`. Everything was checked before; what
    /// is left out is only not shown. White space around the document is dropped first. What fits
    /// stays as it is, and if nothing would fit, `"***CUT***"` is all of it: 11 bytes.
    ///
    /// # Example: a page of records in a log
    ///
    /// ```
    /// let records = format!("[{}]", vec![r#"{"id":7,"password":"x"}"#; 1000].join(","));
    /// let shown = auth_mask::Masker::default().mask_json(&records)?.cut(62);
    /// assert_eq!(
    ///     shown.as_str(),
    ///     r#"[{"id":7,"password":"***MASKED***"},{"id":7,"***CUT***":true}]"#
    /// );
    /// # Ok::<(), auth_mask::InvalidJson>(())
    /// ```
    #[must_use]
    pub fn cut(self, max_bytes: usize) -> Self {
        if self.as_str().len() <= max_bytes {
            return self;
        }
        let document = self.as_str().trim_ascii();
        if document.len() <= max_bytes {
            return Self::new(document.to_owned());
        }
        Self::new(match Cutter::new(document, max_bytes).last_place() {
            Some(place) => place.cut(document),
            None => format!("\"{CUT}\""),
        })
    }
}

/// The beginning of a text, of at most so many bytes, and [`CUT`] in place of the rest; the text
/// itself, if it fits. Mask it before: half of a secret is not known for one.
///
/// # Example: the text of an error
///
/// ```
/// use auth_mask::cut_text;
///
/// assert_eq!(cut_text("connection refused", 20), "connection refused");
/// assert_eq!(cut_text("connection refused", 16), "connect***CUT***");
/// ```
pub fn cut_text(text: &str, max_bytes: usize) -> Cow<'_, str> {
    if text.len() <= max_bytes {
        return text.into();
    }
    let most = max_bytes.saturating_sub(CUT.len());
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end));
    let end = end.unwrap_or_default();
    [&text[..end], CUT].concat().into()
}

/// Where a document can end.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    /// How many lists and objects are open there.
    depth: usize,
    within: Within,
}

#[derive(Clone, Copy)]
enum Within {
    Text,
    /// A list or an object, which may be empty so far.
    Container {
        object: bool,
        empty: bool,
    },
}

impl Place {
    /// What ends the document there, but for what closes what is open.
    fn mark(self) -> String {
        match self.within {
            Within::Text => format!("{CUT}\""),
            Within::Container { object, empty } => {
                let comma = if empty { "" } else { "," };
                let value = if object { ":true" } else { "" };
                format!("{comma}\"{CUT}\"{value}")
            }
        }
    }

    fn cut(self, document: &str) -> String {
        let shown = &document[..self.at];
        let mut closing = Vec::new();
        let mut at = 0;
        while let Some(&byte) = shown.as_bytes().get(at) {
            at += 1;
            match byte {
                b'"' => at = text_ends(shown, at),
                b'{' => closing.push('}'),
                b'[' => closing.push(']'),
                b'}' | b']' => drop(closing.pop()),
                _ => {}
            }
        }
        let mut out = [shown, &self.mark()].concat();
        out.extend(closing.into_iter().rev());
        out
    }
}

/// Looks for the last place at which a document, which is valid, can end.
struct Cutter<'a> {
    document: &'a str,
    max: usize,
    /// Whether the innermost of what is open is an object, and so on.
    open: Vec<bool>,
    last: Option<Place>,
}

impl<'a> Cutter<'a> {
    fn new(document: &'a str, max: usize) -> Self {
        Self {
            document,
            max,
            open: Vec::new(),
            last: None,
        }
    }

    fn last_place(mut self) -> Option<Place> {
        let mut at = 0;
        let mut is_name = false;
        while let Some(&byte) = self.document.as_bytes().get(at).filter(|_| at < self.max) {
            at += 1;
            match byte {
                b'{' | b'[' => {
                    self.open.push(byte == b'{');
                    is_name = byte == b'{';
                    self.offer(at, true);
                }
                b'}' | b']' => {
                    self.open.pop();
                    self.offer(at, false);
                }
                b',' => is_name = self.open.last() == Some(&true),
                b':' => is_name = false,
                b'"' if is_name => at = text_ends(self.document, at),
                b'"' => {
                    self.offer_text(at);
                    at = text_ends(self.document, at);
                    self.offer(at, false);
                }
                b' ' | b'\t' | b'\n' | b'\r' => {}
                _ => {
                    let rest = self.document.as_bytes()[at..].iter();
                    at += rest
                        .take_while(|byte| !b",]} \t\n\r".contains(byte))
                        .count();
                    self.offer(at, false);
                }
            }
        }
        self.last
    }

    /// A place between two values.
    fn offer(&mut self, at: usize, empty: bool) {
        if let Some(&object) = self.open.last() {
            let depth = self.open.len();
            let within = Within::Container { object, empty };
            self.take(Place { at, depth, within });
        }
    }

    /// The last place inside of a text that begins here.
    fn offer_text(&mut self, begins: usize) {
        let depth = self.open.len();
        let within = Within::Text;
        let mut at = begins;
        while let Some(length) = unit(&self.document[at..]) {
            if at + length + CUT.len() + 1 + depth > self.max {
                break;
            }
            at += length;
        }
        self.take(Place { at, depth, within });
    }

    fn take(&mut self, place: Place) {
        if place.at + place.mark().len() + place.depth <= self.max {
            self.last = Some(place);
        }
    }
}

/// Where a text ends whose content goes on at `at`, behind its quotation mark.
fn text_ends(document: &str, mut at: usize) -> usize {
    while let Some(length) = unit(&document[at..]) {
        at += length;
    }
    (at + 1).min(document.len())
}

/// How long the character or the escape is that begins here; `None` at the end of the text.
fn unit(rest: &str) -> Option<usize> {
    match rest.as_bytes() {
        [] | [b'"', ..] => None,
        // Two of these may be the halves of one character.
        [b'\\', b'u', _, _, _, _, b'\\', b'u', _, _, _, _, ..] if is_high(rest) => Some(12),
        [b'\\', b'u', ..] => Some(6.min(rest.len())),
        [b'\\', ..] => Some(2.min(rest.len())),
        _ => rest.chars().next().map(char::len_utf8),
    }
}

/// Whether the escape here stands for the first half of a pair.
fn is_high(rest: &str) -> bool {
    let digits = rest.get(2..6).unwrap_or_default();
    u16::from_str_radix(digits, 16).is_ok_and(|unit| (0xd800..0xdc00).contains(&unit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(document: &str, max: usize, expected: &str) {
        let shown = MaskedJson::new(document.to_owned()).cut(max);
        assert_eq!(shown.as_str(), expected);
        assert!(expected.len() <= max.max(11), "{}", expected.len());
    }

    #[test]
    fn what_is_left_says_that_there_was_more() {
        check("[1,2,3]", 7, "[1,2,3]");
        check("  [1,2,3]\n", 7, "[1,2,3]");
        check("[1,2,3,4,5,6,7,8,9,10]", 20, "[1,2,3,\"***CUT***\"]");
        check("[1234567890,1234567890]", 15, "[\"***CUT***\"]");
        check(
            r#"{"a":1,"b":{"c":[1,2,{"d":null}]}}"#,
            33,
            r#"{"a":1,"b":{"c":[1,"***CUT***"]}}"#,
        );
        check(
            r#"{"a":1,"b":{"c":[1,2,{"d":null}]}}"#,
            30,
            r#"{"a":1,"b":{"***CUT***":true}}"#,
        );
        check(
            r#"{"a":"some words, and then some more"}"#,
            24,
            r#"{"a":"some wo***CUT***"}"#,
        );
        check(
            "\"some words, and some more\"",
            20,
            "\"some word***CUT***\"",
        );
        check(
            "{\"a long name, which is not cut\":1}",
            20,
            "{\"***CUT***\":true}",
        );
        check("[[[[[[[[[[[[1]]]]]]]]]]]]", 17, "[[[\"***CUT***\"]]]");
        check("12345678901234567890", 12, "\"***CUT***\"");
        check("[1,2,3,4,5,6,7,8]", 0, "\"***CUT***\"");
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        for max in 11..40 {
            for text in [
                r#""äöüäöüäöüäöüäöü😀😀😀😀😀😀""#,
                r#""\ud83d\ude00\n\u00e4\ud83d\ude00aa""#,
            ] {
                let shown = MaskedJson::new(text.to_owned()).cut(max);
                let shown: String = serde_json::from_str(shown.as_str()).unwrap();
                let whole: String = serde_json::from_str(text).unwrap();
                let beginning = shown.strip_suffix(CUT).unwrap_or(&shown);
                assert!(whole.starts_with(beginning), "{shown}");
            }
        }
        assert_eq!(cut_text("äöü", 6), "äöü");
        assert_eq!(cut_text("ääääääää", 12), "ä***CUT***");
        assert_eq!(cut_text("0123456789", 3), CUT);
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_cut_document_is_one_and_no_longer_than_asked(document in documents(), max in 0_usize..200) {
            for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
                let fits = text.len() <= max;
                let shown = MaskedJson::new(text.clone()).cut(max);
                prop_assert!(shown.as_str().len() <= max.max(11));
                prop_assert!(serde_json::from_str::<Value>(shown.as_str()).is_ok(), "{}", shown);
                prop_assert_eq!(shown.as_str() == text, fits);
                prop_assert!(fits || shown.as_str().contains(CUT), "{}", shown);
            }
        }
    }
}
