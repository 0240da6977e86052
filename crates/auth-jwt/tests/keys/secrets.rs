//! Shared secrets: long enough, and not a public key that somebody took for one.

use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, VerificationKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{EC, ED, RSA, jwk, kind};

#[track_caller]
fn refused(name: &str, secret: impl AsRef<[u8]>, algorithm: Algorithm, expected: &str) {
    let secret = SecretBytes::from(secret.as_ref());
    let error = VerificationKey::from_secret(&secret, algorithm).unwrap_err();
    assert_eq!(kind(error), expected, "{name}: {error}");
    // Who may not verify with it may not sign with it either.
    assert!(
        SigningKey::from_secret(&secret, algorithm).is_err(),
        "{name}"
    );
}

#[test]
fn a_secret_is_at_least_as_long_as_the_hash() {
    for (algorithm, least) in [
        (Algorithm::HS256, 32),
        (Algorithm::HS384, 48),
        (Algorithm::HS512, 64),
    ] {
        for short in [0, 1, least / 2, least - 1] {
            refused(
                &format!("{algorithm}, {short} bytes"),
                vec![0xa5; short],
                algorithm,
                "weak",
            );
        }
        for enough in [least, least + 1, 10 * least] {
            let secret = SecretBytes::from(vec![0xa5; enough]);
            let key = VerificationKey::from_secret(&secret, algorithm).unwrap();
            assert!(key.algorithms().eq([algorithm]), "{enough}");
        }
    }
}

#[test]
fn a_secret_is_for_hmac_only() {
    for algorithm in Algorithm::ALL {
        if !algorithm.is_symmetric() {
            refused(algorithm.name(), [0xa5; 64], algorithm, "unsupported");
        }
    }
}

/// Whoever verifies with a public key as the secret accepts tokens that anybody can sign.
/// PyJWT has had six advisories for forms of it that it had not thought of: GHSA-ffqj-6fqr-9h24, GHSA-xgmm-8j9v-c9wx,
/// GHSA-r6x4-923q-g947, GHSA-ffc3-869f-jxw9, GHSA-p4g4-x82p-q773, GHSA-w2cx-738m-mc7w.
#[test]
fn a_key_that_is_written_down_is_no_secret() {
    for key in [&*RSA, &*EC, &*ED] {
        for (form, secret) in written_down(key) {
            let name = format!("{}, {form}", key.algorithm());
            refused(&name, secret, Algorithm::HS256, "not for verifying");
        }
    }
    let wire = STANDARD.encode([b"\0\0\0\x0bssh-ed25519\0\0\0 ".as_slice(), &[7; 32]].concat());
    for (form, secret) in [
        ("SSH", format!("ssh-ed25519 {wire} planted@example")),
        ("SSH RSA", format!("ssh-rsa {wire}")),
        ("SSH ECDSA", format!("ecdsa-sha2-nistp256 {wire}")),
        (
            "SSH on a token",
            format!("sk-ssh-ed25519@openssh.com {wire}"),
        ),
        ("SSH after white space", format!("\n  ssh-rsa {wire}\n")),
    ] {
        refused(form, secret, Algorithm::HS256, "not for verifying");
    }
}

