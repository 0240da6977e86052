//! Keys and tokens that begin as their vendor makes them begin.

mod table;

use std::ops::Range;

use crate::text::shape::ends;
pub(super) use crate::text::vendor_key::table::VENDORS;

/// The key that begins here: a vendor's prefix, and as many letters after it as that vendor's keys
/// have.
pub(super) fn find(text: &[u8], start: usize) -> Option<Range<usize>> {
    let first = text[start];
    let (from, to) = *STARTS.get(usize::from(first))?;
    let vendors = &VENDORS[usize::from(from)..usize::from(to)];
    // Of `sk-` and `sk-ant-`, each asks for what the other's keys do not have.
    vendors.iter().find_map(|vendor| {
        let prefix = vendor.prefix.as_bytes();
        let body = start + prefix.len();
        // Nearly all differ in the next letter, and a call to compare them costs more than that.
        if text.get(start + 1) != prefix.get(1) || !text[start..].starts_with(prefix) {
            return None;
        }
        let end = vendor.shape.end(text, body)?;
        // Of a webhook the host may be shown.
        Some(
            if vendor.prefix.ends_with('/') {
                body
            } else {
                start
            }..end,
        )
    })
}

/// Whose keys begin so.
pub(super) struct Vendor {
    pub(super) prefix: &'static str,
    shape: Shape,
    /// For the page, which a test prints.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page is printed by a test"))]
    name: &'static str,
}

/// What follows the prefix.
#[derive(Clone, Copy)]
enum Shape {
    /// So many letters, and no more.
    Exactly(Alphabet, usize),
    /// So many, or more: vendors make keys longer without asking.
    AtLeast(Alphabet, usize),
    /// Parts of that length with a dot or a dash between.
    Parts(&'static [(Alphabet, usize)]),
}

impl Shape {
    /// The end of the key whose prefix ends at `start`. No more is read than the shape is long,
    /// unless it is a key.
    fn end(self, text: &[u8], start: usize) -> Option<usize> {
        match self {
            Self::Exactly(alphabet, length) => exactly(text, start, alphabet, length),
            Self::AtLeast(alphabet, least) => {
                let body = text.get(start..start + least)?;
                let is_key = body.iter().all(|&byte| alphabet.has(byte)) && is_no_prose(body);
                is_key.then(|| end_of_run(text, start + least, alphabet))
            }
            Self::Parts(parts) => {
                let mut end = start;
                for (index, &(alphabet, length)) in parts.iter().enumerate() {
                    if index > 0 {
                        matches!(text.get(end), Some(b'.' | b'-')).then_some(())?;
                        end += 1;
                    }
                    end = exactly(text, end, alphabet, length)?;
                }
                Some(end)
            }
        }
    }
}

fn exactly(text: &[u8], start: usize, alphabet: Alphabet, length: usize) -> Option<usize> {
    let end = start + length;
    let body = text.get(start..end)?;
    let all = body.iter().all(|&byte| alphabet.has(byte));
    (all && is_no_prose(body) && ends(text, end)).then_some(end)
}

/// Names are written in small letters; no key is made of them alone.
fn is_no_prose(body: &[u8]) -> bool {
    let is_rare = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    body.iter().any(is_rare)
}

/// A key ends before the point that ends a sentence.
fn end_of_run(text: &[u8], from: usize, alphabet: Alphabet) -> usize {
    let run = text[from..].iter().take_while(|&&byte| alphabet.has(byte));
    let mut end = from + run.count();
    while end > from && text[end - 1] == b'.' {
        end -= 1;
    }
    end
}

/// What a key is written with.
#[derive(Clone, Copy)]
enum Alphabet {
    /// `0-9 a-f A-F`
    Hex,
    /// `0-9 A-Z`
    Upper,
    /// `0-9 A-Z a-z`
    Alnum,
    /// Also `_`.
    Word,
    /// Also `-`: base64url.
    Url,
    /// Also `.`.
    Dotted,
    /// Base64url with its padding.
    Padded,
    /// Base64url as a cookie has it, with `%2B` and the like.
    Percent,
    /// Base64.
    Base64,
    /// Parts of a path.
    Path,
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        let also: &[u8] = match self {
            Self::Hex => return byte.is_ascii_hexdigit(),
            Self::Upper => return byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Self::Alnum => b"",
            Self::Word => b"_",
            Self::Url => b"_-",
            Self::Dotted => b"_-.",
            Self::Padded => b"_-=",
            Self::Percent => b"_-%",
            Self::Base64 => b"+/=",
            Self::Path => b"_-./@",
        };
        byte.is_ascii_alphanumeric() || also.contains(&byte)
    }
}

