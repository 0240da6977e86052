use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use auth_core::{Clock, Secret, SystemClock};
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::timeout;

use super::source::{NewToken, TokenError, TokenFailure, TokenSource};

/// Provides tokens of a [`TokenSource`] to any number of callers.
///
/// - One fetch at a time: all who wait share it, and it goes on if those who began it go away.
/// - A token is renewed ahead of its end, in the background, at a moment of chance within a window
///   so that many processes do not renew together. Nobody waits for that.
/// - While a renewal fails the token that is still good is handed out.
/// - So is one that was refused, while no other is to be had.
/// - A failure is remembered for a while and told to all who come, instead of asked for again; see
///   [`TokenFailure`]. So is a panic of the source, and a fetch that takes longer than a minute.
///
/// Cheap to clone; clones share everything. Fetches run as tasks of the tokio runtime that the
/// caller is in, with time enabled.
pub struct TokenProvider<S: TokenSource>(Arc<Inner<S>>);

struct Inner<S: TokenSource> {
    source: S,
    clock: Arc<dyn Clock>,
    state: Mutex<State<S>>,
    random: fn() -> f64,
}

struct State<S: TokenSource> {
    current: Option<Arc<Token<S::Details>>>,
    /// The newest of those that were thrown away, until it has a successor.
    spare: Option<Arc<Token<S::Details>>>,
    /// The fetch that is under way.
    fetching: Option<watch::Receiver<Option<Fetched<S>>>>,
    failed: Option<Failed<TokenError<S::Error>>>,
    /// When a token was last thrown away because a server refused it.
    thrown_away: Option<SystemTime>,
    fetches: u64,
}

type Provided<S> = Arc<Token<<S as TokenSource>::Details>>;
type Fetched<S> = Result<Provided<S>, TokenError<<S as TokenSource>::Error>>;

type Refused<S> = (TokenError<<S as TokenSource>::Error>, TokenFailure);

struct Failed<E> {
    error: E,
    /// Until when nobody tries again.
    until: SystemTime,
    /// How often in a row.
    times: u32,
}

/// A token, and what is known of it.
pub struct Token<D = ()> {
    secret: Secret,
    details: D,
    /// Which fetch it came from, so that a late complaint does not throw away its successor.
    serial: u64,
    fetched_at: SystemTime,
    renew_at: SystemTime,
    expires_at: SystemTime,
}

impl<D> Token<D> {
    /// The token itself.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What its source told of it.
    pub fn details(&self) -> &D {
        &self.details
    }

    /// When it was fetched.
    pub fn fetched_at(&self) -> SystemTime {
        self.fetched_at
    }

    /// Until when it is handed out: somewhat shorter than its issuer allows.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }
}

impl<S: TokenSource> TokenProvider<S> {
    /// Takes a source. Nothing is fetched yet.
    pub fn new(source: S) -> Self {
        Self::with_clock(source, SystemClock)
    }

