//! Refresh tokens, which are good once.

use std::sync::Arc;
use std::time::Duration;

use auth_core::UnixTime;

use super::{RefreshStore, RefreshToken, Rotation, RotationAnswer};
use crate::claims::Claims;
use crate::hooks::{Reason, TokenUse};
use crate::m8;
use crate::rejection::Rejection;
use crate::verifier::{Verifier, VerifierError};

/// Exchanges refresh tokens: each for the next, and none twice (RFC 9700 §4.14.2).
///
/// Who presents a token a second time has stolen it, or was stolen from; the whole family is
/// revoked, and the user has to log in again. Two requests of one honest client that cross each
/// other are not that: within a short grace, the slower one is told the token the faster one got.
///
/// This neither makes tokens nor sends them. The caller chooses the identifier of the next one,
/// exchanges, and then mints the token that the answer names.
///
/// # Example: one exchange
///
/// ```
/// # use auth_core::SecretBytes;
/// # use auth_jwt::mint::SigningKey;
/// # use auth_jwt::{Algorithm, StaticKeys, Verifier};
/// use std::time::Duration;
/// use auth_jwt::m8;
/// use auth_jwt::session::{Exchange, RefreshTokenPolicy, memory::RefreshTokens};
///
/// # let key = SigningKey::generate(Algorithm::HS256)?;
/// # let subject = "550e8400-e29b-41d4-a716-446655440000";
/// # let token = key.sign(&serde_json::json!({
/// #     "type": "refresh", "sub": subject, "jti": "r1", "exp": 4102444800_i64,
/// # }))?;
/// # futures_executor::block_on(async {
/// # let verifier = Verifier::new(m8::refresh().build()?, StaticKeys::new(key.verification_key()?));
/// let day = Duration::from_secs(24 * 60 * 60);
/// let policy = RefreshTokenPolicy::new(verifier, RefreshTokens::new())?;
/// policy.register("r1", subject, day).await?; // at the login
///
/// let exchange = policy.exchange(token.expose(), "r2", day).await?;
/// assert_eq!(exchange.next().token_id, "r2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RefreshTokenPolicy {
    verifier: Verifier,
    store: Arc<dyn RefreshStore>,
    grace: Duration,
}

impl RefreshTokenPolicy {
    /// The longest grace.
    pub const MAX_GRACE: Duration = Duration::from_secs(60);

    /// Takes the verifier and the store.
    ///
    /// # Errors
    ///
    /// [`VerifierError::NotForRefresh`] if the policy could accept an access token, whose `jti` may
    /// be that of a refresh token: it has to be m8's for refresh tokens ([`m8::refresh`]), or to ask
    /// for a [`token_type`](crate::PolicyBuilder::token_type) of their own.
    /// [`VerifierError::SeveralIssuers`] if there are several: an identifier is one of its issuer.
    pub fn new(
        verifier: Verifier,
        store: impl RefreshStore + 'static,
    ) -> Result<Self, VerifierError> {
        verifier.check_is_for_refresh()?;
        Ok(Self {
            verifier,
            store: Arc::new(store),
            grace: Duration::from_secs(10),
        })
    }

