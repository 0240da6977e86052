//! The head of what lies in level two: when it was changed on purpose, and by whom.
//!
//! A change (set, delete) writes a new stamp. What a loader brings carries the stamp that was there when
//! the loader was asked, and is refused if there is another one by then.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::HEAD;

/// The moment in milliseconds since 1970, a count within it, and something random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(String);

impl Stamp {
    /// Stamps sort by their tick.
    fn new(tick: u64, random: &str) -> Self {
        let mut text = format!("{tick:016x}");
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

    /// Before all stamps of its tick, and after what the same process has changed before. Two processes may share
    /// one.
    pub(crate) fn earliest(&self) -> String {
        format!("{:0<HEAD$}", &self.0[..TICK])
    }

    /// After all stamps of its millisecond.
    pub(crate) fn latest(&self) -> String {
        format!("{:f<HEAD$}", &self.0[..TIME])
    }
}

/// When the change was made that left this head, in milliseconds since 1970 by the clock of whoever made it.
/// Zero if nobody has changed it on purpose.
fn time_of(head: &[u8]) -> Option<u64> {
    number(head, TIME)
}

/// The stamp that this head is, if it is of a change that was made less than so many milliseconds ago.
pub(crate) fn of_late(head: &[u8], age: u64, now: u64) -> Option<&str> {
    let is_late = time_of(head).is_some_and(|time| now.saturating_sub(time) < age);
    let stamp = std::str::from_utf8(head).ok()?;
    (is_late && stamp.len() == HEAD).then_some(stamp)
}

/// Gives stamps in order: each is later than those before it, and than those that were seen, also where
/// a clock stands still or somebody else's is a little ahead. Many in one millisecond do not run ahead of the clock.
#[derive(Debug, Default)]
pub(crate) struct Stamps(AtomicU64);

impl Stamps {
    pub(crate) fn next(&self, now: u64, random: &str) -> Stamp {
        let first = now.min(u64::MAX >> COUNT_BITS) << COUNT_BITS;
        let after = |last: u64| Some(first.max(last.saturating_add(1)));
        let last = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, after);
        let last = last.unwrap_or_else(|last| last);
        Stamp::new(first.max(last.saturating_add(1)), random)
    }

    /// Takes notice of the head of something that was read.
    pub(crate) fn see(&self, head: &[u8], now: impl FnOnce() -> u64) {
        // Most of them are old news.
        let tick = number(head, TICK);
        let Some(tick) = tick.filter(|tick| *tick > self.0.load(Ordering::Acquire)) else {
            return;
        };
        // One from the far future would make every later one as wrong.
        if tick >> COUNT_BITS <= now().saturating_add(FAR) {
            self.0.fetch_max(tick, Ordering::AcqRel);
        }
    }
}

fn number(head: &[u8], digits: usize) -> Option<u64> {
    let digits = std::str::from_utf8(head.get(..digits)?).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

/// How many digits of a stamp are its time.
const TIME: usize = 12;

/// And its time and count together.
const TICK: usize = 16;
const COUNT_BITS: u32 = 16;

/// How far a clock may be ahead to be believed, in milliseconds.
const FAR: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random;

    const NOW: u64 = 1_700_000_000_000;

    fn at(moment: u64) -> Stamp {
        Stamps::default().next(moment, &random())
    }

    #[test]
    fn each_stamp_is_later_than_what_was_given_and_seen_before() {
        let stamps = Stamps::default();
        let mut last = Stamp::none();
        for seen in [0, 5, NOW + 500, NOW, u64::MAX >> 17] {
            let before = at(seen);
            stamps.see(before.as_bytes(), || NOW);
            for _ in 0..3 {
                let next = stamps.next(NOW, &random());
                assert!(last.as_bytes() < next.as_bytes());
                let is_believed = seen < NOW + FAR;
                assert_eq!(before.as_bytes() < next.as_bytes(), is_believed);
                last = next;
            }
        }
        stamps.see(b"not a stamp", || 0);
        stamps.see(b"", || 0);
    }

    #[test]
    fn many_stamps_in_one_millisecond_do_not_run_ahead_of_the_clock() {
        let stamps = Stamps::default();
        let later = at(NOW + 1);
        for _ in 0..10_000 {
            let stamp = stamps.next(NOW, &random());
            assert!(stamp.as_bytes() < later.as_bytes());
        }
    }

    #[test]
    fn only_a_stamp_of_a_change_can_be_of_late() {
        let of_late = |head: &[u8]| of_late(head, 1000, NOW).is_some();
        assert!(of_late(at(NOW - 999).as_bytes()));
        assert!(of_late(at(NOW + 999_999).as_bytes()), "their clock");
        assert!(!of_late(at(NOW - 1000).as_bytes()));
        assert!(!of_late(Stamp::none().as_bytes()));
        assert!(!of_late(&at(NOW).as_bytes()[1..]));
        assert!(!of_late(b""));
    }

    #[test]
    fn stamps_are_as_long_as_a_head_and_sort_by_time() {
        let times = [0, 1, 0xfff, NOW, 0xffff_ffff_fffe];
        let stamps = times.map(at);
        assert!(stamps.iter().all(|stamp| stamp.as_bytes().len() == HEAD));
        assert!(stamps.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
        assert!(Stamp::none().as_bytes() < stamps[0].as_bytes());
        assert_eq!(Stamp::none().as_bytes().len(), HEAD);
        assert_ne!(at(5), at(5));
    }

    #[test]
    fn among_stamps_of_one_millisecond_there_is_an_earliest_and_a_latest() {
        let stamps = Stamps::default();
        let [ours, stamp, next] = [(); 3].map(|()| stamps.next(NOW, &random()));
        let (earliest, latest) = (stamp.earliest(), stamp.latest());
        assert_eq!((earliest.len(), latest.len()), (HEAD, HEAD));
        assert!(ours.as_str() < &*earliest && *earliest < *stamp.as_str());
        assert!(next.as_str() < &*latest && &*latest < at(NOW + 1).as_str());
    }
}
