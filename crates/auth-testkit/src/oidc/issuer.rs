use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_core::{Clock, Secret, SystemClock};
use auth_jwt::mint::MintError;
use auth_jwt::{Algorithm, Policy, PolicyError, Verifier};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::keys::Keys;
use super::refresh::RefreshTokens;
use super::server;
use super::token::TokenBuilder;
use super::user::User;

/// An OpenID Connect issuer in this process, on a free port of 127.0.0.1.
///
/// Its URLs are shaped like Keycloak's: discovery at
/// `{url}/.well-known/openid-configuration`, keys at `{url}/protocol/openid-connect/certs`, tokens
/// for a username and a password at `{url}/protocol/openid-connect/token`. It stops when dropped.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use auth_testkit::{OidcIssuer, User};
///
/// let issuer = OidcIssuer::builder().user(User::new("ada", "correct horse")).start().await?;
/// assert!(issuer.url().starts_with("http://127.0.0.1:"));
///
/// let before = issuer.current_kid();
/// issuer.rotate_keys()?;
/// assert_ne!(issuer.current_kid(), before);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OidcIssuer {
    state: Arc<State>,
    server: JoinHandle<()>,
    /// Dropping it tells the server to stop.
    stop: oneshot::Sender<()>,
}

/// What the issuer and its server share.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) url: Box<str>,
    pub(super) audience: Box<str>,
    lifetime: Duration,
    pub(super) keys: Arc<Keys>,
    pub(super) requests: Counters,
    users: Vec<User>,
    /// Which user a refresh token is for. Each is good once.
    refresh_tokens: RefreshTokens,
    clock: Arc<dyn Clock>,
    algorithm: Algorithm,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) discovery: AtomicU64,
    pub(super) jwks: AtomicU64,
    pub(super) token: AtomicU64,
}

/// How often each endpoint of an [`OidcIssuer`] was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerRequests {
    /// The discovery document.
    pub discovery: u64,
    /// The key set.
    pub jwks: u64,
    /// The token endpoint.
    pub token: u64,
}

impl OidcIssuer {
    /// Starts with no users, the audience `development`, ES256, tokens of five minutes, and the
    /// machine's clock.
    pub fn builder() -> OidcIssuerBuilder {
        OidcIssuerBuilder {
            audience: "development".into(),
            lifetime: Duration::from_secs(300),
            users: Vec::new(),
            clock: Arc::new(SystemClock),
            algorithm: Algorithm::ES256,
        }
    }

    /// The issuer identifier (`iss`), without a trailing slash.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Where the key set is.
    pub fn jwks_uri(&self) -> String {
        self.state.jwks_uri()
    }

    /// Where tokens are given for passwords.
    pub fn token_endpoint(&self) -> String {
        self.state.token_endpoint()
    }

    /// Whom the tokens are for (`aud`).
    pub fn audience(&self) -> &str {
        &self.state.audience
    }

    /// The key set as the server publishes it.
    pub fn jwks(&self) -> String {
        self.state.keys.jwks()
    }

    /// The name of the key that signs.
    pub fn current_kid(&self) -> String {
        self.state
            .keys
            .current()
            .kid()
            .unwrap_or_default()
            .to_owned()
    }

    /// Starts a token for a seeded user, as the token endpoint would give it.
    ///
    /// # Errors
    ///
    /// [`TestkitError::UnknownUser`] if no user of this name was seeded.
    pub fn token(&self, username: &str) -> Result<TokenBuilder, TestkitError> {
        let user = self.state.user(username);
        let user = user.ok_or_else(|| TestkitError::UnknownUser(username.into()))?;
        Ok(self.state.token_for(user))
    }

    /// A verifier of the issuer's tokens that follows its keys and its clock, without HTTP.
    ///
    /// # Errors
    ///
    /// If the audience is empty.
    pub fn verifier(&self) -> Result<Verifier, PolicyError> {
        let policy = Policy::builder(self.url(), self.audience()).build()?;
        let verifier = Verifier::new(policy, Arc::clone(&self.state.keys));
        Ok(verifier.with_clock(Arc::clone(&self.state.clock)))
    }

    /// The seeded users.
    pub fn users(&self) -> &[User] {
        &self.state.users
    }

