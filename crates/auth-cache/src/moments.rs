//! The cache's clock, as a hit in memory reads it.
//!
//! The memory reads the monotonic clock at each hit, to know what it has kept for long enough. The wall clock is
//! asked besides, because lifetimes go by it, and the two looks together would be a third of a hit. So the
//! machine's wall clock is read once in each millisecond of the monotonic one: that is as fine as lifetimes are, and
//! a wall clock that was set is noticed with the next millisecond. Any other clock is asked each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use auth_core::Clock;

use crate::entry::{millis, moment};

pub(crate) struct Moments {
    clock: Arc<dyn Clock>,
    /// Where the milliseconds are counted from. `None` if the clock is not the machine's.
    origin: Option<Instant>,
    /// The millisecond in which `wall` was read.
    tick: AtomicU64,
    wall: AtomicU64,
}

impl Moments {
    pub(crate) fn new(clock: Arc<dyn Clock>, is_of_machine: bool) -> Self {
        Self {
            clock,
            origin: is_of_machine.then(Instant::now),
            tick: AtomicU64::new(NEVER),
            wall: AtomicU64::new(0),
        }
    }

    /// In milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        moment(self.clock.now())
    }

    /// The same, by somebody who read the monotonic clock just now.
    pub(crate) fn at(&self, instant: Option<Instant>) -> u64 {
        let (Some(origin), Some(instant)) = (self.origin, instant) else {
            return self.now();
        };
        let tick = millis(instant.saturating_duration_since(origin));
        let known = self.tick.load(Ordering::Acquire);
        if known == tick {
            // It may have been read for a later tick by now, and never for an earlier one.
            return self.wall.load(Ordering::Acquire);
        }
        // One of those who find it too old reads it for all. Whoever is held up in between keeps the others
        // from nothing but that, and leaves a tick that is over.
        let is_ours = known != READING
            && self
                .tick
                .compare_exchange(known, READING, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        let now = self.now();
        if is_ours {
            self.wall.store(now, Ordering::Release);
            self.tick.store(tick, Ordering::Release);
        }
        now
    }
}

const READING: u64 = u64::MAX;
const NEVER: u64 = u64::MAX - 1;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;

    /// A wall clock that can be set, also back.
    #[derive(Debug, Default)]
    struct Wall(Mutex<u64>);

    impl Wall {
        fn set(&self, to: u64) {
            *self.0.lock().unwrap() = to;
        }
    }

    impl Clock for Wall {
        fn now(&self) -> SystemTime {
            UNIX_EPOCH + Duration::from_millis(*self.0.lock().unwrap())
        }
    }

    #[test]
    fn the_wall_clock_is_known_to_the_millisecond_however_it_is_set() {
        let wall = Arc::new(Wall::default());
        let moments = Moments::new(Arc::clone(&wall) as _, true);
        let start = moments.origin.unwrap();
        let at = |micros| moments.at(Some(start + Duration::from_micros(micros)));
        for (micros, set, told) in [
            (0, 70, 70),
            (999, 80, 70),
            (1000, 80, 80),
            (1500, 5, 80),
            (2000, 5, 5),
            (9_000_000, 6, 6),
            // Somebody who was held up since.
            (2000, 7, 7),
            (9_000_000, 8, 8),
        ] {
            wall.set(set);
            assert_eq!(at(micros), told, "{micros}");
        }
        // Who does not know the moment asks.
        wall.set(90);
        assert_eq!(moments.at(None), 90);
    }

    #[test]
    fn a_clock_that_is_not_the_machines_is_asked_each_time() {
        let wall = Arc::new(Wall::default());
        let moments = Moments::new(Arc::clone(&wall) as _, false);
        let instant = Instant::now();
        for set in [5, 6, 4] {
            wall.set(set);
            assert_eq!(moments.at(Some(instant)), set);
        }
    }

    #[test]
    fn many_threads_never_see_a_moment_that_is_over() {
        let wall = Arc::new(Wall::default());
        let moments = Moments::new(Arc::clone(&wall) as _, true);
        let start = moments.origin.unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for tick in 1..20_000 {
                        // The wall clock is never behind the tick that somebody has reached.
                        {
                            let mut wall = wall.0.lock().unwrap();
                            *wall = tick.max(*wall);
                        }
                        let told = moments.at(Some(start + Duration::from_millis(tick)));
                        assert!(told >= tick, "{told} at {tick}");
                    }
                });
            }
        });
    }
}
