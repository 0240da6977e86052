//! Documents that nobody wrote down, and the ways to spell them.

use std::collections::BTreeMap;

use crate::chance::Chance;
use crate::names;

/// A document before it is written down.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    /// A number, `true`, `false` or `null`, as the original prints it.
    Plain(&'static str),
    Text(String),
    List(Vec<Self>),
    /// No name stands twice.
    Object(BTreeMap<String, Self>),
}

impl Document {
    /// The same documents for the same seed.
    pub(crate) fn generated(seed: u64, count: usize) -> Vec<Self> {
        let mut chance = Chance(seed);
        (0..count).map(|_| Self::any(&mut chance)).collect()
    }

    fn any(chance: &mut Chance) -> Self {
        let mut document = Self::below(chance, 5);
        // The original goes down two calls a level, and its interpreter a thousand calls.
        let levels = match chance.below(20) {
            0 => chance.below(400),
            _ => 0,
        };
        for _ in 0..levels {
            document = match chance.below(3) {
                0 => Self::List(vec![document]),
                _ => Self::Object([(names::innocent(chance), document)].into()),
            };
        }
        document
    }

    fn below(chance: &mut Chance, depth: usize) -> Self {
        match chance.below(if depth == 0 { 6 } else { 14 }) {
            0..3 => Self::Plain(names::one_of(&PLAIN, chance)),
            3 => Self::Text(names::any(chance)),
            4..6 => Self::Text(names::one_of(&TEXTS, chance).to_owned()),
            6..9 => {
                let items = 0..chance.below(5);
                Self::List(items.map(|_| Self::below(chance, depth - 1)).collect())
            }
            _ => {
                let members = 0..chance.below(5);
                let member = |_| {
                    let name = match chance.below(2) {
                        0 => names::innocent(chance),
                        _ => names::any(chance),
                    };
                    (name, Self::below(chance, depth - 1))
                };
                Self::Object(members.map(member).collect())
            }
        }
    }

    /// The document as the original would print it.
    pub(crate) fn printed(&self) -> String {
        let mut out = String::new();
        self.write(&mut Printed, &mut out);
        out
    }

    /// The document with white space, escapes and numbers as others may write them.
    pub(crate) fn spelled(&self, chance: &mut Chance) -> String {
        let mut out = String::new();
        self.write(&mut Spelled(chance), &mut out);
        out
    }

    fn write(&self, spelling: &mut impl Spelling, out: &mut String) {
        spelling.space(out);
        match self {
            Self::Plain(value) => spelling.plain(value, out),
            Self::Text(text) => spelling.text(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write(spelling, out);
                }
                spelling.space(out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    spelling.space(out);
                    spelling.text(name, out);
                    spelling.space(out);
                    out.push(':');
                    value.write(spelling, out);
                }
                spelling.space(out);
                out.push('}');
            }
        }
        spelling.space(out);
    }
}

trait Spelling {
    fn space(&mut self, out: &mut String);
    fn plain(&mut self, value: &str, out: &mut String);
    fn text(&mut self, text: &str, out: &mut String);
}

struct Printed;

impl Spelling for Printed {
    fn space(&mut self, _: &mut String) {}

    fn plain(&mut self, value: &str, out: &mut String) {
        out.push_str(value);
    }

    fn text(&mut self, text: &str, out: &mut String) {
        // serde_json escapes what Python's `json` does, and in the same way.
        out.push_str(&serde_json::to_string(text).unwrap());
    }
}

struct Spelled<'a>(&'a mut Chance);

impl Spelling for Spelled<'_> {
    fn space(&mut self, out: &mut String) {
        if self.0.below(4) == 0 {
            out.push_str(names::one_of(&[" ", "\n", "\r\n", "\t", "   "], self.0));
        }
    }

    fn plain(&mut self, value: &str, out: &mut String) {
        out.push_str(match self.0.below(2) {
            0 => names::one_of(&OTHER_NUMBERS, self.0),
            _ => value,
        });
    }

    fn text(&mut self, text: &str, out: &mut String) {
        out.push('"');
        for letter in text.chars() {
            match (letter, self.0.below(6)) {
                ('/', 0..3) => out.push_str("\\/"),
                (_, 0) => {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        out.push_str(&match self.0.below(2) {
                            0 => format!("\\u{unit:04x}"),
                            _ => format!("\\u{unit:04X}"),
                        });
                    }
                }
                _ => {
                    let quoted = serde_json::to_string(&letter.to_string()).unwrap();
                    out.push_str(&quoted[1..quoted.len() - 1]);
                }
            }
            if self.0.below(60) == 0 {
                out.push_str(names::one_of(
                    &["\\ud83e", "\\uDD80", "\\udfff\\ud800"],
                    self.0,
                ));
            }
        }
        out.push('"');
    }
}

const PLAIN: [&str; 16] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "200",
    "9007199254740993",
    "18446744073709551616",
    "-1000000000000000000000000000000000000001",
    "0.1",
    "-0.0",
    "1e+16",
    "1.5e-07",
    "5e-324",
    "1.7976931348623157e+308",
    "4111111111111111",
];

const OTHER_NUMBERS: [&str; 10] = [
    "-0",
    "1E5",
    "1e+05",
    "1e400",
    "-1e400",
    "0.10",
    "-0.0e-0",
    "1e-400",
    "123456789012345678.90123456789e1",
    "12345678901234567890123456789012345678901234567890",
];

/// What looks like a secret is none to the original, for it looks at names only.
const TEXTS: [&str; 16] = [
    "",
    "ada",
    "password",
    "Bearer abc.def",
    "password=hunter2",
    r#"{"password":"hunter2"}"#,
    "https://ada:pw@host/p?token=abc",
    "eyJhbGci.eyJzdWIi.c2ln",
    "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "***MASKED***",
    "İß\u{212a}Σ🦀\u{301}",
    "\u{0}\u{8}\t\n\u{c}\r\u{1f}\u{7f}\u{2028}\u{feff}",
    "a \"quoted\" \\ text",
    "{",
];
