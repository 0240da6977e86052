//! The head of what lies in level two: when it was changed on purpose, and by whom.
//!
//! A change (set, delete) writes a new stamp. What a loader brings carries the stamp that was there when
//! the loader was asked, and is refused if there is another one by then.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::HEAD;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(String);

impl Stamp {
    /// Of a change at this moment, in milliseconds since 1970. Stamps sort by time.
    pub(crate) fn new(now: u64, random: &str) -> Self {
        let mut text = format!("{now:012x}");
        // Writing to a string cannot fail.
        let _ = write!(text, "{random}");
        text.truncate(HEAD);
        Self(text)
    }

    /// Of what nobody has changed on purpose.
    pub(crate) fn none() -> Self {
        Self("0".repeat(HEAD))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// When the change was made that left this head, in milliseconds since 1970 by the clock of whoever made it.
/// Zero if nobody has changed it on purpose.
fn time_of(head: &[u8]) -> Option<u64> {
    let time = std::str::from_utf8(head.get(..TIME)?).ok()?;
    u64::from_str_radix(time, 16).ok()
}

/// The stamp that this head is, if it is of a change that was made less than so many milliseconds ago.
pub(crate) fn of_late(head: &[u8], age: u64, now: u64) -> Option<&str> {
    let is_late = time_of(head).is_some_and(|time| now.saturating_sub(time) < age);
    let stamp = std::str::from_utf8(head).ok()?;
    (is_late && stamp.len() == HEAD).then_some(stamp)
}

/// Gives stamps in order: each is later than those before it, and than those that were seen, also where
/// a clock stands still or somebody else's is a little ahead.
#[derive(Debug, Default)]
pub(crate) struct Stamps(AtomicU64);

impl Stamps {
    pub(crate) fn next(&self, now: u64, random: &str) -> Stamp {
        let after = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, after);
        let last = last.unwrap_or_else(|last| last);
        Stamp::new(now.max(last.saturating_add(1)), random)
    }

    /// Takes notice of the head of something that was read.
    pub(crate) fn see(&self, head: &[u8], now: impl FnOnce() -> u64) {
        // Most of them are old news.
        let Some(time) = time_of(head).filter(|time| *time > self.0.load(Ordering::Acquire)) else {
            return;
        };
        // One from the far future would make every later one as wrong.
        if time <= now().saturating_add(FAR) {
            self.0.fetch_max(time, Ordering::AcqRel);
        }
    }
}

/// How much of a stamp is its time.
const TIME: usize = 12;

/// How far a clock may be ahead to be believed, in milliseconds.
const FAR: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random;

    #[test]
    fn each_stamp_is_later_than_what_was_given_and_seen_before() {
        let stamps = Stamps::default();
        let mut last = Stamp::none();
        for seen in [0, 5, 1_700_000_000_500, 1_700_000_000_000, u64::MAX >> 16] {
            let before = Stamp::new(seen, &random());
            stamps.see(before.as_bytes(), || 1_700_000_000_000);
            for _ in 0..3 {
                let next = stamps.next(1_700_000_000_000, &random());
                assert!(last.as_bytes() < next.as_bytes());
                let is_believed = seen < 1_700_000_060_000;
                assert_eq!(before.as_bytes() < next.as_bytes(), is_believed);
                last = next;
            }
        }
        stamps.see(b"not a stamp", || 0);
        stamps.see(b"", || 0);
    }

    #[test]
    fn only_a_stamp_of_a_change_can_be_of_late() {
        let now = 1_700_000_000_000;
        let of_late = |head: &[u8]| of_late(head, 1000, now).is_some();
        let stamp = |time| Stamp::new(time, &random());
        assert!(of_late(stamp(now - 999).as_bytes()));
        assert!(of_late(stamp(now + 999_999).as_bytes()), "their clock");
        assert!(!of_late(stamp(now - 1000).as_bytes()));
        assert!(!of_late(Stamp::none().as_bytes()));
        assert!(!of_late(&stamp(now).as_bytes()[1..]));
        assert!(!of_late(b""));
    }

    #[test]
    fn stamps_are_as_long_as_a_head_and_sort_by_time() {
        let stamp = |now| Stamp::new(now, &random());
        let times = [0, 1, 0xfff, 1_700_000_000_000, 0xffff_ffff_ffff];
        let stamps = times.map(stamp);
        assert!(stamps.iter().all(|stamp| stamp.as_bytes().len() == HEAD));
        assert!(stamps.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
        assert!(Stamp::none().as_bytes() < stamps[0].as_bytes());
        assert_eq!(Stamp::none().as_bytes().len(), HEAD);
        assert_ne!(stamp(5), stamp(5));
    }
}
