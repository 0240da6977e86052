//! JWKS documents: a bad key is left out, a bad document is refused.

use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, KeySetError, Skip, SkippedKey, VerificationKey, jws};
use serde_json::{Value, json};

use crate::support::{decode, encode};
use crate::{EC, ED, RSA, jwk, kind, rsa_numbers};

/// A set of this key and a good one keeps the good one and says what is wrong with the other.
#[track_caller]
fn left_out(name: &str, key: &Value, expected: &str) {
    let mut good = jwk(&ED);
    good["kid"] = json!("good");
    let keys = read(&json!({ "keys": [key, good] }));
    assert_eq!(kids(&keys), [Some("good")], "{name}");
    let [
        SkippedKey {
            index: 0, reason, ..
        },
    ] = keys.skipped()
    else {
        panic!("{name}: {:?}", keys.skipped());
    };
    let Skip::Unusable(error) = *reason else {
        panic!("{name}: {reason}");
    };
    assert_eq!(kind(error), expected, "{name}: {error}");
    let alone = VerificationKey::from_jwk(key.to_string().as_bytes());
    assert_eq!(alone.unwrap_err(), error, "{name}");
    let said = format!("{keys:?} {error} {error:?}");
    assert!(!said.contains("planted"), "{name}: {said}");
}

#[track_caller]
fn read(document: &Value) -> KeySet {
    KeySet::from_jwks(document.to_string().as_bytes()).unwrap()
}

fn kids(keys: &KeySet) -> Vec<Option<&str>> {
    keys.keys().map(VerificationKey::kid).collect()
}

fn with(key: &SigningKey, name: &str, value: Value) -> Value {
    let mut jwk = jwk(key);
    jwk[name] = value;
    jwk
}

fn without(key: &SigningKey, name: &str) -> Value {
    let mut jwk = jwk(key);
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

/// The bytes of a member, changed.
fn changed(key: &SigningKey, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut bytes = decode(jwk(key)[name].as_str().unwrap());
    change(&mut bytes);
    with(key, name, json!(encode(bytes)))
}

/// CVE-2017-15361: the moduli of these keys are powers of 65537 modulo many primes. This one is a
/// power of it altogether; `tests/wycheproof.rs` has a real one.
#[test]
fn an_rsa_key_with_the_fingerprint_of_roca_is_left_out() {
    let power = changed(&RSA, "n", |n| {
        *n = vec![1];
        // 65537 to the 128th is a little above 2^2048.
        for _ in 0..128 {
            let mut product = [&n[..], &[0, 0]].concat();
            let mut carry = 0;
            for at in (0..product.len()).rev() {
                let addend = at.checked_sub(2).map_or(0, |at| n[at]);
                let sum = u16::from(product[at]) + u16::from(addend) + carry;
                product[at] = sum.to_le_bytes()[0];
                carry = sum >> 8;
            }
            *n = product;
        }
    });
    left_out("ROCA", &power, "weak");
}

#[test]
fn a_key_for_another_purpose_is_left_out() {
    let other = "not for verifying";
    left_out("use enc", &with(&RSA, "use", json!("enc")), other);
    left_out(
        "use in another case",
        &with(&RSA, "use", json!("SIG")),
        other,
    );
    left_out("use empty", &with(&EC, "use", json!("")), other);
    left_out("use a list", &with(&EC, "use", json!(["sig"])), "malformed");
    left_out(
        "key_ops sign",
        &with(&ED, "key_ops", json!(["sign"])),
        other,
    );
    left_out("key_ops empty", &with(&EC, "key_ops", json!([])), other);
    left_out(
        "key_ops in another case",
        &with(&EC, "key_ops", json!(["Verify"])),
        other,
    );
    left_out(
        "key_ops a text",
        &with(&EC, "key_ops", json!("verify")),
        "malformed",
    );
    left_out(
        "key_ops with a number",
        &with(&EC, "key_ops", json!(["verify", 1])),
        "malformed",
    );
    for (name, value) in [
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!(["sign", "verify"])),
        ("planted", json!({ "unknown": true })),
    ] {
        assert_eq!(read(&with(&EC, name, value)).len(), 1, "{name}");
    }
}

