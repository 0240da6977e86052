//! Access tokens that were revoked, with the original's policy and with ours.

use auth_core::UnixTime;
use auth_jwt::session::{TokenPolicy, memory::RevokedTokens};
use auth_jwt::{Algorithm, StaticKeys, TokenUse, Verifier};
use serde_json::{Value, json};

use crate::cases::{self, Edit, claim};
use crate::judges::{Given, Heard, NOW, answer, clock, key, oracle, question};

const ALGORITHM: Algorithm = Algorithm::HS256;

#[test]
fn a_revoked_token_is_refused_in_the_words_of_the_original() {
    let Some(oracle) = oracle() else { return };
    let tokens: [(&str, Vec<Edit>); 5] = [
        ("good", vec![]),
        ("revoked", vec![claim("jti", "\"revoked\"")]),
        ("almost revoked", vec![claim("jti", "\"Revoked\"")]),
        (
            "revoked and expired",
            vec![
                claim("jti", "\"revoked\""),
                claim("exp", format!("{}", NOW - 300)),
            ],
        ),
        (
            "revoked and a refresh token",
            vec![claim("jti", "\"revoked\""), claim("type", "\"refresh\"")],
        ),
    ];
    let given = Given::default();
    let tokens = tokens.map(|(name, edits)| {
        let token = cases::token(ALGORITHM, &cases::honest(), &edits);
        (name, token)
    });
    let questions: Vec<_> = tokens
        .iter()
        .map(|(_, token)| {
            let mut question = question(token, &given.config(ALGORITHM), ALGORITHM);
            question["revoked"] = json!(["revoked"]);
            question
        })
        .collect();
    for ((name, token), theirs) in tokens.iter().zip(oracle.ask(&questions)) {
        let (ours, mut theirs) = (ours(given, token), theirs);
        if *name == "revoked" {
            // It tells of a success before it asks whether the token is revoked; here the hooks hear
            // of a token once, when all is known.
            let heard = theirs["heard"].as_array_mut().unwrap();
            assert!(heard.remove(0)["success"].is_object());
            assert_eq!(ours["message"], "Token revoked");
        }
        theirs.as_object_mut().unwrap().remove("user");
        assert_eq!(ours, theirs, "{name}");
    }
}

fn ours(given: Given, token: &str) -> Value {
    let revoked = RevokedTokens::new();
    let hooks = Heard::default();
    let verifier = || {
        let keys = StaticKeys::new(key(ALGORITHM).verification_key().unwrap());
        Verifier::new(given.lax().build().unwrap(), keys).with_clock(clock())
    };
    let known = cases::token(ALGORITHM, &cases::honest(), &[claim("jti", "\"revoked\"")]);
    let known = verifier().verify_with_known_keys(&known).unwrap();
    assert_eq!(known.expires_at(), UnixTime::from_secs(NOW + 300));
    revoked.revoke(&known).unwrap();
    let policy = TokenPolicy::new(verifier().with_hooks(hooks.clone()));
    let policy = policy.with_revocation_list(revoked);
    let verdict = futures_executor::block_on(policy.verify(token));
    answer(verdict.map(|_| json!({})), TokenUse::Access, &hooks)
}
