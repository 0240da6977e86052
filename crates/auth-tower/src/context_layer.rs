use std::fmt;
use std::task::{Context, Poll};

use auth_core::{BoxFuture, CorrelationId, RequestContext};
use http::{HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

/// Opens a [`RequestContext`] around every request, and states its correlation id in the response.
///
/// The correlation id is the request's own if it has a usable one, otherwise a new one. With an
/// audit trail, handlers may take a [`Log`](crate::Log). Add it last, so that it is asked first: an
/// [`AuthLayer`](crate::AuthLayer) inside takes over the correlation id and adds who it is.
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

    #[cfg_attr(not(feature = "audit"), expect(unused_mut, reason = "for the trail"))]
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
        let response = context.clone().enter(|| self.inner.call(request));
        Box::pin(async move {
            let mut response = context.scope(response).await?;
            if let Ok(id) = HeaderValue::from_str(id.as_str()) {
                response.headers_mut().insert(CorrelationId::HEADER, id);
            }
            Ok(response)
        })
    }
}
