//! A public key taken for a shared secret, and one algorithm taken for another.
//!
//! That nobody can configure a public key as the secret in the first place is shown in
//! `tests/keys/secrets.rs`; here the attacker hopes that the verifier does it on its own.

use std::sync::LazyLock;

use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, VerificationKey, Verifier};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::{encode, honest_claims, sign};
use crate::{Row, SECRET, hs256, key, knowing, refused, row};

#[test]
fn no_key_is_taken_for_another() {
    refused(rows());
}

pub(crate) fn rows() -> Vec<Row> {
    [public_key_as_secret(), weak_secret(), other_algorithm()]
        .into_iter()
        .flatten()
        .collect()
}

/// Signed by HMAC with this secret, under this header.
fn mac(secret: impl AsRef<[u8]>, header: &serde_json::Value) -> String {
    let claims = encode(honest_claims().to_string());
    let input = format!("{}.{claims}", encode(header.to_string()));
    hs256(secret.as_ref(), &input)
}

fn public_key_as_secret() -> Vec<Row> {
    let code = "alg_not_allowed";
    let rsa = key(Algorithm::RS256);
    let pem = rsa.public_pem().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(&body).unwrap();
    let jwk = rsa.public_jwk().unwrap();
    let jwks = json!({ "keys": [jwk] }).to_string();
    let modulus = jwk["n"].as_str().unwrap();
    let jwk_text = jwk.to_string();
    let x = key(Algorithm::EdDSA).public_jwk().unwrap();
    let x = crate::support::decode(x["x"].as_str().unwrap());
    let confused = json!({ "alg": "HS256", "kid": "RS256" });
    let by = |secret: &[u8]| mac(secret, &confused);
    // A verifier with this one key only, as when it was configured from a file.
    let from_file = || only(VerificationKey::from_public_pem(pem.as_bytes()).unwrap());
    let nameless = json!({ "alg": "HS256" });
    vec![
        row(
            "HS256 with the public key's PEM (CVE-2016-5431, CVE-2016-10555)",
            code,
            by(pem.as_bytes()),
        ),
        row(
            "HS256 with the PEM less its line break",
            code,
            by(pem.trim_end().as_bytes()),
        ),
        row(
            "HS256 with the PEM and CRLF",
            code,
            by(pem.replace('\n', "\r\n").as_bytes()),
        ),
        row("HS256 with the PEM's body alone", code, by(body.as_bytes())),
        row(
            "HS256 with the public key's DER (GHSA-r6x4-923q-g947 and the like)",
            code,
            by(&der),
        ),
        row(
            "HS256 with the JWK's text (GHSA-xgmm-8j9v-c9wx)",
            code,
            by(jwk_text.as_bytes()),
        ),
        row(
            "HS256 with a byte-order mark and the JWK",
            code,
            by(format!("\u{feff}{jwk_text}").as_bytes()),
        ),
        row(
            "HS256 with the list of JWKs",
            code,
            by(format!("[{jwk_text}]").as_bytes()),
        ),
        row("HS256 with the key set's text", code, by(jwks.as_bytes())),
        row("HS256 with the modulus", code, by(modulus.as_bytes())),
        row(
            "HS256 with the point of an Ed25519 key",
            code,
            mac(x, &json!({ "alg": "HS256", "kid": "EdDSA" })),
        ),
        row(
            "HS256 with the PEM against the key of that file",
            code,
            mac(&pem, &nameless),
        )
        .against(from_file()),
        row(
            "HS256 with the DER against the key of that file",
            code,
            mac(&der, &nameless),
        )
        .against(from_file()),
    ]
}

fn weak_secret() -> Vec<Row> {
    let code = "bad_signature";
    let header = json!({ "alg": "HS256", "kid": "HS256" });
    let by = |secret: &[u8]| mac(secret, &header);
    let honest = mac(SECRET, &header);
    vec![
        row(
            "HS256 with the empty secret (GHSA-pxh4-856f-4h89)",
            code,
            by(b""),
        ),
        row("HS256 with a single space", code, by(b" ")),
        row(
            "HS256 with a common secret",
            code,
            by(b"planted-your-256-bit-secret"),
        ),
        row("HS256 with the kid as the secret", code, by(b"HS256")),
        row("HS256 with the text null", code, by(b"null")),
        row(
            "HS256 with the secret less its last byte",
            code,
            by(&SECRET[..31]),
        ),
        row(
            "HS256 with the secret in base64",
            code,
            by(STANDARD.encode(SECRET).as_bytes()),
        ),
        row(
            "HS256 with the secret and a byte more",
            code,
            by(&[&SECRET[..], b"\n"].concat()),
        ),
        row(
            "HS256 called HS384",
            "alg_not_allowed",
            relabelled(&honest, &json!({ "alg": "HS384", "kid": "HS256" })),
        ),
        row(
            "HS256 called HS512, and no kid",
            code,
            relabelled(&honest, &json!({ "alg": "HS512" })),
        ),
    ]
}

