//! The third part: bytes that are no signature, a signature of something else, a second spelling
//! of a good one.

use auth_jwt::Algorithm;
use auth_jwt::Algorithm::{ES256, ES384, ES512, EdDSA, HS256, HS512, PS256, RS256};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::json;

use crate::support::{claims_with, decode, encode, honest_claims, sign};
use crate::{Row, VERIFIER, honest_parts, hs256, key, refused, row};

#[test]
fn a_signature_of_something_else_is_refused() {
    refused(rows());
}

pub(crate) fn rows() -> Vec<Row> {
    [lengths(), values(), second_spellings(), moved()]
        .into_iter()
        .flatten()
        .collect()
}

/// An honest token of the algorithm, its signature changed.
fn changed(algorithm: Algorithm, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let token = key(algorithm).sign(&honest_claims()).unwrap();
    let (input, signature) = token.expose().rsplit_once('.').unwrap();
    let mut signature = decode(signature);
    change(&mut signature);
    format!("{input}.{}", encode(signature))
}

fn lengths() -> Vec<Row> {
    let code = "bad_signature";
    vec![
        row(
            "ES256, no signature (CVE-2020-28042)",
            code,
            changed(ES256, Vec::clear),
        ),
        row("RS256, no signature", code, changed(RS256, Vec::clear)),
        row("EdDSA, no signature", code, changed(EdDSA, Vec::clear)),
        row("HS256, no signature", code, changed(HS256, Vec::clear)),
        row(
            "ES256, the last byte is gone",
            code,
            changed(ES256, |s| s.truncate(63)),
        ),
        row("ES256, a byte more", code, changed(ES256, |s| s.push(0))),
        row(
            "ES256, a byte before",
            code,
            changed(ES256, |s| s.insert(0, 0)),
        ),
        row("ES256, r alone", code, changed(ES256, |s| s.truncate(32))),
        row(
            "ES256, both numbers as wide as those of ES384",
            code,
            changed(ES256, |s| {
                *s = [&[0; 16], &s[..32], &[0; 16], &s[32..]].concat();
            }),
        ),
        row(
            "ES512, both numbers less a leading byte",
            code,
            changed(ES512, |s| {
                *s = [&s[1..66], &s[67..]].concat();
            }),
        ),
        row(
            "EdDSA, the last byte is gone",
            code,
            changed(EdDSA, |s| s.truncate(63)),
        ),
        row("EdDSA, a byte more", code, changed(EdDSA, |s| s.push(0))),
        row(
            "RS256, the last byte is gone",
            code,
            changed(RS256, |s| s.truncate(255)),
        ),
        row(
            "RS256, a zero byte before",
            code,
            changed(RS256, |s| s.insert(0, 0)),
        ),
        row(
            "RS256, a zero byte after",
            code,
            changed(RS256, |s| s.push(0)),
        ),
        row(
            "HS256, the first half of the tag",
            code,
            changed(HS256, |s| s.truncate(16)),
        ),
        row(
            "HS256, the first byte of the tag",
            code,
            changed(HS256, |s| s.truncate(1)),
        ),
        row("HS256, a byte more", code, changed(HS256, |s| s.push(0))),
        row(
            "HS512, the tag cut to that of HS256",
            code,
            changed(HS512, |s| s.truncate(32)),
        ),
        row(
            "a signature of 8 KiB",
            code,
            changed(ES256, |s| s.resize(8 * 1024, 7)),
        ),
    ]
}

