use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use auth_core::{BoxFuture, Decision, Role};
use bytes::Bytes;
use http::{Extensions, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::access::Access;
use crate::refusal::Refusal;

/// Lets those through who have a role.
///
/// Goes behind an [`AuthLayer`](crate::AuthLayer), and asks whoever that layer was told to ask
/// about roles. Where no such layer covers the route the answer is 500 `auth_layer_missing`; an
/// unknown decision is 503 and never a way in.
///
/// # Example: one of two roles
///
/// ```
/// use auth_tower::RequireRole;
///
/// let layer = RequireRole::any(["admin", "auditor"]);
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct RequireRole(Arc<Requirement>);

#[derive(Debug)]
struct Requirement {
    roles: Box<[Role]>,
    all: bool,
}

impl RequireRole {
    /// Requires this role.
    pub fn new(role: impl Into<Role>) -> Self {
        Self::any([role])
    }

    /// Requires at least one of these roles. An empty list lets nobody through.
    pub fn any<R: Into<Role>>(roles: impl IntoIterator<Item = R>) -> Self {
        Self::requirement(roles, false)
    }

    /// Requires every one of these roles. An empty list lets nobody through: a requirement that
    /// requires nothing is a mistake (contract miso §13 A16).
    pub fn all<R: Into<Role>>(roles: impl IntoIterator<Item = R>) -> Self {
        Self::requirement(roles, true)
    }

    fn requirement<R: Into<Role>>(roles: impl IntoIterator<Item = R>, all: bool) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        Self(Arc::new(Requirement { roles, all }))
    }
}

impl<S> Layer<S> for RequireRole {
    type Service = RequireRoleService<S>;

    fn layer(&self, inner: S) -> RequireRoleService<S> {
        RequireRoleService {
            requirement: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service a [`RequireRole`] layer makes of another.
#[derive(Clone)]
pub struct RequireRoleService<S> {
    requirement: Arc<Requirement>,
    inner: S,
}

impl<S> fmt::Debug for RequireRoleService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireRoleService")
            .field("requirement", &self.requirement)
            .finish_non_exhaustive()
    }
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for RequireRoleService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    RequestBody: Send + 'static,
    ResponseBody: From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

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
                Ok(()) => inner.call(request).await,
                Err(refusal) => {
                    refusal.trace();
                    let access = Access::of(request.extensions()).ok();
                    let realm = access.and_then(|access| access.realm.as_deref());
                    Ok(refusal.into_response(realm))
                }
            }
        })
    }
}

impl Requirement {
    async fn check(&self, extensions: &Extensions) -> Result<(), Refusal> {
        let access = Access::of(extensions)?.clone();
        let identity = access.identity()?;
        let mut decision = None;
        for role in &self.roles {
            let next = access.authorizer.has_role(identity, role).await;
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
