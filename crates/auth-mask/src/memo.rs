//! A policy, and names that were judged by it before.
//!
//! Judging a name takes it apart into words; a log has few names, and each comes thousands of
//! times. Every thread remembers the verdicts on some of them.

use std::cell::RefCell;

use crate::MaskPolicy;
use crate::json;
use crate::policy::Judgement;
use crate::text::SHORTEST_NAME;

thread_local! {
    static MEMO: RefCell<Memo> = RefCell::new(Memo::default());
}

/// What names are judged by.
pub(crate) struct Judge<'a> {
    pub(crate) policy: &'a MaskPolicy,
    /// How many documents inside of texts are being masked around this place.
    pub(crate) quoted: usize,
    /// How many parameters of queries are being looked into around this place.
    pub(crate) encoded: usize,
    memo: &'a mut Memo,
}

impl Judge<'_> {
    /// Hands over a policy together with what this thread remembers.
    pub(crate) fn with<R>(policy: &MaskPolicy, then: impl FnOnce(&mut Judge<'_>) -> R) -> R {
        let judged = |memo: &mut Memo| {
            then(&mut Judge {
                policy,
                quoted: 0,
                encoded: 0,
                memo,
            })
        };
        let mut judged = Some(judged);
        let remembered = MEMO.try_with(|memo| {
            let mut memo = memo.try_borrow_mut().ok()?;
            Some(judged.take()?(&mut memo))
        });
        match (remembered, judged) {
            (Ok(Some(masked)), _) => masked,
            // Masking inside of masking, which a `Serialize` could do, or in a thread that ends: it
            // goes without.
            (_, Some(judged)) => judged(&mut Memo::default()),
            (_, None) => unreachable!("whoever has judged has answered"),
        }
    }

    /// What becomes of what goes by this name.
    #[inline]
    pub(crate) fn judge(&mut self, name: &str) -> Judgement {
        self.judge_bytes(name.as_bytes())
    }

    /// The same of the bytes of a name, which are a text: only of one that is not known yet it is
    /// made one.
    #[inline]
    pub(crate) fn judge_bytes(&mut self, name: &[u8]) -> Judgement {
        let number = self.policy.number();
        self.memo
            .judge(name, number, |name| self.policy.judge(name))
    }

    /// What becomes of what goes by a name of the program's own, if it is printed as it is: without
    /// escapes, and no secret by itself.
    ///
    /// Such a name never moves and never changes, so that it is known by its place.
    #[inline]
    pub(crate) fn judge_static(&mut self, name: &'static str) -> Option<Judgement> {
        let policy = self.policy.number();
        let place = name.as_ptr().addr() ^ name.len();
        let known = self.memo.statics.get((place ^ place >> 8) % STATICS);
        match known {
            Some(known) if known.is_of(name, policy) => Some(known.judgement),
            _ => self.judge_static_anew(name),
        }
    }

    #[cold]
    fn judge_static_anew(&mut self, name: &'static str) -> Option<Judgement> {
        if name.len() >= SHORTEST_NAME || !json::is_plain(name) {
            return None;
        }
        let judgement = self.judge(name);
        let place = name.as_ptr().addr() ^ name.len();
        if self.memo.statics.is_empty() {
            self.memo.statics = vec![Static::NONE; STATICS];
        }
        self.memo.statics[(place ^ place >> 8) % STATICS] = Static {
            name,
            policy: self.policy.number(),
            judgement,
        };
        Some(judgement)
    }

    /// The same of the parameter of a query.
    pub(crate) fn judge_in_query(&mut self, name: &str) -> Judgement {
        let number = self.policy.number() | IN_QUERY;
        self.memo.judge(name.as_bytes(), number, |name| {
            self.policy.judge_in_query(name)
        })
    }
}

/// Beside the number of a policy, which never gets so high: its verdicts on parameters.
const IN_QUERY: u32 = 1 << 31;

/// Verdicts on names, each at one of two places that its bytes say; a newer one displaces the older
/// of the two.
#[derive(Debug, Default)]
struct Memo {
    places: Vec<[Verdict; 2]>,
    statics: Vec<Static>,
}

/// A verdict on a name that stands in the program.
#[derive(Clone, Copy, Debug)]
struct Static {
    name: &'static str,
    policy: u32,
    judgement: Judgement,
}

impl Static {
    const NONE: Self = Self {
        name: "",
        policy: 0,
        judgement: Judgement::SHOW,
    };

    #[inline]
    fn is_of(&self, name: &'static str, policy: u32) -> bool {
        std::ptr::eq(self.name, name) && self.policy == policy
    }
}

/// The name lies beside its verdict and is compared byte by byte: a fingerprint alone would some
/// day take one name for another.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    key: Key,
    /// What is between the ends that the key has.
    middle: [u8; LONGEST - 16],
    /// Which policy has judged; zero is none.
    policy: u32,
    judgement: Judgement,
}

impl Verdict {
    const NONE: Self = Self {
        key: Key {
            first: 0,
            last: 0,
            length: 0,
        },
        middle: [0; LONGEST - 16],
        policy: 0,
        judgement: Judgement::SHOW,
    };

