//! A small HTTP client, so that the example shows real requests and real answers.

use std::error::Error;

use auth_sdk::core::Secret;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub(crate) struct Client(hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The `WWW-Authenticate` header.
    pub(crate) challenge: Option<String>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new() -> Self {
        let builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        Self(builder.build_http())
    }

    pub(crate) async fn get(
        &self,
        url: &str,
        token: Option<&Secret>,
    ) -> Result<Answer, Box<dyn Error>> {
        let mut request = Request::get(url);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        self.send(request.body(Full::default())?).await
    }

    pub(crate) async fn post_form(
        &self,
        url: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, Box<dyn Error>> {
        let pairs: Vec<_> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
            .collect();
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(pairs.join("&")))?;
        self.send(request).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, Box<dyn Error>> {
        let response = self.0.request(request).await?;
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        Ok(Answer {
            status: response.status(),
            challenge: challenge.map(|value| String::from_utf8_lossy(value.as_bytes()).into()),
            body: String::from_utf8(response.into_body().collect().await?.to_bytes().into())?,
        })
    }
}
