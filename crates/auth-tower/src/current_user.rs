use std::fmt;

use auth_core::{Decision, Identity, Permission, Principal, Role};
use http::Extensions;

use crate::access::Access;
use crate::refusal::Refusal;

/// Who made the request: an [`Identity`], and what one may ask about it.
///
/// With the `axum` feature it is an extractor. A handler that takes a `CurrentUser` answers 401
/// where a request carries no token, and 500 `auth_layer_missing` where no
/// [`AuthLayer`](crate::AuthLayer) covers the route; one that takes an `Option<CurrentUser>` runs
/// for anonymous requests too, if the layer allows them.
///
/// # Example: a requirement in a handler
///
/// ```
/// use auth_tower::{CurrentUser, Refusal};
///
/// async fn report(user: CurrentUser) -> Result<String, Refusal> {
///     user.require_role("auditor").await?; // answers 403, or 503 if nobody could say
///     Ok(format!("report for {}", user.subject()))
/// }
/// ```
#[derive(Clone)]
pub struct CurrentUser {
    identity: Identity,
    access: Access,
}

impl CurrentUser {
    /// Takes the user from a request's extensions: what the extractor does, for services without
    /// axum.
    ///
    /// # Errors
    ///
    /// [`Refusal::AuthLayerMissing`] if no layer has looked at the request,
    /// [`Refusal::MissingToken`] if it carried no credentials.
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, Refusal> {
        let access = Access::of(extensions)?.clone();
        let identity = access.identity()?.clone();
        Ok(Self { identity, access })
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        self.identity.principal()
    }

    /// The identifier that is unique within the issuer.
    pub fn subject(&self) -> &str {
        self.identity.subject()
    }

    /// The name the user logs in with, as far as the token told it.
    pub fn username(&self) -> Option<&str> {
        self.identity.principal().username()
    }

    /// The proof of who it is. Its roles are those of the token; [`has_role`](Self::has_role) asks
    /// whoever knows them.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the user has the role, asked of whoever the layer was told to ask.
    pub async fn has_role(&self, role: impl Into<Role>) -> Decision {
        let role = role.into();
        self.access.authorizer.has_role(&self.identity, &role).await
    }

    /// Goes on only if the user has the role.
    ///
    /// # Errors
    ///
    /// The refusal that is due.
    pub async fn require_role(&self, role: impl Into<Role>) -> Result<(), Refusal> {
        let refused = Refusal::unless_granted(self.has_role(role).await);
        refused.inspect_err(Refusal::trace)
    }

    /// Goes on only if the user has the permission.
    ///
    /// # Errors
    ///
    /// The refusal that is due.
    pub async fn require_permission(
        &self,
        permission: impl Into<Permission>,
    ) -> Result<(), Refusal> {
        let refused = Refusal::unless_granted(self.has_permission(permission).await);
        refused.inspect_err(Refusal::trace)
    }

    /// Whether the user has the permission, asked of whoever the layer was told to ask.
    pub async fn has_permission(&self, permission: impl Into<Permission>) -> Decision {
        let permission = permission.into();
        let authorizer = &self.access.authorizer;
        authorizer.has_permission(&self.identity, &permission).await
    }
}

impl fmt::Debug for CurrentUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentUser").field(&self.identity).finish()
    }
}
