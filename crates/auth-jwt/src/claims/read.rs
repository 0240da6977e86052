//! From the payload of a token whose signature was verified to its claims.
//!
//! What every policy judges by (`iss`, `sub`, `aud`, `exp`, `nbf`, `iat`, `jti`) must be of its type
//! where it is there. A claim that only describes counts as absent if it is of another type, unless
//! the policy requires or compares it.

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
    /// What is compared although it need not be there.
    pub(crate) compared: &'p [&'static str],
    pub(crate) profile: Profile,
}

impl Reading<'_> {
    /// Whether the policy requires or compares the claim, and so wants it of its type.
    fn asks_for(&self, name: &str) -> bool {
        self.required.iter().any(|required| **required == *name) || self.compared.contains(&name)
    }

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
            match claim.read(claims, &mut roles) {
                // A profile has rules for the role too, and says more of one that breaks them.
                Err(_) if self.profile != Profile::Plain || !self.asks_for(claim.name()) => {}
                read => read?,
            }
        }
        once_each(&document, &mut roles);

        // What a token calls itself has to be readable, or it could be anything.
        let calls_itself = [(found.typ, "typ"), (found.token_use, "token_use")];
        for (claim, name) in calls_itself {
            let text = claim.map(|claim| document.element(claim));
            let readable = |text: Element<'_>| text.is_null() || text.as_text().is_some();
            if !self.profile.is_lax() && !text.is_none_or(readable) {
                return Err(Rejection::bad_claim(name));
            }
        }
        let typed = Typed {
            document: &document,
            dates: self.profile.dates(),
        };
        // Of what it neither compares nor reads, the lax profile does not ask the type either. What
        // is compared is required.
        let lax = self.profile.is_lax();
        let free = |name: &str| lax && !self.required.iter().any(|it| **it == *name);
        let issuer = if_of_its_type(typed.text(found.issuer, "iss"), free("iss"))?;
        let subject = typed.text(found.subject, "sub")?;
        if subject.is_some_and(|subject| typed.is_empty(subject)) && !self.profile.is_lax() {
            return Err(Rejection::bad_claim("sub"));
        }
        let audience = if_of_its_type(typed.texts(found.audience, "aud"), free("aud"))?;
        // Rounded so that a fraction of a second never makes a token live longer.
        let expires_at = typed.date(found.expires_at, "exp", f64::floor)?;
        let not_before = typed.date(found.not_before, "nbf", f64::ceil)?;
        let issued_at = typed.date(found.issued_at, "iat", f64::ceil)?;
        // Descriptive claims: issuers write null where they know nothing.
        let present = |claim| typed.present(claim);
        let token_id = typed.text(found.token_id, "jti")?;
        let auth_time = typed.date(present(found.auth_time), "auth_time", f64::floor);
        let descriptive = |name: &str| lax || !self.asks_for(name);
        let authenticated_at = if_of_its_type(auth_time, descriptive("auth_time"))?;
        let text =
            |claim, name| if_of_its_type(typed.text(present(claim), name), descriptive(name));
        let username = text(found.username, "preferred_username")?;
        // A profile that has rules for the address has them for its type too.
        let email = typed.text(present(found.email), "email");
        let ruled = self.profile != Profile::Plain;
        let email = if_of_its_type(email, ruled || descriptive("email"))?;
        let session_id = text(found.session_id, "sid")?;
        // Both are read, so that one that is asked for does not hide behind the other.
        let azp = text(found.azp, "azp")?;
        let client_id = text(found.client_id, "client_id")?;
        let scope = if_of_its_type(
            typed.texts(present(found.scope), "scope"),
            descriptive("scope"),
        )?;
        let acr = text(found.acr, "acr")?;
        let amr = if_of_its_type(typed.list(present(found.amr), "amr"), descriptive("amr"))?;

        // Every claim that counts has its type; from here on the question is which are there.
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
            "iss" => found.issuer.map(|issuer| document.element(issuer)),
            "aud" => found.audience.map(|audience| document.element(audience)),
            _ => claims.get(name),
        };
        let is_missing = |name: &str| claim(name).is_none_or(Element::is_null);
        if let Some(name) = self.required.iter().find(|name| is_missing(name)) {
            return Err(Rejection::missing_claim(name));
        }
        Ok(Accepted {
            for_access: !typed.says_otherwise(&found),
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
struct Found {
    issuer: Option<Place>,
    subject: Option<Place>,
    audience: Option<Place>,
    expires_at: Option<Place>,
    not_before: Option<Place>,
    issued_at: Option<Place>,
    auth_time: Option<Place>,
    token_id: Option<Place>,
    username: Option<Place>,
    email: Option<Place>,
    session_id: Option<Place>,
    azp: Option<Place>,
    client_id: Option<Place>,
    scope: Option<Place>,
    acr: Option<Place>,
    amr: Option<Place>,
    cnf: Option<Place>,
    typ: Option<Place>,
    token_use: Option<Place>,
    kind: Option<Place>,
    events: Option<Place>,
}

impl Found {
    fn among(claims: Element<'_>) -> Self {
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
            *claim = Some(value.place());
        }
        found
    }
}

/// Claims of a document as what they have to be, if they are there.
struct Typed<'d> {
    document: &'d Document<String>,
    dates: Dates,
}

