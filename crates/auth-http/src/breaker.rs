use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When an origin that keeps failing is left alone, and when it is tried again.
///
/// Every origin of a client has a circuit. It opens when several attempts in a row found no origin
/// that works: no connection, none that lasts to the end of an answer, none in time, or an answer
/// of 502, 503 or 504. While it is open calls fail at once and nothing is sent. After a while it is
/// half open: a few calls are let through, and when they succeed it closes. When one of them fails
/// it opens again, for twice as long as before.
///
/// Any other answer is a sign of life, an error of 500 too: one resource that is broken must not
/// take the others with it.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use auth_http::{CircuitBreaker, HttpClient};
///
/// let client = HttpClient::builder("https://controller.example")
///     .circuit_breaker(CircuitBreaker::new().failures(10).open_for(Duration::from_secs(5)))
///     .build()?;
/// # Ok::<(), auth_http::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitBreaker {
    failures: u32,
    open_for: Duration,
    max_open_for: Duration,
    trials: u32,
}

/// What may pass to an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// Everything.
    Closed,
    /// Nothing: the origin has failed several times in a row.
    Open,
    /// A few calls, to see whether the origin is back.
    HalfOpen,
}

impl CircuitBreaker {
    /// Starts with the figures that a client has unless told otherwise.
    pub fn new() -> Self {
        Self {
            failures: 5,
            open_for: Duration::from_secs(1),
            max_open_for: Duration::from_secs(30),
            trials: 1,
        }
    }

    /// One that never opens: every call pays for a dead origin itself.
    pub fn disabled() -> Self {
        Self::new().failures(u32::MAX)
    }

    /// How many failures in a row open the circuit; 5 unless set, and never less than 1.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.failures = failures.max(1);
        self
    }

    /// How long it is open the first time; 1 second unless set. It is made up to half as long
    /// again by chance, so that not all clients come back together.
    #[must_use]
    pub fn open_for(mut self, time: Duration) -> Self {
        self.open_for = time;
        self
    }

    /// How long it is open at most, however often a trial fails and whatever `Retry-After` asks
    /// for; 30 seconds unless set. It is half open for as long as trials take; see
    /// [`trials`](Self::trials).
    #[must_use]
    pub fn max_open_for(mut self, time: Duration) -> Self {
        self.max_open_for = time;
        self
    }

    /// How many calls are let through at a time while it is half open, and how many of them must
    /// succeed to close it; 1 unless set, and never less. One more is let through whenever none
    /// began for as long as the circuit was open, so that a call which takes long, by its nature or
    /// because the server hangs, does not keep the others out.
    #[must_use]
    pub fn trials(mut self, trials: u32) -> Self {
        self.trials = trials.max(1);
        self
    }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new()
    }
}

/// The circuit to one origin.
#[derive(Debug)]
pub(crate) struct Circuit {
    policy: CircuitBreaker,
    /// Failures in a row while it is closed.
    failures: AtomicU32,
    /// Whether `state` is `Closed`, so that a good day costs no lock.
    closed: AtomicBool,
    state: Mutex<State>,
    /// How often it was half open.
    rounds: AtomicU64,
    /// How many times connections ended under the attempts on them.
    breaks: AtomicU64,
    random: fn() -> f64,
}

#[derive(Debug)]
enum State {
    Closed,
    Open {
        until: Instant,
        /// How often in a row it was opened.
        times: u32,
    },
    HalfOpen {
        /// Trials of an earlier round are old news.
        round: u64,
        under_way: u32,
        succeeded: u32,
        times: u32,
        /// When another trial is let through though none has ended.
        patient_until: Instant,
    },
}

/// What came of an attempt, as far as it tells of the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Alive,
    /// With the time it asked to be left alone.
    Failing(Option<Duration>),
    /// The connection broke. One event ends many attempts and is one failure.
    Broken,
    /// The server ended the connection or refused the stream, and did not process the request. This
    /// says nothing against the origin.
    Drained,
    /// It says nothing, such as a connection that had been idle for too long.
    None,
}

impl Circuit {
    pub(crate) fn new(policy: CircuitBreaker) -> Self {
        Self {
            policy,
            failures: AtomicU32::new(0),
            closed: AtomicBool::new(true),
            state: Mutex::new(State::Closed),
            rounds: AtomicU64::new(0),
            breaks: AtomicU64::new(0),
            random: auth_core::spread,
        }
    }

