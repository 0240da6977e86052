use std::fmt;
use std::time::Duration;

/// How long to wait before the next attempt: a random time up to a bound that doubles, so that the
/// instances of a service do not come back all at once (full jitter).
pub(crate) struct Backoff {
    random: Box<dyn Fn() -> f64 + Send + Sync>,
}

impl Backoff {
    /// Takes the source of randomness: numbers from 0 to 1.
    pub(crate) fn new(random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self {
            random: Box::new(random),
        }
    }

    /// The wait after so many failed attempts, and no less than the sink asked for, within reason.
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        let random = (self.random)();
        let share = if random.is_finite() {
            random.clamp(0.0, 1.0)
        } else {
            1.0
        };
        let wait = doubled.min(LONGEST).mul_f64(share);
        wait.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(auth_core::spread)
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backoff")
    }
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// A sink that asks for a day would have the queue overflow.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_and_is_capped() {
        let backoff = Backoff::new(|| 1.0);
        let waits: Vec<_> = [1, 2, 3, 9, 10, u32::MAX]
            .into_iter()
            .map(|failures| backoff.wait(failures, None).as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 25_600, 30_000, 30_000]);
    }

    #[test]
    fn a_sink_is_given_the_time_it_asks_for() {
        let backoff = Backoff::new(|| 0.0);
        let wait = |secs| backoff.wait(1, Some(Duration::from_secs(secs))).as_secs();
        assert_eq!((wait(7), wait(86_400)), (7, 300));
    }

    #[test]
    fn a_source_that_is_no_share_is_bounded() {
        for (random, expected) in [(f64::NAN, 100), (-1.0, 0), (2.0, 100), (f64::INFINITY, 100)] {
            assert_eq!(
                Backoff::new(move || random).wait(1, None).as_millis(),
                expected
            );
        }
    }

    #[test]
    fn the_default_source_gives_shares() {
        let waits: Vec<_> = (0..100)
            .map(|_| Backoff::default().wait(10, None))
            .collect();
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
