//! What lies in memory, and until when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::loaded::{Loaded, Origin};
use crate::space::Rules;

/// A value with its lifetime, and the state of the world it was made in. A hit clones it as a whole:
/// behind one more pointer it would most likely not be in the processor's cache.
#[derive(Clone, Debug)]
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    pub(crate) lifetime: Lifetime,
    pub(crate) era: Era,
    /// How long memory keeps it, counted from when it is put there, in milliseconds.
    pub(crate) left_millis: u64,
    more: Option<Arc<More>>,
}

/// What few entries have. Clones of an entry share it.
#[derive(Debug)]
struct More {
    tags: Box<[Box<str>]>,
    /// Until then the loader is not asked again in vain.
    rests_until: AtomicU64,
}

/// An entry of another era than today's is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Era {
    /// How often the space was cleared.
    pub(crate) clearings: u64,
    /// How often a change by others may have been missed, for spaces that mind.
    pub(crate) gaps: u64,
}

/// Moments by the cache's clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub(crate) stored_at: u64,
    /// From here on it is stale.
    pub(crate) expires_at: u64,
    /// From here on it is not served at all.
    pub(crate) dies_at: u64,
}

impl Lifetime {
    /// Of an entry made now. `random` is between zero and one.
    pub(crate) fn begin(rules: &Rules, now: u64, random: f64) -> Self {
        let shortest = rules.ttl.mul_f64(1.0 - SPREAD_BELOW);
        let spread = rules.longest().saturating_sub(shortest);
        let ttl = shortest + spread.mul_f64(random.clamp(0.0, 1.0));
        let expires_at = now.saturating_add(millis(ttl));
        let lifetime = Self {
            stored_at: now,
            expires_at,
            dies_at: expires_at.saturating_add(rules.max_stale_millis),
        };
        lifetime.capped(rules)
    }

    /// Of an entry that somebody else made: it gets no more here than if it had been made here, so
    /// that neither their settings nor their clock can make a space serve what it must not.
    pub(crate) fn adopted(self, rules: &Rules, now: u64) -> Self {
        let stored_at = self.stored_at.min(now);
        let longest = stored_at.saturating_add(rules.longest_millis);
        let expires_at = self.expires_at.min(longest);
        let stale = expires_at.saturating_add(rules.max_stale_millis);
        let lifetime = Self {
            stored_at,
            expires_at,
            dies_at: self.dies_at.min(stale),
        };
        lifetime.capped(rules)
    }

    fn capped(self, rules: &Rules) -> Self {
        let end = rules.until.map_or(u64::MAX, |end| {
            let secs = u64::try_from(end.as_secs()).unwrap_or(0);
            secs.saturating_mul(1000)
        });
        Self {
            stored_at: self.stored_at,
            expires_at: self.expires_at.min(end),
            dies_at: self.dies_at.min(end),
        }
    }

    pub(crate) fn is_fresh(&self, now: u64) -> bool {
        now < self.expires_at
    }

    /// Whether it is old enough to be loaded again before it expires.
    pub(crate) fn wants_refresh(&self, rules: &Rules, now: u64) -> bool {
        let Some(percent) = rules.refresh_at else {
            return false;
        };
        let whole = self.expires_at.saturating_sub(self.stored_at);
        now >= self
            .stored_at
            .saturating_add(whole / 100 * u64::from(percent))
    }

    pub(crate) fn is_servable(&self, now: u64) -> bool {
        now < self.expires_at.max(self.dies_at)
    }

    /// How long storage must keep it.
    pub(crate) fn left(&self, now: u64) -> Duration {
        Duration::from_millis(self.left_millis(now))
    }

    pub(crate) fn left_millis(&self, now: u64) -> u64 {
        self.expires_at.max(self.dies_at).saturating_sub(now)
    }
}

impl<V> Entry<V> {
    pub(crate) fn new(
        value: V,
        lifetime: Lifetime,
        tags: Box<[Box<str>]>,
        era: Era,
        now: u64,
        rules: &Rules,
    ) -> Self {
        let has_more = !tags.is_empty() || !rules.rest.is_zero();
        Self {
            value,
            lifetime,
            era,
            left_millis: lifetime.left_millis(now),
            more: has_more.then(|| {
                let rests_until = AtomicU64::new(0);
                Arc::new(More { tags, rests_until })
            }),
        }
    }

