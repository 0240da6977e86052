//! Changes that level two still has to learn: made here, and not yet known to be there and told to all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::Mark;
use crate::since::Since;
use crate::stamp::Stamp;

/// What must not be read from level two until it was changed there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Debt {
    Key { space: &'static str, key: Box<str> },
    Mark { space: &'static str, mark: Mark },
    Space(&'static str),
}

impl Debt {
    fn space(&self) -> &'static str {
        match self {
            Self::Key { space, .. } | Self::Mark { space, .. } | Self::Space(space) => space,
        }
    }

    /// The space, if the debt concerns each of its keys.
    fn concerns_all_of(&self) -> Option<&'static str> {
        match self {
            Self::Key { .. } => None,
            Self::Mark { space, .. } | Self::Space(space) => Some(space),
        }
    }
}

/// How it is to be changed. Of several changes of a key only the last one is owed.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    pub(crate) stamp: Stamp,
    /// What is to lie there, stamp and all; otherwise it is deleted.
    pub(crate) value: Option<Arc<[u8]>>,
    /// In milliseconds since 1970: when the value has died, or what a mark covers has.
    pub(crate) until: u64,
    pub(crate) since: Since,
    receipt: u64,
    /// Who has the smallest is collected next.
    turn: u64,
    /// Whoever made the change is at it, and nobody else may be: they do not know yet what is to lie there.
    is_held: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Debts {
    ledger: Mutex<Ledger>,
    /// Spares readers the lock while nothing is owed, which is nearly always.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Ledger {
    owed: HashMap<Debt, Owed>,
    /// How many debts concern every key of a space: a reader must not go through all there are.
    wide: HashMap<&'static str, usize>,
    /// Of all values together.
    bytes: usize,
    next: u64,
    /// How many debts are held.
    held: usize,
    is_collected: bool,
}

impl Debts {
    /// Notes a debt, which is held until it is [released](Self::release). When there are too many, the whole space is owed instead: more than was asked
    /// for is deleted, and never less. A value that there is no room for is deleted instead.
    pub(crate) fn note(
        &self,
        debt: Debt,
        stamp: Stamp,
        value: Option<Arc<[u8]>>,
        until: u64,
        now: u64,
    ) -> (Debt, Owed) {
        let mut ledger = self.lock();
        let is_full = ledger.owed.len() >= MAX_DEBTS && !ledger.owed.contains_key(&debt);
        let debt = match debt {
            Debt::Key { space, .. } | Debt::Mark { space, .. } if is_full => {
                ledger.forget_space(space);
                Debt::Space(space)
            }
            debt => debt,
        };
        ledger.remove(&debt);
        let size = value.as_ref().map_or(0, |value| value.len());
        let fits = ledger.bytes + size <= MAX_BYTES && matches!(debt, Debt::Key { .. });
        let owed = Owed {
            stamp,
            value: value.filter(|_| fits),
            until,
            since: Since::new(now),
            receipt: ledger.next,
            turn: ledger.next,
            is_held: true,
        };
        ledger.next += 1;
        ledger.insert(debt.clone(), owed.clone());
        self.any.store(true, Ordering::Release);
        (debt, owed)
    }

    /// Adds the value to a debt that was noted without, if it is still the same.
    pub(crate) fn amend(&self, debt: &Debt, owed: &mut Owed, value: Arc<[u8]>) {
        let mut ledger = self.lock();
        let fits = ledger.bytes + value.len() <= MAX_BYTES;
        owed.value = Some(value);
        let is_same = ledger.owed.get(debt).map(|it| it.receipt) == Some(owed.receipt);
        if is_same && fits {
            ledger.remove(debt);
            ledger.insert(debt.clone(), owed.clone());
        }
    }

    /// Whoever made the change does nothing more about it: what is still owed is there to be collected.
    pub(crate) fn release(&self, debt: &Debt, owed: &Owed) {
        let mut ledger = self.lock();
        let it = ledger.owed.get_mut(debt);
        if let Some(it) = it.filter(|it| it.receipt == owed.receipt && it.is_held) {
            it.is_held = false;
            ledger.held -= 1;
        }
    }

