use std::fmt;
use std::sync::Arc;

use auth_cache::{Cache, Space, Strict};
use auth_core::{AuthenticationError, Clock, Identity, Permission, Role, Secret, SystemClock};
use auth_crypto::TokenHash;
use auth_http::{BuildError, CircuitBreaker, HttpClient, Observer, RequestBuilder};
use http::Method;

use crate::call::Call;
use crate::client_token::ClientTokens;
use crate::error::{MisoError, MisoErrorKind};
use crate::http::MisoHttp;
use crate::log_entry::{LogEntry, LogLevel, Reference};
use crate::record::Record;
use crate::settings::MisoSettings;
use crate::wire::{
    Authenticated, BatchAnswer, BatchOutcome, Permissions, Roles, TokenBody, User, Validated,
};

/// A client of one Miso controller, in the name of one application.
///
/// Cheap to clone; all clones share the connections and the client token, which is minted when it is
/// first needed. It is an [`Authenticator`](auth_core::Authenticator) and an
/// [`IdentityProvider`](auth_core::IdentityProvider).
///
/// # Example: whose token is this?
///
/// ```no_run
/// use auth_core::{Authenticator, Secret, config::Env};
/// use auth_miso::{Miso, MisoSettings};
///
/// # async fn run(token: Secret) -> Result<(), Box<dyn std::error::Error>> {
/// let miso = Miso::builder(MisoSettings::from_env(&Env::load()?)?).build()?;
/// let identity = miso.authenticate(&token).await?;
/// println!("{} has {:?}", identity.principal().name(), miso.roles(&identity).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Miso(Arc<Inner>);

struct Inner {
    http: HttpClient,
    /// For log entries alone: their failures open no circuit that authentication depends on.
    logs: HttpClient,
    tokens: ClientTokens,
    settings: MisoSettings,
    clock: Arc<dyn Clock>,
    cache: Cache,
    scope: Box<str>,
}

impl Miso {
    /// Starts a client with its settings.
    pub fn builder(settings: MisoSettings) -> MisoBuilder {
        MisoBuilder {
            settings,
            clock: Arc::new(SystemClock),
            observer: None,
        }
    }

    /// Where the controller is, and who we are to it.
    pub fn settings(&self) -> &MisoSettings {
        &self.0.settings
    }

    /// The application's own token, minted or renewed if it has to be.
    ///
    /// # Errors
    ///
    /// If the controller cannot be reached or refuses the application.
    pub async fn client_token(&self) -> Result<Secret, MisoError> {
        Ok(self.0.tokens.get().await?.secret().clone())
    }

    /// Asks the controller whose token this is; `None` if it is nobody's.
    ///
    /// # Errors
    ///
    /// If the controller gave no usable answer. A refusal is no error here.
    pub async fn validate(&self, token: &Secret) -> Result<Option<Validated>, MisoError> {
        let body = TokenBody {
            token: token.expose(),
        };
        let request = self.0.http.post("/api/v1/auth/validate").json(&body);
        let answer: Authenticated = match self.call(request).user(token).data().await {
            Err(error) if error.kind() == MisoErrorKind::UserTokenRefused => return Ok(None),
            answer => answer?,
        };
        match (answer.authenticated, answer.user) {
            (false, _) => Ok(None),
            (true, Some(user)) if !user.id.is_empty() => Ok(Some(Validated {
                user,
                expires_at: answer.expires_at,
            })),
            // A yes that does not say whose token it is would be a yes for anybody.
            (true, _) => Err(MisoError::new(MisoErrorKind::UnexpectedAnswer)),
        }
    }

    /// What the controller knows of the user.
    ///
    /// # Errors
    ///
    /// [`MisoErrorKind::UserTokenRefused`] if the token is not good any more, also when the
    /// controller describes the user all the same (contract miso §13 A16).
    pub async fn user(&self, identity: &Identity) -> Result<User, MisoError> {
        let request = self.0.http.get("/api/v1/auth/user");
        let answer: Authenticated = self.call(request).user(identity.bearer()).data().await?;
        match (answer.authenticated, answer.user) {
            (true, Some(user)) if user.id == identity.subject() => Ok(user),
            (false, _) => Err(MisoError::new(MisoErrorKind::UserTokenRefused)),
            (true, _) => Err(MisoError::new(MisoErrorKind::UnexpectedAnswer)),
        }
    }

