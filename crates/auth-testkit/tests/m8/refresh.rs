//! Refresh tokens: the same logins, exchanges and replays with the original's policy and with ours,
//! each with a store of one process.

use std::time::Duration;

use auth_core::UnixTime;
use auth_jwt::mint::SigningKey;
use auth_jwt::session::{RefreshTokenPolicy, memory::RefreshTokens};
use auth_jwt::{Algorithm, StaticKeys, TokenUse, Verifier, m8};
use auth_testkit::TestClock;
use serde_json::{Value, json};

use crate::cases::{self, Edit, Oddity, claim};
use crate::divergences::{Comparison, Difference, Divergence, accepted};
use crate::judges::{ALGORITHMS, Heard, NOW, answer, clock, key, oracle, published};

const SUBJECT: &str = "550e8400-e29b-41d4-a716-446655440000";
const DAY: u64 = 86_400;

/// What happens to one policy and its store, one after the other.
#[derive(Clone, Debug)]
enum Step {
    /// A login: the token of this identifier counts from now on.
    Register(&'static str),
    /// A token is presented, to be exchanged for the one of this identifier.
    Exchange(String, &'static str),
    /// A logout with this token.
    Revoke(&'static str),
    /// Time passes.
    Wait(u64),
}

use Step::{Exchange, Register, Revoke, Wait};

struct Sequence {
    name: String,
    algorithm: Algorithm,
    /// Whom the tokens are about, as they spell it.
    subject: String,
    steps: Vec<Step>,
}

fn honest(token_id: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("sub", SUBJECT.into()),
        ("type", "refresh".into()),
        ("jti", token_id.into()),
        ("exp", (NOW + 7200).into()),
    ]
}

fn token(token_id: &str) -> String {
    cases::token(Algorithm::HS256, &honest(token_id), &[])
}

/// Presents an honest token, to be exchanged for another.
fn exchange(old: &str, new: &'static str) -> Step {
    Exchange(token(old), new)
}

fn sequences() -> Vec<Sequence> {
    let steps: Vec<(&str, Vec<Step>)> = vec![
        ("one exchange", vec![Register("r1"), exchange("r1", "r2")]),
        (
            "a chain",
            vec![
                Register("r1"),
                exchange("r1", "r2"),
                exchange("r2", "r3"),
                exchange("r3", "r4"),
            ],
        ),
        (
            "a replay",
            vec![Register("r1"), exchange("r1", "r2"), exchange("r1", "r3")],
        ),
        (
            "a replay, again and again",
            vec![
                Register("r1"),
                exchange("r1", "r2"),
                exchange("r1", "r3"),
                exchange("r1", "r4"),
            ],
        ),
        (
            "a replay, and the honest one after it",
            vec![
                Register("r1"),
                exchange("r1", "r2"),
                exchange("r1", "r3"),
                exchange("r2", "r4"),
            ],
        ),
        (
            "a replay of long ago",
            vec![
                Register("r1"),
                exchange("r1", "r2"),
                Wait(3600),
                exchange("r1", "r3"),
            ],
        ),
        ("never registered", vec![exchange("r1", "r2")]),
        (
            "the next one is not good before it is there",
            vec![Register("r1"), exchange("r2", "r3"), exchange("r1", "r2")],
        ),
        (
            "a logout",
            vec![Register("r1"), Revoke("r1"), exchange("r1", "r2")],
        ),
        (
            "a logout with the newest token",
            vec![
                Register("r1"),
                exchange("r1", "r2"),
                Revoke("r2"),
                exchange("r2", "r3"),
                exchange("r1", "r3"),
            ],
        ),
        (
            "a logout of nobody",
            vec![Register("r1"), Revoke("r9"), exchange("r1", "r2")],
        ),
        (
            "two logins",
            vec![
                Register("r1"),
                Register("s1"),
                exchange("r1", "r2"),
                exchange("s1", "s2"),
                exchange("r1", "r3"),
                exchange("s2", "s3"),
            ],
        ),
        (
            "a token that has ended",
            vec![Register("r1"), Wait(7200), exchange("r1", "r2")],
        ),
        (
            "a token in its last second",
            vec![Register("r1"), Wait(7199), exchange("r1", "r2")],
        ),
    ];
    let named = |(name, steps): (&str, Vec<Step>)| Sequence {
        name: name.to_owned(),
        algorithm: Algorithm::HS256,
        subject: SUBJECT.to_owned(),
        steps,
    };
    let mut sequences: Vec<_> = steps.into_iter().map(named).collect();
    sequences.extend(oddities().into_iter().map(|oddity| Sequence {
        steps: vec![
            Register("r1"),
            Exchange(oddity.token(Algorithm::HS256, &honest("r1")), "r2"),
        ],
        algorithm: Algorithm::HS256,
        subject: match &oddity.edits[..] {
            [Edit::Claim("sub", json)] => serde_json::from_str(json).unwrap_or_default(),
            _ => SUBJECT.to_owned(),
        },
        name: oddity.name,
    }));
    sequences.extend(ALGORITHMS.map(|algorithm| Sequence {
        name: format!("an exchange with {algorithm}"),
        algorithm,
        subject: SUBJECT.to_owned(),
        steps: vec![
            Register("r1"),
            Exchange(cases::token(algorithm, &honest("r1"), &[]), "r2"),
            Exchange(cases::token(algorithm, &honest("r1"), &[]), "r3"),
        ],
    }));
    sequences
}

/// Tokens with one odd thing each, all but some of the access tokens' oddities among them.
fn oddities() -> Vec<Oddity> {
    let subjects = [
        "550E8400-E29B-41D4-A716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "{550e8400-e29b-41d4-a716-446655440000}",
        "{550e8400e29b41d4a716446655440000}",
        "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
        "urn:uuid:550e8400e29b41d4a716446655440000",
        "uuid:550e8400-e29b-41d4-a716-446655440000",
        "00000000-0000-0000-0000-000000000000",
        "550e8400-e29b-41d4-a716-44665544000",
        "550e8400-e29b-41d4-a716-4466554400000",
        "550e8400-e29b41d4-a716-4466-55440000",
        "5-5-0e8400e29b41d4a716446655440000",
        "g50e8400-e29b-41d4-a716-446655440000",
        " 550e8400-e29b-41d4-a716-446655440000",
        "550e8400_e29b_41d4_a716_446655440000",
        "u1",
    ];
    let dates = [
        ("exp", "now", format!("{NOW}")),
        ("exp", "in a second", format!("{}", NOW + 1)),
        ("exp", "a second ago", format!("{}", NOW - 1)),
        ("exp", "fractional", format!("{}.5", NOW + 300)),
        ("exp", "whole float", format!("{}.0", NOW + 300)),
        ("exp", "text", format!("\"{}\"", NOW + 300)),
        ("iat", "now", format!("{NOW}")),
        ("iat", "in a second", format!("{}", NOW + 1)),
        ("nbf", "now", format!("{NOW}")),
        ("nbf", "in a second", format!("{}", NOW + 1)),
    ];
    let others = [
        ("type", "\"access\""),
        ("type", "\"Refresh\""),
        ("type", "null"),
        ("type", "5"),
        ("jti", "\"\""),
        ("jti", "null"),
        ("jti", "5"),
        ("sub", "null"),
        ("sub", "5"),
        ("exp", "null"),
        ("exp", "true"),
        ("iss", "\"anybody\""),
        ("aud", "\"anybody\""),
        ("aud", "[]"),
        ("aud", "null"),
        ("email", "\"no address\""),
        ("role", "\"root\""),
        ("is_active", "false"),
    ];
    let without = ["sub", "type", "jti", "exp"];
    let changes: [(&str, fn(&str) -> String); 4] = [
        ("no signature", |token| {
            format!("{}.", token.rsplit_once('.').unwrap().0)
        }),
        ("a changed signature", |token| {
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let other = if signature.starts_with('A') { 'B' } else { 'A' };
            format!("{signed}.{other}{}", &signature[1..])
        }),
        ("no form", |_| "token".to_owned()),
        ("nothing", |_| String::new()),
    ];
    let subject = |text: &str| {
        let json = Value::from(text).to_string();
        Oddity::new(format!("sub {text:?}"), [claim("sub", json)])
    };
    let mut oddities: Vec<_> = subjects.map(subject).into();
    oddities.extend(
        dates.map(|(name, what, json)| Oddity::new(format!("{name} {what}"), [claim(name, json)])),
    );
    oddities.extend(
        others.map(|(name, json)| Oddity::new(format!("{name}: {json}"), [claim(name, json)])),
    );
    oddities.extend(without.map(|name| Oddity::new(format!("no {name}"), [Edit::NoClaim(name)])));
    oddities.extend(changes.map(|(name, change)| Oddity::new(name, [Edit::Token(change)])));
    for alg in ["none", "HS512", "RS256"] {
        let header = Edit::Header("alg", Value::from(alg).to_string());
        oddities.push(Oddity::new(format!("alg {alg}"), [header]));
    }
    oddities
}

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
                Revoke(token_id) => policy.revoke(token_id).await.unwrap(),
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
    RefreshTokenPolicy::new(verifier, RefreshTokens::new()).with_grace(Duration::ZERO)
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
