//! `xtask/layers.toml`, read and made sure of. The reasons for the rules stand in that file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use serde::Deserialize;

/// Every rule of the layer check.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Layers {
    ranks: BTreeMap<String, u32>,
    vocabulary: Vocabulary,
    /// From an external crate to the crates of ours that may name it.
    fences: BTreeMap<String, BTreeSet<String>>,
    exceptions: Exceptions,
    pub(super) identity: IdentityRule,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Vocabulary {
    everywhere: BTreeSet<String>,
    r#async: BTreeSet<String>,
    async_from_rank: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Exceptions {
    free: BTreeSet<String>,
    umbrella: BTreeSet<String>,
    outside: BTreeSet<String>,
}

/// Who may make an `Identity`, and by which name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct IdentityRule {
    pub(super) constructor: String,
    pub(super) defined_in: String,
    pub(super) called_by: BTreeSet<String>,
}

/// What the rules say about an external crate.
#[derive(Debug)]
pub(super) enum External<'a> {
    /// Vocabulary from this rank up.
    FreeFromRank(u32),
    /// Only these crates of ours may name it.
    FencedTo(&'a BTreeSet<String>),
    /// Nobody has decided yet whose it is.
    Unknown,
}

impl Layers {
    /// Reads the rules and refuses a file that contradicts itself.
    ///
    /// A misspelt name in it would otherwise be a rule that never applies.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let layers: Self = toml::from_str(text)?;

        let named = layers
            .fences
            .values()
            .flatten()
            .chain(&layers.exceptions.free)
            .chain(&layers.exceptions.umbrella)
            .chain([&layers.identity.defined_in])
            .chain(&layers.identity.called_by);
        for name in named {
            ensure!(layers.ranks.contains_key(name), "{name} has no rank");
        }

        for name in &layers.exceptions.outside {
            ensure!(
                !layers.ranks.contains_key(name),
                "{name} has a rank and is outside of the layers"
            );
        }

        let vocabulary = &layers.vocabulary;
        for name in vocabulary.everywhere.iter().chain(&vocabulary.r#async) {
            ensure!(
                !layers.fences.contains_key(name),
                "{name} is vocabulary and fenced"
            );
        }
        Ok(layers)
    }

    pub(super) fn rank(&self, package: &str) -> Option<u32> {
        self.ranks.get(package).copied()
    }

    /// Whether the crate is no part of the product, so that the layers say nothing about it.
    pub(super) fn is_outside(&self, package: &str) -> bool {
        self.exceptions.outside.contains(package)
    }

    /// Whether the crate may name any external crate.
    pub(super) fn is_free(&self, package: &str) -> bool {
        self.exceptions.free.contains(package)
    }

    /// Whether the crate may only re-export ours.
    pub(super) fn is_umbrella(&self, package: &str) -> bool {
        self.exceptions.umbrella.contains(package)
    }

    pub(super) fn external(&self, name: &str) -> External<'_> {
        if self.vocabulary.everywhere.contains(name) {
            External::FreeFromRank(0)
        } else if self.vocabulary.r#async.contains(name) {
            External::FreeFromRank(self.vocabulary.async_from_rank)
        } else if let Some(owners) = self.fences.get(name) {
            External::FencedTo(owners)
        } else {
            External::Unknown
        }
    }
}

impl IdentityRule {
    /// Every crate in whose sources the constructor's name may stand.
    pub(super) fn allowed(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.defined_in.as_str()).chain(self.called_by.iter().map(String::as_str))
    }
}