fn other_algorithm() -> Vec<Row> {
    let claims = honest_claims().to_string();
    let signed = |signer: &SigningKey, alg: &str, kid: Option<&str>| {
        let mut header = json!({ "alg": alg });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        sign(signer, header.to_string(), &claims)
    };
    let [rs256, rs384, ps256] = &*ONE_RSA_KEY;
    let pinned = || only(rs256.verification_key().unwrap());
    let unpinned = || {
        let pem = rs256.public_pem().unwrap();
        only(VerificationKey::from_public_pem(pem.as_bytes()).unwrap())
    };
    let es256 = key(Algorithm::ES256);
    vec![
        row(
            "PS256 under a key for RS256",
            "alg_not_allowed",
            signed(ps256, "PS256", None),
        )
        .against(pinned()),
        row(
            "RS384 under a key for RS256 (GHSA-jq35-7prp-9v3f)",
            "alg_not_allowed",
            signed(rs384, "RS384", None),
        )
        .against(pinned()),
        row(
            "a PSS signature called RS256",
            "bad_signature",
            signed(ps256, "RS256", None),
        )
        .against(unpinned()),
        row(
            "a PKCS #1 signature called PS256",
            "bad_signature",
            signed(rs256, "PS256", None),
        )
        .against(unpinned()),
        row(
            "an RS384 signature called RS256",
            "bad_signature",
            signed(rs384, "RS256", None),
        )
        .against(unpinned()),
        row(
            "an RS256 signature called RS384",
            "bad_signature",
            signed(rs256, "RS384", None),
        )
        .against(unpinned()),
        row(
            "ES256 called ES384",
            "alg_not_allowed",
            signed(es256, "ES384", Some("ES256")),
        ),
        row(
            "ES256 called ES384, and no kid",
            "bad_signature",
            signed(es256, "ES384", None),
        ),
        row(
            "ES256 called EdDSA",
            "alg_not_allowed",
            signed(es256, "EdDSA", Some("ES256")),
        ),
        row(
            "ES256 called EdDSA, and no kid",
            "bad_signature",
            signed(es256, "EdDSA", None),
        ),
        row(
            "EdDSA called ES256, and no kid",
            "bad_signature",
            signed(key(Algorithm::EdDSA), "ES256", None),
        ),
        row(
            "ES256 called RS256",
            "alg_not_allowed",
            signed(es256, "RS256", Some("ES256")),
        ),
        row(
            "HS256 called ES256",
            "bad_signature",
            signed(key(Algorithm::HS256), "ES256", Some("ES256")),
        ),
        row(
            "RS256 called ES256, and no kid",
            "bad_signature",
            signed(key(Algorithm::RS256), "ES256", None),
        ),
    ]
}

/// What the rows stand beside: one RSA key, unpinned, is honest in each of its algorithms.
#[test]
fn a_key_of_no_one_algorithm_verifies_each_of_its_own() {
    let pem = ONE_RSA_KEY[0].public_pem().unwrap();
    let verifier = only(VerificationKey::from_public_pem(pem.as_bytes()).unwrap());
    for signer in &*ONE_RSA_KEY {
        let token = signer.sign(&honest_claims()).unwrap();
        let verdict = verifier.verify_with_known_keys(token.expose());
        assert!(verdict.is_ok(), "{signer:?}: {verdict:?}");
    }
}

fn only(key: VerificationKey) -> Verifier {
    knowing(KeySet::from(key))
}

/// The token under another header, its signature as it was.
fn relabelled(token: &str, header: &serde_json::Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", encode(header.to_string()))
}

/// One key that signs by three algorithms: RS256, RS384, PS256.
static ONE_RSA_KEY: LazyLock<[SigningKey; 3]> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let label = "PRIVATE KEY";
    let body = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    [Algorithm::RS256, Algorithm::RS384, Algorithm::PS256]
        .map(|algorithm| SigningKey::from_private_pem(pem.as_bytes(), algorithm).unwrap())
});
