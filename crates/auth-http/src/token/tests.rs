use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use auth_core::{BoxFuture, Clock, Secret};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::{NewToken, TokenError, TokenFailure, TokenProvider, TokenSource};

/// An issuer that answers what it is told when it is let, and counts.
#[derive(Clone, Debug)]
struct Issuer(Arc<Desk>);

#[derive(Debug)]
struct Desk {
    /// What is answered next; when there is nothing left, a token.
    answers: Mutex<VecDeque<No>>,
    fetches: Mutex<u32>,
    asked: Notify,
    open: Semaphore,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no token")]
struct No(TokenFailure);

impl Issuer {
    fn new(answers: impl IntoIterator<Item = No>) -> Self {
        Self(Arc::new(Desk {
            answers: Mutex::new(answers.into_iter().collect()),
            fetches: Mutex::new(0),
            asked: Notify::new(),
            open: Semaphore::new(1000),
        }))
    }

    fn fetches(&self) -> u32 {
        *self.0.fetches.lock().unwrap()
    }

    /// Lets nobody be answered until [`open`](Self::open).
    fn close(&self) {
        self.0.open.forget_permits(1000);
    }

    fn open(&self) {
        self.0.open.add_permits(1000);
    }
}

impl TokenSource for Issuer {
    type Details = u32;
    type Error = No;

    fn fetch(&self) -> BoxFuture<'_, Result<NewToken<u32>, No>> {
        Box::pin(async {
            let number = {
                let mut fetches = self.0.fetches.lock().unwrap();
                *fetches += 1;
                *fetches
            };
            self.0.asked.notify_one();
            let _open = self.0.open.acquire().await.unwrap();
            match self.0.answers.lock().unwrap().pop_front() {
                Some(no) => Err(no),
                None => {
                    let secret = Secret::from(format!("token-{number}"));
                    Ok(NewToken::new(secret, LIFETIME).with_details(number))
                }
            }
        })
    }

    fn failure(&self, error: &No) -> TokenFailure {
        error.0
    }
}

const LIFETIME: Duration = Duration::from_secs(3600);
const AWAY: No = No(TokenFailure::Transient { retry_after: None });
const REFUSED: No = No(TokenFailure::Permanent);

/// A clock that is set by hand.
#[derive(Clone, Debug)]
struct Hand(Arc<Mutex<SystemTime>>);

impl Clock for Hand {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

impl Hand {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(SystemTime::UNIX_EPOCH)))
    }

    fn advance(&self, secs: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(secs);
    }
}

fn provider(answers: impl IntoIterator<Item = No>) -> (Issuer, Hand, TokenProvider<Issuer>) {
    let issuer = Issuer::new(answers);
    let clock = Hand::new();
    let provider = TokenProvider::without_chance(issuer.clone(), clock.clone());
    (issuer, clock, provider)
}

/// The number of the token that is provided, or why there is none.
async fn number(provider: &TokenProvider<Issuer>) -> Result<u32, No> {
    let token = provider.get().await.map_err(|error| match error {
        TokenError::Source(no) => no,
        TokenError::Panicked | TokenError::TimedOut => panic!("{error}"),
    });
    token.map(|token| *token.details())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Returns when no task has anything left to do.
async fn settled() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_thousand_callers_on_an_expired_token_make_one_request() {
    let (issuer, clock, provider) = provider([]);
    number(&provider).await.unwrap();
    clock.advance(LIFETIME.as_secs());
    issuer.close();
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let provider = provider.clone();
        callers.spawn(async move { number(&provider).await });
    }
    settled().await;
    issuer.open();
    while let Some(caller) = callers.join_next().await {
        assert_eq!(caller.unwrap(), Ok(2));
    }
    assert_eq!(issuer.fetches(), 2);
}

/// A source with a mistake in it, until somebody mends it.
#[derive(Clone)]
struct Careless {
    issuer: Issuer,
    panics: Arc<Mutex<Option<When>>>,
    fetches: Arc<Mutex<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Called,
    Answered,
    Judging,
}

impl Careless {
    fn new(answers: impl IntoIterator<Item = No>, panics: Option<When>) -> Self {
        Self {
            issuer: Issuer::new(answers),
            panics: Arc::new(Mutex::new(panics)),
            fetches: Arc::default(),
        }
    }

    fn fetches(&self) -> u32 {
        *self.fetches.lock().unwrap()
    }

    fn panic_when(&self, when: When) {
        let panics = *self.panics.lock().unwrap();
        assert!(panics != Some(when), "a mistake, when {when:?}");
    }
}

impl TokenSource for Careless {
    type Details = u32;
    type Error = No;

