use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_audit::{AuditLog, Drained, EventDraft, Level, NotDrained};
use auth_cache::Cache;
use auth_core::config::{ConfigError, Env};
use auth_core::{
    AuthenticationError, Authenticator, BoxFuture, Identity, IdentityProvider, Principal, Secret,
};
use auth_miso::MisoSettings;
use auth_redis::{Redis, RedisState};

use crate::builder::{self, AuthClientBuilder};
use crate::health::Health;
use crate::sharing::Sharing;
use crate::watcher::Watcher;

/// The facade. Cheap to clone; all clones share everything.
///
/// The crate's front page shows it at work.
#[derive(Clone)]
pub struct AuthClient(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    /// Who judges tokens: the provider, or a verifier with the issuer's keys.
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) provider: Arc<dyn IdentityProvider>,
    /// The same, to be taken out as what it is.
    pub(crate) concrete: Arc<dyn Any + Send + Sync>,
    pub(crate) cache: Cache,
    pub(crate) audit: AuditLog,
    pub(crate) redis: Option<Redis>,
    pub(crate) shared: Option<Arc<Sharing>>,
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) roles_ttl: Duration,
    pub(crate) permissions_ttl: Duration,
}

impl AuthClient {
    /// Reads the settings from the process environment and the `.env` file found from the working
    /// directory upward: `AUTH_PROVIDER` (`miso`), the variables of that provider, and `REDIS_URL`
    /// or `REDIS_HOST` and its siblings. `MISO_SHARE_GRANTS=true`
    /// [shares grants](AuthClientBuilder::share_grants); the keys then begin with `miso:` unless
    /// `REDIS_KEY_PREFIX` says otherwise.
    ///
    /// # Errors
    ///
    /// Everything that is missing or wrong, at once, each with its variable and what to do.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_of(&Env::load()?)
    }

    /// The same with variables of the caller's.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn from_env_of(env: &Env) -> Result<Self, ConfigError> {
        builder::from_env(env)
    }

    /// Starts a client of a Miso controller.
    pub fn miso(settings: MisoSettings) -> AuthClientBuilder {
        AuthClientBuilder::miso(settings)
    }

    /// The provider's own client, for what only this provider can do; `None` if it is another.
    ///
    /// ```no_run
    /// # fn run(client: auth_client::AuthClient) {
    /// if let Some(miso) = client.provider::<auth_miso::Miso>() {
    ///     println!("{}", miso.settings().client_id());
    /// }
    /// # }
    /// ```
    pub fn provider<P: Any>(&self) -> Option<&P> {
        self.0.concrete.downcast_ref()
    }

    /// Whose token this is, by the word of the provider, or by the issuer's keys if the client was
    /// built to [verify locally](AuthClientBuilder::verify_locally). What is remembered of the
    /// provider's answer is remembered by the whole token, and no longer than the token lives.
    ///
    /// # Errors
    ///
    /// [`AuthenticationError::Rejected`] if the token is no good,
    /// [`AuthenticationError::Unavailable`] if nobody could say.
    pub async fn validate_token(&self, token: &Secret) -> Result<Identity, AuthenticationError> {
        self.0.authenticator.authenticate(token).await
    }

    /// What the provider says of the user now. It is asked each time.
    ///
    /// # Errors
    ///
    /// As [`validate_token`](Self::validate_token).
    pub async fn user(&self, identity: &Identity) -> Result<Principal, AuthenticationError> {
        self.0.provider.user(identity).await
    }

    /// Begins an event of the audit trail: what was done, and to what. Nothing happens until it is
    /// emitted.
    pub fn audit(&self, action: impl Into<String>, resource: impl Into<String>) -> EventDraft<'_> {
        self.0.audit.event(action, resource)
    }

    /// Begins a line of the log. Nothing happens until it is emitted.
    pub fn log(&self, level: Level, message: impl Into<String>) -> EventDraft<'_> {
        let draft = self.0.audit.event("log", "application");
        draft.level(level).message(message)
    }

    /// The audit trail itself, for layers that hand it on.
    pub fn audit_log(&self) -> AuditLog {
        self.0.audit.clone()
    }

    /// How the parts are, as far as it is known without asking them.
    pub fn health(&self) -> Health {
        Health {
            provider: self.0.watcher.condition(),
            logs: self.0.watcher.condition_of_logs(),
            redis: self.0.redis.as_ref().map(Redis::state),
            audit: self.0.audit.stats(),
        }
    }

    /// Waits until the first attempt to reach Redis has ended one way or the other, and says how
    /// everything is. Nobody has to wait for it: until then, memory serves. It takes no longer than
    /// the connect timeout of the [`RedisSettings`](auth_redis::RedisSettings).
    pub async fn started(&self) -> Health {
        if let Some(redis) = &self.0.redis {
            let mut changes = redis.state_changes();
            while changes.current() == RedisState::Connecting && changes.changed().await.is_some() {
            }
        }
        self.health()
    }

    /// Delivers what is left of the audit trail, and lets go of Redis. The client is of no more use
    /// after it.
    ///
    /// # Errors
    ///
    /// How many events are left when the deadline has passed.
    pub async fn shutdown(&self, deadline: Duration) -> Result<Drained, NotDrained> {
        let drained = self.0.audit.shutdown(deadline).await;
        self.0.watcher.let_go();
        if let Some(redis) = &self.0.redis {
            // What the others are to find there is written first, if that is a matter of moments.
            let _ = tokio::time::timeout(deadline, self.0.cache.settled()).await;
            redis.shutdown().await;
        }
        drained
    }
}

impl Authenticator for AuthClient {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>> {
        self.0.authenticator.authenticate(token)
    }
}

impl Drop for Inner {
    /// The watcher holds the trail, whose sink holds the provider, whose connections hold the
    /// watcher: somebody has to open the circle.
    fn drop(&mut self) {
        self.watcher.let_go();
    }
}

impl fmt::Debug for AuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthClient")
            .field("provider", &self.0.provider.name())
            .field("scope", &self.0.provider.scope())
            .finish_non_exhaustive()
    }
}
