//! Keeps a load that began before a deletion from bringing back what was deleted.
//!
//! Each key has an epoch, and a deletion begins a new one. Whoever wants to publish says in which
//! epoch it began, and is refused in any other. Keys share a fixed number of epochs: a neighbour's
//! deletion costs a load its publication, never an entry that lies there.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Fences {
    stripes: Box<[Stripe]>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
pub(crate) struct Stripe {
    epoch: Mutex<Epoch>,
    /// One change of level two at a time, so that they arrive in the order of their epochs. Readers
    /// never wait for it.
    pub(crate) order: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Fences {
    pub(crate) fn new() -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| Stripe::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    pub(crate) fn of(&self, key: &str) -> &Stripe {
        // The remainder is below the length, and the length is small.
        let index = self.hasher.hash_one(key) as usize % self.stripes.len();
        &self.stripes[index]
    }
}

impl Fences {
    /// Begins a new epoch for every key.
    pub(crate) fn advance_all(&self) {
        for stripe in &self.stripes {
            stripe.advance(|| ());
        }
    }
}

impl Stripe {
    /// The epoch now.
    pub(crate) fn epoch(&self) -> Epoch {
        *self.lock()
    }

    /// Begins a new epoch, does this in the same moment, and returns that epoch.
    pub(crate) fn advance(&self, action: impl FnOnce()) -> Epoch {
        let mut epoch = self.lock();
        epoch.0 = epoch.0.wrapping_add(1);
        action();
        *epoch
    }

    /// Does this if the epoch is still that one; nothing can end it meanwhile.
    pub(crate) fn publish(&self, began: Epoch, action: impl FnOnce()) -> bool {
        let epoch = self.lock();
        let holds = *epoch == began;
        if holds {
            action();
        }
        holds
    }

    fn lock(&self) -> MutexGuard<'_, Epoch> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const STRIPES: usize = 256;