#[test]
fn a_key_is_pinned_to_the_algorithm_it_names() {
    let other = "unsupported";
    left_out("alg none", &with(&RSA, "alg", json!("none")), other);
    left_out(
        "alg of an encryption",
        &with(&RSA, "alg", json!("RSA-OAEP")),
        other,
    );
    left_out(
        "alg in another case",
        &with(&RSA, "alg", json!("rs256")),
        other,
    );
    left_out("RSA for HS256", &with(&RSA, "alg", json!("HS256")), other);
    left_out("RSA for ES256", &with(&RSA, "alg", json!("ES256")), other);
    left_out("P-256 for ES384", &with(&EC, "alg", json!("ES384")), other);
    left_out("P-256 for RS256", &with(&EC, "alg", json!("RS256")), other);
    left_out("P-256 for HS256", &with(&EC, "alg", json!("HS256")), other);
    left_out(
        "Ed25519 for ES256",
        &with(&ED, "alg", json!("ES256")),
        other,
    );
    left_out(
        "alg a list",
        &with(&RSA, "alg", json!(["RS256"])),
        "malformed",
    );
    left_out("alg null", &with(&RSA, "alg", json!(null)), "malformed");

    let algorithms = |jwk: &Value| {
        let key = VerificationKey::from_jwk(jwk.to_string().as_bytes()).unwrap();
        key.algorithms().map(Algorithm::name).collect::<Vec<_>>()
    };
    assert_eq!(algorithms(&with(&RSA, "alg", json!("PS512"))), ["PS512"]);
    assert_eq!(
        algorithms(&jwk(&RSA)),
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
    );
    assert_eq!(algorithms(&jwk(&EC)), ["ES256"]);
    assert_eq!(algorithms(&jwk(&ED)), ["EdDSA"]);
}

#[test]
fn a_weak_or_broken_rsa_key_is_left_out() {
    let n = |change: fn(&mut Vec<u8>)| changed(&RSA, "n", change);
    let e = |bytes: &[u8]| with(&RSA, "e", json!(encode(bytes)));
    left_out("1024 bits", &n(|n| n.truncate(128)), "weak");
    left_out("2047 bits", &n(|n| n[0] >>= 1), "weak");
    left_out(
        "2047 bits and a leading zero",
        &n(|n| *n = [&[0, n[0] >> 1], &n[1..]].concat()),
        "weak",
    );
    left_out("1024 bits behind zeros", &n(|n| n[..128].fill(0)), "weak");
    left_out(
        "8193 bits",
        &n(|n| *n = [&[1], &n.repeat(4)[..]].concat()),
        "weak",
    );
    left_out("no modulus at all", &n(Vec::clear), "weak");
    left_out("a modulus of zeros", &n(|n| n.fill(0)), "weak");
    left_out("an even modulus", &n(|n| n[255] &= 0xfe), "malformed");
    left_out("exponent 1", &e(&[1]), "weak");
    left_out("exponent 1 behind zeros", &e(&[0, 0, 1]), "weak");
    left_out("exponent 0", &e(&[0]), "weak");
    left_out("no exponent at all", &e(&[]), "weak");
    left_out("exponent 2", &e(&[2]), "weak");
    left_out("exponent 65536", &e(&[1, 0, 0]), "weak");
    // Checking a signature takes a step for each bit of it.
    left_out(
        "an exponent as long as the modulus",
        &e(&[0x7f; 256]),
        "unsupported",
    );
    left_out(
        "an exponent of 34 bits",
        &e(&[2, 0, 0, 0, 1]),
        "unsupported",
    );
    left_out("n missing", &without(&RSA, "n"), "malformed");
    left_out("e missing", &without(&RSA, "e"), "malformed");
    left_out("n a number", &with(&RSA, "n", json!(65537)), "malformed");
    left_out("e a number", &with(&RSA, "e", json!(65537)), "malformed");
    left_out("e padded", &with(&RSA, "e", json!("AQAB====")), "malformed");
    left_out(
        "e with unused bits set",
        &with(&RSA, "e", json!("Ax")),
        "malformed",
    );
    left_out(
        "n of the other alphabet",
        &with(&RSA, "n", json!("planted+/".repeat(40))),
        "malformed",
    );
}

/// RFC 7518 §2 forbids the zero, but some issuers write it, and the number is the same.
#[test]
fn a_modulus_with_a_leading_zero_is_the_same_key() {
    let [n, e] = rsa_numbers();
    let zero = |number: Vec<u8>| json!(encode([&[0], &number[..]].concat()));
    let mut key = jwk(&RSA);
    key["n"] = zero(n);
    key["e"] = zero(e);
    let token = RSA.sign(&json!({})).unwrap();
    assert!(jws::verify(token.expose(), &read(&key), 4096).is_ok());
}

