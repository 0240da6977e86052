use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use auth_core::{Authenticator, Authorizer, BoxFuture, CorrelationId, Identity, RequestContext};
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::access::Access;
use crate::bearer::Credentials;
use crate::body::GuardedBody;
use crate::context_layer::RequestSpan;
use crate::refusal::{Refusal, Rewrite};
use crate::token_from::{self, TokenFrom};

/// Authenticates every request that passes: no token, no way in.
///
/// It takes the bearer token from the `Authorization` header, or from where
/// [`token_from`](Self::token_from) says, has it judged, and opens a [`RequestContext`] that everything behind it runs in. What it finds is what
/// [`RequireRole`](crate::RequireRole) and [`CurrentUser`](crate::CurrentUser) go by.
///
/// The correlation id is that of the context the request already runs in, otherwise the request's
/// own if it has a usable one, otherwise a new one.
///
/// # Order
///
/// It has to run before the layers that require something, and the two usual ways to add layers
/// have opposite orders. `Router::layer` of axum puts each layer around those before it, so the
/// one added last runs first; tower's `ServiceBuilder` runs the one added first:
///
/// ```
/// use auth_tower::{AuthLayer, ContextLayer, RequireRole};
/// use axum::{Router, routing::get};
/// use tower::ServiceBuilder;
///
/// # fn routers(auth: AuthLayer) {
/// let router: Router = Router::new()
///     .route("/", get(async || "hello"))
///     .layer(RequireRole::new("admin"))
///     .layer(auth.clone())
///     .layer(ContextLayer::new()); // runs first
///
/// let layers = ServiceBuilder::new()
///     .layer(ContextLayer::new()) // runs first
///     .layer(auth)
///     .layer(RequireRole::new("admin"));
/// let same: Router = Router::new().route("/", get(async || "hello")).layer(layers);
/// # }
/// ```
///
/// In the wrong order every request is answered with 500 `auth_layer_missing`.
#[derive(Clone)]
pub struct AuthLayer(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    authenticator: Arc<dyn Authenticator>,
    authorizer: Arc<dyn Authorizer>,
    realm: Option<Arc<str>>,
    anonymous: bool,
    places: Vec<TokenFrom>,
    rewrite: Option<Rewrite>,
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
            places: vec![TokenFrom::Header],
            rewrite: None,
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

    /// Sets the places where the token may stand, in place of the `Authorization` header alone.
    /// [`TokenFrom`] says what is dangerous about each. Without a place no request has a token.
    #[must_use]
    pub fn token_from(mut self, places: impl IntoIterator<Item = TokenFrom>) -> Self {
        Arc::make_mut(&mut self.0).places = places.into_iter().collect();
        self
    }

    /// Rewrites every refusal that passes the layer: its own, and those of the requirements,
    /// extractors and handlers inside. The function gets the response as it would be sent; the
    /// status and the challenge stay as the function leaves them.
    ///
    /// A refusal is also in the extensions of its response, for layers further out.
    ///
    /// # Example: a body of one's own
    ///
    /// ```
    /// use auth_tower::AuthLayer;
    /// use http::{HeaderValue, header::CONTENT_TYPE};
    ///
    /// # fn layer(layer: AuthLayer) -> AuthLayer {
    /// layer.map_refusal(|refusal, mut response| {
    ///     let text = HeaderValue::from_static("text/plain");
    ///     response.headers_mut().insert(CONTENT_TYPE, text);
    ///     response.map(|_| format!("no: {}", refusal.code()).into())
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn map_refusal(
        mut self,
        rewrite: impl Fn(&Refusal, Response<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.0).rewrite = Some(Arc::new(rewrite));
        self
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("realm", &self.0.realm)
            .field("anonymous", &self.0.anonymous)
            .field("places", &self.0.places)
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
{
    type Response = Response<GuardedBody<ResponseBody>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

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
            let (credentials, in_query) = settings.take_credentials(&mut request);
            let identity = match settings.authenticate(credentials).await {
                Ok(identity) => identity,
                Err(refusal) => {
                    refusal.trace();
                    let mut response = refusal.into_response(None);
                    settings.finish(&mut response);
                    return Ok(response);
                }
            };
            let context = match &identity {
                Some(identity) => context.with_principal(identity.principal().clone()),
                None => context,
            };
            if let (Some(identity), Some(span)) = (&identity, request.extensions().get()) {
                let RequestSpan(span) = span;
                span.record("subject", identity.subject());
            }
            request.extensions_mut().insert(Access {
                identity,
                authorizer: Arc::clone(&settings.authorizer),
            });
            let response = context.clone().enter(|| inner.call(request));
            let response = context.clone().scope(response).await?;
            let mut response = GuardedBody::wrap(response);
            context.enter(|| settings.finish(&mut response));
            if in_query && !response.headers().contains_key(CACHE_CONTROL) {
                let private = HeaderValue::from_static("private");
                response.headers_mut().insert(CACHE_CONTROL, private);
            }
            Ok(response)
        }))
    }
}

impl Settings {
    /// The credentials of a request, and whether they stood in its query.
    fn take_credentials<B>(&self, request: &mut Request<B>) -> (Credentials, bool) {
        let method = request.method().clone();
        let mut uri = std::mem::take(request.uri_mut());
        let found = token_from::take(&self.places, &method, &mut uri, request.headers_mut());
        *request.uri_mut() = uri;
        (found.credentials, found.in_query)
    }

    /// Completes a refusal, also one from further in: names the realm, which is known only here,
    /// and lets the service rewrite it.
    fn finish<B>(&self, response: &mut Response<GuardedBody<B>>) {
        Refusal::name_realm(response, self.realm.as_deref());
        if let Some(rewrite) = &self.rewrite {
            Refusal::rewrite(response, rewrite);
        }
    }

    /// Who it is; `None` for a request without credentials, where that is allowed.
    async fn authenticate(&self, credentials: Credentials) -> Result<Option<Identity>, Refusal> {
        match credentials {
            Credentials::Bearer(token) => {
                let identity = self.authenticator.authenticate(&token).await?;
                Ok(Some(identity))
            }
            Credentials::None if self.anonymous => Ok(None),
            Credentials::None | Credentials::OtherScheme => Err(Refusal::MissingToken),
            Credentials::Malformed => Err(Refusal::MalformedCredentials),
            Credentials::CrossOrigin => Err(Refusal::CrossOrigin),
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
