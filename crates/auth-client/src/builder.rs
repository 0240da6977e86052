use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_audit::AuditLog;
use auth_cache::Cache;
use auth_core::config::{ConfigError, ConfigProblem, Env, Variable};
use auth_core::{Authenticator, Clock, IdentityProvider, SystemClock};
use auth_mask::{MaskPolicy, Masker};
use auth_miso::{Miso, MisoSettings, SharedGrants};
use auth_redis::RedisSettings;

use crate::client::{AuthClient, Inner};
use crate::sharing::Sharing;
use crate::watcher::Watcher;

/// Puts an [`AuthClient`] together.
#[must_use]
pub struct AuthClientBuilder {
    settings: MisoSettings,
    redis: Option<RedisSettings>,
    mask: MaskPolicy,
    clock: Arc<dyn Clock>,
    /// The cache reads the machine's own less often than one that it does not know.
    is_clock_of_machine: bool,
    local: Option<Arc<dyn Authenticator>>,
    roles_ttl: Duration,
    permissions_ttl: Duration,
    share_grants: bool,
    batch_size: Option<usize>,
    batch_interval: Option<Duration>,
}

impl AuthClientBuilder {
    pub(crate) fn miso(settings: MisoSettings) -> Self {
        Self {
            settings,
            redis: None,
            mask: MaskPolicy::iso27001(),
            clock: Arc::new(SystemClock),
            is_clock_of_machine: true,
            local: None,
            roles_ttl: Duration::from_secs(900),
            permissions_ttl: Duration::from_secs(900),
            share_grants: false,
            batch_size: None,
            batch_interval: None,
        }
    }

    /// Keeps what is remembered in this Redis too.
    pub fn redis(mut self, settings: RedisSettings) -> Self {
        self.redis = Some(settings);
        self
    }

    /// Verifies tokens here, with the issuer's keys, instead of asking the provider about each: with
    /// an `auth_jwt::Verifier`, or a `TokenPolicy` that also knows what was revoked. The provider is
    /// still asked for roles and permissions.
    pub fn verify_locally(mut self, verifier: impl Authenticator + 'static) -> Self {
        self.local = Some(Arc::new(verifier));
        self
    }

    /// Sets what an audit event may show; `iso27001` unless set.
    pub fn mask(mut self, policy: MaskPolicy) -> Self {
        self.mask = policy;
        self
    }

