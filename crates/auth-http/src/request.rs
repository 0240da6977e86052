use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{CorrelationId, RequestContext, Secret};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Serialize;

use crate::client::HttpClient;
use crate::credential;
use crate::fault::{Fault, RequestLine};
use crate::multipart::Multipart;
use crate::path::{self, Complaint};
use crate::payload::{Payload, READ_BY_ANOTHER, RequestBody};
use crate::response::Response;
use crate::retry::RetryPolicy;
use crate::routes::Route;
use crate::send::{self, Accept, Outgoing};
use crate::streaming::StreamingResponse;

/// Puts a request together, and sends it.
///
/// Nothing here fails before it is sent: what cannot be sent leads to a [`Fault`] of kind
/// [`InvalidRequest`](crate::FaultKind::InvalidRequest) then, and nothing is sent at all.
///
/// Printed, it shows its method and its path's template, and neither values nor headers.
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder(Box<Parts>);

/// They are many, and each setter hands all of them on.
#[derive(Clone)]
struct Parts {
    client: HttpClient,
    method: Method,
    route: Result<Arc<Route>, Complaint>,
    segments: Vec<(Box<str>, Box<str>)>,
    query: String,
    headers: HeaderMap,
    body: Payload,
    correlation: Correlation,
    deadline: Option<Duration>,
    idempotent: bool,
    retry: Option<RetryPolicy>,
    /// The first thing that was wrong.
    complaint: Option<Complaint>,
}

/// Which correlation id a request carries.
#[derive(Clone)]
enum Correlation {
    /// That of the context it is sent in.
    Current,
    Given(CorrelationId),
    None,
}

impl RequestBuilder {
    pub(crate) fn new(client: HttpClient, method: Method, path: &str) -> Self {
        Self(Box::new(Parts {
            idempotent: method.is_safe(),
            route: client.inner().route(path),
            client,
            method,
            segments: Vec::new(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Payload::Whole(Bytes::new()),
            correlation: Correlation::Current,
            deadline: None,
            retry: None,
            complaint: None,
        }))
    }

    /// Fills one `{name}` of the path with a value, encoded so that it stays one segment whatever
    /// it holds (contract miso §13 A18). A value that is empty, climbs with `..`, or holds control
    /// characters is refused.
    pub fn segment(mut self, name: &str, value: &str) -> Self {
        self.0.segments.push((name.into(), value.into()));
        self
    }

    /// Adds a pair to the query, both sides encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        path::push_pair(&mut self.0.query, name, value);
        self
    }

    /// Sets a header, replacing one of that name. Those that frame the message or name the server
    /// are the client's own and are refused.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.set_header(name, value, false)
    }

    /// Sets a header whose value is a credential.
    pub fn secret_header(self, name: &str, value: &Secret) -> Self {
        self.set_header(name, value.expose(), true)
    }

    /// Sets `Authorization: Bearer …` (RFC 6750 §2.1).
    pub fn bearer(self, token: &Secret) -> Self {
        if token.is_empty() {
            return self.complain("the bearer token is empty");
        }
        match credential::bearer(token.expose()) {
            Some(value) => self.insert(AUTHORIZATION, value),
            None => self.complain("the value of authorization holds what no header may hold"),
        }
    }

    /// Sets the correlation id. Unless set it is that of the
    /// [`RequestContext`] the request is sent in, if there is one.
    pub fn correlation_id(mut self, id: &CorrelationId) -> Self {
        self.0.correlation = Correlation::Given(id.clone());
        self
    }

    /// Sends no correlation id, even if there is one to send.
    pub fn without_correlation(mut self) -> Self {
        self.0.correlation = Correlation::None;
        self
    }

    /// Sets a JSON body, and its content type.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.0.body = Payload::Whole(body.into()),
            // The reason may repeat what was to be sent.
            Err(_) => return self.complain("the body cannot be written as JSON"),
        }
        self.insert(CONTENT_TYPE, HeaderValue::from_static(JSON))
    }

    /// Sets a body of form fields, and its content type.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut body = String::new();
        for (name, value) in fields {
            path::push_pair(&mut body, name, value);
        }
        self.0.body = Payload::Whole(body.into());
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.insert(CONTENT_TYPE, content_type)
    }

    /// Sets a body of several parts, and its content type.
    pub fn multipart(mut self, form: Multipart) -> Self {
        if let Some(complaint) = form.complaint() {
            return self.complain(complaint);
        }
        let content_type = form.content_type();
        self.0.body = form.into_body();
        self.content_type(&content_type)
    }

    /// Sets a body of any media type: bytes, text or a [stream](RequestBody::stream).
    pub fn body(mut self, content_type: &str, body: impl Into<RequestBody>) -> Self {
        self.0.body = body.into().0;
        self.content_type(content_type)
    }

    /// Sets the time this call has in all, instead of the client's.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.0.deadline = Some(deadline);
        self
    }

    /// Says that the server may get this request twice without harm, so that the retry policy may
    /// send it again though it may have arrived. The safe methods are so of themselves; PUT and
    /// DELETE are not taken to be, because few servers keep that promise.
    pub fn idempotent(mut self) -> Self {
        self.0.idempotent = true;
        self
    }

    /// When this call is made again if it fails, instead of by the client's policy.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.0.retry = Some(policy);
        self
    }

    /// Sends it, and takes an answer of success (2xx) only.
    ///
    /// Dropping the future gives the call up; the server may have acted by then.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the phase that failed. Any other status is one of kind
    /// [`Status`](crate::FaultKind::Status), or [`Redirect`](crate::FaultKind::Redirect).
    pub async fn send(self) -> Result<Response, Fault> {
        send::send(self, Accept::Success).await
    }

    /// Sends it, and takes an answer whatever its status; a redirect is not followed either way.
    ///
    /// So no status leads to a retry, 503 with `Retry-After` included: that is the caller's. A call
    /// whose token was refused (401) is sent once more all the same, if there is another token.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the phase that failed; none for a status.
    pub async fn send_any_status(self) -> Result<Response, Fault> {
        send::send(self, Accept::AnyStatus).await
    }

    /// Sends it, takes an answer of success (2xx) only, and leaves its body to be read piece by
    /// piece.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), up to the headers of the answer.
    pub async fn send_streaming(self) -> Result<StreamingResponse, Fault> {
        send::open(self).await
    }

    fn set_header(self, name: &str, value: &str, secret: bool) -> Self {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return self.complain("a header's name is not one");
        };
        if let Some(own) = OWN_HEADERS.iter().find(|own| name == **own) {
            return self.complain(format!("the header {own} is the client's own"));
        }
        let Ok(mut value) = HeaderValue::from_str(value) else {
            return self.complain(format!("the value of {name} holds what no header may hold"));
        };
        value.set_sensitive(secret || name == AUTHORIZATION || name == COOKIE);
        self.insert(name, value)
    }

    fn content_type(self, value: &str) -> Self {
        let value = match value {
            // Mostly it is this, and need not be copied.
            JSON => Ok(HeaderValue::from_static(JSON)),
            other => HeaderValue::from_str(other),
        };
        match value {
            Ok(value) => self.insert(CONTENT_TYPE, value),
            Err(_) => self.complain("the media type holds what no header may hold"),
        }
    }

    fn insert(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    fn complain(mut self, complaint: impl Into<Complaint>) -> Self {
        self.0.complaint.get_or_insert(complaint.into());
        self
    }
}

