//! Masking of a document that is text: one pass, no document in memory.

use std::fmt::{self, Write};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{MASK, Masker};

/// A JSON document in which every secret is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedJson(String);

impl MaskedJson {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for MaskedJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be masked as JSON: it is none, or nests too deeply.
///
/// It says where, and shows nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON document that can be masked, at line {line} column {column}")]
pub struct InvalidJson {
    line: usize,
    column: usize,
    truncated: bool,
}

impl InvalidJson {
    /// The line of the fault, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of the fault, from 1, or 0 at the end of the line before.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Whether the text is the beginning of a document, and its end is missing.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }
}

/// A value that cannot be printed as JSON and masked.
///
/// It shows nothing of the value, not even the message of its `Serialize`, which may quote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value cannot be printed as JSON")]
pub struct NotSerializable(pub(crate) ());

pub(crate) fn mask(masker: &Masker, document: &str) -> Result<MaskedJson, InvalidJson> {
    let mut out = String::with_capacity(document.len());
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let copy = Copy {
        masker,
        out: &mut out,
    };
    copy.deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| InvalidJson {
            line: error.line(),
            column: error.column(),
            truncated: error.is_eof(),
        })?;
    Ok(MaskedJson(out))
}

/// Copies one value to the output and masks on the way. serde_json's parser bounds the depth.
struct Copy<'a> {
    masker: &'a Masker,
    out: &'a mut String,
}

impl Copy<'_> {
    fn again(&mut self) -> Copy<'_> {
        Copy {
            masker: self.masker,
            out: self.out,
        }
    }

    /// Numbers and `true` look the same in Rust as in JSON.
    fn display<E: serde::de::Error>(self, value: impl fmt::Display) -> Result<(), E> {
        write!(self.out, "{value}").map_err(E::custom)
    }

    fn string<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        let quoted = serde_json::to_string(text).map_err(E::custom)?;
        self.out.push_str(&quoted);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.display("null")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.display(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.display(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.display(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        // Rust would print 1e300 with all its zeros.
        let text = serde_json::to_string(&value).map_err(E::custom)?;
        self.display(text)
    }

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        let masker = self.masker;
        self.string(&masker.innocent(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.out.push('[');
        let mut first = true;
        loop {
            let before = self.out.len();
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            if items.next_element_seed(self.again())?.is_none() {
                self.out.truncate(before);
                self.out.push(']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.out.push('{');
        let mut first = true;
        while let Some(name) = members.next_key::<String>()? {
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            self.string(&name)?;
            self.out.push(':');
            if self.masker.policy().is_sensitive(&name) {
                members.next_value::<IgnoredAny>()?;
                self.string(MASK)?;
            } else {
                members.next_value_seed(self.again())?;
            }
        }
        self.out.push('}');
        Ok(())
    }
}
