//! Whatever the strict policy for access tokens accepts, the original accepts too, where it is told
//! to check as much; and both read the same user. Of the rest nothing is asked: the strict policy is
//! there to refuse more.

use auth_jwt::{Algorithm, m8};
use serde_json::{Value, json};

use crate::cases::{self, Edit, Oddity};
use crate::divergences::accepted;
use crate::generated::{changes_a_claim, pairs};
use crate::judges::{ALGORITHMS, NOW, oracle, ours, question};

const ISSUER: &str = "https://auth.test";
const AUDIENCE: &str = "orders";

/// The original as strict as it can be.
fn config(algorithm: Algorithm) -> Value {
    json!({
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "require_iss": true,
        "require_aud": true,
        "required_claims": ["exp", "sub", "jti", "type", "iat", "nbf"],
        "allowed_algorithms": [algorithm.name()],
        "leeway_seconds": 2,
    })
}

fn honest() -> Vec<(&'static str, Value)> {
    let mut claims = cases::honest();
    claims.extend([
        ("iss", ISSUER.into()),
        ("aud", AUDIENCE.into()),
        ("iat", (NOW - 10).into()),
        ("nbf", (NOW - 10).into()),
    ]);
    claims
}

#[test]
fn what_the_strict_policy_accepts_the_original_accepts_and_reads_alike() {
    let Some(oracle) = oracle() else { return };
    for algorithm in ALGORITHMS {
        let mut oddities = cases::all();
        // Headers are written for one algorithm.
        oddities.retain(|it| algorithm == Algorithm::HS256 || !is_about_headers(it));
        if algorithm == Algorithm::HS256 {
            let mut single = oddities.clone();
            single.retain(changes_a_claim);
            oddities.extend(pairs(16, &single));
        }
        let honest = honest();
        let tokens: Vec<_> = oddities
            .iter()
            .map(|it| it.token(algorithm, &honest))
            .collect();
        let questions: Vec<_> = tokens
            .iter()
            .map(|token| question(token, &config(algorithm), algorithm))
            .collect();
        let mut accepted_ones = 0;
        let answers = tokens.iter().zip(oracle.ask(&questions));
        for (oddity, (token, theirs)) in oddities.iter().zip(answers) {
            let ours = ours(m8::access(ISSUER, AUDIENCE), algorithm, token);
            if accepted(&ours) {
                accepted_ones += 1;
                assert_eq!(ours, theirs, "{algorithm}, {}", oddity.name);
            }
        }
        assert!(accepted_ones >= 80, "{algorithm}: only {accepted_ones}");
    }
}

fn is_about_headers(oddity: &Oddity) -> bool {
    let is_header = |edit: &Edit| matches!(edit, Edit::Header(..) | Edit::HeaderText(_));
    oddity.edits.iter().any(is_header)
}
