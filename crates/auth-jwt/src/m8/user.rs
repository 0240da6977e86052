//! Who an m8 access token is about.

use auth_core::UnixTime;

use super::{check_token_id, check_type, email};
use crate::claims::Claims;
use crate::json::{Element, Number};
use crate::profile::{Profile, Strictness};
use crate::rejection::Rejection;

/// The user an m8 access token is about: the `TokenUserData` of contract m8 §1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The identifier of the user (`sub`).
    pub subject: String,
    /// The identifier of the token (`jti`).
    pub token_id: String,
    /// The mail address, its domain in lower case.
    pub email: String,
    /// The full name, if it is known.
    pub full_name: Option<String>,
    /// Where a picture of the user is, if there is one.
    pub avatar: Option<String>,
    /// Whether the account may be used. Always so, unless the policy is the lax one.
    pub is_active: bool,
    /// Whether the address was verified.
    pub email_verified: bool,
    /// Whether the user may do everything.
    pub is_superuser: bool,
    /// The role.
    pub role: Role,
    /// When the token ends.
    pub expires_at: UnixTime,
}

impl User {
    /// The user of a token that was accepted by one of m8's policies for access tokens; `None` of
    /// any other token.
    pub fn from_claims(claims: &Claims) -> Option<Self> {
        match claims.0.profile {
            Profile::M8Access(strictness) => Self::read(claims, strictness).ok(),
            _ => None,
        }
    }

    fn read(claims: &Claims, strictness: Strictness) -> Result<Self, Rejection> {
        let fields = Fields {
            claims: claims.root(),
            strictness,
        };
        Ok(Self {
            subject: claims.subject().to_owned(),
            token_id: claims.token_id().unwrap_or_default().to_owned(),
            email: fields.email()?,
            full_name: fields.text("full_name")?,
            avatar: fields.text("avatar")?,
            is_active: fields.flag("is_active", true)?,
            email_verified: fields.flag("email_verified", false)?,
            is_superuser: fields.flag("is_superuser", false)?,
            role: fields.role()?,
            expires_at: claims.expires_at(),
        })
    }
}

/// The role of an m8 user (contract m8 §1.3). A later one is above an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// `user`, the lowest, and what a token without a role has.
    User,
    /// `reader`
    Reader,
    /// `writer`
    Writer,
    /// `admin`
    Admin,
    /// `superadmin`, the highest.
    Superadmin,
}

impl Role {
    /// Every role, lowest first.
    pub const ALL: [Self; 5] = [
        Self::User,
        Self::Reader,
        Self::Writer,
        Self::Admin,
        Self::Superadmin,
    ];

    /// The name as it stands in a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
            Self::Superadmin => "superadmin",
        }
    }

    /// Whether it is this role or one above it.
    pub fn is_at_least(self, role: Self) -> bool {
        self >= role
    }
}

/// The rules of an access token beyond those of any token.
pub(crate) fn check_access(claims: &Claims, strictness: Strictness) -> Result<(), Rejection> {
    check_type(claims, "access")?;
    check_token_id(claims, strictness)?;
    let whole = match claims.root().get("exp").and_then(Element::as_number) {
        Some(Number::Float(seconds)) => seconds.fract() == 0.0,
        _ => true,
    };
    if !whole {
        return Err(Rejection::profile("exp"));
    }
    let user = User::read(claims, strictness)?;
    if strictness == Strictness::Strict {
        if user.is_superuser != (user.role == Role::Superadmin) {
            return Err(Rejection::InconsistentPrivileges);
        }
        if !user.is_active {
            return Err(Rejection::Inactive);
        }
    }
    Ok(())
}

struct Fields<'c> {
    claims: Element<'c>,
    strictness: Strictness,
}

impl Fields<'_> {
    fn email(&self) -> Result<String, Rejection> {
        let text = self.claims.get("email").and_then(Element::as_text);
        let read = match self.strictness {
            Strictness::Strict => email::normalised,
            Strictness::Lax => email::normalised_loosely,
        };
        text.and_then(read)
            .ok_or_else(|| Rejection::profile("email"))
    }

    fn role(&self) -> Result<Role, Rejection> {
        let Some(role) = self.claims.get("role") else {
            return Ok(Role::User);
        };
        let named = |name| Role::ALL.into_iter().find(|role| role.as_str() == name);
        role.as_text()
            .and_then(named)
            .ok_or_else(|| Rejection::profile("role"))
    }

    fn text(&self, name: &str) -> Result<Option<String>, Rejection> {
        match self.claims.get(name) {
            None => Ok(None),
            Some(value) if value.is_null() => Ok(None),
            Some(value) => match value.as_text() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(Rejection::profile(name)),
            },
        }
    }

    fn flag(&self, name: &str, otherwise: bool) -> Result<bool, Rejection> {
        let Some(value) = self.claims.get(name) else {
            return Ok(otherwise);
        };
        let flag = match self.strictness {
            Strictness::Strict => value.as_bool(),
            Strictness::Lax => loosely_true(value),
        };
        flag.ok_or_else(|| Rejection::profile(name))
    }
}

/// What the original takes for true or false (contract m8 §1).
fn loosely_true(value: Element<'_>) -> Option<bool> {
    if let Some(flag) = value.as_bool() {
        return Some(flag);
    }
    match value.as_number() {
        Some(Number::Integer(0)) => return Some(false),
        Some(Number::Integer(1)) => return Some(true),
        Some(Number::Float(0.0)) => return Some(false),
        Some(Number::Float(1.0)) => return Some(true),
        Some(_) => return None,
        None => {}
    }
    match value.as_text()?.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "t" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}