#[test]
fn a_point_that_is_none_of_the_curve_is_left_out() {
    let x = |change: fn(&mut Vec<u8>)| changed(&EC, "x", change);
    let crv = |crv: &str| with(&EC, "crv", json!(crv));
    let code = "malformed";
    left_out("a short x", &x(|x| x.truncate(31)), code);
    left_out("an x with a leading zero", &x(|x| x.insert(0, 0)), code);
    left_out("an x with a byte more", &x(|x| x.push(0)), code);
    left_out("an empty x", &x(Vec::clear), code);
    left_out("an x of zeros", &x(|x| x.fill(0)), code);
    left_out("an x beyond the field", &x(|x| x.fill(0xff)), code);
    left_out("a short y", &changed(&EC, "y", |y| y.truncate(31)), code);
    left_out("a y one bit off", &changed(&EC, "y", |y| y[31] ^= 1), code);
    left_out("x missing", &without(&EC, "x"), code);
    left_out("y missing", &without(&EC, "y"), code);
    left_out("y a list", &with(&EC, "y", json!(["planted"])), code);
    left_out(
        "y padded",
        &with(
            &EC,
            "y",
            json!(format!("{}=", jwk(&EC)["y"].as_str().unwrap())),
        ),
        code,
    );
    let zero = json!(encode([0; 32]));
    let infinity = json!({ "kty": "EC", "crv": "P-256", "x": zero, "y": zero });
    left_out("the point at infinity", &infinity, code);
    left_out("crv missing", &without(&EC, "crv"), code);
    left_out("crv a number", &with(&EC, "crv", json!(256)), code);
    left_out("crv of another size", &crv("P-384"), code);
    for other in [
        "secp256k1",
        "p-256",
        "P-224",
        "P-256K",
        "BP-256",
        "Ed25519",
        "",
    ] {
        left_out(other, &crv(other), "unsupported");
    }
    // A curve of the same size, under the wrong name: the point 2^255 away is on neither.
    let p384 = SigningKey::generate(Algorithm::ES384).unwrap();
    left_out(
        "P-384 called P-256",
        &with(&p384, "crv", json!("P-256")),
        code,
    );
    left_out(
        "P-384 called P-521",
        &with(&p384, "crv", json!("P-521")),
        code,
    );
}

#[test]
fn an_octet_key_pair_is_ed25519_or_left_out() {
    let code = "malformed";
    for other in ["X25519", "X448", "Ed448", "ed25519", ""] {
        left_out(other, &with(&ED, "crv", json!(other)), "unsupported");
    }
    left_out("a short x", &changed(&ED, "x", |x| x.truncate(31)), code);
    left_out(
        "an x with a byte more",
        &changed(&ED, "x", |x| x.push(0)),
        code,
    );
    left_out("an empty x", &changed(&ED, "x", Vec::clear), code);
    left_out("x missing", &without(&ED, "x"), code);
    left_out("crv missing", &without(&ED, "crv"), code);
    left_out(
        "P-256 as an octet key pair",
        &with(&EC, "kty", json!("OKP")),
        "unsupported",
    );
}

#[test]
fn what_is_no_key_is_left_out() {
    left_out("kty missing", &without(&RSA, "kty"), "malformed");
    left_out("kty a number", &with(&RSA, "kty", json!(1)), "malformed");
    left_out(
        "kty in another case",
        &with(&RSA, "kty", json!("rsa")),
        "unsupported",
    );
    left_out(
        "kty of another signature",
        &with(&RSA, "kty", json!("AKP")),
        "unsupported",
    );
    left_out("kid a number", &with(&EC, "kid", json!(1)), "malformed");
    left_out("kid null", &with(&EC, "kid", json!(null)), "malformed");
    left_out(
        "kid a list",
        &with(&EC, "kid", json!(["planted"])),
        "malformed",
    );
    for entry in [
        json!(null),
        json!(1),
        json!("planted"),
        json!([]),
        json!(true),
        json!({}),
    ] {
        left_out(&entry.to_string(), &entry, "malformed");
    }
    left_out(
        "a key set in a key set",
        &json!({ "keys": [jwk(&EC)] }),
        "malformed",
    );
}

