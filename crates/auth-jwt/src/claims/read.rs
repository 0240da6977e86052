//! From the payload of a token whose signature was verified to its claims: every claim this crate
//! knows must be of its type where it is there.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use auth_core::UnixTime;

use super::{Accepted, Claims, Known, Times};
use crate::json::{Document, Element, Number, Place};
use crate::profile::Profile;
use crate::rejection::Rejection;
use crate::role_claim::RoleClaim;

/// How a policy wants a payload to be read.
pub(crate) struct Reading<'p> {
    pub(crate) roles_from: &'p [RoleClaim],
    /// What must be there and not null, besides `exp` and `sub`.
    pub(crate) required: &'p [Box<str>],
    pub(crate) profile: Profile,
}

impl Reading<'_> {
    /// Reads the payload. `exp` and `sub` must be there, and so must what is required.
    pub(crate) fn read(&self, document: Document<String>) -> Result<Accepted, Rejection> {
        let claims = document.root();
        let found = Found::among(claims);
        // A token that is bound to a key (RFC 7800, as DPoP and mutual TLS do) is worth nothing
        // without a proof of that key, and nobody here has looked at one.
        if found.cnf.is_some() {
            return Err(Rejection::bad_claim("cnf"));
        }
        let mut roles = Vec::new();
        for claim in self.roles_from {
            claim.read(claims, &mut roles)?;
        }
        once_each(&document, &mut roles);

        let dates = self.profile.dates();
        let issuer = found.issuer.map(text("iss")).transpose()?;
        let subject = found.subject.map(text("sub")).transpose()?;
        if subject.is_some_and(|subject| is_empty(&document, subject)) && !self.profile.is_lax() {
            return Err(Rejection::bad_claim("sub"));
        }
        let audience = found.audience.map(texts("aud")).transpose()?;
        // Rounded so that a fraction of a second never makes a token live longer.
        let date = |claim: Option<Element<'_>>, name, round| match claim {
            None => Ok(None),
            Some(claim) => numeric_date(claim, dates, round)
                .map(Some)
                .ok_or_else(|| Rejection::bad_claim(name)),
        };
        let expires_at = date(found.expires_at, "exp", f64::floor)?;
        let not_before = date(found.not_before, "nbf", f64::ceil)?;
        let issued_at = date(found.issued_at, "iat", f64::ceil)?;
        let authenticated_at = date(present(found.auth_time), "auth_time", f64::floor)?;
        let token_id = found.token_id.map(text("jti")).transpose()?;
        let username = present(found.username)
            .map(text("preferred_username"))
            .transpose()?;
        let email = present(found.email).map(text("email")).transpose()?;
        let session_id = present(found.session_id).map(text("sid")).transpose()?;
        // Both are read, so that an ill-typed one does not hide behind the other.
        let azp = present(found.azp).map(text("azp")).transpose()?;
        let client_id = present(found.client_id)
            .map(text("client_id"))
            .transpose()?;
        let scope = present(found.scope).map(texts("scope")).transpose()?;
        let acr = present(found.acr).map(text("acr")).transpose()?;
        let amr = present(found.amr).map(list("amr")).transpose()?;

        // Every claim has its type; from here on the question is which are there.
        let times = Times {
            expires_at: expires_at.ok_or_else(|| Rejection::missing_claim("exp"))?,
            not_before,
            issued_at,
            authenticated_at,
        };
        let known = Known {
            subject: subject.ok_or_else(|| Rejection::missing_claim("sub"))?,
            issuer,
            audience,
            token_id,
            username,
            email,
            session_id,
            client_id: azp.or(client_id),
            scope,
            acr,
            amr,
        };
        let claim = |name: &str| match name {
            "iss" => found.issuer,
            "aud" => found.audience,
            _ => claims.get(name),
        };
        let is_missing = |name: &str| claim(name).is_none_or(Element::is_null);
        if let Some(name) = self.required.iter().find(|name| is_missing(name)) {
            return Err(Rejection::missing_claim(name));
        }
        Ok(Accepted {
            for_access: !found.says_otherwise(),
            known,
            times,
            roles,
            profile: self.profile,
            valid: (UnixTime::from_secs(i64::MAX), UnixTime::from_secs(i64::MIN)),
            remembered: None,
            cleared: AtomicU64::new(0),
            identity: OnceLock::new(),
            document,
        })
    }
}

impl From<Accepted> for Claims {
    fn from(accepted: Accepted) -> Self {
        Self(Arc::new(accepted))
    }
}

/// The claims this crate has a use for, found in one pass over the members.
#[derive(Default)]
struct Found<'d> {
    issuer: Option<Element<'d>>,
    subject: Option<Element<'d>>,
    audience: Option<Element<'d>>,
    expires_at: Option<Element<'d>>,
    not_before: Option<Element<'d>>,
    issued_at: Option<Element<'d>>,
    auth_time: Option<Element<'d>>,
    token_id: Option<Element<'d>>,
    username: Option<Element<'d>>,
    email: Option<Element<'d>>,
    session_id: Option<Element<'d>>,
    azp: Option<Element<'d>>,
    client_id: Option<Element<'d>>,
    scope: Option<Element<'d>>,
    acr: Option<Element<'d>>,
    amr: Option<Element<'d>>,
    cnf: Option<Element<'d>>,
    typ: Option<Element<'d>>,
    token_use: Option<Element<'d>>,
    kind: Option<Element<'d>>,
    events: Option<Element<'d>>,
}