    /// Takes the time from another clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self.is_clock_of_machine = false;
        self
    }

    /// Sets how long roles are remembered; a quarter of an hour unless set.
    pub fn roles_ttl(mut self, ttl: Duration) -> Self {
        self.roles_ttl = ttl;
        self
    }

    /// Sets how long permissions are remembered; a quarter of an hour unless set.
    pub fn permissions_ttl(mut self, ttl: Duration) -> Self {
        self.permissions_ttl = ttl;
        self
    }

    /// Shares roles and permissions, through the Redis of this client, with services on the published
    /// Miso clients that use the same Redis and key prefix (theirs is `miso:` unless set): what one has
    /// asked of the controller the others need not ask. Not done unless called.
    ///
    /// It trusts everybody who can write to that Redis with granting roles, and all applications of
    /// one prefix have one set of roles for a user. Read what is weak about [`SharedGrants`] first.
    pub fn share_grants(mut self) -> Self {
        self.share_grants = true;
        self
    }

    /// Sets how many audit events are sent together at most, from 1 to 100; 10 unless set.
    pub fn audit_batch_size(mut self, events: usize) -> Self {
        self.batch_size = Some(events);
        self
    }

    /// Sets how long an audit event may wait for others; 100 ms unless set.
    pub fn audit_batch_interval(mut self, interval: Duration) -> Self {
        self.batch_interval = Some(interval);
        self
    }

    /// Finishes the client. Nothing is sent to the provider yet; Redis is connected to in the
    /// background.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used. That the provider or Redis is away is no error.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn build(self) -> Result<AuthClient, StartError> {
        let token_path = self.settings.token_path().into();
        let watcher = Arc::new(Watcher::new(Arc::clone(&self.clock), token_path));
        let redis = self.redis.map(RedisSettings::connect).transpose();
        let redis = redis.map_err(|error| StartError(error.to_string().into()))?;
        let shared = match (&redis, self.share_grants) {
            (_, false) => None,
            (None, true) => return Err(StartError(NOTHING_TO_SHARE_BY.into())),
            (Some(redis), true) => {
                let grants = SharedGrants::new(redis.clone())
                    .clock(Arc::clone(&self.clock))
                    .roles_ttl(self.roles_ttl)
                    .permissions_ttl(self.permissions_ttl);
                Some(Arc::new(Sharing::new(grants)))
            }
        };
        let miso = Miso::builder(self.settings)
            .clock(Arc::clone(&self.clock))
            .observer(Arc::clone(&watcher))
            .build()
            .map_err(|error| StartError(error.to_string().into()))?;
        // Each application of each provider has a part of the cache of its own, also where several
        // of them share a Redis (contract miso §13 A11).
        let namespace = format!("auth-sdk {} {}", miso.name(), miso.scope());
        let mut cache = Cache::builder(namespace);
        if !self.is_clock_of_machine {
            cache = cache.clock(Arc::clone(&self.clock));
        }
        if let Some(redis) = &redis {
            cache = cache.redis(redis.clone());
        }
        let cache = cache.build();
        let mut audit = AuditLog::builder(miso.clone())
            .masker(Masker::new(self.mask))
            .clock(self.clock);
        if let Some(events) = self.batch_size {
            audit = audit.batch_size(events);
        }
        if let Some(interval) = self.batch_interval {
            audit = audit.batch_interval(interval);
        }
        let audit = audit
            .build()
            .map_err(|error| StartError(error.to_string().into()))?;
        watcher.watch_into(audit.clone());
        Ok(AuthClient(Arc::new(Inner {
            authenticator: match self.local {
                Some(local) => local,
                None => Arc::new(miso.clone()),
            },
            provider: Arc::new(miso.clone()),
            concrete: Arc::new(miso),
            cache,
            audit,
            redis,
            shared,
            watcher,
            roles_ttl: self.roles_ttl,
            permissions_ttl: self.permissions_ttl,
        })))
    }
}

impl fmt::Debug for AuthClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthClientBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A setting that cannot be used, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError(Box<str>);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// Every problem of every part at once.
pub(crate) fn from_env(env: &Env) -> Result<AuthClient, ConfigError> {
    let mut reader = env.reader();
    let provider = reader.required_text(&PROVIDER);
    if provider
        .as_deref()
        .is_some_and(|provider| provider.trim() != "miso")
    {
        reader.reject(&PROVIDER, "names no provider that is known here");
    }
    let miso = MisoSettings::read(&mut reader);
    let mut redis = RedisSettings::read(&mut reader);
    let share_grants = reader.parse(&SHARE_GRANTS).unwrap_or(false);
    if share_grants {
        // So that they meet where neither side was told a prefix.
        let prefix = reader.text(&REDIS_KEY_PREFIX);
        redis = redis.map(|redis| redis.key_prefix(prefix.unwrap_or_else(|| "miso:".to_owned())));
        if redis.is_none() {
            reader.reject(&SHARE_GRANTS, "is set and Redis is not");
        }
    }
    let mask = auth_miso::read_mask_policy(&mut reader);
    let mut builder = reader.finish(|| Some(AuthClientBuilder::miso(miso?)))?;
    builder.redis = redis;
    builder.share_grants = share_grants;
    builder.mask = mask.unwrap_or(builder.mask);
    builder.build().map_err(|error| {
        let remedy = "look at MISO_CONTROLLER_URL and the Redis variables";
        ConfigProblem::new("the settings", format!("cannot be used: {error}"), remedy).into()
    })
}

const PROVIDER: Variable = Variable::new("AUTH_PROVIDER", "the name of the provider: miso");
const SHARE_GRANTS: Variable = Variable::new(
    "MISO_SHARE_GRANTS",
    "true, with REDIS_URL or REDIS_HOST, or to false",
);
const REDIS_KEY_PREFIX: Variable =
    Variable::new("REDIS_KEY_PREFIX", "what all keys in Redis begin with");

const NOTHING_TO_SHARE_BY: &str = "grants are to be shared and there is no Redis: \
    call redis() too, or leave out share_grants()";
