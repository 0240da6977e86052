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

/// Writes a time as RFC 3339 has it, in UTC with microseconds: `2026-11-21T22:42:30.412330Z`.
///
/// Before 1970 and after the year 9999 it writes the nearest time between them: wires have no room
/// for more.
///
/// # Example
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let time = UNIX_EPOCH + Duration::from_micros(1_700_000_000_412_330);
/// assert_eq!(auth_core::to_rfc3339(time), "2023-11-14T22:13:20.412330Z");
/// ```
pub fn to_rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = since.min(Duration::new(LAST_SECOND, 999_999_000));
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let micros = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
///
/// It counts in eras of 400 years that begin on a first of March, so that the leap day comes last.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (secs, date) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
            (LAST_SECOND, "9999-12-31T23:59:59.000000Z"),
            (LAST_SECOND + 1, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(to_rfc3339(UNIX_EPOCH + Duration::from_secs(secs)), date);
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(to_rfc3339(before), "1970-01-01T00:00:00.000000Z");
    }

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
