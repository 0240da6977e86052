//! Stores of one process, in its memory: for a service that runs once, and for tests.
//!
//! They are bounded: what has ended is forgotten, and what would not fit is refused. Nothing that
//! still counts is ever dropped to make room, because what a revocation list forgets is accepted
//! again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::{BoxFuture, Clock, SystemClock, UnixTime};

use super::{
    RefreshStore, RefreshToken, RevocationList, Rotation, RotationAnswer, SessionStore,
    StoreUnavailable,
};
use crate::claims::Claims;
use crate::policy::MAX_LEEWAY;

/// The most entries a store keeps at a time, unless it is told another number.
pub const MAX_ENTRIES: usize = 100_000;

/// Tokens that were revoked, each until it ends. Clones share one list.
#[derive(Clone, Debug)]
pub struct RevokedTokens(Arc<RevokedTokensState>);

#[derive(Debug)]
struct RevokedTokensState {
    max_entries: usize,
    clock: Box<dyn Clock>,
    epoch: AtomicU64,
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    /// By issuer and `jti`; an identifier is unique within its issuer only.
    tokens: HashMap<Of, UnixTime>,
    /// By issuer and `sub`: what was issued up to the moment.
    subjects: HashMap<Of, UnixTime>,
}

/// Something that has a name within an issuer.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Of {
    issuer: Box<str>,
    name: Box<str>,
}

impl Of {
    fn new(claims: &Claims, name: &str) -> Self {
        Self {
            issuer: claims.issuer().unwrap_or_default().into(),
            name: name.into(),
        }
    }
}

impl RevokedTokens {
    /// An empty list of at most [`MAX_ENTRIES`] tokens; the time is the machine's.
    pub fn new() -> Self {
        Self::bounded(MAX_ENTRIES, SystemClock)
    }

