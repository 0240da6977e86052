use std::collections::HashSet;
use std::fmt;

use auth_core::{Role, UnixTime};
use serde::de::DeserializeOwned;

use crate::json::{Object, Value};
use crate::rejection::{Malformed, Rejection};
use crate::role_claim::RoleClaim;

/// The claims of a token that a [`Verifier`](crate::Verifier) has accepted.
///
/// There is no other way to get one: an unverified token decodes to
/// [`danger::Unverified`](crate::danger::Unverified). `Debug` shows who the token is about and when
/// it ends, and no other claim.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    json: Box<str>,
    issuer: Option<Box<str>>,
    subject: Box<str>,
    audience: Vec<Box<str>>,
    expires_at: UnixTime,
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
    token_id: Option<Box<str>>,
    username: Option<Box<str>>,
    email: Option<Box<str>>,
    session_id: Option<Box<str>>,
    client_id: Option<Box<str>>,
    scopes: Vec<Box<str>>,
    roles: Vec<Role>,
    for_access: bool,
}

impl Claims {
    /// Reads the payload. Every claim this crate knows must be of its type where it is there; `exp`
    /// and `sub` must be there, and those that are `required` must be there and not null.
    pub(crate) fn parse(
        payload: Vec<u8>,
        roles_from: &[RoleClaim],
        required: &[Box<str>],
    ) -> Result<Self, Rejection> {
        let json = String::from_utf8(payload).map_err(|_| Malformed::Payload)?;
        let claims = Object::parse(json.as_bytes()).map_err(|_| Malformed::Payload)?;
        // A token that is bound to a key (RFC 7800, as DPoP and mutual TLS do) is worth nothing
        // without a proof of that key, and nobody here has looked at one.
        if claims.get("cnf").is_some() {
            return Err(bad("cnf"));
        }
        let mut roles = Vec::new();
        for claim in roles_from {
            claim.read(&claims, &mut roles)?;
        }
        // A set, because comparing each with each would take the square of their number.
        let mut seen = HashSet::new();
        roles.retain(|role| seen.insert(role.clone()));
        let issuer = text(&claims, "iss")?;
        let subject = non_empty_text(&claims, "sub")?;
        let audience = audience(&claims)?;
        // Rounded so that a fraction of a second never makes a token live longer.
        let expires_at = numeric_date(&claims, "exp", f64::floor)?;
        let not_before = numeric_date(&claims, "nbf", f64::ceil)?;
        let issued_at = numeric_date(&claims, "iat", f64::ceil)?;
        let token_id = text(&claims, "jti")?;
        let username = text_or_null(&claims, "preferred_username")?;
        let email = text_or_null(&claims, "email")?;
        let session_id = text_or_null(&claims, "sid")?;
        // Both are read, so that an ill-typed one does not hide behind the other.
        let azp = text_or_null(&claims, "azp")?;
        let client_id = text_or_null(&claims, "client_id")?;
        let scopes = scopes(&claims)?;

        // Every claim has its type; from here on the question is which are there.
        let expires_at = expires_at.ok_or_else(|| missing("exp"))?;
        let subject = subject.ok_or_else(|| missing("sub"))?;
        let is_missing = |name: &str| matches!(claims.get(name), None | Some(Value::Null));
        if let Some(name) = required.iter().find(|name| is_missing(name)) {
            return Err(missing(name));
        }
        Ok(Self {
            issuer,
            subject,
            audience,
            expires_at,
            not_before,
            issued_at,
            token_id,
            username,
            email,
            session_id,
            client_id: azp.or(client_id),
            scopes,
            roles,
            for_access: !says_otherwise(&claims),
            json: json.as_str().into(),
        })
    }

