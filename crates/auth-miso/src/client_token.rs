use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Clock, Secret, UnixTime, from_rfc3339};
use auth_http::{
    HttpClient, NewToken, Token, TokenError, TokenFailure, TokenProvider, TokenSource,
};
use auth_jwt::danger;
use http::StatusCode;

use crate::error::{MisoError, MisoErrorKind};
use crate::settings::MisoSettings;
use crate::wire::{MintAnswer, Minted};

/// The application's own token (contract miso §1.2, §2.1): minted when needed, renewed ahead of its
/// end, and minted once however many wait for it.
#[derive(Clone, Debug)]
pub(crate) struct ClientTokens {
    tokens: TokenProvider<Mint>,
    clock: Arc<dyn Clock>,
}

/// A client token, and the identifier the controller knows the application by.
pub(crate) type ClientToken = Token<Option<Box<str>>>;

impl ClientTokens {
    pub(crate) fn new(http: HttpClient, settings: MisoSettings, clock: Arc<dyn Clock>) -> Self {
        let mint = Mint {
            http,
            settings,
            clock: Arc::clone(&clock),
        };
        Self {
            tokens: TokenProvider::with_clock(mint, Arc::clone(&clock)),
            clock,
        }
    }

    /// A token that is good now. While it is being renewed the old one is handed out.
    pub(crate) async fn get(&self) -> Result<Arc<ClientToken>, MisoError> {
        self.tokens.get().await.map_err(|error| match error {
            TokenError::Source(error) => error,
            _ => MisoError::new(MisoErrorKind::Unreachable),
        })
    }

    /// Whether the token is so new that the controller can hardly have forgotten it.
    pub(crate) fn is_new(&self, token: &ClientToken) -> bool {
        let age = self.clock.now().duration_since(token.fetched_at());
        age.unwrap_or_default() < NEW
    }

    /// Throws a token away that the controller has refused, and says whether another is worth
    /// trying.
    pub(crate) fn refused(&self, token: &ClientToken) -> bool {
        self.tokens.refused(token)
    }

    /// What is known of the application from the newest token, without asking for one.
    pub(crate) fn application_id(&self) -> Option<Box<str>> {
        self.tokens.peek()?.details().clone()
    }
}

/// Asks the controller for client tokens.
#[derive(Debug)]
struct Mint {
    http: HttpClient,
    settings: MisoSettings,
    clock: Arc<dyn Clock>,
}

impl TokenSource for Mint {
    type Details = Option<Box<str>>;
    type Error = MisoError;

    fn fetch(&self) -> BoxFuture<'_, Result<NewToken<Self::Details>, MisoError>> {
        Box::pin(self.mint())
    }

    fn failure(&self, error: &MisoError) -> TokenFailure {
        match error.kind() {
            // Wrong credentials stay wrong, and asking again may lock the application out.
            MisoErrorKind::ApplicationRefused | MisoErrorKind::Forbidden => TokenFailure::Permanent,
            _ => TokenFailure::Transient {
                retry_after: error.retry_after(),
            },
        }
    }
}

impl Mint {
    async fn mint(&self) -> Result<NewToken<Option<Box<str>>>, MisoError> {
        let response = self
            .http
            .post(self.settings.token_path())
            .without_correlation()
            .header("content-type", "application/json")
            .header("x-client-id", self.settings.client_id())
            .secret_header("x-client-secret", self.settings.client_secret())
            .send()
            .await
            .map_err(|fault| MisoError::from_fault(fault, false))?;
        // 200 or 201 and nothing else (contract miso §1.2).
        let made = matches!(response.status(), StatusCode::OK | StatusCode::CREATED);
        let answer = response.json::<MintAnswer>().ok().filter(|_| made);
        let minted = answer
            .and_then(MintAnswer::into_minted)
            .ok_or_else(|| MisoError::new(MisoErrorKind::UnexpectedAnswer))?;
        let claims = Told::by(&minted.token);
        let lifetime = lifetime(&minted, &claims, self.clock.unix_now());
        let token = NewToken::new(minted.token, lifetime);
        Ok(token.with_details(claims.application_id))
    }
}

/// `expiresIn`, otherwise `expiresAt`, otherwise what the token says of itself, otherwise half an
/// hour.
fn lifetime(minted: &Minted, claims: &Told, now: UnixTime) -> Duration {
    let until = |end: UnixTime| Some(end.saturating_since(now)).filter(|left| !left.is_zero());
    let stated = minted
        .expires_in
        .filter(|secs| *secs > 0)
        .map(Duration::from_secs);
    stated
        .or_else(|| until(from_rfc3339(minted.expires_at()?)?.into()))
        .or_else(|| until(UnixTime::from_secs(claims.exp?)))
        .unwrap_or(Duration::from_secs(1800))
}

/// How long a client token is above suspicion when a call for a user is refused.
const NEW: Duration = Duration::from_secs(60);

/// What a client token says of itself. It is read without verifying, because it came from the
/// controller over its own connection; nothing is granted by it.
#[derive(Default)]
struct Told {
    application_id: Option<Box<str>>,
    exp: Option<i64>,
}

impl Told {
    fn by(token: &Secret) -> Self {
        let decoded = danger::decode_without_verifying(token.expose()).ok();
        let claims: Option<serde_json::Value> =
            decoded.and_then(|decoded| serde_json::from_str(decoded.claims_json()).ok());
        let Some(claims) = claims else {
            return Self::default();
        };
        let names = ["applicationId", "app_id", "application_id"];
        Self {
            application_id: names
                .iter()
                .find_map(|name| claims[*name].as_str())
                .map(Into::into),
            exp: claims["exp"].as_i64(),
        }
    }
}
