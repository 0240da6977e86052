//! What happens to refresh tokens, and the tokens it happens to.

use auth_jwt::Algorithm;
use serde_json::Value;

use super::SUBJECT;
use crate::cases::{self, Change, Edit, Oddity, claim};
use crate::judges::{ALGORITHMS, NOW};

use Step::{Exchange, Register, Revoke, Wait};

/// What happens to one policy and its store, one after the other.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A login: the token of this identifier counts from now on.
    Register(&'static str),
    /// A token is presented, to be exchanged for the one of this identifier.
    Exchange(String, &'static str),
    /// A logout with this token.
    Revoke(&'static str),
    /// Time passes.
    Wait(u64),
}

pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) algorithm: Algorithm,
    /// Whom the tokens are about, as they spell it.
    pub(crate) subject: String,
    pub(crate) steps: Vec<Step>,
}

pub(crate) fn honest(token_id: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("sub", SUBJECT.into()),
        ("type", "refresh".into()),
        ("jti", token_id.into()),
        ("exp", (NOW + 7200).into()),
    ]
}

pub(crate) fn token(token_id: &str) -> String {
    cases::token(Algorithm::HS256, &honest(token_id), &[])
}

/// Presents an honest token, to be exchanged for another.
pub(crate) fn exchange(old: &str, new: &'static str) -> Step {
    Exchange(token(old), new)
}

pub(crate) fn sequences() -> Vec<Sequence> {
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
    let changes: [(&str, Change); 4] = [
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
