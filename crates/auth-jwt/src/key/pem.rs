//! Public keys in PEM (RFC 7468): `SubjectPublicKeyInfo` of RFC 5280, or PKCS #1 for RSA.
//!
//! Read here, element by element, because a reader of any ASN.1 recurses as deep as the text says.

use aws_lc_rs::rsa;

use super::{KeyError, VerificationKey};
use crate::Algorithm;

pub(super) fn import(pem: &[u8]) -> Result<VerificationKey, KeyError> {
    let (label, body) = block(pem).ok_or(KeyError::Malformed("it is not PEM"))?;
    let read = match label {
        "PUBLIC KEY" => subject_public_key_info,
        "RSA PUBLIC KEY" => rsa_public_key,
        label if label.ends_with("PRIVATE KEY") => {
            return Err(KeyError::NotForVerifying(
                "it is a private key; verifying takes the public one",
            ));
        }
        "CERTIFICATE" => {
            return Err(KeyError::Unsupported(
                "it is a certificate; extract its public key",
            ));
        }
        _ => {
            return Err(KeyError::Unsupported(
                "the PEM label is neither PUBLIC KEY nor RSA PUBLIC KEY",
            ));
        }
    };
    let body: String = body.split_ascii_whitespace().collect();
    let der = base64_simd::STANDARD.decode_to_vec(body);
    read(&der.map_err(|_| KeyError::Malformed("the PEM text is not base64"))?)
}

/// The label and the body of the first block, such as `PUBLIC KEY`. Text may stand around it.
fn block(pem: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    let (body, _) = after.split_once(&format!("-----END {label}-----"))?;
    Some((label, body))
}

fn subject_public_key_info(der: &[u8]) -> Result<VerificationKey, KeyError> {
    let (algorithm, parameters, key) =
        split(der).ok_or(KeyError::Malformed("it is not a SubjectPublicKeyInfo"))?;
    let curve = match (algorithm, parameters) {
        (RSA_ENCRYPTION, _) => return rsa_public_key(key),
        (ED25519, &[]) => Algorithm::EdDSA,
        (EC_PUBLIC_KEY, P_256) => Algorithm::ES256,
        (EC_PUBLIC_KEY, P_384) => Algorithm::ES384,
        (EC_PUBLIC_KEY, P_521) => Algorithm::ES512,
        (EC_PUBLIC_KEY, _) => {
            return Err(KeyError::Unsupported(
                "the curve is none of P-256, P-384, P-521",
            ));
        }
        _ => {
            return Err(KeyError::Unsupported(
                "it is not an RSA, EC or Ed25519 public key",
            ));
        }
    };
    if curve != Algorithm::EdDSA && key.first() != Some(&0x04) {
        return Err(KeyError::Unsupported("the point is not uncompressed"));
    }
    VerificationKey::from_curve_point(key, curve)
}

fn rsa_public_key(der: &[u8]) -> Result<VerificationKey, KeyError> {
    let key = rsa::PublicKey::from_der(der)
        .map_err(|_| KeyError::Malformed("the RSA key is not valid"))?;
    VerificationKey::from_rsa_components(
        key.modulus().big_endian_without_leading_zero(),
        key.exponent().big_endian_without_leading_zero(),
        &Algorithm::RSA,
    )
}

/// The identifier of the algorithm, its parameters as they are encoded, and the bits of the key.
fn split(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (info, &[]) = element(SEQUENCE, der)? else {
        return None;
    };
    let (algorithm, key) = element(SEQUENCE, info)?;
    let (identifier, parameters) = element(OBJECT_IDENTIFIER, algorithm)?;
    // The first byte counts unused bits, and a key is whole bytes.
    match element(BIT_STRING, key)? {
        ([0, key @ ..], []) => Some((identifier, parameters, key)),
        _ => None,
    }
}

/// The content of the first element, which has this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [0x82, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]).into(), rest),
        [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

const OBJECT_IDENTIFIER: u8 = 0x06;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

// The named curves as they stand in the parameters: each an object identifier.
/// 1.2.840.10045.3.1.7
const P_256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34
const P_384: &[u8] = &[0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.3.132.0.35
const P_521: &[u8] = &[0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x23];
