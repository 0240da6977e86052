//! Secrets that are none, and keys used for what they are not for.
//!
//! PyJWT 2.14 mended four advisories at once (GHSA-r6x4, -ffc3, -p4g4, -w2cx), and its changelog
//! names the forms of all four together: JWK, JWKS, list, encoded, byte-order mark, DER, PEM. The
//! forms are shared out among the four tests here.

use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeyError, KeySet, VerificationKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::{encode, honest_claims};
use crate::{ISSUER_KEY, verdict};

/// Whoever knows the public key must not be able to sign with it: as a secret it is refused, in
/// every way that a secret comes in. As many other bytes are a secret like any.
#[track_caller]
fn no_secret(form: &str, bytes: &[u8]) {
    let refused = |secret: &[u8]| {
        let secret = SecretBytes::from(secret);
        let verifying = VerificationKey::from_secret(&secret, Algorithm::HS256);
        let signing = SigningKey::from_secret(&secret, Algorithm::HS256);
        assert_eq!(verifying.is_err(), signing.is_err(), "{form}");
        verifying.err()
    };
    let error = refused(bytes);
    assert!(
        matches!(error, Some(KeyError::NotForVerifying(_))),
        "{form}: {error:?}"
    );
    let forged = hs256(bytes);
    let keys = |secret: &[u8]| {
        let jwk = json!({ "kty": "oct", "kid": "k1", "k": encode(secret) });
        KeySet::from_jwks(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap()
    };
    assert_eq!(verdict(keys(bytes), &forged), "unknown_key", "{form}");

    let mut other: Vec<u8> = bytes.to_vec();
    for (at, byte) in other.iter_mut().enumerate() {
        *byte = (*byte).wrapping_mul(31).wrapping_add(at as u8) | 0x80;
    }
    assert_eq!(refused(&other), None, "{form}");
    assert_eq!(verdict(keys(&other), &hs256(&other)), "accepted", "{form}");
    assert_eq!(verdict(keys(&other), &forged), "bad_signature", "{form}");
}

/// Honest claims, signed by HMAC with any bytes at all: [`SigningKey`] would not take these.
fn hs256(secret: &[u8]) -> String {
    let header = encode(r#"{"alg":"HS256","kid":"k1"}"#);
    let signed = format!("{header}.{}", encode(honest_claims().to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(tag))
}

fn jwk() -> String {
    ISSUER_KEY.public_jwk().unwrap().to_string()
}

fn pem() -> String {
    ISSUER_KEY.public_pem().unwrap()
}

fn der() -> Vec<u8> {
    let body: String = pem().lines().filter(|it| !it.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

/// PyJWT took an SSH public key for an HMAC secret, because it knew a key by its PEM header only
/// (CVE-2022-29217).
#[test]
fn ghsa_ffqj_6fqr_9h24_an_ssh_public_key_is_no_hmac_secret() {
    let wire = "AAAAC3NzaC1lZDI1NTE5AAAAIGhvd2V2ZXItbG9uZy1pdC1pcy1pdC1pcy1wdWJsaWM=";
    for key in [
        format!("ssh-ed25519 {wire}"),
        format!("ssh-rsa {wire} ada@example"),
        format!("ecdsa-sha2-nistp256 {wire}\n"),
        format!("sk-ecdsa-sha2-nistp256@openssh.com {wire}"),
    ] {
        no_secret("an SSH key", key.as_bytes());
    }
}

/// PyJWT took the text of a public JWK for an HMAC secret, so anybody could sign.
#[test]
fn ghsa_xgmm_8j9v_c9wx_a_jwk_document_is_no_hmac_secret() {
    no_secret("a JWK", jwk().as_bytes());
    let spaced = jwk().replace(':', " : ").replace(',', " ,\n");
    no_secret("a JWK laid out", spaced.as_bytes());
    let escaped = jwk().replace("\"kty\"", "\"\\u006bty\"");
    no_secret("a JWK in escapes", escaped.as_bytes());
}

/// PyJWT had thought of a JWK, and took a set or a list of them for a secret.
#[test]
fn ghsa_r6x4_923q_g947_a_key_set_or_a_list_of_keys_is_no_hmac_secret() {
    let jwk = jwk();
    no_secret("a set", format!(r#"{{"keys":[{jwk}]}}"#).as_bytes());
    no_secret("a list", format!("[{jwk}]").as_bytes());
    no_secret("a list in a list", format!("[[{jwk}]]").as_bytes());
    let digits = "1".repeat(5000);
    no_secret(
        "a set with a number nobody can hold",
        format!(r#"{{"keys":[{jwk}],"extra":{digits}}}"#).as_bytes(),
    );
    let (open, close) = ("[".repeat(20_000), "]".repeat(20_000));
    no_secret("a deep list", format!("{open}{jwk}{close}").as_bytes());
    let escaped = jwk.replace("\"kty\"", "\"\\u006bty\"");
    no_secret(
        "a deep list of a key in escapes",
        format!("{open}{escaped}{close}").as_bytes(),
    );
}

/// PyJWT knew a key by its first character, and took one behind a byte-order mark, or in UTF-16, for
/// a secret.
#[test]
fn ghsa_ffc3_869f_jxw9_a_key_in_another_encoding_is_no_hmac_secret() {
    for (name, text) in [("a JWK", jwk()), ("PEM", pem())] {
        let marked = format!("\u{feff}{text}");
        no_secret(&format!("{name} behind a mark"), marked.as_bytes());
        for text in [&text, &marked] {
            let units: Vec<_> = text.encode_utf16().collect();
            let little: Vec<_> = units.iter().flat_map(|it| it.to_le_bytes()).collect();
            no_secret(&format!("{name} in UTF-16"), &little);
            let big: Vec<_> = units.iter().flat_map(|it| it.to_be_bytes()).collect();
            no_secret(&format!("{name} in UTF-16, big end first"), &big);
            let wide: Vec<_> = text
                .chars()
                .flat_map(|it| (it as u32).to_le_bytes())
                .collect();
            no_secret(&format!("{name} in UTF-32"), &wide);
        }
        let base64 = STANDARD.encode(&text);
        no_secret(&format!("{name} in base64"), base64.as_bytes());
    }
}

/// PyJWT looked for the text of keys only, and took the same key in binary for a secret.
#[test]
fn ghsa_p4g4_x82p_q773_a_der_key_is_no_hmac_secret() {
    no_secret("DER", &der());
    no_secret("DER and a line break", &[&der()[..], b"\n"].concat());
    let rsa = SigningKey::generate(Algorithm::RS256).unwrap();
    let body: String = rsa.public_pem().unwrap();
    let body: String = body.lines().filter(|it| !it.starts_with('-')).collect();
    let info = STANDARD.decode(body).unwrap();
    no_secret("DER of an RSA key", &info);
    // Two sequences' heads, an identifier and a bit string stand before the PKCS #1 form.
    no_secret("PKCS #1 in DER", &info[24..]);
}

/// PyJWT knew PEM where the text began with it and was whole, and took other wrappings for a secret.
#[test]
fn ghsa_w2cx_738m_mc7w_a_pem_key_is_no_hmac_secret_however_it_is_wrapped() {
    let pem = pem();
    no_secret("PEM", pem.as_bytes());
    no_secret("PEM after text", format!("key: {pem}").as_bytes());
    no_secret("PEM after white space", format!(" \t\n{pem}").as_bytes());
    no_secret("PEM in one line", pem.replace('\n', "").as_bytes());
    no_secret("PEM with CRLF", pem.replace('\n', "\r\n").as_bytes());
    no_secret("PEM in quotes", format!("{pem:?}").as_bytes());
    let unfinished = pem.split("-----END").next().unwrap();
    no_secret("PEM without its end", unfinished.as_bytes());
}

/// PyJWT took a secret of no bytes, as text and as a JWK, and anybody can sign with that.
#[test]
fn ghsa_pxh4_856f_4h89_an_empty_secret_is_refused() {
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let refused = |secret: &[u8]| {
            let jwk = json!({ "kty": "oct", "alg": algorithm.name(), "k": encode(secret) });
            let as_jwk = VerificationKey::from_jwk(jwk.to_string().as_bytes()).is_err();
            let secret = SecretBytes::from(secret);
            assert_eq!(
                VerificationKey::from_secret(&secret, algorithm).is_err(),
                as_jwk
            );
            assert_eq!(SigningKey::from_secret(&secret, algorithm).is_err(), as_jwk);
            as_jwk
        };
        assert!(refused(b""), "{algorithm}");
        assert!(refused(b" "), "{algorithm}");
        assert!(!refused(&[7; 64]), "{algorithm}");
    }
    let keys = |secret: &[u8]| {
        let jwk = json!({ "kty": "oct", "kid": "k1", "k": encode(secret) });
        KeySet::from_jwks(jwk.to_string().as_bytes()).unwrap()
    };
    assert_eq!(verdict(keys(b""), &hs256(b"")), "unknown_key");
    assert_eq!(verdict(keys(&[7; 32]), &hs256(b"")), "bad_signature");
    assert_eq!(verdict(keys(&[7; 32]), &hs256(&[7; 32])), "accepted");
}

/// PyJWT let the header choose among the caller's algorithms, whatever the JWK was for.
#[test]
fn ghsa_jq35_7prp_9v3f_a_key_is_bound_to_the_algorithm_its_jwk_names() {
    let secret = [7; 64];
    let signed_by = |algorithm| {
        let key = SigningKey::from_secret(&SecretBytes::from(&secret[..]), algorithm).unwrap();
        key.sign(&honest_claims()).unwrap().expose().to_owned()
    };
    let keys = |alg: Option<&str>| {
        let mut jwk = json!({ "kty": "oct", "k": encode(secret) });
        if let Some(alg) = alg {
            jwk["alg"] = alg.into();
        }
        KeySet::from_jwks(jwk.to_string().as_bytes()).unwrap()
    };
    for signer in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let token = signed_by(signer);
        assert_eq!(verdict(keys(Some(signer.name())), &token), "accepted");
        assert_eq!(verdict(keys(None), &token), "accepted");
        for other in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            if other != signer {
                let verdict = verdict(keys(Some(other.name())), &token);
                assert_eq!(verdict, "alg_not_allowed", "{signer} under {other}");
            }
        }
    }
}
