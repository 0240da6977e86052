//! The two that mask, and how each is asked.

use std::path::Path;

use auth_mask::{MaskPolicy, Masker};
use auth_testkit::Peer;
use serde_json::{Value, json};

pub(crate) fn oracle() -> Option<Peer> {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/miso_mask/miso_mask_oracle.py");
    Peer::python(&tools, "miso_client", &script)
}

pub(crate) fn masker() -> Masker {
    Masker::new(MaskPolicy::miso_4_9())
}

/// What both show of a document, in the form the original prints it.
#[derive(Debug)]
pub(crate) struct Shown {
    /// What we show, byte by byte; `None` if we refuse the document.
    pub(crate) ours: Option<String>,
    /// The same, read and printed by the original.
    pub(crate) ours_read: Option<String>,
    pub(crate) theirs: Theirs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Theirs {
    Masked { shown: String, contains: bool },
    Refused,
    Raised(String),
}

/// Whether what is beyond ASCII is printed as it is. Half of a pair of surrogates cannot be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Print {
    AsItIs,
    Escaped,
}

pub(crate) fn mask(oracle: &Peer, print: Print, documents: &[String]) -> Vec<Shown> {
    let masker = masker();
    let ours = |document: &String| Some(masker.mask_json(document).ok()?.into_string());
    let ours: Vec<_> = documents.iter().map(ours).collect();
    let questions: Vec<_> = documents
        .iter()
        .zip(&ours)
        .map(|(document, ours)| {
            let ascii = matches!(print, Print::Escaped);
            json!({ "do": "mask", "document": document, "ours": ours, "ascii": ascii })
        })
        .collect();
    ours.into_iter()
        .zip(oracle.ask(&questions))
        .map(|(ours, answer)| Shown {
            ours,
            ours_read: text(&answer["ours"]),
            theirs: match (text(&answer["masked"]), text(&answer["raised"])) {
                (Some(shown), _) => Theirs::Masked {
                    shown,
                    contains: answer["contains"].as_bool().unwrap(),
                },
                (None, Some(name)) => Theirs::Raised(name),
                (None, None) => Theirs::Refused,
            },
        })
        .collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
