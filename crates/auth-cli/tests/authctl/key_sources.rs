//! Where keys come from, and what is said when none do.

use auth_core::SecretBytes;
use auth_jwt::Algorithm;
use auth_jwt::mint::SigningKey;
use serde_json::json;

use crate::support::{
    NOW, accepted, check, check_verify, file, key, no_file, rejected, run, text, token,
    token_with_header, undetermined,
};

#[test]
fn a_url_is_undetermined_until_keys_can_be_fetched() {
    let token = token(&key(Algorithm::EdDSA), &json!({}));
    for url in [
        "https://issuer.test/jwks",
        "http://127.0.0.1:9/jwks",
        "HTTPS://issuer.test",
    ] {
        check_verify(
            &["--jwks", url],
            &token,
            2,
            undetermined(),
            "does not fetch keys",
        );
    }
    // A token that needs no key to be rejected is rejected.
    let arguments = ["--jwks", "https://issuer.test/jwks"];
    check_verify(
        &arguments,
        "a.b",
        1,
        &rejected("malformed"),
        "does not fetch keys",
    );
    check(
        &["token", "verify", "--jwks", "https://issuer.test/jwks"],
        &token,
        2,
        "undetermined: keys_unavailable\n  the keys are unavailable: standard error says why\n",
        "error: this version does not fetch keys from a URL; a later one will\nhelp: ",
    );
}

#[test]
fn an_unusable_file_is_undetermined_and_says_why() {
    let token = token(&key(Algorithm::EdDSA), &json!({}));
    let folder = env!("CARGO_TARGET_TMPDIR");
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let many = json!({ "keys": vec![json!({}); 257] }).to_string();
    let repeated = r#"{"keys":[],"keys":[]}"#;
    let missing = no_file();
    let file = |name: &str, contents: &str| file(&format!("unusable.{name}"), contents);
    for (flag, path, reason) in [
        ("--jwks", missing.clone(), "No such file"),
        ("--jwks", folder.to_owned(), "directory"),
        ("--jwks", file("empty", ""), "not strict JSON"),
        ("--jwks", file("text", "jwks"), "not strict JSON"),
        ("--jwks", file("repeated", repeated), "not strict JSON"),
        ("--jwks", file("list", "[]"), "neither a JWKS nor a JWK"),
        ("--jwks", file("object", "{}"), "neither a JWKS nor a JWK"),
        ("--jwks", file("many", &many), "more than 256 keys"),
        (
            "--jwks",
            file("large", &" ".repeat(256 * 1024 + 1)),
            "larger than 262144",
        ),
        (
            "--jwks",
            file("huge", &" ".repeat(1024 * 1024 + 1)),
            "larger than 1 MiB",
        ),
        ("--jwks", file("pem", broken), "--public-key"),
        ("--public-key", missing.clone(), "No such file"),
        ("--public-key", folder.to_owned(), "directory"),
        ("--public-key", file("no_pem", "{}"), "not PEM"),
        (
            "--public-key",
            file("broken", broken),
            "it is not a SubjectPublicKeyInfo",
        ),
        (
            "--public-key",
            file("private", private),
            "it is a private key",
        ),
        (
            "--public-key",
            file("certificate", certificate),
            "it is a certificate",
        ),
        ("--secret-file", missing, "No such file"),
        (
            "--secret-file",
            file("short", "31 bytes are less than 32 bytes"),
            "too weak",
        ),
        ("--secret-file", file("no_secret", ""), "too weak"),
        (
            "--secret-file",
            file("key_text", private),
            "the text of a key",
        ),
        (
            "--secret-file",
            file("huge_secret", &"x".repeat(1024 * 1024 + 1)),
            "larger than 1 MiB",
        ),
    ] {
        check_verify(&[flag, &path], &token, 2, undetermined(), reason);
        check_verify(&[flag, &path], &token, 2, undetermined(), flag);
        let error = r#"{"error":{"code":"keys_unavailable","message":""#;
        check_verify(&[flag, &path], &token, 2, undetermined(), error);
        let text =
            "undetermined: keys_unavailable\n  the keys are unavailable: standard error says why\n";
        check(
            &["token", "verify", flag, &path],
            &token,
            2,
            text,
            "\nhelp: ",
        );
    }
}

