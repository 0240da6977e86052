//! Policies that are written down, in the format of the original client (contract miso §5).

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

/// The names of a policy file, compared as the original compares them: without `_` and `-`, in lower
/// case, and as a part of any longer name if they are long enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileNames {
    /// Whether the names of the default policy count too.
    pub(crate) with_defaults: bool,
    exact: HashSet<String>,
    parts: Vec<String>,
    never: HashSet<String>,
}

/// What the file says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Mask,
    Show,
    Nothing,
}

impl FileNames {
    pub(crate) fn read(json: &[u8]) -> Result<Self, PolicyFileError> {
        let file: File = serde_json::from_slice(json).map_err(|error| PolicyFileError {
            line: error.line(),
            column: error.column(),
            why: why(&error),
        })?;
        let (min, max) = (1, 64);
        let least = file.substring_min_length.unwrap_or(4).clamp(min, max);
        let listed = file.fields.into_values().flatten().map(|Name(name)| name);
        let (parts, exact): (Vec<_>, Vec<_>) =
            listed.partition(|name| name.chars().count() >= least);
        let patterns = file.field_patterns.into_iter().map(|Name(name)| name);
        let never = file.never_mask_fields.into_iter().map(|Name(name)| name);
        Ok(Self {
            with_defaults: file.merge_with_hardcoded_defaults.unwrap_or(true),
            exact: exact.into_iter().collect(),
            parts: parts.into_iter().chain(patterns).collect(),
            never: never.collect(),
        })
    }

    pub(crate) fn say(&self, name: &str) -> Said {
        let name = normalised(name);
        if self.never.contains(&name) {
            Said::Show
        } else if self.exact.contains(&name) || self.parts.iter().any(|part| name.contains(&**part))
        {
            Said::Mask
        } else {
            Said::Nothing
        }
    }
}

fn normalised(name: &str) -> String {
    let mut name = name.to_lowercase();
    name.retain(|character| !matches!(character, '_' | '-'));
    name
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// By category; the categories are for the reader.
    #[serde(default, alias = "categories")]
    fields: BTreeMap<String, Vec<Name>>,
    #[serde(default)]
    field_patterns: Vec<Name>,
    #[serde(default)]
    never_mask_fields: Vec<Name>,
    substring_min_length: Option<usize>,
    merge_with_hardcoded_defaults: Option<bool>,
    #[serde(default, rename = "version")]
    _version: serde::de::IgnoredAny,
    #[serde(default, rename = "description")]
    _description: serde::de::IgnoredAny,
    #[serde(default, rename = "$schema")]
    _schema: serde::de::IgnoredAny,
}

/// A name as it is compared.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;

    /// An empty name is in every other one, and nobody who writes one means to mask everything.
    fn try_from(name: String) -> Result<Self, Self::Error> {
        let name = normalised(&name);
        if name.is_empty() {
            return Err("it is empty");
        }
        Ok(Self(name))
    }
}

/// A policy file that cannot be used. Nothing of it is masked by: a policy that was half read would
/// show what somebody meant to be masked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mask policy, at line {line} column {column}: {why}")]
pub struct PolicyFileError {
    line: usize,
    column: usize,
    why: &'static str,
}

fn why(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => {
            "fields is an object of lists of names, fieldPatterns and neverMaskFields are lists of \
             names, no name is empty, substringMinLength is a number, mergeWithHardcodedDefaults is true or false, \
             and there is nothing else"
        }
        serde_json::error::Category::Eof => "the file ends too early",
        _ => "it is not JSON",
    }
}
