//! What must never be printed: the contents of key files, and the text of tokens.

use auth_jwt::Algorithm;
use serde_json::json;

use crate::support::{file, jwks, key, run, text, token};

const PLANTED: &str = "planted-text-that-nobody-may-see";

/// Runs the command, which has to fail, in all its modes, and looks for what was planted.
#[track_caller]
fn check(arguments: &[&str], stdin: &str, planted: &[&str]) {
    for modes in [&[][..], &["--json"], &["--batch"], &["--json", "--batch"]] {
        let arguments = [&["token", "verify"], arguments, modes].concat();
        let output = run(&arguments, stdin.as_bytes());
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        for stream in [output.stdout, output.stderr] {
            let printed = String::from_utf8(stream).unwrap();
            for planted in planted {
                assert!(!printed.contains(planted), "{arguments:?}: {printed}");
            }
        }
    }
}

#[test]
fn the_contents_of_a_key_file_are_not_printed() {
    let token = token(&key(Algorithm::EdDSA), &json!({}));
    let private = format!("-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----\n");
    let public = private.replace("PRIVATE", "PUBLIC");
    let label = format!("-----BEGIN {PLANTED}-----\nAAAA\n-----END {PLANTED}-----\n");
    let document = format!(r#"{{"keys":"{PLANTED}"}}"#);
    let members = format!(
        r#"{{"keys":[{{"kty":"{PLANTED}"}},{{"kty":"oct","k":"{PLANTED}"}},{{"{PLANTED}":1}},"{PLANTED}"]}}"#
    );
    let long = PLANTED.repeat(2);
    for (index, contents) in [
        PLANTED, &long, &private, &public, &label, &document, &members,
    ]
    .iter()
    .enumerate()
    {
        let file = file(&format!("leaks.{index}"), contents);
        for flag in ["--jwks", "--public-key", "--secret-file"] {
            check(&[flag, &file], &token, &[PLANTED]);
            check(&[flag, &file, "--alg", "HS512"], &token, &[PLANTED]);
        }
    }
}

#[test]
fn nothing_of_a_rejected_token_is_printed() {
    let good = key(Algorithm::EdDSA);
    let keys = jwks("leaks.jwks", &[&good]);
    let stranger = key(Algorithm::EdDSA).with_kid(PLANTED);
    for changes in [
        json!({}),
        json!({ "sub": PLANTED, "exp": 1 }),
        json!({ "sub": PLANTED, "exp": PLANTED }),
        json!({ "sub": PLANTED, "exp": 4_102_444_800_i64, "iss": PLANTED }),
        json!({ "exp": 4_102_444_800_i64, "aud": [PLANTED] }),
        json!({ "exp": 4_102_444_800_i64, "sub": null, PLANTED: 1 }),
    ] {
        for key in [&good, &stranger] {
            let token = token(key, &changes);
            let planted: Vec<_> = token.split('.').chain([PLANTED]).collect();
            let arguments = ["--jwks", &keys, "--iss", "a", "--aud", "b"];
            check(&arguments, &token, &planted);
            check(&arguments, &format!("{token}\n\n"), &planted);
            check(&arguments, &format!("Bearer {token}"), &planted);
        }
    }
}

#[test]
fn value_of_a_flag_is_not_repeated() {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----\n");
    let dashed = format!("--{PLANTED}");
    let single = format!("-{PLANTED}");
    for value in [PLANTED, &pem, &dashed, &single] {
        for command in [
            &["token", "verify"][..],
            &["token", "decode"],
            &["token", "mint", "--alg", "ES256"],
            &["mask"],
        ] {
            for flag in [
                "--jwks",
                "--public-key",
                "--secret-file",
                "--key",
                "--policy",
                "--format",
                "--alg",
                "--json",
                "--keys",
            ] {
                for given in [
                    vec![flag.to_owned(), value.to_owned()],
                    vec![format!("{flag}={value}")],
                    vec![value.to_owned(), flag.to_owned()],
                    vec![flag.to_owned(), "--".to_owned(), value.to_owned()],
                ] {
                    let given = given.iter().map(String::as_str);
                    let arguments: Vec<_> = command.iter().copied().chain(given).collect();
                    let output = run(&arguments, b"{}");
                    assert_ne!(output.status.code(), Some(0), "{arguments:?}");
                    for stream in [&output.stdout, &output.stderr] {
                        let printed = text(stream);
                        assert!(!printed.contains("planted"), "{arguments:?}: {printed}");
                    }
                }
            }
        }
    }
}

/// A mistake that is easily made; the shell's history has it then, but a log need not.
#[test]
fn a_token_or_secret_among_the_arguments_is_not_repeated() {
    let token = token(&key(Algorithm::EdDSA), &json!({}));
    check(&["--jwks", "a", &token], "", &[&token]);
    check(&[&token], "", &[&token]);
    check(
        &["--jwks", "a", &format!("--secret={PLANTED}")],
        "",
        &[PLANTED],
    );
    check(&["--jwks", "a", "--secret", PLANTED], "", &[PLANTED]);
    let output = run(&["token", &token], b"");
    assert!(!String::from_utf8(output.stderr).unwrap().contains(&token));
}
