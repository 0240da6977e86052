use std::time::Duration;

use http::StatusCode;

use crate::fault::{Fault, FaultKind, Sent};

/// When a call that failed is made again, and how often.
///
/// A client has one, and a request may have another. All attempts of a call share its one deadline,
/// and all calls of a client share one budget: a tenth of a retry is earned with each call, and ten
/// can be saved up. Calls that fail together because their connection ended pay for one retry. So
/// when everything fails a server gets a tenth more calls than are made, and
/// not a multiple of them.
///
/// Between attempts lies a random time from zero to a bound that doubles (full jitter). A server
/// that says how long it wants to be left alone (`Retry-After`, RFC 9110 §10.2.3) is left alone so
/// long; if that is longer than [`max_retry_after`](Self::max_retry_after) or than what is left of
/// the deadline, the call fails at once and the caller learns of it from
/// [`Fault::retry_after`].
///
/// # Example: a call that must not be made twice, whatever happens
///
/// ```no_run
/// use auth_http::{HttpClient, RetryPolicy};
///
/// # async fn run(client: HttpClient) -> Result<(), auth_http::Fault> {
/// client.post("/transfers").retry(RetryPolicy::never()).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    when: When,
    max_attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
    max_retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Never,
    ConnectOnly,
    Idempotent,
}

impl RetryPolicy {
    /// Makes every call once. A token that was refused is not replaced either.
    pub fn never() -> Self {
        Self {
            when: When::Never,
            max_attempts: 1,
            ..Self::idempotent()
        }
    }

    /// Makes a call again if nothing of it was sent: there was no connection, or it closed before;
    /// or if a server of HTTP/2 says that it did not process it (GOAWAY, REFUSED_STREAM). A token that was refused (401) is replaced, and the call sent once more, as well.
    pub fn connect_only() -> Self {
        Self {
            when: When::ConnectOnly,
            ..Self::idempotent()
        }
    }

    /// The same, and a call that is idempotent (see
    /// [`RequestBuilder::idempotent`](crate::RequestBuilder::idempotent)) also if the connection
    /// failed before an answer began, or if the answer is 408, 425, 429, 502, 503 or 504. What a
    /// client does unless told otherwise.
    pub fn idempotent() -> Self {
        Self {
            when: When::Idempotent,
            max_attempts: 3,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(2),
            max_retry_after: Duration::from_secs(10),
        }
    }

    /// How often a call is tried at most, the first time included; 3 unless set, and never less
    /// than 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        if self.when != When::Never {
            self.max_attempts = attempts.max(1);
        }
        self
    }

    /// The bound of the first pause, which doubles from attempt to attempt, and the bound of all;
    /// 100 milliseconds and 2 seconds unless set.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// The longest `Retry-After` that is waited for within a call; 10 seconds unless set.
    #[must_use]
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = longest;
        self
    }

    /// Whether a call may be sent once more after an answer that refused its token.
    pub(crate) fn allows_replay(&self) -> bool {
        self.when != When::Never
    }
}

/// [`idempotent`](RetryPolicy::idempotent).
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::idempotent()
    }
}

/// The attempts of one call.
pub(crate) struct Retries<'a> {
    policy: &'a RetryPolicy,
    /// Whether the server may get the call twice.
    idempotent: bool,
    made: u32,
    random: fn() -> f64,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(policy: &'a RetryPolicy, idempotent: bool) -> Self {
        Self {
            policy,
            idempotent,
            made: 0,
            random: auth_core::spread,
        }
    }

    /// The pause before the next attempt, or `None` if this fault is the call's last word. Whether
    /// that attempt goes to a server that has `not_been_asked` makes a difference: that one owes
    /// nothing for the one before.
    pub(crate) fn pause(&mut self, fault: &Fault, not_been_asked: bool) -> Option<Duration> {
        self.made += 1;
        if self.made >= self.policy.max_attempts || !self.may_repeat(fault) {
            return None;
        }
        if not_been_asked {
            return Some(Duration::ZERO);
        }
        if fault.kind() == FaultKind::Send && fault.sent() == Sent::No {
            // A connection that had been idle for too long says nothing about the server.
            return Some(Duration::ZERO);
        }
        let doubled = 2_u32.saturating_pow(self.made - 1);
        let bound = self.policy.first_pause.saturating_mul(doubled);
        let bound = bound.min(self.policy.longest_pause);
        // Full jitter: many clients that failed together shall not come back together.
        let pause = bound.mul_f64((self.random)());
        match fault.retry_after() {
            None => Some(pause),
            Some(asked) if asked > self.policy.max_retry_after => None,
            Some(asked) => Some(asked.saturating_add(pause)),
        }
    }

    fn may_repeat(&self, fault: &Fault) -> bool {
        let twice = self.policy.when == When::Idempotent && self.idempotent;
        fault.is_transient()
            && match fault.sent() {
                Sent::No => self.policy.when != When::Never,
                Sent::Maybe => twice,
                Sent::Answered => {
                    twice && fault.kind() == FaultKind::Status && fault.status().is_some_and(passes)
                }
            }
    }
}