/// Some issuers publish them by mistake; for verifying they are of no use, and nothing prints them.
#[test]
fn private_members_are_passed_over() {
    let key = with(&EC, "d", json!("planted-private-scalar"));
    let keys = read(&key);
    let token = EC.sign(&json!({})).unwrap();
    assert!(jws::verify(token.expose(), &keys, 4096).is_ok());
    assert!(!format!("{keys:?}").contains("planted"));
    // They are not looked at, so a broken one spoils nothing.
    assert_eq!(read(&with(&RSA, "p", json!(7))).len(), 1);
}

fn secret(bytes: usize) -> Value {
    json!({ "kty": "oct", "k": encode(vec![0xa5; bytes]) })
}

#[test]
fn a_shared_secret_is_as_long_as_the_hash() {
    left_out("no bytes (GHSA-pxh4-856f-4h89)", &secret(0), "weak");
    left_out("31 bytes", &secret(31), "weak");
    for (algorithm, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let mut short = secret(least - 1);
        short["alg"] = json!(algorithm);
        left_out(algorithm, &short, "weak");
        let mut enough = secret(least);
        enough["alg"] = json!(algorithm);
        assert_eq!(read(&enough).len(), 1, "{algorithm}");
    }
    let mut asymmetric = secret(64);
    asymmetric["alg"] = json!("RS256");
    left_out("alg RS256", &asymmetric, "unsupported");
    left_out("k missing", &json!({ "kty": "oct" }), "malformed");
    left_out("k a number", &json!({ "kty": "oct", "k": 7 }), "malformed");
    left_out(
        "k padded",
        &json!({ "kty": "oct", "k": "planted-planted-planted-planted-planted-pla=" }),
        "malformed",
    );
    let pem = RSA.public_pem().unwrap();
    left_out(
        "k is a public key",
        &json!({ "kty": "oct", "k": encode(pem) }),
        "not for verifying",
    );

    let algorithms = |bytes| {
        let keys = read(&secret(bytes));
        let [key] = keys.keys().collect::<Vec<_>>()[..] else {
            panic!("{bytes}: {keys:?}");
        };
        key.algorithms().map(Algorithm::name).collect::<Vec<_>>()
    };
    assert_eq!(algorithms(32), ["HS256"]);
    assert_eq!(algorithms(48), ["HS256", "HS384"]);
    assert_eq!(algorithms(64), ["HS256", "HS384", "HS512"]);
}

/// A set with a public key in it is published, whatever the public key is good for, and with it
/// the secret.
#[test]
fn a_secret_beside_a_public_key_is_left_out() {
    let encryption = with(&RSA, "use", json!("enc"));
    let curve = json!({ "kty": "OKP", "crv": "X25519", "x": encode([9; 32]) });
    let later = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" });
    for public in [jwk(&EC), encryption, curve, later] {
        let keys = read(&json!({ "keys": [secret(64), public, secret(32)] }));
        let secrets: Vec<_> = keys
            .skipped()
            .iter()
            .filter(|skipped| skipped.reason == Skip::PublishedSecret)
            .map(|skipped| skipped.index)
            .collect();
        assert_eq!(secrets, [0, 2], "{public}");
    }
    assert_eq!(read(&json!({ "keys": [secret(64), secret(32)] })).len(), 2);
}

#[test]
fn keys_that_a_kid_does_not_tell_apart_are_left_out() {
    let named = |key: &SigningKey, kid: &str| with(key, "kid", json!(kid));
    let another = SigningKey::generate(Algorithm::ES256).unwrap();
    let keys = read(&json!({ "keys": [
        named(&EC, "one"), named(&another, "one"), named(&RSA, "one"), named(&another, "two"),
        jwk(&ED), jwk(&EC),
    ]}));
    let left_out: Vec<_> = keys
        .skipped()
        .iter()
        .map(|key| (key.index, key.reason))
        .collect();
    assert_eq!(left_out, [(0, Skip::Ambiguous), (1, Skip::Ambiguous)]);
    // The same name on a key for other algorithms does not confuse anybody, nor do no names.
    assert_eq!(kids(&keys), [Some("one"), Some("two"), None, None]);
}

