use crate::key_source::KeysUnavailable;
use crate::session::StoreUnavailable;

/// Why a token was not accepted.
///
/// A rejection is an answer, not a fault: show [`code`](Self::code) to the caller, log the
/// `Display` text, and do not retry, unless it [is undetermined](Self::is_undetermined). Nothing of
/// the token is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The token is not a well-formed signed JWT.
    #[error("malformed token: {0}")]
    Malformed(Malformed),

    /// The token is longer than the policy allows.
    #[error("token is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that are looked at.
        limit: usize,
    },

    /// `alg` is not one that the policy and the key allow. `none` never is.
    #[error("algorithm is not allowed")]
    AlgorithmNotAllowed,

    /// The header names an extension that has to be understood (`crit`); none is.
    #[error("token needs a critical extension")]
    CriticalExtension,

    /// `typ` is not one that the policy allows, or the payload calls itself something other than an
    /// access token (an ID, refresh or logout token) where one is expected.
    #[error("token is of another type")]
    WrongType,

    /// No key of the key set goes by the token's `kid`, also after asking for newer keys.
    #[error("token is signed with an unknown key")]
    UnknownKey,

    /// The token names no key, and so many could be meant that none is tried. The issuer has to
    /// write a `kid`.
    #[error("token does not say which of many keys it is signed with")]
    AmbiguousKey,

    /// The signature is not that of the key.
    #[error("signature does not match")]
    BadSignature,

    /// `exp` has passed, leeway included.
    #[error("token expired {by} s ago")]
    Expired {
        /// How long ago, in seconds, leeway not deducted.
        by: u64,
    },

    /// `nbf` or `iat` lies in the future, leeway included.
    #[error("token is not valid for another {by} s")]
    NotYetValid {
        /// How far ahead, in seconds, leeway not deducted.
        by: u64,
    },

    /// `iss` is not an issuer the policy names.
    #[error("token is from another issuer")]
    WrongIssuer,

    /// `aud` names no audience of the policy.
    #[error("token is for another audience")]
    WrongAudience,

    /// A claim the policy requires is not there.
    #[error("claim {claim} is missing")]
    MissingClaim {
        /// The name of the claim, as the policy states it.
        claim: Box<str>,
    },

    /// A claim is there, but is of the wrong type or out of range; or it is `cnf`, which binds the
    /// token to a key whose proof nobody here checks.
    #[error("claim {claim} is not usable")]
    BadClaim {
        /// The name of the claim.
        claim: Box<str>,
    },

    /// The user was not authenticated as the policy asks: not recently enough, or not by the class
    /// or the methods it names. Another login may help (RFC 9470).
    #[error("the authentication is not sufficient: {claim}")]
    InsufficientAuthentication {
        /// The claim that shows it: `acr`, `amr` or `auth_time`.
        claim: Box<str>,
    },

    /// A claim breaks a rule of the policy's profile.
    #[error("claim {claim} does not fit the profile")]
    Profile {
        /// The name of the claim.
        claim: Box<str>,
    },

    /// The token states a role and a privilege that contradict each other.
    #[error("role and privileges contradict each other")]
    InconsistentPrivileges,

    /// The account is switched off.
    #[error("account is not active")]
    Inactive,

    /// The token was good and has been revoked.
    #[error("token is revoked")]
    Revoked,

    /// A refresh token was presented again after it was exchanged; its whole family is revoked.
    #[error("refresh token was used before")]
    Reused,

    /// It could not be found out whether the token is revoked.
    #[error("{0}")]
    RevocationUnavailable(StoreUnavailable),

    /// The keys could not be had, so nobody knows whether the token is good.
    #[error("{0}")]
    KeysUnavailable(KeysUnavailable),
}

impl Rejection {
    /// The stable code, for wires and metrics: one of `malformed`, `too_large`,
    /// `alg_not_allowed`, `crit`, `typ`, `unknown_key`, `bad_signature`, `expired`,
    /// `not_yet_valid`, `issuer`, `audience`, `missing_claim`, `bad_claim`, `ambiguous_key`,
    /// `insufficient_authentication`, `profile`, `inconsistent_privilege_claims`, `inactive`,
    /// `revoked`, `reused`, `revocation_unavailable`, `keys_unavailable`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::AlgorithmNotAllowed => "alg_not_allowed",
            Self::CriticalExtension => "crit",
            Self::WrongType => "typ",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::WrongIssuer => "issuer",
            Self::WrongAudience => "audience",
            Self::MissingClaim { .. } => "missing_claim",
            Self::BadClaim { .. } => "bad_claim",
            Self::AmbiguousKey => "ambiguous_key",
            Self::InsufficientAuthentication { .. } => "insufficient_authentication",
            Self::Profile { .. } => "profile",
            Self::InconsistentPrivileges => "inconsistent_privilege_claims",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::RevocationUnavailable(_) => "revocation_unavailable",
            Self::KeysUnavailable(_) => "keys_unavailable",
        }
    }

    /// Whether the token was not judged at all. It is still not accepted, but another attempt may
    /// have another outcome, and a person should hear "try again" and not "log in again".
    pub fn is_undetermined(&self) -> bool {
        matches!(
            self,
            Self::KeysUnavailable(_) | Self::RevocationUnavailable(_)
        )
    }

    pub(crate) fn bad_claim(claim: &str) -> Self {
        Self::BadClaim {
            claim: claim.into(),
        }
    }

    pub(crate) fn missing_claim(claim: &str) -> Self {
        Self::MissingClaim {
            claim: claim.into(),
        }
    }

    pub(crate) fn profile(claim: &str) -> Self {
        Self::Profile {
            claim: claim.into(),
        }
    }
}

/// What about the token's form is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The text is not three parts separated by dots.
    #[error("not three parts")]
    Parts,

    /// A part is not base64url: a character of another alphabet, padding, or unused bits set.
    #[error("not canonical base64url")]
    Base64,

    /// The header is not a JSON object, repeats a member, or is nested too deeply.
    #[error("header is not a strict JSON object")]
    Header,

    /// A member of the header is of the wrong type, or `alg` is missing.
    #[error("header member is of the wrong type")]
    HeaderMember,

    /// The payload is not a JSON object, repeats a member, or is nested too deeply.
    #[error("payload is not a strict JSON object")]
    Payload,
}

impl From<Malformed> for Rejection {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}
