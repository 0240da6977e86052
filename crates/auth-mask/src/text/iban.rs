//! Numbers of bank accounts (ISO 13616): a country, two check digits, and what that country writes.

use std::ops::Range;

use crate::text::shape::{SEPARATORS, ends};

/// The account that begins here, in one piece or in groups of four.
pub(super) fn find(text: &[u8], start: usize) -> Option<Range<usize>> {
    let [a, b, c, d, ..] = text[start..] else {
        return None;
    };
    if !(c.is_ascii_digit() && d.is_ascii_digit()) {
        return None;
    }
    let shape = shape_of([a, b])?;
    let mut letters = Letters::new(text, start + 4);
    // The country and the check digits count last.
    let mut rest = 0;
    for &(length, kind) in shape {
        for _ in 0..length {
            let letter = letters.next()?;
            if !kind.takes(letter) {
                return None;
            }
            rest = after(rest, letter);
        }
    }
    let checked = [a, b, c, d].into_iter().fold(rest, after);
    (checked == 1 && ends(text, letters.index)).then_some(start..letters.index)
}

/// What that country writes after the check digits. It is looked up by the place of the country's
/// letters, because in identifiers what looks like a country is everywhere.
fn shape_of(country: [u8; 2]) -> Option<&'static [(usize, Kind)]> {
    let place = place_of(country)?;
    let index = usize::from(PLACES[place]).checked_sub(1)?;
    Some(COUNTRIES[index].1)
}

const fn place_of([a, b]: [u8; 2]) -> Option<usize> {
    if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() {
        Some((a & 31) as usize * 32 + (b & 31) as usize)
    } else {
        None
    }
}

/// By the five low bits of both letters, which are the same in either case: one more than where the
/// country stands in the table, or zero.
static PLACES: [u8; 1024] = {
    let mut places = [0; 1024];
    let mut index = 0;
    while index < COUNTRIES.len() {
        if let Some(place) = place_of(*COUNTRIES[index].0) {
            places[place] = index as u8 + 1;
        }
        index += 1;
    }
    places
};

/// The letters and digits from here on, without the space after each fourth, if there is one.
struct Letters<'a> {
    text: &'a [u8],
    index: usize,
    taken: usize,
    separator: Option<u8>,
}

impl<'a> Letters<'a> {
    fn new(text: &'a [u8], index: usize) -> Self {
        let next = text.get(index).copied();
        Self {
            text,
            index,
            taken: 0,
            separator: next.filter(|byte| SEPARATORS.contains(byte)),
        }
    }

    fn next(&mut self) -> Option<u8> {
        if let Some(separator) = self.separator
            && self.taken.is_multiple_of(4)
        {
            if *self.text.get(self.index)? != separator {
                return None;
            }
            self.index += 1;
        }
        let letter = *self.text.get(self.index)?;
        self.index += 1;
        self.taken += 1;
        Some(letter.to_ascii_uppercase())
    }
}

/// The remainder by 97 after one more letter, which counts as two digits.
fn after(rest: u32, letter: u8) -> u32 {
    let value = char::from(letter).to_digit(36).unwrap_or(0);
    let shifted = if value < 10 { rest * 10 } else { rest * 100 };
    (shifted + value) % 97
}

/// What may stand in a place.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A digit.
    N,
    /// A letter.
    A,
    /// Either.
    C,
}

impl Kind {
    fn takes(self, letter: u8) -> bool {
        match self {
            Self::N => letter.is_ascii_digit(),
            Self::A => letter.is_ascii_uppercase(),
            Self::C => letter.is_ascii_digit() || letter.is_ascii_uppercase(),
        }
    }
}

use Kind::{A, C, N};

/// What follows the check digits, by country (the registry of SWIFT).
pub(super) type Country = (&'static [u8; 2], &'static [(usize, Kind)]);

