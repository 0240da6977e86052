//! Names that were judged before.
//!
//! Judging a name takes it apart into words; a log has few names, and each comes thousands of
//! times. Every thread remembers the verdicts on some of them.

use std::cell::RefCell;

use crate::MaskPolicy;
use crate::policy::Judgement;

thread_local! {
    static MEMO: RefCell<Memo> = RefCell::new(Memo::default());
}

/// Hands over what this thread remembers.
pub(super) fn with<R>(then: impl FnOnce(&mut Memo) -> R) -> R {
    MEMO.with(|memo| match memo.try_borrow_mut() {
        Ok(mut memo) => then(&mut memo),
        // Masking inside of masking, which a `Serialize` could do: it goes without.
        Err(_) => then(&mut Memo::default()),
    })
}

/// Verdicts on names, each at one of two places that its bytes say; a newer one displaces the older
/// of the two.
#[derive(Debug, Default)]
pub(super) struct Memo {
    places: Vec<[Verdict; 2]>,
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
    /// What becomes of what goes by this name, as the policy says. The name has no escapes.
    #[inline]
    pub(super) fn judge(&mut self, policy: &MaskPolicy, name: &str) -> Judgement {
        let bytes = name.as_bytes();
        if bytes.len() > LONGEST {
            return policy.judge(name);
        }
        let key = Key::of(bytes);
        let number = policy.number();
        if let Some([newer, older]) = self.places.get(key.place()) {
            if newer.is_of(key, number, bytes) {
                return newer.judgement;
            }
            if older.is_of(key, number, bytes) {
                return older.judgement;
            }
        }
        self.judge_anew(policy, name, key)
    }

    #[cold]
    fn judge_anew(&mut self, policy: &MaskPolicy, name: &str, key: Key) -> Judgement {
        if self.places.is_empty() {
            self.places = vec![[Verdict::NONE; 2]; PLACES];
        }
        let bytes = name.as_bytes();
        let mut verdict = Verdict {
            key,
            policy: policy.number(),
            judgement: policy.judge(name),
            ..Verdict::NONE
        };
        if bytes.len() > 16 {
            verdict.middle[..bytes.len() - 16].copy_from_slice(&bytes[8..bytes.len() - 8]);
        }
        let [newer, older] = &mut self.places[key.place()];
        *older = std::mem::replace(newer, verdict);
        verdict.judgement
    }
}

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
        let mut memo = Memo::default();
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
                assert_eq!(
                    memo.judge(&policy, name).is_sensitive(),
                    expected,
                    "{name} {round}"
                );
            }
        }
    }

    #[test]
    fn a_verdict_belongs_to_one_policy() {
        let mut memo = Memo::default();
        let (iso, miso) = (MaskPolicy::iso27001(), MaskPolicy::miso_4_9());
        for _ in 0..2 {
            assert!(!memo.judge(&iso, "success").is_sensitive());
            assert!(memo.judge(&miso, "success").is_sensitive());
            assert!(memo.judge(&iso, "passphrase").is_sensitive());
            assert!(!memo.judge(&miso, "passphrase").is_sensitive());
        }
    }
}
