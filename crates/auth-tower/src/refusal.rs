use std::sync::Arc;

use auth_core::{
    AuthenticationError, CorrelationId, Decision, Principal, Problem, Reason, RequestContext,
};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::body::GuardedBody;

/// What a service makes of the response of a refusal.
pub(crate) type Rewrite = Arc<dyn Fn(&Refusal, Response<Bytes>) -> Response<Bytes> + Send + Sync>;

/// Why a request was not let through, and what the client hears of it.
///
/// | refusal | status | `code` | `error` of the challenge |
/// |---|---|---|---|
/// | [`MissingToken`](Self::MissingToken) | 401 | `missing_token` | none: RFC 6750 §3.1 |
/// | [`MalformedCredentials`](Self::MalformedCredentials) | 400 | `invalid_request` | `invalid_request` |
/// | [`CrossOrigin`](Self::CrossOrigin) | 403 | `cross_origin` | no challenge |
/// | [`Rejected`](Self::Rejected) | 401 | the verifier's, such as `expired` | `invalid_token` |
/// | [`Forbidden`](Self::Forbidden) | 403 | `insufficient_scope` | `insufficient_scope` |
/// | [`Undetermined`](Self::Undetermined) | 503 | the cause's, such as `keys_unavailable` | no challenge |
/// | [`AuthLayerMissing`](Self::AuthLayerMissing) | 500 | `auth_layer_missing` | no challenge |
/// | [`AuditLogMissing`](Self::AuditLogMissing) | 500 | `audit_log_missing` | no challenge |
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request carries no bearer token.
    #[error("the request carries no bearer token")]
    MissingToken,

    /// The `Authorization` header cannot be read, or there are several tokens.
    #[error("the request does not carry exactly one well-formed bearer token")]
    MalformedCredentials,

    /// The token is in a cookie, and a page of another origin caused the request; see
    /// [`TokenFrom`](crate::TokenFrom).
    #[error("a page of another origin cannot use the cookie of this service")]
    CrossOrigin,

    /// The token was judged and refused.
    #[error("{0}")]
    Rejected(Reason),

    /// The user lacks what the route requires.
    #[error("the user does not have what this requires")]
    Forbidden,

    /// Nobody could say whether the token is good or the user may. Why is for the log: it may name
    /// what stands behind the service.
    #[error("{0}")]
    Undetermined(Reason),

    /// The route requires something, but no [`AuthLayer`](crate::AuthLayer) covers it: a mistake
    /// in the service, not in the request.
    #[error("this route requires authentication, but no AuthLayer covers it")]
    AuthLayerMissing,

    /// The handler writes to the audit trail, but no [`ContextLayer`](crate::ContextLayer) with one
    /// covers the route: a mistake in the service, not in the request.
    #[error("this route writes to the audit trail, but no ContextLayer with one covers it")]
    AuditLogMissing,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MissingToken | Self::Rejected(_) => StatusCode::UNAUTHORIZED,
            Self::MalformedCredentials => StatusCode::BAD_REQUEST,
            Self::Forbidden | Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::Undetermined(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::AuthLayerMissing | Self::AuditLogMissing => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code in the body.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::MalformedCredentials => "invalid_request",
            Self::Rejected(reason) | Self::Undetermined(reason) => reason.code(),
            Self::CrossOrigin => "cross_origin",
            Self::Forbidden => "insufficient_scope",
            Self::AuthLayerMissing => "auth_layer_missing",
            Self::AuditLogMissing => "audit_log_missing",
        }
    }

    /// The body, with the path and the correlation id of the current
    /// [`RequestContext`](auth_core::RequestContext), if there is one.
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::new(self.status())
            .with_code(self.code())
            .with_detail(self.detail());
        if self.status() == StatusCode::UNAUTHORIZED {
            problem = problem.with_auth_method("bearer");
        }
        if let Some(context) = RequestContext::current() {
            problem = problem.with_correlation_id(context.correlation_id());
            if let Some(path) = context.path() {
                problem = problem.with_instance(path);
            }
        }
        problem
    }

    /// What the client may know.
    fn detail(&self) -> String {
        match self {
            Self::Undetermined(_) => "this cannot be decided now; try again later".to_owned(),
            _ => self.to_string(),
        }
    }

    /// The `WWW-Authenticate` header of RFC 6750 §3, or `None` where presenting another token
    /// would not help.
    pub fn challenge(&self, realm: Option<&str>) -> Option<HeaderValue> {
        let error = match self {
            Self::MissingToken => None,
            Self::MalformedCredentials => Some("invalid_request"),
            Self::Rejected(_) => Some("invalid_token"),
            Self::Forbidden => Some("insufficient_scope"),
            Self::CrossOrigin
            | Self::Undetermined(_)
            | Self::AuthLayerMissing
            | Self::AuditLogMissing => return None,
        };
        let description = error.map(|_| self.to_string());
        let parameters = [
            ("realm", realm),
            ("error", error),
            ("error_description", description.as_deref()),
        ];
        let parameters: Vec<_> = parameters
            .into_iter()
            .filter_map(|(name, value)| Some(format!(" {name}=\"{}\"", quotable(value?))))
            .collect();
        HeaderValue::from_str(&format!("Bearer{}", parameters.join(","))).ok()
    }

    /// The whole response, for a service of any body that bytes can become.
    pub fn into_response<B: From<Bytes>>(self, realm: Option<&str>) -> Response<B> {
        let mut response = Response::new(self.body().into());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        let problem_json = HeaderValue::from_static(Problem::CONTENT_TYPE);
        headers.insert(CONTENT_TYPE, problem_json);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge(realm) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(context) = RequestContext::current()
            && let Ok(id) = HeaderValue::from_str(context.correlation_id().as_str())
        {
            headers.insert(CorrelationId::HEADER, id);
        }
        response.extensions_mut().insert(self);
        response
    }

    fn body(&self) -> Bytes {
        serde_json::to_vec(&self.problem())
            .unwrap_or_default()
            .into()
    }

    /// Lets the service rewrite a response, if that is a refusal.
    pub(crate) fn rewrite<B>(response: &mut Response<GuardedBody<B>>, rewrite: &Rewrite) {
        let Some(refusal) = response.extensions().get::<Self>().cloned() else {
            return;
        };
        let (parts, _) = std::mem::take(response).into_parts();
        let rewritten = rewrite(&refusal, Response::from_parts(parts, refusal.body()));
        *response = rewritten.map(GuardedBody::from);
        // The server in front states the length of the body that is sent.
        response.headers_mut().remove(CONTENT_LENGTH);
        response.extensions_mut().insert(refusal);
    }

    /// Replaces the challenge of a refusal, with the realm, if the response is one.
    pub(crate) fn name_realm<B>(response: &mut Response<B>, realm: Option<&str>) {
        let refusal = response.extensions().get::<Self>();
        if let (Some(refusal), Some(_)) = (refusal, realm)
            && let Some(challenge) = refusal.challenge(realm)
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
    }

    /// Lets a granted decision through.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](Self::Forbidden) for a denial, [`Undetermined`](Self::Undetermined) for an
    /// unknown.
    pub fn unless_granted(decision: Decision) -> Result<(), Self> {
        match decision {
            Decision::Granted => Ok(()),
            Decision::Denied => Err(Self::Forbidden),
            Decision::Unknown(reason) => Err(Self::Undetermined(reason)),
        }
    }

    /// One line for the operator: loud where the service is at fault, quiet where a client is.
    pub(crate) fn trace(&self) {
        let code = self.code();
        let context = RequestContext::current();
        let context = context.as_ref();
        let correlation_id = context.map(|context| context.correlation_id().as_str());
        let path = context.and_then(RequestContext::path);
        let principal = context.and_then(RequestContext::principal);
        let subject = principal.map(Principal::subject);
        match self {
            Self::AuthLayerMissing => tracing::error!(
                code,
                correlation_id,
                path,
                "{self}, or it runs after the layer that requires: with `.layer(..)` of axum add the \
                 AuthLayer after the requirement, with tower's ServiceBuilder before it"
            ),
            Self::AuditLogMissing => tracing::error!(code, correlation_id, path, "{self}"),
            Self::Undetermined(_) => {
                tracing::warn!(
                    code,
                    correlation_id,
                    path,
                    subject,
                    "request refused: {self}"
                );
            }
            _ => tracing::debug!(
                code,
                correlation_id,
                path,
                subject,
                "request refused: {self}"
            ),
        }
    }
}

impl From<AuthenticationError> for Refusal {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Rejected(reason) => Self::Rejected(reason),
            // What is neither a refusal nor known to us is not a grant either.
            error => Self::Undetermined(error.reason().clone()),
        }
    }
}

/// What may stand between quotes in a challenge (RFC 6750 §3); the rest becomes a question mark.
fn quotable(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    text.chars()
        .map(|c| if allowed(c) { c } else { '?' })
        .collect()
}
