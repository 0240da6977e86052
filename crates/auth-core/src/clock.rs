use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the time comes from.
///
/// Everything that judges a lifetime takes a clock, so that a test can be at any moment without
/// waiting for it. `auth-testkit` has a clock that is set by hand.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The wall-clock time.
    fn now(&self) -> SystemTime;

    /// The wall-clock time in whole seconds, as tokens state it.
    fn unix_now(&self) -> UnixTime {
        UnixTime::from(self.now())
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it has nothing to add: it is the machine's clock"
)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted (`NumericDate` of RFC 7519
/// without its fraction). Negative before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// Takes the count of seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs)
    }

    /// Returns the count of seconds.
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// The moment `by` later, or the last one that can be told.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(by.as_secs()))
    }

    /// The time from `earlier` to this moment, or zero if this is the earlier one.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }
}

impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        let secs = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(secs(since)),
            Err(before) => Self(-secs(before.duration())),
        }
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_far_away_saturate_instead_of_wrapping() {
        let last = UnixTime::from_secs(i64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(
            UnixTime::from_secs(5).saturating_since(UnixTime::from_secs(9)),
            Duration::ZERO
        );
        assert_eq!(
            UnixTime::from_secs(i64::MAX).saturating_since(UnixTime::from_secs(i64::MIN)),
            Duration::from_secs(i64::MAX.unsigned_abs())
        );
    }

    #[test]
    fn times_before_1970_are_negative() {
        let time = UNIX_EPOCH - Duration::from_secs(3);
        assert_eq!(UnixTime::from(time).as_secs(), -3);
    }
}
