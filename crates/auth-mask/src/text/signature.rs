//! Signatures of shared access at Azure: 32 bytes in base64 after `sig=`, which are the permission
//! themselves. In a query any `sig` is masked; a connection string may begin with it.

use std::ops::Range;

/// The signature after the `sig=` that begins here.
pub(super) fn find(text: &[u8], start: usize) -> Option<Range<usize>> {
    let start = text[start..]
        .starts_with(NAME)
        .then_some(start + NAME.len())?;
    let mut end = start;
    for _ in 0..LENGTH {
        end += length_of_letter(&text[end..])?;
    }
    end += match text[end..] {
        [b'=', ..] => 1,
        [b'%', b'3', b'd' | b'D', ..] => 3,
        _ => return None,
    };
    Some(start..end)
}

/// How many bytes one letter of base64 takes; in a URL some are encoded.
fn length_of_letter(text: &[u8]) -> Option<usize> {
    match text {
        [b'%', b'2', b'b' | b'B' | b'f' | b'F', ..] => Some(3),
        [b'+' | b'/', ..] => Some(1),
        [byte, ..] if byte.is_ascii_alphanumeric() => Some(1),
        _ => None,
    }
}

const NAME: &[u8] = b"sig=";
/// In letters, without the padding.
const LENGTH: usize = 43;

#[cfg(test)]
mod tests {
    use crate::Masker;

    #[test]
    fn a_signature_is_masked_wherever_it_stands() {
        for (text, expected) in [
            (
                "SharedAccessSignature sig=FACE0FACE0FACE0FACE0FACE0FACE0FACE0FACE0FAC=&se=1&skn=root",
                "SharedAccessSignature sig=***MASKED***&se=1&skn=root",
            ),
            (
                "sig=FACE0FACE0FACE0FACE0FACE0FACE0FACE0FACE0%2Bf%2F%3D",
                "sig=***MASKED***",
            ),
        ] {
            assert_eq!(Masker::default().mask_text(text), expected);
        }
    }

    #[test]
    fn other_signatures_are_shown() {
        for text in [
            "sig=abc",
            "sig=",
            "config=FACE0FACE0FACE0FACE0FACE0FACE0FACE0FACE0FAC=",
            "sig=%",
            "sig=FACE0FACE0%3",
        ] {
            assert_eq!(Masker::default().mask_text(text), text);
        }
    }
}
