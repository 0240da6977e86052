//! Names that were judged before.
//!
//! Judging a name takes it apart into words; a log has few names, and each comes thousands of
//! times. Every thread remembers the verdicts on some of them.

use std::cell::RefCell;

use crate::MaskPolicy;

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

/// Verdicts on names, each at the one place its bytes say; a newer one displaces an older one.
#[derive(Debug, Default)]
pub(super) struct Memo {
    places: Vec<Verdict>,
}

/// The name lies beside its verdict and is compared byte by byte: a fingerprint alone would some
/// day take one name for another.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Verdict {
    name: [u8; LONGEST],
    length: u8,
    sensitive: bool,
    /// Which policy has judged; zero is none.
    policy: u32,
}

impl Verdict {
    const NONE: Self = Self {
        name: [0; LONGEST],
        length: 0,
        sensitive: false,
        policy: 0,
    };
}

impl Memo {
    /// Whether the policy calls the name sensitive. The name has no escapes.
    #[inline]
    pub(super) fn is_sensitive(&mut self, policy: &MaskPolicy, name: &str) -> bool {
        let bytes = name.as_bytes();
        if bytes.len() > LONGEST {
            return policy.is_sensitive(name);
        }
        if self.places.is_empty() {
            self.places = vec![Verdict::NONE; PLACES];
        }
        let place = &mut self.places[place_of(bytes)];
        if place.policy == policy.number()
            && usize::from(place.length) == bytes.len()
            && place.name[..bytes.len()] == *bytes
        {
            return place.sensitive;
        }
        judge(place, policy, name)
    }
}

#[cold]
fn judge(place: &mut Verdict, policy: &MaskPolicy, name: &str) -> bool {
    let mut verdict = Verdict::NONE;
    verdict.name[..name.len()].copy_from_slice(name.as_bytes());
    verdict.length = name.len() as u8;
    verdict.sensitive = policy.is_sensitive(name);
    verdict.policy = policy.number();
    *place = verdict;
    verdict.sensitive
}

/// Of the length and the bytes at both ends, as many as fit into two words.
#[inline]
fn place_of(name: &[u8]) -> usize {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        let taken = bytes.len().min(8);
        word[..taken].copy_from_slice(&bytes[..taken]);
        u64::from_le_bytes(word)
    };
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (word(name), 0),
    };
    let mixed =
        (first ^ last.rotate_left(23) ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - PLACES.ilog2())) as usize
}

/// The longest name that is remembered, in bytes.
const LONGEST: usize = 42;

/// 48 KiB a thread.
const PLACES: usize = 1024;
