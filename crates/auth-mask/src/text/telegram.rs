//! Tokens of Telegram's bots: the number of the bot, a colon, and 35 letters that begin with `AA`.

use std::ops::Range;

use crate::text::shape::ends;

/// The token whose secret begins here; its number stands before, in a path right after `bot`.
pub(super) fn find(text: &[u8], secret: usize) -> Option<Range<usize>> {
    let before = text[..secret].strip_suffix(b":")?;
    let digits = before.iter().rev().take(LONGEST_NUMBER + 1);
    let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
    let number = before.len() - digits;
    let before = &before[..number];
    let before = before.strip_suffix(b"bot").unwrap_or(before);
    let end = secret + SECRET;
    let belongs = |&byte: &u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let is_token = text[secret..].starts_with(b"AA")
        && (SHORTEST_NUMBER..=LONGEST_NUMBER).contains(&digits)
        && !before.last().is_some_and(u8::is_ascii_alphanumeric)
        && text.get(secret..end)?.iter().all(belongs)
        && ends(text, end);
    is_token.then_some(number..end)
}

const SHORTEST_NUMBER: usize = 8;
const LONGEST_NUMBER: usize = 12;
const SECRET: usize = 35;

#[cfg(test)]
mod tests {
    use crate::Masker;

    #[test]
    fn a_bots_token_is_masked_wherever_it_stands() {
        for (text, expected) in [
            (
                "123456789:AAFACE0FACE0FACE0FACE0FACE0FACE0FAC",
                "***MASKED***",
            ),
            (
                "POST https://api.telegram.org/bot123456789:AAFACE0FACE0FACE0FACE0FACE0FACE0FAC/getMe",
                "POST https://api.telegram.org/bot***MASKED***/getMe",
            ),
            (
                "(1234567890:AAFACE0FACE0FACE0FACE0FACE0FACE-_FA)",
                "(***MASKED***)",
            ),
        ] {
            assert_eq!(Masker::default().mask_text(text), expected);
        }
    }

    #[test]
    fn what_only_looks_like_one_is_shown() {
        for text in [
            "123456789:AAFACE0FACE0FACE0FACE0FACE0FACE0FA",
            "123456789:AAFACE0FACE0FACE0FACE0FACE0FACE0FACE",
            "1234567:AAFACE0FACE0FACE0FACE0FACE0FACE0FAC",
            "123456789:BAFACE0FACE0FACE0FACE0FACE0FACE0FAC",
            "123456789:AA",
            "robot123456789",
            "bot",
            "12345678",
        ] {
            assert_eq!(Masker::default().mask_text(text), text);
        }
    }
}