/// What sending needs.
impl RequestBuilder {
    pub(crate) fn client(&self) -> HttpClient {
        self.0.client.clone()
    }

    pub(crate) fn line(&self) -> RequestLine {
        let route = self.0.route.as_ref().ok();
        RequestLine {
            method: self.0.method.clone(),
            template: route.map(|route| Arc::clone(route.template.text())),
        }
    }

    pub(crate) fn payload(&self) -> Payload {
        self.0.body.clone()
    }

    /// The id to send, as seen from where this is called.
    pub(crate) fn correlation_to_send(&self) -> Option<CorrelationId> {
        match &self.0.correlation {
            Correlation::None => None,
            Correlation::Given(id) => Some(id.clone()),
            Correlation::Current => {
                RequestContext::current().map(|context| context.correlation_id().clone())
            }
        }
    }

    /// The request as it goes out, and its URI at the first origin; or what is wrong with it.
    pub(crate) fn prepare(self, id: Option<&CorrelationId>) -> Result<(Outgoing, Uri), Complaint> {
        let this = *self.0;
        if let Some(complaint) = this.complaint {
            return Err(complaint);
        }
        if !this.body.can_be_sent() {
            return Err(READ_BY_ANOTHER.into());
        }
        let client = this.client.inner();
        let route = this.route?;
        let path = route.template.fill(&this.segments)?;
        let uri = match &route.uri {
            Some(uri) if this.query.is_empty() => Some(uri.clone()),
            _ => client.origin(0).uri(&path, &this.query),
        };
        let uri = uri.ok_or("the path and query are too long")?;
        let mut headers = this.headers;
        let user_agent = headers.entry(USER_AGENT);
        user_agent.or_insert_with(|| client.user_agent.clone());
        let has_body = matches!(this.method, Method::POST | Method::PUT | Method::PATCH);
        if has_body && this.body.length() == Some(0) {
            // The stack would leave it out, and some servers answer that with 411 (RFC 9110 §8.6).
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(id) = id {
            let id = HeaderValue::from_str(id.as_str());
            let id = id.map_err(|_| "the correlation id cannot be sent")?;
            headers.insert(CorrelationId::HEADER, id);
        }
        let outgoing = Outgoing {
            method: this.method,
            path,
            query: this.query,
            headers,
            body: this.body,
            deadline: this.deadline.unwrap_or(client.deadline),
            idempotent: this.idempotent,
            retry: this.retry.unwrap_or_else(|| client.retry.clone()),
        };
        Ok((outgoing, uri))
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line();
        f.debug_struct("RequestBuilder")
            .field("method", &line.method)
            .field("origin", &self.0.client.origin())
            .field("template", &line.template)
            .field("body_bytes", &self.0.body.length())
            .finish_non_exhaustive()
    }
}

const JSON: &str = "application/json";

/// Headers that say where a message ends or for whom it is. One that was set by hand could
/// disagree with what is sent, and then two servers on the way would read two different requests.
pub(crate) const OWN_HEADERS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
