//! Numbers of payment cards (ISO/IEC 7812-1).

use std::ops::Range;

use crate::text::shape::{SEPARATORS, ends};

/// The card number that begins here: 13 to 19 digits in one piece or in the groups of a card, of a
/// known issuer, with the right check digit, and not followed by more of a number.
///
/// Of several that begin here, the longest: a security code may follow after a space.
pub(super) fn find(text: &[u8], start: usize) -> Option<Range<usize>> {
    let mut number = Number::default();
    let mut separator = None;
    let mut found = None;
    let mut index = start;
    loop {
        let length = digits(text, index);
        if !number.push(&text[index..index + length]) {
            break;
        }
        index += length;
        if is_whole(text, index) && number.is_card() && !is_phone(text, start, &number) {
            found = Some(start..index);
        }
        let Some(next) = text.get(index) else { break };
        if !SEPARATORS.contains(next) || *separator.get_or_insert(*next) != *next {
            break;
        }
        index += 1;
    }
    found
}

/// The digits read so far, and how they are grouped.
#[derive(Default)]
struct Number {
    digits: [u8; LONGEST],
    length: usize,
    groups: [usize; MOST_GROUPS],
    count: usize,
}

impl Number {
    /// Whether there was room for one more group.
    fn push(&mut self, group: &[u8]) -> bool {
        let length = self.length + group.len();
        if group.is_empty() || length > LONGEST || self.count == MOST_GROUPS {
            return false;
        }
        for (to, digit) in self.digits[self.length..length].iter_mut().zip(group) {
            *to = digit - b'0';
        }
        self.groups[self.count] = group.len();
        self.length = length;
        self.count += 1;
        true
    }

    fn is_card(&self) -> bool {
        let digits = &self.digits[..self.length];
        self.length >= SHORTEST
            && self.is_grouped_as_a_card()
            && has_issuer(digits)
            && sum(digits, |digit| digit * 2 / 10 + digit * 2 % 10).is_multiple_of(10)
            // Goods are numbered with 13 digits, and cards hardly are any more.
            && !(self.length == SHORTEST && sum(digits, |digit| digit * 3).is_multiple_of(10))
    }

    fn is_grouped_as_a_card(&self) -> bool {
        match &self.groups[..self.count] {
            [_] | [4, 6, 4 | 5] | [4, 3, 3, 3] | [6, 13] | [8, 8] => true,
            [fours @ .., last] => fours.iter().all(|&length| length == 4) && *last <= 4,
            [] => false,
        }
    }
}

/// The sum of the digits from the right, with each second one weighed.
fn sum(digits: &[u8], weigh: fn(u32) -> u32) -> u32 {
    let from_right = digits.iter().rev().map(|&digit| u32::from(digit));
    let pairs = from_right.enumerate();
    pairs
        .map(
            |(index, digit)| {
                if index % 2 == 0 { digit } else { weigh(digit) }
            },
        )
        .sum()
}

fn has_issuer(digits: &[u8]) -> bool {
    let first = digits[..6]
        .iter()
        .fold(0, |number, &digit| number * 10 + u32::from(digit));
    let issuer = |&(low, high, lengths): &Issuer| {
        (low..=high).contains(&first) && lengths.contains(&digits.len())
    };
    ISSUERS.iter().any(issuer)
}