    pub(crate) fn settle(&self, debt: &Debt, owed: &Owed) {
        let mut ledger = self.lock();
        // A later change of the same is still owed.
        if ledger.owed.get(debt).map(|it| it.receipt) == Some(owed.receipt) {
            ledger.remove(debt);
        }
        self.any.store(!ledger.owed.is_empty(), Ordering::Release);
    }

    /// Whether this is still what is owed, and not something later.
    pub(crate) fn is_current(&self, debt: &Debt, owed: &Owed) -> bool {
        self.lock().owed.get(debt).map(|it| it.receipt) == Some(owed.receipt)
    }

    /// Whether anything is owed.
    pub(crate) fn are_any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Whether what level two has under this key may be something that was changed.
    pub(crate) fn concern(&self, space: &'static str, key: &str) -> bool {
        if !self.are_any() {
            return false;
        }
        let debt = Debt::Key {
            space,
            key: key.into(),
        };
        let ledger = self.lock();
        // Which tags an entry has is not known before it was read.
        ledger.wide.contains_key(space) || ledger.owed.contains_key(&debt)
    }

    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.lock().owed.len()).unwrap_or(u64::MAX)
    }

    /// Whether the caller is the one to collect from now on.
    pub(crate) fn begin_collection(&self) -> bool {
        let mut ledger = self.lock();
        // Most reads that find something owed find what is just being done.
        let is_any_left = ledger.owed.len() > ledger.held;
        is_any_left && !std::mem::replace(&mut ledger.is_collected, true)
    }

    /// Lets all others be collected before this one is tried again: it could not be paid, and they may well be.
    pub(crate) fn postpone(&self, debt: &Debt, owed: &Owed) {
        let mut ledger = self.lock();
        let last = ledger.next;
        let it = ledger.owed.get_mut(debt);
        if let Some(it) = it.filter(|it| it.receipt == owed.receipt) {
            it.turn = last;
            ledger.next += 1;
        }
    }

    /// Whoever collected does so no longer, although there may be something left.
    pub(crate) fn break_off_collection(&self) {
        self.lock().is_collected = false;
    }

    /// What to collect next. Nothing is the end of the collection: who releases a debt after it has to
    /// begin another.
    pub(crate) fn next_to_collect(&self) -> Vec<(Debt, Owed)> {
        let mut ledger = self.lock();
        let released = ledger.owed.iter().filter(|(_, owed)| !owed.is_held);
        let mut next: Vec<_> = released.collect();
        next.sort_unstable_by_key(|(_, owed)| owed.turn);
        next.truncate(BATCH);
        let owned = |(debt, owed): (&Debt, &Owed)| (debt.clone(), owed.clone());
        let next: Vec<_> = next.into_iter().map(owned).collect();
        ledger.is_collected = !next.is_empty();
        next
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn insert(&mut self, debt: Debt, owed: Owed) {
        self.bytes += owed.value.as_ref().map_or(0, |value| value.len());
        if let Some(space) = debt.concerns_all_of() {
            *self.wide.entry(space).or_default() += 1;
        }
        self.held += usize::from(owed.is_held);
        self.owed.insert(debt, owed);
    }

    fn remove(&mut self, debt: &Debt) {
        let Some(owed) = self.owed.remove(debt) else {
            return;
        };
        self.bytes -= owed.value.map_or(0, |value| value.len());
        self.held -= usize::from(owed.is_held);
        if let Some(space) = debt.concerns_all_of()
            && let Some(count) = self.wide.get_mut(space)
        {
            *count -= 1;
            if *count == 0 {
                self.wide.remove(space);
            }
        }
    }

    fn forget_space(&mut self, space: &str) {
        let of_it = self.owed.keys().filter(|debt| debt.space() == space);
        for debt in of_it.cloned().collect::<Vec<_>>() {
            self.remove(&debt);
        }
    }
}

