//! What there is in a text, found in one quick pass, so that most texts need no other.

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
mod one_by_one;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sixteen_at_once;

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
use self::one_by_one::Signs;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use self::sixteen_at_once::Signs;
use crate::text::words;

/// What was seen in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    signs: Sign,
    /// Where the words begin that begin as what is known by its shape.
    pub(super) shapes: Places,
}

/// What has to be there for one kind of secret or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign(u16);

impl Sign {
    pub(super) const EQUALS: Self = Self(1);
    pub(super) const COLON: Self = Self(1 << 1);
    /// As JSON has it, escaped or not, and as other languages have it.
    pub(super) const QUOTE: Self = Self(1 << 2);
    pub(super) const AT: Self = Self(1 << 3);
    pub(super) const SLASH: Self = Self(1 << 4);
    /// Several of them side by side.
    pub(super) const DASHES: Self = Self(1 << 5);
    pub(super) const DOT: Self = Self(1 << 6);
    pub(super) const CAPITAL_J: Self = Self(1 << 7);
    /// A word that begins as the name of a scheme does.
    pub(super) const SCHEME: Self = Self(1 << 8);

    pub(super) const fn and(self, Self(signs): Self) -> Self {
        Self(self.0 | signs)
    }
}

impl Seen {
    pub(super) fn in_text(text: &str) -> Self {
        let text = text.as_bytes();
        let mut signs = Signs::default();
        let mut words = Words::default();
        match text.len() {
            16.. => by_blocks(text, &mut signs, &mut words),
            8.. => by_halves(text, &mut signs, &mut words),
            // Too short for whatever begins with a word.
            _ => {
                signs.add_halves(short(text), [0; 8]);
            }
        }
        let scheme = if words.scheme { Sign::SCHEME.0 } else { 0 };
        Self {
            signs: Sign(signs.seen().0 | scheme),
            shapes: words.shapes,
        }
    }

    /// Whether all of these are there.
    pub(super) fn has(&self, Sign(signs): Sign) -> bool {
        self.signs.0 & signs == signs
    }
}

/// What was seen of the beginnings of words.
#[derive(Default)]
struct Words {
    scheme: bool,
    shapes: Places,
}

impl Words {
    /// Looks at the words that begin at these places from `at` on, the nearest in the lowest bit.
    #[inline]
    fn look(&mut self, text: &[u8], at: usize, mut places: u16) {
        while places != 0 {
            let start = at + places.trailing_zeros() as usize;
            places &= places - 1;
            if let Some(word) = text[start..].first_chunk() {
                let sets = words::sets(*word);
                if sets != 0 {
                    self.scheme |= sets & words::SCHEME != 0;
                    if sets & !words::SCHEME != 0 {
                        self.shapes.push(start);
                    }
                }
            }
        }
    }
}

/// A few places in a text, in their order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    first: [usize; 4],
    count: usize,
}

impl Places {
    fn push(&mut self, place: usize) {
        if let Some(next) = self.first.get_mut(self.count) {
            *next = place;
        }
        self.count += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All of them, unless they were too many to remember.
    pub(super) fn all(&self) -> Option<&[usize]> {
        self.first.get(..self.count)
    }
}

/// A text of 16 bytes or more.
#[inline]
fn by_blocks(text: &[u8], signs: &mut Signs, words: &mut Words) {
    // Whether the word goes on that ended the block before.
    let mut inside = 0;
    let (blocks, rest) = text.as_chunks();
    for (block, index) in blocks.iter().zip(0..) {
        let letters = signs.add(block);
        words.look(text, index * 16, letters & !(letters << 1 | inside));
        inside = letters >> 15;
    }
    if let (false, Some(block)) = (rest.is_empty(), text.last_chunk()) {
        // The rest, behind some that was seen before.
        let letters = signs.add(block);
        let unseen = !0 << (16 - rest.len());
        words.look(text, text.len() - 16, letters & !(letters << 1) & unseen);
    }
}

/// A text of 8 to 15 bytes: its first eight and its last eight.
#[inline]
fn by_halves(text: &[u8], signs: &mut Signs, words: &mut Words) {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let letters = signs.add_halves(*first, *last);
        let [first, last] = letters.to_le_bytes().map(u16::from);
        words.look(text, 0, first & !(first << 1));
        let unseen = !0 << (16 - text.len());
        words.look(text, text.len() - 8, last & !(last << 1) & unseen);
    }
}

/// A text of up to 7 bytes; some of them may be there twice, and where there is none is zero.
fn short(text: &[u8]) -> [u8; 8] {
    match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
            (first | last << 32).to_le_bytes()
        }
        _ => {
            let byte = |at: usize| text.get(at).copied().unwrap_or_default();
            [byte(0), byte(1), byte(2), 0, 0, 0, 0, 0]
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Signs, one_by_one};
    use crate::memo::Judge;
    use crate::text::{assignment, email, jwt, pem, scan, scheme, shape, then, userinfo};
    use crate::{Category, MaskPolicy};

    /// Every pass, whatever is there.
    fn all_passes(policy: &MaskPolicy, text: &str) -> String {
        let text = then(text.into(), pem::mask);
        let text = then(text, jwt::mask);
        let text = then(text, |text| shape::mask(policy, text, None));
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
                    let (mut one, mut all) = (one_by_one::Signs::default(), Signs::default());
                    assert_eq!(one.add(&bytes), all.add(&bytes), "{byte:#x} {at}");
                    let [first, last] = [0, 8].map(|at| *bytes[at..].first_chunk().unwrap());
                    assert_eq!(one.add_halves(first, last), all.add(&bytes));
                    assert_eq!(one.add(&bytes), all.add_halves(first, last));
                    assert_eq!(one.seen(), all.seen(), "{byte:#x} {at}");
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
                        "\t", "ada", "example.com", "&", "?", "dXNlcjpwYXNz", "4111 1111 1111 1111",
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