/// How many digits stand here; one more than fit is enough to know.
fn digits(text: &[u8], start: usize) -> usize {
    let digits = text[start..].iter().take(LONGEST + 1);
    digits.take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether the number goes no further.
fn is_whole(text: &[u8], end: usize) -> bool {
    ends(text, end) && !matches!(text[end..], [b'-' | b'_' | b'.', b'0'..=b'9', ..])
}

/// A telephone number has 15 digits at most (E.164 §6.2.1).
fn is_phone(text: &[u8], start: usize, number: &Number) -> bool {
    number.length <= 15 && text[..start].ends_with(b"+")
}

const SHORTEST: usize = 13;
const LONGEST: usize = 19;
const MOST_GROUPS: usize = 5;

/// The lowest and the highest first six digits, and how many digits there may be.
pub(super) type Issuer = (u32, u32, &'static [usize]);

/// Who issues cards. What begins with another digit pair is no card: times in milliseconds begin
/// with 1, cards of telephones with 89, and most of the numbers of telephones with 35 and 15 digits.
#[rustfmt::skip] // A table, read by the line.
pub(super) const ISSUERS: &[Issuer] = &[
    (220_000, 220_599, &[16, 17, 18, 19]), // Mir, BORICA
    (222_100, 272_099, &[16]), // Mastercard
    (300_000, 305_999, &[14, 15, 16, 17, 18, 19]), // Diners Club
    (309_500, 309_599, &[14, 15, 16, 17, 18, 19]), // Diners Club
    (340_000, 349_999, &[15]), // American Express
    (352_800, 358_999, &[16, 17, 18, 19]), // JCB
    (360_000, 369_999, &[14, 15, 16, 17, 18, 19]), // Diners Club
    (370_000, 379_999, &[15]), // American Express
    (380_000, 399_999, &[14, 15, 16, 17, 18, 19]), // Diners Club
    (400_000, 499_999, &[13, 16, 18, 19]), // Visa
    (501_800, 501_899, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (501_900, 501_999, &[16]), // Dankort
    (502_000, 502_099, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (503_800, 503_899, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (506_099, 506_198, &[16, 18, 19]), // Verve
    (506_699, 506_778, &[16]), // Elo
    (507_865, 507_964, &[16, 18, 19]), // Verve
    (508_500, 508_999, &[16]), // RuPay
    (509_000, 509_999, &[16]), // Elo
    (510_000, 559_999, &[16]), // Mastercard
    (589_300, 589_399, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (601_100, 601_199, &[16, 17, 18, 19]), // Discover
    (606_282, 606_282, &[16]), // Hipercard
    (606_900, 608_500, &[16]), // RuPay
    (620_000, 629_999, &[16, 17, 18, 19]), // UnionPay
    (630_400, 630_499, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (636_000, 639_999, &[16]), // InterPayment, InstaPayment, Elo, Hipercard
    (644_000, 659_999, &[16, 17, 18, 19]), // Discover
    (675_900, 676_399, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (810_000, 819_999, &[16, 17, 18, 19]), // UnionPay, RuPay
    (860_000, 860_099, &[16]), // UzCard
    (979_200, 979_299, &[16]), // Troy
    (986_000, 986_099, &[16]), // Humo
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Category, MASK, MaskPolicy, Masker};

    /// Numbers that processors publish for tests.
    const CARDS: &[&str] = &[
        "4111111111111111",
        "4242424242424242",
        "4012888888881881",
        "4222222222222",
        "5555555555554444",
        "5105105105105100",
        "2223003122003222",
        "2720990000000007",
        "378282246310005",
        "371449635398431",
        "30569309025904",
        "38520000023237",
        "36227206271667",
        "6011111111111117",
        "6011000990139424",
        "3530111333300000",
        "3566002020360505",
        "6200000000000005",
        "6759649826438453",
        "6304000000000000",
        "2200000000000004",
        "4000002500003155",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111+1111+1111+1111",
        "3782 822463 10005",
        "3056 930902 5904",
        "4222 222 222 222",
        "41111111 11111111",
    ];

    #[test]
    fn a_card_is_masked_wherever_it_stands() {
        let masker = Masker::default();
        for card in CARDS {
            for (before, after) in [
                ("", ""),
                ("paid with ", " today"),
                ("card=", "&x=1"),
                ("\"", "\""),
                ("卡号", "。"),
                ("(", ")"),
                ("x_", "_y"),
                ("/", "/"),
                ("", ","),
                ("", ". Then"),
                ("1 ", " 12/27"),
                ("card-", ""),
                ("", ":123:1227"),
            ] {
                let text = format!("{before}{card}{after}");
                assert_eq!(
                    masker.mask_text(&text),
                    format!("{before}{MASK}{after}"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_card_is_shown() {
        let masker = Masker::default();
        for text in [
            // The check digit.
            "4111111111111112",
            "4111 1111 1111 1112",
            "5555555555554445",
            "378282246310006",
            // The issuer.
            "1111111111111117",
            "9999999999999995",
            "0000000000000000",
            "7992739871300000",
            // Too short, too long, badly grouped.
            "411111111116",
            "41111111111111111111",
            "4111  1111 1111 1111",
            "411 1111111111111",
            "4111-1111 1111-1111",
            "41 11 11 11 11 11 11 11",
            // A piece of something longer.
            "a4111111111111111",
            "4111111111111111a",
            "0.4111111111111111",
            "4111111111111111.5",
            "2026-4111111111111111",
            "4111111111111111-2",
            "1-4111-1111-1111-1111",
            "4111-1111-1111-1111-1111",
            "17_4111111111111111",
            "deadbeef4111111111111111",
            "+378282246310005",
            // Other numbers.
            "1767225600000",
            "1767225600000000",
            "1767225600000000000",
            "20260101120000",
            "20260101120000123",
            "4006381333931",
            "9783161484100",
            "356938035643809",
            "89014103211118510720",
            "490154203237518",
            "40000000-4000-4000-8000-000000000002",
            "550e8400-e29b-41d4-a716-446655440000",
            "192.168.100.100",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "+358 40 123 4567",
            "4500 0034 1234 5678",
        ] {
            assert_eq!(masker.mask_text(text), text);
        }
    }

    #[test]
    fn cards_are_shown_where_payment_is_switched_off() {
        let masker = Masker::new(MaskPolicy::iso27001().without(Category::Payment));
        assert_eq!(masker.mask_text(CARDS[0]), CARDS[0]);
        let masker = Masker::new(MaskPolicy::iso27001().without(Category::Credentials));
        assert_eq!(masker.mask_text(CARDS[0]), MASK);
    }

    #[test]
    fn issuers_are_listed_in_order_and_once() {
        for issuers in ISSUERS.windows(2) {
            assert!(issuers[0].1 < issuers[1].0, "{}", issuers[1].0);
        }
    }
}
