//! Base64url as JWS has it (RFC 7515 §2): no padding, and one spelling for each value.

use std::ops::Deref;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The text is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotCanonical;

/// Decodes, refusing padding, other alphabets, white space and unused bits that are set: two
/// spellings of one signature would be two tokens to whatever remembers tokens.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotCanonical> {
    STRICT.decode(text).map_err(|_| NotCanonical)
}

/// Decodes as [`decode`] does, without allocating for what most headers and signatures are.
pub(crate) fn decode_short(text: &str) -> Result<Short, NotCanonical> {
    if text.len() > MAX_SHORT / 3 * 4 {
        return decode(text).map(Short::Long);
    }
    let mut bytes = [0; MAX_SHORT];
    let length = STRICT.decode_slice(text, &mut bytes);
    let length = length.map_err(|_| NotCanonical)?;
    Ok(Short::Inline { bytes, length })
}

/// Bytes that are likely to be few.
#[expect(
    clippy::large_enum_variant,
    reason = "not to allocate is what it is for"
)]
pub(crate) enum Short {
    Inline {
        bytes: [u8; MAX_SHORT],
        length: usize,
    },
    Long(Vec<u8>),
}

impl Deref for Short {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Inline { bytes, length } => &bytes[..*length],
            Self::Long(bytes) => bytes,
        }
    }
}

/// A signature by an RSA key of 4096 bits.
const MAX_SHORT: usize = 512;

pub(crate) fn encode(bytes: &[u8]) -> String {
    STRICT.encode(bytes)
}

const STRICT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_one_spelling() {
        assert_eq!(decode("_-8"), Ok(vec![0xff, 0xef]));
        assert_eq!(decode(""), Ok(vec![]));
        // "-_9" would be the same bytes with an unused bit set.
        for text in ["_-8=", "_-9", "/+8", "_-8\n", " _-8", "_", "_-8.", "é"] {
            assert_eq!(decode(text), Err(NotCanonical), "{text:?}");
        }
        assert_eq!(encode(&[0xff, 0xef]), "_-8");
    }

    #[test]
    fn short_or_long_the_bytes_are_the_same() {
        for length in [0, 1, 2, 3, 256, 510, 511, 512, 513, 1024] {
            let bytes = vec![0xa5; length];
            let text = encode(&bytes);
            assert_eq!(decode_short(&text).as_deref(), Ok(&bytes[..]), "{length}");
            assert_eq!(decode(&text), Ok(bytes), "{length}");
            assert!(decode_short(&format!("{text}=")).is_err(), "{length}");
        }
    }
}
