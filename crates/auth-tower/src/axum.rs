//! The same things as axum wants them.

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::current_user::CurrentUser;
use crate::refusal::Refusal;

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::from_extensions(&parts.extensions).inspect_err(Refusal::trace)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        match Self::from_extensions(&parts.extensions) {
            Ok(user) => Ok(Some(user)),
            Err(Refusal::MissingToken) => Ok(None),
            Err(refusal) => {
                refusal.trace();
                Err(refusal)
            }
        }
    }
}

#[cfg(feature = "audit")]
impl<S: Sync> FromRequestParts<S> for crate::log::Log {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::from_extensions(&parts.extensions).inspect_err(Refusal::trace)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.into_response::<Body>(None)
    }
}
