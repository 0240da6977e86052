use std::fmt;
use std::time::Duration;

use auth_core::{Secret, UnixTime};
use auth_crypto::TokenHash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Cache, Change, Space, Strict};

/// Keeps the tokens of users who are signed in, for a service that holds them so that the browser
/// does not have to.
///
/// They lie in Redis sealed, under the hash of the session's identifier, so that whoever reads Redis
/// learns neither a token nor a session. A session that was removed is not served any more by any
/// process. While Redis is away there are no sessions: what cannot be known to be there still is not
/// served.
///
/// A cache without a level behind keeps the tokens of 10,000 sessions, for those who try it out: one more, and the one
/// that is asked for least is signed out. With Redis there are as many as Redis holds.
///
/// # Example: from sign-in to sign-out
///
/// ```
/// use std::time::Duration;
/// use auth_cache::{Cache, SessionTokens, TokenStore};
/// use auth_core::Secret;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), auth_cache::NoKeys> {
/// let cache = Cache::builder("my-app").build(); // add `.redis(handle).key_ring(keys)`
/// let store = TokenStore::new(cache, "tokens", Duration::from_secs(8 * 3600))?;
///
/// let session = Secret::from("the value of the session's cookie");
/// let tokens = SessionTokens::new(Secret::from("eyJhbGciOi.."));
/// store.put(&session, tokens).await;
/// assert_eq!(store.get(&session).await.unwrap().access().expose(), "eyJhbGciOi..");
///
/// store.remove(&session).await;
/// assert!(store.get(&session).await.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenStore {
    cache: Cache,
    space: Space<Stored, Strict>,
}

impl TokenStore {
    /// Keeps them in a [`Strict`] space of that name, each for so long after it was put.
    ///
    /// # Errors
    ///
    /// [`NoKeys`] if the cache has a level behind and no [keys](crate::CacheBuilder::key_ring).
    pub fn new(cache: Cache, name: &'static str, lifetime: Duration) -> Result<Self, NoKeys> {
        if !cache.can_seal() {
            return Err(NoKeys(()));
        }
        let space = Space::new(name, lifetime).sealed();
        Ok(Self { cache, space })
    }

    /// Keeps the tokens of a session, in the place of those it had.
    pub async fn put(&self, session: &Secret, tokens: SessionTokens) -> Change {
        let tokens = Stored(tokens);
        self.cache.set(&self.space, &key(session), tokens).await
    }

    /// The tokens of a session.
    pub async fn get(&self, session: &Secret) -> Option<SessionTokens> {
        let found = self.cache.get(&self.space, &key(session)).await?;
        let Stored(tokens) = found.into_value();
        Some(tokens)
    }

    /// Forgets the tokens of a session, everywhere.
    pub async fn remove(&self, session: &Secret) -> Change {
        self.cache.delete(&self.space, &key(session)).await
    }
}

impl fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenStore")
            .field(&self.space.name())
            .finish()
    }
}

/// A cache that cannot keep tokens, because it could not seal them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoKeys(());

impl fmt::Display for NoKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the cache has a level behind it and no keys to seal with: set CacheBuilder::key_ring",
        )
    }
}

impl std::error::Error for NoKeys {}

fn key(session: &Secret) -> String {
    TokenHash::of(session).to_hex()
}

/// What a session has been given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTokens {
    access: Secret,
    refresh: Option<Secret>,
    access_expires_at: Option<UnixTime>,
}

impl SessionTokens {
    /// An access token, of which nothing more is known.
    pub fn new(access: Secret) -> Self {
        Self {
            access,
            refresh: None,
            access_expires_at: None,
        }
    }

    /// Adds what it can be renewed with.
    #[must_use]
    pub fn with_refresh(mut self, refresh: Secret) -> Self {
        self.refresh = Some(refresh);
        self
    }

    /// Adds when the access token expires.
    #[must_use]
    pub fn expiring_at(mut self, end: UnixTime) -> Self {
        self.access_expires_at = Some(end);
        self
    }

    /// The access token.
    pub fn access(&self) -> &Secret {
        &self.access
    }

    /// What it can be renewed with.
    pub fn refresh(&self) -> Option<&Secret> {
        self.refresh.as_ref()
    }

    /// When the access token expires, if that is known.
    pub fn access_expires_at(&self) -> Option<UnixTime> {
        self.access_expires_at
    }
}

/// Tokens on their way into a sealed space, the one place where they leave their type.
#[derive(Clone)]
struct Stored(SessionTokens);

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(tokens) = self;
        let form: Form<&str> = Form {
            access: tokens.access.expose(),
            refresh: tokens.refresh.as_ref().map(Secret::expose),
            access_expires_at: tokens.access_expires_at.map(UnixTime::as_secs),
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::<Secret>::deserialize(deserializer)?;
        Ok(Self(SessionTokens {
            access: form.access,
            refresh: form.refresh,
            access_expires_at: form.access_expires_at.map(UnixTime::from_secs),
        }))
    }
}

#[derive(Serialize, Deserialize)]
struct Form<T> {
    access: T,
    refresh: Option<T>,
    access_expires_at: Option<i64>,
}
