//! How a token and a key set are written.

use auth_core::SecretBytes;
use auth_jwt::{Algorithm, KeySet, KeySetError, Skip, StaticKeys, VerificationKey, Verifier};
use aws_lc_rs::hmac;
use serde_json::json;

use crate::support::{Standing, encode, honest_claims, policy, sign};
use crate::{ISSUER_KEY, code, header, verdict, verdict_of_issuer, with_header, with_payload};

/// PyJWT did not look at `crit`, so an extension that changes what a token means was passed over.
#[test]
fn ghsa_752w_5fwx_jx9f_an_extension_nobody_knows_is_refused() {
    assert_eq!(
        verdict_of_issuer(&with_header(&json!({ "x": 1 }))),
        "accepted"
    );
    for crit in [
        json!(["x"]),
        json!(["exp"]),
        json!(["b64"]),
        json!([]),
        json!(null),
    ] {
        let token = with_header(&json!({ "crit": crit, "x": 1, "b64": true }));
        assert_eq!(verdict_of_issuer(&token), "crit", "{crit}");
    }
}

/// PyJWT decoded the payload of `b64: false` before it knew that it had none, whatever its size.
#[test]
fn ghsa_w7vc_732c_9m39_a_payload_that_is_not_encoded_is_refused_unseen() {
    assert_eq!(
        verdict_of_issuer(&with_header(&json!({ "b64": true }))),
        "accepted"
    );
    for b64 in [
        json!({ "b64": false }),
        json!({ "b64": false, "crit": ["b64"] }),
    ] {
        let token = with_header(&b64);
        assert_eq!(verdict_of_issuer(&token), "crit");
        // Nothing but the header was looked at: the rest is not even base64url.
        let (header, rest) = token.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        for payload in [String::new(), "{}".to_owned(), "?".repeat(8 * 1024)] {
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(verdict_of_issuer(&token), "crit");
        }
    }
}

