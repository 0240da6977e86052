//! Documents that nobody wrote down, the same ones in each run.

use serde_json::Value;

use crate::chance::Chance;
use crate::documents::Document;
use crate::oracle::{Print, Shown, Theirs, mask, masker, oracle};

const MASK: &str = "\"***MASKED***\"";

#[test]
fn a_generated_document_is_masked_byte_by_byte_as_the_original_masks_it() {
    let Some(oracle) = oracle() else { return };
    let documents: Vec<_> = Document::generated(1, 4_000)
        .iter()
        .map(Document::printed)
        .collect();
    let masker = masker();
    let mut counted = Counted::default();
    for (document, Shown { ours, theirs, .. }) in
        documents
            .iter()
            .zip(mask(&oracle, Print::AsItIs, &documents))
    {
        let Theirs::Masked { shown, contains } = theirs else {
            panic!("{theirs:?}: {document}");
        };
        assert_eq!(ours.as_ref(), Some(&shown), "{document}");
        counted.count(document, &shown);

        // The other ways over a document; what nests deeper is no `Value` to serde_json.
        let Ok(value) = serde_json::from_str::<Value>(document) else {
            counted.no_value += 1;
            continue;
        };
        let theirs: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(masker.mask_value(&value), theirs, "{document}");
        let sensitive = masker.contains_sensitive(&value);
        assert_eq!(sensitive, contains, "{document}");
        let mut in_place = value;
        masker.mask_value_in_place(&mut in_place);
        assert_eq!(in_place, theirs, "{document}");
    }
    counted.check();
}

#[test]
fn a_document_in_any_spelling_is_masked_as_the_original_masks_it() {
    let Some(oracle) = oracle() else { return };
    let mut chance = Chance(3);
    let documents: Vec<_> = Document::generated(2, 4_000)
        .iter()
        .map(|document| document.spelled(&mut chance))
        .collect();
    let mut counted = Counted::default();
    for (document, shown) in documents
        .iter()
        .zip(mask(&oracle, Print::Escaped, &documents))
    {
        let Theirs::Masked { shown: theirs, .. } = shown.theirs else {
            panic!("{:?}: {document}", shown.theirs);
        };
        assert_eq!(shown.ours_read.as_ref(), Some(&theirs), "{document}");
        counted.count(document, &theirs);
        counted.no_value += usize::from(serde_json::from_str::<Value>(document).is_err());
    }
    counted.check();
}

/// A comparison of documents in which nothing happens would show nothing.
#[derive(Debug, Default)]
struct Counted {
    masked: usize,
    innocent: usize,
    /// Too deep for serde_json, or with numbers or texts that it refuses.
    no_value: usize,
}

impl Counted {
    fn count(&mut self, document: &str, shown: &str) {
        if shown.matches(MASK).count() > document.matches(MASK).count() {
            self.masked += 1;
        } else if document.contains(':') {
            self.innocent += 1;
        }
    }

    fn check(&self) {
        let Self {
            masked,
            innocent,
            no_value,
        } = *self;
        assert!(
            masked >= 800 && innocent >= 500 && no_value >= 50,
            "{self:?}"
        );
    }
}
