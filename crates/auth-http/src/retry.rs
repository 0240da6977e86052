use std::time::Duration;

use crate::fault::{Fault, Sent};

/// Decides whether a call that failed is tried again, and after which pause.
///
/// One per call. What it must not do is written in the types it is asked with: it sees a fault,
/// never an answer, so whatever was answered is settled.
pub(crate) struct Retry {
    /// What is left for calls of which nothing was sent.
    unsent: u32,
    /// What is left for calls that may be sent twice.
    idempotent: u32,
    random: fn() -> f64,
}

impl Retry {
    pub(crate) fn new(idempotent: bool) -> Self {
        Self {
            unsent: 1,
            idempotent: idempotent.into(),
            random: auth_core::spread,
        }
    }

    /// The pause before the next attempt, or `None` if this fault is the call's last word.
    pub(crate) fn pause(&mut self, fault: &Fault) -> Option<Duration> {
        if !fault.is_transient() || fault.sent() == Sent::Answered {
            return None;
        }
        if fault.sent() == Sent::No && self.unsent > 0 {
            self.unsent -= 1;
            return Some(Duration::ZERO);
        }
        if self.idempotent > 0 {
            self.idempotent -= 1;
            // Full jitter: many clients that failed together shall not come back together.
            return Some(BACKOFF.mul_f64((self.random)()));
        }
        None
    }
}

const BACKOFF: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;

    /// The pauses until it gives up, in milliseconds.
    fn pauses(idempotent: bool, fault: &Fault) -> Vec<u128> {
        let mut retry = Retry::new(idempotent);
        retry.random = || 0.07;
        std::iter::from_fn(|| retry.pause(fault))
            .map(|pause| pause.as_millis())
            .collect()
    }

    #[test]
    fn what_was_not_sent_is_tried_again_and_what_may_have_been_only_if_idempotent() {
        let of = |kind| Fault::new(kind, "");
        for (fault, otherwise, idempotent) in [
            (of(FaultKind::Connect), [0].as_slice(), [0, 7].as_slice()),
            (of(FaultKind::Resolve), &[0], &[0, 7]),
            (of(FaultKind::Tls).transient(), &[0], &[0, 7]),
            (of(FaultKind::Send).unsent(), &[0], &[0, 7]),
            (of(FaultKind::Send), &[], &[7]),
            (of(FaultKind::Tls), &[], &[]),
            (of(FaultKind::InvalidRequest), &[], &[]),
            (of(FaultKind::Receive), &[], &[]),
            (of(FaultKind::TooLarge), &[], &[]),
        ] {
            assert_eq!(pauses(false, &fault), otherwise, "{fault:?}");
            assert_eq!(pauses(true, &fault), idempotent, "{fault:?}");
        }
    }
}