#[rustfmt::skip] // A table, read by the line.
pub(super) const COUNTRIES: &[Country] = &[
    (b"AD", &[(8, N), (12, C)]),
    (b"AE", &[(19, N)]),
    (b"AL", &[(8, N), (16, C)]),
    (b"AT", &[(16, N)]),
    (b"AZ", &[(4, A), (20, C)]),
    (b"BA", &[(16, N)]),
    (b"BE", &[(12, N)]),
    (b"BG", &[(4, A), (6, N), (8, C)]),
    (b"BH", &[(4, A), (14, C)]),
    (b"BI", &[(23, N)]),
    (b"BR", &[(23, N), (1, A), (1, C)]),
    (b"BY", &[(4, C), (4, N), (16, C)]),
    (b"CH", &[(5, N), (12, C)]),
    (b"CR", &[(18, N)]),
    (b"CY", &[(8, N), (16, C)]),
    (b"CZ", &[(20, N)]),
    (b"DE", &[(18, N)]),
    (b"DJ", &[(23, N)]),
    (b"DK", &[(14, N)]),
    (b"DO", &[(4, C), (20, N)]),
    (b"EE", &[(16, N)]),
    (b"EG", &[(25, N)]),
    (b"ES", &[(20, N)]),
    (b"FI", &[(14, N)]),
    (b"FK", &[(2, A), (12, N)]),
    (b"FO", &[(14, N)]),
    (b"FR", &[(10, N), (11, C), (2, N)]),
    (b"GB", &[(4, A), (14, N)]),
    (b"GE", &[(2, A), (16, N)]),
    (b"GI", &[(4, A), (15, C)]),
    (b"GL", &[(14, N)]),
    (b"GR", &[(7, N), (16, C)]),
    (b"GT", &[(4, C), (20, C)]),
    (b"HN", &[(4, A), (20, N)]),
    (b"HR", &[(17, N)]),
    (b"HU", &[(24, N)]),
    (b"IE", &[(4, A), (14, N)]),
    (b"IL", &[(19, N)]),
    (b"IQ", &[(4, A), (15, N)]),
    (b"IS", &[(22, N)]),
    (b"IT", &[(1, A), (10, N), (12, C)]),
    (b"JO", &[(4, A), (4, N), (18, C)]),
    (b"KW", &[(4, A), (22, C)]),
    (b"KZ", &[(3, N), (13, C)]),
    (b"LB", &[(4, N), (20, C)]),
    (b"LC", &[(4, A), (24, C)]),
    (b"LI", &[(5, N), (12, C)]),
    (b"LT", &[(16, N)]),
    (b"LU", &[(3, N), (13, C)]),
    (b"LV", &[(4, A), (13, C)]),
    (b"LY", &[(21, N)]),
    (b"MC", &[(10, N), (11, C), (2, N)]),
    (b"MD", &[(2, C), (18, C)]),
    (b"ME", &[(18, N)]),
    (b"MK", &[(3, N), (10, C), (2, N)]),
    (b"MN", &[(16, N)]),
    (b"MR", &[(23, N)]),
    (b"MT", &[(4, A), (5, N), (18, C)]),
    (b"MU", &[(4, A), (19, N), (3, A)]),
    (b"NI", &[(4, A), (20, N)]),
    (b"NL", &[(4, A), (10, N)]),
    (b"NO", &[(11, N)]),
    (b"OM", &[(3, N), (16, C)]),
    (b"PK", &[(4, A), (16, C)]),
    (b"PL", &[(24, N)]),
    (b"PS", &[(4, A), (21, C)]),
    (b"PT", &[(21, N)]),
    (b"QA", &[(4, A), (21, C)]),
    (b"RO", &[(4, A), (16, C)]),
    (b"RS", &[(18, N)]),
    (b"RU", &[(14, N), (15, C)]),
    (b"SA", &[(2, N), (18, C)]),
    (b"SC", &[(4, A), (20, N), (3, A)]),
    (b"SD", &[(14, N)]),
    (b"SE", &[(20, N)]),
    (b"SI", &[(15, N)]),
    (b"SK", &[(20, N)]),
    (b"SM", &[(1, A), (10, N), (12, C)]),
    (b"SO", &[(19, N)]),
    (b"ST", &[(21, N)]),
    (b"SV", &[(4, A), (20, N)]),
    (b"TL", &[(19, N)]),
    (b"TN", &[(20, N)]),
    (b"TR", &[(6, N), (16, C)]),
    (b"UA", &[(6, N), (19, C)]),
    (b"VA", &[(18, N)]),
    (b"VG", &[(4, A), (16, N)]),
    (b"XK", &[(16, N)]),
    (b"YE", &[(4, A), (4, N), (18, C)]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Category, MASK, MaskPolicy, Masker};

    /// The registry's own examples.
    const ACCOUNTS: &[&str] = &[
        "AD1200012030200359100100",
        "AE070331234567890123456",
        "AL47212110090000000235698741",
        "AT611904300234573201",
        "AZ21NABZ00000000137010001944",
        "BA391290079401028494",
        "BE68539007547034",
        "BG80BNBG96611020345678",
        "BH67BMAG00001299123456",
        "BI4210000100010000332045181",
        "BR9700360305000010009795493P1",
        "BY13NBRB3600900000002Z00AB00",
        "CH9300762011623852957",
        "CR05015202001026284066",
        "CY17002001280000001200527600",
        "CZ6508000000192000145399",
        "DE89370400440532013000",
        "DJ2100010000000154000100186",
        "DK5000400440116243",
        "DO28BAGR00000001212453611324",
        "EE382200221020145685",
        "EG380019000500000000263180002",
        "ES9121000418450200051332",
        "FI2112345600000785",
        "FK88SC123456789012",
        "FO6264600001631634",
        "FR1420041010050500013M02606",
        "GB29NWBK60161331926819",
        "GE29NB0000000101904917",
        "GI75NWBK000000007099453",
        "GL8964710001000206",
        "GR1601101250000000012300695",
        "GT82TRAJ01020000001210029690",
        "HN88CABF00000000000250005469",
        "HR1210010051863000160",
        "HU42117730161111101800000000",
        "IE29AIBK93115212345678",
        "IL620108000000099999999",
        "IQ98NBIQ850123456789012",
        "IS140159260076545510730339",
        "IT60X0542811101000000123456",
        "JO94CBJO0010000000000131000302",
        "KW81CBKU0000000000001234560101",
        "KZ86125KZT5004100100",
        "LB62099900000001001901229114",
        "LC55HEMM000100010012001200023015",
        "LI21088100002324013AA",
        "LT121000011101001000",
        "LU280019400644750000",
        "LV80BANK0000435195001",
        "LY83002048000020100120361",
        "MC5811222000010123456789030",
        "MD24AG000225100013104168",
        "ME25505000012345678951",
        "MK07250120000058984",
        "MN121234123456789123",
        "MR1300020001010000123456753",
        "MT84MALT011000012345MTLCAST001S",
        "MU17BOMM0101101030300200000MUR",
        "NI45BAPR00000013000003558124",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "OM810180000001299123456",
        "PK36SCBL0000001123456702",
        "PL61109010140000071219812874",
        "PS92PALS000000000400123456702",
        "PT50000201231234567890154",
        "QA58DOHB00001234567890ABCDEFG",
        "RO49AAAA1B31007593840000",
        "RS35260005601001611379",
        "RU0304452522540817810538091310419",
        "SA0380000000608010167519",
        "SC18SSCB11010000000000001497USD",
        "SD2129010501234001",
        "SE4550000000058398257466",
        "SI56263300012039086",
        "SK3112000000198742637541",
        "SM86U0322509800000000270100",
        "SO211000001001000100141",
        "ST23000100010051845310146",
        "SV62CENR00000000000000700025",
        "TL380080012345678910157",
        "TN5910006035183598478831",
        "TR330006100519786457841326",
        "UA213223130000026007233566001",
        "VA59001123000012345678",
        "VG96VPVG0000012345678901",
        "XK051212012345678906",
        "YE15CBYE0001018861234567891234",
    ];

    fn grouped(account: &str, separator: char) -> String {
        let mut text = String::new();
        for (index, letter) in account.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push(separator);
            }
            text.push(letter);
        }
        text
    }

    #[test]
    fn an_account_is_masked_wherever_it_stands() {
        let masker = Masker::default();
        for account in ACCOUNTS {
            for account in [
                (*account).to_owned(),
                account.to_lowercase(),
                grouped(account, ' '),
                grouped(account, '-'),
            ] {
                for (before, after) in [
                    ("", ""),
                    ("pay to ", " today"),
                    ("to=", "&x=1"),
                    ("\"", "\""),
                    ("IBAN: ", ", BIC X"),
                    ("账号", "。"),
                    ("(", ")"),
                ] {
                    let text = format!("{before}{account}{after}");
                    assert_eq!(
                        masker.mask_text(&text),
                        format!("{before}{MASK}{after}"),
                        "{text}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_country_has_an_example() {
        for (code, _) in COUNTRIES {
            assert!(
                ACCOUNTS
                    .iter()
                    .any(|account| account.as_bytes().starts_with(*code)),
                "{code:?}"
            );
        }
        assert!(COUNTRIES.is_sorted_by_key(|(code, _)| **code));
    }

    #[test]
    fn what_only_looks_like_an_account_is_shown() {
        let masker = Masker::default();
        for text in [
            // The check digits.
            "DE89370400440532013001",
            "DE88370400440532013000",
            "GB29 NWBK 6016 1331 9268 18",
            // The country.
            "ZZ89370400440532013000",
            "US89370400440532013000",
            // Too short, too long, badly grouped, a letter where a digit belongs.
            "DE8937040044053201300",
            "DE893704004405320130001",
            "DE89 3704 00440532013000",
            "DE89  3704 0044 0532 0130 00",
            "DE8937040044O532013000",
            "DE89",
            // A piece of something longer.
            "XDE89370400440532013000",
            "DE89370400440532013000x",
            "1DE89370400440532013000",
            "be12345678901234",
            "de893704004405320130ff",
            "AD12-2026",
            "IT60 is a room",
            "no 12 34",
        ] {
            assert_eq!(masker.mask_text(text), text);
        }
    }

    #[test]
    fn accounts_are_shown_where_payment_is_switched_off() {
        let masker = Masker::new(MaskPolicy::iso27001().without(Category::Payment));
        assert_eq!(masker.mask_text(ACCOUNTS[0]), ACCOUNTS[0]);
    }
}
