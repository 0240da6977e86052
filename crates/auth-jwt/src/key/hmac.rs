//! Shared secrets, and what must not be mistaken for one.

use aws_lc_rs::hmac;

use super::{Check, KeyError, MISMATCH, VerificationKey};
use crate::Algorithm;

pub(super) fn import(secret: &[u8], algorithms: &[Algorithm]) -> Result<VerificationKey, KeyError> {
    if is_key_text(secret) {
        return Err(KeyError::NotForVerifying(
            "the secret is the text of a key; a shared secret is random bytes",
        ));
    }
    VerificationKey::new(algorithms, |algorithm| {
        let hash = match algorithm {
            Algorithm::HS256 => hmac::HMAC_SHA256,
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => return Err(MISMATCH),
        };
        if secret.len() < algorithm.min_secret_bytes() {
            return Err(KeyError::Weak(
                "a shared secret is at least as long as the hash",
            ));
        }
        Ok(Check::Secret(Box::new(hmac::Key::new(hash, secret))))
    })
}

/// Whether these bytes are a key written down rather than a secret: PEM, SSH, JSON (a JWK, a key
/// set, a list of them) or DER, a byte-order mark before them or not.
fn is_key_text(secret: &[u8]) -> bool {
    let text = secret.strip_prefix(b"\xef\xbb\xbf").unwrap_or(secret);
    let text = text.trim_ascii();
    let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    let ssh = [&b"ssh-"[..], b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    has(b"-----BEGIN")
        || ssh.iter().any(|prefix| text.starts_with(prefix))
        || matches!(text.first(), Some(b'{' | b'['))
            && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
        || is_der(secret)
}

/// Whether the bytes are one ASN.1 SEQUENCE, complete to the last byte, that begins as a key does:
/// with a SEQUENCE (an algorithm) or an INTEGER (a version or a modulus). Random bytes are that
/// once in some eight million.
fn is_der(bytes: &[u8]) -> bool {
    let Some((0x30, rest)) = bytes.split_first().map(|(&tag, rest)| (tag, rest)) else {
        return false;
    };
    let (length, content) = match rest.split_first() {
        Some((&short, content)) if short < 0x80 => (usize::from(short), content),
        Some((0x81, [length, content @ ..])) => (usize::from(*length), content),
        Some((0x82, [high, low, content @ ..])) => {
            (usize::from(u16::from_be_bytes([*high, *low])), content)
        }
        _ => return false,
    };
    length == content.len() && matches!(content.first(), Some(0x30 | 0x02))
}