fn values() -> Vec<Row> {
    let code = "bad_signature";
    let order = &P256_ORDER[..];
    let modulus = key(RS256).public_jwk().unwrap();
    let modulus = decode(modulus["n"].as_str().unwrap());
    let one = [&[0; 31][..], &[1]].concat();
    let identity = [&[1][..], &[0; 63]].concat();
    vec![
        row(
            "ES256, r and s are zero (CVE-2022-21449)",
            code,
            changed(ES256, |s| s.fill(0)),
        ),
        row(
            "ES384, r and s are zero",
            code,
            changed(ES384, |s| s.fill(0)),
        ),
        row(
            "ES512, r and s are zero",
            code,
            changed(ES512, |s| s.fill(0)),
        ),
        row(
            "ES256, r is zero",
            code,
            changed(ES256, |s| s[..32].fill(0)),
        ),
        row(
            "ES256, s is zero",
            code,
            changed(ES256, |s| s[32..].fill(0)),
        ),
        row(
            "ES256, r and s are the order",
            code,
            changed(ES256, |s| *s = [order, order].concat()),
        ),
        row(
            "ES256, r is the order",
            code,
            changed(ES256, |s| s[..32].copy_from_slice(order)),
        ),
        row(
            "ES256, s is the order",
            code,
            changed(ES256, |s| s[32..].copy_from_slice(order)),
        ),
        row(
            "ES256, r and s are one",
            code,
            changed(ES256, |s| *s = [&one[..], &one].concat()),
        ),
        row(
            "ES256, all bits set",
            code,
            changed(ES256, |s| s.fill(0xff)),
        ),
        row(
            "ES256, r and s in each other's place",
            code,
            changed(ES256, |s| s.rotate_left(32)),
        ),
        row(
            "ES256, each number's bytes reversed",
            code,
            changed(ES256, |s| {
                s[..32].reverse();
                s[32..].reverse();
            }),
        ),
        row(
            "ES256, the first bit flipped",
            code,
            changed(ES256, |s| s[0] ^= 0x80),
        ),
        row(
            "ES256, the last bit flipped",
            code,
            changed(ES256, |s| s[63] ^= 1),
        ),
        row(
            "ES512, a bit above the field",
            code,
            changed(ES512, |s| s[0] |= 0x80),
        ),
        row("EdDSA, all zero", code, changed(EdDSA, |s| s.fill(0))),
        row(
            "EdDSA, the identity for R and zero for S",
            code,
            changed(EdDSA, |s| *s = identity),
        ),
        row(
            "EdDSA, zero for S",
            code,
            changed(EdDSA, |s| s[32..].fill(0)),
        ),
        row(
            "EdDSA, the highest bit flipped",
            code,
            changed(EdDSA, |s| s[63] ^= 0x80),
        ),
        row("RS256, zero", code, changed(RS256, |s| s.fill(0))),
        row(
            "RS256, one",
            code,
            changed(RS256, |s| {
                s.fill(0);
                s[255] = 1;
            }),
        ),
        row("RS256, the modulus", code, changed(RS256, |s| *s = modulus)),
        row(
            "RS256, all bits set",
            code,
            changed(RS256, |s| s.fill(0xff)),
        ),
        row(
            "RS256, the padding in the clear",
            code,
            changed(RS256, |s| {
                s.fill(0xff);
                s[..2].copy_from_slice(&[0, 1]);
            }),
        ),
        row("PS256, zero", code, changed(PS256, |s| s.fill(0))),
        row("HS256, zero", code, changed(HS256, |s| s.fill(0))),
        row(
            "HS256, the last bit flipped",
            code,
            changed(HS256, |s| s[31] ^= 1),
        ),
    ]
}

