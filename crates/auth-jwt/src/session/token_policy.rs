//! Access tokens that may have been revoked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use auth_core::{
    AuthenticationError, Authenticator, Authorizer, BoxFuture, Decision, Identity, Permission,
    Role, Secret,
};

use super::{RevocationList, SessionStore, StoreUnavailable};
use crate::claims::Claims;
use crate::hooks::TokenUse;
use crate::rejection::Rejection;
use crate::verifier::{Verifier, identity, into_error};

/// Checks access tokens with a [`Verifier`], and then whether they are revoked.
///
/// A token that cannot be revoked is not accepted: with a [`RevocationList`] it has to have a
/// `jti`, with a [`SessionStore`] a `sid`. Where nobody can tell whether it is revoked, it is not
/// accepted either ([`danger::fail_open`](crate::danger::fail_open) changes that).
///
/// # Example: a token that is revoked
///
/// ```
/// # use auth_jwt::mint::SigningKey;
/// # use auth_jwt::{Algorithm, Policy, StaticKeys, Verifier};
/// use auth_core::UnixTime;
/// use auth_jwt::session::{TokenPolicy, memory::RevokedTokens};
///
/// # let key = SigningKey::generate(Algorithm::ES256)?;
/// # let token = key.sign(&serde_json::json!({
/// #     "iss": "https://issuer.test", "aud": "my-api", "sub": "u1", "jti": "j1",
/// #     "exp": 4102444800_i64,
/// # }))?;
/// # let policy = Policy::builder("https://issuer.test", "my-api").build()?;
/// # let verifier = Verifier::new(policy, StaticKeys::new(key.verification_key()?));
/// # futures_executor::block_on(async {
/// let revoked = RevokedTokens::new();
/// let policy = TokenPolicy::new(verifier).with_revocation_list(revoked.clone());
///
/// let claims = policy.verify(token.expose()).await?;
/// revoked.revoke(&claims)?;
/// assert_eq!(policy.verify(token.expose()).await.unwrap_err().code(), "revoked");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    verifier: Verifier,
    revocations: Option<Arc<dyn RevocationList>>,
    sessions: Option<Arc<dyn SessionStore>>,
    fail_open: bool,
}

impl TokenPolicy {
    /// Takes the verifier. Until a store is added, this judges as the verifier does; its hooks hear
    /// of a token once, when all is known.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            revocations: None,
            sessions: None,
            fail_open: false,
        }
    }

    /// Refuses the tokens this list calls revoked. It takes the place of a list that was given before.
    #[must_use]
    pub fn with_revocation_list(mut self, list: impl RevocationList + 'static) -> Self {
        // What is remembered about a token is what this list has said of it.
        self.verifier = self.verifier.with_cache_of_its_own();
        self.revocations = Some(Arc::new(list));
        self
    }

    /// Refuses the tokens of sessions that are not open. The store takes the place of one that was
    /// given before.
    #[must_use]
    pub fn with_session_store(mut self, store: impl SessionStore + 'static) -> Self {
        self.sessions = Some(Arc::new(store));
        self
    }

    pub(crate) fn fail_open(mut self) -> Self {
        self.fail_open = true;
        self
    }

    /// Verifies a token and finds out whether it still counts.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]; only [`Rejection::is_undetermined`] leaves open whether the token is good.
    pub async fn verify(&self, token: &str) -> Result<Claims, Rejection> {
        let verdict = match self.verifier.verify_untold(token).await {
            Ok(claims) => self.check_stores(&claims).await.map(|()| claims),
            Err(rejection) => Err(rejection),
        };
        self.verifier.tell(TokenUse::Access, &verdict);
        verdict
    }

    async fn check_stores(&self, claims: &Claims) -> Result<(), Rejection> {
        if let Some(list) = &self.revocations {
            if claims.token_id().unwrap_or_default().is_empty() {
                return Err(Rejection::missing_claim("jti"));
            }
            let revoked = is_revoked(&**list, claims).await;
            if self.answered(revoked)?.unwrap_or(false) {
                return Err(Rejection::Revoked);
            }
        }
        if let Some(store) = &self.sessions {
            if claims.session_id().unwrap_or_default().is_empty() {
                return Err(Rejection::missing_claim("sid"));
            }
            let open = store.is_open(claims).await;
            if !self.answered(open)?.unwrap_or(true) {
                return Err(Rejection::Revoked);
            }
        }
        Ok(())
    }

    /// The answer, or none if the policy goes on without one.
    fn answered(&self, answer: Result<bool, StoreUnavailable>) -> Result<Option<bool>, Rejection> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(_) if self.fail_open => Ok(None),
            Err(unavailable) => Err(Rejection::RevocationUnavailable(unavailable)),
        }
    }
}

/// Asks the list, unless nothing was revoked since it was asked about this token.
async fn is_revoked(list: &dyn RevocationList, claims: &Claims) -> Result<bool, StoreUnavailable> {
    // Before the question: a revocation that comes while it is answered has another epoch.
    // Zero stands for a token that was never asked about.
    let stamp = list.epoch().and_then(|epoch| epoch.checked_add(1));
    let cleared = &claims.0.cleared;
    if stamp.is_some_and(|stamp| cleared.load(Ordering::Acquire) == stamp) {
        return Ok(false);
    }
    let revoked = list.is_revoked(claims).await?;
    if let (false, Some(stamp)) = (revoked, stamp) {
        cleared.store(stamp, Ordering::Release);
    }
    Ok(revoked)
}

/// Answers as its [`Verifier`] does, from the token itself.
impl Authorizer for TokenPolicy {
    fn has_role<'a>(&'a self, identity: &'a Identity, role: &'a Role) -> BoxFuture<'a, Decision> {
        self.verifier.has_role(identity, role)
    }

    fn has_permission<'a>(
        &'a self,
        identity: &'a Identity,
        permission: &'a Permission,
    ) -> BoxFuture<'a, Decision> {
        self.verifier.has_permission(identity, permission)
    }
}

impl Authenticator for TokenPolicy {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>> {
        Box::pin(async move {
            let claims = self.verify(token.expose()).await.map_err(into_error)?;
            Ok(identity(&claims, token))
        })
    }
}
