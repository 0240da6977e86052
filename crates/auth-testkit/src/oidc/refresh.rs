use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_core::Secret;
use uuid::Uuid;

/// Refresh tokens that were given and not redeemed yet, the newest ten thousand or so.
#[derive(Debug, Default)]
pub(super) struct RefreshTokens(Mutex<HashMap<String, Box<str>>>);

impl RefreshTokens {
    pub(super) fn give(&self, username: &str) -> Secret {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut given = self.lock();
        if given.len() >= CAPACITY {
            given.clear();
        }
        given.insert(token.clone(), username.into());
        token.into()
    }

    pub(super) fn take(&self, token: &str) -> Option<Box<str>> {
        self.lock().remove(token)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Box<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CAPACITY: usize = 10_000;