    /// The same, by another clock.
    pub fn with_clock(source: S, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner {
            source,
            clock: Arc::new(clock),
            state: Mutex::new(State {
                current: None,
                spare: None,
                fetching: None,
                failed: None,
                thrown_away: None,
                fetches: 0,
            }),
            random: auth_core::spread,
        }))
    }

    /// A token that is good now.
    ///
    /// It may be dropped at any time: a fetch that it began goes on for the others.
    ///
    /// # Errors
    ///
    /// What the source said, now or a short while ago, or that it panicked or took too long.
    pub async fn get(&self) -> Result<Arc<Token<S::Details>>, TokenError<S::Error>> {
        // A task that ends without an answer ran in a runtime that has shut down, and ours has not:
        // those who waited for it share another one, here.
        for _ in 0..2 {
            let mut fetching = match self.at_hand() {
                Ok(at_hand) => return at_hand,
                Err(fetching) => fetching,
            };
            let fetched = fetching.wait_for(Option::is_some).await;
            let fetched = fetched.ok().and_then(|fetched| fetched.clone());
            if let Some(fetched) = fetched {
                return self.or_spare(fetched);
            }
        }
        // Nor does ours run tasks any more.
        let serial = self.0.lock().next_serial();
        let fetched = self.0.fetch(serial).await;
        self.or_spare(fetched)
    }

    /// The newest token, good or not, without fetching one.
    pub fn peek(&self) -> Option<Arc<Token<S::Details>>> {
        self.0.lock().current.clone()
    }

    /// Throws a token away that a server has refused, and says whether it is worth asking that
    /// server again: with the token that [`get`](Self::get) provides then, if that is another.
    ///
    /// Until its successor has arrived it is kept, and provided if fetching that fails: it may have
    /// been one resource that refused it, and must not be all that are lost.
    ///
    /// It is not worth it if a token was thrown away less than five seconds ago and this is its successor:
    /// a server that refuses all tokens costs an issuer a few, and not one per call.
    pub fn refused(&self, token: &Token<S::Details>) -> bool {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        let newest = state.current.as_ref().map(|current| current.serial);
        if newest != Some(token.serial) {
            // It was replaced, or thrown away, meanwhile.
            return true;
        }
        let recently = state.thrown_away.and_then(|at| now.duration_since(at).ok());
        if recently.is_some_and(|ago| ago < BETWEEN_REFUSALS) {
            return false;
        }
        state.thrown_away = Some(now);
        state.spare = state.current.take();
        true
    }

    pub(crate) fn failure(&self, error: &TokenError<S::Error>) -> TokenFailure {
        match error {
            TokenError::Source(error) => self.0.source.failure(error),
            TokenError::Panicked | TokenError::TimedOut => OF_THE_SOURCE,
        }
    }

    /// What can be said without waiting, or else the fetch to wait for.
    fn at_hand(&self) -> Result<Fetched<S>, watch::Receiver<Option<Fetched<S>>>> {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        let usable = state.current.as_ref().filter(|it| now < it.expires_at);
        let usable = usable.map(Arc::clone);
        if let Some(token) = usable.as_ref().filter(|it| now < it.renew_at) {
            return Ok(Ok(Arc::clone(token)));
        }
        if let Some(failed) = state.failed.as_ref().filter(|it| now < it.until) {
            let spare = || state.spare(now).ok_or_else(|| failed.error.clone());
            return Ok(usable.map_or_else(spare, Ok));
        }
        let fetching = self.fetch_once(&mut state);
        usable.map(Ok).ok_or(fetching)
    }

    fn or_spare(&self, fetched: Fetched<S>) -> Fetched<S> {
        fetched.or_else(|error| {
            let spare = self.0.lock().spare(self.0.clock.now());
            spare.ok_or(error)
        })
    }

    /// Joins the fetch that is under way, or begins one.
    fn fetch_once(&self, state: &mut State<S>) -> watch::Receiver<Option<Fetched<S>>> {
        // A fetch whose task is gone, with its runtime perhaps, will not answer any more.
        let under_way = state.fetching.as_ref();
        if let Some(fetching) = under_way.filter(|it| it.has_changed().is_ok()) {
            return fetching.clone();
        }
        let serial = state.next_serial();
        let (done, fetching) = watch::channel(None);
        state.fetching = Some(fetching.clone());
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let fetched = inner.fetch(serial).await;
            // Nobody may be waiting any more.
            let _ = done.send(Some(fetched));
        });
        fetching
    }
}

impl<S: TokenSource> Inner<S> {
    /// Fetches a token and remembers what came of it.
    async fn fetch(&self, serial: u64) -> Fetched<S> {
        let answer = self.ask().await;
        let now = self.clock.now();
        let mut state = self.lock();
        state.fetching = None;
        match answer {
            Ok(new) => {
                let token = Arc::new(self.token(new, serial, now));
                state.current = Some(Arc::clone(&token));
                state.spare = None;
                state.failed = None;
                Ok(token)
            }
            Err((error, failure)) => {
                let times = state.failed.as_ref().map_or(0, |failed| failed.times);
                let times = times.saturating_add(1);
                state.failed = Some(Failed {
                    until: now + self.pause(failure, times),
                    error: error.clone(),
                    times,
                });
                Err(error)
            }
        }
    }