    pub(crate) fn tags(&self) -> &[Box<str>] {
        self.more.as_ref().map_or(&[], |more| &more.tags)
    }

    /// Whether the loader was asked in vain not long ago.
    pub(crate) fn is_resting(&self, now: u64) -> bool {
        let more = self.more.as_ref();
        more.is_some_and(|more| more.rests_until.load(Ordering::Relaxed) > now)
    }

    /// Whether it is to be loaded again although it is still good.
    pub(crate) fn wants_refresh(&self, rules: &Rules, now: u64) -> bool {
        self.lifetime.wants_refresh(rules, now) && !self.is_resting(now)
    }

    pub(crate) fn rest_until(&self, until: u64) {
        if let Some(more) = &self.more {
            more.rests_until.store(until, Ordering::Relaxed);
        }
    }

    pub(crate) fn loaded(self, origin: Origin, now: u64) -> Loaded<V> {
        let age_millis = now.saturating_sub(self.lifetime.stored_at);
        Loaded::new(self.value, origin, age_millis)
    }
}

/// The moment in milliseconds since 1970.
pub(crate) fn moment(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, millis)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const SPREAD_BELOW: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{Bounded, Space, Strict};
    use auth_core::UnixTime;

    const NOW: u64 = 1_000_000_000;
    const ROLES: Space<(), Bounded> =
        Space::new("roles", Duration::from_secs(100)).max_stale(Duration::from_secs(50));
    const REVOKED: Space<(), Strict> = Space::new("revoked", Duration::from_secs(100));

    fn span(rules: &Rules, random: f64) -> (u64, u64) {
        let lifetime = Lifetime::begin(rules, NOW, random);
        (lifetime.expires_at - NOW, lifetime.dies_at - NOW)
    }

    #[test]
    fn lifetimes_are_spread_by_a_tenth_and_a_strict_one_only_downward() {
        assert_eq!(span(ROLES.rules(), 0.0), (90_000, 140_000));
        assert_eq!(span(ROLES.rules(), 0.5), (100_000, 150_000));
        assert_eq!(span(ROLES.rules(), 1.0), (110_000, 160_000));
        assert_eq!(span(REVOKED.rules(), 0.0), (90_000, 90_000));
        assert_eq!(span(REVOKED.rules(), 1.0), (100_000, 100_000));
    }

    #[test]
    fn an_end_caps_both_the_fresh_and_the_stale_time() {
        let end = |secs: i64| *ROLES.until(UnixTime::from_secs(1_000_000 + secs)).rules();
        assert_eq!(span(&end(120), 0.5), (100_000, 120_000));
        assert_eq!(span(&end(20), 0.5), (20_000, 20_000));
        let past = Lifetime::begin(&end(-1), NOW, 0.5);
        assert!(!past.is_servable(NOW));
        let ancient = *ROLES.until(UnixTime::from_secs(-5)).rules();
        assert!(!Lifetime::begin(&ancient, NOW, 0.5).is_servable(NOW));
    }

    #[test]
    fn an_entry_of_others_gets_no_more_time_than_one_of_ours() {
        let greedy = Lifetime {
            stored_at: u64::MAX,
            expires_at: u64::MAX,
            dies_at: u64::MAX,
        };
        let adopted = greedy.adopted(REVOKED.rules(), NOW);
        assert_eq!(adopted.stored_at, NOW);
        assert_eq!(adopted.expires_at, NOW + 100_000);
        assert!(!adopted.is_servable(NOW + 100_000));

        // What ran out there has run out here.
        let old = Lifetime::begin(ROLES.rules(), NOW - 150_000, 0.5);
        assert!(!old.adopted(ROLES.rules(), NOW).is_servable(NOW));
        // What may be stale there is not, where nothing may.
        let stale = Lifetime::begin(ROLES.rules(), NOW - 120_000, 0.5);
        assert!(stale.adopted(ROLES.rules(), NOW).is_servable(NOW));
        assert!(!stale.adopted(REVOKED.rules(), NOW).is_servable(NOW));
    }

    #[test]
    fn lifetimes_at_the_end_of_time_saturate() {
        let forever: Space<(), Bounded> =
            Space::new("forever", Duration::from_secs(u64::MAX / 4)).max_stale(Duration::MAX);
        let lifetime = Lifetime::begin(forever.rules(), u64::MAX - 5, 1.0);
        assert_eq!(lifetime.dies_at, u64::MAX);
    }
}
