//! JSON Web Keys (RFC 7517), read from a document that somebody else publishes.

use super::{KeyError, MISMATCH, VerificationKey, hmac};
use crate::Algorithm;
use crate::base64url;
use crate::json::Element;

pub(super) fn import(jwk: Element<'_>) -> Result<VerificationKey, KeyError> {
    let kid = text(jwk, "kid")?;
    meant_for_verifying(jwk)?;
    let pinned = text(jwk, "alg")?
        .map(|name| {
            name.parse::<Algorithm>()
                .map_err(|_| KeyError::Unsupported("alg is not a supported signature algorithm"))
        })
        .transpose()?;
    let pinned = pinned.as_ref().map(std::slice::from_ref);
    let key = match required_text(jwk, "kty")? {
        "RSA" => rsa(jwk, pinned.unwrap_or(&Algorithm::RSA)),
        "EC" => curve_point(jwk, pinned),
        "OKP" => octet_key_pair(jwk, pinned),
        "oct" => secret(jwk, pinned),
        _ => Err(KeyError::Unsupported("kty is none of RSA, EC, OKP, oct")),
    }?;
    Ok(match kid {
        Some(kid) => key.with_kid(kid),
        None => key,
    })
}

/// `use` and `key_ops` (RFC 7517 §4.2, §4.3) are enforced where they are stated.
fn meant_for_verifying(jwk: Element<'_>) -> Result<(), KeyError> {
    if text(jwk, "use")?.is_some_and(|usage| usage != "sig") {
        return Err(KeyError::NotForVerifying("use is not sig"));
    }
    if let Some(operations) = jwk.get("key_ops") {
        let mut operations = operations
            .as_texts()
            .ok_or(KeyError::Malformed("key_ops is not a list of texts"))?;
        if !operations.any(|operation| operation == "verify") {
            return Err(KeyError::NotForVerifying("key_ops does not include verify"));
        }
    }
    Ok(())
}

fn rsa(jwk: Element<'_>, algorithms: &[Algorithm]) -> Result<VerificationKey, KeyError> {
    let number = |name| {
        let bytes = bytes(jwk, name)?;
        // RFC 7518 §2 forbids leading zeros, some issuers write one all the same; the number, and
        // with it the key, is the same.
        let start = bytes.iter().position(|&byte| byte != 0);
        Ok(bytes[start.unwrap_or(bytes.len())..].to_vec())
    };
    VerificationKey::from_rsa_components(&number("n")?, &number("e")?, algorithms)
}

fn curve_point(
    jwk: Element<'_>,
    pinned: Option<&[Algorithm]>,
) -> Result<VerificationKey, KeyError> {
    let (algorithm, size) = match required_text(jwk, "crv")? {
        "P-256" => (Algorithm::ES256, 32),
        "P-384" => (Algorithm::ES384, 48),
        "P-521" => (Algorithm::ES512, 66),
        _ => return Err(KeyError::Unsupported("crv is none of P-256, P-384, P-521")),
    };
    only(pinned, algorithm)?;
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    // RFC 7518 §6.2.1.2: exactly the size of the field.
    if x.len() != size || y.len() != size {
        return Err(KeyError::Malformed("a coordinate has the wrong length"));
    }
    let point = [&[0x04], &x[..], &y[..]].concat();
    VerificationKey::from_curve_point(&point, algorithm)
}

fn octet_key_pair(
    jwk: Element<'_>,
    pinned: Option<&[Algorithm]>,
) -> Result<VerificationKey, KeyError> {
    if required_text(jwk, "crv")? != "Ed25519" {
        return Err(KeyError::Unsupported("crv is not Ed25519"));
    }
    only(pinned, Algorithm::EdDSA)?;
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return Err(KeyError::Malformed("x is not 32 bytes"));
    }
    VerificationKey::from_curve_point(&x, Algorithm::EdDSA)
}

/// A secret without `alg` may be used with each HMAC it is long enough for.
fn secret(jwk: Element<'_>, pinned: Option<&[Algorithm]>) -> Result<VerificationKey, KeyError> {
    let secret = zeroize::Zeroizing::new(bytes(jwk, "k")?);
    let long_enough: Vec<_> = Algorithm::HMAC
        .into_iter()
        .filter(|algorithm| secret.len() >= algorithm.min_secret_bytes())
        .collect();
    match pinned {
        Some(pinned) => hmac::import(&secret, pinned),
        // Shorter than the shortest hash: let the import say so.
        None if long_enough.is_empty() => hmac::import(&secret, &[Algorithm::HS256]),
        None => hmac::import(&secret, &long_enough),
    }
}

fn only(pinned: Option<&[Algorithm]>, algorithm: Algorithm) -> Result<(), KeyError> {
    match pinned {
        Some(pinned) if pinned != [algorithm] => Err(MISMATCH),
        _ => Ok(()),
    }
}

fn bytes(jwk: Element<'_>, name: &str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(required_text(jwk, name)?)
        .map_err(|_| KeyError::Malformed("a member is not canonical base64url"))
}

fn required_text<'a>(jwk: Element<'a>, name: &str) -> Result<&'a str, KeyError> {
    text(jwk, name)?.ok_or(KeyError::Malformed("a member is missing"))
}

fn text<'a>(jwk: Element<'a>, name: &str) -> Result<Option<&'a str>, KeyError> {
    match jwk.get(name).map(Element::as_text) {
        None => Ok(None),
        Some(Some(text)) => Ok(Some(text)),
        Some(None) => Err(KeyError::Malformed("a member is not text")),
    }
}
