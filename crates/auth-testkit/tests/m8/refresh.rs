//! Refresh tokens: the same logins, exchanges and replays with the original's policy and with ours,
//! each with a store of one process.

mod sequences;

use std::time::Duration;

use auth_core::UnixTime;
use auth_jwt::mint::SigningKey;
use auth_jwt::session::{RefreshTokenPolicy, memory::RefreshTokens};
use auth_jwt::{Algorithm, StaticKeys, TokenUse, Verifier, m8};
use auth_testkit::TestClock;
use serde_json::{Value, json};

use self::sequences::Step::{Exchange, Register, Revoke, Wait};
use self::sequences::{Sequence, Step, exchange, sequences};
use crate::divergences::{Comparison, Difference, Divergence, accepted};
use crate::judges::{Heard, NOW, answer, clock, key, oracle, published};

const SUBJECT: &str = "550e8400-e29b-41d4-a716-446655440000";
const DAY: u64 = 86_400;

#[test]
fn exchanges_and_replays_are_judged_as_the_original_judges_them() {
    let Some(oracle) = oracle() else { return };
    let sequences = sequences();
    let questions: Vec<_> = sequences.iter().map(question).collect();
    let mut comparison = Comparison::default();
    for (sequence, theirs) in sequences.iter().zip(oracle.ask(&questions)) {
        let ours = ours(sequence);
        let theirs = theirs["steps"].as_array().unwrap();
        let exchanges = sequence.steps.iter().zip(&ours).zip(theirs);
        let exchanges = exchanges.filter(|((step, _), _)| matches!(step, Exchange(..)));
        for (count, ((_, ours), theirs)) in exchanges.enumerate() {
            let name = match count {
                0 => sequence.name.clone(),
                _ => format!("{}, exchange {}", sequence.name, count + 1),
            };
            // What is accepted here, the original accepts, for the same user.
            if accepted(ours) {
                assert_eq!(ours, theirs, "{name}");
            }
            comparison.compare(&name, ours, theirs);
        }
    }
    comparison.finish(KNOWN, 80);
}

/// The original asks its store twice, and another request may come between.
#[test]
fn the_original_asks_and_then_tells_its_store() {
    let Some(oracle) = oracle() else { return };
    let steps = vec![Register("r1"), exchange("r1", "r2"), exchange("r1", "r3")];
    let sequence = Sequence {
        name: String::new(),
        algorithm: Algorithm::HS256,
        subject: SUBJECT.to_owned(),
        steps,
    };
    let answers = oracle.ask(&[question(&sequence)]);
    let calls = json!([
        ["is_valid", "r1"],
        ["rotate", "r1", "r2", DAY],
        ["is_valid", "r1"],
    ]);
    assert_eq!(answers[0]["calls"], calls);
}

fn question(sequence: &Sequence) -> Value {
    let mut now = NOW.unsigned_abs();
    let mut steps = Vec::new();
    for step in &sequence.steps {
        steps.push(match step {
            Register(token_id) => json!({ "register": token_id }),
            Exchange(token, new) => {
                json!({ "exchange": token, "new": new, "ttl": DAY, "now": now })
            }
            Revoke(token_id) => json!({ "revoke": token_id }),
            Wait(secs) => {
                now += secs;
                json!({ "revoke": "nobody's" })
            }
        });
    }
    json!({
        "do": "refresh", "key": published(sequence.algorithm), "alg": sequence.algorithm.name(),
        "now": NOW, "steps": steps,
    })
}

/// An answer for each step; null where there is nothing to compare.
fn ours(sequence: &Sequence) -> Vec<Value> {
    let (clock, hooks) = (clock(), Heard::default());
    let policy = policy(key(sequence.algorithm), clock.clone(), hooks.clone());
    let day = Duration::from_secs(DAY);
    let step = |step: &Step| {
        futures_executor::block_on(async {
            match step {
                Register(token_id) => policy
                    .register(token_id, &sequence.subject, day)
                    .await
                    .unwrap(),
                Revoke(token_id) => {
                    policy.revoke(token_id).await.unwrap();
                }
                Wait(secs) => clock.advance(Duration::from_secs(*secs)),
                Exchange(token, new) => {
                    let exchanged = policy.exchange(token, new, day).await.map(|exchange| {
                        let ends = exchange.next().expires_at;
                        assert_eq!(exchange.next().token_id, *new);
                        assert_eq!(ends, now(&clock).saturating_add(day));
                        json!({ "old": exchange.claims().token_id() })
                    });
                    let mut answer = answer(exchanged, TokenUse::Refresh, &hooks);
                    // The claims spell the user as the token does; the hooks hear one spelling.
                    if accepted(&answer) {
                        answer["subject"] = answer["heard"][0]["success"]["sub"].clone();
                    }
                    return answer;
                }
            }
            Value::Null
        })
    };
    sequence.steps.iter().map(step).collect()
}

fn policy(key: &SigningKey, clock: TestClock, hooks: Heard) -> RefreshTokenPolicy {
    let rules = m8::refresh().algorithms([key.algorithm()]).build().unwrap();
    let keys = StaticKeys::new(key.verification_key().unwrap());
    let verifier = Verifier::new(rules, keys)
        .with_clock(clock)
        .with_hooks(hooks);
    RefreshTokenPolicy::new(verifier, RefreshTokens::new())
        .unwrap()
        .with_grace(Duration::ZERO)
}

fn now(clock: &TestClock) -> UnixTime {
    auth_core::Clock::unix_now(clock)
}

const KNOWN: &[Divergence] = &[
    Divergence {
        name: "families",
        how: Difference::WeRefuse,
        reason: "one of the two that have presented the token has stolen it, and nobody knows which",
        cases: &["a replay, and the honest one after it, exchange 3"],
    },
    Divergence {
        name: "an audience of nobody",
        how: Difference::WeRefuse,
        reason: "a refresh token that speaks of an audience is not of the issuer that was asked",
        cases: &["aud: []", "aud: null"],
    },
    Divergence {
        name: "other spellings of a UUID",
        how: Difference::WeRefuse,
        reason: "Python drops hyphens and prefixes wherever they stand",
        cases: &[
            "sub \"5-5-0e8400e29b41d4a716446655440000\"",
            "sub \"550e8400-e29b41d4-a716-4466-55440000\"",
            "sub \"uuid:550e8400-e29b-41d4-a716-446655440000\"",
        ],
    },
    Divergence {
        name: "no dates, refused by both",
        how: Difference::OtherWords,
        reason: "true is no second of 1970",
        cases: &["exp: true"],
    },
    Divergence {
        name: "the end in a text",
        how: Difference::TheyFail,
        reason: "the original lets a TypeError through (contract m8 §2.8)",
        cases: &["exp text"],
    },
];
