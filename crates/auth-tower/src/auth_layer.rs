use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use auth_core::{Authenticator, Authorizer, BoxFuture, CorrelationId, Identity, RequestContext};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::access::Access;
use crate::bearer::{self, Credentials};
use crate::refusal::Refusal;

/// Authenticates every request that passes: no token, no way in.
///
/// It takes the bearer token from the `Authorization` header (and from nowhere else), has it
/// judged, and opens a [`RequestContext`] that everything behind it runs in. What it finds is what
/// [`RequireRole`](crate::RequireRole) and [`CurrentUser`](crate::CurrentUser) go by.
///
/// The correlation id is that of the context the request already runs in, otherwise the request's
/// own if it has a usable one, otherwise a new one.
///
/// Add it *after* the layers that require something: the layer added last is asked first.
#[derive(Clone)]
pub struct AuthLayer(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    authenticator: Arc<dyn Authenticator>,
    authorizer: Arc<dyn Authorizer>,
    realm: Option<Arc<str>>,
    anonymous: bool,
}

impl AuthLayer {
    /// Asks one service both who it is and what they may: a `Verifier`, or the facade.
    pub fn new(service: impl Authenticator + Authorizer + 'static) -> Self {
        let service = Arc::new(service);
        Self::with_authorizer(Arc::clone(&service), service)
    }

    /// Asks one service who it is, and another what they may.
    pub fn with_authorizer(
        authenticator: impl Authenticator + 'static,
        authorizer: impl Authorizer + 'static,
    ) -> Self {
        Self(Arc::new(Settings {
            authenticator: Arc::new(authenticator),
            authorizer: Arc::new(authorizer),
            realm: None,
            anonymous: false,
        }))
    }

    /// Sets the protection space that challenges name (RFC 9110 §11.5).
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        Arc::make_mut(&mut self.0).realm = Some(realm.into());
        self
    }

    /// Lets requests through that carry no credentials at all; what requires something still
    /// refuses them, and a token that is presented must still be good.
    #[must_use]
    pub fn allow_anonymous(mut self) -> Self {
        Arc::make_mut(&mut self.0).anonymous = true;
        self
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("realm", &self.0.realm)
            .field("anonymous", &self.0.anonymous)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService {
            settings: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service an [`AuthLayer`] makes of another.
#[derive(Clone)]
pub struct AuthService<S> {
    settings: Arc<Settings>,
    inner: S,
}

impl<S> fmt::Debug for AuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").finish_non_exhaustive()
    }
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for AuthService<S>
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

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        // The clone may not be ready; the one that was polled is.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let settings = Arc::clone(&self.settings);
        let context = context_of(&request);
        Box::pin(context.clone().scope(async move {
            let realm = settings.realm.as_deref();
            let identity = match settings.authenticate(request.headers_mut()).await {
                Ok(identity) => identity,
                Err(refusal) => {
                    refusal.trace();
                    return Ok(refusal.into_response(realm));
                }
            };
            let context = match &identity {
                Some(identity) => context.with_principal(identity.principal().clone()),
                None => context,
            };
            request.extensions_mut().insert(Access {
                identity,
                authorizer: Arc::clone(&settings.authorizer),
            });
            let response = context.clone().enter(|| inner.call(request));
            let mut response = context.scope(response).await?;
            // What was refused further in was refused without knowing the realm.
            Refusal::name_realm(&mut response, realm);
            Ok(response)
        }))
    }
}

impl Settings {
    /// Who it is; `None` for a request without credentials, where that is allowed.
    async fn authenticate(&self, headers: &mut HeaderMap) -> Result<Option<Identity>, Refusal> {
        match bearer::take(headers) {
            Credentials::Bearer(token) => {
                let identity = self.authenticator.authenticate(&token).await?;
                Ok(Some(identity))
            }
            Credentials::None if self.anonymous => Ok(None),
            Credentials::None | Credentials::OtherScheme => Err(Refusal::MissingToken),
            Credentials::Malformed => Err(Refusal::MalformedCredentials),
        }
    }
}

/// What is known of the request before anybody was authenticated. Of the context it may already run
/// in, only the correlation id is taken: the rest is somebody else's request, or somebody else's
/// user.
fn context_of<B>(request: &Request<B>) -> RequestContext {
    let id = RequestContext::current()
        .map(|context| context.correlation_id().clone())
        .or_else(|| CorrelationId::from_headers(request.headers()))
        .unwrap_or_else(CorrelationId::random);
    RequestContext::builder(id)
        .method(request.method().clone())
        .path(request.uri().path())
        .build()
}