/// PyJWT ran out of stack over a header that is nested deeply, with an error nobody caught.
#[test]
fn ghsa_8wjv_2p76_3863_a_deeply_nested_token_is_malformed() {
    for (open, close, levels) in [("[", "]", 5000), (r#"{"a":"#, "}", 1500), ("[", "]", 32)] {
        let nested = |levels: usize| {
            let inner = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            inner.replace("[1]", "[]")
        };
        let in_header = |levels| {
            let header = format!(r#"{{"alg":"ES256","kid":"k1","a":{}}}"#, nested(levels));
            sign(&ISSUER_KEY, header, honest_claims().to_string())
        };
        let in_payload = |levels| {
            let claims = honest_claims().to_string();
            let claims = claims.strip_suffix('}').unwrap();
            with_payload(format!(r#"{claims},"a":{}}}"#, nested(levels)))
        };
        assert_eq!(verdict_of_issuer(&in_header(levels)), "malformed");
        assert_eq!(verdict_of_issuer(&in_header(31)), "accepted");
        assert_eq!(verdict_of_issuer(&in_payload(levels)), "malformed");
        assert_eq!(verdict_of_issuer(&in_payload(31)), "accepted");
    }
}

/// PyJWT gave up a whole key set for one entry that it could not read, or that is nested deeply.
#[test]
fn ghsa_w6j9_cwv2_h6wq_one_bad_entry_does_not_spoil_the_key_set() {
    let token = with_header(&json!({}));
    let good = ISSUER_KEY.public_jwk().unwrap();
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let deep = format!(r#"{{"kty":"EC","x":{}}}"#, nested(20));
    for entry in [
        r#"{"kty":"RSA","n":"AQ","e":"AQ"}"#,
        r#"{"kty":"EC","crv":"P-256","x":7}"#,
        r#"{"kty":"AKP","alg":"ML-DSA-65"}"#,
        r#"{"kty":["EC"]}"#,
        "{}",
        "7",
        "null",
        &nested(20),
        &deep,
    ] {
        let set = KeySet::from_jwks(format!(r#"{{"keys":[{entry},{good}]}}"#).as_bytes()).unwrap();
        assert_eq!(set.len(), 1, "{entry}");
        assert_eq!(set.skipped()[0].index, 0, "{entry}");
        assert!(
            matches!(set.skipped()[0].reason, Skip::Unusable(_)),
            "{entry}"
        );
        assert_eq!(verdict(set, &token), "accepted", "{entry}");
    }
    // A document is refused for its depth before anything is read from it, and nothing overflows.
    let bottomless = format!(r#"{{"keys":[{},{good}]}}"#, nested(50_000));
    let refused = KeySet::from_jwks(bottomless.as_bytes()).unwrap_err();
    assert_eq!(refused, KeySetError::NotJson);
}

/// PyJWT decoded base64url with other characters in it, so one token had many texts.
#[test]
fn ghsa_hxm8_2xgr_2p9m_a_token_has_one_spelling() {
    let honest = with_header(&json!({}));
    assert_eq!(verdict_of_issuer(&honest), "accepted");
    let parts: Vec<_> = honest.split('.').collect();
    for part in 0..3 {
        for (name, spelled) in [
            ("padding", format!("{}=", parts[part])),
            ("more padding", format!("{}==", parts[part])),
            ("a line break", format!("{}\n", parts[part])),
            ("a space before", format!(" {}", parts[part])),
            ("a space within", parts[part].replacen('e', "e ", 1)),
            ("a character of no alphabet", format!("{}?", parts[part])),
            ("a NUL", format!("{}\0", parts[part])),
        ] {
            if spelled == parts[part] {
                continue;
            }
            let mut parts = parts.clone();
            parts[part] = &spelled;
            let refused = verdict_of_issuer(&parts.join("."));
            // What was signed is the text itself, so there the signature may be what is wrong.
            let expected = if part == 1 {
                "bad_signature"
            } else {
                "malformed"
            };
            assert_eq!(refused, expected, "{name} in part {part}");
        }
    }
    // A signature of 64 bytes leaves four bits of its last character unused.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = honest.split_at(honest.len() - 1);
    for other in alphabet
        .chars()
        .filter(|other| *other != last.chars().next().unwrap())
    {
        let token = format!("{start}{other}");
        assert_ne!(verdict_of_issuer(&token), "accepted", "{other}");
    }
    // Whatever the signature says: here the issuer has signed the payload as it is spelled.
    let secret = SecretBytes::from(&[7; 32][..]);
    let key = VerificationKey::from_secret(&secret, Algorithm::HS256).unwrap();
    let keys = StaticKeys::new(key.with_kid("k1"));
    let verifier = Verifier::new(policy().build().unwrap(), keys).with_clock(Standing);
    let header = encode(header(&json!({ "alg": "HS256" })));
    let payload = encode(honest_claims().to_string());
    let verdict = |payload: &str| {
        let signed = format!("{header}.{payload}");
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret.expose()),
            signed.as_bytes(),
        );
        code(verifier.verify_with_known_keys(&format!("{signed}.{}", encode(tag))))
    };
    assert_eq!(verdict(&payload), "accepted");
    for lax in [
        format!("{payload}="),
        format!("{payload}\n"),
        format!(" {payload}"),
        payload.replacen('e', "e ", 1),
    ] {
        assert_eq!(verdict(&lax), "malformed", "{lax:?}");
    }
}

/// python-jose inflated what it was sent before anybody had vouched for it: a few bytes became
/// gigabytes.
#[test]
fn cve_2024_33664_a_compressed_payload_is_never_inflated() {
    // Honest claims in one stored block, as DEFLATE has it: a decompressor would find an object.
    let claims = honest_claims().to_string();
    let length = u16::try_from(claims.len()).unwrap();
    let mut deflated = vec![1];
    deflated.extend(length.to_le_bytes());
    deflated.extend((!length).to_le_bytes());
    deflated.extend(claims.as_bytes());
    for zip in [json!("DEF"), json!("GZ"), json!(true)] {
        let header = header(&json!({ "zip": zip }));
        let compressed = sign(&ISSUER_KEY, &header, &deflated);
        assert_eq!(verdict_of_issuer(&compressed), "malformed", "{zip}");
        let plain = sign(&ISSUER_KEY, &header, &claims);
        assert_eq!(verdict_of_issuer(&plain), "accepted", "{zip}");
    }
    // The encrypted form, which is the one that was attacked, has five parts.
    let jwe = encode(r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#) + "..AAAA.AAAA.AAAA";
    assert_eq!(verdict_of_issuer(&jwe), "malformed");
}
