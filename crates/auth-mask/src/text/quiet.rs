//! Whether there is nothing to look for in a text. Most texts are so, and need one quick look.

use crate::MaskPolicy;
use crate::json;
use crate::text::glance::{Block, Reader, Walker, walk, words_at};
use crate::text::{shape, words};

/// Whether no pass would find anything in this text: there is nothing in it that is known by its
/// shape, and no sign that announces a secret.
#[inline]
pub(super) fn is_quiet(policy: &MaskPolicy, text: &str) -> bool {
    let text = text.as_bytes();
    walk(text, &mut Looking { policy, text })
}

struct Looking<'a> {
    policy: &'a MaskPolicy,
    text: &'a [u8],
}

impl Walker for Looking<'_> {
    #[inline]
    fn at_block(&mut self, block: Block) -> bool {
        block.odd() == 0
    }
}

impl Reader for Looking<'_> {
    #[inline]
    fn at_word(&mut self, start: usize, sets: u64) -> bool {
        is_word_quiet(self.policy, self.text, start, sets)
    }
}

/// In identifiers every other word begins as a card or an account does.
#[inline]
fn is_word_quiet(policy: &MaskPolicy, text: &[u8], start: usize, sets: u64) -> bool {
    sets & !words::SHAPES == 0 && !shape::is_at(policy, text, start, sets)
}

/// Whether a text is quiet, and can stand in a document as it is: neither masked nor escaped.
pub(crate) fn is_quiet_and_plain(policy: &MaskPolicy, text: &str) -> bool {
    let text = text.as_bytes();
    let mut looking = Printing(Looking { policy, text });
    walk(text, &mut looking)
}

struct Printing<'a>(Looking<'a>);

impl Walker for Printing<'_> {
    #[inline]
    fn at_block(&mut self, block: Block) -> bool {
        block.odd() | block.stops() == 0
    }
}

impl Reader for Printing<'_> {
    #[inline]
    fn at_word(&mut self, start: usize, sets: u64) -> bool {
        self.0.at_word(start, sets)
    }
}

/// What is between the quotation marks of a document.
pub(crate) struct Quoted {
    /// Where the plain text ends: at a quotation mark, a backslash, a control character, or the end
    /// of the document.
    pub(crate) end: usize,
    /// Whether it is quiet up to there.
    pub(crate) is_quiet: bool,
}

/// Finds the end of the text that begins at `start`, and looks at it on the way there.
pub(crate) fn quoted(policy: &MaskPolicy, document: &[u8], start: usize) -> Quoted {
    let mut looking = LookingAhead {
        policy,
        document,
        start,
        at: start,
        end: None,
    };
    let mut inside = 0;
    let is_quiet = loop {
        let (four, mut letters, mut odd, mut is_last) = (looking.at, 0, 0, false);
        for shift in [0, 16, 32, 48] {
            let rest = document.get(looking.at..).unwrap_or_default();
            let block = match rest.first_chunk() {
                Some(block) => Block::of(block),
                None => Block::of(&ended(rest)),
            };
            let stops = block.stops();
            let before = (stops & stops.wrapping_neg()).wrapping_sub(1);
            letters |= u64::from(block.letters() & before) << shift;
            odd |= block.odd() & before;
            if stops != 0 {
                looking.end = Some(looking.at + stops.trailing_zeros() as usize);
                is_last = true;
                break;
            }
            looking.at += 16;
        }
        let begins = letters & !(letters << 1 | inside);
        inside = letters >> 63;
        let goes_on = odd == 0 && words_at(document, four, begins, &mut looking);
        // Not as soon as the end is known: a word may have asked for it.
        if !goes_on || is_last {
            break goes_on;
        }
    };
    Quoted {
        end: looking.end(),
        is_quiet,
    }
}

/// As [`Looking`], where it is not known yet how far the text goes.
struct LookingAhead<'a> {
    policy: &'a MaskPolicy,
    document: &'a [u8],
    start: usize,
    /// Up to where it goes at least.
    at: usize,
    end: Option<usize>,
}

impl LookingAhead<'_> {
    #[inline]
    fn end(&mut self) -> usize {
        match self.end {
            Some(end) => end,
            None => self.search(),
        }
    }

    #[cold]
    fn search(&mut self) -> usize {
        let end = json::plain_until(self.document, self.at);
        self.end = Some(end);
        end
    }

    fn text(&mut self) -> &[u8] {
        let end = self.end();
        &self.document[self.start..end]
    }
}

/// The last bytes of a document, and then some at which a text ends.
#[cold]
fn ended(rest: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    for (to, byte) in block.iter_mut().zip(rest) {
        *to = *byte;
    }
    block
}

impl Reader for LookingAhead<'_> {
    #[inline]
    fn at_word(&mut self, start: usize, sets: u64) -> bool {
        let (policy, begins) = (self.policy, self.start);
        let text = self.text();
        is_word_quiet(policy, text, start - begins, sets)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_is_seen_as_it_is(policy: &MaskPolicy, text: &str, after: &str) {
        let document = format!("\"{text}{after}");
        let quoted = quoted(policy, document.as_bytes(), 1);
        let stops = |c: char| matches!(c, '"' | '\\' | ..' ');
        let end = document[1..]
            .find(stops)
            .map_or(document.len(), |at| 1 + at);
        assert_eq!(quoted.end, end, "{document:?}");
        assert_eq!(
            quoted.is_quiet,
            is_quiet(policy, &document[1..end]),
            "{document:?}"
        );
    }

    /// What is odd is seen wherever it stands, also behind words that only begin as a secret does.
    #[test]
    fn nothing_is_missed_on_the_way_to_the_end() {
        let policy = MaskPolicy::iso27001();
        for word in ["quiet", "4111", "de89", "sk-x"] {
            for length in 0..200 {
                for odd in ["", "a=b", "4111 1111 1111 1111"] {
                    for after in ["\"", "\"}, and more, and much more", "\\n", ""] {
                        let text = format!("{word} {} {odd}", "-".repeat(length));
                        assert_is_seen_as_it_is(&policy, &text, after);
                        let text = format!("{} {word} {odd}", "-".repeat(length));
                        assert_is_seen_as_it_is(&policy, &text, after);
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn a_text_is_seen_alike_in_a_document_and_by_itself(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "4111", "de89", "sk-", "AA", "2221", "ghp_", "sig=", "Bearer x", "@", "J", " ", "-",
                        "4111 1111 1111 1111", "\\", "DE89 3704 0044 0532 0130 00", "-----BEGIN ",
                    ]).prop_map(str::to_owned),
                    "[ -~]{0,20}",
                    "[a-f0-9-]{0,40}",
                ],
                0..12,
            ),
            after in "\"?[ -~]{0,40}",
        ) {
            assert_is_seen_as_it_is(&MaskPolicy::iso27001(), &pieces.concat(), &after);
        }
    }
}
