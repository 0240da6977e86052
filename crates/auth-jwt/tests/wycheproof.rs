//! Project Wycheproof's vectors for signatures and key sets, every one with its verdict.
//!
//! They are too large for the repository: `AUTH_SDK_VECTORS` names the folder that has them (see
//! `docs/testing.md`). Where it is not set, the tests say so and pass.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use auth_jwt::{KeySet, jws};
use serde::Deserialize;

/// Where the verdict is not the label, on purpose: the number, the verdict, the reason.
const DEVIATIONS: [(u32, &str, &str); 8] = [
    (346, "alg_not_allowed", PINNED),
    (347, "unknown_key", NO_SUCH_ALGORITHM),
    (350, "alg_not_allowed", PINNED),
    (351, "unknown_key", NO_SUCH_ALGORITHM),
    (367, "verified", SAME_AS_357),
    (370, "verified", SAME_AS_357),
    (372, "malformed", NOT_BASE64URL),
    // The payload is not decoded before the signature is known to be good.
    (373, "bad_signature", NOT_BASE64URL),
];

const PINNED: &str = "the JWK says PS256 and the token PS384; `alg` pins a key to one algorithm";
const NO_SUCH_ALGORITHM: &str = "the JWK says ES521, which is not an algorithm (ES512 is)";
const NOT_BASE64URL: &str = "there is a `?` inside of the base64url; a token has one spelling";
const SAME_AS_357: &str =
    "labelled invalid for its padding, but the file has no padding there: it is vector 357, valid";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    public: Option<serde_json::Value>,
    private: serde_json::Value,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    tc_id: u32,
    comment: String,
    jws: String,
    result: String,
}

#[test]
fn signatures_verify_as_wycheproof_says() {
    check("json_web_signature_test.json", &DEVIATIONS);
}

#[test]
fn key_sets_are_used_as_wycheproof_says() {
    check("json_web_key_test.json", &[]);
}

/// Runs each vector of a file, and compares its verdict with the label or the deviation.
fn check(file: &str, deviations: &[(u32, &str, &str)]) {
    let Some(folder) = folder() else { return };
    let path = folder.join(file);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let vectors: Vectors = serde_json::from_slice(&text).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for group in &vectors.test_groups {
        let keys = group.public.as_ref().unwrap_or(&group.private);
        for vector in &group.tests {
            count += 1;
            assert!(["valid", "invalid"].contains(&&*vector.result));
            let deviation = deviations.iter().find(|(id, ..)| *id == vector.tc_id);
            let verdict = verdict(keys, &vector.jws);
            let fits = match deviation {
                Some((_, expected, _)) => verdict == *expected,
                None => (verdict == "verified") == (vector.result == "valid"),
            };
            if !fits {
                let Vector { tc_id, comment, .. } = vector;
                wrong.push(format!("{tc_id} {comment}: {verdict}, {deviation:?}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{file}");
    assert_eq!(count, vectors.number_of_tests, "{file}");
}

/// `verified` if the signature is that of a key of the document, and otherwise the code.
fn verdict(keys: &serde_json::Value, jws: &str) -> &'static str {
    let Ok(keys) = KeySet::from_jwks(keys.to_string().as_bytes()) else {
        return "not a key set";
    };
    match jws::verify(jws, &keys, 64 * 1024) {
        Ok(_) => "verified",
        Err(rejection) => rejection.code(),
    }
}

/// The folder with the vectors; `None`, and a line that says so, where nobody has named it. That is
/// no failure on a server either: a clone that stands alone has no vectors.
fn folder() -> Option<PathBuf> {
    match env::var_os("AUTH_SDK_VECTORS") {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            let inner = folder.join("wycheproof");
            Some(if inner.is_dir() { inner } else { folder })
        }
        None => {
            // Past the test runner, which keeps the output of what passes to itself.
            let _ = writeln!(
                io::stderr(),
                "skipped: Wycheproof's vectors; set AUTH_SDK_VECTORS to the folder that has them"
            );
            None
        }
    }
}
