use std::fmt;
use std::task::{Context, Poll};

use auth_core::{BoxFuture, CorrelationId, RequestContext};
use http::{HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;

/// Opens a [`RequestContext`] around every request, and states its correlation id in the response.
///
/// The correlation id is the request's own if it has a usable one, otherwise a new one. With an
/// audit trail, handlers may take a [`Log`](crate::Log). It should run first, so add it last with
/// `Router::layer` of axum, and first with tower's `ServiceBuilder`: an
/// [`AuthLayer`](crate::AuthLayer) inside takes over the correlation id and adds who it is.
///
/// Everything inside runs in a `tracing` span `request` of level `info` and the target
/// `auth_tower`, with the fields `correlation_id`, `method`, `path` and, once an `AuthLayer` has
/// authenticated the request, `subject`. So each event of a handler can be found by the correlation
/// id; `auth_tower=warn` in the filter leaves the span out.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ContextLayer {
    #[cfg(feature = "audit")]
    audit_log: Option<auth_audit::AuditLog>,
}

impl ContextLayer {
    /// A context and no audit trail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets handlers write to this audit trail.
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn audit_log(mut self, log: auth_audit::AuditLog) -> Self {
        self.audit_log = Some(log);
        self
    }
}

impl fmt::Debug for ContextLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = ContextService<S>;

    fn layer(&self, inner: S) -> ContextService<S> {
        ContextService {
            layer: self.clone(),
            inner,
        }
    }
}

/// The service a [`ContextLayer`] makes of another.
#[derive(Clone, Debug)]
pub struct ContextService<S> {
    #[cfg_attr(
        not(feature = "audit"),
        expect(dead_code, reason = "it only carries the trail")
    )]
    layer: ContextLayer,
    inner: S,
}

/// The span of a request, for the layer that learns who it is.
#[derive(Clone)]
pub(crate) struct RequestSpan(pub(crate) tracing::Span);

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for ContextService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        #[cfg(feature = "audit")]
        if let Some(log) = &self.layer.audit_log {
            request
                .extensions_mut()
                .insert(crate::log::Trail(log.clone()));
        }
        let id = CorrelationId::from_headers(request.headers());
        let id = id.unwrap_or_else(CorrelationId::random);
        let context = RequestContext::builder(id.clone())
            .method(request.method().clone())
            .path(request.uri().path())
            .build();
        let span = tracing::info_span!(
            target: "auth_tower",
            "request",
            correlation_id = id.as_str(),
            method = request.method().as_str(),
            path = request.uri().path(),
            subject = tracing::field::Empty,
        );
        request.extensions_mut().insert(RequestSpan(span.clone()));
        let response = span.in_scope(|| context.clone().enter(|| self.inner.call(request)));
        let response = context.scope(response).instrument(span);
        Box::pin(async move {
            let mut response = response.await?;
            if let Ok(id) = HeaderValue::from_str(id.as_str()) {
                response.headers_mut().insert(CorrelationId::HEADER, id);
            }
            Ok(response)
        })
    }
}
