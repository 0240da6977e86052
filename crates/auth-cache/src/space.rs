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

/// Never served after its lifetime, and never after somebody else has changed it, whatever fails:
/// sessions, grants that must end at once.
///
/// That nothing is found proves nothing: while the level behind is away, nothing is found of what was put there a
/// moment ago either, and storage may make room. A list of what is revoked would let through what it should
/// refuse, so keep what is allowed, or ask the source of the list in a loader. Nor is a deletion a way to take something
/// once: of two at the same time, both may say that it [existed](crate::Change::existed).
///
/// A lifetime is spread downward, by up to 10 %, so an entry may be gone before the end that was asked for.
///
/// With a level behind, every read is confirmed by it, which costs a round trip (concurrent ones share it), and two where what
/// was changed lately lives for less than five minutes; while it is away,
/// every read asks the loader. A change counts from the moment when the call that made it has returned
/// and [was shared](crate::Change::is_shared).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Strict;

/// Served from memory while changes by others are heard of, and for a bounded time when they are
/// not; and for a bounded time after its lifetime if the loader fails: roles, permissions.
///
/// The bound is [`max_stale`](Space::max_stale), or where that is not set, the lifetime.
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
        /// What others do is to be known.
        const MINDS_OTHERS: bool;
        /// Nothing is believed that the level behind has not confirmed.
        const IS_CONFIRMED: bool;
        /// The most that a lifetime is spread upward, in percent.
        const SPREAD_ABOVE: u64;
    }

    impl Class for super::Strict {
        const MINDS_OTHERS: bool = true;
        const IS_CONFIRMED: bool = true;
        // A lifetime is a promise here, so it is only ever made shorter.
        const SPREAD_ABOVE: u64 = 0;
    }

    impl Class for super::Bounded {
        const MINDS_OTHERS: bool = true;
        const IS_CONFIRMED: bool = false;
        const SPREAD_ABOVE: u64 = 10;
    }

    impl Class for super::BestEffort {
        const MINDS_OTHERS: bool = false;
        const IS_CONFIRMED: bool = false;
        const SPREAD_ABOVE: u64 = 10;
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
    rules: Rules,
    max_entries: u64,
    weight: Option<(u64, Weigh<V>)>,
    marker: PhantomData<fn() -> (V, C)>,
}

type Weigh<V> = fn(&V) -> u32;

impl<V, C: Consistency> Space<V, C> {
    /// Names the space and the lifetime of its entries.
    pub const fn new(name: &'static str, ttl: Duration) -> Self {
        Self {
            name,
            rules: Rules {
                ttl: shorter(ttl, CENTURY),
                negative_ttl: shorter(ttl, NEGATIVE),
                spread_above: C::SPREAD_ABOVE,
                longest_millis: longest(shorter(ttl, CENTURY), C::SPREAD_ABOVE),
                max_stale: Duration::ZERO,
                max_stale_millis: 0,
                until: None,
                refresh_at: None,
                soft_deadline: None,
                hard_deadline: None,
                rest: Duration::ZERO,
                lease: None,
                shape: 0,
                is_sealed: false,
                minds_others: C::MINDS_OTHERS,
                is_confirmed: C::IS_CONFIRMED,
            },
            max_entries: 10_000,
            weight: None,
            marker: PhantomData,
        }
    }

    /// Sets how many entries are kept in memory. 10,000 unless set. Counts from the first use of
    /// the name in a cache on.
    ///
    /// Bounded are the entries of this space in this process, and not those in the level behind, which
    /// go when they expire. Where there is no room, the entry that is asked for less gives way: an old
    /// one, or the new one, whose caller gets the value all the same. What gave way is no fault and is not
    /// counted; it is loaded again, or read from the level behind. Room is made after an entry
    /// was kept, so in a burst there may be some hundred more for a moment. Zero keeps nothing in memory.
    #[must_use]
    pub const fn max_entries(mut self, max: u64) -> Self {
        self.max_entries = max;
        self
    }

    /// Sets how much all entries in memory may weigh, in the place of how many they are, and what
    /// one weighs, its key not counted. Counts from the first use of the name in a cache on.
    #[must_use]
    pub const fn max_weight(mut self, max: u64, weight: fn(&V) -> u32) -> Self {
        self.weight = Some((max, weight));
        self
    }

