//! Telling somebody about each verdict.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::rejection::Rejection;

/// Is told of each verdict, for metrics and alarms. It cannot change one: it returns nothing, and
/// what it panics with goes no further.
///
/// Called on the thread that verifies, so it should do no more than count or send, and verify
/// nothing with the verifier it belongs to. A program that is built with `panic = "abort"` ends with
/// the hook that panics.
pub trait ValidationHooks: fmt::Debug + Send + Sync {
    /// A token was accepted, revocation included where a
    /// [`TokenPolicy`](crate::session::TokenPolicy) checks it.
    fn on_success(&self, success: &Success<'_>) {
        let _ = success;
    }

    /// A token was not accepted.
    fn on_failure(&self, failure: &Failure<'_>) {
        let _ = failure;
    }
}

/// A token that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Success<'a> {
    /// The identifier of the token (`jti`); of the new one, where a refresh token was exchanged.
    pub token_id: Option<&'a str>,
    /// Whom the token is about (`sub`).
    pub subject: &'a str,
    /// What the token was presented as.
    pub token_use: TokenUse,
}

/// A token that was not accepted. Nothing of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// Why, in a few words that stay the same.
    pub reason: Reason,
    /// Why, in detail.
    pub rejection: &'a Rejection,
    /// What the token was presented as.
    pub token_use: TokenUse,
}

/// What a token is presented as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenUse {
    /// To call a service.
    Access,
    /// To get new tokens.
    Refresh,
}

impl TokenUse {
    /// The name in metrics: `access` or `refresh`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// Why a token was not accepted, in the words of m8's hooks (contract m8 §2.3) and two more, for
/// what nobody could judge. Few enough for the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its time is over.
    Expired,
    /// Anything that has no reason of its own here.
    Invalid,
    /// It is a token of another kind.
    WrongType,
    /// What it says of the user breaks a rule of the profile.
    InvalidPayload,
    /// Its role and its privileges contradict each other.
    InconsistentPrivilegeClaims,
    /// It was revoked.
    Revoked,
    /// It is a refresh token that was used before.
    Reused,
    /// The keys could not be had.
    KeyUnavailable,
    /// Whether it is revoked could not be found out.
    RevocationUnavailable,
}

impl Reason {
    /// The name in metrics, such as `wrong_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Invalid => "invalid",
            Self::WrongType => "wrong_type",
            Self::InvalidPayload => "invalid_payload",
            Self::InconsistentPrivilegeClaims => "inconsistent_privilege_claims",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::KeyUnavailable => "key_unavailable",
            Self::RevocationUnavailable => "revocation_unavailable",
        }
    }
}

impl From<&Rejection> for Reason {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::Expired { .. } => Self::Expired,
            Rejection::WrongType => Self::WrongType,
            Rejection::Profile { .. } | Rejection::Inactive => Self::InvalidPayload,
            Rejection::InconsistentPrivileges => Self::InconsistentPrivilegeClaims,
            Rejection::Revoked => Self::Revoked,
            Rejection::Reused => Self::Reused,
            Rejection::KeysUnavailable(_) => Self::KeyUnavailable,
            Rejection::RevocationUnavailable(_) => Self::RevocationUnavailable,
            _ => Self::Invalid,
        }
    }
}

/// Calls a hook; a panic of it ends here.
pub(crate) fn tell(hook: impl FnOnce()) {
    // Whatever state the hook has left behind is its own. So is what it panicked with, which could
    // panic again when it is dropped.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(hook)) {
        std::mem::forget(payload);
    }
}