    /// Sets how long after an exchange the old token may come again and be told the same. Ten
    /// seconds unless set, a minute at most; with zero, every second use is a reuse.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(Self::MAX_GRACE);
        self
    }

    /// Remembers the first token of a family, when the user logs in.
    ///
    /// # Errors
    ///
    /// [`Rejection::RevocationUnavailable`] if the store cannot remember it, because it is away or full
    /// or knows the identifier already; [`Rejection::BadClaim`] if the identifier is empty or the
    /// lifetime below a second. The token must not be handed out then.
    pub async fn register(
        &self,
        token_id: &str,
        subject: &str,
        lifetime: Duration,
    ) -> Result<(), Rejection> {
        let now = self.verifier.now();
        let first = self.token(token_id, subject, lifetime, now)?;
        let registered = self.store.register(&first, now).await;
        registered.map_err(Rejection::RevocationUnavailable)
    }

    /// Verifies a refresh token and exchanges it for the one with this identifier, or learns which one
    /// it was exchanged for a moment ago; the identifier and the lifetime are not used then.
    ///
    /// What is minted afterwards is made of [`Exchange::next`] alone: its identifier, its subject, and
    /// its end as `exp`. Only then do two that race each other hold the same token, and a claim such
    /// as `iat`, if there has to be one, is not the moment of the minting.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]: what is wrong with the token; [`Rejection::Reused`] if it was used before,
    /// whose family is revoked then; [`Rejection::Revoked`] if the store does not know it (any
    /// longer); [`Rejection::BadClaim`] if the new identifier is empty or the lifetime below a second.
    /// Only [`Rejection::is_undetermined`] leaves open whether the token is good.
    pub async fn exchange(
        &self,
        token: &str,
        new_token_id: &str,
        lifetime: Duration,
    ) -> Result<Exchange, Rejection> {
        let exchanged = self.exchange_untold(token, new_token_id, lifetime).await;
        match &exchanged {
            Ok(exchange) => {
                let RefreshToken {
                    token_id, subject, ..
                } = exchange.next();
                self.verifier
                    .tell_success(TokenUse::Refresh, Some(token_id), subject);
            }
            Err(rejection) => {
                let reason = if self.verifier.is_of_m8() {
                    m8::outcome(TokenUse::Refresh, rejection).reason
                } else {
                    Reason::from(rejection)
                };
                self.verifier
                    .tell_failure(TokenUse::Refresh, reason, rejection);
            }
        }
        exchanged
    }

    async fn exchange_untold(
        &self,
        token: &str,
        new_token_id: &str,
        lifetime: Duration,
    ) -> Result<Exchange, Rejection> {
        let claims = self.verifier.verify_untold(token).await?;
        let token_id = claims.token_id().unwrap_or_default();
        if token_id.is_empty() {
            return Err(Rejection::missing_claim("jti"));
        }
        let now = self.verifier.now();
        let new = self.token(new_token_id, claims.subject(), lifetime, now)?;
        let rotation = Rotation::new(token_id, new, self.grace);
        let answer = self.store.rotate(&rotation, now).await;
        match answer.map_err(Rejection::RevocationUnavailable)? {
            RotationAnswer::Rotated => Ok(Exchange::Rotated {
                claims,
                next: rotation.new,
            }),
            RotationAnswer::Raced(next) => Ok(Exchange::Raced { claims, next }),
            RotationAnswer::Reused => Err(Rejection::Reused),
            RotationAnswer::Unknown => Err(Rejection::Revoked),
        }
    }

    /// Revokes the family of a token, at the logout or when an account is closed, and says whether
    /// there was one. The newest token of a family is always known; one that was exchanged long ago
    /// may be forgotten.
    ///
    /// # Errors
    ///
    /// [`Rejection::RevocationUnavailable`] if the store cannot; the tokens still count then.
    pub async fn revoke(&self, token_id: &str) -> Result<bool, Rejection> {
        let revoked = self
            .store
            .revoke_family(self.verifier.only_issuer(), token_id)
            .await;
        revoked.map_err(Rejection::RevocationUnavailable)
    }

    /// A token as the store is to remember it.
    fn token(
        &self,
        token_id: &str,
        subject: &str,
        lifetime: Duration,
        now: UnixTime,
    ) -> Result<RefreshToken, Rejection> {
        // Told before the store has taken the old token's place for it.
        if token_id.is_empty() {
            return Err(Rejection::bad_claim("jti"));
        }
        if lifetime < Duration::from_secs(1) {
            return Err(Rejection::bad_claim("exp"));
        }
        let ends = now.saturating_add(lifetime);
        let token = RefreshToken::new(token_id, self.spelled(subject), ends);
        Ok(match self.verifier.only_issuer() {
            Some(issuer) => token.of_issuer(issuer),
            None => token,
        })
    }

    /// A subject as stores and hooks know it: m8's users are UUIDs, which have several spellings
    /// (contract m8 §2.5).
    fn spelled(&self, subject: &str) -> String {
        let canonical = self
            .verifier
            .is_of_m8()
            .then(|| m8::canonical_uuid(subject));
        canonical.flatten().unwrap_or_else(|| subject.to_owned())
    }
}

/// A refresh token that was exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exchange {
    /// For the one the caller asked for.
    #[non_exhaustive]
    Rotated {
        /// What the old token says.
        claims: Claims,
        /// The token that takes its place.
        next: RefreshToken,
    },

    /// By another request, a moment earlier. The token to hand out is the one that request was
    /// answered with, so that both hold the same.
    #[non_exhaustive]
    Raced {
        /// What the old token says.
        claims: Claims,
        /// The token that has taken its place.
        next: RefreshToken,
    },
}

impl Exchange {
    /// The token to mint and hand out.
    pub fn next(&self) -> &RefreshToken {
        let (Self::Rotated { next, .. } | Self::Raced { next, .. }) = self;
        next
    }

    /// What the old token says.
    pub fn claims(&self) -> &Claims {
        let (Self::Rotated { claims, .. } | Self::Raced { claims, .. }) = self;
        claims
    }
}