    /// Lets an attempt through, or says how long the origin is still left alone.
    pub(crate) fn admit(&self) -> Result<Permit<'_>, Duration> {
        let mut permit = Permit {
            circuit: self,
            trial: None,
            opened: None,
            breaks: self.breaks.load(Ordering::Relaxed),
        };
        if self.closed.load(Ordering::Acquire) {
            return Ok(permit);
        }
        let mut state = self.lock();
        let now = Instant::now();
        if let State::Open { until, times } = *state {
            let left = until.saturating_duration_since(now);
            if !left.is_zero() {
                return Err(left);
            }
            *state = State::HalfOpen {
                round: self.rounds.fetch_add(1, Ordering::Relaxed),
                under_way: 0,
                succeeded: 0,
                times,
                patient_until: now,
            };
            permit.opened = Some(CircuitState::HalfOpen);
        }
        if let State::HalfOpen {
            round,
            under_way,
            succeeded,
            times,
            patient_until,
        } = &mut *state
        {
            if *under_way + *succeeded >= self.policy.trials && now < *patient_until {
                // Whoever is through already will tell.
                return Err(Duration::ZERO);
            }
            *under_way = under_way.saturating_add(1);
            *patient_until = now + self.opening_time(*times).min(FAR);
            permit.trial = Some(*round);
        }
        Ok(permit)
    }

    /// Whether an attempt would be let through now.
    pub(crate) fn would_admit(&self) -> bool {
        if self.closed.load(Ordering::Acquire) {
            return true;
        }
        let now = Instant::now();
        match *self.lock() {
            State::Closed => true,
            State::Open { until, .. } => until <= now,
            State::HalfOpen {
                under_way,
                succeeded,
                patient_until,
                ..
            } => under_way + succeeded < self.policy.trials || patient_until <= now,
        }
    }

    pub(crate) fn state(&self) -> CircuitState {
        match *self.lock() {
            State::Closed => CircuitState::Closed,
            // The next call will be let through.
            State::Open { until, .. } if until <= Instant::now() => CircuitState::HalfOpen,
            State::Open { .. } => CircuitState::Open,
            State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// Of an attempt that was let through while the circuit was closed. If it is not any more, the
    /// attempt is old news.
    fn note(&self, sign: Sign) -> Option<CircuitState> {
        match sign {
            Sign::None | Sign::Drained => None,
            Sign::Alive => {
                if self.failures.load(Ordering::Relaxed) != 0 {
                    self.failures.store(0, Ordering::Relaxed);
                }
                None
            }
            Sign::Broken => self.note(Sign::Failing(None)),
            Sign::Failing(asked) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed);
                if failures.saturating_add(1) < self.policy.failures {
                    return None;
                }
                let mut state = self.lock();
                matches!(*state, State::Closed).then(|| self.open(&mut state, 1, asked))
            }
        }
    }

    /// Of a trial.
    fn note_trial(&self, trial: u64, sign: Sign) -> Option<CircuitState> {
        let mut state = self.lock();
        let State::HalfOpen {
            round,
            under_way,
            succeeded,
            times,
            ..
        } = &mut *state
        else {
            return None;
        };
        if *round != trial {
            return None;
        }
        *under_way = under_way.saturating_sub(1);
        let asked = match sign {
            Sign::Failing(asked) => asked,
            _ => None,
        };
        match sign {
            Sign::None | Sign::Drained => None,
            Sign::Failing(_) | Sign::Broken => {
                let times = times.saturating_add(1);
                Some(self.open(&mut state, times, asked))
            }
            Sign::Alive => {
                *succeeded += 1;
                if *succeeded < self.policy.trials {
                    return None;
                }
                *state = State::Closed;
                self.failures.store(0, Ordering::Relaxed);
                self.closed.store(true, Ordering::Release);
                Some(CircuitState::Closed)
            }
        }
    }

    fn open(&self, state: &mut State, times: u32, asked: Option<Duration>) -> CircuitState {
        let time = self.opening_time(times);
        let time = time.mul_f64(1.0 + (self.random)() / 2.0);
        let time = time.max(asked.unwrap_or_default());
        let until = Instant::now() + time.min(self.policy.max_open_for.min(FAR));
        *state = State::Open { until, times };
        self.closed.store(false, Ordering::Release);
        CircuitState::Open
    }

    /// How long it is open when it was opened so often in a row, chance and requests aside.
    fn opening_time(&self, times: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(times.saturating_sub(1));
        let time = self.policy.open_for.saturating_mul(doubled);
        time.min(self.policy.max_open_for)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to make one attempt. If it is dropped, the attempt was given up and says nothing.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    circuit: &'a Circuit,
    /// The round it is a trial of.
    trial: Option<u64>,
    /// The change that letting it through was.
    pub(crate) opened: Option<CircuitState>,
    /// The circuit's count of broken connections when it was let through.
    breaks: u64,
}