/// Where in the table the prefixes with a first letter begin and end.
const STARTS: [(u8, u8); 128] = {
    let mut starts = [(0, 0); 128];
    let mut index = 0;
    while index < VENDORS.len() {
        let first = VENDORS[index].prefix.as_bytes()[0] as usize;
        if starts[first].1 == 0 {
            starts[first].0 = index as u8;
        }
        index += 1;
        starts[first].1 = index as u8;
    }
    starts
};

/// For the page.
#[cfg(test)]
pub(crate) fn names() -> std::collections::BTreeSet<&'static str> {
    VENDORS.iter().map(|vendor| vendor.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Category, MASK, MaskPolicy, Masker};

    /// A letter or digit that every alphabet has.
    fn body(length: usize) -> String {
        "FACE0".chars().cycle().take(length).collect()
    }

    /// The shortest key of a vendor, obviously made up.
    fn key(vendor: &Vendor, shorter_by: usize) -> String {
        let body = match vendor.shape {
            Shape::Exactly(_, length) | Shape::AtLeast(_, length) => body(length - shorter_by),
            Shape::Parts(parts) => {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|(_, length)| body(length - shorter_by))
                    .collect();
                parts.join(".")
            }
        };
        format!("{}{body}", vendor.prefix)
    }

    fn shown(vendor: &Vendor) -> String {
        let kept = if vendor.prefix.ends_with('/') {
            vendor.prefix
        } else {
            ""
        };
        format!("{kept}{MASK}")
    }

    #[test]
    fn a_key_is_masked_wherever_it_stands() {
        let masker = Masker::default();
        for vendor in VENDORS {
            let (key, shown) = (key(vendor, 0), shown(vendor));
            for (before, after) in [
                ("", ""),
                ("used ", " today"),
                ("x=", "&y=1"),
                ("\"", "\""),
                ("键", "。"),
                ("(", ")"),
                ("//", "?x"),
                ("a, ", ", b"),
                ("`", "`"),
                ("x_", ""),
                ("it was ", ": refused"),
            ] {
                let text = format!("{before}{key}{after}");
                assert_eq!(
                    masker.mask_text(&text),
                    format!("{before}{shown}{after}"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_too_short_or_a_piece_of_a_word_is_shown() {
        let masker = Masker::default();
        for vendor in VENDORS {
            let short = key(vendor, 1);
            assert_eq!(masker.mask_text(&short), short);
            let inside = format!("x{}", key(vendor, 0));
            // A longer prefix may be another vendor's.
            if !VENDORS
                .iter()
                .any(|other| inside.contains(other.prefix) && other.prefix != vendor.prefix)
            {
                assert_eq!(masker.mask_text(&inside), inside);
            }
        }
    }

    #[test]
    fn what_is_exact_is_no_piece_of_something_longer() {
        let masker = Masker::default();
        for vendor in VENDORS {
            if let Shape::Exactly(..) = vendor.shape {
                let long = key(vendor, 0) + "0";
                assert_eq!(masker.mask_text(&long), long);
            }
        }
    }

    #[test]
    fn prose_is_shown() {
        let masker = Masker::default();
        for text in [
            "sk-estimator-html-representation-container-fluid",
            "sk-folding-cube",
            "sk-SK",
            "pk_live_FACE0FACE0FACE0FACE0FACE0",
            "npm_config_registry_and_more_of_such_names_here",
            "ghp_ is how a token begins",
            "glpat-",
            "xoxb-your-bot-token-goes-here",
            "SG.",
            "hvs.example.test",
            "key-value",
            "key-d41d8cd98f00b204e9800998ecf8427e",
            "pat.",
            "patient.records",
            "cio",
            "AKIA",
            "AKIAlowercaseletters",
            "SKU FACE0",
            "ATBB",
            "hf_transformers",
            "pypi-attestations-are-published-for-each-of-them-here",
            "figd_",
            "sq0idp-FACE0FACE0FACE0FACE0F",
            "ak_d41d8cd98f00b204",
            "dapi-docs",
            "EAAA",
            "AC0123456789abcdef0123456789abcdef",
            "https://hooks.slack.com/services/",
            "https://discord.com/api/webhooks/17",
        ] {
            assert_eq!(masker.mask_text(text), text);
        }
    }

    #[test]
    fn keys_are_shown_where_credentials_are_switched_off() {
        let masker = Masker::new(MaskPolicy::iso27001().without(Category::Credentials));
        let key = key(&VENDORS[0], 0);
        assert_eq!(masker.mask_text(&key), key);
    }

    #[test]
    fn vendors_are_listed_in_order_and_once() {
        assert!(VENDORS.windows(2).all(|two| two[0].prefix < two[1].prefix));
    }

    /// A time that grew with the square would not end.
    #[test]
    fn a_hostile_text_takes_no_longer_than_its_length() {
        let masker = Masker::default();
        for vendor in VENDORS {
            let text = format!("{}-", vendor.prefix).repeat(20_000);
            let _ = masker.mask_text(&text);
        }
    }
}
