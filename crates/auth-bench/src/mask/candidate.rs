//! Ours: the call that an application makes, into an output it uses again.

use anyhow::Context;
use auth_mask::{MaskPolicy, Masker};
use serde_json::Value;

use crate::case::Operation;
use crate::mask::limits;

pub(super) const NAMES: &str = "auth-mask: names";
pub(super) const VALUES: &str = "auth-mask: names and values";

/// By the names of the original, which is what everybody here masks.
pub(super) fn names(document: &str) -> anyhow::Result<Operation> {
    let masker = Masker::new(MaskPolicy::miso_4_9());
    let shown = masker.mask_json(document)?;
    let expected = limits::walked(document)?;
    let shown: Value = serde_json::from_str(shown.as_str()).context("it is no longer JSON")?;
    anyhow::ensure!(shown == expected, "it is masked otherwise");
    operation(masker, document)
}

/// By our own names, and what is a secret wherever it stands.
pub(super) fn values(document: &str) -> anyhow::Result<Operation> {
    operation(Masker::new(MaskPolicy::iso27001()), document)
}

fn operation(masker: Masker, document: &str) -> anyhow::Result<Operation> {
    let document = document.to_owned();
    let mut out = String::with_capacity(2 * document.len());
    Ok(Operation::new(move || {
        out.clear();
        masker.mask_json_into(&document, &mut out).is_ok()
    }))
}
