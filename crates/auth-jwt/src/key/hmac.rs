//! Shared secrets, and what must not be mistaken for one.

use aws_lc_rs::hmac;
use base64_simd::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::{Check, KeyError, MISMATCH, VerificationKey};
use crate::Algorithm;

pub(super) fn import(secret: &[u8], algorithms: &[Algorithm]) -> Result<VerificationKey, KeyError> {
    if is_key_text(secret, WRAPPINGS) {
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
/// set, a list of them) or DER, as it is or in the wrappings that files, environment variables and
/// JSON put around it, up to three of them.
fn is_key_text(secret: &[u8], wrappings: usize) -> bool {
    if is_key(secret) {
        return true;
    }
    let Some(wrappings) = wrappings.checked_sub(1) else {
        return false;
    };
    let unwrapped = [
        without_zeros(secret),
        without_escapes(secret),
        from_percent_encoding(secret),
        from_hexadecimal(secret),
        from_base64(secret),
    ];
    let mut unwrapped = unwrapped.into_iter().flatten();
    unwrapped.any(|inner| is_key_text(&inner, wrappings))
}

const WRAPPINGS: usize = 3;

fn is_key(bytes: &[u8]) -> bool {
    let text = without_marks(bytes);
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

/// Without the byte-order marks and the white space at its beginning, and the white space at its
/// end.
fn without_marks(mut text: &[u8]) -> &[u8] {
    const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe"];
    loop {
        text = text.trim_ascii();
        match MARKS.iter().find_map(|mark| text.strip_prefix(*mark)) {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

type Unwrapped = Option<Zeroizing<Vec<u8>>>;

/// The bytes that are wanted, in memory that is wiped and never moves.
fn kept(text: &[u8], wanted: impl Fn(&u8) -> bool) -> Zeroizing<Vec<u8>> {
    let mut rest = Zeroizing::new(Vec::with_capacity(text.len()));
    rest.extend(text.iter().filter(|byte| wanted(byte)));
    rest
}

/// What UTF-16 leaves of all that a key is written with.
fn without_zeros(text: &[u8]) -> Unwrapped {
    let rest = || kept(text, |&byte| byte != 0);
    text.contains(&0).then(rest)
}

/// What stands between quotation marks, and line breaks where they are written as `\n`.
fn without_escapes(text: &[u8]) -> Unwrapped {
    let trimmed = without_marks(text);
    let quoted = [b'"', b'\'', b'`'].iter().find_map(|mark| {
        let rest = trimmed.strip_prefix(std::slice::from_ref(mark))?;
        rest.strip_suffix(std::slice::from_ref(mark))
    });
    if quoted.is_none() && !trimmed.contains(&b'\\') {
        return None;
    }
    let mut rest = quoted.unwrap_or(trimmed);
    let mut plain = Zeroizing::new(Vec::with_capacity(rest.len()));
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'\\', [b'n' | b'r' | b't', after @ ..]) => {
                plain.push(b'\n');
                rest = after;
            }
            (b'\\', _) => {}
            _ => plain.push(byte),
        }
    }
    Some(plain)
}

fn from_percent_encoding(text: &[u8]) -> Unwrapped {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = after.split_at_checked(2).filter(|_| byte == b'%');
        match digits.and_then(|(digits, after)| Some((hexadecimal(digits)?, after))) {
            Some((decoded, after)) => {
                plain.push(decoded);
                rest = after;
            }
            None => plain.push(byte),
        }
    }
    (plain.len() < text.len()).then_some(plain)
}

fn from_hexadecimal(text: &[u8]) -> Unwrapped {
    let digits = kept(text, |byte| !byte.is_ascii_whitespace() && *byte != b':');
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks(2) {
        bytes.push(hexadecimal(pair)?);
    }
    Some(bytes)
}

/// Two digits.
fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// The bytes that base64 of either alphabet stands for, padded or not, in one line or several, or in
/// a `data:` URL.
fn from_base64(text: &[u8]) -> Unwrapped {
    let trimmed = without_marks(text);
    let comma = trimmed.iter().position(|&byte| byte == b',');
    let body = match comma {
        Some(comma) if trimmed.starts_with(b"data:") => &trimmed[comma + 1..],
        _ => trimmed,
    };
    let mut letters = kept(body, |byte| !byte.is_ascii_whitespace() && *byte != b'=');
    for letter in letters.iter_mut() {
        *letter = match *letter {
            b'-' => b'+',
            b'_' => b'/',
            letter => letter,
        };
    }
    let decoded = STANDARD_NO_PAD.decode_inplace(&mut letters).ok()?.len();
    letters.truncate(decoded);
    Some(letters)
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
