use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, Role, Secret};
use auth_jwt::mint::{MintError, SigningKey};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::user::User;

/// A token in the making: what the issuer would say of the user, until it is told otherwise.
///
/// # Example: a token that has expired, and one that was never the issuer's
///
/// ```
/// use std::time::Duration;
/// use auth_jwt::{Algorithm, mint::SigningKey};
/// use auth_testkit::{OidcIssuer, User};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = OidcIssuer::builder().user(User::new("ada", "correct horse")).start().await?;
///
/// let expired = issuer.token("ada")?.expired_for(Duration::from_secs(120)).sign()?;
///
/// let forger = SigningKey::generate(Algorithm::ES256)?.with_kid(issuer.current_kid());
/// let forged = issuer.token("ada")?.sign_with(&forger)?;
/// # let _ = (expired, forged);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenBuilder {
    claims: Map<String, Value>,
    issued_at: i64,
    key: Arc<SigningKey>,
}

impl TokenBuilder {
    pub(super) fn new(
        user: &User,
        issuer: &str,
        audience: &str,
        lifetime: Duration,
        clock: &dyn Clock,
        key: Arc<SigningKey>,
    ) -> Self {
        let issued_at = clock.unix_now().as_secs();
        let roles: Vec<_> = user.roles().iter().map(Role::as_str).collect();
        let mut builder = Self {
            claims: Map::new(),
            issued_at,
            key,
        }
        .claim("iss", issuer)
        .claim("aud", audience)
        .claim("sub", user.subject_id())
        .claim("iat", issued_at)
        .claim("jti", Uuid::new_v4().to_string())
        .claim("sid", Uuid::new_v4().to_string())
        .claim("typ", "Bearer")
        .claim("azp", audience)
        .claim("scope", "openid profile email")
        .claim("preferred_username", user.username())
        .claim("realm_access", json!({ "roles": roles }))
        .expires_in(lifetime);
        if let Some(email) = user.email_address() {
            builder = builder.claim("email", email);
        }
        builder
    }

    /// Sets a claim.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Leaves a claim out.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets the roles of the realm.
    pub fn roles<'r>(self, roles: impl IntoIterator<Item = &'r str>) -> Self {
        let roles: Vec<_> = roles.into_iter().collect();
        self.claim("realm_access", json!({ "roles": roles }))
    }

    /// Makes the token end this long after the issuer's present time.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        let exp = self.issued_at.saturating_add_unsigned(lifetime.as_secs());
        self.claim("exp", exp)
    }

    /// Makes the token one that ended this long ago, after living for five minutes.
    pub fn expired_for(self, ago: Duration) -> Self {
        let exp = self.issued_at.saturating_sub_unsigned(ago.as_secs());
        self.claim("exp", exp).claim("iat", exp - 300)
    }

    /// The claims as they stand.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Signs with the issuer's current key.
    ///
    /// # Errors
    ///
    /// If the signature cannot be made.
    pub fn sign(&self) -> Result<Secret, MintError> {
        self.key.sign(&self.claims)
    }

    /// Signs with another key: a forger's.
    ///
    /// # Errors
    ///
    /// If the signature cannot be made.
    pub fn sign_with(&self, key: &SigningKey) -> Result<Secret, MintError> {
        key.sign(&self.claims)
    }
}