fn written_down(key: &SigningKey) -> Vec<(&'static str, Vec<u8>)> {
    let pem = key.public_pem().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(&body).unwrap();
    let with = |after: &[u8]| [&der[..], after].concat();
    let jwk = jwk(key);
    let text = jwk.to_string();
    let set = json!({ "keys": [jwk] }).to_string();
    let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
    let utf16 = |text: &str| -> Vec<u8> {
        let text = format!("\u{feff}{text}");
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    // The names are not to be found by their letters.
    let escaped = text.replace("\"k", "\"\\u006b");
    let deep = format!("{}1{}", "[".repeat(2000), "]".repeat(2000));
    vec![
        ("PEM", pem.clone().into_bytes()),
        ("PEM with CRLF", pem.replace('\n', "\r\n").into_bytes()),
        ("PEM in one line", pem.replace('\n', " ").into_bytes()),
        (
            "PEM with its line breaks escaped",
            pem.replace('\n', "\\n").into_bytes(),
        ),
        ("PEM after a comment", format!("# key\n{pem}").into_bytes()),
        ("PEM behind a byte-order mark", marked(&pem)),
        ("PEM in UTF-16", utf16(&pem)),
        ("PEM in base64", STANDARD.encode(&pem).into_bytes()),
        (
            "PEM without its frame, as Keycloak shows it",
            body.clone().into_bytes(),
        ),
        (
            "PEM without its frame, in lines",
            pem.lines()
                .filter(|line| !line.starts_with('-'))
                .flat_map(|line| format!("{line}\n").into_bytes())
                .collect(),
        ),
        ("DER", der.clone()),
        ("DER and a line break", with(b"\n")),
        ("DER and a NUL", with(b"\0")),
        (
            "DER in base64url",
            URL_SAFE_NO_PAD.encode(&der).into_bytes(),
        ),
        ("DER in hexadecimal", hexadecimal(&der).into_bytes()),
        (
            "DER in hexadecimal, upper case and colons",
            der.iter()
                .map(|byte| format!("{byte:02X}:"))
                .collect::<String>()
                .into_bytes(),
        ),
        (
            "DER in base64 in quotes",
            format!("\"{body}\"\n").into_bytes(),
        ),
        (
            "DER in base64 in single quotes",
            format!("'{body}'").into_bytes(),
        ),
        (
            "DER in base64 lines with their breaks escaped",
            pem.lines()
                .filter(|line| !line.starts_with('-'))
                .flat_map(|line| format!("{line}\\n").into_bytes())
                .collect(),
        ),
        (
            "DER in a data URL",
            format!("data:application/octet-stream;base64,{body}").into_bytes(),
        ),
        ("DER in base64, twice", STANDARD.encode(&body).into_bytes()),
        (
            "PEM percent-encoded",
            pem.bytes()
                .map(|byte| format!("%{byte:02x}"))
                .collect::<String>()
                .into_bytes(),
        ),
        (
            "PEM percent-encoded where it has to be",
            pem.replace(' ', "%20")
                .replace('\n', "%0A")
                .replace('+', "%2B")
                .replace('-', "%2D")
                .into_bytes(),
        ),
        (
            "a JWK behind two byte-order marks",
            format!("\u{feff}\u{feff}{escaped}").into_bytes(),
        ),
        ("a JWK with escapes in UTF-16", utf16(&escaped)),
        (
            "a JWK with escapes in UTF-16 in base64",
            STANDARD.encode(utf16(&escaped)).into_bytes(),
        ),
        ("a JWK", text.clone().into_bytes()),
        ("a JWK in lines", serde_json::to_vec_pretty(&jwk).unwrap()),
        (
            "a JWK after white space",
            format!("\r\n\t {text}\n").into_bytes(),
        ),
        ("a JWK behind a byte-order mark", marked(&text)),
        (
            "a JWK behind white space and a mark",
            format!("\n\u{feff}{text}").into_bytes(),
        ),
        ("a JWK in UTF-16", utf16(&text)),
        ("a JWK in base64", STANDARD.encode(&text).into_bytes()),
        ("a JWK in quotes", json!(text).to_string().into_bytes()),
        ("a JWK and a comma", format!("{text},").into_bytes()),
        ("a JWK and a NUL", format!("{text}\0").into_bytes()),
        (
            "a JWK with a member that is nested deeply",
            text.replacen('{', &format!(r#"{{"x":{deep},"#), 1)
                .into_bytes(),
        ),
        ("a list of JWKs", format!("[{text}]").into_bytes()),
        ("a key set", set.clone().into_bytes()),
        ("a key set behind a byte-order mark", marked(&set)),
    ]
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the forms stand beside: what people really use as secrets.
#[test]
fn random_bytes_and_their_usual_spellings_are_secrets() {
    let mut bytes = [0; 48];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    for secret in [
        bytes.to_vec(),
        STANDARD.encode(bytes).into_bytes(),
        URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        hexadecimal(&bytes).into_bytes(),
        format!("\"{}\"", STANDARD.encode(bytes)).into_bytes(),
        br#"a\n%41 secret with \"escapes\" in it, \\ and all"#.to_vec(),
        b"correct horse battery staple, and then some".to_vec(),
        b"{not JSON, only a brace at the beginning of it}".to_vec(),
        // Begins like DER, but its length is not that of the rest.
        [&[0x30, 0x05, 0x02, 0x01], &bytes[..]].concat(),
    ] {
        let secret = SecretBytes::from(secret);
        assert!(VerificationKey::from_secret(&secret, Algorithm::HS256).is_ok());
    }
}