    /// An empty list of at most so many tokens and as many subjects, that takes the time from this
    /// clock.
    pub fn bounded(max_entries: usize, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(RevokedTokensState {
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
        if token_id.is_empty() {
            return Err(StoreUnavailable::new(
                "a token without jti cannot be revoked",
            ));
        }
        let mut lists = lock(&self.0.lists);
        if lists.tokens.len() >= self.0.max_entries {
            // A policy may forgive a token that has ended, but not for longer than this.
            let now = self.0.clock.unix_now();
            let still_counts = |end: &UnixTime| end.saturating_add(MAX_LEEWAY) > now;
            lists.tokens.retain(|_, end| still_counts(end));
            if lists.tokens.len() >= self.0.max_entries {
                return Err(FULL);
            }
        }
        lists
            .tokens
            .insert(Of::new(claims, token_id), claims.expires_at());
        self.0.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Revokes every token of the subject of this one that was issued up to a moment, and those
    /// that do not say when they were issued.
    ///
    /// # Errors
    ///
    /// If the list is full.
    pub fn revoke_subject(
        &self,
        claims: &Claims,
        issued_until: UnixTime,
    ) -> Result<(), StoreUnavailable> {
        let mut lists = lock(&self.0.lists);
        let subject = Of::new(claims, claims.subject());
        if lists.subjects.len() >= self.0.max_entries && !lists.subjects.contains_key(&subject) {
            return Err(FULL);
        }
        let until = lists.subjects.entry(subject).or_insert(issued_until);
        *until = issued_until.max(*until);
        self.0.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn holds(&self, claims: &Claims) -> bool {
        let lists = lock(&self.0.lists);
        let token = Of::new(claims, claims.token_id().unwrap_or_default());
        let subject = Of::new(claims, claims.subject());
        let too_old = |until: &UnixTime| claims.issued_at().is_none_or(|issued| issued <= *until);
        lists.tokens.contains_key(&token) || lists.subjects.get(&subject).is_some_and(too_old)
    }
}

impl Default for RevokedTokens {
    fn default() -> Self {
        Self::new()
    }
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

/// Sessions that are open. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct OpenSessions(Arc<Mutex<HashMap<Of, Box<str>>>>);

impl OpenSessions {
    /// No session is open.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the session of an issuer's subject.
    ///
    /// # Errors
    ///
    /// If too many are open.
    pub fn open(
        &self,
        issuer: &str,
        session_id: &str,
        subject: &str,
    ) -> Result<(), StoreUnavailable> {
        let mut sessions = lock(&self.0);
        let session = Of {
            issuer: issuer.into(),
            name: session_id.into(),
        };
        if sessions.len() >= MAX_ENTRIES && !sessions.contains_key(&session) {
            return Err(FULL);
        }
        sessions.insert(session, subject.into());
        Ok(())
    }

    /// Closes a session. One that is not open stays so.
    pub fn close(&self, issuer: &str, session_id: &str) {
        lock(&self.0).remove(&Of {
            issuer: issuer.into(),
            name: session_id.into(),
        });
    }
}

impl SessionStore for OpenSessions {
    fn is_open<'a>(&'a self, claims: &'a Claims) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        let session = Of::new(claims, claims.session_id().unwrap_or_default());
        let sessions = lock(&self.0);
        let owner = sessions.get(&session);
        let open = owner.is_some_and(|owner| **owner == *claims.subject());
        Box::pin(std::future::ready(Ok(open)))
    }
}

/// Refresh tokens and what they were exchanged for. Clones share them.
#[derive(Clone, Debug)]
pub struct RefreshTokens(Arc<Mutex<Families>>);

#[derive(Debug)]
struct Families {
    max_entries: usize,
    tokens: HashMap<String, Issued>,
    next_family: u64,
}

#[derive(Debug)]
struct Issued {
    family: u64,
    token: RefreshToken,
    exchanged: Option<Exchanged>,
}

#[derive(Debug)]
struct Exchanged {
    at: UnixTime,
    successor: String,
}

impl RefreshTokens {
    /// No token was issued; [`MAX_ENTRIES`] may be.
    pub fn new() -> Self {
        Self::bounded(MAX_ENTRIES)
    }

    /// No token was issued; so many may be that have not ended, the exchanged ones counted.
    pub fn bounded(max_entries: usize) -> Self {
        Self(Arc::new(Mutex::new(Families {
            max_entries,
            tokens: HashMap::new(),
            next_family: 0,
        })))
    }
}

impl Default for RefreshTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl Families {
    fn register(&mut self, first: &RefreshToken, now: UnixTime) -> Result<(), StoreUnavailable> {
        let family = self.next_family;
        self.insert(first.clone(), family, now)?;
        self.next_family += 1;
        Ok(())
    }

    fn insert(
        &mut self,
        token: RefreshToken,
        family: u64,
        now: UnixTime,
    ) -> Result<(), StoreUnavailable> {
        if self.tokens.contains_key(&token.token_id) {
            return Err(StoreUnavailable::new("a token of this identifier is known"));
        }
        if self.tokens.len() >= self.max_entries {
            self.tokens
                .retain(|_, issued| issued.token.expires_at > now);
            if self.tokens.len() >= self.max_entries {
                return Err(FULL);
            }
        }
        self.tokens.insert(
            token.token_id.clone(),
            Issued {
                family,
                token,
                exchanged: None,
            },
        );
        Ok(())
    }

    fn rotate(
        &mut self,
        rotation: &Rotation,
        now: UnixTime,
    ) -> Result<RotationAnswer, StoreUnavailable> {
        let Some(old) = self.tokens.get(&rotation.old) else {
            return Ok(RotationAnswer::Unknown);
        };
        if old.token.subject != rotation.new.subject || old.token.expires_at <= now {
            return Ok(RotationAnswer::Unknown);
        }
        let family = old.family;
        if old.exchanged.is_some() {
            return Ok(match self.winner(&rotation.old, rotation, now) {
                Some(winner) => RotationAnswer::Raced(winner),
                None => {
                    self.revoke(family);
                    RotationAnswer::Reused
                }
            });
        }
        self.insert(rotation.new.clone(), family, now)?;
        if let Some(old) = self.tokens.get_mut(&rotation.old) {
            old.exchanged = Some(Exchanged {
                at: now,
                successor: rotation.new.token_id.clone(),
            });
        }
        Ok(RotationAnswer::Rotated)
    }

    /// The token that counts now, if each exchange on the way to it has just happened.
    fn winner(&self, old: &str, rotation: &Rotation, now: UnixTime) -> Option<RefreshToken> {
        let mut issued = self.tokens.get(old)?;
        while let Some(exchanged) = &issued.exchanged {
            if exchanged.at.saturating_add(rotation.grace) <= now {
                return None;
            }
            issued = self.tokens.get(&exchanged.successor)?;
        }
        Some(issued.token.clone())
    }

    fn revoke(&mut self, family: u64) {
        self.tokens.retain(|_, issued| issued.family != family);
    }
}

impl RefreshStore for RefreshTokens {
    fn register<'a>(
        &'a self,
        first: &'a RefreshToken,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        let registered = lock(&self.0).register(first, now);
        Box::pin(std::future::ready(registered))
    }

    fn rotate<'a>(
        &'a self,
        rotation: &'a Rotation,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<RotationAnswer, StoreUnavailable>> {
        let answer = lock(&self.0).rotate(rotation, now);
        Box::pin(std::future::ready(answer))
    }

    fn revoke_family<'a>(
        &'a self,
        token_id: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        let mut families = lock(&self.0);
        if let Some(family) = families.tokens.get(token_id).map(|issued| issued.family) {
            families.revoke(family);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

const FULL: StoreUnavailable = StoreUnavailable::of("it is full");

/// Nothing panics while it holds one of these locks; if something did, what it had written is
/// whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
