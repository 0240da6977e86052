//! Making a token: what was given is what is signed, and a key never shows.

use std::sync::LazyLock;

use auth_jwt::Algorithm;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256,
};
use serde_json::{Value, json};

use crate::support::{
    NOW, accepted, check, check_verify, claims, file, no_file, rejected, run, text,
};

const SECRET: &str = "planted-secret-of-sixty-four-bytes-that-is-known-to-nobody-else!";

/// One private key of each type, made once.
struct Keys {
    rsa: KeyPair,
    p256: KeyPair,
    p384: KeyPair,
    p521: KeyPair,
    ed25519: KeyPair,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    rsa: KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(),
    p256: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
    p384: KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
    p521: KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap(),
    ed25519: KeyPair::generate_for(&PKCS_ED25519).unwrap(),
});

/// The key an algorithm signs with; none for a shared secret.
fn pair(algorithm: Algorithm) -> Option<&'static KeyPair> {
    Some(match algorithm {
        _ if algorithm.is_symmetric() => return None,
        Algorithm::ES256 => &KEYS.p256,
        Algorithm::ES384 => &KEYS.p384,
        Algorithm::ES512 => &KEYS.p521,
        Algorithm::EdDSA => &KEYS.ed25519,
        _ => &KEYS.rsa,
    })
}

/// Writes what signs and what verifies, and returns the flag and path of the latter last.
fn files(test: &str, algorithm: Algorithm) -> (String, &'static str, String) {
    let name = |half: &str| format!("mint.{test}.{algorithm}.{half}");
    match pair(algorithm) {
        Some(pair) => (
            file(&name("private"), pair.serialize_pem()),
            "--public-key",
            file(&name("public"), pair.public_key_pem()),
        ),
        None => {
            let file = file(&name("secret"), format!("{SECRET}\n"));
            (file.clone(), "--secret-file", file)
        }
    }
}

/// `authctl token mint`, which has to do it without a word; the token without its newline.
#[track_caller]
fn mint(arguments: &[&str], claims: &str) -> String {
    let arguments = [&["token", "mint"], arguments].concat();
    let output = run(&arguments, claims.as_bytes());
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    let token = text(&output.stdout).strip_suffix('\n').unwrap();
    assert!(!token.contains('\n'), "{token}");
    token.to_owned()
}

/// Minting has to fail and say why, in both forms; neither shows a key, a secret or a claim.
#[track_caller]
fn refused(arguments: &[&str], claims: impl AsRef<[u8]>, code: &str, reason: &str) {
    for json in [&[][..], &["--json"]] {
        let arguments = [&["token", "mint"], arguments, json].concat();
        let output = run(&arguments, claims.as_ref());
        let complained = text(&output.stderr);
        let context = format!("{arguments:?}: {complained}");
        assert_eq!(output.status.code(), Some(2), "{context}");
        assert_eq!(text(&output.stdout), "", "{context}");
        assert!(complained.contains(reason), "no {reason:?}: {context}");
        assert!(!complained.contains("planted"), "{context}");
        for line in KEYS.ed25519.serialize_pem().lines() {
            assert!(!complained.contains(line), "{context}");
        }
        if json.is_empty() {
            assert!(complained.starts_with("error: "), "{context}");
            assert!(complained.contains("\nhelp: "), "{context}");
        } else {
            let error: Value = serde_json::from_str(complained).unwrap();
            assert_eq!(error["error"]["code"], code, "{context}");
            assert_ne!(error["error"]["remedy"], "", "{context}");
        }
    }
}

/// The header and the claims of a token, as they stand in it.
#[track_caller]
fn parts(token: &str) -> (Value, String) {
    let decoded = auth_jwt::danger::decode_without_verifying(token).unwrap();
    let header = serde_json::from_str(decoded.header_json()).unwrap();
    (header, decoded.claims_json().to_owned())
}

