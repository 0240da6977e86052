//! Masking a document: JSON in, JSON out; and masking a value while it is printed ([`printing`]).
//!
//! [`documents`] are what is masked; [`candidate`] is ours, and [`limits`] is what it is compared
//! with: a copy of the bytes, the passes of readers that only check, and what somebody would write
//! who has a document in memory.

mod candidate;
mod documents;
mod limits;
mod printing;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use crate::case::{Case, Operation, Role};
use crate::settings::Settings;

pub(crate) fn cases(settings: &Settings) -> Vec<Case> {
    // Who hands out the documents has limits of his own, and two sets of them would be mixed.
    let alone = settings.data().is_none();
    let mut cases = Vec::new();
    for document in documents::all(settings.data()) {
        let document = Rc::new(document);
        let mut add = |implementation, role, prepare: Prepare| {
            let document = Rc::clone(&document);
            let name = document.name();
            cases.push(Case::new(&name, implementation, role, move || {
                prepare(document.text()?)
            }));
        };
        add(candidate::NAMES, Role::Candidate, candidate::names);
        add(candidate::VALUES, Role::Candidate, candidate::values);
        if alone {
            add("memcpy", Role::Limit, limits::copy);
            add(limits::VALIDATE, Role::Limit, limits::validate);
            add(limits::WALK, Role::Peer, limits::walk);
        }
    }
    cases.extend(printing::cases());
    cases
}

type Prepare = fn(&str) -> anyhow::Result<Operation>;