#[test]
fn a_public_key_as_the_secret_is_refused() {
    let key = key(Algorithm::RS256);
    let pem = key.public_pem().unwrap();
    let file = file("public_as_secret.pem", &pem);
    let token = token_with_header(&key, &json!({ "alg": "HS256" }));
    check_verify(
        &["--secret-file", &file],
        token,
        2,
        undetermined(),
        "the text of a key",
    );
}

#[test]
fn an_empty_key_set_knows_no_key() {
    let key = key(Algorithm::EdDSA);
    let signed = token(&key, &json!({}));
    let nameless = token_with_header(&key, &json!({ "alg": "EdDSA" }));
    let now = NOW.to_string();
    let file = file("no_key", r#"{"keys":[]}"#);
    for token in [&signed, &nameless] {
        check_verify(&["--jwks", &file], token, 1, &rejected("unknown_key"), "");
        let arguments = ["token", "verify", "--jwks", &file, "--now", &now];
        let text = "rejected: unknown_key\n  token is signed with an unknown key\n\
            help: get the issuer's current key set\n";
        let note = "note: the key set has no key that can be used\n";
        check(&arguments, token, 1, text, note);
    }
}

#[test]
fn a_key_set_none_of_whose_keys_can_be_used_is_no_key_source() {
    let key = key(Algorithm::EdDSA);
    let signed = token(&key, &json!({}));
    let mut encryption = key.public_jwk().unwrap();
    encryption["use"] = "enc".into();
    for (name, keys, why) in [
        ("no_objects", json!([1, null]), "it is not a JSON object"),
        ("use", json!([encryption]), "use is not sig"),
    ] {
        let file = file(
            &format!("no_usable_key.{name}"),
            json!({ "keys": keys }).to_string(),
        );
        check_verify(&["--jwks", &file], &signed, 2, undetermined(), why);
    }
}

#[test]
fn a_key_that_cannot_be_used_does_not_spoil_the_others() {
    let good = key(Algorithm::ES256);
    let mut broken = key(Algorithm::ES256).with_kid("k2").public_jwk().unwrap();
    broken["x"] = "AA".into();
    let keys = json!({ "keys": [broken, good.public_jwk().unwrap()] }).to_string();
    let file = file("spoiled.jwks", keys);
    let token = token(&good, &json!({}));
    check_verify(&["--jwks", &file], &token, 0, &accepted(&json!({})), "");
    let arguments = ["token", "verify", "--jwks", &file, "--batch"];
    let now = NOW.to_string();
    let arguments = [&arguments[..], &["--now", &now]].concat();
    check(
        &arguments,
        &token,
        0,
        &accepted(&json!({})),
        "note: key number 1 ",
    );
}

#[test]
fn a_key_for_encryption_is_mentioned_only_if_a_key_is_missing() {
    let good = key(Algorithm::ES256);
    let mut other = key(Algorithm::RS256).with_kid("k2").public_jwk().unwrap();
    other["use"] = "enc".into();
    let keys = json!({ "keys": [good.public_jwk().unwrap(), other] }).to_string();
    let file = file("encryption.jwks", keys);
    let now = NOW.to_string();
    let flags = ["token", "verify", "--jwks", &file, "--now", &now, "--batch"];
    let known = token(&good, &json!({}));
    check(&flags, &known, 0, &accepted(&json!({})), "");
    let unknown = token_with_header(&good, &json!({ "alg": "ES256", "kid": "k2" }));
    let note = "note: key number 2 of the key set is left out: ";
    check(&flags, &unknown, 1, &rejected("unknown_key"), note);
    let verdict = "rejected: unknown_key\n  token is signed with an unknown key\n\
        help: get the issuer's current key set\n";
    check(&flags[..6], &unknown, 1, verdict, note);
    let all = [
        &flags[..6],
        &["--iss", "https://issuer.test", "--aud", "my-api"],
    ]
    .concat();
    let output = run(&all, known.as_bytes());
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_secret_means_hs256_unless_others_are_asked_for() {
    let secret = [0x80; 64];
    let file_of = |length: usize| file(&format!("secret.{length}"), &secret[..length]);
    let token_of = |length: usize, algorithm| {
        let secret = SecretBytes::from(&secret[..length]);
        token(
            &SigningKey::from_secret(&secret, algorithm).unwrap(),
            &json!({}),
        )
    };
    let accepted = accepted(&json!({}));
    let check = |length, flags: &[&str], algorithm, exit, stdout: &str, stderr: &str| {
        let file = file_of(length);
        let arguments = [&["--secret-file", &file], flags].concat();
        check_verify(
            &arguments,
            token_of(64.min(length), algorithm),
            exit,
            stdout,
            stderr,
        );
    };
    use Algorithm::{HS256, HS384, HS512};
    let refused = rejected("alg_not_allowed");
    check(32, &[], HS256, 0, &accepted, "");
    check(64, &[], HS256, 0, &accepted, "");
    check(64, &[], HS384, 1, &refused, "");
    check(64, &[], HS512, 1, &refused, "");
    check(48, &["--alg", "HS384"], HS384, 0, &accepted, "");
    check(64, &["--alg", "HS384,HS512"], HS384, 0, &accepted, "");
    check(
        64,
        &["--alg", "HS384", "--alg", "HS512"],
        HS512,
        0,
        &accepted,
        "",
    );
    check(64, &["--alg", "HS384,HS512"], HS256, 1, &refused, "");
    // Long enough for one of the two is not long enough.
    check(
        48,
        &["--alg", "HS384,HS512"],
        HS384,
        2,
        undetermined(),
        "too weak",
    );
    // A token that is refused without a key is refused, whatever is wrong with the secret.
    check(47, &["--alg", "HS384"], HS256, 1, &refused, "too weak");
    // What no secret is for allows nothing.
    check(64, &["--alg", "RS256"], HS256, 1, &refused, "");
    check(64, &["--alg", "RS256,HS512"], HS512, 0, &accepted, "");
}

#[test]
fn one_newline_after_the_secret_is_not_part_of_it() {
    let secret = b"0123456789abcdef0123456789abcde\n";
    let sign = |secret: &[u8]| {
        let key = SigningKey::from_secret(&SecretBytes::from(secret), Algorithm::HS256);
        token(&key.unwrap(), &json!({}))
    };
    let check = |name: &str, end: &str, signed_with: &[u8], good: bool| {
        let contents = [&secret[..], end.as_bytes()].concat();
        let file = file(&format!("secret_newline.{name}"), contents);
        let token = sign(signed_with);
        if good {
            check_verify(
                &["--secret-file", &file],
                token,
                0,
                &accepted(&json!({})),
                "",
            );
        } else {
            check_verify(
                &["--secret-file", &file],
                token,
                1,
                &rejected("bad_signature"),
                "",
            );
        }
    };
    // The secret itself ends in a newline, so the file has to have two.
    check("two", "\n", secret, true);
    // A carriage return is a byte of the secret as any other.
    check("crlf", "\r\n", secret, false);
    check("crlf_signed", "\r\n", &[&secret[..], b"\r"].concat(), true);
    check("three", "\n\n", secret, false);
    check("three_signed", "\n\n", &[&secret[..], b"\n"].concat(), true);
    check("space", " ", &[&secret[..], b" "].concat(), true);
    // With one, it is a byte shorter and too short.
    let file = file("secret_newline.one", secret);
    check_verify(
        &["--secret-file", &file],
        sign(secret),
        2,
        undetermined(),
        "too weak",
    );
}

#[test]
fn a_set_of_shared_secrets_is_a_key_set_too() {
    let jwk = r#"{"kty":"oct","kid":"k1","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let file = file("oct.jwks", format!(r#"{{"keys":[{jwk}]}}"#));
    let key = SigningKey::from_secret(&SecretBytes::from(vec![0; 32]), Algorithm::HS256);
    let token = token(&key.unwrap().with_kid("k1"), &json!({}));
    check_verify(&["--jwks", &file], token, 0, &accepted(&json!({})), "");
}
