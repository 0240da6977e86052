//! What one space holds in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;

use crate::entry::{Entry, Era, Lifetime};
use crate::fence::{Epoch, Fences, Stripe};
use crate::flight::Flights;
use crate::space::{Consistency, Space};

pub(crate) struct Shelf<V> {
    /// Synchronous, so that an entry can come or go in the same moment as its fence.
    memory: moka::sync::Cache<Box<str>, Arc<Entry<V>>>,
    clearings: AtomicU64,
    fences: Fences,
    pub(crate) flights: Flights,
}

/// The state of the world when something began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Began {
    pub(crate) epoch: Epoch,
    pub(crate) era: Era,
}

impl<V: Clone + Send + Sync + 'static> Shelf<V> {
    pub(crate) fn new<C: Consistency>(space: &Space<V, C>) -> Self {
        Self {
            memory: moka::sync::Cache::builder()
                .max_capacity(space.capacity())
                .expire_after(PhysicalExpiry)
                .build(),
            clearings: AtomicU64::new(0),
            fences: Fences::new(),
            flights: Flights::default(),
        }
    }

    pub(crate) fn began(&self, key: &str, ups: u64) -> Began {
        Began {
            epoch: self.fences.of(key).epoch(),
            era: self.era(ups),
        }
    }

    /// An entry of this era, fresh or not.
    pub(crate) fn find(&self, key: &str, era: Era) -> Option<Arc<Entry<V>>> {
        self.memory.get(key).filter(|entry| entry.era == era)
    }

    /// Keeps what was loaded, unless it was overtaken by a deletion.
    pub(crate) fn publish(&self, key: &str, began: Began, entry: Kept<V>) -> bool {
        // An entry of an old era would not be served, but it would push out one of today's.
        let is_of_today = began.era == self.era(began.era.ups);
        is_of_today
            && self.stripe(key).publish(began.epoch, || {
                self.memory.insert(key.into(), entry.0);
            })
    }

    /// Keeps what was set, and overtakes what began before.
    pub(crate) fn replace(&self, key: &str, entry: Kept<V>) -> Epoch {
        self.stripe(key).advance(|| {
            self.memory.insert(key.into(), entry.0);
        })
    }

    /// Drops what there is, and overtakes what began before.
    pub(crate) fn remove(&self, key: &str) -> (Epoch, Option<Arc<Entry<V>>>) {
        let mut removed = None;
        let epoch = self
            .stripe(key)
            .advance(|| removed = self.memory.remove(key));
        (epoch, removed)
    }

    /// Makes a new era begin, in which nothing is there. What belongs to an old one is not looked
    /// for: it goes when it expires, or when its place is needed.
    pub(crate) fn clear(&self) {
        self.clearings.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn stripe(&self, key: &str) -> &Stripe {
        self.fences.of(key)
    }

    pub(crate) fn era(&self, ups: u64) -> Era {
        Era {
            clearings: self.clearings.load(Ordering::Acquire),
            ups,
        }
    }
}

/// An entry that is worth keeping.
pub(crate) struct Kept<V>(Arc<Entry<V>>);

impl<V> Kept<V> {
    /// `None` if it has no time left.
    pub(crate) fn new(value: V, lifetime: Lifetime, era: Era, now: u64) -> Option<Self> {
        let entry = Entry {
            value,
            lifetime,
            era,
            left: lifetime.left(now),
        };
        lifetime.is_servable(now).then(|| Self(Arc::new(entry)))
    }

    pub(crate) fn entry(&self) -> Arc<Entry<V>> {
        Arc::clone(&self.0)
    }
}

/// Memory is given back by real time. Whether an entry is served is a matter of the cache's clock;
/// both must allow it, so a wall clock that is set back makes nothing live longer.
struct PhysicalExpiry;

impl<V> Expiry<Box<str>, Arc<Entry<V>>> for PhysicalExpiry {
    fn expire_after_create(
        &self,
        _key: &Box<str>,
        entry: &Arc<Entry<V>>,
        _now: Instant,
    ) -> Option<Duration> {
        Some(entry.left)
    }

    fn expire_after_update(
        &self,
        _key: &Box<str>,
        entry: &Arc<Entry<V>>,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.left)
    }
}
