//! The way that every machine can go.

use crate::text::seen::Sign;

/// Sixteen bytes.
#[derive(Clone, Copy)]
pub(crate) struct Block([u8; 16]);

impl Block {
    pub(crate) fn of(bytes: &[u8; 16]) -> Self {
        Self(*bytes)
    }

    pub(in crate::text) fn of_halves(first: [u8; 8], last: [u8; 8]) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&first);
        bytes[8..].copy_from_slice(&last);
        Self(bytes)
    }

    /// Which of them are ASCII letters or digits, one bit for each, the first in the lowest.
    pub(in crate::text) fn letters(self) -> u16 {
        self.places(|byte| byte.is_ascii_alphanumeric())
    }

    /// Where there is an equals sign, a colon, an `@` or a `J`, or one of `;<>?`.
    pub(in crate::text) fn odd(self) -> u16 {
        self.places(|byte| matches!(byte, b':'..=b'@' | b'J'))
    }

    /// Where there is what JSON escapes: a quotation mark, a backslash, a control character.
    pub(crate) fn stops(self) -> u16 {
        self.places(|byte| matches!(byte, b'"' | b'\\' | ..0x20))
    }

    fn places(self, are: impl Fn(u8) -> bool) -> u16 {
        let bytes = self.0.into_iter().enumerate();
        bytes.fold(0, |bits, (at, byte)| bits | u16::from(are(byte)) << at)
    }
}

/// The signs found so far.
#[derive(Clone, Copy)]
pub(in crate::text) struct Signs(Sign);

impl Default for Signs {
    fn default() -> Self {
        Self(Sign::NONE)
    }
}

impl Signs {
    pub(in crate::text) fn add(&mut self, block: Block) {
        for byte in block.0 {
            self.0 = self.0.and(SIGNS[usize::from(byte)]);
        }
    }

    pub(in crate::text) fn seen(self) -> Sign {
        self.0
    }
}

const SIGNS: [Sign; 256] = {
    let mut signs = [Sign::NONE; 256];
    signs[b'=' as usize] = Sign::EQUALS;
    signs[b':' as usize] = Sign::COLON;
    signs[b'"' as usize] = Sign::QUOTE;
    signs[b'\'' as usize] = Sign::QUOTE;
    signs[b'\\' as usize] = Sign::QUOTE;
    signs[b'@' as usize] = Sign::AT;
    signs[b'.' as usize] = Sign::DOT;
    signs[b'J' as usize] = Sign::CAPITAL_J;
    signs
};
