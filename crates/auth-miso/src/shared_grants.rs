use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use auth_core::{Clock, Identity, Permission, Role, SystemClock, UnixTime};
use auth_redis::{Redis, RedisError};
use serde::{Deserialize, Serialize};

/// Roles and permissions in Redis, under the keys and in the shapes of the published clients, so
/// that services on those and on this one ask the controller once for all of them.
///
/// | | roles | permissions |
/// |---|---|---|
/// | key, after the handle's prefix | `roles:{user}` | `permissions:{user}` |
/// | value | `{"roles":[…],"timestamp":ms}` | `{"permissions":[…],"timestamp":ms}` |
///
/// The published clients begin every key with `miso:` unless told otherwise; give the handle the
/// same [prefix](auth_redis::RedisSettings::key_prefix). Python wraps a value in
/// `{"__cached_value__":…}` and TypeScript does not. Both shapes are read. What is written is not
/// wrapped: TypeScript does not unwrap, and Python reads either (contract miso §4).
///
/// # What is weak about it
///
/// It is a bridge for the time in which both kinds of client are in use, and nothing uses it unless
/// told to.
///
/// - **Whoever can write to this Redis can grant roles.** The values lie there unsealed and
///   unsigned, because the published clients know nothing else. Give the Redis a password and TLS,
///   and to nobody who may not decide about roles.
/// - **Applications that use one prefix share one set of roles** for each user, whatever each of
///   them would be told (contract miso §13 A11): the key has no application and no environment. Nor
///   has it an issuer, so the subject of an identity must be the controller's identifier of the
///   user. Use a prefix for each application that has roles of its own.
/// - What others delete or change is noticed when what was read before has ended; what cannot be
///   deleted, because Redis is away, stays there until its time is over.
///
/// What can be kept from here is: nothing is looked up but for an [`Identity`], never for the subject
/// of a token nobody verified (§13 A1); nothing is believed for longer than its timestamp allows, and
/// no ttl is longer than a quarter of an hour; and what is not exactly one of the two shapes is not
/// there. That is so for a value of more than 64 KiB or 1,000 names, a name that is empty or has
/// more than 256 bytes, and a timestamp more than a minute ahead.
///
/// ```no_run
/// use auth_core::Identity;
/// use auth_miso::SharedGrants;
/// use auth_redis::Redis;
///
/// # async fn run(identity: Identity) -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Redis::builder("rediss://:secret@redis.example").key_prefix("miso:").connect()?;
/// let shared = SharedGrants::new(redis);
/// if let Some(roles) = shared.roles(&identity).await {
///     println!("{:?}, until {}", roles.names, roles.until);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SharedGrants {
    redis: Redis,
    clock: Arc<dyn Clock>,
    roles_ttl: Duration,
    permissions_ttl: Duration,
}

/// What was found, and for how long it may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shared<T> {
    /// The roles or the permissions; there may be none.
    pub names: Vec<T>,
    /// The end of it: when it was written, and the ttl.
    pub until: UnixTime,
}