    fn fetch(&self) -> BoxFuture<'_, Result<NewToken<u32>, No>> {
        *self.fetches.lock().unwrap() += 1;
        self.panic_when(When::Called);
        Box::pin(async {
            let fetched = self.issuer.fetch().await;
            self.panic_when(When::Answered);
            fetched
        })
    }

    fn failure(&self, error: &No) -> TokenFailure {
        self.panic_when(When::Judging);
        error.0
    }
}

#[tokio::test]
async fn a_thousand_callers_of_a_source_that_panics_make_one_request_a_step() {
    for when in [When::Called, When::Answered, When::Judging] {
        let failures = [AWAY; 2].into_iter().filter(|_| when == When::Judging);
        let source = Careless::new(failures, Some(when));
        let clock = Hand::new();
        let provider = TokenProvider::without_chance(source.clone(), clock.clone());
        // Asked again after a second, and then after two.
        for (fetches, pause) in [(1, 1), (2, 2)] {
            let mut callers = JoinSet::new();
            for _ in 0..1000 {
                let provider = provider.clone();
                callers.spawn(async move { provider.get().await.map(|_| ()) });
            }
            while let Some(caller) = callers.join_next().await {
                assert_eq!(caller.unwrap(), Err(TokenError::Panicked), "{when:?}");
            }
            clock.advance(pause - 1);
            provider.get().await.unwrap_err();
            assert_eq!(source.fetches(), fetches, "{when:?}");
            clock.advance(1);
        }
        *source.panics.lock().unwrap() = None;
        provider.get().await.unwrap();
        assert_eq!(source.fetches(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up_and_asked_again() {
    let (issuer, clock, provider) = provider([]);
    issuer.close();
    let begun = tokio::time::Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let provider = provider.clone();
        callers.spawn(async move { provider.get().await.map(|_| ()) });
    }
    while let Some(caller) = callers.join_next().await {
        assert_eq!(caller.unwrap(), Err(TokenError::TimedOut));
    }
    assert_eq!((begun.elapsed().as_secs(), issuer.fetches()), (60, 1));
    issuer.open();
    provider.get().await.unwrap_err();
    clock.advance(1);
    assert_eq!(number(&provider).await, Ok(2));
}

#[tokio::test]
async fn while_renewing_panics_the_token_that_is_still_good_serves() {
    let source = Careless::new([], None);
    let clock = Hand::new();
    let provider = TokenProvider::without_chance(source.clone(), clock.clone());
    provider.get().await.unwrap();
    *source.panics.lock().unwrap() = Some(When::Called);
    clock.advance(LIFETIME.as_secs() - 30 - 120);
    for _ in 0..10 {
        assert_eq!(*provider.get().await.unwrap().details(), 1);
        settled().await;
    }
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nothing_from_the_others() {
    let (issuer, _, provider) = provider([]);
    issuer.close();
    let first = tokio::spawn({
        let provider = provider.clone();
        async move { number(&provider).await }
    });
    issuer.0.asked.notified().await;
    let second = tokio::spawn({
        let provider = provider.clone();
        async move { number(&provider).await }
    });
    settled().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    issuer.open();
    assert_eq!(second.await.unwrap(), Ok(1));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end_while_the_old_one_serves() {
    let (issuer, clock, provider) = provider([]);
    assert_eq!(number(&provider).await, Ok(1));
    // Half a minute for the clocks, and two minutes ahead of that at the most.
    clock.advance(LIFETIME.as_secs() - 30 - 120 - 1);
    assert_eq!(number(&provider).await, Ok(1));
    settled().await;
    assert_eq!(issuer.fetches(), 1);
    clock.advance(1);
    issuer.close();
    assert_eq!(number(&provider).await, Ok(1), "nobody waits");
    assert_eq!(number(&provider).await, Ok(1));
    issuer.open();
    settled().await;
    assert_eq!(number(&provider).await, Ok(2));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn renewals_are_spread_over_a_window() {
    let mut moments = Vec::new();
    for _ in 0..50 {
        let provider = TokenProvider::new(Issuer::new([]));
        let ahead = provider.get().await.unwrap().ahead();
        assert!((60.0..=120.0).contains(&ahead.as_secs_f64()), "{ahead:?}");
        moments.push(ahead);
    }
    moments.sort();
    moments.dedup();
    assert!(moments.len() > 40, "{moments:?}");
}

#[tokio::test]
async fn while_renewing_fails_the_token_that_is_still_good_serves() {
    let (issuer, clock, provider) = provider([]);
    assert_eq!(number(&provider).await, Ok(1));
    issuer
        .0
        .answers
        .lock()
        .unwrap()
        .extend([AWAY, AWAY, REFUSED]);
    clock.advance(LIFETIME.as_secs() - 30 - 120);
    for fetches in [2, 3, 4] {
        assert_eq!(number(&provider).await, Ok(1));
        settled().await;
        assert_eq!(number(&provider).await, Ok(1));
        assert_eq!(issuer.fetches(), fetches);
        clock.advance(30);
    }
    assert_eq!(number(&provider).await, Ok(1));
    settled().await;
    assert_eq!(number(&provider).await, Ok(5));
}

#[tokio::test]
async fn after_its_end_a_token_is_not_handed_out_though_there_is_no_other() {
    let (issuer, clock, provider) = provider([]);
    assert_eq!(number(&provider).await, Ok(1));
    clock.advance(LIFETIME.as_secs() - 30);
    issuer.0.answers.lock().unwrap().push_back(AWAY);
    assert_eq!(number(&provider).await, Err(AWAY));
}

#[tokio::test]
async fn a_failing_issuer_is_asked_once_a_step_and_the_steps_double() {
    let (issuer, clock, provider) = provider([AWAY; 8]);
    let mut asked = Vec::new();
    for second in 0..200 {
        let before = issuer.fetches();
        for _ in 0..10 {
            number(&provider).await.ok();
        }
        assert!(issuer.fetches() - before <= 1);
        if issuer.fetches() > before {
            asked.push(second);
        }
        clock.advance(1);
    }
    assert_eq!(asked, [0, 1, 3, 7, 15, 31, 61, 91, 121]);
}

#[tokio::test]
async fn a_failure_that_will_not_pass_is_remembered_for_half_a_minute() {
    let (issuer, clock, provider) = provider([REFUSED]);
    for _ in 0..30 {
        assert_eq!(number(&provider).await, Err(REFUSED));
        clock.advance(1);
    }
    assert_eq!(issuer.fetches(), 1);
    assert_eq!(number(&provider).await, Ok(2));
}

#[tokio::test]
async fn an_issuer_is_left_alone_as_long_as_it_asks_within_a_bound() {
    for (asked, expected) in [(7, 7), (100, 100), (u64::MAX, 300)] {
        let retry_after = Some(Duration::from_secs(asked));
        let busy = No(TokenFailure::Transient { retry_after });
        let (issuer, clock, provider) = provider([busy]);
        number(&provider).await.unwrap_err();
        clock.advance(expected - 1);
        number(&provider).await.unwrap_err();
        assert_eq!(issuer.fetches(), 1);
        clock.advance(1);
        number(&provider).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_that_was_refused_is_replaced_once() {
    let (issuer, clock, provider) = provider([]);
    let first = provider.get().await.unwrap();
    assert!(provider.refused(&first));
    assert_eq!(number(&provider).await, Ok(2));
    // Late complaints of the first do not throw away the second.
    assert!(provider.refused(&first));
    assert_eq!(number(&provider).await, Ok(2));
    // A server that refuses this one too refuses them all.
    let second = provider.get().await.unwrap();
    assert!(!provider.refused(&second));
    assert_eq!(number(&provider).await, Ok(2));
    clock.advance(5);
    assert!(provider.refused(&second));
    assert_eq!(number(&provider).await, Ok(3));
    assert_eq!(issuer.fetches(), 3);
}

#[test]
fn a_provider_outlives_the_runtime_that_fetched() {
    let (issuer, _, provider) = provider([]);
    issuer.close();
    let first = runtime();
    first.block_on(async {
        let waiting = tokio::spawn({
            let provider = provider.clone();
            async move { number(&provider).await }
        });
        issuer.0.asked.notified().await;
        drop(waiting);
    });
    drop(first);
    issuer.open();
    assert_eq!(runtime().block_on(number(&provider)), Ok(2));
}

#[test]
fn those_who_waited_for_a_runtime_that_shut_down_share_the_next_fetch() {
    let (issuer, _, provider) = provider([]);
    issuer.close();
    let first = runtime();
    first.block_on(async {
        let provider = provider.clone();
        tokio::spawn(async move { number(&provider).await });
        issuer.0.asked.notified().await;
    });
    runtime().block_on(async {
        let mut callers = JoinSet::new();
        for _ in 0..1000 {
            let provider = provider.clone();
            callers.spawn(async move { number(&provider).await });
        }
        settled().await;
        first.shutdown_background();
        issuer.open();
        while let Some(caller) = callers.join_next().await {
            assert_eq!(caller.unwrap(), Ok(2));
        }
    });
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_token() {
    let (_, _, provider) = provider([]);
    let token = provider.get().await.unwrap();
    let new = NewToken::new(Secret::from("token-1"), LIFETIME);
    let printed = format!("{provider:?} {token:?} {new:?}");
    assert!(!printed.contains("token-1"), "{printed}");
}