#[test]
fn a_token_of_each_algorithm_is_accepted_by_token_verify() {
    for algorithm in Algorithm::ALL {
        let (private, flag, public) = files("each", algorithm);
        let alg = algorithm.name();
        let claims = claims(&json!({})).to_string();
        let token = mint(&["--alg", alg, "--key", &private], &claims);
        let verify = [flag, &*public, "--alg", alg];
        check_verify(&verify, &token, 0, &accepted(&json!({})), "");
        // The test could pass by a command that accepts anything.
        let other = mint(&["--alg", alg, "--key", &private], r#"{"sub":"u2"}"#);
        let (body, _) = token.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        let forged = format!("{body}.{signature}");
        check_verify(&verify, forged, 1, &rejected("bad_signature"), "");
    }
}

#[test]
fn claims_go_out_as_they_came_and_no_claim_is_added() {
    let (private, ..) = files("as_they_came", Algorithm::EdDSA);
    let arguments = ["--alg", "EdDSA", "--key", &private];
    for claims in [
        "{}",
        r#"{"z":1,"a":2,"m":{"b":1,"a":[]}}"#,
        r#"{"n":123456789012345678901234567890,"f":1.50,"e":1E2,"minus":-0}"#,
        "{ \"sub\" : \"u1\",\r\n\t\"aud\": [ \"a\" , \"b\" ] }",
        r#"{"sub":"\u004a\u00f6rg","name":"Jörg 渡辺 🦀"}"#,
    ] {
        let (header, payload) = parts(&mint(&arguments, claims));
        assert_eq!(payload, claims);
        assert_eq!(header, json!({ "alg": "EdDSA", "typ": "JWT" }));
        // White space around the document is none of it.
        let (_, payload) = parts(&mint(&arguments, &format!(" \r\n{claims}\n\t\n")));
        assert_eq!(payload, claims);
    }
}

#[test]
fn the_header_says_what_the_flags_say() {
    let (private, ..) = files("header", Algorithm::ES256);
    let key = ["--alg", "ES256", "--key", &private];
    let kid = "a \"quoted\" \u{202e}kid";
    let arguments = [&key[..], &["--kid", kid, "--typ", "at+jwt"]].concat();
    let (header, _) = parts(&mint(&arguments, "{}"));
    assert_eq!(
        header,
        json!({ "alg": "ES256", "kid": kid, "typ": "at+jwt" })
    );
}

#[test]
fn json_wraps_the_token() {
    let (private, _, public) = files("json", Algorithm::EdDSA);
    let claims = claims(&json!({})).to_string();
    let arguments = ["--alg", "EdDSA", "--key", &private, "--json"];
    let answer: Value = serde_json::from_str(&mint(&arguments, &claims)).unwrap();
    let token = answer["token"].as_str().unwrap();
    assert_eq!(answer, json!({ "token": token }));
    let verify = ["--public-key", &*public];
    check_verify(&verify, token, 0, &accepted(&json!({})), "");
}

/// A secret that differs from the file by more than its newline is another secret.
#[test]
fn a_secret_is_read_as_token_verify_reads_it() {
    let claims = claims(&json!({})).to_string();
    for (name, contents) in [
        ("plain", SECRET.to_owned()),
        ("lf", format!("{SECRET}\n")),
        ("crlf", format!("{SECRET}\r\n")),
        ("two", format!("{SECRET}\n\n")),
    ] {
        let file = file(&format!("mint.secret.{name}"), contents);
        let token = mint(&["--alg", "HS256", "--key", &file], &claims);
        let verify = ["--secret-file", &*file];
        check_verify(&verify, token, 0, &accepted(&json!({})), "");
    }
    let plain = file("mint.secret.one", SECRET);
    let crlf = file("mint.secret.other", format!("{SECRET}\r\n"));
    let token = mint(&["--alg", "HS256", "--key", &crlf], &claims);
    let verify = ["--secret-file", &*plain];
    check_verify(&verify, token, 1, &rejected("bad_signature"), "");
}

#[test]
fn a_key_that_cannot_sign_is_refused() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let broken = "-----BEGIN PRIVATE KEY-----\nplanted+\n-----END PRIVATE KEY-----\n";
    let file = |name: &str, contents: &str| file(&format!("mint.unusable.{name}"), contents);
    let empty = file("empty", "");
    let public = file("public", &KEYS.ed25519.public_key_pem());
    for (algorithm, path, reason) in [
        ("EdDSA", no_file(), "No such file"),
        ("HS256", no_file(), "No such file"),
        ("EdDSA", folder.to_owned(), "directory"),
        ("EdDSA", empty.clone(), "not a private key in PEM"),
        ("RS256", file("text", "planted"), "not a private key in PEM"),
        ("ES256", file("broken", broken), "private key"),
        ("EdDSA", public.clone(), "not a private key in PEM"),
        ("EdDSA", file("huge", &"planted".repeat(200_000)), "1 MiB"),
        ("HS256", empty, "too weak"),
        ("HS256", file("short", "planted"), "too weak"),
        ("HS256", public, "the text of a key"),
    ] {
        let arguments = ["--alg", algorithm, "--key", &path];
        refused(&arguments, "{}", "keys_unavailable", reason);
        refused(&arguments, "{}", "keys_unavailable", "the file of --key");
    }
    let short = file("long_enough_for_256", &SECRET[..32]);
    mint(&["--alg", "HS256", "--key", &short], "{}");
    let arguments = ["--alg", "HS512", "--key", &short];
    refused(&arguments, "{}", "keys_unavailable", "64 for HS512");
}

