//! What is said about a token that was looked at.

use std::io::{self, Write};

use auth_core::UnixTime;
use auth_jwt::{Claims, Rejection};

use super::remedy::remedy;
use crate::json_text;
use crate::printable::printable;
use crate::status::Status;

/// The verdict over one token.
pub(super) enum Verdict {
    Accepted(Box<Claims>),
    Rejected(Rejection),
    /// The token may be good or not; nobody could tell.
    Undetermined(Rejection),
}

impl From<Result<Claims, Rejection>> for Verdict {
    fn from(verified: Result<Claims, Rejection>) -> Self {
        match verified {
            Ok(claims) => Self::Accepted(Box::new(claims)),
            Err(rejection) if rejection.is_undetermined() => Self::Undetermined(rejection),
            Err(rejection) => Self::Rejected(rejection),
        }
    }
}

impl Verdict {
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Accepted(_) => Status::Good,
            Self::Rejected(_) => Status::Refused,
            Self::Undetermined(_) => Status::Undecided,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Undetermined(_) => "undetermined",
        }
    }

    /// Writes one line of JSON.
    ///
    /// The line is put together by hand so that the claims stand in it as they were signed: order,
    /// numbers and all. serde_json could do the same with its feature `raw_value`, but that feature
    /// changes how *every* crate of the build reads a `Value` from a token with a certain member.
    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let verdict = self.name();
        match self {
            Self::Accepted(claims) => {
                let claims = json_text::line(claims.as_json());
                writeln!(
                    out,
                    r#"{{"verdict":"{verdict}","code":null,"claims":{claims}}}"#
                )
            }
            Self::Rejected(rejection) | Self::Undetermined(rejection) => {
                let code = rejection.code();
                writeln!(
                    out,
                    r#"{{"verdict":"{verdict}","code":"{code}","claims":null}}"#
                )
            }
        }
    }

    /// Writes a few lines for a person.
    pub(super) fn write_text(&self, out: &mut impl Write, now: UnixTime) -> io::Result<()> {
        let verdict = self.name();
        match self {
            Self::Accepted(claims) => {
                writeln!(out, "{verdict}")?;
                let mut line = |name, value: &str| match value {
                    "" => Ok(()),
                    value => writeln!(out, "  {name:<11} {}", printable(value)),
                };
                let roles = claims.roles();
                line("sub", claims.subject())?;
                line("iss", claims.issuer().unwrap_or_default())?;
                line("aud", &join(claims.audience()))?;
                line("exp", &expiry(claims.expires_at(), now))?;
                line("realm roles", &join(roles))
            }
            Self::Rejected(rejection) => {
                let code = rejection.code();
                writeln!(out, "{verdict}: {code}\n  {rejection}")?;
                remedy(code).map_or(Ok(()), |remedy| writeln!(out, "help: {remedy}"))
            }
            // Standard error says why, and what to do.
            Self::Undetermined(rejection) => {
                writeln!(out, "{verdict}: {}\n  {rejection}", rejection.code())
            }
        }
    }

    pub(super) fn is_unknown_key(&self) -> bool {
        matches!(self, Self::Rejected(Rejection::UnknownKey))
    }
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn expiry(expires_at: UnixTime, now: UnixTime) -> String {
    let left = expires_at.saturating_since(now).as_secs();
    let ago = now.saturating_since(expires_at).as_secs();
    if left > 0 {
        format!("{expires_at} (in {left} s)")
    } else {
        format!("{expires_at} ({ago} s ago, forgiven by the leeway)")
    }
}