    /// A refresh token of a seeded user, as the token endpoint would give it. It is good once.
    ///
    /// # Errors
    ///
    /// [`TestkitError::UnknownUser`] if no user of this name was seeded.
    pub fn refresh_token(&self, username: &str) -> Result<Secret, TestkitError> {
        let user = self.state.user(username);
        let user = user.ok_or_else(|| TestkitError::UnknownUser(username.into()))?;
        Ok(self.state.refresh_token_for(user))
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Signs with a new key from now on. The old ones stay published until
    /// [`retire_old_keys`](Self::retire_old_keys).
    ///
    /// # Errors
    ///
    /// If no key can be made.
    pub fn rotate_keys(&self) -> Result<(), MintError> {
        self.state.keys.rotate()
    }

    /// Publishes no key but the current one any more.
    pub fn retire_old_keys(&self) {
        self.state.keys.retire_old();
    }

    /// Stops, and returns once the port is closed and no connection is left. Dropping the issuer
    /// stops it too, but does not wait.
    pub async fn shutdown(self) {
        drop(self.stop);
        // An error would be the server's panic, and then it has stopped as well.
        let _ = self.server.await;
    }

    /// How often each endpoint was asked so far.
    pub fn requests(&self) -> IssuerRequests {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let requests = &self.state.requests;
        IssuerRequests {
            discovery: count(&requests.discovery),
            jwks: count(&requests.jwks),
            token: count(&requests.token),
        }
    }
}

impl State {
    pub(super) fn jwks_uri(&self) -> String {
        format!("{}/protocol/openid-connect/certs", self.url)
    }

    pub(super) fn token_endpoint(&self) -> String {
        format!("{}/protocol/openid-connect/token", self.url)
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn user(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username() == username)
    }

    /// The user, if the password is theirs.
    pub(super) fn login(&self, username: &str, password: &Secret) -> Option<&User> {
        self.user(username)
            .filter(|user| user.has_password(password))
    }

    pub(crate) fn refresh_token_for(&self, user: &User) -> Secret {
        self.refresh_tokens.give(user.username())
    }

    /// The user whose refresh token this is; it is good for nothing afterwards.
    pub(crate) fn redeem(&self, refresh_token: &str) -> Option<&User> {
        self.user(&self.refresh_tokens.take(refresh_token)?)
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(crate) fn token_for(&self, user: &User) -> TokenBuilder {
        TokenBuilder::new(
            user,
            &self.url,
            &self.audience,
            self.lifetime,
            &*self.clock,
            self.keys.current(),
        )
    }
}

/// Puts an [`OidcIssuer`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct OidcIssuerBuilder {
    audience: Box<str>,
    lifetime: Duration,
    users: Vec<User>,
    clock: Arc<dyn Clock>,
    algorithm: Algorithm,
}

impl OidcIssuerBuilder {
    /// Seeds a user.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Sets whom the tokens are for.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Sets how long a token lives.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Takes the time from another clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Signs with another algorithm; not with an HMAC, whose key cannot be published.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Makes the first key, binds a free port of 127.0.0.1 and begins to answer.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Key`] if no key can be made, [`TestkitError::Symmetric`] if the algorithm is
    /// an HMAC, [`TestkitError::Listen`] if no port can be bound.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<OidcIssuer, TestkitError> {
        if self.algorithm.is_symmetric() {
            return Err(TestkitError::Symmetric);
        }
        let keys = Keys::generate(self.algorithm).map_err(TestkitError::Key)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(TestkitError::Listen)?;
        let address = listener.local_addr().map_err(TestkitError::Listen)?;
        let state = Arc::new(State {
            url: format!("http://{address}/realms/development").into(),
            audience: self.audience,
            lifetime: self.lifetime,
            keys: Arc::new(keys),
            requests: Counters::default(),
            users: self.users,
            refresh_tokens: RefreshTokens::default(),
            clock: self.clock,
            algorithm: self.algorithm,
        });
        let router = server::router(Arc::clone(&state));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
            // An error means that the listener broke, and then the clients notice.
            let _ = serving.await;
        });
        Ok(OidcIssuer {
            state,
            server,
            stop,
        })
    }
}

/// Why a development server does not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// No port of 127.0.0.1 can be bound.
    #[error("no port of 127.0.0.1 can be bound")]
    Listen(#[source] io::Error),

    /// No key can be made.
    #[error("no key can be made")]
    Key(#[source] MintError),

    /// The verifier of user tokens cannot be built.
    #[error("the verifier of user tokens cannot be built")]
    Policy(#[source] PolicyError),

    /// The algorithm is an HMAC: whoever verifies its tokens could also sign them.
    #[error("an issuer publishes its keys; choose an asymmetric algorithm")]
    Symmetric,

    /// No user of this name was seeded.
    #[error("no user {0} was seeded")]
    UnknownUser(Box<str>),
}
