//! Keys that should not verify, or not with every algorithm, or that cannot be had (W9, W14, W22).

use std::sync::Arc;

use auth_core::BoxFuture;
use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, Epoch, KeyError, KeySet, KeySource, KeysUnavailable, Rejection, StaticKeys,
    VerificationKey, Verifier, m8,
};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::support::{Standing, encode};
use crate::{Heard, access_claims, sign, strict};

/// An issuer's keys, of which only the last can be used here.
fn mixed_set(good: &SigningKey) -> Value {
    let private = json!({
        "kty": "EC", "crv": "P-256", "kid": "private", "d": encode([1; 32]),
        "x": encode([1; 32]), "y": encode([1; 32]),
    });
    json!({ "keys": [
        { "kty": "OKP", "crv": "X25519", "kid": "x", "x": encode([9; 32]) },
        { "kty": "oct", "kid": "secret", "k": encode([9; 32]) },
        { "kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "AA" },
        { "kid": "nothing" },
        "not a key",
        private,
        good.public_jwk(),
    ]})
}

#[test]
fn m8_w9_one_foreign_key_does_not_poison_the_set() {
    let good = SigningKey::generate(Algorithm::ES256)
        .unwrap()
        .with_kid("good");
    let keys = KeySet::from_jwks(mixed_set(&good).to_string().as_bytes()).unwrap();
    assert_eq!((keys.len(), keys.skipped().len()), (1, 6));
    let verifier = Verifier::new(strict(), StaticKeys::new(keys)).with_clock(Standing);
    let token = good.sign(&access_claims()).unwrap();
    verifier.verify_with_known_keys(token.expose()).unwrap();
    for document in ["[]", "null", "{}", r#"{"keys":null}"#, "<html>", ""] {
        assert!(
            KeySet::from_jwks(document.as_bytes()).is_err(),
            "{document}"
        );
    }
}

/// Keys that cannot be had.
#[derive(Debug)]
struct Unreachable;

impl KeySource for Unreachable {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::default()
    }

    fn epoch(&self) -> Epoch {
        self.snapshot().epoch()
    }

    fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        Box::pin(async { Err(KeysUnavailable::new("the issuer does not answer")) })
    }
}

#[test]
fn m8_w9_keys_that_cannot_be_had_are_a_rejection_and_the_hooks_hear_of_it() {
    let hooks = Heard::default();
    let verifier = Verifier::new(strict(), Unreachable).with_hooks(hooks.clone());
    let rejection = block_on(verifier.verify(&sign(&access_claims()))).unwrap_err();
    assert_eq!(rejection.code(), "keys_unavailable");
    assert!(rejection.is_undetermined());
    assert_eq!(hooks.take(), ["access failure key_unavailable"]);
}

#[test]
fn m8_w14_a_key_verifies_with_its_own_algorithm_whatever_the_policy_allows() {
    let rsa = SigningKey::generate(Algorithm::RS256).unwrap();
    let pem = rsa.public_pem().unwrap();
    let policy = m8::access(crate::ISSUER, crate::AUDIENCE);
    let policy = policy.algorithms([Algorithm::HS256, Algorithm::RS256, Algorithm::ES256]);
    let keys = StaticKeys::new(rsa.verification_key().unwrap());
    let verifier = Verifier::new(policy.build().unwrap(), keys).with_clock(Standing);
    let token = rsa.sign(&access_claims()).unwrap();
    verifier.verify_with_known_keys(token.expose()).unwrap();

    // The public key is everybody's; as a secret it would sign for the issuer.
    let signing_input = token.expose().rsplit_once('.').unwrap().0;
    let payload = signing_input.split_once('.').unwrap().1;
    let signing_input = format!("{}.{payload}", encode(r#"{"alg":"HS256","typ":"JWT"}"#));
    for secret in [pem.as_bytes(), pem.trim_end().as_bytes()] {
        let tag = aws_lc_rs::hmac::sign(
            &aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret),
            signing_input.as_bytes(),
        );
        let forged = format!("{signing_input}.{}", encode(tag));
        let rejection = verifier.verify_with_known_keys(&forged).unwrap_err();
        assert_eq!(rejection, Rejection::AlgorithmNotAllowed);
    }
}

#[test]
fn m8_w22_an_rsa_key_of_1024_bits_is_refused_in_every_form() {
    let weak = |key: Result<VerificationKey, KeyError>| {
        assert!(matches!(key, Err(KeyError::Weak(_))), "{key:?}");
    };
    weak(VerificationKey::from_public_pem(SHORT_RSA.as_bytes()));
    let jwk = json!({ "kty": "RSA", "alg": "RS256", "n": SHORT_RSA_MODULUS, "e": "AQAB" });
    weak(VerificationKey::from_jwk(jwk.to_string().as_bytes()));
    let set = json!({ "keys": [jwk] }).to_string();
    assert!(KeySet::from_jwks(set.as_bytes()).unwrap().is_empty());
}

/// A public key of 1024 bits.
const SHORT_RSA: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDGAWVwWMNzTkOj3Dg/XGEpFLX4
cmdanXq2RS/pRzwGsgOHWuH+oruwEDryMunGiZ2tVjEgDlZgOduSko3xK0AsuoX0
b+dEQDaUl/e7wp5nk23mvYBqBT1EYmpR/SqojP7qv+CVjct+VPx/3kCUqLt9LVyd
kZ44zXInGdDnAvdG0wIDAQAB
-----END PUBLIC KEY-----
";
const SHORT_RSA_MODULUS: &str = "xgFlcFjDc05Do9w4P1xhKRS1-HJnWp16tkUv6Uc8BrIDh1rh_qK7sBA68jLpxomdrVYxIA5WYDnbkpKN8StALLqF9G_nREA2lJf3u8KeZ5Nt5r2AagU9RGJqUf0qqIz-6r_glY3LflT8f95AlKi7fS1cnZGeOM1yJxnQ5wL3RtM";
