//! The lax policy and the original's validator with its defaults, case by case.

use auth_jwt::Algorithm;

use crate::cases::{self, Oddity};
use crate::divergences::{Comparison, LAX};
use crate::judges::{oracle, ours, question};

#[test]
fn the_lax_policy_judges_as_the_original_does() {
    let Some(oracle) = oracle() else { return };
    let algorithm = Algorithm::HS256;
    let cases: Vec<_> = cases::all()
        .into_iter()
        .map(|oddity| {
            let token = oddity.token(algorithm, &cases::honest());
            (oddity, token)
        })
        .collect();
    let question = |(oddity, token): &(Oddity, String)| {
        question(token, &oddity.given.config(algorithm), algorithm)
    };
    let questions: Vec<_> = cases.iter().map(question).collect();

    let mut comparison = Comparison::default();
    for ((oddity, token), theirs) in cases.iter().zip(oracle.ask(&questions)) {
        let ours = ours(oddity.given.lax(), algorithm, token);
        comparison.compare(&oddity.name, &ours, &theirs);
    }
    comparison.finish(LAX, 600);
}
