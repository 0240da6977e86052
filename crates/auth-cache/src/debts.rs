//! Deletions that Redis owes us: asked for, and not yet known to be done.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What must not be read from Redis until it was deleted there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Debt {
    Key { space: &'static str, key: Box<str> },
    Space(&'static str),
}

#[derive(Debug, Default)]
pub(crate) struct Debts {
    ledger: Mutex<Ledger>,
    /// Spares readers the lock while nothing is owed, which is nearly always.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Ledger {
    /// With a number for each time it was noted, so that settling an older one leaves a newer one.
    owed: HashMap<Debt, Receipt>,
    next: u64,
    is_collected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt(u64);

impl Debts {
    /// Notes a debt. When there are too many, the whole space is owed instead: more than was asked
    /// for is deleted, and never less.
    pub(crate) fn note(&self, debt: Debt) -> (Debt, Receipt) {
        let mut ledger = self.lock();
        let debt = match debt {
            Debt::Key { space, .. } if ledger.owed.len() >= MAX_DEBTS => {
                ledger
                    .owed
                    .retain(|debt, _| !matches!(debt, Debt::Key { space: of, .. } if *of == space));
                Debt::Space(space)
            }
            debt => debt,
        };
        let receipt = Receipt(ledger.next);
        ledger.next += 1;
        ledger.owed.insert(debt.clone(), receipt);
        self.any.store(true, Ordering::Release);
        (debt, receipt)
    }

    pub(crate) fn settle(&self, debt: &Debt, receipt: Receipt) {
        let mut ledger = self.lock();
        if ledger.owed.get(debt) == Some(&receipt) {
            ledger.owed.remove(debt);
        }
        self.any.store(!ledger.owed.is_empty(), Ordering::Release);
    }

    /// Whether what Redis has under this key may be something that was deleted.
    pub(crate) fn concern(&self, space: &'static str, key: &str) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let ledger = self.lock();
        ledger.owed.contains_key(&Debt::Space(space))
            || ledger.owed.contains_key(&Debt::Key {
                space,
                key: key.into(),
            })
    }

    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.lock().owed.len()).unwrap_or(u64::MAX)
    }

    /// Whether the caller is the one to collect from now on.
    pub(crate) fn begin_collection(&self) -> bool {
        !std::mem::replace(&mut self.lock().is_collected, true)
    }

    /// What to collect next. Nothing is the end of the collection: who notes a debt after it has to
    /// begin another.
    pub(crate) fn next_to_collect(&self) -> Vec<(Debt, Receipt)> {
        let mut ledger = self.lock();
        let next: Vec<_> = ledger
            .owed
            .iter()
            .take(BATCH)
            .map(|(debt, receipt)| (debt.clone(), *receipt))
            .collect();
        ledger.is_collected = !next.is_empty();
        next
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_DEBTS: usize = 10_000;
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

    #[test]
    fn settling_an_older_debt_leaves_a_newer_one() {
        let debts = Debts::default();
        let (debt, first) = debts.note(key("s", "k"));
        let (_, second) = debts.note(key("s", "k"));
        debts.settle(&debt, first);
        assert!(debts.concern("s", "k"));
        debts.settle(&debt, second);
        assert!(!debts.concern("s", "k"));
        assert_eq!(debts.count(), 0);
    }

    #[test]
    fn a_space_that_is_owed_concerns_its_keys_and_no_others() {
        let debts = Debts::default();
        debts.note(Debt::Space("s"));
        assert!(debts.concern("s", "any"));
        assert!(!debts.concern("t", "any"));
    }

    #[test]
    fn too_many_debts_become_one_of_their_space() {
        let debts = Debts::default();
        for number in 0..=MAX_DEBTS {
            debts.note(key("s", &number.to_string()));
        }
        assert_eq!(debts.count(), 1);
        assert!(debts.concern("s", "0"));
    }
}
