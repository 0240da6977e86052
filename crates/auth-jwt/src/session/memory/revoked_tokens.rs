use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{BoxFuture, Clock, SystemClock, UnixTime};

use super::{DEFAULT_MAX_ENTRIES, Of, is_ahead, lock, make_room};
use crate::claims::Claims;
use crate::policy::MAX_LEEWAY;
use crate::session::{RevocationList, StoreUnavailable};

/// Tokens that were revoked, each until it ends. Clones share one list.
#[derive(Clone)]
pub struct RevokedTokens(Arc<State>);

struct State {
    max_entries: usize,
    clock: Box<dyn Clock>,
    epoch: AtomicU64,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    /// When each token ends, by issuer and `jti`; an identifier is unique within its issuer only.
    tokens: HashMap<Of, UnixTime>,
    subjects: HashMap<Of, Before>,
}

/// All tokens of a subject that were issued up to a moment.
struct Before {
    issued_until: UnixTime,
    /// When the last of them has ended.
    ends_at: UnixTime,
}

impl RevokedTokens {
    /// An empty list of at most [`DEFAULT_MAX_ENTRIES`] tokens; the time is the machine's.
    pub fn new() -> Self {
        Self::bounded(DEFAULT_MAX_ENTRIES, SystemClock)
    }

    /// An empty list of at most so many tokens and as many subjects, that takes the time from this
    /// clock.
    pub fn bounded(max_entries: usize, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(State {
            max_entries,
            clock: Box::new(clock),
            epoch: AtomicU64::new(0),
            lists: Mutex::default(),
        }))
    }

    /// Revokes this token.
    ///
    /// # Errors
    ///
    /// If the list is full of tokens that have not ended, or the token has no `jti`.
    pub fn revoke(&self, claims: &Claims) -> Result<(), StoreUnavailable> {
        let token_id = claims.token_id().unwrap_or_default();
        self.revoke_token(claims.issuer(), token_id, claims.expires_at())
    }

    /// Revokes the token of this identifier, also where nobody has the token at hand.
    ///
    /// # Errors
    ///
    /// If the list is full of tokens that have not ended, or the identifier is empty.
    pub fn revoke_token(
        &self,
        issuer: Option<&str>,
        token_id: &str,
        expires_at: UnixTime,
    ) -> Result<(), StoreUnavailable> {
        if token_id.is_empty() {
            return Err(StoreUnavailable::of(
                "a token without jti cannot be revoked",
            ));
        }
        let token = Of::new(issuer, token_id);
        let mut lists = lock(&self.0.lists);
        if !lists.tokens.contains_key(&token) {
            let now = self.0.clock.unix_now();
            make_room(&mut lists.tokens, self.0.max_entries, |end| {
                still_counts(*end, now)
            })?;
        }
        // Two tokens may have one identifier; the list has it until the later one has ended.
        let end = lists.tokens.entry(token).or_insert(expires_at);
        *end = expires_at.max(*end);
        self.0.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Revokes every token of a subject that was issued up to a moment, and those that do not say
    /// when they were issued. None of them is good for longer than `longest_lifetime`.
    ///
    /// An issuer whose clock is ahead writes an `iat` that is, so the moment should be now and the
    /// leeway of the policy.
    ///
    /// # Errors
    ///
    /// If the list is full.
    pub fn revoke_subject(
        &self,
        issuer: Option<&str>,
        subject: &str,
        issued_until: UnixTime,
        longest_lifetime: Duration,
    ) -> Result<(), StoreUnavailable> {
        let subject = Of::new(issuer, subject);
        let now = self.0.clock.unix_now();
        let ends_at = issued_until.saturating_add(longest_lifetime);
        let mut lists = lock(&self.0.lists);
        if !lists.subjects.contains_key(&subject) {
            make_room(&mut lists.subjects, self.0.max_entries, |before| {
                still_counts(before.ends_at, now)
            })?;
        }
        let before = lists.subjects.entry(subject).or_insert(Before {
            issued_until,
            ends_at,
        });
        before.issued_until = issued_until.max(before.issued_until);
        before.ends_at = ends_at.max(before.ends_at);
        self.0.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn holds(&self, claims: &Claims) -> bool {
        let lists = lock(&self.0.lists);
        let of = |name| Of::new(claims.issuer(), name);
        let too_old = |before: &Before| {
            let issued_at = claims.issued_at();
            issued_at.is_none_or(|issued_at| issued_at <= before.issued_until)
        };
        lists
            .tokens
            .contains_key(&of(claims.token_id().unwrap_or_default()))
            || lists
                .subjects
                .get(&of(claims.subject()))
                .is_some_and(too_old)
    }
}

/// A policy may forgive a token that has ended, but not for longer than this.
fn still_counts(end: UnixTime, now: UnixTime) -> bool {
    is_ahead(end.saturating_add(MAX_LEEWAY), now)
}

impl RevocationList for RevokedTokens {
    fn epoch(&self) -> Option<u64> {
        Some(self.0.epoch.load(Ordering::Acquire))
    }

    fn is_revoked<'a>(
        &'a self,
        claims: &'a Claims,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(std::future::ready(Ok(self.holds(claims))))
    }
}

impl Default for RevokedTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RevokedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = lock(&self.0.lists);
        f.debug_struct("RevokedTokens")
            .field("tokens", &lists.tokens.len())
            .field("subjects", &lists.subjects.len())
            .finish_non_exhaustive()
    }
}
