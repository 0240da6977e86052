use std::borrow::Cow;

use http::StatusCode;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::CorrelationId;

/// An error body.
///
/// Serialises as RFC 9457 (`application/problem+json`) with the members `code`, `errors`,
/// `correlationId` and `authMethod` as extensions; [`platform`](Self::platform) serialises as the
/// platform's own services do (contract miso §11). [`from_json`](Self::from_json) reads both.
///
/// What goes in here goes to the caller: no secret, no token, no claim, nothing internal.
///
/// # Example: the two shapes
///
/// ```
/// use auth_core::Problem;
/// use http::StatusCode;
///
/// let problem = Problem::new(StatusCode::FORBIDDEN)
///     .with_code("insufficient_scope")
///     .with_detail("this needs a role the user does not have");
/// assert_eq!(
///     serde_json::to_string(&problem)?,
///     r#"{"type":"/Errors/Forbidden","title":"Forbidden","status":403,"#.to_owned()
///         + r#""detail":"this needs a role the user does not have","#
///         + r#""code":"insufficient_scope"}"#,
/// );
/// assert_eq!(
///     serde_json::to_string(&problem.platform())?,
///     r#"{"errors":["this needs a role the user does not have"],"#.to_owned()
///         + r#""type":"/Errors/Forbidden","title":"Forbidden","statusCode":403}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    type_uri: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    instance: Option<Box<str>>,
    code: Option<Cow<'static, str>>,
    errors: Vec<Box<str>>,
    correlation_id: Option<Box<str>>,
    auth_method: Option<Box<str>>,
}

impl Problem {
    /// The media type of the RFC 9457 shape.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// The largest body [`from_json`](Self::from_json) reads.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Starts a problem with its status; the type and the title follow from it.
    pub fn new(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            status,
            type_uri: platform_type(status),
            title: title.into(),
            detail: None,
            instance: None,
            code: None,
            errors: Vec::new(),
            correlation_id: None,
            auth_method: None,
        }
    }

    /// Sets the stable code a program branches on.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets the sentence for a person.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets which resource it happened at: a path, without its query.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<Box<str>>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Adds one of several things that are wrong.
    #[must_use]
    pub fn with_error(mut self, error: impl Into<Box<str>>) -> Self {
        self.errors.push(error.into());
        self
    }

    /// Sets the identifier a person can quote to find the request in the logs.
    #[must_use]
    pub fn with_correlation_id(mut self, id: &CorrelationId) -> Self {
        self.correlation_id = Some(id.as_str().into());
        self
    }

    /// Sets the way of authentication that was refused, such as `bearer` (401 only).
    #[must_use]
    pub fn with_auth_method(mut self, method: impl Into<Box<str>>) -> Self {
        self.auth_method = Some(method.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The URI reference that names the kind of problem.
    pub fn type_uri(&self) -> &str {
        &self.type_uri
    }

    /// The kind of problem in words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The stable code, if there is one.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The sentence for a person, if there is one.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Which resource it happened at, if it is stated.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// The several things that are wrong.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().map(AsRef::as_ref)
    }

    /// The identifier to quote, if there is one.
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// The way of authentication that was refused, if it is stated.
    pub fn auth_method(&self) -> Option<&str> {
        self.auth_method.as_deref()
    }

    /// The same problem in the platform's own shape, to be serialised.
    pub fn platform(&self) -> PlatformProblem<'_> {
        PlatformProblem(self)
    }

    /// Reads a problem of either shape, or `None` if it is neither, is longer than
    /// [`MAX_BYTES`](Self::MAX_BYTES), or states no error status. `status` is that of the
    /// response: it stands in where the body has none, and a body cannot overrule it.
    pub fn from_json(status: StatusCode, body: &[u8]) -> Option<Self> {
        if body.len() > Self::MAX_BYTES || !(status.is_client_error() || status.is_server_error()) {
            return None;
        }
        let wire: Wire = serde_json::from_slice(body).ok()?;
        if wire.type_uri.is_none() && wire.title.is_none() && wire.errors.is_none() {
            return None;
        }
        let mut problem = Self::new(status);
        if let Some(type_uri) = wire.type_uri {
            problem.type_uri = type_uri.into();
        }
        if let Some(title) = wire.title {
            problem.title = title.into();
        }
        problem.detail = wire.detail.map(Into::into);
        problem.instance = wire.instance.map(Into::into);
        problem.code = wire.code.map(Into::into);
        problem.errors = wire.errors.unwrap_or_default();
        problem.correlation_id = wire.correlation_id.map(Into::into);
        problem.auth_method = wire.auth_method.map(Into::into);
        Some(problem)
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.type_uri)?;
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("status", &self.status.as_u16())?;
        optional(&mut map, "detail", self.detail.as_deref())?;
        optional(&mut map, "instance", self.instance.as_deref())?;
        optional(&mut map, "code", self.code.as_deref())?;
        if !self.errors.is_empty() {
            map.serialize_entry("errors", &self.errors)?;
        }
        optional(&mut map, "correlationId", self.correlation_id.as_deref())?;
        optional(&mut map, "authMethod", self.auth_method.as_deref())?;
        map.end()
    }
}

