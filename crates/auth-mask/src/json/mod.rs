//! Masking of a document that is text: one pass, no document in memory.

mod engine;
mod levels;
mod print;
mod strings;

use std::borrow::Cow;
use std::fmt;

use crate::MASK;
use crate::json::engine::{Document, Fault};
pub(crate) use crate::json::print::print_into;
pub(crate) use crate::json::strings::{is_plain, plain_until, unescaped};
use crate::memo::Judge;

/// A JSON document in which every secret is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedJson(String);

impl MaskedJson {
    pub(crate) fn new(masked: String) -> Self {
        Self(masked)
    }

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
    fn at(document: &[u8], Fault { at, truncated }: Fault) -> Self {
        let before = &document[..at];
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
pub(crate) fn mask(judge: &mut Judge<'_>, document: &str) -> Result<MaskedJson, InvalidJson> {
    let mut out = String::with_capacity(document.len() + document.len() / 8);
    mask_into(judge, document, &mut out)?;
    Ok(MaskedJson(out))
}

/// Appends the masked document; of a broken one, what stands before the fault.
pub(crate) fn mask_into(
    judge: &mut Judge<'_>,
    document: &str,
    out: &mut String,
) -> Result<(), InvalidJson> {
    let whole = Document {
        text: document,
        named: false,
    };
    whole
        .mask(judge, out)
        .map_err(|fault| InvalidJson::at(document.as_bytes(), fault))
}

/// As [`mask_into`], of a document that may not even be a text.
pub(crate) fn mask_bytes_into(
    judge: &mut Judge<'_>,
    document: &[u8],
    out: &mut String,
) -> Result<(), InvalidJson> {
    let (text, fault) = match str::from_utf8(document) {
        Ok(text) => (text, None),
        Err(error) => {
            let at = error.valid_up_to();
            let truncated = error.error_len().is_none();
            let valid = str::from_utf8(&document[..at]).unwrap_or_default();
            (valid, Some(Fault { at, truncated }))
        }
    };
    match (mask_into(judge, text, out), fault) {
        // A fault that comes before that of the text is told, unless the document just ends there.
        (Err(error), Some(_)) if !error.is_truncated() => Err(error),
        (_, Some(fault)) => Err(InvalidJson::at(document, fault)),
        (masked, None) => masked,
    }
}

/// What may be shown of a text that is a document, or the beginning of one; `None` if it is none.
/// The text goes by an innocent name.
///
/// It comes here again for documents inside of texts inside of documents. Who writes `\u005c` for a
/// backslash gets a hundred levels into ten kilobytes, so that what is quoted too often is masked
/// unseen.
pub(crate) fn embedded<'t>(judge: &mut Judge<'_>, text: &'t str) -> Option<Cow<'t, str>> {
    if !may_be_document(text.as_bytes()) {
        return None;
    }
    if judge.quoted == MOST_QUOTED {
        return Some(MASK.to_owned().into());
    }
    let document = Document { text, named: true };
    let mut shown = String::with_capacity(text.len());
    judge.quoted += 1;
    let masked = document.mask(judge, &mut shown);
    judge.quoted -= 1;
    match masked {
        Ok(()) if shown == text => Some(text.into()),
        Ok(()) => Some(shown.into()),
        // Of one that was cut, the last piece is not understood, and hidden.
        Err(fault) if is_cut(text, fault) => Some((shown + MASK).into()),
        Err(_) => None,
    }
}

/// How many documents are looked into that are a text in another; one more is masked unseen.
const MOST_QUOTED: usize = 16;

/// Whether an object with a member or a list begins here, or a text in quotation marks.
#[inline]
pub(crate) fn may_be_document(text: &[u8]) -> bool {
    let begins = |text: &[u8]| matches!(text, [b'{' | b'[' | b'"', _, ..]);
    match text {
        [b' ' | b'\t' | b'\n' | b'\r', ..] => begins(text.trim_ascii_start()),
        _ => begins(text),
    }
}

/// Whether a document has been cut, by others or by us.
fn is_cut(text: &str, fault: Fault) -> bool {
    let ends = fault.truncated || text.get(fault.at..) == Some(MASK);
    ends && !text.trim_ascii_start().starts_with('"') && text.as_bytes()[..fault.at].contains(&b'"')
}
