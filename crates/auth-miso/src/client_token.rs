use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{Clock, Secret, UnixTime, from_rfc3339};
use auth_http::HttpClient;
use auth_jwt::danger;
use http::StatusCode;
use tokio::sync::watch;

use crate::error::{MisoError, MisoErrorKind};
use crate::settings::MisoSettings;
use crate::wire::{MintAnswer, Minted};

/// The application's own token (contract miso §1.2, §2.1): minted when needed, renewed ahead of its
/// end, and minted once however many wait for it.
#[derive(Clone, Debug)]
pub(crate) struct ClientTokens(Arc<Source>);

#[derive(Debug)]
struct Source {
    http: HttpClient,
    settings: MisoSettings,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<ClientToken>>,
    /// The mint that is under way; everybody who needs a token waits for this one.
    minting: Option<watch::Receiver<Option<Minting>>>,
    /// What became of the latest mint if it failed, and until when nobody tries again.
    failed: Option<(MisoError, UnixTime)>,
    minted: u64,
}

type Minting = Result<Arc<ClientToken>, MisoError>;

/// A client token, and what it tells of the application.
#[derive(Debug)]
pub(crate) struct ClientToken {
    pub(crate) token: Secret,
    /// The identifier the controller knows the application by.
    pub(crate) application_id: Option<Box<str>>,
    /// Which mint it came from, so that a late complaint does not throw away its successor.
    serial: u64,
    minted_at: UnixTime,
    renew_at: UnixTime,
    expires_at: UnixTime,
}

impl ClientTokens {
    pub(crate) fn new(http: HttpClient, settings: MisoSettings, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Source {
            http,
            settings,
            clock,
            state: Mutex::default(),
        }))
    }

    /// A token that is good now. While it is being renewed the old one is handed out.
    pub(crate) async fn get(&self) -> Minting {
        let mut minting = {
            let now = self.0.clock.unix_now();
            let mut state = self.lock();
            let usable = state.current.clone().filter(|token| now < token.expires_at);
            let fresh = usable.as_ref().is_some_and(|token| now < token.renew_at);
            if let (Some(token), true) = (&usable, fresh) {
                return Ok(Arc::clone(token));
            }
            // A controller that has just refused is not asked by everybody who comes along.
            if let Some((error, until)) = &state.failed
                && now < *until
            {
                return usable.ok_or_else(|| error.clone());
            }
            let minting = self.mint_once(&mut state);
            if let Some(token) = usable {
                return Ok(token);
            }
            minting
        };
        let done = minting.wait_for(Option::is_some).await;
        match done.as_deref() {
            Ok(Some(minted)) => minted.clone(),
            // The task that mints cannot end without an answer, unless the runtime shuts down.
            _ => Err(MisoError::new(MisoErrorKind::Unreachable)),
        }
    }

    /// Whether the token is so new that the controller can hardly have forgotten it.
    pub(crate) fn is_new(&self, token: &ClientToken) -> bool {
        let age = self.0.clock.unix_now().saturating_since(token.minted_at);
        age < NEW
    }

    /// Throws a token away that the controller has refused.
    pub(crate) fn invalidate(&self, refused: &ClientToken) {
        let mut state = self.lock();
        if state
            .current
            .as_ref()
            .is_some_and(|current| current.serial == refused.serial)
        {
            state.current = None;
        }
    }

    /// What is known of the application from the newest token, without asking for one.
    pub(crate) fn application_id(&self) -> Option<Box<str>> {
        let state = self.lock();
        state
            .current
            .as_ref()
            .and_then(|token| token.application_id.clone())
    }

    /// Joins the mint that is under way, or begins one. It runs in a task of its own, so that a
    /// caller who goes away takes nothing from the others.
    fn mint_once(&self, state: &mut State) -> watch::Receiver<Option<Minting>> {
        // A mint whose task is gone, with its runtime perhaps, will not answer any more.
        let under_way = state.minting.as_ref().filter(|it| it.has_changed().is_ok());
        if let Some(minting) = under_way {
            return minting.clone();
        }
        state.minted += 1;
        let (serial, this) = (state.minted, self.clone());
        let (done, minting) = watch::channel(None);
        state.minting = Some(minting.clone());
        tokio::spawn(async move {
            let minted = this.0.mint(serial).await;
            {
                let mut state = this.lock();
                state.minting = None;
                state.failed = None;
                match &minted {
                    Ok(token) => state.current = Some(Arc::clone(token)),
                    Err(error) => {
                        let until = this.0.clock.unix_now().saturating_add(PAUSE);
                        state.failed = Some((error.clone(), until));
                    }
                }
            }
            // Nobody may be waiting any more.
            let _ = done.send(Some(minted));
        });
        minting
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    async fn mint(&self, serial: u64) -> Minting {
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
        let now = self.clock.unix_now();
        let claims = Told::by(&minted.token);
        let lifetime = lifetime(&minted, &claims, now);
        // A quarter of a short life, at most half a minute: the clocks may differ a little.
        let margin = (lifetime / 4).min(Duration::from_secs(30));
        let usable = lifetime - margin;
        let ahead = (lifetime / 10).min(Duration::from_secs(60));
        Ok(Arc::new(ClientToken {
            token: minted.token,
            application_id: claims.application_id,
            serial,
            minted_at: now,
            renew_at: now.saturating_add(usable.saturating_sub(ahead)),
            expires_at: now.saturating_add(usable),
        }))
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
        .min(Duration::from_secs(24 * 60 * 60))
}

/// How long nobody tries again after a mint has failed.
const PAUSE: Duration = Duration::from_secs(1);

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
