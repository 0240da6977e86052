//! The way that every machine can go.

use super::Sign;

/// The signs found so far.
#[derive(Default)]
pub(super) struct Signs(u16);

impl Signs {
    /// Looks at sixteen bytes, and tells by a bit for each which of them are ASCII letters or
    /// digits, the first in the lowest.
    pub(super) fn add(&mut self, block: &[u8; 16]) -> u16 {
        let (mut letters, mut dashes) = (0, 0_u16);
        for (index, &byte) in block.iter().enumerate() {
            let sign = SIGNS[usize::from(byte)];
            self.0 |= sign & !(LETTER | DASH);
            letters |= u16::from(sign & LETTER != 0) << index;
            dashes |= u16::from(sign & DASH != 0) << index;
        }
        if dashes & dashes << 1 != 0 {
            self.0 |= Sign::DASHES.0;
        }
        letters
    }

    /// The same of two halves.
    pub(super) fn add_halves(&mut self, first: [u8; 8], last: [u8; 8]) -> u16 {
        let mut block = [0; 16];
        block[..8].copy_from_slice(&first);
        block[8..].copy_from_slice(&last);
        self.add(&block)
    }

    pub(super) fn seen(self) -> Sign {
        Sign(self.0)
    }
}

/// No signs: the byte is a part of a word, or one dash.
const LETTER: u16 = 1 << 15;
const DASH: u16 = 1 << 14;

const SIGNS: [u16; 256] = {
    let mut signs = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            signs[byte] = LETTER;
        }
        byte += 1;
    }
    signs[b'=' as usize] = Sign::EQUALS.0;
    signs[b':' as usize] = Sign::COLON.0;
    signs[b'"' as usize] = Sign::QUOTE.0;
    signs[b'\'' as usize] = Sign::QUOTE.0;
    signs[b'\\' as usize] = Sign::QUOTE.0;
    signs[b'@' as usize] = Sign::AT.0;
    signs[b'/' as usize] = Sign::SLASH.0;
    signs[b'-' as usize] = DASH;
    signs[b'.' as usize] = Sign::DOT.0;
    signs[b'J' as usize] |= Sign::CAPITAL_J.0;
    signs
};
