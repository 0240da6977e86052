use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use auth_core::UnixTime;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What can be kept in a [`Cache`](crate::Cache). Every type that has these traits is.
///
/// A hit clones the value, so something large belongs in an `Arc`.
pub trait Cacheable: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Cacheable for V {}

/// How wrong a cached value may be: [`Strict`], [`Bounded`] or [`BestEffort`].
pub trait Consistency: sealed::Class + Send + Sync + 'static {}

/// A class whose values may be served for a while after they expired, if the loader fails.
pub trait MayBeStale: Consistency {}

/// Never served after its lifetime, whatever fails: revocations, one-time codes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Strict;

/// Served for a bounded time after its lifetime if the loader fails: roles, permissions.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Bounded;

/// As [`Bounded`], and kept in memory although deletions by others may have been missed: whatever
/// an application caches for speed alone.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BestEffort;

impl Consistency for Strict {}
impl Consistency for Bounded {}
impl Consistency for BestEffort {}
impl MayBeStale for Bounded {}
impl MayBeStale for BestEffort {}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "nobody else may add a class, because its promises are kept here"
    )]
    pub trait Class {
        /// Entries in memory do not outlive an outage of Redis.
        const DROPPED_AFTER_OUTAGE: bool;
        /// The most that a lifetime is spread upward.
        const SPREAD_ABOVE: f64;
    }

    impl Class for super::Strict {
        const DROPPED_AFTER_OUTAGE: bool = true;
        // A lifetime is a promise here, so it is only ever made shorter.
        const SPREAD_ABOVE: f64 = 0.0;
    }

    impl Class for super::Bounded {
        const DROPPED_AFTER_OUTAGE: bool = true;
        const SPREAD_ABOVE: f64 = 0.1;
    }

    impl Class for super::BestEffort {
        const DROPPED_AFTER_OUTAGE: bool = false;
        const SPREAD_ABOVE: f64 = 0.1;
    }
}

/// A declaration: what kind of value lies under a name, for how long, and how stale it may get.
///
/// Declare each name once, as a constant. Spaces never touch one another: equal keys in two of them
/// are two entries, and clearing one leaves the others alone.
///
/// ```compile_fail
/// use std::time::Duration;
/// use auth_cache::{Space, Strict};
///
/// // What must never be stale has no such setting.
/// const REVOKED: Space<bool, Strict> =
///     Space::new("revoked", Duration::from_secs(5)).max_stale(Duration::from_secs(60));
/// ```
pub struct Space<V, C> {
    name: &'static str,
    ttl: Duration,
    max_stale: Duration,
    max_entries: u64,
    until: Option<UnixTime>,
    marker: PhantomData<fn() -> (V, C)>,
}

impl<V, C: Consistency> Space<V, C> {
    /// Names the space and the lifetime of its entries.
    pub const fn new(name: &'static str, ttl: Duration) -> Self {
        Self {
            name,
            ttl,
            max_stale: Duration::ZERO,
            max_entries: 10_000,
            until: None,
            marker: PhantomData,
        }
    }

    /// Sets how many entries are kept in memory. 10,000 unless set. Counts from the first use of
    /// the name in a cache on.
    #[must_use]
    pub const fn max_entries(mut self, max: u64) -> Self {
        self.max_entries = max;
        self
    }

    /// The same space for entries that must not outlive this moment, such as the end of the token
    /// they were loaded with: neither fresh nor stale are they served after it.
    #[must_use]
    pub const fn until(mut self, end: UnixTime) -> Self {
        self.until = Some(end);
        self
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn rules(&self) -> Rules {
        // Arithmetic on durations panics at the end of time, and nobody can tell the difference.
        let ttl = self.ttl.min(CENTURY);
        Rules {
            ttl,
            longest: ttl.mul_f64(1.0 + C::SPREAD_ABOVE),
            max_stale: self.max_stale.min(CENTURY),
            until: self.until,
            dropped_after_outage: C::DROPPED_AFTER_OUTAGE,
        }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.max_entries
    }
}

impl<V, C: MayBeStale> Space<V, C> {
    /// Sets for how long after its lifetime a value may be served while the loader fails. Not at all
    /// unless set.
    #[must_use]
    pub const fn max_stale(mut self, max: Duration) -> Self {
        self.max_stale = max;
        self
    }
}

/// What a space says of lifetimes, without its types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) ttl: Duration,
    /// The lifetime and what it may be spread by.
    pub(crate) longest: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) until: Option<UnixTime>,
    pub(crate) dropped_after_outage: bool,
}

impl<V, C> Clone for Space<V, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, C> Copy for Space<V, C> {}

impl<V, C> fmt::Debug for Space<V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space")
            .field("name", &self.name)
            .field("ttl", &self.ttl)
            .field("max_stale", &self.max_stale)
            .finish_non_exhaustive()
    }
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
