//! A walk over a text, sixteen bytes at a time.

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
pub(super) mod one_by_one;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) mod sixteen_at_once;

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(crate) use self::one_by_one::Block;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(super) use self::one_by_one::Signs;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(crate) use self::sixteen_at_once::Block;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) use self::sixteen_at_once::Signs;
use crate::text::words;

/// Who is led over a text. Either answer may end the walk.
pub(super) trait Walker: Reader {
    /// Sees the next bytes. Some of them may have been seen before, and where the text is shorter
    /// there are spaces.
    fn at_block(&mut self, block: Block) -> bool;
}

/// Who is led past the words of a text. The answer may end the walk.
pub(super) trait Reader {
    /// Sees a word that begins as one of these sets does (`words`).
    fn at_word(&mut self, start: usize, sets: u64) -> bool;
}

/// Leads over a text, and returns whether to its end.
#[inline]
pub(super) fn walk(text: &[u8], walker: &mut impl Walker) -> bool {
    match text.len() {
        16.. => by_blocks(text, walker),
        8.. => by_halves(text, walker),
        // Too short for whatever begins with a word.
        _ => {
            let short = short(text);
            walker.at_block(Block::of_halves(short, short))
        }
    }
}

/// A text of 16 bytes or more, four blocks at a time: it takes longer to learn how many words begin
/// in a block than to look at them.
fn by_blocks(text: &[u8], walker: &mut impl Walker) -> bool {
    // Whether the word goes on that ended the four before.
    let mut inside = 0;
    for start in (0..text.len()).step_by(64) {
        let mut letters = 0;
        for at in (start..text.len().min(start + 64)).step_by(16) {
            let (block, seen) = match text[at..].first_chunk() {
                Some(block) => (block, 0),
                // The rest, behind some that was seen before.
                None => match text.last_chunk() {
                    Some(block) => (block, at + 16 - text.len()),
                    None => return true,
                },
            };
            let block = Block::of(block);
            letters |= u64::from(block.letters() >> seen) << (at - start);
            if !walker.at_block(block) {
                return false;
            }
        }
        if !words_at(text, start, letters & !(letters << 1 | inside), walker) {
            return false;
        }
        inside = letters >> 63;
    }
    true
}

/// A text of 8 to 15 bytes: its first eight and its last eight.
#[inline]
fn by_halves(text: &[u8], walker: &mut impl Walker) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return true;
    };
    let block = Block::of_halves(*first, *last);
    let [first, last] = block.letters().to_le_bytes().map(u64::from);
    let letters = first | last >> (16 - text.len()) << 8;
    walker.at_block(block) && words_at(text, 0, letters & !(letters << 1), walker)
}

/// Leads past the words that begin at these places from `at` on, the nearest in the lowest bit.
#[inline]
pub(super) fn words_at(text: &[u8], at: usize, mut places: u64, reader: &mut impl Reader) -> bool {
    while places != 0 {
        let start = at + places.trailing_zeros() as usize;
        places &= places - 1;
        if let Some(word) = text.get(start..).and_then(<[u8]>::first_chunk) {
            let sets = words::sets(*word);
            if sets != 0 && !reader.at_word(start, sets) {
                return false;
            }
        }
    }
    true
}

/// A text of up to 7 bytes; some of them may be there twice, and where there is none is a space.
fn short(text: &[u8]) -> [u8; 8] {
    match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
            (first | last << 32).to_le_bytes()
        }
        _ => {
            let mut short = [b' '; 8];
            for (to, byte) in short.iter_mut().zip(text) {
                *to = *byte;
            }
            short
        }
    }
}
