use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{BoxFuture, UnixTime};

use super::{DEFAULT_MAX_ENTRIES, Of, is_ahead, lock};
use crate::session::{
    RefreshStore, RefreshToken, RefreshTokenPolicy, Rotation, RotationAnswer, StoreUnavailable,
};

/// Refresh tokens and what they were exchanged for. Clones share them.
///
/// Of one family a hundredth of all entries is remembered at most, the newest ones: whoever comes
/// with an older one is refused, and the family stays.
#[derive(Clone)]
pub struct RefreshTokens(Arc<Mutex<Families>>);

struct Families {
    max_entries: usize,
    tokens: HashMap<Of, Issued>,
    /// The identifiers of each family, oldest first.
    families: HashMap<u64, VecDeque<Of>>,
    next_family: u64,
    /// When what has ended was forgotten last.
    swept_at: UnixTime,
}

struct Issued {
    family: u64,
    token: RefreshToken,
    exchanged: Option<Exchanged>,
}

struct Exchanged {
    at: UnixTime,
    successor: Of,
}

impl RefreshTokens {
    /// No token was issued; [`DEFAULT_MAX_ENTRIES`] may be.
    pub fn new() -> Self {
        Self::bounded(DEFAULT_MAX_ENTRIES)
    }

    /// No token was issued; so many may be that have not ended, the exchanged ones counted.
    pub fn bounded(max_entries: usize) -> Self {
        Self(Arc::new(Mutex::new(Families {
            max_entries,
            tokens: HashMap::new(),
            families: HashMap::new(),
            next_family: 0,
            swept_at: UnixTime::from_secs(i64::MIN),
        })))
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
        let name = name_of(&token);
        if self.tokens.contains_key(&name) {
            return Err(StoreUnavailable::of("a token of this identifier is known"));
        }
        self.make_room(now)?;
        let members = self.families.entry(family).or_default();
        members.push_back(name.clone());
        // One user who exchanges all day must not fill the store for all.
        if members.len() > (self.max_entries / 100).max(FEWEST_OF_A_FAMILY)
            && let Some(oldest) = members.pop_front()
        {
            self.tokens.remove(&oldest);
        }
        let issued = Issued {
            family,
            token,
            exchanged: None,
        };
        self.tokens.insert(name, issued);
        Ok(())
    }

    /// Forgets what has ended if there is no room, at most once a second.
    fn make_room(&mut self, now: UnixTime) -> Result<(), StoreUnavailable> {
        if self.tokens.len() >= self.max_entries && self.swept_at != now {
            self.swept_at = now;
            self.tokens
                .retain(|_, issued| is_ahead(issued.token.expires_at, now));
            let tokens = &self.tokens;
            self.families.retain(|_, members| {
                members.retain(|token_id| tokens.contains_key(token_id));
                !members.is_empty()
            });
        }
        if self.tokens.len() >= self.max_entries {
            return Err(StoreUnavailable::of("it is full"));
        }
        Ok(())
    }

    fn rotate(
        &mut self,
        rotation: &Rotation,
        now: UnixTime,
    ) -> Result<RotationAnswer, StoreUnavailable> {
        let presented = Of::new(rotation.new.issuer.as_deref(), &rotation.old_token_id);
        let Some(old) = self.tokens.get(&presented) else {
            return Ok(RotationAnswer::Unknown);
        };
        if old.token.subject != rotation.new.subject || !is_ahead(old.token.expires_at, now) {
            return Ok(RotationAnswer::Unknown);
        }
        let family = old.family;
        if old.exchanged.is_some() {
            let answer = self.after_an_exchange(&presented, rotation.grace, now);
            if answer == RotationAnswer::Reused {
                self.revoke(family);
            }
            return Ok(answer);
        }
        self.insert(rotation.new.clone(), family, now)?;
        if let Some(old) = self.tokens.get_mut(&presented) {
            old.exchanged = Some(Exchanged {
                at: now,
                successor: name_of(&rotation.new),
            });
        }
        Ok(RotationAnswer::Rotated)
    }

    /// The token that counts now, if each exchange on the way to it has just happened.
    fn after_an_exchange(&self, old: &Of, grace: Duration, now: UnixTime) -> RotationAnswer {
        let mut next = old;
        loop {
            let Some(issued) = self.tokens.get(next) else {
                // It has ended, and was forgotten.
                return RotationAnswer::Unknown;
            };
            let Some(exchanged) = &issued.exchanged else {
                return if is_ahead(issued.token.expires_at, now) {
                    RotationAnswer::Raced(issued.token.clone())
                } else {
                    RotationAnswer::Unknown
                };
            };
            // A clock that was set back does not make a grace longer.
            let just_now = is_ahead(exchanged.at.saturating_add(grace), now)
                && !is_ahead(
                    exchanged.at,
                    now.saturating_add(RefreshTokenPolicy::MAX_GRACE),
                );
            if !just_now {
                return RotationAnswer::Reused;
            }
            next = &exchanged.successor;
        }
    }

    /// Says whether there was anything to revoke.
    fn revoke(&mut self, family: u64) -> bool {
        let members = self.families.remove(&family);
        for token_id in members.iter().flatten() {
            self.tokens.remove(token_id);
        }
        members.is_some()
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
        issuer: Option<&'a str>,
        token_id: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        let mut families = lock(&self.0);
        let issued = families.tokens.get(&Of::new(issuer, token_id));
        let family = issued.map(|issued| issued.family);
        let revoked = family.is_some_and(|family| families.revoke(family));
        Box::pin(std::future::ready(Ok(revoked)))
    }
}

impl Default for RefreshTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = lock(&self.0);
        f.debug_struct("RefreshTokens")
            .field("tokens", &families.tokens.len())
            .field("families", &families.families.len())
            .finish_non_exhaustive()
    }
}

fn name_of(token: &RefreshToken) -> Of {
    Of::new(token.issuer.as_deref(), &token.token_id)
}

/// However small the store is.
const FEWEST_OF_A_FAMILY: usize = 16;
