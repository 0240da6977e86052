//! The one place that knows how a service is asked in these tests.

use std::fmt;

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) challenge: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        problem["code"].as_str().unwrap().to_owned()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        if let Some(challenge) = &self.challenge {
            writeln!(f, "www-authenticate: {challenge}")?;
        }
        f.write_str(&self.body)
    }
}

/// Asks with these `Authorization` headers, as the request `test`.
pub(crate) async fn ask(service: &Router, uri: &str, authorization: &[String]) -> Answer {
    ask_with(service, uri, authorization, &[("x-correlation-id", "test")]).await
}

/// Asks with these `Authorization` headers and others.
pub(crate) async fn ask_with(
    service: &Router,
    uri: &str,
    authorization: &[String],
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().uri(uri);
    for value in authorization {
        request = request.header(AUTHORIZATION, value);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let header = |name| {
        let value: Option<&http::HeaderValue> = response.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let (status, challenge, correlation_id) = (
        response.status(),
        header(WWW_AUTHENTICATE.as_str()),
        header("x-correlation-id"),
    );
    if !status.is_success() {
        assert_eq!(header("content-type").unwrap(), "application/problem+json");
        assert_eq!(header("cache-control").unwrap(), "no-store");
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        challenge,
        correlation_id,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}
