use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Answers from memory.
    pub memory_hits: u64,
    /// Answers from Redis.
    pub redis_hits: u64,
    /// Calls that joined a load under way instead of starting one.
    pub joined: u64,
    /// Loads that were started.
    pub loads: u64,
    /// Loads that failed.
    pub load_failures: u64,
    /// Loads whose value was given out but not kept, because the entry was deleted meanwhile.
    pub fenced: u64,
    /// Failed loads that were covered by an expired entry.
    pub stale_served: u64,
    /// Calls to Redis that failed; no caller has noticed.
    pub redis_faults: u64,
    /// Entries in Redis that could not be read and counted as absent.
    pub unreadable: u64,
    /// Deletions in Redis that are still owed, because it did not answer.
    pub owed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) memory_hits: Counter,
    pub(crate) redis_hits: Counter,
    pub(crate) joined: Counter,
    pub(crate) loads: Counter,
    pub(crate) load_failures: Counter,
    pub(crate) fenced: Counter,
    pub(crate) stale_served: Counter,
    pub(crate) redis_faults: Counter,
    pub(crate) unreadable: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn stats(&self, owed: u64) -> CacheStats {
        CacheStats {
            memory_hits: self.memory_hits.get(),
            redis_hits: self.redis_hits.get(),
            joined: self.joined.get(),
            loads: self.loads.get(),
            load_failures: self.load_failures.get(),
            fenced: self.fenced.get(),
            stale_served: self.stale_served.get(),
            redis_faults: self.redis_faults.get(),
            unreadable: self.unreadable.get(),
            owed,
        }
    }
}
