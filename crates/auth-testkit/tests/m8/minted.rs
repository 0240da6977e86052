//! What the issuer's side of the original writes is accepted here, and what is signed here for an
//! m8 user is accepted there, with each algorithm.

use auth_core::Secret;
use auth_jwt::{Algorithm, VerificationKey, m8};
use auth_testkit::Peer;
use serde_json::{Value, json};

use crate::divergences::accepted;
use crate::judges::{
    ALGORITHMS, Given, NOW, SECRET, key, oracle, ours, ours_with, published, question,
    question_with,
};

const ISSUER: &str = "https://auth.test";
const AUDIENCE: &str = "orders";
const SUBJECT: &str = "550e8400-e29b-41d4-a716-446655440000";

/// Users as an issuer states them, and what it adds.
fn users() -> [Value; 4] {
    let user = |more: Value| {
        let mut user = json!({ "sub": SUBJECT, "email": "ada@example.com" });
        for (name, value) in more.as_object().unwrap() {
            user[name] = value.clone();
        }
        user
    };
    [
        user(json!({})),
        user(json!({ "full_name": "Ada Lovelace", "role": "writer", "email_verified": true })),
        user(json!({ "role": "superadmin", "is_superuser": true, "avatar": "https://x.test/a" })),
        user(json!({ "email": "Jürgen <JÜRGEN@EXÄMPLE.com>", "full_name": "Jürgen \"J\" 🦀" })),
    ]
}

fn registered() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "jti": "1f0e", "exp": NOW + 300, "iat": NOW, "nbf": NOW,
    })
}

/// The original, told to check whom the token is from and for.
const GIVEN: Given = Given {
    issuer: Some(ISSUER),
    audiences: &[AUDIENCE],
};

#[test]
fn what_the_original_mints_is_accepted_here() {
    let Some(oracle) = oracle() else { return };
    let mint = |algorithm: Algorithm| {
        json!({
            "do": "mint", "alg": algorithm.name(), "secret": SECRET, "users": users(),
            "registered": registered(),
        })
    };
    for (algorithm, minted) in ALGORITHMS
        .into_iter()
        .zip(oracle.ask(&ALGORITHMS.map(mint)))
    {
        let verified_with = minted["key"].as_str().unwrap();
        let key = || match algorithm {
            Algorithm::HS256 => key(algorithm).verification_key().unwrap(),
            _ => VerificationKey::from_public_pem(verified_with.as_bytes()).unwrap(),
        };
        let tokens = minted["tokens"].as_array().unwrap();
        let tokens: Vec<_> = tokens.iter().map(|it| it.as_str().unwrap()).collect();
        let users = both_accept(&oracle, algorithm, verified_with, key, &tokens);
        assert_eq!(users[3]["email"], "JÜRGEN@exämple.com");
    }
}

#[test]
fn what_is_signed_here_is_accepted_by_the_original() {
    let Some(oracle) = oracle() else { return };
    for algorithm in ALGORITHMS {
        let sign = |mut claims: Value| {
            claims["type"] = "access".into();
            for (name, value) in registered().as_object().unwrap() {
                claims[name] = value.clone();
            }
            key(algorithm).sign(&claims).unwrap()
        };
        // The last of the users has an address that only an issuer brings into form.
        let tokens: Vec<_> = users().into_iter().take(3).map(sign).collect();
        let tokens: Vec<_> = tokens.iter().map(|token| token.expose()).collect();
        let published = published(algorithm);
        let key = || key(algorithm).verification_key().unwrap();
        both_accept(&oracle, algorithm, &published, key, &tokens);
    }
}

/// A key of one algorithm signs nothing that another one is expected in, whatever the header says.
#[test]
fn a_token_of_another_algorithm_is_refused_by_both() {
    let Some(oracle) = oracle() else { return };
    let mut claims = users()[0].clone();
    claims["type"] = "access".into();
    claims["jti"] = "j1".into();
    claims["exp"] = (NOW + 300).into();
    let mut tokens = Vec::new();
    for signed_with in ALGORITHMS {
        for expected in ALGORITHMS {
            for named in ALGORITHMS {
                let header = json!({ "alg": named.name() }).to_string();
                let payload = claims.to_string();
                let token = key(signed_with).sign_parts(header.as_bytes(), payload.as_bytes());
                tokens.push((signed_with, named, expected, token.unwrap()));
            }
        }
    }
    let given = Given::default();
    let ask = |(_, _, expected, token): &(_, _, Algorithm, Secret)| {
        question(token.expose(), &given.config(*expected), *expected)
    };
    let answers = oracle.ask(&tokens.iter().map(ask).collect::<Vec<_>>());
    for ((signed_with, named, expected, token), theirs) in tokens.iter().zip(answers) {
        let ours = ours(given.lax(), *expected, token.expose());
        assert_eq!(ours, theirs, "{signed_with} as {named} for {expected}");
        let honest = signed_with == expected && named == expected;
        assert_eq!(
            accepted(&ours),
            honest,
            "{signed_with} as {named} for {expected}"
        );
    }
}

/// The strict policy and the lax one here, and the original with its defaults, say the same of each.
/// Returns the users.
fn both_accept(
    oracle: &Peer,
    algorithm: Algorithm,
    published: &str,
    key: impl Fn() -> VerificationKey,
    tokens: &[&str],
) -> Vec<Value> {
    let config = GIVEN.config(algorithm);
    let questions: Vec<_> = tokens
        .iter()
        .map(|token| question_with(token, &config, algorithm, published))
        .collect();
    let answers = oracle.ask(&questions);
    for (token, theirs) in tokens.iter().zip(&answers) {
        assert!(accepted(theirs), "{algorithm}: {theirs}");
        for policy in [GIVEN.lax(), m8::access(ISSUER, AUDIENCE)] {
            let policy = policy.algorithms([algorithm]);
            assert_eq!(&ours_with(policy, key(), token), theirs, "{algorithm}");
        }
    }
    answers.into_iter().map(|it| it["user"].clone()).collect()
}