#[test]
fn a_key_of_another_type_or_curve_is_refused() {
    for owner in [
        Algorithm::RS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
    ] {
        let (private, ..) = files("another", owner);
        for algorithm in Algorithm::ALL {
            let arguments = ["--alg", algorithm.name(), "--key", &private];
            if pair(algorithm).is_some_and(|pair| std::ptr::eq(pair, self::pair(owner).unwrap())) {
                mint(&arguments, "{}");
            } else {
                refused(&arguments, "{}", "keys_unavailable", "key");
            }
        }
    }
}

#[test]
fn claims_that_are_not_one_strict_object_are_refused() {
    let (private, ..) = files("claims", Algorithm::EdDSA);
    let arguments = ["--alg", "EdDSA", "--key", &private];
    let deep = |levels: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
    mint(&arguments, &deep(31));
    let deeper = deep(32);
    let deepest = deep(100_000);
    for (claims, reason) in [
        ("", "not JSON"),
        ("\n", "not JSON"),
        ("planted", "not JSON"),
        (r#"{"sub":"planted"#, "not JSON"),
        (r#"{"sub":"planted",}"#, "not JSON"),
        (r#"{"planted":1}{"planted":2}"#, "not JSON"),
        ("\u{feff}{}", "not JSON"),
        ("{'planted':1}", "not JSON"),
        (r#"["planted"]"#, "not an object"),
        (r#""planted""#, "not an object"),
        ("null", "not an object"),
        ("17", "not an object"),
        (r#"{"planted":1,"planted":1}"#, "occurs twice"),
        (r#"{"a":1,"\u0061":2}"#, "occurs twice"),
        (r#"{"a":[{"planted":1,"planted":2}]}"#, "occurs twice"),
        (&*deeper, "32 levels"),
        (&*deepest, "32 levels"),
        (r#"{"exp":1e999}"#, "none that every reader has"),
        (r#"{"sub":"\ud800"}"#, "none that every reader has"),
    ] {
        refused(&arguments, claims, "claims_unusable", reason);
    }
    refused(
        &arguments,
        b"{\"sub\":\"\xff\"}",
        "claims_unusable",
        "not text in UTF-8",
    );
}

#[test]
fn claims_are_bounded() {
    let (private, ..) = files("bounded", Algorithm::EdDSA);
    let arguments = ["--alg", "EdDSA", "--key", &private];
    let of = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    let largest = of(512 * 1024);
    assert_eq!(parts(&mint(&arguments, &largest)).1, largest);
    for bytes in [512 * 1024 + 1, 4 * 1024 * 1024] {
        refused(&arguments, of(bytes), "claims_unusable", "512 KiB");
    }
    // A header may be long too, and its token is no more than anybody reads.
    let kid = "\u{1}".repeat(100_000);
    let arguments = [&arguments[..], &["--kid", &kid]].concat();
    refused(&arguments, largest, "claims_unusable", "token is larger");
}

/// A token is good for as long as its claims say, and these say nothing.
#[test]
fn claims_without_an_end_make_a_token_that_nobody_accepts() {
    let (private, _, public) = files("endless", Algorithm::EdDSA);
    let token = mint(&["--alg", "EdDSA", "--key", &private], r#"{"sub":"u1"}"#);
    let now = NOW.to_string();
    check(
        &[
            "token",
            "verify",
            "--json",
            "--now",
            &now,
            "--public-key",
            &public,
        ],
        token,
        1,
        &rejected("missing_claim"),
        "",
    );
}