/// Statuses by which a server or a proxy says that it did not do it, and may do it later. 500 is
/// not among them: it is how a defect looks, and a defect is still there a moment later.
fn passes(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses until it gives up, in milliseconds.
    fn pauses(policy: &RetryPolicy, idempotent: bool, fault: &Fault) -> Vec<u128> {
        let mut retries = Retries::new(policy, idempotent);
        retries.random = || 0.5;
        std::iter::from_fn(|| retries.pause(fault, false))
            .map(|pause| pause.as_millis())
            .collect()
    }

    fn of(kind: FaultKind) -> Fault {
        Fault::new(kind, "")
    }

    fn answered(status: u16) -> Fault {
        Fault::of_status(
            FaultKind::Status,
            StatusCode::from_u16(status).unwrap(),
            None,
        )
    }

    #[test]
    fn what_was_not_sent_is_tried_again_and_what_may_have_been_only_if_idempotent() {
        let policy = RetryPolicy::default();
        for (fault, otherwise, idempotent) in [
            (
                of(FaultKind::Connect),
                [50, 100].as_slice(),
                [50, 100].as_slice(),
            ),
            (of(FaultKind::Resolve), &[50, 100], &[50, 100]),
            (of(FaultKind::Tls).transient(), &[50, 100], &[50, 100]),
            (of(FaultKind::Send).unsent(), &[0, 0], &[0, 0]),
            (of(FaultKind::Send), &[], &[50, 100]),
            (of(FaultKind::Tls), &[], &[]),
            (of(FaultKind::InvalidRequest), &[], &[]),
            (of(FaultKind::Receive), &[], &[]),
            (of(FaultKind::TooLarge), &[], &[]),
            (answered(429), &[], &[50, 100]),
            (answered(503), &[], &[50, 100]),
            (answered(500), &[], &[]),
            (answered(401), &[], &[]),
        ] {
            assert_eq!(pauses(&policy, false, &fault), otherwise, "{fault:?}");
            assert_eq!(pauses(&policy, true, &fault), idempotent, "{fault:?}");
        }
    }

    #[test]
    fn each_policy_allows_less_than_the_next() {
        let faults = [
            of(FaultKind::Connect),
            of(FaultKind::Send),
            answered(503),
            of(FaultKind::Receive),
        ];
        for (policy, expected) in [
            (RetryPolicy::never().max_attempts(5), [0, 0, 0, 0]),
            (RetryPolicy::connect_only(), [2, 0, 0, 0]),
            (RetryPolicy::idempotent(), [2, 2, 2, 0]),
            (RetryPolicy::idempotent().max_attempts(0), [0, 0, 0, 0]),
        ] {
            let retries = faults.each_ref().map(|it| pauses(&policy, true, it).len());
            assert_eq!(retries, expected, "{policy:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_their_bound() {
        let policy = RetryPolicy::idempotent()
            .max_attempts(40)
            .backoff(Duration::from_millis(100), Duration::from_millis(500));
        let pauses = pauses(&policy, true, &of(FaultKind::Connect));
        assert_eq!(pauses[..4], [50, 100, 200, 250]);
        assert_eq!((pauses.len(), pauses[38]), (39, 250));
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_asks_or_not_asked_again() {
        let policy = RetryPolicy::idempotent().max_retry_after(Duration::from_secs(5));
        let asks = |secs| answered(503).with_retry_after(Some(Duration::from_secs(secs)));
        assert_eq!(pauses(&policy, true, &asks(5)), [5050, 5100]);
        assert_eq!(pauses(&policy, true, &asks(6)), []);
        assert_eq!(pauses(&policy, true, &asks(u64::MAX)), []);
    }
}