/// What an attempt's outcome was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// What became of the circuit, if it changed.
    pub(crate) change: Option<CircuitState>,
    /// Whether another attempt has reported the same event: the end of a connection that both were
    /// under way for.
    pub(crate) is_repeated: bool,
}

impl Permit<'_> {
    /// Says what came of the attempt, and hears what that changed.
    ///
    /// Attempts end together when their connection does, or when a server behind one address ends
    /// all of its connections. So the end of a connection is a new event only for an attempt that
    /// began after the last such event was counted.
    pub(crate) fn settle(mut self, sign: Sign) -> Settled {
        let is_repeated = matches!(sign, Sign::Broken | Sign::Drained) && !self.count_break();
        let change = match self.trial.take() {
            Some(round) => self.circuit.note_trial(round, sign),
            None if is_repeated => None,
            None => self.circuit.note(sign),
        };
        Settled {
            change,
            is_repeated,
        }
    }

    /// Counts the end of a connection, unless one was counted since the attempt began.
    fn count_break(&self) -> bool {
        let breaks = &self.circuit.breaks;
        let next = self.breaks.wrapping_add(1);
        let counted =
            breaks.compare_exchange(self.breaks, next, Ordering::Relaxed, Ordering::Relaxed);
        counted.is_ok()
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(round) = self.trial {
            self.circuit.note_trial(round, Sign::None);
        }
    }
}