type Checked<T> = Result<Option<T>, Rejection>;

/// A claim that is as good as none if it is of another type and nobody asks.
fn if_of_its_type<T>(claim: Checked<T>, nobody_asks: bool) -> Checked<T> {
    match claim {
        Err(_) if nobody_asks => Ok(None),
        claim => claim,
    }
}

impl Typed<'_> {
    /// The claim, unless it is null.
    fn present(&self, claim: Option<Place>) -> Option<Place> {
        claim.filter(|claim| !self.document.element(*claim).is_null())
    }

    fn text(&self, claim: Option<Place>, name: &str) -> Checked<Place> {
        self.check(claim, name, |claim| claim.as_text().is_some())
    }

    fn list(&self, claim: Option<Place>, name: &str) -> Checked<Place> {
        self.check(claim, name, |claim| claim.as_texts().is_some())
    }

    /// One text, or a list of them.
    fn texts(&self, claim: Option<Place>, name: &str) -> Checked<Place> {
        self.check(claim, name, |claim| {
            claim.as_text().is_some() || claim.as_texts().is_some()
        })
    }

    fn date(&self, claim: Option<Place>, name: &str, round: fn(f64) -> f64) -> Checked<UnixTime> {
        let Some(claim) = claim else { return Ok(None) };
        match numeric_date(self.document.element(claim), self.dates, round) {
            Some(date) => Ok(Some(date)),
            None => Err(Rejection::bad_claim(name)),
        }
    }

    #[inline]
    fn check(
        &self,
        claim: Option<Place>,
        name: &str,
        fits: impl FnOnce(Element<'_>) -> bool,
    ) -> Checked<Place> {
        match claim {
            Some(claim) if !fits(self.document.element(claim)) => Err(Rejection::bad_claim(name)),
            claim => Ok(claim),
        }
    }

    fn is_empty(&self, claim: Place) -> bool {
        self.document.element(claim).as_text() == Some("")
    }

    /// Whether the payload says that it is not an access token, as issuers do whose headers all say
    /// `JWT`: Keycloak by `typ`, Cognito by `token_use`, m8 by `type`, and OpenID Connect
    /// Back-Channel Logout 1.0 §2.4 by its event.
    fn says_otherwise(&self, found: &Found) -> bool {
        let says = |claim: Option<Place>, others: &[&str]| {
            let said = claim.and_then(|claim| self.document.element(claim).as_text());
            said.is_some_and(|said| others.iter().any(|other| said.eq_ignore_ascii_case(other)))
        };
        let events = found.events.map(|events| self.document.element(events));
        says(
            found.typ,
            &["ID", "Refresh", "Offline", "Logout", "Serialized-ID"],
        ) || says(
            found.token_use,
            &["id", "id_token", "refresh", "refresh_token"],
        ) || says(found.kind, &["refresh", "refresh_token"])
            || events.is_some_and(|events| events.get(LOGOUT_EVENT).is_some())
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
