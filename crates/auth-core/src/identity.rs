//! The proof that somebody was authenticated.
//!
//! Everything that decides or remembers something about a user takes an [`Identity`], never a
//! token and never a subject: an answer looked up by the `sub` of a token nobody verified is an
//! answer for whoever forged it. An identity has private fields, no `Deserialize`, and one
//! constructor, [`vouch`]. The layer check of this workspace (`cargo xtask check-layers`) refuses
//! a call of it outside the crates that verify.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::{Permission, Principal, Role, Secret, UnixTime};

/// Somebody whose credential was verified, and what was verified about them.
///
/// Cheap to clone. `Debug` shows the principal and never the bearer token or the claims.
///
/// # Example: nobody else can make one
///
/// ```compile_fail
/// use auth_core::identity::Evidence;
/// use auth_core::{Identity, Principal, Secret};
///
/// // The field is private …
/// let evidence = Evidence::new(Principal::builder("admin").build(), Secret::from("x"));
/// let forged = Identity(std::sync::Arc::new(evidence));
/// ```
///
/// ```compile_fail
/// // … a document cannot become one …
/// let forged: auth_core::Identity = serde_json::from_str(r#"{"subject":"admin"}"#).unwrap();
/// ```
///
/// ```compile_fail
/// // … and there is no default.
/// let forged = auth_core::Identity::default();
/// ```
#[derive(Clone)]
pub struct Identity(Arc<Evidence>);

impl Identity {
    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// The identifier that is unique within the issuer; short for `principal().subject()`.
    pub fn subject(&self) -> &str {
        self.0.principal.subject()
    }

    /// The credential this identity was proven with. Providers fetch grants with it.
    pub fn bearer(&self) -> &Secret {
        &self.0.bearer
    }

    /// When the credential ends, if it says so. Nothing may be remembered beyond it.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.0.expires_at
    }

    /// The roles the credential itself carried. A provider may know more, and later.
    pub fn roles(&self) -> &[Role] {
        &self.0.roles
    }

    /// The permissions the credential itself carried. A provider may know more, and later.
    pub fn permissions(&self) -> &[Permission] {
        &self.0.permissions
    }

    /// Reads the verified claims as `T`, or `None` if the credential carried no claims.
    ///
    /// # Errors
    ///
    /// What serde says if the claims do not fit `T`. The message may name fields and types; it may
    /// also quote a value, so treat it as you treat the claims.
    pub fn claims<T: DeserializeOwned>(&self) -> Option<Result<T, serde_json::Error>> {
        self.0.claims.as_deref().map(serde_json::from_str)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("subject", &self.subject())
            .field("issuer", &self.0.principal.issuer())
            .field("roles", &self.0.roles)
            .field("permissions", &self.0.permissions)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}

/// What a verifier has established, ready to be vouched for.
///
/// Evidence proves nothing by itself; anybody can build it. [`vouch`] makes it an identity.
pub struct Evidence {
    principal: Principal,
    bearer: Secret,
    expires_at: Option<UnixTime>,
    roles: Box<[Role]>,
    permissions: Box<[Permission]>,
    claims: Option<Box<str>>,
}

impl Evidence {
    /// Starts with who it is and the credential that was verified.
    pub fn new(principal: Principal, bearer: Secret) -> Self {
        Self {
            principal,
            bearer,
            expires_at: None,
            roles: Box::default(),
            permissions: Box::default(),
            claims: None,
        }
    }

    /// Sets when the credential ends.
    #[must_use]
    pub fn expires_at(mut self, at: UnixTime) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Sets the roles the credential carried.
    #[must_use]
    pub fn roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles = roles.into_iter().collect();
        self
    }

    /// Sets the permissions the credential carried.
    #[must_use]
    pub fn permissions(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.permissions = permissions.into_iter().collect();
        self
    }

    /// Sets the verified claims, as JSON text.
    #[must_use]
    pub fn claims(mut self, json: impl Into<Box<str>>) -> Self {
        self.claims = Some(json.into());
        self
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("subject", &self.principal.subject())
            .finish_non_exhaustive()
    }
}

/// Turns evidence into an identity.
///
/// Whoever calls this states: *I have verified the credential, here and now*. Only `auth-jwt`, the
/// provider crates and `auth-testkit` may; `cargo xtask check-layers` refuses a call anywhere
/// else in this workspace. If you write a provider of your own, this is the line to review.
pub fn vouch(evidence: Evidence) -> Identity {
    Identity(Arc::new(evidence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_principal_and_neither_bearer_nor_claims() {
        let identity = vouch(
            Evidence::new(
                Principal::builder("u1").email("ada@example.test").build(),
                Secret::from("eyJ.planted.token"),
            )
            .roles([Role::from("admin")])
            .claims(r#"{"sub":"u1","nonce":"planted-claim"}"#),
        );
        let text = format!("{identity:?} {identity:#?}");
        assert!(text.contains("u1"), "{text}");
        for planted in ["eyJ", "planted", "ada@"] {
            assert!(!text.contains(planted), "{text}");
        }
    }

    #[test]
    fn claims_are_read_into_a_type_of_the_callers() {
        #[derive(serde::Deserialize)]
        struct Tenant {
            tenant: String,
        }
        let evidence = || Evidence::new(Principal::builder("u1").build(), Secret::from("t"));
        let identity = vouch(evidence().claims(r#"{"tenant":"acme"}"#));
        assert_eq!(identity.claims::<Tenant>().unwrap().unwrap().tenant, "acme");
        assert!(vouch(evidence()).claims::<Tenant>().is_none());
    }
}
