use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{AuthenticationError, Problem};
use auth_http::{Fault, FaultKind};
use http::StatusCode;

/// A call to the controller that did not do what was asked.
///
/// Holds no token, header or body. Cheap to clone, because everybody who waited for one call is
/// told the same.
#[derive(Clone)]
pub struct MisoError(Arc<Inner>);

struct Inner {
    kind: MisoErrorKind,
    fault: Option<Fault>,
}

/// What kind of failure a [`MisoError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MisoErrorKind {
    /// The controller refuses the user's token: it has expired, was revoked, or never was good.
    UserTokenRefused,
    /// The controller refuses this application: its client id or secret, or its client token even
    /// after a new one was minted.
    ApplicationRefused,
    /// The user or the application lacks a permission for the call.
    Forbidden,
    /// The controller could not be reached, was too slow, or failed.
    Unreachable,
    /// The controller answered something that is not what the contract says.
    UnexpectedAnswer,
    /// The call could not be put together: an argument is wrong.
    InvalidCall,
}

impl MisoError {
    pub(crate) fn new(kind: MisoErrorKind) -> Self {
        Self(Arc::new(Inner { kind, fault: None }))
    }

    /// What a fault of a call with these credentials means.
    pub(crate) fn from_fault(fault: Fault, with_user: bool) -> Self {
        let kind = match (fault.status(), fault.kind()) {
            (Some(StatusCode::UNAUTHORIZED), _) => {
                let method = fault.problem().and_then(Problem::auth_method);
                match method {
                    Some("bearer") if with_user => MisoErrorKind::UserTokenRefused,
                    Some(_) => MisoErrorKind::ApplicationRefused,
                    None if with_user => MisoErrorKind::UserTokenRefused,
                    None => MisoErrorKind::ApplicationRefused,
                }
            }
            (Some(StatusCode::FORBIDDEN), _) => MisoErrorKind::Forbidden,
            (_, FaultKind::Decode) => MisoErrorKind::UnexpectedAnswer,
            (_, FaultKind::InvalidRequest) => MisoErrorKind::InvalidCall,
            _ => MisoErrorKind::Unreachable,
        };
        let fault = Some(fault);
        Self(Arc::new(Inner { kind, fault }))
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> MisoErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed later, with nobody doing anything.
    pub fn is_transient(&self) -> bool {
        self.0.fault.as_ref().is_some_and(Fault::is_transient)
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.fault.as_ref().and_then(Fault::status)
    }

    /// Whether the controller had the request, or part of it, when the call failed.
    pub(crate) fn reached_the_controller(&self) -> bool {
        self.0.fault.as_ref().is_some_and(|fault| {
            matches!(
                fault.kind(),
                FaultKind::Send
                    | FaultKind::Receive
                    | FaultKind::Deadline
                    | FaultKind::TooLarge
                    | FaultKind::Decode
            )
        })
    }

    /// How long the controller asks to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.fault.as_ref().and_then(Fault::retry_after)
    }

    /// What the controller said about it, if it said so in a form it can be told by.
    pub fn problem(&self) -> Option<&Problem> {
        self.0.fault.as_ref().and_then(Fault::problem)
    }
}

impl fmt::Display for MisoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind {
            MisoErrorKind::UserTokenRefused => "the controller refuses the user's token",
            MisoErrorKind::ApplicationRefused => "the controller refuses this application",
            MisoErrorKind::Forbidden => "the controller does not permit the call",
            MisoErrorKind::Unreachable => "the controller gave no usable answer",
            MisoErrorKind::UnexpectedAnswer => "the controller's answer is not understood",
            MisoErrorKind::InvalidCall => "the call cannot be made",
        })?;
        match &self.0.fault {
            Some(fault) => write!(f, ": {fault}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for MisoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MisoError")
            .field("kind", &self.0.kind)
            .field("fault", &self.0.fault)
            .finish()
    }
}

impl StdError for MisoError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let fault = self.0.fault.as_ref()?;
        Some(fault)
    }
}

/// Only the controller's clear "no" to the user's token is a refusal; everything else is an outage.
impl From<MisoError> for AuthenticationError {
    fn from(error: MisoError) -> Self {
        match error.kind() {
            MisoErrorKind::UserTokenRefused => {
                Self::rejected("token_refused", "the controller does not accept the token")
            }
            _ => Self::unavailable("controller_unavailable", error.to_string()),
        }
    }
}