    /// Who issued the token (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whom the token is about (`sub`). Unique within the issuer; every policy requires it.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whom the token is for (`aud`).
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.audience.iter().map(AsRef::as_ref)
    }

    /// When the token ends (`exp`, rounded down). Every policy requires it.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// When the token begins (`nbf`, rounded up).
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// When the token was issued (`iat`, rounded up).
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// The identifier of the token (`jti`).
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// The name the user logs in with (`preferred_username`).
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The mail address (`email`).
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The session at the issuer (`sid`).
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// The client the token was issued to (`azp`, otherwise `client_id`).
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The scopes (`scope`), as text separated by spaces or as a list.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(AsRef::as_ref)
    }

    /// The roles, from the claims the policy names.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// All claims, as the JSON text that was signed.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// Reads the claims as a type of the caller's.
    ///
    /// # Errors
    ///
    /// What serde says if they do not fit. The message may quote a claim.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.json)
    }
}

impl Claims {
    /// Whether the payload does not call itself something other than an access token.
    pub(crate) fn is_for_access(&self) -> bool {
        self.for_access
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Whether the payload says that it is not an access token, as issuers do whose headers all say
/// `JWT`: Keycloak by `typ`, Cognito by `token_use`, m8 by `type`, and OpenID Connect Back-Channel
/// Logout 1.0 §2.4 by its event.
fn says_otherwise(claims: &Object<'_>) -> bool {
    let says = |name: &str, others: &[&str]| {
        let said = claims.get(name).and_then(Value::as_text);
        said.is_some_and(|said| others.iter().any(|other| said.eq_ignore_ascii_case(other)))
    };
    let events = claims.get("events").and_then(Value::as_object);
    says(
        "typ",
        &["ID", "Refresh", "Offline", "Logout", "Serialized-ID"],
    ) || says("token_use", &["id", "refresh"])
        || says("type", &["refresh"])
        || events.is_some_and(|events| events.get(LOGOUT_EVENT).is_some())
}

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn bad(claim: &str) -> Rejection {
    Rejection::BadClaim {
        claim: claim.into(),
    }
}

fn missing(claim: &str) -> Rejection {
    Rejection::MissingClaim {
        claim: claim.into(),
    }
}

/// A registered claim: text or absent. Null is neither.
fn text(claims: &Object<'_>, name: &str) -> Result<Option<Box<str>>, Rejection> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.as_ref().into())),
        Some(_) => Err(bad(name)),
    }
}

fn non_empty_text(claims: &Object<'_>, name: &str) -> Result<Option<Box<str>>, Rejection> {
    match text(claims, name)? {
        Some(text) if text.is_empty() => Err(bad(name)),
        text => Ok(text),
    }
}

/// A descriptive claim: issuers write null where they know nothing.
fn text_or_null(claims: &Object<'_>, name: &str) -> Result<Option<Box<str>>, Rejection> {
    match claims.get(name) {
        Some(Value::Null) => Ok(None),
        _ => text(claims, name),
    }
}

fn audience(claims: &Object<'_>) -> Result<Vec<Box<str>>, Rejection> {
    match claims.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::Text(one)) => Ok(vec![one.as_ref().into()]),
        Some(several) => {
            let texts = several.as_texts().ok_or_else(|| bad("aud"))?;
            Ok(texts.into_iter().map(Into::into).collect())
        }
    }
}

fn scopes(claims: &Object<'_>) -> Result<Vec<Box<str>>, Rejection> {
    match claims.get("scope") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Text(text)) => Ok(text.split_ascii_whitespace().map(Into::into).collect()),
        Some(several) => {
            let texts = several.as_texts().ok_or_else(|| bad("scope"))?;
            Ok(texts.into_iter().map(Into::into).collect())
        }
    }
}

/// `NumericDate` of RFC 7519 §2: a number of seconds, a fraction allowed.
fn numeric_date(
    claims: &Object<'_>,
    name: &str,
    round: fn(f64) -> f64,
) -> Result<Option<UnixTime>, Rejection> {
    let secs = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Integer(secs)) if secs.unsigned_abs() <= MAX_SECONDS => *secs,
        // The comparison also refuses what is not a number; the cast is exact below it.
        Some(Value::Float(secs)) if secs.abs() <= MAX_SECONDS as f64 => round(*secs) as i64,
        Some(_) => return Err(bad(name)),
    };
    Ok(Some(UnixTime::from_secs(secs)))
}

/// 2^53: beyond it a fraction is lost and one implementation's date is not another's.
const MAX_SECONDS: u64 = 1 << 53;