impl<'d> Found<'d> {
    fn among(claims: Element<'d>) -> Self {
        let mut found = Self::default();
        for (name, value) in claims.members() {
            let claim = match name {
                "iss" => &mut found.issuer,
                "sub" => &mut found.subject,
                "aud" => &mut found.audience,
                "exp" => &mut found.expires_at,
                "nbf" => &mut found.not_before,
                "iat" => &mut found.issued_at,
                "auth_time" => &mut found.auth_time,
                "jti" => &mut found.token_id,
                "preferred_username" => &mut found.username,
                "email" => &mut found.email,
                "sid" => &mut found.session_id,
                "azp" => &mut found.azp,
                "client_id" => &mut found.client_id,
                "scope" => &mut found.scope,
                "acr" => &mut found.acr,
                "amr" => &mut found.amr,
                "cnf" => &mut found.cnf,
                "typ" => &mut found.typ,
                "token_use" => &mut found.token_use,
                "type" => &mut found.kind,
                "events" => &mut found.events,
                _ => continue,
            };
            *claim = Some(value);
        }
        found
    }

    /// Whether the payload says that it is not an access token, as issuers do whose headers all say
    /// `JWT`: Keycloak by `typ`, Cognito by `token_use`, m8 by `type`, and OpenID Connect
    /// Back-Channel Logout 1.0 §2.4 by its event.
    fn says_otherwise(&self) -> bool {
        let says = |claim: Option<Element<'_>>, others: &[&str]| {
            let said = claim.and_then(Element::as_text);
            said.is_some_and(|said| others.iter().any(|other| said.eq_ignore_ascii_case(other)))
        };
        says(
            self.typ,
            &["ID", "Refresh", "Offline", "Logout", "Serialized-ID"],
        ) || says(self.token_use, &["id", "refresh"])
            || says(self.kind, &["refresh"])
            || self
                .events
                .is_some_and(|events| events.get(LOGOUT_EVENT).is_some())
    }
}

/// How dates may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    /// As numbers.
    Numbers,
    /// Also as whole numbers in a text.
    NumbersOrTexts,
}

/// `NumericDate` of RFC 7519 §2: a number of seconds, a fraction allowed.
pub(crate) fn numeric_date(
    claim: Element<'_>,
    dates: Dates,
    round: fn(f64) -> f64,
) -> Option<UnixTime> {
    let number = match (claim.as_number(), dates) {
        (Some(number), _) => number,
        (None, Dates::NumbersOrTexts) => Number::Integer(claim.as_text()?.trim().parse().ok()?),
        (None, Dates::Numbers) => return None,
    };
    let secs = match number {
        Number::Integer(secs) if secs.unsigned_abs() <= MAX_SECONDS => secs,
        // The cast is exact below it.
        Number::Float(secs) if secs.abs() <= MAX_SECONDS as f64 => round(secs) as i64,
        _ => return None,
    };
    Some(UnixTime::from_secs(secs))
}

/// 2^53: beyond it a fraction is lost and one implementation's date is not another's.
const MAX_SECONDS: u64 = 1 << 53;

/// A descriptive claim: issuers write null where they know nothing.
fn present(claim: Option<Element<'_>>) -> Option<Element<'_>> {
    claim.filter(|claim| !claim.is_null())
}

type Checked = Result<Place, Rejection>;

fn text(name: &str) -> impl Fn(Element<'_>) -> Checked {
    move |claim| match claim.as_text() {
        Some(_) => Ok(claim.place()),
        None => Err(Rejection::bad_claim(name)),
    }
}

fn list(name: &str) -> impl Fn(Element<'_>) -> Checked {
    move |claim| match claim.as_texts() {
        Some(_) => Ok(claim.place()),
        None => Err(Rejection::bad_claim(name)),
    }
}

/// One text, or a list of them.
fn texts(name: &str) -> impl Fn(Element<'_>) -> Checked {
    move |claim| match claim.as_text() {
        Some(_) => Ok(claim.place()),
        None => list(name)(claim),
    }
}

fn is_empty(document: &Document<String>, place: Place) -> bool {
    document.element(place).as_text() == Some("")
}

/// Keeps each role once, in the order they stand.
fn once_each(document: &Document<String>, roles: &mut Vec<Place>) {
    let text = |role: Place| document.element(role).as_text();
    if roles.len() > FEW_ROLES {
        // A set, because comparing each with each would take the square of their number.
        let mut seen = HashSet::new();
        roles.retain(|role| seen.insert(text(*role)));
        return;
    }
    let mut kept = 0;
    for next in 0..roles.len() {
        let role = roles[next];
        if roles[..kept].iter().all(|known| text(*known) != text(role)) {
            roles[kept] = role;
            kept += 1;
        }
    }
    roles.truncate(kept);
}

const FEW_ROLES: usize = 32;

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
