//! How the words begin that may be a secret, or may announce one.

use crate::text::card::ISSUERS;
use crate::text::iban::COUNTRIES;
use crate::text::vendor_key::VENDORS;

/// The sets of beginnings to which a word's belongs, one bit for each; nearly all words have none.
///
/// Beginnings of one set mix, so that a word may be taken for one that it is not. None is missed.
#[inline]
pub(super) fn sets(word: [u8; 4]) -> u64 {
    let [first, second, third, fourth] = word.map(usize::from);
    SETS[0][first] & SETS[1][second] & SETS[2][third] & SETS[3][fourth]
}

/// The set of `Bearer` and `Basic`.
pub(super) const SCHEME: u64 = 1;

/// That of the first line of a key.
pub(super) const BEGIN: u64 = 1 << 1;

/// Those of cards and of accounts.
pub(super) const ACCOUNTS: u64 = 0b11_1111 << FIRST_ACCOUNT;

/// Those of keys and tokens.
pub(super) const SECRETS: u64 = !(SCHEME | BEGIN | ACCOUNTS);

/// All that are known by their shape.
pub(super) const SHAPES: u64 = ACCOUNTS | SECRETS;

const FIRST_ACCOUNT: usize = 4;
const FIRST_VENDOR: usize = 10;

/// For each of the four letters the sets to which it belongs.
static SETS: [[u64; 256]; 4] = {
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
            1 << (FIRST_VENDOR + index * (64 - FIRST_VENDOR) / VENDORS.len()),
            letters,
        );
        index += 1;
    }
    sets
};

/// With the beginnings that have one of these letters at each place.
const fn with(mut sets: [[u64; 256]; 4], set: u64, letters: [&[u8]; 4]) -> [[u64; 256]; 4] {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word that is suspected for nothing costs a look. `path` does, because of Airtable's `pat`.
    #[test]
    fn common_words_begin_as_nothing_does() {
        let words = "about account action active after amount api application body code comment content count country \
            created data date default description detail device email enabled error event failed field file first from group \
            hash have header host http https identifier image index info invalid items json label language last level limit \
            line link list load local location login mail message method missing mode model name next note number object \
            order other page params parse part pass passed password permission phone plan policy port post price print \
            process product profile public query read reason record redirect region request required reset resource response \
            result retry role search server service session setting size some sort source start state status step store stream \
            string subject success system table target task team tenant test text that the this time timeout title total type \
            unknown update upload user value version view warning what when which with without word write year zone";
        for word in words.split_whitespace().filter(|word| word.len() >= 4) {
            let letters = word.as_bytes().first_chunk().unwrap();
            assert_eq!(sets(*letters), 0, "{word}");
        }
        for (word, expected) in [("Bearer", SCHEME), ("basic", SCHEME), ("BEGIN", BEGIN)] {
            assert_eq!(sets(*word.as_bytes().first_chunk().unwrap()), expected);
        }
    }
}
