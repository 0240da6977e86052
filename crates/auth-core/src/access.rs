use std::borrow::Cow;
use std::sync::Arc;

use crate::{BoxFuture, Decision, Identity, Permission, Principal, Reason, Role, Secret};

/// Judges a bearer token. `auth-tower` asks it; `auth_jwt::Verifier` and the facade answer.
pub trait Authenticator: Send + Sync {
    /// Verifies the token and says whose it is.
    ///
    /// The future resolves to an [`AuthenticationError`] that tells a refusal (the token is bad)
    /// from an outage (nobody could judge it). An implementation fails closed: what it cannot
    /// judge is an error.
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>>;
}

/// Says what an authenticated user may do. The same types that implement [`Authenticator`]
/// implement this one.
pub trait Authorizer: Send + Sync {
    /// Whether the user has the role.
    fn has_role<'a>(&'a self, identity: &'a Identity, role: &'a Role) -> BoxFuture<'a, Decision>;

    /// Whether the user has the permission.
    fn has_permission<'a>(
        &'a self,
        identity: &'a Identity,
        permission: &'a Permission,
    ) -> BoxFuture<'a, Decision>;
}

/// A service that knows users: it judges their tokens and tells what they were granted.
///
/// The facade caches and decides; an implementation asks its service each time it is called. The
/// methods resolve to [`AuthenticationError::Rejected`] if the service refuses the user's token,
/// and to [`AuthenticationError::Unavailable`] if it gave no usable answer.
pub trait IdentityProvider: Authenticator {
    /// A short name for logs and cache keys, such as `miso`.
    fn name(&self) -> &'static str;

    /// What sets apart the grants of one application from those of another that shares a cache:
    /// environment and client, for instance (contract miso §13 A11).
    fn scope(&self) -> &str;

    /// What the service says of the user now.
    fn user<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>>;

    /// The roles the user has now.
    fn roles<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Vec<Role>, AuthenticationError>>;

    /// The permissions the user has now.
    fn permissions<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Vec<Permission>, AuthenticationError>>;
}

impl<T: Authenticator + ?Sized> Authenticator for Arc<T> {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>> {
        (**self).authenticate(token)
    }
}

impl<T: Authorizer + ?Sized> Authorizer for Arc<T> {
    fn has_role<'a>(&'a self, identity: &'a Identity, role: &'a Role) -> BoxFuture<'a, Decision> {
        (**self).has_role(identity, role)
    }

    fn has_permission<'a>(
        &'a self,
        identity: &'a Identity,
        permission: &'a Permission,
    ) -> BoxFuture<'a, Decision> {
        (**self).has_permission(identity, permission)
    }
}

impl<T: IdentityProvider + ?Sized> IdentityProvider for Arc<T> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn scope(&self) -> &str {
        (**self).scope()
    }

    fn user<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        (**self).user(identity)
    }

    fn roles<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Vec<Role>, AuthenticationError>> {
        (**self).roles(identity)
    }

    fn permissions<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Vec<Permission>, AuthenticationError>> {
        (**self).permissions(identity)
    }
}

/// Why a token did not become an [`Identity`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The token was judged and refused. Another attempt with it will be refused too.
    #[error("the token was refused: {0}")]
    Rejected(Reason),

    /// Nobody could judge the token. Another attempt may succeed later.
    #[error("the token could not be judged: {0}")]
    Unavailable(Reason),
}

impl AuthenticationError {
    /// A refusal.
    pub fn rejected(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Rejected(Reason::new(code, message))
    }

    /// An outage.
    pub fn unavailable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable(Reason::new(code, message))
    }

    /// The code and the sentence.
    pub fn reason(&self) -> &Reason {
        match self {
            Self::Rejected(reason) | Self::Unavailable(reason) => reason,
        }
    }
}
