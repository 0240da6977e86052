use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_core::{Clock, Secret};
use auth_jwt::mint::{MintError, SigningKey};
use auth_jwt::{Algorithm, KeySet, Policy, StaticKeys, Verifier};
use serde_json::json;
use uuid::Uuid;

/// Mints client tokens and knows its own again (contract miso §1.2, §1.9).
#[derive(Debug)]
pub(super) struct ClientTokens {
    key: SigningKey,
    verifier: Verifier,
    lifetime: Duration,
    /// Tokens of an earlier generation were withdrawn.
    generation: AtomicU64,
}

impl ClientTokens {
    pub(super) fn new(clock: impl Clock + 'static, lifetime: Duration) -> Result<Self, MintError> {
        let key = SigningKey::generate(Algorithm::HS256)?;
        let keys = KeySet::from(key.verification_key()?);
        let policy = Policy::builder(ISSUER, AUDIENCE)
            .leeway(Duration::ZERO)
            .build();
        let policy = policy.map_err(|_| MintError::Signing)?;
        Ok(Self {
            key,
            verifier: Verifier::new(policy, StaticKeys::new(keys)).with_clock(clock),
            lifetime,
            generation: AtomicU64::new(0),
        })
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(super) fn mint(&self, client_id: &str, now: i64) -> Result<Secret, MintError> {
        let (environment, application) = parts(client_id);
        self.key.sign(&json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": client_id,
            "jti": Uuid::new_v4().to_string(),
            "clientId": client_id,
            "application": application,
            "environment": environment,
            "applicationId": format!("{client_id}-id"),
            "generation": self.generation.load(Ordering::Relaxed),
            "iat": now,
            "exp": now.saturating_add_unsigned(self.lifetime.as_secs()),
        }))
    }

    /// Withdraws every token minted so far.
    pub(super) fn revoke_all(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn accepts(&self, token: &str) -> bool {
        #[derive(serde::Deserialize)]
        struct Generation {
            generation: u64,
        }
        let claims = self.verifier.verify_with_known_keys(token);
        let claims = claims
            .ok()
            .and_then(|claims| claims.deserialize::<Generation>().ok());
        claims.is_some_and(|claims| claims.generation == self.generation.load(Ordering::Relaxed))
    }
}

/// Environment and application of a client id of the form `miso-controller-{env}-{app…}`.
fn parts(client_id: &str) -> (&str, &str) {
    client_id
        .strip_prefix("miso-controller-")
        .and_then(|rest| rest.split_once('-'))
        .unwrap_or(("unknown", client_id))
}

const ISSUER: &str = "miso-controller";
const AUDIENCE: &str = "miso-controller";
