//! Verifying tokens: once, and again while they are remembered.
//!
//! [`fixtures`] are keys and tokens; [`verify`] is the candidate, [`limits`] is what it is compared
//! with, and [`cached`] is the same token coming back.

mod cached;
mod claims;
mod fixtures;
mod limits;
#[cfg(test)]
mod tests;
mod verify;

use std::rc::Rc;

use auth_jwt::Algorithm;

use crate::case::{Case, Operation, Role};
use crate::jwt::fixtures::{Fixtures, Form, Issued};
use crate::settings::Settings;

pub(crate) fn cases(settings: &Settings) -> Vec<Case> {
    let fixtures = Rc::new(Fixtures::new(settings.data()));
    // Who hands out the fixtures has limits of his own, and two sets of them would be mixed.
    let alone = settings.data().is_none();

    let mut cases = Vec::new();
    for algorithm in ALGORITHMS {
        for form in Form::ALL {
            let mut add = |implementation, role, prepare: Prepare| {
                let name = format!("{algorithm}/{form}");
                let fixtures = Rc::clone(&fixtures);
                cases.push(Case::new(&name, implementation, role, move || {
                    prepare(&*fixtures.issued(algorithm)?, form)
                }));
            };
            add(CANDIDATE, Role::Candidate, verify::prepare);
            if alone {
                let raw = limits::raw_name(algorithm);
                add(raw, Role::Limit, limits::prepare_raw);
                add(limits::FLOOR, Role::Floor, limits::prepare_floor);
            }
        }
    }
    cases.extend(cached::cases(&fixtures, alone));
    cases
}

type Prepare = fn(&Issued, Form) -> anyhow::Result<Operation>;

/// What our lines are called.
const CANDIDATE: &str = "auth-jwt";

/// The ones that issuers use; the longer hashes cost the same but for the hash.
const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::HS256,
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
];