    /// Sets the lifetime of what a loader calls [negative](crate::Fresh::negative). 5 s unless set, and
    /// never more than that of the others.
    #[must_use]
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.rules.negative_ttl = shorter(ttl, self.rules.ttl);
        self
    }

    /// Lets the first caller after so many percent of a lifetime start a load in the background, so
    /// that nobody waits when it ends. It is not done unless set. For [`Strict`] with a level behind it does
    /// nothing: there memory never answers.
    #[must_use]
    pub const fn refresh_ahead(mut self, percent: u8) -> Self {
        self.rules.refresh_at = Some(percent);
        self
    }

    /// Sets how long a caller waits for a value at most. The load goes on, and its value is kept for
    /// those who come later. There is no such limit unless set: a loader should have its own.
    #[must_use]
    pub const fn hard_deadline(mut self, deadline: Duration) -> Self {
        self.rules.hard_deadline = Some(deadline);
        self
    }

    /// Lets only one process at a time load a key, as far as the level behind can be reached; the
    /// others wait for its value, for as long as this at most, and then load for themselves.
    #[must_use]
    pub const fn one_loader_per_fleet(mut self, lease: Duration) -> Self {
        self.rules.lease = Some(lease);
        self
    }

    /// Sets the version of the value's type. What was written under another one is not read.
    #[must_use]
    pub const fn shape(mut self, version: u32) -> Self {
        self.rules.shape = version;
        self
    }

    /// Seals the values in the level behind, with the cache's
    /// [keys](crate::CacheBuilder::key_ring). Without any they are kept in memory only, which for [`Strict`] with
    /// a level behind is nowhere.
    ///
    /// Keys, tags and prefixes lie there in the clear. And whoever can write there can put an older sealed value back
    /// under its own key, within its lifetime: sealing keeps values secret and unforged, not current.
    #[must_use]
    pub const fn sealed(mut self) -> Self {
        self.rules.is_sealed = true;
        self
    }

    /// The same space for entries that must not outlive this moment, such as the end of the token
    /// they were loaded with: neither fresh nor stale are they served after it.
    #[must_use]
    pub const fn until(mut self, end: UnixTime) -> Self {
        self.rules.until = Some(end);
        self
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.weight.map_or(self.max_entries, |(max, _)| max)
    }

    pub(crate) fn weight(&self) -> Option<Weigh<V>> {
        self.weight.map(|(_, weight)| weight)
    }
}

impl<V, C: MayBeStale> Space<V, C> {
    /// Sets for how long after its lifetime a value may be served while the loader fails. Not at all
    /// unless set.
    #[must_use]
    pub const fn max_stale(mut self, max: Duration) -> Self {
        self.rules.max_stale = shorter(max, CENTURY);
        self.rules.max_stale_millis = whole_millis(self.rules.max_stale);
        self
    }

    /// Sets how long a caller waits for a loader if there is a value to serve instead: one that has
    /// expired, within [`max_stale`](Self::max_stale). The load goes on, and its value is kept.
    #[must_use]
    pub const fn soft_deadline(mut self, deadline: Duration) -> Self {
        self.rules.soft_deadline = Some(deadline);
        self
    }

    /// Sets for how long a loader that failed is left alone while there is a value to serve instead.
    /// Unless set, every call asks it.
    #[must_use]
    pub const fn rest_after_failure(mut self, rest: Duration) -> Self {
        self.rules.rest = shorter(rest, CENTURY);
        self
    }
}

/// What a space says, without its types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) ttl: Duration,
    pub(crate) negative_ttl: Duration,
    spread_above: u64,
    /// The lifetime and what it may be spread by. It is looked at for every hit.
    pub(crate) longest_millis: u64,
    pub(crate) max_stale: Duration,
    pub(crate) max_stale_millis: u64,
    pub(crate) until: Option<UnixTime>,
    /// In percent of the lifetime.
    pub(crate) refresh_at: Option<u8>,
    pub(crate) soft_deadline: Option<Duration>,
    pub(crate) hard_deadline: Option<Duration>,
    pub(crate) rest: Duration,
    pub(crate) lease: Option<Duration>,
    pub(crate) shape: u32,
    pub(crate) is_sealed: bool,
    pub(crate) minds_others: bool,
    pub(crate) is_confirmed: bool,
}

impl Rules {
    /// The lifetime and what it may be spread by.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_millis(self.longest_millis)
    }

    /// How long a value may be served of which nobody knows whether others have changed it.
    pub(crate) fn deaf_bound(&self) -> Option<u64> {
        let bound = if self.max_stale_millis == 0 {
            self.longest_millis
        } else {
            self.max_stale_millis
        };
        self.minds_others.then_some(bound)
    }

    /// The same for a value that says there is none: shorter, and never stale.
    pub(crate) fn of_negative(self) -> Self {
        Self {
            max_stale: Duration::ZERO,
            max_stale_millis: 0,
            ..self.with_ttl(Some(self.negative_ttl))
        }
    }

    /// The same for a value with an end of its own, which may not be later.
    pub(crate) fn ending(self, end: Option<UnixTime>) -> Self {
        let until = match (self.until, end) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { until, ..self }
    }

    /// The same for a value with a lifetime of its own, which may not be longer.
    pub(crate) fn with_ttl(self, ttl: Option<Duration>) -> Self {
        let ttl = ttl.map_or(self.ttl, |ttl| shorter(ttl, self.ttl));
        Self {
            ttl,
            longest_millis: longest(ttl, self.spread_above),
            ..self
        }
    }
}

const fn longest(ttl: Duration, spread_above: u64) -> u64 {
    let millis = whole_millis(ttl);
    millis + millis / 100 * spread_above + millis % 100 * spread_above / 100
}

/// Of what is a century at most.
const fn whole_millis(duration: Duration) -> u64 {
    duration.as_secs() * 1000 + duration.subsec_millis() as u64
}

/// Arithmetic on durations panics at the end of time, and nobody can tell a century from for ever.
const fn shorter(a: Duration, b: Duration) -> Duration {
    // `Ord::min` is not const.
    if a.as_nanos() < b.as_nanos() { a } else { b }
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
            .field("ttl", &self.rules.ttl)
            .field("max_stale", &self.rules.max_stale)
            .finish_non_exhaustive()
    }
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

const NEGATIVE: Duration = Duration::from_secs(5);
