//! Stores of one process, in its memory: for a service that runs once, and for tests.
//!
//! They are bounded: what has ended is forgotten, and what would not fit is refused. Nothing that
//! still counts is ever dropped to make room, because what a revocation list forgets is accepted
//! again. `Debug` shows how much there is, and nobody's identifiers.

mod open_sessions;
mod refresh_tokens;
mod revoked_tokens;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_core::UnixTime;

use super::StoreUnavailable;

pub use crate::session::memory::open_sessions::OpenSessions;
pub use crate::session::memory::refresh_tokens::RefreshTokens;
pub use crate::session::memory::revoked_tokens::RevokedTokens;

/// The most entries a store keeps at a time, unless it is told another number.
pub const DEFAULT_MAX_ENTRIES: usize = 100_000;

/// Something that has a name within an issuer.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Of {
    issuer: Box<str>,
    name: Box<str>,
}

impl Of {
    fn new(issuer: Option<&str>, name: &str) -> Self {
        Self {
            issuer: issuer.unwrap_or_default().into(),
            name: name.into(),
        }
    }
}

/// Makes room for one more entry by forgetting those that have ended, if there is none.
fn make_room<K: Eq + Hash, V>(
    entries: &mut HashMap<K, V>,
    max_entries: usize,
    still_counts: impl Fn(&V) -> bool,
) -> Result<(), StoreUnavailable> {
    if entries.len() >= max_entries {
        entries.retain(|_, entry| still_counts(entry));
    }
    if entries.len() >= max_entries {
        return Err(StoreUnavailable::of("it is full"));
    }
    Ok(())
}

/// Whether a moment lies ahead.
fn is_ahead(end: UnixTime, now: UnixTime) -> bool {
    end > now
}

/// Nothing panics while it holds one of these locks; if something did, what it had written is
/// whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
