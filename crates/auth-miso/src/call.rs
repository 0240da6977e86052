//! Calls in the application's name, and in a user's beside it (contract miso §1.1).

use auth_core::{CorrelationId, RequestContext, Secret};
use auth_http::{Fault, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use crate::client_token::{ClientToken, ClientTokens};
use crate::error::{MisoError, MisoErrorKind};
use crate::wire::Envelope;

/// A call that carries the client token, and a user's token if it is made for one.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is sent"]
pub(crate) struct Call {
    tokens: ClientTokens,
    request: RequestBuilder,
    user: Option<Secret>,
}

impl Call {
    pub(crate) fn new(tokens: &ClientTokens, request: RequestBuilder) -> Self {
        Self {
            tokens: tokens.clone(),
            // The original states it on every request, with a body or without.
            request: request.header("content-type", "application/json"),
            user: None,
        }
    }

    /// Makes the call for this user.
    pub(crate) fn user(mut self, token: &Secret) -> Self {
        self.user = Some(token.clone());
        self
    }

    /// Sends it. If the controller refuses the client token, a new one is minted and the call sent
    /// once more; a refused call has had no effect, so that this is safe for every method.
    pub(crate) async fn send(self) -> Result<Response, MisoError> {
        let with_user = self.user.is_some();
        let fault = |fault| MisoError::from_fault(fault, with_user);
        let token = self.tokens.get().await?;
        match self.attempt(&token).await {
            Err(refusal) if may_be_the_client_token(&refusal) => {
                self.tokens.invalidate(&token);
                let token = self.tokens.get().await?;
                self.attempt(&token).await.map_err(fault)
            }
            answer => answer.map_err(fault),
        }
    }

    /// Sends it and reads `data` of the answer.
    pub(crate) async fn data<T: DeserializeOwned>(self) -> Result<T, MisoError> {
        let response = self.send().await?;
        let unexpected = |_| MisoError::new(MisoErrorKind::UnexpectedAnswer);
        response
            .json::<Envelope<T>>()
            .map(|it| it.data)
            .map_err(unexpected)
    }

    async fn attempt(&self, token: &ClientToken) -> Result<Response, Fault> {
        let mut request = self
            .request
            .clone()
            .secret_header("x-client-token", &token.token);
        if let Some(user) = &self.user {
            request = request.bearer(user);
        }
        if RequestContext::current().is_none() {
            request = request.correlation_id(&CorrelationId::random());
        }
        request.send().await
    }
}

/// A 401 that blames the client token, or nothing in particular. One that blames the user's token
/// is final, and costs no mint (contract miso §13 B5).
fn may_be_the_client_token(fault: &Fault) -> bool {
    fault.status() == Some(http::StatusCode::UNAUTHORIZED)
        && fault.problem().and_then(|problem| problem.auth_method()) != Some("bearer")
}