const MAX_DEBTS: usize = 10_000;
const MAX_BYTES: usize = 16 * 1024 * 1024;
const BATCH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(space: &'static str, key: &str) -> Debt {
        Debt::Key {
            space,
            key: key.into(),
        }
    }

    fn note(debts: &Debts, debt: Debt, value: Option<usize>) -> (Debt, Owed) {
        let value = value.map(|size| vec![0; size].into());
        debts.note(debt, Stamp::none(), value, 0, 0)
    }

    fn note_and_release(debts: &Debts, debt: Debt, value: Option<usize>) -> (Debt, Owed) {
        let (debt, owed) = note(debts, debt, value);
        debts.release(&debt, &owed);
        (debt, owed)
    }

    #[test]
    fn settling_an_older_debt_leaves_a_newer_one() {
        let debts = Debts::default();
        let (debt, first) = note(&debts, key("s", "k"), None);
        let (_, second) = note_and_release(&debts, key("s", "k"), Some(1));
        assert!(!debts.is_current(&debt, &first));
        debts.settle(&debt, &first);
        assert!(debts.concern("s", "k"));
        assert_eq!(
            debts.next_to_collect()[0].1.value.as_deref(),
            Some(&[0][..])
        );
        debts.settle(&debt, &second);
        assert!(!debts.concern("s", "k"));
        assert_eq!(debts.count(), 0);
    }

    #[test]
    fn a_space_that_is_owed_concerns_its_keys_and_no_others() {
        let debts = Debts::default();
        note(&debts, Debt::Space("s"), None);
        let mark = Mark::Tag("t".into());
        note(&debts, Debt::Mark { space: "m", mark }, None);
        assert!(debts.concern("s", "any"));
        assert!(debts.concern("m", "any"));
        assert!(!debts.concern("t", "any"));
    }

    #[test]
    fn too_many_debts_become_one_of_their_space() {
        let debts = Debts::default();
        for number in 0..=MAX_DEBTS {
            note(&debts, key("s", &number.to_string()), Some(1));
        }
        assert_eq!(debts.count(), 1);
        assert!(debts.concern("s", "0"));
        assert_eq!(debts.lock().bytes, 0);
    }

    #[test]
    fn a_space_is_of_no_concern_any_more_when_the_last_debt_of_all_of_it_is_paid() {
        let debts = Debts::default();
        let of_all = ["t", "u"].map(|tag| {
            let mark = Mark::Tag(tag.into());
            note(&debts, Debt::Mark { space: "s", mark }, None)
        });
        // Once more, and of that only the last counts.
        let whole = [0, 1].map(|_| note(&debts, Debt::Space("s"), None));
        note(&debts, key("s", "owed"), None);
        for (debt, owed) in of_all.iter().chain(&whole) {
            assert!(debts.concern("s", "any"));
            debts.settle(debt, owed);
        }
        assert!(!debts.concern("s", "any"));
        assert!(debts.concern("s", "owed"));
        assert!(debts.lock().wide.is_empty());
    }

    #[test]
    fn debts_that_cannot_be_paid_are_collected_after_all_others() {
        let debts = Debts::default();
        for number in 0..=BATCH {
            note_and_release(&debts, key("s", &number.to_string()), None);
        }
        let last = key("s", &BATCH.to_string());
        let next = debts.next_to_collect();
        assert!(next.len() == BATCH && next.iter().all(|(debt, _)| *debt != last));
        for (debt, owed) in &next {
            debts.postpone(debt, owed);
        }
        assert_eq!(debts.next_to_collect()[0].0, last);
    }

    #[test]
    fn what_is_held_is_owed_and_not_collected() {
        let debts = Debts::default();
        let (debt, mut first) = note(&debts, key("s", "k"), None);
        debts.amend(&debt, &mut first, vec![0].into());
        let (_, second) = note(&debts, key("s", "k"), None);
        // Of what was overtaken nothing is left to release.
        debts.release(&debt, &first);
        assert!(debts.concern("s", "k"));
        assert!(!debts.begin_collection() && debts.next_to_collect().is_empty());
        for _ in 0..2 {
            debts.release(&debt, &second);
        }
        assert!(debts.begin_collection());
        assert_eq!(debts.next_to_collect().len(), 1);
        note(&debts, Debt::Space("s"), None);
        debts.settle(&debt, &second);
        debts.lock().forget_space("s");
        assert_eq!((debts.count(), debts.lock().held), (0, 0));
    }

    #[test]
    fn values_beyond_the_bound_are_owed_as_deletions() {
        let debts = Debts::default();
        let (first, large) = note(&debts, key("s", "a"), Some(MAX_BYTES));
        let (_, small) = note(&debts, key("s", "b"), Some(1));
        assert!(large.value.is_some() && small.value.is_none());
        debts.settle(&first, &large);
        assert!(note(&debts, key("s", "b"), Some(1)).1.value.is_some());
    }
}
