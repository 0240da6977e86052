use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, Secret, SystemClock};
use auth_jwt::Verifier;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::client_token::ClientTokens;
use super::endpoints;
use super::fault::{Script, ScriptedFault};
use super::outbox::{Outbox, Received};
use crate::oidc::{OidcIssuer, State as Issuer, TestkitError, User};

/// A Miso controller in this process, on a free port of 127.0.0.1, that judges the user tokens of
/// an [`OidcIssuer`].
///
/// It answers the client-token, validate, user, refresh, roles, permissions and log endpoints as the
/// contract records them, remembers every request it received, and misbehaves on demand. Roles and
/// permissions are those of the issuer's seeded users, as they were when it started.
///
/// # Example: what it received
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use auth_testkit::{MisoController, OidcIssuer, User};
///
/// let issuer = OidcIssuer::builder().user(User::new("ada", "correct horse")).start().await?;
/// let controller = MisoController::builder(&issuer)?.start().await?;
/// assert!(controller.client_id().starts_with("miso-controller-dev-"));
/// assert!(controller.received().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MisoController {
    state: Arc<State>,
    server: JoinHandle<()>,
    /// Dropping it tells the server, and everything that hangs in it, to stop.
    stop: watch::Sender<()>,
}

/// What the controller and its server share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) client_id: Box<str>,
    pub(super) client_secret: Secret,
    pub(super) client_tokens: ClientTokens,
    pub(super) users: Vec<User>,
    pub(super) user_tokens: Verifier,
    pub(super) issuer: Arc<Issuer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) outbox: Outbox,
    pub(super) script: Script,
    pub(super) stopped: watch::Receiver<()>,
    encryption_key: Secret,
    url: Box<str>,
}

impl MisoController {
    /// Starts with the client id `miso-controller-dev-development`, random secrets, client tokens
    /// of thirty minutes, and the machine's clock.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Policy`] if the issuer's audience is empty.
    pub fn builder(issuer: &OidcIssuer) -> Result<MisoControllerBuilder, TestkitError> {
        Ok(MisoControllerBuilder {
            client_id: "miso-controller-dev-development".into(),
            client_token_lifetime: Duration::from_secs(1800),
            users: issuer.users().to_vec(),
            user_tokens: issuer.verifier().map_err(TestkitError::Policy)?,
            issuer: Arc::clone(issuer.state()),
            clock: Arc::new(SystemClock),
        })
    }

    /// The base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// The client it gives tokens to.
    pub fn client_id(&self) -> &str {
        &self.state.client_id
    }

    /// The secret of that client.
    pub fn client_secret(&self) -> &Secret {
        &self.state.client_secret
    }

    /// The key an application would pass to the encryption endpoints.
    pub fn encryption_key(&self) -> &Secret {
        &self.state.encryption_key
    }

    /// Every request so far, oldest first; the newest ten thousand of them.
    pub fn received(&self) -> Vec<Received> {
        self.state.outbox.all()
    }

    /// How many requests to this path came in so far.
    pub fn count(&self, path: &str) -> usize {
        self.received().iter().filter(|it| it.path == path).count()
    }

    /// Every log entry received so far: the `data` of single ones, each element of batches.
    pub fn log_entries(&self) -> Vec<Value> {
        let mut entries = Vec::new();
        for mut received in self.received() {
            match received.path.as_str() {
                "/api/v1/logs" => entries.push(received.body["data"].take()),
                "/api/v1/logs/batch" => {
                    if let Value::Array(logs) = received.body["logs"].take() {
                        entries.extend(logs);
                    }
                }
                _ => {}
            }
        }
        entries
    }

    /// Forgets what was received.
    pub fn forget_received(&self) {
        self.state.outbox.clear();
    }

    /// Makes the next requests to this path (as often as `times` says) end in a fault.
    pub fn script(&self, path: &str, fault: ScriptedFault, times: usize) {
        if times > 0 {
            self.state.script.add(path, fault, times);
        }
    }

    /// Behaves again.
    pub fn clear_script(&self) {
        self.state.script.clear();
    }

    /// Withdraws every client token given so far, as a restart of the real one does.
    pub fn revoke_client_tokens(&self) {
        self.state.client_tokens.revoke_all();
    }

    /// Stops, and returns once the port is closed.
    pub async fn shutdown(self) {
        drop(self.stop);
        // An error would be the server's panic, and then it has stopped as well.
        let _ = self.server.await;
    }
}

/// Puts a [`MisoController`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct MisoControllerBuilder {
    client_id: Box<str>,
    client_token_lifetime: Duration,
    users: Vec<User>,
    user_tokens: Verifier,
    issuer: Arc<Issuer>,
    clock: Arc<dyn Clock>,
}

impl MisoControllerBuilder {
    /// Sets the client it gives tokens to.
    pub fn client_id(mut self, client_id: impl Into<Box<str>>) -> Self {
        self.client_id = client_id.into();
        self
    }

    /// Sets how long a client token lives.
    pub fn client_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.client_token_lifetime = lifetime;
        self
    }

    /// Takes the time from another clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Binds a free port of 127.0.0.1 and begins to answer.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Listen`] if no port can be bound, [`TestkitError::Key`] if no key can be
    /// made.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<MisoController, TestkitError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(TestkitError::Listen)?;
        let address = listener.local_addr().map_err(TestkitError::Listen)?;
        let client_tokens = ClientTokens::new(Arc::clone(&self.clock), self.client_token_lifetime);
        let (stop, stopped) = watch::channel(());
        let random = || Secret::from(Uuid::new_v4().simple().to_string());
        let state = Arc::new(State {
            client_id: self.client_id,
            client_secret: random(),
            encryption_key: format!("{}{}", random().expose(), random().expose()).into(),
            client_tokens: client_tokens.map_err(TestkitError::Key)?,
            users: self.users,
            user_tokens: self.user_tokens,
            issuer: self.issuer,
            clock: self.clock,
            outbox: Outbox::default(),
            script: Script::default(),
            stopped: stopped.clone(),
            url: format!("http://{address}").into(),
        });
        let router = endpoints::router(Arc::clone(&state));
        let server = tokio::spawn(async move {
            let stopped = stopped_by(stopped);
            let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
            // An error means that the listener broke, and then the clients notice.
            let _ = serving.await;
        });
        Ok(MisoController {
            state,
            server,
            stop,
        })
    }
}

/// Waits until the sender is dropped.
pub(super) async fn stopped_by(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}