    /// Asks the source, and of a failure of which kind it is. No lock is held meanwhile, so a panic
    /// leaves nothing half done that anybody else sees.
    async fn ask(&self) -> Result<NewToken<S::Details>, Refused<S>> {
        let asking = async {
            self.source.fetch().await.map_err(|error| {
                let failure = self.source.failure(&error);
                (TokenError::Source(error), failure)
            })
        };
        let asking = AssertUnwindSafe(asking).catch_unwind();
        match timeout(LONGEST_FETCH, asking).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err((TokenError::Panicked, OF_THE_SOURCE)),
            Err(_) => Err((TokenError::TimedOut, OF_THE_SOURCE)),
        }
    }

    fn token(&self, new: NewToken<S::Details>, serial: u64, now: SystemTime) -> Token<S::Details> {
        let lifetime = new.lifetime.min(LONGEST);
        // A quarter of a short life, at most half a minute: the clocks may differ a little.
        let usable = lifetime - (lifetime / 4).min(MARGIN);
        let ahead = (lifetime / 10).min(AHEAD);
        let ahead = ahead.mul_f64(1.0 + (self.random)());
        Token {
            secret: new.secret,
            details: new.details,
            serial,
            fetched_at: now,
            renew_at: now + usable.saturating_sub(ahead),
            expires_at: now + usable,
        }
    }

    /// How long nobody tries again.
    fn pause(&self, failure: TokenFailure, times: u32) -> Duration {
        match failure {
            TokenFailure::Permanent => LONGEST_PAUSE,
            TokenFailure::Transient { retry_after } => {
                let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(times - 1));
                let pause = doubled.min(LONGEST_PAUSE);
                let pause = pause.mul_f64(0.5 + (self.random)() / 2.0);
                pause.max(retry_after.unwrap_or_default().min(LONGEST_ASKED))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: TokenSource> State<S> {
    fn spare(&self, now: SystemTime) -> Option<Arc<Token<S::Details>>> {
        let spare = self.spare.as_ref().filter(|it| now < it.expires_at);
        spare.map(Arc::clone)
    }

    fn next_serial(&mut self) -> u64 {
        self.fetches += 1;
        self.fetches
    }
}

impl<S: TokenSource> Clone for TokenProvider<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: TokenSource> fmt::Debug for TokenProvider<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProvider")
            .field("current", &self.peek())
            .finish_non_exhaustive()
    }
}

impl<D> fmt::Debug for Token<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What the source has not said itself.
const OF_THE_SOURCE: TokenFailure = TokenFailure::Transient { retry_after: None };
const MARGIN: Duration = Duration::from_secs(30);
const AHEAD: Duration = Duration::from_secs(60);
/// A source that hangs would otherwise be waited for by all who come, and never asked again.
const LONGEST_FETCH: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest `Retry-After` that is kept to.
const LONGEST_ASKED: Duration = Duration::from_secs(5 * 60);
/// No token is kept for longer, whatever its issuer says of it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const BETWEEN_REFUSALS: Duration = Duration::from_secs(5);

#[cfg(test)]
impl<S: TokenSource> TokenProvider<S> {
    /// One whose chance is known.
    pub(super) fn without_chance(source: S, clock: impl Clock + 'static) -> Self {
        let mut provider = Self::with_clock(source, clock);
        let inner = Arc::get_mut(&mut provider.0).unwrap();
        inner.random = || 1.0;
        provider
    }
}

#[cfg(test)]
impl<D> Token<D> {
    /// How long before its end it is renewed.
    pub(super) fn ahead(&self) -> Duration {
        self.expires_at.duration_since(self.renew_at).unwrap()
    }
}
