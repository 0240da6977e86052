//! Shared secrets, and what must not be mistaken for one.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

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
/// set, a list of them) or DER; in base64 or UTF-16 too, and with a byte-order mark or white space
/// around it.
fn is_key_text(secret: &[u8]) -> bool {
    // Of UTF-16 this leaves the letters, for all that a key is written with.
    let text: Zeroizing<Vec<u8>> = secret
        .iter()
        .copied()
        .filter(|&byte| byte != 0)
        .collect::<Vec<_>>()
        .into();
    is_key(secret) || is_key(&text) || from_base64(&text).is_some_and(|decoded| is_key(&decoded))
}

fn is_key(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = text.trim_ascii();
    let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    let ssh = [&b"ssh-"[..], b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    has(b"-----BEGIN")
        || ssh.iter().any(|prefix| text.starts_with(prefix))
        // The binary form of an SSH key begins with the length of its type.
        || bytes.get(4..).is_some_and(|it| ssh.iter().any(|prefix| it.starts_with(prefix)))
        // A JWK that was damaged on its way into a file is public all the same.
        || has(br#""kty""#)
        || has(br#"\"kty\""#)
        || matches!(text.first(), Some(b'{' | b'['))
            && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
        || is_der(bytes)
}

/// The bytes that base64 of either alphabet stands for, padded or not, in one line or several.
fn from_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let letters = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=');
    let letters = letters.map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        letter => *letter,
    });
    let letters = Zeroizing::new(letters.collect::<Vec<_>>());
    let decoded = base64_simd::STANDARD_NO_PAD.decode_to_vec(&*letters);
    decoded.ok().map(Zeroizing::new)
}

/// Whether the bytes are one ASN.1 SEQUENCE, complete to the last byte but for white space, that
/// begins as a key does: with a SEQUENCE (an algorithm) or an INTEGER (a version or a modulus).
/// Random bytes are that once in some eight million.
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
    let Some((content, after)) = content.split_at_checked(length) else {
        return false;
    };
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    after.iter().all(blank) && matches!(content.first(), Some(0x30 | 0x02))
}
