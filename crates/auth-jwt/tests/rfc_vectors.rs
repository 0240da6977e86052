//! The signed examples of the RFCs, one loop per folder of `testdata/jws` at the workspace root.

mod support;

use std::fs;
use std::path::Path;

use auth_jwt::{KeySet, jws};
use serde::Deserialize;
use support::{decode, encode};

const LIMIT: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verified {
    source: String,
    jwk: serde_json::Value,
    token: String,
    algorithm: String,
    payload: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    source: String,
    jwk: serde_json::Value,
    token: String,
    code: String,
}

#[test]
fn what_the_rfcs_sign_verifies_and_nothing_one_bit_away_does() {
    let vectors: Vec<Verified> = read_folder("verified");
    assert_eq!(vectors.len(), 13, "README.md lists the files");
    for vector in vectors {
        let (source, keys) = (&vector.source, key_set(&vector.jwk));
        let verified = jws::verify(&vector.token, &keys, LIMIT)
            .unwrap_or_else(|rejection| panic!("{source}: {rejection}"));
        assert_eq!(verified.algorithm.name(), vector.algorithm, "{source}");
        assert_eq!(verified.payload, vector.payload.as_bytes(), "{source}");
        for flipped in one_bit_away(&vector.token) {
            let verdict = jws::verify(&flipped, &keys, LIMIT);
            assert!(verdict.is_err(), "{source}: {flipped}");
        }
    }
}

#[test]
fn what_the_rfcs_show_and_we_do_not_read_is_refused() {
    let vectors: Vec<Refused> = read_folder("refused");
    assert_eq!(vectors.len(), 9, "README.md lists the files");
    for vector in vectors {
        let rejection = jws::verify(&vector.token, &key_set(&vector.jwk), LIMIT).unwrap_err();
        assert_eq!(rejection.code(), vector.code, "{}", vector.source);
    }
}

fn read_folder<T: for<'de> Deserialize<'de>>(folder: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/jws")
        .join(folder);
    let files = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    files
        .map(|file| {
            let path = file.unwrap().path();
            let vector = serde_json::from_slice(&fs::read(&path).unwrap());
            vector.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

fn key_set(jwk: &serde_json::Value) -> KeySet {
    let keys = KeySet::from_jwks(jwk.to_string().as_bytes()).unwrap();
    assert_eq!((keys.len(), keys.skipped()), (1, &[][..]));
    keys
}

/// The token with one bit of one byte flipped, once for each byte of its three parts.
fn one_bit_away(token: &str) -> Vec<String> {
    let parts: Vec<Vec<u8>> = token.split('.').map(decode).collect();
    let mut tokens = Vec::new();
    for part in 0..parts.len() {
        for at in 0..parts[part].len() {
            let mut parts = parts.clone();
            parts[part][at] ^= 1 << (at % 8);
            let parts: Vec<_> = parts.iter().map(encode).collect();
            tokens.push(parts.join("."));
        }
    }
    tokens
}
