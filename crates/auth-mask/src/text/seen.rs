//! What there is in a text, so that only those passes are made that may find something.

use crate::text::glance::{Block, Reader, Signs, Walker, walk};
use crate::text::words;

/// What was seen in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen(Sign);

/// What has to be there for one kind of secret or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign(u16);

impl Sign {
    pub(super) const NONE: Self = Self(0);
    pub(super) const EQUALS: Self = Self(1);
    pub(super) const COLON: Self = Self(1 << 1);
    /// As JSON has it, escaped or not, and as other languages have it.
    pub(super) const QUOTE: Self = Self(1 << 2);
    pub(super) const AT: Self = Self(1 << 3);
    pub(super) const DOT: Self = Self(1 << 4);
    pub(super) const CAPITAL_J: Self = Self(1 << 5);
    /// A word that begins as the name of a scheme does.
    pub(super) const SCHEME: Self = Self(1 << 6);
    /// One that begins as the first line of a key does.
    pub(super) const BEGIN: Self = Self(1 << 7);
    /// One that begins as what is known by its shape.
    pub(super) const SHAPE: Self = Self(1 << 8);

    pub(super) const fn and(self, Self(signs): Self) -> Self {
        Self(self.0 | signs)
    }
}

impl Seen {
    pub(super) fn in_text(text: &str) -> Self {
        let mut looking = Looking {
            signs: Signs::default(),
            words: Sign::NONE,
        };
        walk(text.as_bytes(), &mut looking);
        Self(looking.signs.seen().and(looking.words))
    }

    /// Whether all of these are there.
    pub(super) fn has(self, Sign(signs): Sign) -> bool {
        self.0.0 & signs == signs
    }
}

struct Looking {
    signs: Signs,
    words: Sign,
}

impl Walker for Looking {
    #[inline]
    fn at_block(&mut self, block: Block) -> bool {
        self.signs.add(block);
        true
    }
}

impl Reader for Looking {
    #[inline]
    fn at_word(&mut self, _: usize, sets: u64) -> bool {
        for (set, sign) in [
            (words::SCHEME, Sign::SCHEME),
            (words::BEGIN, Sign::BEGIN),
            (words::SHAPES, Sign::SHAPE),
        ] {
            if sets & set != 0 {
                self.words = self.words.and(sign);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::memo::Judge;
    use crate::text::glance::{Block, Signs, one_by_one};
    use crate::text::{assignment, email, jwt, pem, scan, scheme, shape, then, userinfo};
    use crate::{Category, MaskPolicy};

    /// Every pass, whatever is there.
    fn all_passes(policy: &MaskPolicy, text: &str) -> String {
        let text = then(text.into(), pem::mask);
        let text = then(text, jwt::mask);
        let text = then(text, |text| shape::mask(policy, text));
        let text = then(text, userinfo::mask);
        let text = then(text, scheme::mask);
        let text = then(text, |text| email::mask(policy, text));
        let masked = then(text.clone(), |text| {
            Judge::with(policy, |judge| {
                assignment::mask(judge, text).into_owned().into()
            })
        });
        if masked == text {
            return text.into_owned();
        }
        then(masked, userinfo::mask).into_owned()
    }

    /// However sixteen bytes are looked at, they are the same, wherever in them a byte stands.
    #[test]
    fn a_block_is_what_its_bytes_are() {
        for byte in 0..=u8::MAX {
            for at in 0..16 {
                for around in [b' ', b'a', b'Z', 0xff] {
                    let mut bytes = [around; 16];
                    bytes[at] = byte;
                    let one = one_by_one::Block::of(&bytes);
                    let mut expected = one_by_one::Signs::default();
                    expected.add(one);
                    let [first, last] = [0, 8].map(|at| *bytes[at..].first_chunk().unwrap());
                    let halves = one_by_one::Block::of_halves(first, last);
                    assert_eq!(halves.letters(), one.letters(), "{byte:#x} {at}");
                    for block in [Block::of(&bytes), Block::of_halves(first, last)] {
                        assert_eq!(block.letters(), one.letters(), "{byte:#x} {at}");
                        assert_eq!(block.odd(), one.odd(), "{byte:#x} {at}");
                        assert_eq!(block.stops(), one.stops(), "{byte:#x} {at}");
                        let mut signs = Signs::default();
                        signs.add(block);
                        assert_eq!(signs.seen(), expected.seen(), "{byte:#x} {at}");
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn what_is_passed_over_would_have_found_nothing(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "password", "token", "=", ":", " ", "\"", "'", "\\\"", "://", "@", "/", ".",
                        "eyJhbGci", ".eyJzdWIi", "-----BEGIN PRIVATE KEY-----", "Bearer", "basic",
                        "\t", "ada", "example.com", "&", "?", "dXNlcjpwYXNz", "4111 1111 1111 1111", "@tcp(", "@unix(",
                    ]).prop_map(str::to_owned),
                    "[ -~]{0,6}",
                ],
                0..10,
            ),
        ) {
            let text = pieces.concat();
            let iso = MaskPolicy::iso27001();
            for policy in [iso.clone(), iso.with(Category::Contact)] {
                prop_assert_eq!(Judge::with(&policy, |judge| scan(judge, &text).into_owned()), all_passes(&policy, &text));
            }
        }
    }
}
