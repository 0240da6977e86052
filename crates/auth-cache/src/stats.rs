use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Answers from memory.
    pub memory_hits: u64,
    /// Answers from the level behind.
    pub redis_hits: u64,
    /// Calls that joined a load under way instead of starting one.
    pub joined: u64,
    /// Loads that were started.
    pub loads: u64,
    /// Loads that failed.
    pub load_failures: u64,
    /// Loads whose value was given out but not kept, because the entry was deleted meanwhile.
    pub fenced: u64,
    /// Answers by an expired entry: the loader failed, or took too long, or is resting.
    pub stale_served: u64,
    /// Loads that were started before a value expired.
    pub refreshed_ahead: u64,
    /// Calls that gave up waiting for a loader.
    pub timed_out: u64,
    /// Loads that another process did, while this one waited for it.
    pub loaded_by_others: u64,
    /// Changes by others that were heard of.
    pub invalidations: u64,
    /// How often changes by others may have been missed, and memory was dropped for it.
    pub gaps: u64,
    /// Calls to the level behind that failed; no caller has noticed.
    pub redis_faults: u64,
    /// Entries in the level behind that could not be read and counted as absent.
    pub unreadable: u64,
    /// Changes that were made good when the level behind was back.
    pub replayed: u64,
    /// Changes that the level behind still has to learn.
    pub owed: u64,
}

/// Something a cache did, as it happens. Answers from memory are not told: they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheEvent {
    /// An answer from the level behind.
    RedisHit,
    /// A call joined a load under way.
    Joined,
    /// A load was started.
    LoadStarted,
    /// A load failed.
    LoadFailed,
    /// A load's value was not kept, because the entry was deleted meanwhile.
    Fenced,
    /// An expired entry was served.
    StaleServed,
    /// A load was started before a value expired.
    RefreshedAhead,
    /// A call gave up waiting for a loader.
    TimedOut,
    /// Another process did the load.
    LoadedByOther,
    /// Somebody else changed something.
    Invalidated,
    /// Changes by others may have been missed; what minds that was dropped from memory.
    Gap,
    /// A call to the level behind failed.
    RedisFault,
    /// An entry in the level behind could not be read.
    Unreadable,
    /// A change was made good.
    Replayed,
}

/// Who wants to know of events.
pub(crate) type Observer = Arc<dyn Fn(CacheEvent) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Counters {
    memory_hits: AtomicU64,
    events: [AtomicU64; EVENTS],
    observer: Option<Observer>,
}

impl Counters {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self {
            observer,
            ..Self::default()
        }
    }

    pub(crate) fn memory_hit(&self) {
        self.memory_hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note(&self, event: CacheEvent) {
        self.events[event as usize].fetch_add(1, Ordering::Relaxed);
        let Some(observer) = &self.observer else {
            return;
        };
        // Some of this is noted with work half done, which a fault of theirs must not end.
        if catch_unwind(AssertUnwindSafe(|| observer(event))).is_err() {
            tracing::error!("an observer of a cache panicked");
        }
    }

    pub(crate) fn stats(&self, owed: u64) -> CacheStats {
        let count = |event: CacheEvent| self.events[event as usize].load(Ordering::Relaxed);
        CacheStats {
            memory_hits: self.memory_hits.load(Ordering::Relaxed),
            redis_hits: count(CacheEvent::RedisHit),
            joined: count(CacheEvent::Joined),
            loads: count(CacheEvent::LoadStarted),
            load_failures: count(CacheEvent::LoadFailed),
            fenced: count(CacheEvent::Fenced),
            stale_served: count(CacheEvent::StaleServed),
            refreshed_ahead: count(CacheEvent::RefreshedAhead),
            timed_out: count(CacheEvent::TimedOut),
            loaded_by_others: count(CacheEvent::LoadedByOther),
            invalidations: count(CacheEvent::Invalidated),
            gaps: count(CacheEvent::Gap),
            redis_faults: count(CacheEvent::RedisFault),
            unreadable: count(CacheEvent::Unreadable),
            replayed: count(CacheEvent::Replayed),
            owed,
        }
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats(0).fmt(f)
    }
}

const EVENTS: usize = CacheEvent::Replayed as usize + 1;
