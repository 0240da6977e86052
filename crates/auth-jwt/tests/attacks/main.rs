//! Forged and malformed tokens, one row for each way of attack.
//!
//! A row is a name, the code of the rejection that is right, and the token. Where a public
//! advisory or CVE is about the class, its id is in the name. [`refused`] is the one place that
//! touches the verifier; everything else is data.

#[path = "../support/mod.rs"]
mod support;

mod claims;
mod confusion;
mod form;
mod header;
mod kid;
mod signature;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, RoleClaim, StaticKeys, Verifier};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::{Standing, encode, honest_claims, policy, sign};

/// One attack.
struct Row {
    name: &'static str,
    code: &'static str,
    token: String,
    /// Who is attacked; the verifier of [`VERIFIER`] unless set.
    victim: Option<Verifier>,
}

fn row(name: &'static str, code: &'static str, token: impl Into<String>) -> Row {
    Row {
        name,
        code,
        token: token.into(),
        victim: None,
    }
}

impl Row {
    fn against(mut self, victim: Verifier) -> Self {
        self.victim = Some(victim);
        self
    }
}

/// A secret the rows know, so that they can sign what [`SigningKey`] would not.
const SECRET: [u8; 32] = *b"known to the issuer and the test";

/// One key for each algorithm, made once; its `kid` is the algorithm's name.
static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let key = |algorithm| match algorithm {
        Algorithm::HS256 => {
            SigningKey::from_secret(&SecretBytes::from(&SECRET[..]), algorithm).unwrap()
        }
        _ => SigningKey::generate(algorithm).unwrap(),
    };
    Algorithm::ALL
        .into_iter()
        .map(|algorithm| key(algorithm).with_kid(algorithm.name()))
        .collect()
});

/// A key nobody trusts.
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::generate(Algorithm::ES256)
        .unwrap()
        .with_kid("ES256")
});

/// Knows all of [`KEYS`], and roles in each of the three shapes.
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let keys = KEYS.iter().map(|key| key.verification_key().unwrap());
    knowing(keys.collect())
});

fn knowing(keys: KeySet) -> Verifier {
    let policy = policy().roles_from([
        RoleClaim::KeycloakRealm,
        RoleClaim::KeycloakClient("my-api".into()),
        RoleClaim::List("roles".into()),
    ]);
    Verifier::new(policy.build().unwrap(), StaticKeys::new(keys)).with_clock(Standing)
}

fn key(algorithm: Algorithm) -> &'static SigningKey {
    let found = KEYS.iter().find(|key| key.algorithm() == algorithm);
    found.unwrap()
}

/// Signs a header of any text over honest claims, with the key of ES256.
fn with_header(header: impl AsRef<[u8]>) -> String {
    sign(key(Algorithm::ES256), header, honest_claims().to_string())
}

/// Signs a payload of any bytes under an honest header, with the key of ES256.
fn with_payload(payload: impl AsRef<[u8]>) -> String {
    sign(key(Algorithm::ES256), honest_header(), payload)
}

fn honest_header() -> String {
    json!({ "alg": "ES256", "kid": "ES256", "typ": "JWT" }).to_string()
}

/// The honest header with one member set.
fn header_with(name: &str, value: Value) -> String {
    let mut header = json!({ "alg": "ES256", "kid": "ES256", "typ": "JWT" });
    header[name] = value;
    header.to_string()
}

fn honest_token() -> String {
    with_header(honest_header())
}

/// The three parts of an honest token.
fn honest_parts() -> [String; 3] {
    let parts: Vec<_> = honest_token().split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

/// Signs any text at all by HMAC with SHA-256, whatever the secret.
fn hs256(secret: &[u8], signing_input: &str) -> String {
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        signing_input.as_bytes(),
    );
    format!("{signing_input}.{}", encode(tag))
}

/// The verdict must be the row's, and must not repeat anything of the token.
#[track_caller]
fn refused(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for row in &rows {
        let victim = row.victim.as_ref().unwrap_or(&VERIFIER);
        let Err(rejection) = victim.verify_with_known_keys(&row.token) else {
            wrong.push(format!("{}: ACCEPTED instead of {}", row.name, row.code));
            continue;
        };
        if rejection.code() != row.code {
            let (name, code) = (row.name, row.code);
            wrong.push(format!("{name}: {} instead of {code}", rejection.code()));
        }
        let said = format!("{rejection} {rejection:?} {rejection:#?}");
        if said.contains("planted") || repeats(&said, &row.token) {
            wrong.push(format!("{}: says {said}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether eight characters of the token stand in the text: of one of its parts as they are, or
/// of a value that its header or payload spells.
fn repeats(said: &str, token: &str) -> bool {
    // A larger one is refused by its size, before anything could be repeated.
    let token: String = token.chars().take(32 * 1024).collect();
    let said: BTreeSet<_> = windows(said).collect();
    let mut spelled: Vec<String> = token.split('.').map(str::to_owned).collect();
    for part in token.split('.') {
        let document = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        if let Ok(document) = serde_json::from_slice(&document) {
            collect_texts(&document, &mut spelled);
        }
    }
    let spelled = spelled.iter();
    spelled
        .flat_map(|text| windows(text))
        .any(|window| said.contains(&window))
}

fn windows(text: &str) -> impl Iterator<Item = Vec<char>> {
    let text: Vec<_> = text.chars().collect();
    let windows: Vec<_> = text.windows(8).map(<[char]>::to_vec).collect();
    windows.into_iter()
}

/// The texts and numbers among a document's values. Member names are not among them: a rejection
/// names the claim it is about.
fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(members) => members
            .values()
            .for_each(|value| collect_texts(value, texts)),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Without this every other test of this file could pass by a verifier that refuses everything.
#[test]
fn an_honest_token_of_each_algorithm_is_accepted() {
    for key in KEYS.iter() {
        let algorithm = key.algorithm();
        let token = key.sign(&honest_claims()).unwrap();
        let claims = VERIFIER
            .verify_with_known_keys(token.expose())
            .unwrap_or_else(|rejection| panic!("{algorithm}: {rejection}"));
        assert_eq!(claims.subject(), "planted-subject", "{algorithm}");
        assert!(claims.roles().eq(["planted-role"]), "{algorithm}");
    }
}

#[test]
fn a_token_of_a_strangers_key_is_refused_for_each_algorithm() {
    for key in KEYS.iter() {
        let algorithm = key.algorithm();
        let stranger = SigningKey::generate(algorithm).unwrap();
        // Without a name every key that fits is tried.
        let unnamed = stranger.sign(&honest_claims()).unwrap();
        let named = stranger.with_kid(algorithm.name());
        let named = named.sign(&honest_claims()).unwrap();
        for token in [unnamed, named] {
            let rejection = VERIFIER.verify_with_known_keys(token.expose()).unwrap_err();
            assert_eq!(rejection.code(), "bad_signature", "{algorithm}");
        }
    }
}

#[test]
fn no_attack_is_listed_twice() {
    let rows = [
        header::rows(),
        kid::rows(),
        confusion::rows(),
        signature::rows(),
        claims::rows(),
        form::rows(),
    ];
    let (mut names, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for row in rows.iter().flatten() {
        assert!(names.insert(row.name), "two rows are named {}", row.name);
        // Rows against another victim may repeat a token.
        let repeated = row.victim.is_none() && !tokens.insert(row.token.as_str());
        assert!(!repeated, "{} has the token of another row", row.name);
    }
    assert!(names.len() >= 400, "{} rows", names.len());
}
