use std::collections::HashMap;

use crate::names::forms;
use crate::names::words::Words;
use crate::policy::Judgement;

/// Names of which something was said one by one, beside the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    judgements: HashMap<String, Judgement>,
    longest: usize,
}

impl Named {
    /// Remembers what is said of a name, in the singular and the plural.
    pub(crate) fn insert(&mut self, name: &str, judgement: Judgement) {
        for form in forms(name).filter(|_| Words::of(name).count() > 0) {
            self.longest = self.longest.max(form.len());
            self.judgements.insert(form, judgement);
        }
    }

    /// What was said of the longest name at the end of this one.
    pub(crate) fn judge(&self, name: &str) -> Option<Judgement> {
        if self.judgements.is_empty() {
            return None;
        }
        let words = Words::of(name);
        words
            .ends(words.count(), self.longest)
            .find_map(|end| self.judgements.get(end).copied())
    }
}