    /// The roles of the user, asked of the controller each time.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn roles(&self, identity: &Identity) -> Result<Vec<Role>, MisoError> {
        let answer: Roles = self.grants("/api/v1/auth/roles", identity).await?;
        Ok(answer.roles.into_iter().map(Role::from).collect())
    }

    /// The same, and the controller looks them up anew too.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn refresh_roles(&self, identity: &Identity) -> Result<Vec<Role>, MisoError> {
        let answer: Roles = self.grants("/api/v1/auth/roles/refresh", identity).await?;
        Ok(answer.roles.into_iter().map(Role::from).collect())
    }

    /// The permissions of the user, asked of the controller each time.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn permissions(&self, identity: &Identity) -> Result<Vec<Permission>, MisoError> {
        let answer: Permissions = self.grants("/api/v1/auth/permissions", identity).await?;
        let permissions = answer.permissions.into_iter();
        Ok(permissions.map(Permission::from).collect())
    }

    /// The same, and the controller looks them up anew too.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn refresh_permissions(
        &self,
        identity: &Identity,
    ) -> Result<Vec<Permission>, MisoError> {
        let path = "/api/v1/auth/permissions/refresh";
        let answer: Permissions = self.grants(path, identity).await?;
        let permissions = answer.permissions.into_iter();
        Ok(permissions.map(Permission::from).collect())
    }

    /// Sends one log entry, not masked and not queued.
    ///
    /// # Errors
    ///
    /// If the controller did not take it.
    pub async fn log(&self, entry: &LogEntry) -> Result<(), MisoError> {
        let body = self.single(entry);
        let request = self.0.logs.post("/api/v1/logs").json(&body);
        self.call(request).send().await.map(drop)
    }

    /// Sends up to a hundred log or audit entries, not masked and not queued. The controller may
    /// take some and refuse others. An empty answer counts as all taken, and one that nobody can read
    /// as none.
    ///
    /// # Errors
    ///
    /// [`MisoErrorKind::InvalidCall`] if there are none or more than a hundred; otherwise if the
    /// controller did not take the batch.
    pub async fn log_batch(&self, entries: &[LogEntry]) -> Result<BatchOutcome, MisoError> {
        if !(1..=100).contains(&entries.len()) {
            return Err(MisoError::new(MisoErrorKind::InvalidCall));
        }
        let logs: Vec<_> = entries.iter().map(|entry| self.completed(entry)).collect();
        let body = serde_json::json!({ "logs": logs });
        let request = self.0.logs.post("/api/v1/logs/batch").json(&body);
        let response = self.call(request).send().await?;
        // Nothing is sent twice after a 2xx, whatever it says. One that says nothing has taken all of
        // it; one that nobody can read, as of a proxy in the way, vouches for none of it.
        if response.body().is_empty() {
            return Ok(BatchOutcome::all_taken());
        }
        let answer = response.json::<BatchAnswer>().ok();
        let outcome = answer.and_then(|answer| answer.outcome(entries.len()));
        Ok(outcome.unwrap_or_else(|| BatchOutcome::none_taken(entries.len())))
    }

    /// Calls of the application's own to the controller, with the client token added.
    pub fn http(&self) -> MisoHttp {
        MisoHttp::new(self.clone())
    }

    pub(crate) fn call(&self, request: RequestBuilder) -> Call {
        Call::new(&self.0.tokens, request)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let is_of_logs = path == LOGS || path.starts_with(UNDER_LOGS);
        let http = if is_of_logs {
            &self.0.logs
        } else {
            &self.0.http
        };
        http.request(method, path)
    }

    pub(crate) fn scope(&self) -> &str {
        &self.0.scope
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// What the controller says of this token, now or within the time a "yes" is remembered. A
    /// "no" is not remembered, and neither is an outage.
    ///
    /// The hash of the whole token is what it is remembered by: a forged token with a known user's
    /// subject is another token (contract miso §13 A1).
    pub(crate) async fn record(&self, token: &Secret) -> Result<Record, AuthenticationError> {
        let mut space = Space::<Record, Strict>::new(VALIDATED, self.0.settings.remembered_for());
        if let Some(end) = Record::own_end(token) {
            space = space.until(end);
        }
        let key = format!("{}/{}", self.0.scope, TokenHash::of(token));
        let (this, token) = (self.clone(), token.clone());
        let load = move || async move { this.ask(&token).await };
        let record = self.0.cache.get_or_load(&space, &key, load).await;
        // The space has no deadline: the calls of the controller have their own.
        let late = || AuthenticationError::unavailable("too_late", "the controller took too long");
        let record = record.map_err(|error| error.into_failure(late))?;
        Ok(record.into_value())
    }

    async fn ask(&self, token: &Secret) -> Result<Record, AuthenticationError> {
        match self.validate(token).await? {
            Some(validated) => Ok(Record::new(validated, token)),
            None => Err(AuthenticationError::rejected(
                "token_refused",
                "the controller does not accept the token",
            )),
        }
    }

    async fn grants<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        identity: &Identity,
    ) -> Result<T, MisoError> {
        let mut request = self.0.http.get(path);
        if let Some(environment) = self.0.settings.environment() {
            request = request.query("environment", environment);
        }
        request = request.query("application", self.0.settings.application());
        self.call(request).user(identity.bearer()).data().await
    }

    /// An entry with what the controller wants to know of the application.
    fn completed(&self, entry: &LogEntry) -> LogEntry {
        let settings = &self.0.settings;
        let mut entry = entry.clone();
        let environment = || settings.environment().unwrap_or("unknown").to_owned();
        entry.environment.get_or_insert_with(environment);
        let application = || settings.application().to_owned();
        entry.application.get_or_insert_with(application);
        let client_id = || settings.client_id().to_owned();
        entry.client_id.get_or_insert_with(client_id);
        if entry.application_id.is_none() {
            let id = self.0.tokens.application_id();
            entry.application_id = id.as_deref().map(Reference::application);
        }
        entry
    }

    /// The shape of the endpoint for one entry (contract miso §1.5). It has no place for a time:
    /// the controller takes its own.
    fn single(&self, entry: &LogEntry) -> serde_json::Value {
        let kind = match entry.level {
            LogLevel::Audit => "audit",
            LogLevel::Error => "error",
            _ => "general",
        };
        let mut data = serde_json::to_value(self.completed(entry)).unwrap_or_default();
        if let Some(data) = data.as_object_mut() {
            data.remove("timestamp");
            if entry.level == LogLevel::Audit {
                data.remove("level");
                data.remove("message");
                let context = entry.context.as_ref();
                let named = |names: &[&str]| {
                    let found = names.iter().find_map(|name| context?.get(*name)?.as_str());
                    serde_json::Value::from(found.unwrap_or("unknown"))
                };
                data.insert("entityType".to_owned(), named(&["entityType", "resource"]));
                data.insert("entityId".to_owned(), named(&["entityId", "resourceId"]));
                data.insert("action".to_owned(), named(&["action"]));
                for name in ["oldValues", "newValues"] {
                    if let Some(values) = context.and_then(|context| context.get(name)) {
                        data.insert(name.to_owned(), values.clone());
                    }
                }
            }
        }
        serde_json::json!({ "type": kind, "data": data })
    }
}

