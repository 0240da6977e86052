//! What has to be remembered about tokens, by whomever remembers it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use auth_core::{BoxFuture, UnixTime};

use crate::claims::Claims;

/// Knows the tokens that were revoked before their time.
pub trait RevocationList: fmt::Debug + Send + Sync {
    /// A number that changes with every revocation, if the list can tell without asking anybody. It
    /// never has a value again that it has had before: a count of entries will not do.
    ///
    /// As long as it stays the same, a token that was asked about need not be asked about again.
    /// `None`, which is what it is unless said otherwise, has every token asked about each time.
    fn epoch(&self) -> Option<u64> {
        None
    }

    /// Whether the token is revoked: by its `jti`, or with all tokens of its subject.
    fn is_revoked<'a>(
        &'a self,
        claims: &'a Claims,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;
}

/// Knows the sessions that are still open.
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Whether the session the token belongs to (`sid`) is open. A session nobody knows is not.
    fn is_open<'a>(&'a self, claims: &'a Claims) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;
}

/// Knows the refresh tokens that were issued, and what each was exchanged for.
///
/// Tokens that come of one login, each exchanged for the next, are a family. A store bounds what one
/// family takes, or one user could fill it for all.
pub trait RefreshStore: fmt::Debug + Send + Sync {
    /// Remembers the first token of a family.
    ///
    /// The future resolves to [`StoreUnavailable`] also if the token is known already.
    fn register<'a>(
        &'a self,
        first: &'a RefreshToken,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>>;

    /// Exchanges a token for the next, in one step: of two that exchange the same token at the same
    /// time, one is answered [`Rotated`](RotationAnswer::Rotated).
    ///
    /// Whoever answers [`Reused`](RotationAnswer::Reused) has revoked the family in the same step. How
    /// long ago an exchange was, the store measures by `now`; where several machines ask it, by a
    /// clock of its own.
    fn rotate<'a>(
        &'a self,
        rotation: &'a Rotation,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<RotationAnswer, StoreUnavailable>>;

    /// Revokes the family of a token, and says whether there was one. A token nobody knows has none.
    fn revoke_family<'a>(
        &'a self,
        issuer: Option<&'a str>,
        token_id: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;
}

/// A refresh token as a store remembers it: never its text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshToken {
    /// Who issues the token (`iss`), if the policy names an issuer: an identifier is one of its
    /// issuer, and a store tells two tokens of one identifier apart by it.
    pub issuer: Option<String>,
    /// The identifier of the token (`jti`).
    pub token_id: String,
    /// Whom the token is about (`sub`).
    pub subject: String,
    /// When the token ends.
    pub expires_at: UnixTime,
}

impl RefreshToken {
    /// Puts one together that names no issuer.
    pub fn new(
        token_id: impl Into<String>,
        subject: impl Into<String>,
        expires_at: UnixTime,
    ) -> Self {
        Self {
            issuer: None,
            token_id: token_id.into(),
            subject: subject.into(),
            expires_at,
        }
    }

    /// Names the issuer.
    #[must_use]
    pub fn of_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }
}

/// A refresh token that is to be exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The identifier of the token that was presented.
    pub old_token_id: String,
    /// The token that takes its place; of the same issuer and subject.
    pub new: RefreshToken,
    /// How long after an exchange the old token may come again and be told the same.
    pub grace: Duration,
}

impl Rotation {
    /// Puts one together.
    pub fn new(old_token_id: impl Into<String>, new: RefreshToken, grace: Duration) -> Self {
        Self {
            old_token_id: old_token_id.into(),
            new,
            grace,
        }
    }
}

/// What became of a [`Rotation`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotationAnswer {
    /// The new token is the one that counts from now on.
    Rotated,

    /// The old token was exchanged a moment ago, by somebody who was faster; this is the token that
    /// counts. The new one of the rotation was not remembered.
    Raced(RefreshToken),

    /// The old token was exchanged before, and not just now: one of the two that have presented it
    /// has stolen it. The family is revoked.
    Reused,

    /// The token was never issued, is another subject's, has ended, or its family is revoked.
    Unknown,
}

/// The store gave no usable answer: an outage, not a verdict on any token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token store is unavailable: {0}")]
pub struct StoreUnavailable(Cow<'static, str>);

impl StoreUnavailable {
    /// Says why, in lower case and without a secret.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }

    pub(crate) const fn of(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }
}
