use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{Clock, UnixTime};

/// A clock that stands still until it is told otherwise. Clones show the same time.
///
/// # Example: an hour passes at once
///
/// ```
/// use std::time::Duration;
/// use auth_core::Clock;
/// use auth_testkit::TestClock;
///
/// let clock = TestClock::at_unix_secs(1_700_000_000);
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.unix_now().as_secs(), 1_700_003_600);
/// ```
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<SystemTime>>);

impl TestClock {
    /// A clock at this many seconds after 1970.
    pub fn at_unix_secs(secs: u64) -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(secs))
    }

    /// A clock at the machine's own time, where it stops.
    pub fn stopped_now() -> Self {
        Self::at(SystemTime::now())
    }

    /// A clock at this time.
    pub fn at(time: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *self.time() += by;
    }

    /// Sets the time, also backward.
    pub fn set(&self, time: UnixTime) {
        let secs = Duration::from_secs(time.as_secs().unsigned_abs());
        *self.time() = if time.as_secs() < 0 {
            UNIX_EPOCH - secs
        } else {
            UNIX_EPOCH + secs
        };
    }

    /// A test that panicked elsewhere does not spoil the time.
    fn time(&self) -> std::sync::MutexGuard<'_, SystemTime> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.time()
    }
}
