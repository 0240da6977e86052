use auth_core::identity::{Evidence, vouch};
use auth_core::{Identity, Principal, Role, Secret, UnixTime, from_rfc3339};
use auth_jwt::danger;
use serde::{Deserialize, Serialize};

use crate::wire::{User, Validated};

/// What is remembered of a token the controller has accepted: a description, not a proof. It
/// becomes an [`Identity`] again only together with the token whose hash it is remembered by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    user: User,
    expires_at: Option<i64>,
}

impl Record {
    /// The token ends when the controller says so, and no later than it says itself.
    pub(crate) fn new(validated: Validated, token: &Secret) -> Self {
        let stated = validated.expires_at.as_deref().and_then(from_rfc3339);
        let stated = stated.map(|at| UnixTime::from(at).as_secs());
        let own = Self::own_end(token).map(UnixTime::as_secs);
        Self {
            user: validated.user,
            expires_at: [stated, own].into_iter().flatten().min(),
        }
    }

    /// When a token says that it ends. It only ever shortens what is remembered, so that nobody
    /// gains by writing something else there.
    pub(crate) fn own_end(token: &Secret) -> Option<UnixTime> {
        let decoded = danger::decode_without_verifying(token.expose()).ok()?;
        let claims: serde_json::Value = serde_json::from_str(decoded.claims_json()).ok()?;
        claims["exp"].as_i64().map(UnixTime::from_secs)
    }

    pub(crate) fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at.map(UnixTime::from_secs)
    }

    /// The one place in this crate that vouches: the controller has accepted this token, now or
    /// within the time it is remembered for.
    pub(crate) fn identity(self, token: &Secret) -> Identity {
        let expires_at = self.expires_at();
        let roles = self.user.roles.clone().unwrap_or_default();
        let mut evidence =
            Evidence::new(self.user.into(), token.clone()).roles(roles.into_iter().map(Role::from));
        if let Some(expires_at) = expires_at {
            evidence = evidence.expires_at(expires_at);
        }
        vouch(evidence)
    }
}

impl From<User> for Principal {
    fn from(user: User) -> Self {
        let principal = Self::builder(user.id).username(user.username);
        match user.email {
            Some(email) => principal.email(email).build(),
            None => principal.build(),
        }
    }
}
