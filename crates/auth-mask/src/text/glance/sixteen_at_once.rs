//! The way of machines with SSE2, which all of 64 bits by Intel and AMD have.

use safe_arch::{
    bitor_m128i, cmp_eq_mask_i8_m128i, load_unaligned_m128i, m128i, min_u8_m128i,
    move_mask_i8_m128i, set_i64_m128i, set_splat_i8_m128i, sub_i8_m128i,
};

use crate::text::seen::Sign;

/// Sixteen bytes.
#[derive(Clone, Copy)]
pub(crate) struct Block(m128i);

impl Block {
    #[inline]
    pub(crate) fn of(bytes: &[u8; 16]) -> Self {
        Self(load_unaligned_m128i(bytes))
    }

    #[inline]
    pub(in crate::text) fn of_halves(first: [u8; 8], last: [u8; 8]) -> Self {
        let [first, last] = [first, last].map(i64::from_le_bytes);
        Self(set_i64_m128i(last, first))
    }

    /// Which of them are ASCII letters or digits, one bit for each, the first in the lowest.
    #[inline]
    pub(in crate::text) fn letters(self) -> u16 {
        let lower = bitor_m128i(self.0, all(0x20));
        bits(bitor_m128i(
            within(lower, b'a', 25),
            within(self.0, b'0', 9),
        ))
    }

    /// Where there is an equals sign, a colon, an `@` or a `J`. Some other characters are taken for
    /// one of these, because that is cheaper: `;<>?`.
    #[inline]
    pub(in crate::text) fn odd(self) -> u16 {
        let signs = within(self.0, b':', b'@' - b':');
        bits(bitor_m128i(signs, self.are(b'J')))
    }

    /// Where there is what JSON escapes: a quotation mark, a backslash, a control character.
    #[inline]
    pub(crate) fn stops(self) -> u16 {
        let marks = bitor_m128i(self.are(b'"'), self.are(b'\\'));
        bits(bitor_m128i(marks, within(self.0, 0, 0x1f)))
    }

    #[inline]
    fn are(self, byte: u8) -> m128i {
        cmp_eq_mask_i8_m128i(self.0, all(byte))
    }
}

/// For each sign the places where it was seen, all blocks on one another.
#[derive(Clone, Copy, Default)]
pub(in crate::text) struct Signs([m128i; 6]);

impl Signs {
    #[inline]
    pub(in crate::text) fn add(&mut self, block: Block) {
        let are = |byte| block.are(byte);
        let quotes = bitor_m128i(are(b'"'), bitor_m128i(are(b'\''), are(b'\\')));
        let [equals, colon, quote, at, dot, capital_j] = &mut self.0;
        for (places, seen) in [
            (equals, are(b'=')),
            (colon, are(b':')),
            (quote, quotes),
            (at, are(b'@')),
            (dot, are(b'.')),
            (capital_j, are(b'J')),
        ] {
            *places = bitor_m128i(*places, seen);
        }
    }

    pub(in crate::text) fn seen(self) -> Sign {
        let [equals, colon, quote, at, dot, capital_j] = self.0;
        let mut seen = Sign::NONE;
        for (sign, places) in [
            (Sign::EQUALS, equals),
            (Sign::COLON, colon),
            (Sign::QUOTE, quote),
            (Sign::AT, at),
            (Sign::DOT, dot),
            (Sign::CAPITAL_J, capital_j),
        ] {
            if bits(places) != 0 {
                seen = seen.and(sign);
            }
        }
        seen
    }
}

#[inline]
fn all(byte: u8) -> m128i {
    set_splat_i8_m128i(byte.cast_signed())
}

/// The highest bit of each byte.
#[inline]
fn bits(lanes: m128i) -> u16 {
    move_mask_i8_m128i(lanes) as u16
}

/// Those bytes that are at most `count` above `first`: what is below wraps around zero.
#[inline]
fn within(lanes: m128i, first: u8, count: u8) -> m128i {
    let above = sub_i8_m128i(lanes, all(first));
    cmp_eq_mask_i8_m128i(min_u8_m128i(above, all(count)), above)
}
