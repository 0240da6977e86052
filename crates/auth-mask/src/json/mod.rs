//! Masking of a document that is text: one pass, no document in memory.

mod engine;
mod levels;
mod memo;
mod strings;

use std::fmt;

use crate::Masker;
use crate::json::engine::Fault;

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

/// A text that cannot be masked as JSON, because it is none.
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
    fn at(document: &str, Fault { at, truncated }: Fault) -> Self {
        let before = &document.as_bytes()[..at];
        let line_begins = before.iter().rposition(|&byte| byte == b'\n');
        let lines = before.iter().filter(|&&byte| byte == b'\n').count();
        Self {
            line: lines + 1,
            column: at - line_begins.map_or(0, |begins| begins + 1) + 1,
            truncated,
        }
    }

    /// The line of the fault, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of the fault, from 1, in bytes.
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

/// Masks a whole document.
pub(crate) fn mask(masker: &Masker, document: &str) -> Result<MaskedJson, InvalidJson> {
    let mut out = String::with_capacity(document.len() + document.len() / 8);
    mask_into(masker, document, &mut out)?;
    Ok(MaskedJson(out))
}

/// Appends the masked document; of a broken one, what stands before the fault.
pub(crate) fn mask_into(
    masker: &Masker,
    document: &str,
    out: &mut String,
) -> Result<(), InvalidJson> {
    engine::mask(masker, document, out).map_err(|fault| InvalidJson::at(document, fault))
}