impl SharedGrants {
    /// Shares by this handle, whose key prefix is that of the published clients.
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            clock: Arc::new(SystemClock),
            roles_ttl: LONGEST_TTL,
            permissions_ttl: LONGEST_TTL,
        }
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how old roles may be, whoever wrote them, and how long ours stay: whole seconds. A
    /// quarter of an hour unless set, and never more.
    #[must_use]
    pub fn roles_ttl(mut self, ttl: Duration) -> Self {
        self.roles_ttl = ttl.min(LONGEST_TTL);
        self
    }

    /// Sets the same for permissions.
    #[must_use]
    pub fn permissions_ttl(mut self, ttl: Duration) -> Self {
        self.permissions_ttl = ttl.min(LONGEST_TTL);
        self
    }

    /// The roles of the user, if they are there and can be believed. `None` also while Redis is away.
    pub async fn roles(&self, identity: &Identity) -> Option<Shared<Role>> {
        self.read(Kind::Roles, identity).await
    }

    /// The permissions of the user, as [`roles`](Self::roles).
    pub async fn permissions(&self, identity: &Identity) -> Option<Shared<Permission>> {
        self.read(Kind::Permissions, identity).await
    }

    /// Lets the others read what the controller has said of the user just now. What nobody could read
    /// back, because of the limits above, is not written.
    ///
    /// # Errors
    ///
    /// If Redis did not take it.
    pub async fn set_roles(&self, identity: &Identity, roles: &[Role]) -> Result<(), RedisError> {
        self.write(Kind::Roles, identity, roles).await
    }

    /// The same for permissions.
    ///
    /// # Errors
    ///
    /// If Redis did not take it.
    pub async fn set_permissions(
        &self,
        identity: &Identity,
        permissions: &[Permission],
    ) -> Result<(), RedisError> {
        self.write(Kind::Permissions, identity, permissions).await
    }

    /// Deletes the roles and permissions of the user, for everybody.
    ///
    /// # Errors
    ///
    /// If Redis did not do it: what is there stays until its time is over.
    pub async fn forget(&self, identity: &Identity) -> Result<(), RedisError> {
        let keys = [Kind::Roles, Kind::Permissions].map(|kind| kind.key(identity));
        let keys: Vec<_> = keys.iter().flatten().map(String::as_str).collect();
        self.redis.delete(&keys).await.map(drop)
    }

    async fn read<T: From<String>>(&self, kind: Kind, identity: &Identity) -> Option<Shared<T>> {
        let key = kind.key(identity)?;
        // The last byte counts too, so what is too large comes with one byte more than is allowed,
        // and the rest stays where it is.
        let end = MAX_BYTES.to_string();
        let value = self
            .redis
            .command("GETRANGE", &key, &[b"0", end.as_bytes()])
            .await;
        let value = value.ok()?;
        let entry = Entry::parse(value.as_bytes()?)?;
        let written = entry.timestamp;
        let names = entry.into_names(kind)?;
        let now = self.now();
        if written > now.saturating_add(MAX_AHEAD) {
            return None;
        }
        let written = i64::try_from(written.min(now) / 1000).ok()?;
        let until = UnixTime::from_secs(written).saturating_add(self.ttl(kind));
        let names = names.into_iter().map(T::from).collect();
        (until > self.clock.unix_now()).then_some(Shared { names, until })
    }

    async fn write<T: ToString>(
        &self,
        kind: Kind,
        identity: &Identity,
        names: &[T],
    ) -> Result<(), RedisError> {
        let names = names.iter().map(T::to_string).collect();
        let entry = Entry::new(kind, names, self.now());
        let (Some(key), Some(text)) = (kind.key(identity), entry.text()) else {
            return Ok(());
        };
        self.redis.set(&key, text.as_bytes(), self.ttl(kind)).await
    }

    fn ttl(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Roles => self.roles_ttl,
            Kind::Permissions => self.permissions_ttl,
        }
    }

    /// In milliseconds since 1970.
    fn now(&self) -> u64 {
        let since = self.clock.now().duration_since(UNIX_EPOCH);
        u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Roles,
    Permissions,
}

impl Kind {
    /// `None` for a user whom the controller cannot mean.
    fn key(self, identity: &Identity) -> Option<String> {
        let user = identity.subject();
        let kind = match self {
            Self::Roles => "roles",
            Self::Permissions => "permissions",
        };
        let is_usable = (1..=MAX_NAME).contains(&user.len()) && !user.chars().any(char::is_control);
        is_usable.then(|| format!("{kind}:{user}"))
    }
}

/// What lies under a key: one of the two lists. Another member would mean something that is not
/// understood here, and to ask the controller is always right.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
    timestamp: u64,
}

/// As Python stores it, or as TypeScript does.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Wrapped(Wrapped),
    Plain(Entry),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    #[serde(rename = "__cached_value__")]
    entry: Entry,
}

impl Entry {
    fn new(kind: Kind, names: Vec<String>, timestamp: u64) -> Self {
        let (roles, permissions) = match kind {
            Kind::Roles => (Some(names), None),
            Kind::Permissions => (None, Some(names)),
        };
        Self {
            roles,
            permissions,
            timestamp,
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        Some(match serde_json::from_slice(bytes).ok()? {
            Stored::Wrapped(wrapped) => wrapped.entry,
            Stored::Plain(entry) => entry,
        })
    }

    fn into_names(self, kind: Kind) -> Option<Vec<String>> {
        let (names, other) = match kind {
            Kind::Roles => (self.roles, self.permissions),
            Kind::Permissions => (self.permissions, self.roles),
        };
        let names = names.filter(|_| other.is_none());
        names.filter(|names| are_readable(names))
    }

    fn text(&self) -> Option<String> {
        let mut lists = [&self.roles, &self.permissions].into_iter().flatten();
        let text = serde_json::to_string(self).ok()?;
        (lists.all(|names| are_readable(names)) && text.len() <= MAX_BYTES).then_some(text)
    }
}

fn are_readable(names: &[String]) -> bool {
    let is_name = |name: &String| (1..=MAX_NAME).contains(&name.len());
    names.len() <= MAX_NAMES && names.iter().all(is_name)
}

/// What the published clients use unless told otherwise (contract miso §3).
const LONGEST_TTL: Duration = Duration::from_secs(900);

const MAX_BYTES: usize = 64 * 1024;

const MAX_NAMES: usize = 1_000;

/// In bytes, of a name and of a user's identifier.
const MAX_NAME: usize = 256;

/// How far the clock of another machine may be ahead, in milliseconds.
const MAX_AHEAD: u64 = 60_000;
