//! Where keys come from. This crate fetches none, so what is shown is what a source gets to hear of a
//! token, how often, and what becomes of a token when the source cannot answer.

use std::sync::{Arc, Mutex};

use auth_core::BoxFuture;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, KeySource, KeysUnavailable, Rejection, Verifier};
use serde_json::{Value, json};

use crate::support::{Standing, honest_claims, policy, sign};
use crate::{ISSUER_KEY, STRANGER, code, header, ready, with_header};

/// A source that writes down what it is asked.
#[derive(Debug)]
struct Source {
    keys: Arc<KeySet>,
    /// Whether the issuer answers.
    answers: bool,
    asked: Mutex<Vec<Option<String>>>,
}

impl Source {
    /// Knows these keys, and will never know more.
    fn new(keys: KeySet, answers: bool) -> Arc<Self> {
        Arc::new(Self {
            keys: Arc::new(keys),
            answers,
            asked: Mutex::default(),
        })
    }

    fn with_the_issuers_key(answers: bool) -> Arc<Self> {
        Self::new(ISSUER_KEY.verification_key().unwrap().into(), answers)
    }

    /// What it was asked since the last time.
    fn asked(&self) -> Vec<Option<String>> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The verdict of a verifier that may ask.
    fn verdict(self: &Arc<Self>, token: &str) -> &'static str {
        let policy = policy().build().unwrap();
        let verifier = Verifier::new(policy, Arc::clone(self)).with_clock(Standing);
        code(ready(verifier.verify(token)))
    }
}

impl KeySource for Source {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys)
    }

    fn refresh<'a>(&'a self, kid: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        self.asked.lock().unwrap().push(kid.map(str::to_owned));
        let answer = if self.answers {
            Ok(())
        } else {
            Err(KeysUnavailable::new("the issuer does not answer"))
        };
        Box::pin(std::future::ready(answer))
    }
}

fn by_stranger(members: &Value) -> String {
    sign(&STRANGER, header(members), honest_claims().to_string())
}

/// PyJWT fetched keys from any address, `file:` among them, so whoever named it chose the keys.
#[test]
fn ghsa_993g_76c3_p5m4_an_address_in_a_header_never_reaches_the_source() {
    let source = Source::with_the_issuers_key(true);
    for address in ["file:///tmp/keys.json", "ftp://evil.test/keys", "data:,{}"] {
        for name in ["jku", "x5u", "iss", "jwks_uri"] {
            let pointing = json!({ name: address });
            assert_eq!(source.verdict(&with_header(&pointing)), "accepted");
            assert_eq!(source.verdict(&by_stranger(&pointing)), "bad_signature");
            assert_eq!(source.asked(), []);
            let unknown = json!({ name: address, "kid": "k2" });
            assert_eq!(source.verdict(&by_stranger(&unknown)), "unknown_key");
            assert_eq!(source.asked(), [Some("k2".to_owned())]);
        }
    }
}

/// PyJWT followed redirects when it fetched keys, so whoever could redirect chose the keys.
#[test]
fn ghsa_9v7f_9g4p_ffgj_a_token_leads_to_no_keys_but_the_sources() {
    let source = Source::with_the_issuers_key(true);
    let jwk = STRANGER.public_jwk().unwrap();
    let away = "https://issuer.test/redirect?to=https://evil.test/jwks";
    for members in [
        json!({ "jku": away }),
        json!({ "jku": away, "jwk": jwk }),
        json!({ "x5u": away, "x5c": ["AAAA"] }),
    ] {
        assert_eq!(source.verdict(&by_stranger(&members)), "bad_signature");
        assert_eq!(source.asked(), []);
        assert_eq!(source.verdict(&with_header(&members)), "accepted");
    }
    // As a name it is a name: the source hears it as it stands, and the stranger's key stays unknown.
    let named = json!({ "kid": away, "jwk": jwk });
    assert_eq!(source.verdict(&by_stranger(&named)), "unknown_key");
    assert_eq!(source.asked(), [Some(away.to_owned())]);
}

/// PyJWT dropped the keys it had when a fetch failed, so one failure refused everybody.
#[test]
fn ghsa_fhv5_28vv_h8m8_a_failed_fetch_costs_the_known_keys_nothing() {
    let source = Source::with_the_issuers_key(false);
    let known = with_header(&json!({}));
    let unknown = by_stranger(&json!({ "kid": "k2" }));
    for _ in 0..3 {
        assert_eq!(source.verdict(&known), "accepted");
        assert_eq!(source.asked(), []);
        // Nobody knows whether the key exists, so nobody says that the token is bad.
        assert_eq!(source.verdict(&unknown), "keys_unavailable");
        assert_eq!(source.asked(), [Some("k2".to_owned())]);
    }
    let unavailable = Rejection::KeysUnavailable(KeysUnavailable::new("any"));
    assert!(unavailable.is_undetermined());
    // Where the issuer does answer, it is a verdict.
    let source = Source::with_the_issuers_key(true);
    assert_eq!(source.verdict(&unknown), "unknown_key");
    assert!(!Rejection::UnknownKey.is_undetermined());
}

/// PyJWT fetched the keys again for every token that named an unknown one, and again within one.
#[test]
fn ghsa_2gx3_rcp4_g85q_a_token_asks_for_keys_once_at_most() {
    let source = Source::with_the_issuers_key(true);
    for number in 0..50 {
        let kid = format!("made-up-{number}");
        let token = by_stranger(&json!({ "kid": kid }));
        assert_eq!(source.verdict(&token), "unknown_key");
        assert_eq!(source.asked(), [Some(kid.clone())]);
        // What can be refused without a key asks for none.
        for (members, expected) in [
            (json!({ "kid": kid, "alg": "none" }), "alg_not_allowed"),
            (json!({ "kid": kid, "crit": ["x"] }), "crit"),
            (json!({ "kid": kid, "typ": "logout+jwt" }), "typ"),
            (json!({ "kid": [kid] }), "malformed"),
        ] {
            assert_eq!(source.verdict(&by_stranger(&members)), expected);
            assert_eq!(source.asked(), []);
        }
    }
    assert_eq!(source.verdict(&with_header(&json!({}))), "accepted");
    assert_eq!(source.asked(), []);
    // Nor does a token ask that names no key, as long as there is any to try.
    let nameless = SigningKey::generate(Algorithm::ES256).unwrap();
    let token = nameless.sign(&honest_claims()).unwrap();
    assert_eq!(source.verdict(token.expose()), "bad_signature");
    assert_eq!(source.asked(), []);
    let empty = Source::new(KeySet::default(), true);
    assert_eq!(empty.verdict(token.expose()), "unknown_key");
    assert_eq!(empty.asked(), [None]);
}
