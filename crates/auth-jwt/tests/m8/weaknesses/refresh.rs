//! Refresh tokens that are used more than once (W1, W2).

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use auth_core::{BoxFuture, UnixTime};
use auth_jwt::session::{
    Exchange, RefreshStore, RefreshToken, RefreshTokenPolicy, Rotation, RotationAnswer,
    StoreUnavailable, memory::RefreshTokens,
};
use auth_jwt::{Rejection, m8};
use futures_executor::block_on;
use serde_json::json;

use crate::refresh_outcomes::DAY;
use crate::support::NOW;
use crate::{SUBJECT, code, refresh_claims, sign, verifier, with};

const CALLERS: usize = 10;

/// Presents one refresh token from many threads at once, each asking for a token of its own.
fn at_once(grace: Duration) -> (RefreshTokenPolicy, Vec<Result<Exchange, Rejection>>) {
    let verifier = verifier(m8::refresh().build().unwrap());
    let policy = RefreshTokenPolicy::new(verifier, RefreshTokens::new())
        .unwrap()
        .with_grace(grace);
    block_on(policy.register("r1", SUBJECT, DAY)).unwrap();
    let start = Arc::new(Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (policy, start) = (policy.clone(), Arc::clone(&start));
            thread::spawn(move || {
                let token = sign(&refresh_claims());
                start.wait();
                block_on(policy.exchange(&token, &format!("next-{caller}"), DAY))
            })
        })
        .collect();
    let exchanged = callers.into_iter().map(|caller| caller.join().unwrap());
    let exchanged = exchanged.collect();
    (policy, exchanged)
}

#[test]
fn m8_w1_one_refresh_token_used_ten_times_at_once_is_exchanged_once() {
    for _ in 0..20 {
        let (policy, exchanged) = at_once(Duration::ZERO);
        let winners: Vec<_> = exchanged.iter().flatten().collect();
        assert_eq!(winners.len(), 1, "{exchanged:?}");
        let codes = exchanged.iter().filter_map(|it| it.as_ref().err());
        assert!(
            codes
                .map(Rejection::code)
                .all(|code| code == "reused" || code == "revoked")
        );
        // Without a grace nine of the ten were thieves, so that nobody's token counts any longer.
        let next = with(refresh_claims(), "jti", json!(winners[0].next().token_id));
        let verdict = block_on(policy.exchange(&sign(&next), "r9", DAY));
        assert_eq!(code(verdict), "revoked");
    }
}

#[test]
fn m8_w1_within_the_grace_ten_at_once_are_all_told_the_same_token() {
    for _ in 0..20 {
        let (policy, exchanged) = at_once(Duration::from_secs(10));
        let exchanged: Vec<_> = exchanged.into_iter().map(Result::unwrap).collect();
        let rotated = |it: &&Exchange| matches!(it, Exchange::Rotated { .. });
        assert_eq!(exchanged.iter().filter(rotated).count(), 1);
        let next = exchanged[0].next();
        assert!(exchanged.iter().all(|it| it.next() == next));
        let next = with(refresh_claims(), "jti", json!(next.token_id));
        block_on(policy.exchange(&sign(&next), "r9", DAY)).unwrap();
    }
}

/// A store that has one answer.
#[derive(Clone, Debug)]
struct Answers(Result<RotationAnswer, StoreUnavailable>);

impl RefreshStore for Answers {
    fn register<'a>(
        &'a self,
        _: &'a RefreshToken,
        _: UnixTime,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async { Ok(()) })
    }

    fn rotate<'a>(
        &'a self,
        _: &'a Rotation,
        _: UnixTime,
    ) -> BoxFuture<'a, Result<RotationAnswer, StoreUnavailable>> {
        Box::pin(async { self.0.clone() })
    }

    fn revoke_family<'a>(
        &'a self,
        _: Option<&'a str>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async { Ok(true) })
    }
}

#[test]
fn m8_w2_what_the_store_answers_decides() {
    let winner = RefreshToken::new("r7", SUBJECT, UnixTime::from_secs(NOW + 300));
    let silent = StoreUnavailable::new("it does not answer");
    let answers = [
        (Ok(RotationAnswer::Rotated), Ok("r2")),
        (Ok(RotationAnswer::Raced(winner)), Ok("r7")),
        (Ok(RotationAnswer::Reused), Err("reused")),
        (Ok(RotationAnswer::Unknown), Err("revoked")),
        (Err(silent), Err("revocation_unavailable")),
    ];
    for (answer, expected) in answers {
        let verifier = verifier(m8::refresh().build().unwrap());
        let policy = RefreshTokenPolicy::new(verifier, Answers(answer)).unwrap();
        let exchanged = block_on(policy.exchange(&sign(&refresh_claims()), "r2", DAY));
        let exchanged = exchanged.as_ref();
        let said = exchanged
            .map(|it| &*it.next().token_id)
            .map_err(|it| it.code());
        assert_eq!(said, expected);
    }
}
