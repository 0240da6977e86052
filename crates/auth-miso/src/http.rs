use auth_core::{Identity, Secret};
use auth_http::{RequestBuilder, Response};
use http::Method;
use serde::Serialize;

use crate::call::Call;
use crate::error::MisoError;
use crate::miso::Miso;

/// Calls of the application's own to the controller: what [`Miso`] has no method for.
///
/// Every call carries the client token, and is sent once more with a new one if the controller
/// refuses it. Calls go to the controller and nowhere else: a path is all that can be said
/// (contract miso §13 A4).
///
/// # Example: an endpoint of the controller's
///
/// ```no_run
/// # async fn run(miso: auth_miso::Miso) -> Result<(), auth_miso::MisoError> {
/// let answer = miso
///     .http()
///     .get("/api/v1/environments/{environment}/applications")
///     .segment("environment", "dev")
///     .query("page", "1")
///     .send()
///     .await?;
/// println!("{} bytes", answer.body().len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MisoHttp(Miso);

impl MisoHttp {
    pub(crate) fn new(miso: Miso) -> Self {
        Self(miso)
    }

    /// A `GET` of this path.
    pub fn get(&self, path: &str) -> MisoRequest {
        self.request(Method::GET, path)
    }

    /// A `POST` to this path.
    pub fn post(&self, path: &str) -> MisoRequest {
        self.request(Method::POST, path)
    }

    /// A `PUT` to this path.
    pub fn put(&self, path: &str) -> MisoRequest {
        self.request(Method::PUT, path)
    }

    /// A `DELETE` of this path.
    pub fn delete(&self, path: &str) -> MisoRequest {
        self.request(Method::DELETE, path)
    }

    /// A request of any method. The path begins with a slash; values go into it through
    /// [`MisoRequest::segment`].
    pub fn request(&self, method: Method, path: &str) -> MisoRequest {
        MisoRequest {
            request: self.0.request(method, path),
            miso: self.0.clone(),
            user: None,
        }
    }
}

/// A call in the making.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct MisoRequest {
    miso: Miso,
    request: RequestBuilder,
    user: Option<Secret>,
}

impl MisoRequest {
    /// Fills a `{name}` of the path, encoded as one segment.
    pub fn segment(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.segment(name, value);
        self
    }

    /// Adds a parameter to the query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sets the body.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// Makes the call for a user, whose token then goes along with the client token.
    pub fn user(mut self, identity: &Identity) -> Self {
        self.user = Some(identity.bearer().clone());
        self
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// If the controller cannot be reached, refuses, or answers with an error status.
    pub async fn send(self) -> Result<Response, MisoError> {
        let call: Call = self.miso.call(self.request);
        match &self.user {
            Some(token) => call.user(token).send().await,
            None => call.send().await,
        }
    }
}
