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
            Err(refusal)
                if self.blames_the_client_token(&refusal, &token)
                    && self.tokens.refused(&token) =>
            {
                let token = self.tokens.get().await?;
                self.attempt(&token).await.map_err(fault)
            }
            answer => answer.map_err(fault),
        }
    }

    /// Sends it and reads `data` of the answer.
    pub(crate) async fn data<T: DeserializeOwned>(self) -> Result<T, MisoError> {
        let response = self.send().await?;
        let answer = response.json::<Envelope<T>>().ok();
        answer
            .and_then(Envelope::into_data)
            .ok_or_else(|| MisoError::new(MisoErrorKind::UnexpectedAnswer))
    }

    /// Whether a refusal is, or may be, the client token's fault. One that blames the user's token is
    /// final and costs no mint (contract miso §13 B5); one that blames nobody is the user's as long
    /// as the client token is new, so that bad tokens of users do not make a mint each.
    fn blames_the_client_token(&self, fault: &Fault, token: &ClientToken) -> bool {
        let blamed = fault.problem().and_then(|problem| problem.auth_method());
        let is_suspect = match blamed {
            Some("bearer") => false,
            Some(_) => true,
            None => self.user.is_none() || !self.tokens.is_new(token),
        };
        fault.status() == Some(http::StatusCode::UNAUTHORIZED) && is_suspect
    }

    async fn attempt(&self, token: &ClientToken) -> Result<Response, Fault> {
        let mut request = self
            .request
            .clone()
            .secret_header("x-client-token", token.secret());
        if let Some(user) = &self.user {
            request = request.bearer(user);
        }
        if RequestContext::current().is_none() {
            request = request.correlation_id(&CorrelationId::random());
        }
        request.send().await
    }
}