#[test]
fn a_broken_key_makes_a_good_one_of_the_same_name_ambiguous() {
    let named = |mut jwk: Value| {
        jwk["kid"] = json!("one");
        jwk
    };
    let good = named(jwk(&EC));
    let left = |other: Value| {
        let keys = read(&json!({ "keys": [good, other] }));
        let reasons: Vec<_> = keys.skipped().iter().map(|key| key.reason).collect();
        (keys.is_empty(), reasons.contains(&Skip::Ambiguous))
    };
    assert_eq!(left(named(with(&EC, "x", json!("AA")))), (true, true));
    // One for another purpose, of another type or of another name confuses nobody.
    assert_eq!(left(named(with(&EC, "use", json!("enc")))), (false, false));
    assert_eq!(left(named(with(&RSA, "n", json!("AA")))), (false, false));
    assert_eq!(left(with(&EC, "x", json!("AA"))), (false, false));
}

#[track_caller]
fn refused(document: impl AsRef<[u8]>, expected: KeySetError) {
    let document = document.as_ref();
    let error = KeySet::from_jwks(document).unwrap_err();
    assert_eq!(error, expected, "{:.80}", String::from_utf8_lossy(document));
    assert!(!format!("{error} {error:?}").contains("planted"));
}

#[test]
fn what_is_no_key_set_is_refused() {
    for document in [
        "null",
        "true",
        "7",
        r#""planted""#,
        "[]",
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":"planted"}"#,
        r#"{"Keys":[]}"#,
        r#"{"error":"planted"}"#,
        // A `kty` beside a broken list does not make it a key.
        r#"{"keys":7,"kty":"RSA"}"#,
    ] {
        refused(document, KeySetError::NotKeySet);
    }
    refused(json!([jwk(&EC)]).to_string(), KeySetError::NotKeySet);
    let good = json!({ "keys": [jwk(&EC)] }).to_string();
    for document in [
        String::new(),
        "planted".to_owned(),
        "<html>planted</html>".to_owned(),
        RSA.public_pem().unwrap(),
        format!("\u{feff}{good}"),
        format!("{good}{good}"),
        format!("{good},"),
        good[..good.len() - 1].to_owned(),
        good.replace("\"kty\"", "\"kty\":\"planted\",\"kty\""),
        good.replace("\"kty\"", "\"kty\":\"oct\",\"\\u006bty\""),
        good.replacen('{', r#"{"keys":[],"#, 1),
        format!(r#"{{"keys":{}{}}}"#, "[".repeat(32), "]".repeat(32)),
        format!(r#"{{"keys":{}"#, "[".repeat(100_000)),
        "[".repeat(200_000),
        r#"{"a":"#.repeat(40_000),
    ] {
        refused(document, KeySetError::NotJson);
    }
    refused(b"{\"keys\":[],\"x\":\"\xff\"}", KeySetError::NotJson);
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(utf16, KeySetError::NotJson);
}

#[test]
fn a_key_set_is_bounded() {
    let filled = |bytes: usize| {
        let frame = r#"{"keys":[],"x":""}"#;
        frame.replace(
            r#""""#,
            &format!(r#""{}""#, "x".repeat(bytes - frame.len())),
        )
    };
    assert!(KeySet::from_jwks(filled(KeySet::MAX_BYTES).as_bytes()).is_ok());
    refused(filled(KeySet::MAX_BYTES + 1), KeySetError::TooLarge);
    let many = |count: usize| json!({ "keys": vec![jwk(&ED); count] });
    assert_eq!(read(&many(KeySet::MAX_KEYS)).len(), KeySet::MAX_KEYS);
    refused(
        many(KeySet::MAX_KEYS + 1).to_string(),
        KeySetError::TooManyKeys,
    );
    // Keys that are left out count too: they cost as much to look at.
    let nulls = json!({ "keys": vec![Value::Null; KeySet::MAX_KEYS + 1] });
    refused(nulls.to_string(), KeySetError::TooManyKeys);
}

#[test]
fn a_single_key_is_a_key_set() {
    assert_eq!(read(&jwk(&RSA)).len(), 1);
    let weak = read(&changed(&RSA, "n", |n| n.truncate(128)));
    assert_eq!((weak.len(), weak.skipped().len()), (0, 1));
    assert!(read(&json!({ "keys": [] })).is_empty());
    // A list is the list, whatever stands beside it.
    let mut both = jwk(&RSA);
    both["keys"] = json!([]);
    assert!(read(&both).is_empty());
}
