//! Public keys in PEM (RFC 7468). The text is unwrapped by jsonwebtoken, the key is judged here.

use aws_lc_rs::rsa;
use jsonwebtoken::DecodingKey;

use super::{KeyError, VerificationKey};
use crate::Algorithm;

pub(super) fn import(pem: &[u8]) -> Result<VerificationKey, KeyError> {
    match label(pem)? {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
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
    }
    if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        return rsa_key(&key);
    }
    if let Ok(key) = DecodingKey::from_ed_pem(pem) {
        return VerificationKey::from_curve_point(contents(&key)?, Algorithm::EdDSA);
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        let point = contents(&key)?;
        // The length of an uncompressed point tells the curve; a point of another curve of the
        // same size does not lie on this one and is refused there.
        let algorithm = match point.len() {
            65 => Algorithm::ES256,
            97 => Algorithm::ES384,
            133 => Algorithm::ES512,
            _ => {
                return Err(KeyError::Unsupported(
                    "the curve is none of P-256, P-384, P-521",
                ));
            }
        };
        return VerificationKey::from_curve_point(point, algorithm);
    }
    Err(KeyError::Unsupported(
        "it is no RSA, EC or Ed25519 public key",
    ))
}

fn rsa_key(key: &DecodingKey) -> Result<VerificationKey, KeyError> {
    let key = rsa::PublicKey::from_der(contents(key)?)
        .map_err(|_| KeyError::Malformed("the RSA key is not valid"))?;
    VerificationKey::from_rsa_components(
        key.modulus().big_endian_without_leading_zero(),
        key.exponent().big_endian_without_leading_zero(),
        &Algorithm::RSA,
    )
}

fn contents(key: &DecodingKey) -> Result<&[u8], KeyError> {
    key.try_get_as_bytes().map_err(|_| NOT_PEM)
}

/// The label of the first block, such as `PUBLIC KEY`.
fn label(pem: &[u8]) -> Result<&str, KeyError> {
    let text = std::str::from_utf8(pem).map_err(|_| NOT_PEM)?;
    let (_, after) = text.split_once("-----BEGIN ").ok_or(NOT_PEM)?;
    let (label, _) = after.split_once("-----").ok_or(NOT_PEM)?;
    Ok(label)
}

const NOT_PEM: KeyError = KeyError::Malformed("it is no PEM text");