impl fmt::Debug for Miso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Miso").field(&self.0.settings).finish()
    }
}

const LOGS: &str = "/api/v1/logs";
const UNDER_LOGS: &str = "/api/v1/logs/";

/// The space of what the controller has accepted.
const VALIDATED: &str = "miso-validated";

/// Puts a [`Miso`] client together.
#[must_use]
pub struct MisoBuilder {
    settings: MisoSettings,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
}

impl MisoBuilder {
    /// Takes the time from another clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Has somebody watch every call to the controller.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Finishes the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the controller's URL cannot be used, or is plain `http` to a host that was not allowed.
    pub fn build(self) -> Result<Miso, BuildError> {
        let settings = self.settings;
        let observer = self.observer;
        let client = || {
            let mut http = HttpClient::builder(settings.controller_url())
                .deadline(settings.total_deadline())
                .proxy(settings.way().clone())
                .user_agent(concat!("auth-miso/", env!("CARGO_PKG_VERSION")));
            for host in settings.plain_http_hosts() {
                http = http.allow_plain_http(host);
            }
            match &observer {
                Some(observer) => http.observer(Arc::clone(observer)),
                None => http,
            }
        };
        let http = client().build()?;
        // The audit trail has waits of its own between attempts.
        let logs = client()
            .circuit_breaker(CircuitBreaker::disabled())
            .build()?;
        // Which controller, and what it calls this application: another controller's yes is not
        // this one's, whatever it calls its clients.
        let controller = settings.controller_url().trim_end_matches('/');
        let scope = format!("{controller} {}", settings.client_id()).into();
        let clock = self.clock;
        // In memory and nowhere else: what is remembered becomes an identity again, and whoever can
        // write to a shared store is not to make identities.
        let cache = Cache::builder("miso").clock(Arc::clone(&clock)).build();
        Ok(Miso(Arc::new(Inner {
            tokens: ClientTokens::new(http.clone(), settings.clone(), Arc::clone(&clock)),
            http,
            logs,
            settings,
            clock,
            cache,
            scope,
        })))
    }
}

impl fmt::Debug for MisoBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MisoBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
