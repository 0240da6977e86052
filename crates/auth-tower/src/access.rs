//! What an `AuthLayer` leaves in a request for whoever comes after it.

use std::sync::Arc;

use auth_core::{Authorizer, Identity};
use http::Extensions;

use crate::refusal::Refusal;

/// The layer's finding. It cannot be put into a request by anybody else: the type is private.
#[derive(Clone)]
pub(crate) struct Access {
    /// `None` if the request carried no credentials and the layer lets such requests through.
    pub(crate) identity: Option<Identity>,
    pub(crate) authorizer: Arc<dyn Authorizer>,
}

impl Access {
    /// The finding, or the refusal that is due because no layer has looked at the request.
    pub(crate) fn of(extensions: &Extensions) -> Result<&Self, Refusal> {
        extensions.get().ok_or(Refusal::AuthLayerMissing)
    }

    /// Who it is, or the refusal that is due because nobody has said.
    pub(crate) fn identity(&self) -> Result<&Identity, Refusal> {
        self.identity.as_ref().ok_or(Refusal::MissingToken)
    }
}
