use std::error::Error;
use std::fmt;
use std::time::Duration;

use auth_core::{BoxFuture, Secret};

/// Where a client's own tokens come from: one request to an issuer, say.
///
/// It needs no cache, no lock and no retries of its own: a
/// [`TokenProvider`](crate::TokenProvider) has them.
///
/// # Example: client credentials (RFC 6749 §4.4)
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use auth_core::{BoxFuture, Secret};
/// use auth_http::{Fault, HttpClient, NewToken, TokenFailure, TokenProvider, TokenSource};
///
/// struct ClientCredentials {
///     issuer: HttpClient,
///     id: String,
///     secret: Secret,
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Answer {
///     access_token: Secret,
///     expires_in: u64,
/// }
///
/// impl TokenSource for ClientCredentials {
///     type Details = ();
///     type Error = Arc<Fault>;
///
///     fn fetch(&self) -> BoxFuture<'_, Result<NewToken, Arc<Fault>>> {
///         Box::pin(async {
///             let form = [
///                 ("grant_type", "client_credentials"),
///                 ("client_id", &self.id),
///                 ("client_secret", self.secret.expose()),
///             ];
///             let response = self.issuer.post("/token").form(&form).send().await?;
///             let answer: Answer = response.json()?;
///             let lifetime = Duration::from_secs(answer.expires_in);
///             Ok(NewToken::new(answer.access_token, lifetime))
///         })
///     }
///
///     fn failure(&self, error: &Arc<Fault>) -> TokenFailure {
///         error.as_ref().into()
///     }
/// }
///
/// # async fn run(source: ClientCredentials) -> Result<(), Box<dyn std::error::Error>> {
/// let tokens = TokenProvider::new(source);
/// let api = HttpClient::builder("https://api.example").build()?.with_bearer_tokens(&tokens);
/// api.get("/orders").send().await?;
/// # Ok(())
/// # }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// What else is known of a token; `()` if nothing.
    type Details: Send + Sync + 'static;

    /// Why there is none. Everybody who waits gets a clone, in a [`TokenError`].
    type Error: Error + Clone + Send + Sync + 'static;

    /// Fetches a new token. It should end within a deadline of its own; after a minute it is
    /// dropped.
    fn fetch(&self) -> BoxFuture<'_, Result<NewToken<Self::Details>, Self::Error>>;

    /// Whether a failure may pass by itself, and how soon.
    fn failure(&self, error: &Self::Error) -> TokenFailure;
}

/// A token that was just issued.
pub struct NewToken<D = ()> {
    pub(super) secret: Secret,
    pub(super) lifetime: Duration,
    pub(super) details: D,
}

impl NewToken {
    /// Takes a token, and how long the issuer says it is good. Of a lifetime only so much is used
    /// that the clocks of both sides may differ a little.
    pub fn new(secret: Secret, lifetime: Duration) -> Self {
        Self {
            secret,
            lifetime,
            details: (),
        }
    }
}

impl<D> NewToken<D> {
    /// Adds what else is known of it.
    pub fn with_details<E>(self, details: E) -> NewToken<E> {
        NewToken {
            secret: self.secret,
            lifetime: self.lifetime,
            details,
        }
    }
}

impl<D> fmt::Debug for NewToken<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError<E> {
    /// What the source said.
    #[error(transparent)]
    Source(E),
    /// The source panicked, which is a mistake in it. It counts as a failure that may pass by
    /// itself; what it panicked with went to the process's panic hook and nowhere else.
    #[error("the source of tokens panicked")]
    Panicked,
    /// The source took longer than a minute, and was given up. That may pass by itself, too.
    #[error("the source of tokens did not answer within a minute")]
    TimedOut,
}

/// What kind of failure kept a token from being fetched. Either is remembered, so that not
/// everybody who comes along asks an issuer that has just refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFailure {
    /// It may pass by itself: remembered for up to a second, twice as long for each that follows,
    /// up to half a minute, and no shorter than the issuer asks.
    Transient {
        /// How long the issuer asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It will not: somebody has to do something, such as correct a secret. Remembered for half a
    /// minute, so that it is noticed when somebody did.
    Permanent,
}

impl From<&crate::Fault> for TokenFailure {
    fn from(fault: &crate::Fault) -> Self {
        if fault.is_transient() {
            Self::Transient {
                retry_after: fault.retry_after(),
            }
        } else {
            Self::Permanent
        }
    }
}
