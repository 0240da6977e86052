use std::sync::Arc;

use auth_core::identity::{Evidence, vouch};
use auth_core::{
    AuthenticationError, Authenticator, Authorizer, BoxFuture, Clock, Decision, Identity,
    Permission, Principal, Role, Secret, SystemClock,
};

use crate::claims::Claims;
use crate::compact::Compact;
use crate::jws;
use crate::key_set::KeySet;
use crate::key_source::KeySource;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// Checks tokens against a [`Policy`], with the keys of a [`KeySource`].
///
/// Cheap to clone. Also an [`Authenticator`] and an [`Authorizer`]: as the latter it knows the
/// roles and scopes the token itself carried, and nothing else.
///
/// # Example: keys that are known beforehand
///
/// ```
/// use auth_jwt::{KeySet, Policy, Rejection, StaticKeys, Verifier};
///
/// let policy = Policy::builder("https://issuer.test", "my-api").build()?;
/// let keys = KeySet::from_jwks(br#"{"keys":[]}"#)?;
/// let verifier = Verifier::new(policy, StaticKeys::new(keys));
///
/// let rejection = verifier.verify_with_known_keys("no token").unwrap_err();
/// assert_eq!(rejection.code(), "malformed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    policy: Arc<Policy>,
    keys: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Takes the policy and the keys; the time is the machine's.
    pub fn new(policy: Policy, keys: impl KeySource + 'static) -> Self {
        Self {
            policy: Arc::new(policy),
            keys: Arc::new(keys),
            clock: Arc::new(SystemClock),
        }
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Verifies a token. If it names a key that is not known, newer keys are asked for once.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]; only [`Rejection::KeysUnavailable`] leaves open whether the token is good.
    pub async fn verify(&self, token: &str) -> Result<Claims, Rejection> {
        let compact = self.screen(token)?;
        match self.judge(&compact, &self.keys.snapshot()) {
            Err(Rejection::UnknownKey) => {
                let kid = compact.header.kid.as_deref();
                let refreshed = self.keys.refresh(kid).await;
                refreshed.map_err(Rejection::KeysUnavailable)?;
                self.judge(&compact, &self.keys.snapshot())
            }
            verdict => verdict,
        }
    }

    /// Verifies a token with the keys at hand, without waiting and without asking for newer ones.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]. A key that exists but has not been fetched yet is
    /// [`Rejection::UnknownKey`] here.
    pub fn verify_with_known_keys(&self, token: &str) -> Result<Claims, Rejection> {
        let compact = self.screen(token)?;
        self.judge(&compact, &self.keys.snapshot())
    }

    /// What can be said before a key is looked for.
    fn screen<'t>(&self, token: &'t str) -> Result<Compact<'t>, Rejection> {
        let compact = Compact::parse(token, self.policy.max_token_bytes())?;
        self.policy.check_header(&compact.header)?;
        Ok(compact)
    }

    /// The signature first: nothing in the payload is looked at before it is known whose it is.
    fn judge(&self, compact: &Compact<'_>, keys: &KeySet) -> Result<Claims, Rejection> {
        jws::check_signature(compact, keys)?;
        let policy = &*self.policy;
        let claims = Claims::parse(compact.payload()?, policy.roles_from(), policy.required())?;
        policy.check_claims(&claims, self.clock.unix_now())?;
        Ok(claims)
    }
}

impl Authenticator for Verifier {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>> {
        Box::pin(async move {
            let claims = self.verify(token.expose()).await.map_err(into_error)?;
            Ok(identity(&claims, token.clone()))
        })
    }
}

/// Answers from the token itself: its roles (from the claims the policy names), and its scopes as
/// permissions.
impl Authorizer for Verifier {
    fn has_role<'a>(&'a self, identity: &'a Identity, role: &'a Role) -> BoxFuture<'a, Decision> {
        let granted = identity.roles().contains(role);
        Box::pin(std::future::ready(granted.into()))
    }

    fn has_permission<'a>(
        &'a self,
        identity: &'a Identity,
        permission: &'a Permission,
    ) -> BoxFuture<'a, Decision> {
        let granted = identity.permissions().contains(permission);
        Box::pin(std::future::ready(granted.into()))
    }
}

fn into_error(rejection: Rejection) -> AuthenticationError {
    let (code, message) = (rejection.code(), rejection.to_string());
    if rejection.is_undetermined() {
        AuthenticationError::unavailable(code, message)
    } else {
        AuthenticationError::rejected(code, message)
    }
}

/// The one place in this crate that vouches; the claims can only come from [`Verifier::verify`].
fn identity(claims: &Claims, bearer: Secret) -> Identity {
    let mut principal = Principal::builder(claims.subject());
    if let Some(issuer) = claims.issuer() {
        principal = principal.issuer(issuer);
    }
    if let Some(username) = claims.username() {
        principal = principal.username(username);
    }
    if let Some(email) = claims.email() {
        principal = principal.email(email);
    }
    if let Some(session_id) = claims.session_id() {
        principal = principal.session_id(session_id);
    }
    if let Some(client_id) = claims.client_id() {
        principal = principal.client_id(client_id);
    }
    vouch(
        Evidence::new(principal.build(), bearer)
            .expires_at(claims.expires_at())
            .roles(claims.roles().iter().cloned())
            .permissions(claims.scopes().map(Permission::from))
            .claims(claims.as_json()),
    )
}