/// A [`Problem`] that serialises in the platform's own shape; made by [`Problem::platform`].
///
/// `errors` is never empty: without an error of its own it holds the detail, or the title.
#[derive(Clone, Copy, Debug)]
pub struct PlatformProblem<'a>(&'a Problem);

impl Serialize for PlatformProblem<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let problem = self.0;
        let mut map = serializer.serialize_map(None)?;
        if problem.errors.is_empty() {
            let only = problem.detail.as_ref().unwrap_or(&problem.title);
            map.serialize_entry("errors", &[only])?;
        } else {
            map.serialize_entry("errors", &problem.errors)?;
        }
        map.serialize_entry("type", &problem.type_uri)?;
        map.serialize_entry("title", &problem.title)?;
        map.serialize_entry("statusCode", &problem.status.as_u16())?;
        optional(&mut map, "instance", problem.instance.as_deref())?;
        optional(&mut map, "correlationId", problem.correlation_id.as_deref())?;
        optional(&mut map, "authMethod", problem.auth_method.as_deref())?;
        map.end()
    }
}

/// Both shapes at once; what is in neither is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    type_uri: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    instance: Option<String>,
    code: Option<String>,
    errors: Option<Vec<Box<str>>>,
    correlation_id: Option<String>,
    auth_method: Option<String>,
}

fn optional<M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: Option<&str>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}

/// The platform's type of a status (contract miso §1.9); `about:blank` where it has none.
fn platform_type(status: StatusCode) -> Cow<'static, str> {
    match status.as_u16() {
        400 => "/Errors/BadRequest",
        401 => "/Errors/Unauthorized",
        403 => "/Errors/Forbidden",
        404 => "/Errors/NotFound",
        405 => "/Errors/MethodNotAllowed",
        409 => "/Errors/Conflict",
        422 => "/Errors/UnprocessableEntity",
        429 => "/Errors/TooManyRequests",
        500 => "/Errors/InternalServerError",
        503 => "/Errors/ServiceUnavailable",
        504 => "/Errors/GatewayTimeout",
        _ => "about:blank",
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_either_shape_is_read_back() {
        let problem = Problem::new(StatusCode::UNAUTHORIZED)
            .with_code("expired")
            .with_detail("the token has expired")
            .with_error("the token has expired")
            .with_instance("/orders")
            .with_correlation_id(&CorrelationId::parse("c-1").unwrap())
            .with_auth_method("bearer");
        let rfc = serde_json::to_vec(&problem).unwrap();
        let read = Problem::from_json(StatusCode::UNAUTHORIZED, &rfc).unwrap();
        assert_eq!(read, problem);

        let platform = serde_json::to_vec(&problem.platform()).unwrap();
        let read = Problem::from_json(StatusCode::UNAUTHORIZED, &platform).unwrap();
        assert_eq!(read.errors().collect::<Vec<_>>(), ["the token has expired"]);
        assert_eq!(read.correlation_id(), Some("c-1"));
    }

    #[test]
    fn a_body_cannot_overrule_the_status_of_its_response() {
        let body = br#"{"errors":["x"],"type":"/Errors/NotFound","title":"T","statusCode":200}"#;
        let problem = Problem::from_json(StatusCode::NOT_FOUND, body).unwrap();
        assert_eq!(problem.status(), StatusCode::NOT_FOUND);
        assert_eq!(Problem::from_json(StatusCode::OK, body), None);
    }

    #[test]
    fn what_is_no_problem_is_not_taken_for_one() {
        let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(Problem::MAX_BYTES));
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "<html>",
            r#""title""#,
            r#"{"message":"no"}"#,
            r#"{"title":5}"#,
            r#"{"errors":"one"}"#,
            &long,
        ] {
            let read = Problem::from_json(StatusCode::BAD_GATEWAY, body.as_bytes());
            assert_eq!(read, None, "{:.40}", body);
        }
    }
}
