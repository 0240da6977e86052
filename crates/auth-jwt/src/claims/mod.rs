mod read;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use auth_core::{Identity, UnixTime};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::json::{Document, Element, Place};
use crate::key_set::Epoch;
use crate::profile::Profile;

pub(crate) use crate::claims::read::{Dates, Reading};

/// The claims of a token that a [`Verifier`](crate::Verifier) has accepted.
///
/// There is no other way to get one: an unverified token decodes to
/// [`danger::Unverified`](crate::danger::Unverified). Cheap to clone. `Debug` shows who the token
/// is about and when it ends, and no other claim.
#[derive(Clone)]
pub struct Claims(pub(crate) Arc<Accepted>);

/// What a verifier has found out about a token, and what it needs to say the same again.
///
/// In this order, so that what is looked at when a token comes back lies together: among thousands
/// of tokens each line of memory that has to be fetched costs more than all that is computed.
#[repr(C)]
pub(crate) struct Accepted {
    /// When the policy accepts the token: from the first moment on, and before the second.
    pub(crate) valid: (UnixTime, UnixTime),
    pub(crate) remembered: Option<Remembered>,
    /// One more than the epoch of the revocation list that did not have the token; zero if none was
    /// asked.
    pub(crate) cleared: AtomicU64,
    pub(crate) identity: OnceLock<Identity>,
    document: Document<String>,
    known: Known,
    pub(crate) times: Times,
    roles: Vec<Place>,
    pub(crate) for_access: bool,
    pub(crate) profile: Profile,
}

/// What the cache of verified tokens compares before it answers.
pub(crate) struct Remembered {
    /// The whole token.
    pub(crate) token: Zeroizing<Box<str>>,
    /// Which of the verifier's issuers has accepted it.
    pub(crate) issuer: usize,
    /// The keys it was verified with.
    pub(crate) epoch: Epoch,
}

/// The claims this crate has a use for, and where they stand.
struct Known {
    issuer: Option<Place>,
    subject: Place,
    audience: Option<Place>,
    token_id: Option<Place>,
    username: Option<Place>,
    email: Option<Place>,
    session_id: Option<Place>,
    client_id: Option<Place>,
    scope: Option<Place>,
    acr: Option<Place>,
    amr: Option<Place>,
}

/// The moments a token states.
pub(crate) struct Times {
    pub(crate) expires_at: UnixTime,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) issued_at: Option<UnixTime>,
    pub(crate) authenticated_at: Option<UnixTime>,
}

impl Times {
    /// The last of the moments before which the token cannot have been good.
    pub(crate) fn begins(&self) -> Option<UnixTime> {
        self.not_before
            .max(self.issued_at)
            .max(self.authenticated_at)
    }
}

impl Claims {
    /// Who issued the token (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.text(self.known().issuer)
    }

    /// Whom the token is about (`sub`). Unique within the issuer; every policy requires it.
    pub fn subject(&self) -> &str {
        self.text(Some(self.known().subject)).unwrap_or_default()
    }

    /// Whom the token is for (`aud`).
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.texts(self.known().audience)
    }

    /// When the token ends (`exp`, rounded down). Every policy requires it.
    pub fn expires_at(&self) -> UnixTime {
        self.0.times.expires_at
    }

    /// When the token begins (`nbf`, rounded up).
    pub fn not_before(&self) -> Option<UnixTime> {
        self.0.times.not_before
    }

    /// When the token was issued (`iat`, rounded up).
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.0.times.issued_at
    }

    /// The identifier of the token (`jti`).
    pub fn token_id(&self) -> Option<&str> {
        self.text(self.known().token_id)
    }

    /// The name the user logs in with (`preferred_username`).
    pub fn username(&self) -> Option<&str> {
        self.text(self.known().username)
    }

    /// The mail address (`email`).
    pub fn email(&self) -> Option<&str> {
        self.text(self.known().email)
    }

    /// The session at the issuer (`sid`).
    pub fn session_id(&self) -> Option<&str> {
        self.text(self.known().session_id)
    }

    /// The client the token was issued to (`azp`, otherwise `client_id`).
    pub fn client_id(&self) -> Option<&str> {
        self.text(self.known().client_id)
    }

    /// The scopes (`scope`), as text separated by spaces or as a list.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        // As text they are separated by spaces; in a list each is one.
        let scope = self.element(self.known().scope);
        let text = scope.and_then(Element::as_text).unwrap_or_default();
        let listed = scope.into_iter().flat_map(Element::items);
        text.split_ascii_whitespace()
            .chain(listed.filter_map(Element::as_text))
    }

    /// The roles, from the claims the policy names; each once.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        let roles = self.0.roles.iter();
        roles.map(|role| self.text(Some(*role)).unwrap_or_default())
    }

    /// When the user was authenticated (`auth_time`, rounded down).
    pub fn authenticated_at(&self) -> Option<UnixTime> {
        self.0.times.authenticated_at
    }

    /// The class of the authentication (`acr`).
    pub fn authentication_class(&self) -> Option<&str> {
        self.text(self.known().acr)
    }

    /// The methods the user was authenticated with (`amr`, RFC 8176).
    pub fn authentication_methods(&self) -> impl Iterator<Item = &str> {
        self.texts(self.known().amr)
    }

    /// All claims, as the JSON text that was signed.
    pub fn as_json(&self) -> &str {
        self.0.document.text()
    }

    /// Reads the claims as a type of the caller's.
    ///
    /// # Errors
    ///
    /// What serde says if they do not fit. The message may quote a claim.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_json())
    }
}

impl Claims {
    /// How much memory they take, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let remembered = self.0.remembered.as_ref();
        let token = remembered.map_or(0, |remembered| remembered.token.len());
        let roles = self.0.roles.len() * size_of::<Place>();
        // An identity is made later, of another copy of everything, each grant a text by itself.
        let grants = self.0.roles.len() + self.scopes().count();
        let identity = token + 2 * self.as_json().len() + grants * BYTES_A_GRANT;
        size_of::<Accepted>() + self.0.document.bytes() + token + roles + identity
    }

    /// The claims as one object.
    pub(crate) fn root(&self) -> Element<'_> {
        self.0.document.root()
    }

    fn known(&self) -> &Known {
        &self.0.known
    }

    fn element(&self, place: Option<Place>) -> Option<Element<'_>> {
        place.map(|place| self.0.document.element(place))
    }

    fn text(&self, place: Option<Place>) -> Option<&str> {
        self.element(place).and_then(Element::as_text)
    }

    /// A claim that is one text or a list of them.
    fn texts(&self, place: Option<Place>) -> impl Iterator<Item = &str> {
        let claim = self.element(place);
        let one = claim.and_then(Element::as_text);
        let several = claim.into_iter().flat_map(Element::items);
        one.into_iter().chain(several.filter_map(Element::as_text))
    }
}

/// What a shared text takes besides its letters.
const BYTES_A_GRANT: usize = 64;

/// Two tokens that say the same, by the same policy, have equal claims.
impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json() && self.roles().eq(other.roles())
    }
}

impl Eq for Claims {}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
