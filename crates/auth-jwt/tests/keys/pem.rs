//! Public keys in PEM, and what else is wrapped in it.

use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, VerificationKey, jws};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::{EC, ED, RSA, kind, rsa_numbers};

/// A block of this label around these bytes. The label is put in here, so that no file of this
/// repository looks like a private key.
fn block(label: &str, der: impl AsRef<[u8]>) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// The bytes inside a block.
fn unwrap(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

/// A DER element.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let bytes = length.to_be_bytes();
    let length = match length {
        0..0x80 => bytes[7..].to_vec(),
        0x80..0x100 => [&[0x81], &bytes[7..]].concat(),
        0x100..0x1_0000 => [&[0x82], &bytes[6..]].concat(),
        _ => [&[0x83], &bytes[5..]].concat(),
    };
    [&[tag], &length[..], content].concat()
}

/// RSAPublicKey of RFC 8017 §A.1.1.
fn pkcs1(n: &[u8], e: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| element(0x02, &[&[0], number].concat());
    element(0x30, &[integer(n), element(0x02, e)].concat())
}

/// SubjectPublicKeyInfo of RFC 5280 §4.1 with these object identifiers.
fn spki(oids: &[&[u8]], key: &[u8]) -> Vec<u8> {
    let oids: Vec<_> = oids.iter().map(|oid| element(0x06, oid)).collect();
    let algorithm = element(0x30, &oids.concat());
    let key = element(0x03, &[&[0], key].concat());
    element(0x30, &[algorithm, key].concat())
}

#[track_caller]
fn refused(name: &str, pem: impl AsRef<[u8]>, expected: &str) {
    let error = VerificationKey::from_public_pem(pem.as_ref()).unwrap_err();
    assert_eq!(kind(error), expected, "{name}: {error}");
}

#[track_caller]
fn verifies(name: &str, pem: &str, key: &SigningKey) {
    let read = VerificationKey::from_public_pem(pem.as_bytes())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(read.kid(), None, "{name}");
    let token = key.sign(&json!({ "sub": "u1" })).unwrap();
    let verdict = jws::verify(token.expose(), &KeySet::from(read), 4096);
    assert!(verdict.is_ok(), "{name}: {verdict:?}");
}

#[test]
fn a_public_key_of_each_type_is_read() {
    for key in [&*RSA, &*EC, &*ED] {
        let pem = key.public_pem().unwrap();
        verifies("as it is", &pem, key);
        verifies("with CRLF", &pem.replace('\n', "\r\n"), key);
        verifies(
            "after some text",
            &format!("# the issuer's key\n\n{pem}\n\n"),
            key,
        );
    }
    for algorithm in [Algorithm::ES384, Algorithm::ES512] {
        let key = SigningKey::generate(algorithm).unwrap();
        verifies(algorithm.name(), &key.public_pem().unwrap(), &key);
    }
    let [n, e] = rsa_numbers();
    let pkcs1 = pkcs1(&n, &e);
    verifies("PKCS #1", &block("RSA PUBLIC KEY", pkcs1), &RSA);
}

#[test]
fn a_private_key_is_refused_whatever_is_in_it() {
    for of in ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH ", "DSA "] {
        let pem = block(&format!("{of}PRIVATE KEY"), b"planted");
        refused(of, pem, "not for verifying");
    }
    // The public key in the same file does not help: which of the two was meant?
    let private = block(concat!("PRIVATE", " KEY"), b"planted");
    let both = private + &EC.public_pem().unwrap();
    refused("private, then public", both, "not for verifying");
}

#[test]
fn other_labels_are_refused() {
    let der = unwrap(&EC.public_pem().unwrap());
    for label in [
        "CERTIFICATE",
        "X509 CRL",
        "CERTIFICATE REQUEST",
        "EC PARAMETERS",
        "public key",
        "",
    ] {
        refused(label, block(label, &der), "unsupported");
    }
    refused("DSA", block("DSA PUBLIC KEY", &der), "unsupported");
}

