//! Whose tokens a policy is about, where that means rules of their own.

use crate::claims::{Claims, Dates};
use crate::m8;
use crate::rejection::Rejection;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Any issuer's tokens: what the policy says, and nothing else.
    Plain,
    M8Access(Strictness),
    M8Refresh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    Strict,
    /// As much is accepted as the original accepts. Only [`danger`](crate::danger) asks for it.
    Lax,
}

impl Profile {
    pub(crate) fn is_refresh(self) -> bool {
        matches!(self, Self::M8Refresh)
    }

    pub(crate) fn is_lax(self) -> bool {
        matches!(self, Self::M8Access(Strictness::Lax))
    }

    pub(crate) fn dates(self) -> Dates {
        if self.is_lax() {
            Dates::NumbersOrTexts
        } else {
            Dates::Numbers
        }
    }

    /// The rules of the profile, for claims that have the types every policy asks for.
    pub(crate) fn check(self, claims: &Claims, audience_compared: bool) -> Result<(), Rejection> {
        match self {
            Self::Plain => Ok(()),
            Self::M8Access(strictness) => m8::check_access(claims, strictness),
            Self::M8Refresh => m8::check_refresh(claims, audience_compared),
        }
    }
}
