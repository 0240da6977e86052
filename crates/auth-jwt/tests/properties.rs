//! What holds for any text at all.

mod support;

use std::sync::LazyLock;

use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, RoleClaim, StaticKeys, VerificationKey, Verifier, danger};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};
use support::{Standing, encode, honest_claims, policy, sign};

static KEYS: LazyLock<[SigningKey; 3]> = LazyLock::new(|| {
    [Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA]
        .map(|algorithm| SigningKey::generate(algorithm).unwrap())
});

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let keys: KeySet = KEYS
        .iter()
        .map(|key| key.verification_key().unwrap())
        .collect();
    let policy = policy().roles_from([RoleClaim::KeycloakRealm, RoleClaim::List("roles".into())]);
    Verifier::new(policy.build().unwrap(), StaticKeys::new(keys)).with_clock(Standing)
});

static HONEST: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tokens = KEYS.iter().map(|key| key.sign(&honest_claims()).unwrap());
    tokens.map(|token| token.expose().to_owned()).collect()
});

/// Any JSON, a few levels deep, with the member names that mean something among the others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("my-api")),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any_name(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    let known = vec![
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "azp",
        "client_id",
        "scope",
        "sid",
        "email",
        "preferred_username",
        "realm_access",
        "resource_access",
        "roles",
        "alg",
        "kid",
        "typ",
        "crit",
        "b64",
        "kty",
        "crv",
        "use",
        "key_ops",
        "n",
        "e",
        "x",
        "y",
        "k",
        "keys",
    ];
    prop_oneof![
        prop::sample::select(known).prop_map(str::to_owned),
        any::<String>()
    ]
}

/// A text of JSON with a few bytes of it changed, so that it often nearly parses.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (any_json(), changes).prop_map(|(value, changes)| {
        let mut text = value.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        text
    })
}

/// Everything that reads hostile text, called for the panic it must not have.
fn read_everywhere(text: &[u8]) {
    let _ = KeySet::from_jwks(text);
    let _ = VerificationKey::from_jwk(text);
    let _ = VerificationKey::from_public_pem(text);
    let _ = VerificationKey::from_secret(&SecretBytes::from(text), Algorithm::HS256);
    let text = String::from_utf8_lossy(text);
    let _ = VERIFIER.verify_with_known_keys(&text);
    let _ = danger::decode_without_verifying(&text);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_cause_a_panic(bytes in any::<Vec<u8>>()) {
        read_everywhere(&bytes);
        // The same where a token, a key set or a PEM text is expected to have bytes.
        let part = encode(&bytes);
        read_everywhere(format!("{part}.{part}.{part}").as_bytes());
        read_everywhere(json!({ "kty": "oct", "k": part }).to_string().as_bytes());
        read_everywhere(json!({ "kty": "RSA", "n": part, "e": "AQAB" }).to_string().as_bytes());
        let standard = part.replace('-', "+").replace('_', "/");
        for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
            let pem = format!("-----BEGIN {label}-----\n{standard}\n-----END {label}-----\n");
            read_everywhere(pem.as_bytes());
        }
    }

    #[test]
    fn no_text_causes_a_panic(text in any::<String>(), other in r"[-_A-Za-z0-9.=]{0,200}") {
        read_everywhere(text.as_bytes());
        read_everywhere(other.as_bytes());
        read_everywhere(format!("-----BEGIN {text}-----{other}-----END {text}-----").as_bytes());
    }

    #[test]
    fn no_json_causes_a_panic(json in nearly_json(), key in any_json()) {
        read_everywhere(&json);
        read_everywhere(json!({ "keys": [key] }).to_string().as_bytes());
        for key in KEYS.iter() {
            // Signed, so that the payload is looked at too.
            let header = format!(r#"{{"alg":"{}"}}"#, key.algorithm());
            let _ = VERIFIER.verify_with_known_keys(&sign(key, &header, &json));
            let _ = VERIFIER.verify_with_known_keys(&sign(key, &json, "{}"));
        }
    }

    #[test]
    fn a_token_with_one_character_changed_is_refused(
        token in 0..3_usize,
        at in any::<prop::sample::Index>(),
        by in prop_oneof![
            r"[-_A-Za-z0-9]".prop_map(|text| text.chars().next()),
            any::<char>().prop_map(Some),
            Just(None),
        ],
    ) {
        let honest = &HONEST[token];
        prop_assert!(VERIFIER.verify_with_known_keys(honest).is_ok());
        let at = at.index(honest.len());
        let (before, after) = (&honest[..at], &honest[at + 1..]);
        prop_assume!(by != honest[at..].chars().next());
        let in_its_place = by.map(String::from).unwrap_or_default();
        let changed = format!("{before}{in_its_place}{after}");
        prop_assert!(VERIFIER.verify_with_known_keys(&changed).is_err());
        // Beside the character instead of in its place.
        if let Some(by) = by {
            let longer = format!("{before}{by}{}", &honest[at..]);
            prop_assert!(VERIFIER.verify_with_known_keys(&longer).is_err());
        }
    }

    /// Two parsers that disagree about a token are two verdicts about it.
    #[test]
    fn what_the_strict_parser_accepts_another_one_reads_alike(
        extra in prop::collection::btree_map(any_name(), any_json(), 0..6),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
    ) {
        let mut claims = honest_claims();
        for (name, value) in extra {
            // In place of a known claim it is likely refused, which shows nothing.
            claims.as_object_mut().unwrap().entry(name).or_insert(value);
        }
        let mut payload = claims.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        let token = sign(&KEYS[0], r#"{"alg":"HS256"}"#, &payload);
        if let Ok(accepted) = VERIFIER.verify_with_known_keys(&token) {
            prop_assert_eq!(accepted.as_json().as_bytes(), &payload[..]);
            let read: Value = serde_json::from_str(accepted.as_json()).unwrap();
            prop_assert_eq!(read["sub"].as_str(), Some(accepted.subject()));
            prop_assert_eq!(read["iss"].as_str(), accepted.issuer());
            prop_assert_eq!(read["jti"].as_str(), accepted.token_id());
            let roles = read["realm_access"]["roles"].as_array().cloned().unwrap_or_default();
            for role in roles {
                let role = role.as_str().unwrap();
                prop_assert!(accepted.roles().any(|ours| ours == role));
            }
            let unverified = danger::decode_without_verifying(&token).unwrap();
            prop_assert_eq!(unverified.claims_json(), accepted.as_json());
        }
    }

    /// Without changes there is nothing to disagree about, whatever an issuer adds.
    #[test]
    fn unknown_claims_of_any_value_do_not_refuse_a_token(
        extra in prop::collection::btree_map("x-[a-z]{1,8}", any_json(), 0..6),
    ) {
        let mut claims = honest_claims();
        claims.as_object_mut().unwrap().extend(extra);
        let token = KEYS[0].sign(&claims).unwrap();
        let accepted = VERIFIER.verify_with_known_keys(token.expose()).unwrap();
        prop_assert_eq!(accepted.as_json(), claims.to_string());
        let read: Value = serde_json::from_str(&claims.to_string()).unwrap();
        prop_assert_eq!(accepted.deserialize::<Value>().unwrap(), read);
    }
}