#[test]
fn what_is_no_pem_is_refused() {
    let pem = EC.public_pem().unwrap();
    let utf16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("nothing", "", "malformed");
    refused("text", "planted", "malformed");
    refused("the DER itself", unwrap(&pem), "malformed");
    refused("a JWK", EC.public_jwk().unwrap().to_string(), "malformed");
    refused(
        "an SSH key",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIplanted",
        "malformed",
    );
    refused(
        "a dash less",
        pem.replace("-----BEGIN", "----BEGIN"),
        "malformed",
    );
    refused("UTF-16", utf16, "malformed");
    // Which kind of no is said here follows from how far the text could be read.
    for (name, pem) in [
        ("cut off", pem[..pem.len() / 2].to_owned()),
        (
            "an end of another label",
            pem.replace("END PUBLIC", "END RSA PUBLIC"),
        ),
        ("a letter of no alphabet", pem.replacen('\n', "\n!", 1)),
        ("an empty body", block("PUBLIC KEY", b"")),
        ("no ASN.1", block("PUBLIC KEY", b"planted")),
        ("cut-off ASN.1", block("PUBLIC KEY", &unwrap(&pem)[..40])),
        ("a null", block("PUBLIC KEY", [5, 0])),
        (
            "an endless length",
            block("PUBLIC KEY", [0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        ),
        (
            "a length of lengths",
            block("PUBLIC KEY", [0x30, 0xff].repeat(40)),
        ),
    ] {
        assert!(
            VerificationKey::from_public_pem(pem.as_bytes()).is_err(),
            "{name}"
        );
    }
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let x25519: &[u8] = &[0x2b, 0x65, 0x6e];
    let ed448: &[u8] = &[0x2b, 0x65, 0x71];
    let ec: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let p256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let secp256k1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x0a];
    let dsa: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
    let ed25519: &[u8] = &[0x2b, 0x65, 0x70];
    let public = |oids: &[&[u8]], key: &[u8]| block("PUBLIC KEY", spki(oids, key));
    // The base point of secp256k1.
    let koblitz = [
        "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
    ]
    .concat();
    let koblitz: Vec<u8> = (0..koblitz.len() / 2)
        .map(|at| u8::from_str_radix(&koblitz[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let point = unwrap(&EC.public_pem().unwrap());
    let point = &point[point.len() - 65..];
    let off_curve = [&point[..64], &[point[64] ^ 1]].concat();
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    refused("X25519", public(&[x25519], &[9; 32]), "unsupported");
    refused("Ed448", public(&[ed448], &[9; 57]), "unsupported");
    refused("DSA", public(&[dsa], &[9; 128]), "unsupported");
    refused(
        "secp256k1",
        public(&[ec, secp256k1], &koblitz),
        "unsupported",
    );
    refused("no curve", public(&[ec], &koblitz), "unsupported");
    refused(
        "P-256 for Ed25519",
        public(&[ed25519, p256], &[9; 32]),
        "unsupported",
    );
    refused(
        "secp256k1 called P-256",
        public(&[ec, p256], &koblitz),
        "malformed",
    );
    refused(
        "off the curve",
        public(&[ec, p256], &off_curve),
        "malformed",
    );
    refused(
        "a compressed point",
        public(&[ec, p256], &compressed),
        "unsupported",
    );
    refused(
        "the point at infinity",
        public(&[ec, p256], &[0]),
        "unsupported",
    );
    refused(
        "a short Ed25519 key",
        public(&[ed25519], &[9; 31]),
        "malformed",
    );
    refused(
        "a long Ed25519 key",
        public(&[ed25519], &[9; 33]),
        "malformed",
    );
}

#[test]
fn a_weak_rsa_key_is_refused() {
    let [n, e] = rsa_numbers();
    let rsa: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let mut of_2047_bits = n.clone();
    of_2047_bits[0] >>= 1;
    for (name, n, e) in [
        ("1024 bits", &n[..128], &e[..]),
        ("2047 bits", &of_2047_bits, &e),
        ("exponent 1", &n, &[1]),
        ("exponent 65536", &n, &[1, 0, 0]),
    ] {
        let der = pkcs1(n, e);
        for pem in [
            block("RSA PUBLIC KEY", &der),
            block("PUBLIC KEY", spki(&[rsa], &der)),
        ] {
            // A key too weak may also be one that the library below does not read at all.
            let error = VerificationKey::from_public_pem(pem.as_bytes()).unwrap_err();
            assert!(
                ["weak", "malformed"].contains(&kind(error)),
                "{name}: {error}"
            );
        }
    }
}

/// A reader of ASN.1 that recurses must not be led arbitrarily deep.
#[test]
fn elements_within_elements_are_refused() {
    for depth in [3, 100, 500, 5_000] {
        let nested = (0..depth).fold(vec![5, 0], |inner, _| element(0x30, &inner));
        for pem in [
            block("PUBLIC KEY", &nested),
            block("RSA PUBLIC KEY", &nested),
        ] {
            assert!(
                VerificationKey::from_public_pem(pem.as_bytes()).is_err(),
                "{depth}"
            );
        }
    }
}