fn second_spellings() -> Vec<Row> {
    vec![
        row(
            "EdDSA, the order added to S (RFC 8032 §8.4)",
            "bad_signature",
            changed(EdDSA, |s| {
                let mut carry = 0;
                for (byte, order) in s[32..].iter_mut().zip(ED25519_ORDER) {
                    let sum = u16::from(*byte) + u16::from(order) + carry;
                    (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
                }
                assert_eq!(carry, 0, "S below the order stays below 2^256 with it");
            }),
        ),
        row(
            "ES256, written in DER",
            "bad_signature",
            changed(ES256, |s| *s = der(s)),
        ),
        row("ES256, a signature in lower case", "bad_signature", {
            let [header, payload, _] = honest_parts();
            format!("{header}.{payload}.{}", "abcdefgh".repeat(10) + "abcdeg")
        }),
        row(
            "HS256, the tag in hexadecimal",
            "bad_signature",
            changed(HS256, |s| {
                *s = s
                    .iter()
                    .flat_map(|byte| format!("{byte:02x}").into_bytes())
                    .collect();
            }),
        ),
        row(
            "HS256, the tag encoded twice",
            "bad_signature",
            changed(HS256, |s| *s = encode(&s).into_bytes()),
        ),
    ]
}

/// An honest signature at the wrong place.
fn moved() -> Vec<Row> {
    let code = "bad_signature";
    let [header, payload, signature] = honest_parts();
    let other = claims_with("sub", json!("planted-administrator")).to_string();
    let other = encode(other);
    let other_header = encode(json!({ "alg": "ES256", "kid": "ES256" }).to_string());
    let [.., of_another] = honest_parts();
    let es256 = key(ES256);
    let claims = honest_claims().to_string();
    let signature_of = |signed: String| signed.rsplit_once('.').unwrap().1.to_owned();
    let spelled = encode(format!("{claims} "));
    vec![
        row(
            "the payload of another token",
            code,
            format!("{header}.{other}.{signature}"),
        ),
        row(
            "the same claims spelled otherwise",
            code,
            format!("{header}.{spelled}.{signature}"),
        ),
        row(
            "the header of another token",
            code,
            format!("{other_header}.{payload}.{signature}"),
        ),
        row(
            "header and payload in each other's place",
            "malformed",
            format!("{payload}.{header}.{signature}"),
        ),
        row(
            "the payload taken away (detached)",
            code,
            format!("{header}..{signature}"),
        ),
        row("r of one signature and s of another", code, {
            let mixed = [&decode(&signature)[..32], &decode(&of_another)[32..]].concat();
            format!("{header}.{payload}.{}", encode(mixed))
        }),
        row("signed with an empty header", code, {
            let signature = signature_of(sign(es256, "", &claims));
            format!("{header}.{payload}.{signature}")
        }),
        row("signed with the header of another algorithm", code, {
            let signature = signature_of(sign(es256, r#"{"alg":"ES512"}"#, &claims));
            format!("{header}.{payload}.{signature}")
        }),
        row("the payload alone is signed", code, {
            let header = encode(r#"{"alg":"HS256","kid":"HS256"}"#);
            let signature = signature_of(hs256(&crate::SECRET, &payload));
            format!("{header}.{payload}.{signature}")
        }),
        row("what is signed is not encoded", code, {
            let header = r#"{"alg":"HS256","kid":"HS256"}"#;
            let signature = signature_of(hs256(&crate::SECRET, &format!("{header}.{claims}")));
            format!("{}.{payload}.{signature}", encode(header))
        }),
        row("signed across another dot", code, {
            // The same bytes, were the dot not part of what is signed.
            let joined = hs256(&crate::SECRET, &format!("{header}{payload}"));
            let header = encode(r#"{"alg":"HS256"}"#);
            format!("{header}.{payload}.{}", signature_of(joined))
        }),
    ]
}

/// What the rows stand beside, and what a cache of tokens has to know: for every ECDSA signature
/// (r, s) there is (r, −s), and JWS does not say which of the two an issuer writes. So whoever has
/// a token can write a second one that says the same; refusing it would refuse honest issuers.
#[test]
fn an_ecdsa_signature_has_a_twin_that_verifies() {
    let twin = changed(ES256, |s| {
        let mut borrow = 0;
        for (byte, order) in s[32..].iter_mut().zip(P256_ORDER).rev() {
            let difference = i16::from(order) - i16::from(*byte) - borrow;
            (*byte, borrow) = (difference.to_le_bytes()[0], i16::from(difference < 0));
        }
    });
    assert!(VERIFIER.verify_with_known_keys(&twin).is_ok());
}

/// Without this the row could be refused for bad DER, and a verifier that reads DER would not be
/// caught.
#[test]
fn the_der_of_the_table_is_a_good_signature_elsewhere() {
    let [header, payload, signature] = honest_parts();
    let jwk = key(ES256).public_jwk().unwrap();
    let point = ["x", "y"].map(|name| decode(jwk[name].as_str().unwrap()));
    let point = [&[4][..], &point[0], &point[1]].concat();
    let message = format!("{header}.{payload}");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(message.as_bytes(), &der(&decode(&signature)))
        .unwrap();
}

/// SEQUENCE { INTEGER r, INTEGER s } of two numbers of 32 bytes each.
fn der(fixed: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().position(|&byte| byte != 0).unwrap();
        let number = &number[start..];
        let sign: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
        let length = u8::try_from(sign.len() + number.len()).unwrap();
        [&[0x02, length], sign, number].concat()
    };
    let integers = [integer(&fixed[..32]), integer(&fixed[32..])].concat();
    let length = u8::try_from(integers.len()).unwrap();
    [&[0x30, length], &integers[..]].concat()
}

/// The order of P-256, highest byte first.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of the base point of Ed25519, lowest byte first.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
];
