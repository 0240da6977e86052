use std::fmt;
use std::ops::Deref;

use auth_core::{Decision, Identity, Permission, Role};
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
/// # Example: a decision in a handler
///
/// ```
/// use auth_core::Decision;
/// use auth_tower::CurrentUser;
/// use http::StatusCode;
///
/// async fn report(user: CurrentUser) -> StatusCode {
///     match user.has_role("auditor").await {
///         Decision::Granted => StatusCode::OK,
///         Decision::Denied => StatusCode::FORBIDDEN,
///         Decision::Unknown(_) => StatusCode::SERVICE_UNAVAILABLE,
///     }
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

    /// The name the user logs in with, as far as the token told it.
    pub fn username(&self) -> Option<&str> {
        self.identity.principal().username()
    }

    /// The proof of who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the user has the role, asked of whoever the layer was told to ask.
    pub async fn has_role(&self, role: impl Into<Role>) -> Decision {
        let role = role.into();
        self.access.authorizer.has_role(&self.identity, &role).await
    }

    /// Whether the user has the permission, asked of whoever the layer was told to ask.
    pub async fn has_permission(&self, permission: impl Into<Permission>) -> Decision {
        let permission = permission.into();
        let authorizer = &self.access.authorizer;
        authorizer.has_permission(&self.identity, &permission).await
    }
}

impl Deref for CurrentUser {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl fmt::Debug for CurrentUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentUser").field(&self.identity).finish()
    }
}