/// What a clock can say.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const FAILING: Sign = Sign::Failing(None);

    fn circuit(policy: CircuitBreaker) -> Circuit {
        let mut circuit = Circuit::new(policy);
        circuit.random = || 0.0;
        circuit
    }

    #[track_caller]
    fn attempt(circuit: &Circuit, sign: Sign) -> Option<CircuitState> {
        circuit.admit().unwrap().settle(sign).change
    }

    async fn seconds(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_so_many_failures_in_a_row_and_closes_by_a_trial() {
        let circuit = circuit(CircuitBreaker::new().failures(3));
        for sign in [FAILING, FAILING, Sign::Alive, FAILING, Sign::None, FAILING] {
            assert_eq!(attempt(&circuit, sign), None);
        }
        assert_eq!(attempt(&circuit, FAILING), Some(CircuitState::Open));
        assert_eq!(circuit.state(), CircuitState::Open);
        assert_eq!(circuit.admit().unwrap_err(), Duration::from_secs(1));

        seconds(1).await;
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        let trial = circuit.admit().unwrap();
        assert_eq!(trial.opened, Some(CircuitState::HalfOpen));
        assert!(circuit.admit().is_err(), "one at a time");
        assert_eq!(trial.settle(Sign::Alive).change, Some(CircuitState::Closed));
        assert_eq!(circuit.state(), CircuitState::Closed);
        // It starts anew: what failed before is forgotten.
        assert_eq!(attempt(&circuit, FAILING), None);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_break_under_many_attempts_are_one_failure() {
        let circuit = circuit(CircuitBreaker::new().failures(2));
        for (sign, expected) in [
            (Sign::Drained, [None; 3]),
            (Sign::Broken, [None; 3]),
            (Sign::Drained, [None; 3]),
            (Sign::Broken, [Some(CircuitState::Open), None, None]),
        ] {
            let attempts: Vec<_> = (0..3).map(|_| circuit.admit().unwrap()).collect();
            let settled: Vec<_> = attempts.into_iter().map(|it| it.settle(sign)).collect();
            assert_eq!(
                settled.iter().map(|it| it.change).collect::<Vec<_>>(),
                expected
            );
            let repeated: Vec<_> = settled.iter().map(|it| it.is_repeated).collect();
            assert_eq!(repeated, [false, true, true], "{sign:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_whose_connection_breaks_has_failed_and_one_that_is_drained_has_not() {
        let circuit = circuit(CircuitBreaker::new().failures(1));
        assert_eq!(attempt(&circuit, Sign::Broken), Some(CircuitState::Open));
        seconds(1).await;
        assert_eq!(attempt(&circuit, Sign::Drained), None);
        assert_eq!(attempt(&circuit, Sign::Broken), Some(CircuitState::Open));
        seconds(2).await;
        assert_eq!(attempt(&circuit, Sign::Alive), Some(CircuitState::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_fails_opens_it_for_twice_as_long_up_to_the_bound() {
        let policy = CircuitBreaker::new().failures(1);
        let circuit = circuit(policy.max_open_for(Duration::from_secs(6)));
        let mut lengths = Vec::new();
        for _ in 0..5 {
            assert_eq!(attempt(&circuit, FAILING), Some(CircuitState::Open));
            let left = circuit.admit().unwrap_err();
            lengths.push(left.as_secs());
            tokio::time::advance(left).await;
        }
        assert_eq!(lengths, [1, 2, 4, 6, 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_is_left_alone_as_long_as_it_asks_within_the_bound() {
        for (asked, expected) in [(0, 1), (7, 7), (u64::MAX, 30)] {
            let circuit = circuit(CircuitBreaker::new().failures(1));
            attempt(&circuit, Sign::Failing(Some(Duration::from_secs(asked))));
            assert_eq!(circuit.admit().unwrap_err().as_secs(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_given_up_makes_room_for_another() {
        let circuit = circuit(CircuitBreaker::new().failures(1));
        attempt(&circuit, FAILING);
        seconds(1).await;
        drop(circuit.admit().unwrap());
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        assert_eq!(attempt(&circuit, Sign::None), None);
        assert_eq!(attempt(&circuit, Sign::Alive), Some(CircuitState::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_takes_long_keeps_the_others_out_for_the_opening_time_only() {
        let circuit = circuit(CircuitBreaker::new().failures(1));
        attempt(&circuit, FAILING);
        seconds(1).await;
        assert_eq!(attempt(&circuit, FAILING), Some(CircuitState::Open));
        seconds(2).await;
        let slow = circuit.admit().unwrap();
        for _ in 0..2 {
            assert!(circuit.admit().is_err(), "one at a time");
            seconds(1).await;
        }
        let another = circuit.admit().unwrap();
        assert!(circuit.admit().is_err(), "and one more each time");
        assert_eq!(
            another.settle(Sign::Alive).change,
            Some(CircuitState::Closed)
        );
        assert_eq!(slow.settle(FAILING).change, None);
    }

    /// Of two trials the first tells of a time before the second.
    #[tokio::test(start_paused = true)]
    async fn a_trial_that_ends_when_the_circuit_was_open_again_is_old_news() {
        let circuit = circuit(CircuitBreaker::new().failures(1));
        attempt(&circuit, FAILING);
        seconds(1).await;
        let (slow, dropped) = (circuit.admit().unwrap(), {
            seconds(1).await;
            circuit.admit().unwrap()
        });
        seconds(1).await;
        assert_eq!(attempt(&circuit, FAILING), Some(CircuitState::Open));
        seconds(2).await;
        let trial = circuit.admit().unwrap();
        assert_eq!(slow.settle(FAILING).change, None);
        drop(dropped);
        assert!(circuit.admit().is_err(), "its place is taken");
        assert_eq!(trial.settle(Sign::Alive).change, Some(CircuitState::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_trials_as_were_asked_for_must_succeed() {
        let circuit = circuit(CircuitBreaker::new().failures(1).trials(2));
        attempt(&circuit, FAILING);
        seconds(1).await;
        let (one, two) = (circuit.admit().unwrap(), circuit.admit().unwrap());
        assert!(circuit.admit().is_err());
        assert_eq!(one.settle(Sign::Alive).change, None);
        assert!(circuit.admit().is_err());
        assert_eq!(two.settle(Sign::Alive).change, Some(CircuitState::Closed));
    }

    /// Attempts that began while it was closed and end when it is not.
    #[tokio::test(start_paused = true)]
    async fn what_was_let_through_earlier_changes_nothing() {
        let circuit = circuit(CircuitBreaker::new().failures(1));
        let late: Vec<_> = (0..4).map(|_| circuit.admit().unwrap()).collect();
        attempt(&circuit, FAILING);
        let before = circuit.admit().unwrap_err();
        let mut late = late.into_iter();
        assert_eq!(late.next().unwrap().settle(Sign::Alive).change, None);
        assert_eq!(late.next().unwrap().settle(FAILING).change, None);
        assert_eq!(circuit.admit().unwrap_err(), before);
        seconds(1).await;
        let trial = circuit.admit().unwrap();
        assert_eq!(late.next().unwrap().settle(FAILING).change, None);
        assert_eq!(late.next().unwrap().settle(Sign::Alive).change, None);
        assert_eq!(trial.settle(Sign::Alive).change, Some(CircuitState::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_disabled_never_opens() {
        let circuit = circuit(CircuitBreaker::disabled());
        assert!((0..10_000).all(|_| attempt(&circuit, FAILING).is_none()));
    }
}
