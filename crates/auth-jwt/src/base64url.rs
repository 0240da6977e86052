//! Base64url as JWS has it (RFC 7515 §2): no padding, and one spelling for each value.

use base64_simd::{Out, URL_SAFE_NO_PAD};

/// The text is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotCanonical;

/// Decodes, refusing padding, other alphabets, white space and unused bits that are set: two
/// spellings of one signature would be two tokens to whatever remembers tokens.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotCanonical> {
    URL_SAFE_NO_PAD
        .decode_to_vec(text)
        .map_err(|_| NotCanonical)
}

/// Refuses what [`decode`] refuses.
pub(crate) fn check(text: &str) -> Result<(), NotCanonical> {
    let checked = URL_SAFE_NO_PAD.check(text.as_bytes());
    checked.map_err(|_| NotCanonical)
}

/// Decodes as [`decode`] does and hands over the bytes, without allocating for what most headers
/// and signatures are.
pub(crate) fn with_decoded<R>(
    text: &str,
    then: impl FnOnce(&[u8]) -> R,
) -> Result<R, NotCanonical> {
    if text.len() > MAX_SHORT / 3 * 4 {
        return decode(text).map(|bytes| then(&bytes));
    }
    let mut buffer = [0; MAX_SHORT];
    let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes(), Out::from_slice(&mut buffer));
    bytes.map(|bytes| then(bytes)).map_err(|_| NotCanonical)
}

/// A signature by an RSA key of 4096 bits.
const MAX_SHORT: usize = 512;

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

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
            assert_eq!(check(text), Err(NotCanonical), "{text:?}");
            assert_eq!(with_decoded(text, |_| ()), Err(NotCanonical), "{text:?}");
        }
        assert_eq!(encode(&[0xff, 0xef]), "_-8");
    }

    /// The decoder takes many letters at a time; each of them is looked at all the same.
    #[test]
    fn a_stranger_is_found_wherever_it_stands() {
        for length in [43, 64, 100, 342, 700] {
            let honest = "A".repeat(length);
            assert_eq!(check(&honest), Ok(()));
            for at in 0..length {
                for stranger in ["+", "/", "=", ".", " ", "\n", "\0", "\u{7f}"] {
                    let mut text = honest.clone();
                    text.replace_range(at..=at, stranger);
                    assert_eq!(check(&text), Err(NotCanonical), "{text:?}");
                    assert_eq!(decode(&text), Err(NotCanonical), "{text:?}");
                    assert_eq!(with_decoded(&text, |_| ()), Err(NotCanonical), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn short_or_long_the_bytes_are_the_same() {
        for length in [0, 1, 2, 3, 256, 510, 511, 512, 513, 1024] {
            let bytes = vec![0xa5; length];
            let text = encode(&bytes);
            let short = with_decoded(&text, <[u8]>::to_vec);
            assert_eq!(short.as_ref(), Ok(&bytes), "{length}");
            assert_eq!(decode(&text), Ok(bytes), "{length}");
            let padded = format!("{text}=");
            assert_eq!(with_decoded(&padded, |_| ()), Err(NotCanonical), "{length}");
        }
    }
}
