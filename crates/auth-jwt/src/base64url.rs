//! Base64url as JWS has it (RFC 7515 §2): no padding, and one spelling for each value.

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
}
