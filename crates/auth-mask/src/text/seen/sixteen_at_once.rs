//! The way of machines with SSE2, which all of 64 bits by Intel and AMD have.

use safe_arch::{
    bitor_m128i, cmp_eq_mask_i8_m128i, load_unaligned_m128i, m128i, min_u8_m128i,
    move_mask_i8_m128i, set_i64_m128i, set_splat_i8_m128i, sub_i8_m128i,
};

use super::Sign;

/// As its namesake; for each sign the places where it was seen, all blocks on one another.
#[derive(Default)]
pub(super) struct Signs {
    places: [m128i; 7],
    /// Where a dash stands before another, in any block.
    dashes: u16,
}

impl Signs {
    #[inline]
    pub(super) fn add(&mut self, block: &[u8; 16]) -> u16 {
        self.add_lanes(load_unaligned_m128i(block))
    }

    #[inline]
    pub(super) fn add_halves(&mut self, first: [u8; 8], last: [u8; 8]) -> u16 {
        let [first, last] = [first, last].map(i64::from_le_bytes);
        self.add_lanes(set_i64_m128i(last, first))
    }

    #[inline]
    fn add_lanes(&mut self, block: m128i) -> u16 {
        let are = |byte: u8| cmp_eq_mask_i8_m128i(block, all(byte));
        let quotes = bitor_m128i(are(b'"'), bitor_m128i(are(b'\''), are(b'\\')));
        let dashes = bits(are(b'-'));
        self.dashes |= dashes & dashes << 1;
        let [equals, colon, quote, at, slash, dot, capital_j] = &mut self.places;
        for (places, seen) in [
            (equals, are(b'=')),
            (colon, are(b':')),
            (quote, quotes),
            (at, are(b'@')),
            (slash, are(b'/')),
            (dot, are(b'.')),
            (capital_j, are(b'J')),
        ] {
            *places = bitor_m128i(*places, seen);
        }
        let lower = bitor_m128i(block, all(0x20));
        bits(bitor_m128i(within(lower, b'a', 25), within(block, b'0', 9)))
    }

    pub(super) fn seen(self) -> Sign {
        let [equals, colon, quote, at, slash, dot, capital_j] = self.places;
        let dashes = if self.dashes != 0 { Sign::DASHES.0 } else { 0 };
        let mut seen = Sign(dashes);
        for (sign, places) in [
            (Sign::EQUALS, equals),
            (Sign::COLON, colon),
            (Sign::QUOTE, quote),
            (Sign::AT, at),
            (Sign::SLASH, slash),
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
