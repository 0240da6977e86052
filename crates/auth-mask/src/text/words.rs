//! How the words begin that may be a secret, or may announce one.

use crate::text::card::ISSUERS;
use crate::text::iban::COUNTRIES;
use crate::text::vendor_key::VENDORS;

/// The sets of beginnings to which a word's belongs, one bit for each; nearly all words have none.
///
/// Beginnings of one set mix, so that a word may be taken for one that it is not. None is missed.
#[inline]
pub(super) fn sets(word: [u8; 4]) -> u32 {
    let [first, second, third, fourth] = word.map(usize::from);
    SETS[0][first] & SETS[1][second] & SETS[2][third] & SETS[3][fourth]
}

/// The set of `Bearer` and `Basic`.
pub(super) const SCHEME: u32 = 1;

/// That of the first line of a key.
pub(super) const BEGIN: u32 = 1 << 1;

/// Those of cards and of accounts.
pub(super) const ACCOUNTS: u32 = 0b11_1111 << FIRST_ACCOUNT;

/// Those of keys and tokens.
pub(super) const SECRETS: u32 = !(SCHEME | BEGIN | ACCOUNTS);

/// All that are known by their shape.
pub(super) const SHAPES: u32 = ACCOUNTS | SECRETS;

const FIRST_ACCOUNT: u32 = 4;
const FIRST_VENDOR: usize = 10;

/// For each of the four letters the sets to which it belongs.
static SETS: [[u32; 256]; 4] = {
    let sets = [[0; 256]; 4];
    let sets = with(sets, SCHEME, [b"bB", b"eEaA", b"aAsS", b"rRiI"]);
    let sets = with(sets, BEGIN, [b"B", b"E", b"G", b"I"]);
    // Tokens of Telegram, behind their number, and signatures.
    let sets = with(sets, 1 << 2, [b"A", b"A", ANY, ANY]);
    let mut sets = with(sets, 1 << 3, [b"s", b"i", b"g", b"="]);
    // Cards: those that begin with 2 begin like many years otherwise.
    let mut index = 0;
    while index < ISSUERS.len() {
        let (low, high, _) = ISSUERS[index];
        let (low, high) = ((low / 10_000) as usize, (high / 10_000) as usize);
        let mut pair = low;
        while pair <= high {
            let first = digit(pair / 10);
            let set = FIRST_ACCOUNT + if first[0] == b'2' { 0 } else { 1 };
            sets = with(sets, 1 << set, [first, digit(pair % 10), DIGITS, DIGITS]);
            pair += 1;
        }
        index += 1;
    }
    // Accounts.
    index = 0;
    while index < COUNTRIES.len() {
        let (first, second) = COUNTRIES[index].0.split_at(1);
        let firsts = [first[0], first[0].to_ascii_lowercase()];
        let seconds = [second[0], second[0].to_ascii_lowercase()];
        let set = FIRST_ACCOUNT
            + match first[0] {
                b'A'..=b'D' => 2,
                b'E'..=b'J' => 3,
                b'K'..=b'O' => 4,
                _ => 5,
            };
        sets = with(sets, 1 << set, [&firsts, &seconds, DIGITS, DIGITS]);
        index += 1;
    }
    index = 0;
    while index < VENDORS.len() {
        let prefix = VENDORS[index].prefix.as_bytes();
        let mut letters: [&[u8]; 4] = [ANY; 4];
        let mut place = 0;
        while place < 4 && place < prefix.len() {
            letters[place] = prefix.split_at(place).1.split_at(1).0;
            place += 1;
        }
        sets = with(
            sets,
            1 << (FIRST_VENDOR + index * (32 - FIRST_VENDOR) / VENDORS.len()),
            letters,
        );
        index += 1;
    }
    sets
};

/// With the beginnings that have one of these letters at each place.
const fn with(mut sets: [[u32; 256]; 4], set: u32, letters: [&[u8]; 4]) -> [[u32; 256]; 4] {
    let mut place = 0;
    while place < 4 {
        let mut index = 0;
        while index < letters[place].len() {
            sets[place][letters[place][index] as usize] |= set;
            index += 1;
        }
        place += 1;
    }
    sets
}

const ANY: &[u8] = &{
    let mut any = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        any[byte] = byte as u8;
        byte += 1;
    }
    any
};
const DIGITS: &[u8] = b"0123456789";

/// One of them.
const fn digit(number: usize) -> &'static [u8] {
    DIGITS.split_at(number).1.split_at(1).0
}
