//! What the original says of a token that is not accepted.

use crate::hooks::{Reason, TokenUse};
use crate::rejection::Rejection;

/// The text of the original's `InvalidToken`, and the reason its hooks are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The text, as clients of the original know it.
    pub message: &'static str,
    /// The reason.
    pub reason: Reason,
}

/// Tells a rejection in the original's words (contract m8 §2.3, §2.7, §2.8).
///
/// It has few of them: whatever is wrong with an access token besides its type and its lifetime is
/// `Invalid access token`.
pub fn outcome(token_use: TokenUse, rejection: &Rejection) -> Outcome {
    use Rejection::{Expired, Reused, Revoked, WrongType};
    let message = match (token_use, rejection) {
        (TokenUse::Access, Expired { .. }) => "Access token expired",
        (TokenUse::Access, WrongType) => "Not an access token",
        (TokenUse::Access, Revoked) => "Token revoked",
        (TokenUse::Access, _) => "Invalid access token",
        (TokenUse::Refresh, Expired { .. }) => "Refresh token expired",
        (TokenUse::Refresh, WrongType) => "Not a refresh token",
        (TokenUse::Refresh, Revoked | Reused) => "Refresh token already used or revoked",
        (TokenUse::Refresh, _) => "Invalid refresh token",
    };
    // Of a refresh token the original's hooks hear no more than this.
    let reason = match (token_use, rejection) {
        (TokenUse::Refresh, Revoked | Reused) => Reason::Reused,
        (TokenUse::Refresh, rejection) if !rejection.is_undetermined() => Reason::Invalid,
        _ => Reason::from(rejection),
    };
    Outcome { message, reason }
}
