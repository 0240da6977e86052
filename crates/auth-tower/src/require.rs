use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use auth_core::{Authorizer, BoxFuture, Decision, Identity, Permission, Role};
use http::{Extensions, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::access::Access;
use crate::body::GuardedBody;
use crate::refusal::Refusal;

/// Lets those through who have a role; see [`Require`].
///
/// # Example: one of two roles
///
/// ```
/// use auth_tower::RequireRole;
///
/// let layer = RequireRole::any(["admin", "auditor"]);
/// # let _ = layer;
/// ```
pub type RequireRole = Require<Role>;

/// Lets those through who have a permission; see [`Require`].
///
/// # Example: two permissions at once
///
/// ```
/// use auth_tower::RequirePermission;
///
/// let layer = RequirePermission::all(["orders:read", "orders:write"]);
/// # let _ = layer;
/// ```
pub type RequirePermission = Require<Permission>;

/// Lets those through who were granted something: a [`Role`] or a [`Permission`].
///
/// Runs after an [`AuthLayer`](crate::AuthLayer), whose page shows the order, and uses the authorizer of that layer. Where
/// no such layer covers the route the answer is 500 `auth_layer_missing`; an unknown decision is 503
/// and never a way in.
#[derive(Debug)]
pub struct Require<G>(Arc<Requirement<G>>);

impl<G> Clone for Require<G> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Requirement<G> {
    grants: Vec<G>,
    all: bool,
}

/// What can be required: roles and permissions.
pub trait Grant: sealed::Grant {}

impl Grant for Role {}
impl Grant for Permission {}

impl<G: Grant> Require<G> {
    /// Requires this one.
    pub fn new(grant: impl Into<G>) -> Self {
        Self::any([grant])
    }

    /// Requires at least one of these. An empty list lets nobody through.
    pub fn any<I: Into<G>>(grants: impl IntoIterator<Item = I>) -> Self {
        Self::requirement(grants, false)
    }

    /// Requires every one of these. An empty list lets nobody through: a requirement that requires
    /// nothing is a mistake (contract miso §13 A16).
    pub fn all<I: Into<G>>(grants: impl IntoIterator<Item = I>) -> Self {
        Self::requirement(grants, true)
    }

    fn requirement<I: Into<G>>(grants: impl IntoIterator<Item = I>, all: bool) -> Self {
        let mut once: Vec<G> = Vec::new();
        for grant in grants.into_iter().map(Into::into) {
            if !once.contains(&grant) {
                once.push(grant);
            }
        }
        Self(Arc::new(Requirement { grants: once, all }))
    }
}

impl<G, S> Layer<S> for Require<G> {
    type Service = RequireService<S, G>;

    fn layer(&self, inner: S) -> RequireService<S, G> {
        RequireService {
            requirement: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service a [`Require`] layer makes of another.
pub struct RequireService<S, G> {
    requirement: Arc<Requirement<G>>,
    inner: S,
}

impl<S: Clone, G> Clone for RequireService<S, G> {
    fn clone(&self) -> Self {
        Self {
            requirement: Arc::clone(&self.requirement),
            inner: self.inner.clone(),
        }
    }
}

impl<S, G: fmt::Debug> fmt::Debug for RequireService<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireService")
            .field("requirement", &self.requirement)
            .finish_non_exhaustive()
    }
}

impl<S, G, RequestBody, ResponseBody> Service<Request<RequestBody>> for RequireService<S, G>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    G: Grant,
    RequestBody: Send + 'static,
{
    type Response = Response<GuardedBody<ResponseBody>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        // The clone may not be ready; the one that was polled is.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let requirement = Arc::clone(&self.requirement);
        Box::pin(async move {
            match requirement.check(request.extensions()).await {
                Ok(()) => inner.call(request).await.map(GuardedBody::wrap),
                Err(refusal) => {
                    refusal.trace();
                    Ok(refusal.into_response(None))
                }
            }
        })
    }
}

impl<G: Grant> Requirement<G> {
    async fn check(&self, extensions: &Extensions) -> Result<(), Refusal> {
        let access = Access::of(extensions)?.clone();
        let identity = access.identity()?;
        let mut decision = None;
        for grant in &self.grants {
            let next = grant.decide(&*access.authorizer, identity).await;
            let so_far = match decision {
                None => next,
                Some(so_far) if self.all => Decision::and(so_far, next),
                Some(so_far) => so_far.or(next),
            };
            // What settles it settles it: no further question could change the answer.
            let settled = if self.all {
                so_far == Decision::Denied
            } else {
                so_far == Decision::Granted
            };
            decision = Some(so_far);
            if settled {
                break;
            }
        }
        Refusal::unless_granted(decision.unwrap_or(Decision::Denied))
    }
}

mod sealed {
    use super::{Authorizer, BoxFuture, Decision, Identity, Permission, Role, fmt};

    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Grant: PartialEq + fmt::Debug + Send + Sync + 'static {
        /// Whether the user has it, asked of the authorizer.
        fn decide<'a>(
            &'a self,
            authorizer: &'a dyn Authorizer,
            identity: &'a Identity,
        ) -> BoxFuture<'a, Decision>;
    }

    impl Grant for Role {
        fn decide<'a>(
            &'a self,
            authorizer: &'a dyn Authorizer,
            identity: &'a Identity,
        ) -> BoxFuture<'a, Decision> {
            authorizer.has_role(identity, self)
        }
    }

    impl Grant for Permission {
        fn decide<'a>(
            &'a self,
            authorizer: &'a dyn Authorizer,
            identity: &'a Identity,
        ) -> BoxFuture<'a, Decision> {
            authorizer.has_permission(identity, self)
        }
    }
}
