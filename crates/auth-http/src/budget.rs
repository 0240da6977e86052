use std::sync::atomic::{AtomicU32, Ordering};

/// What all calls of a client may spend on retries.
///
/// Each call pays a little in, each retry takes one whole out. A client that is refused everywhere
/// thus makes a tenth more attempts than calls; one that is used now and then has ten to spend.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicU32);

impl RetryBudget {
    /// Counts a call.
    pub(crate) fn deposit(&self) {
        // Looked at first: on a good day it is full, and nobody has to write to what all share.
        if self.0.load(Ordering::Relaxed) < FULL {
            let add = |saved: u32| (saved < FULL).then(|| saved + CALL);
            let _ = self
                .0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }

    /// Takes a retry out, if there is one.
    pub(crate) fn withdraw(&self) -> bool {
        let take = |saved: u32| saved.checked_sub(RETRY);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok()
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

const CALL: u32 = 1;
const RETRY: u32 = 10;
const FULL: u32 = 10 * RETRY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_can_be_saved_up_and_each_ten_calls_earn_one() {
        let budget = RetryBudget::default();
        let spend = || std::iter::from_fn(|| budget.withdraw().then_some(())).count();
        (0..1000).for_each(|_| budget.deposit());
        assert_eq!((spend(), spend()), (10, 0));
        (0..29).for_each(|_| budget.deposit());
        assert_eq!(spend(), 2);
        budget.deposit();
        assert_eq!(spend(), 1);
    }
}
