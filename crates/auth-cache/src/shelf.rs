//! What one space holds in this process.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ahash::RandomState;
use moka::Expiry;

use crate::entry::{Entry, Era, Lifetime};
use crate::fence::{Epoch, Fences, Stripe};
use crate::flight::Flights;
use crate::record::Mark;
use crate::space::{Consistency, Rules, Space};

pub(crate) struct Shelf<V> {
    /// Synchronous, so that an entry can come or go in the same moment as its fence.
    memory: moka::sync::Cache<Box<str>, Entry<V>, RandomState>,
    clearings: AtomicU64,
    fences: Fences,
    pub(crate) flights: Flights,
}

/// A shelf, whatever lies there: what can be done on the word of others.
pub(crate) trait AnyShelf: Send + Sync {
    fn forget(&self, key: &str);
    fn forget_marked(&self, mark: &Mark);
    fn forget_all(&self);
}

/// The state of the world when something began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Began {
    pub(crate) epoch: Epoch,
    pub(crate) era: Era,
}

impl<V: Clone + Send + Sync + 'static> Shelf<V> {
    pub(crate) fn new<C: Consistency>(space: &Space<V, C>) -> Self {
        let memory = moka::sync::Cache::builder()
            .max_capacity(space.capacity())
            .expire_after(PhysicalExpiry);
        let memory = match space.weight() {
            Some(weight) => memory.weigher(move |_, entry: &Entry<V>| weight(&entry.value)),
            None => memory,
        };
        Self {
            // Keyed at random, as the standard library's, and done in half the time.
            memory: memory.build_with_hasher(RandomState::new()),
            clearings: AtomicU64::new(0),
            fences: Fences::new(),
            flights: Flights::default(),
        }
    }

    pub(crate) fn began(&self, key: &str, gaps: u64) -> Began {
        Began {
            epoch: self.fences.of(key).epoch(),
            era: self.era(gaps),
        }
    }

    /// An entry of this era, fresh or not.
    pub(crate) fn find(&self, key: &str, era: Era) -> Option<Entry<V>> {
        self.memory.get(key).filter(|entry| entry.era == era)
    }

    /// The same, and when that was by the monotonic clock, if it was looked at.
    pub(crate) fn find_and_tell_when(
        &self,
        key: &str,
        era: Era,
    ) -> Option<(Entry<V>, Option<Instant>)> {
        let entry = self.find(key, era)?;
        Some((entry, READ_AT.take()))
    }

    /// Keeps what was loaded, unless it was overtaken by a deletion.
    pub(crate) fn publish(&self, key: &str, began: Began, entry: Kept<V>) -> bool {
        // An entry of an old era would not be served, but it would push out one of today's.
        let is_of_today = began.era == self.era(began.era.gaps);
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
    pub(crate) fn remove(&self, key: &str) -> (Epoch, Option<Entry<V>>) {
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

    /// Drops what is meant, and overtakes everything that began before.
    pub(crate) fn remove_marked(&self, mark: &Mark) {
        // What is put there from now on began after this, or is put there by nobody.
        self.fences.advance_all();
        for (key, entry) in &self.memory {
            if mark.covers(&key, entry.tags()) {
                self.memory.remove(&**key);
            }
        }
    }

    pub(crate) fn stripe(&self, key: &str) -> &Stripe {
        self.fences.of(key)
    }

    pub(crate) fn era(&self, gaps: u64) -> Era {
        Era {
            clearings: self.clearings.load(Ordering::Acquire),
            gaps,
        }
    }
}

impl<V: Clone + Send + Sync + 'static> AnyShelf for Shelf<V> {
    fn forget(&self, key: &str) {
        self.remove(key);
    }

    fn forget_marked(&self, mark: &Mark) {
        self.remove_marked(mark);
    }

    fn forget_all(&self) {
        self.clear();
    }
}

/// An entry that is worth keeping.
#[derive(Clone)]
pub(crate) struct Kept<V>(Entry<V>);

impl<V> Kept<V> {
    /// `None` if it has no time left.
    pub(crate) fn new(
        value: V,
        lifetime: Lifetime,
        tags: Box<[Box<str>]>,
        era: Era,
        now: u64,
        rules: &Rules,
    ) -> Option<Self> {
        lifetime
            .is_servable(now)
            .then(|| Self(Entry::new(value, lifetime, tags, era, now, rules)))
    }

    pub(crate) fn into_entry(self) -> Entry<V> {
        self.0
    }
}

thread_local! {
    /// When this thread read memory. Moka looks at the clock for each read, and tells its expiry alone.
    static READ_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Memory is given back by real time. Whether an entry is served is a matter of the cache's clock;
/// both must allow it, so a wall clock that is set back makes nothing live longer.
struct PhysicalExpiry;

impl<V> Expiry<Box<str>, Entry<V>> for PhysicalExpiry {
    fn expire_after_create(
        &self,
        _key: &Box<str>,
        entry: &Entry<V>,
        _now: Instant,
    ) -> Option<Duration> {
        Some(Duration::from_millis(entry.left_millis))
    }

    fn expire_after_read(
        &self,
        _key: &Box<str>,
        _entry: &Entry<V>,
        read_at: Instant,
        left: Option<Duration>,
        _modified_at: Instant,
    ) -> Option<Duration> {
        READ_AT.set(Some(read_at));
        left
    }

    fn expire_after_update(
        &self,
        _key: &Box<str>,
        entry: &Entry<V>,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(Duration::from_millis(entry.left_millis))
    }
}
