//! How long ago something was, by two clocks: the wall clock may have been set back, and the other one may have stood
//! still while the machine slept. Whichever says longer is believed.

use std::time::Duration;

use tokio::time::Instant;

use crate::entry::millis;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    /// In milliseconds since 1970.
    moment: u64,
    instant: Instant,
}

impl Since {
    pub(crate) fn new(now: u64) -> Self {
        Self {
            moment: now,
            instant: Instant::now(),
        }
    }

    /// Whether it has been for as long as this.
    pub(crate) fn is(&self, age: Duration, now: u64) -> bool {
        now.saturating_sub(self.moment) >= millis(age) || self.instant.elapsed() >= age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whichever_clock_says_longer_is_believed() {
        let minute = Duration::from_secs(60);
        let since = Since::new(1_000_000);
        assert!(!since.is(minute, 1_059_999));
        assert!(since.is(minute, 1_060_000), "it slept");
        tokio::time::advance(minute).await;
        assert!(since.is(minute, 5), "the clock was set back");
    }
}