    #[inline]
    fn is_of(&self, key: Key, policy: u32, name: &[u8]) -> bool {
        self.key == key
            && self.policy == policy
            && (name.len() <= 16 || self.middle[..name.len() - 16] == name[8..name.len() - 8])
    }
}

/// The bytes at both ends of a name, and its length: all of a name of up to 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

impl Key {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(first), Some(last)) => (
                    u64::from(u32::from_le_bytes(*first)),
                    u64::from(u32::from_le_bytes(*last)),
                ),
                // Three bytes at most; they overlap, and with the length they are told apart.
                _ => (
                    u64::from(name.first().copied().unwrap_or_default()),
                    u64::from(name.get(name.len() / 2).copied().unwrap_or_default())
                        | u64::from(name.last().copied().unwrap_or_default()) << 8,
                ),
            },
        };
        Self {
            first,
            last,
            length: name.len(),
        }
    }

    #[inline]
    fn place(self) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(29) ^ self.length as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - PLACES.ilog2())) as usize
    }
}

impl Memo {
    /// What was judged before of this name by the policy of that number, or what is judged now.
    #[inline]
    fn judge(&mut self, name: &[u8], number: u32, judge: impl Fn(&str) -> Judgement) -> Judgement {
        // What is no text has no name, so that whatever it is goes by the strictest rule.
        let judge = |name| str::from_utf8(name).map_or(Judgement::FULL, &judge);
        if name.len() > LONGEST {
            return judge(name);
        }
        let key = Key::of(name);
        if let Some([newer, older]) = self.places.get(key.place()) {
            if newer.is_of(key, number, name) {
                return newer.judgement;
            }
            if older.is_of(key, number, name) {
                return older.judgement;
            }
        }
        let judgement = judge(name);
        self.remember(name, key, number, judgement);
        judgement
    }

    #[cold]
    fn remember(&mut self, name: &[u8], key: Key, policy: u32, judgement: Judgement) {
        if self.places.is_empty() {
            self.places = vec![[Verdict::NONE; 2]; PLACES];
        }
        let mut verdict = Verdict {
            key,
            policy,
            judgement,
            ..Verdict::NONE
        };
        if name.len() > 16 {
            verdict.middle[..name.len() - 16].copy_from_slice(&name[8..name.len() - 8]);
        }
        let [newer, older] = &mut self.places[key.place()];
        *older = std::mem::replace(newer, verdict);
    }
}

/// Of 24 bytes each: 12 KiB a thread, where values are printed.
const STATICS: usize = 512;

/// The longest name that is remembered, in bytes.
const LONGEST: usize = 48;

/// Of two names each, 72 KiB a thread.
const PLACES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that differ in one byte only, at every place and of every length.
    #[test]
    fn names_that_are_alike_are_told_apart() {
        let policy = MaskPolicy::iso27001();
        let mut names = vec![String::new()];
        for length in 1..=LONGEST + 2 {
            names.push("a".repeat(length));
            for at in 0..length {
                let mut name = "a".repeat(length);
                name.replace_range(at..=at, "b");
                names.push(name);
            }
        }
        let keys: Vec<_> = names.iter().map(|name| Key::of(name.as_bytes())).collect();
        for (one, name) in names.iter().enumerate() {
            let mut verdict = Verdict::NONE;
            verdict.key = keys[one];
            verdict.policy = 1;
            if (17..=LONGEST).contains(&name.len()) {
                let middle = &name.as_bytes()[8..name.len() - 8];
                verdict.middle[..middle.len()].copy_from_slice(middle);
            }
            for (other, another) in names.iter().enumerate() {
                if name.len() <= LONGEST && another.len() <= LONGEST {
                    let same = verdict.is_of(keys[other], 1, another.as_bytes());
                    assert_eq!(same, one == other, "{name} {another}");
                }
            }
        }
        for round in 0..2 {
            for name in names
                .iter()
                .map(String::as_str)
                .chain(["password", "pass", "otp", "id"])
            {
                let expected = policy.is_sensitive(name);
                let judge = |judge: &mut Judge<'_>| judge.judge(name).is_sensitive();
                assert_eq!(Judge::with(&policy, judge), expected, "{name} {round}");
            }
        }
    }

    #[test]
    fn a_verdict_belongs_to_one_policy() {
        let (iso, miso) = (MaskPolicy::iso27001(), MaskPolicy::miso_4_9());
        let by = |policy: &MaskPolicy, name: &str| {
            Judge::with(policy, |judge| judge.judge(name).is_sensitive())
        };
        for _ in 0..2 {
            assert!(!by(&iso, "success"));
            assert!(by(&miso, "success"));
            assert!(by(&iso, "passphrase"));
            assert!(!by(&miso, "passphrase"));
        }
    }

    #[test]
    fn a_parameter_is_not_taken_for_a_member() {
        let policy = MaskPolicy::iso27001();
        for _ in 0..2 {
            Judge::with(&policy, |judge| {
                assert!(!judge.judge("code").is_sensitive());
                assert!(judge.judge_in_query("code").is_sensitive());
            });
        }
    }
}
