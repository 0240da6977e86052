use crate::algorithm::Algorithm;
use crate::json::{self, Value};
use crate::key::{KeyError, VerificationKey};

/// The keys tokens are checked with: a JWKS document, or single keys put together.
///
/// A key that cannot be used does not spoil the set: it is left out, and [`skipped`](Self::skipped)
/// says which and why.
///
/// # Example: a document with one good key
///
/// ```
/// use auth_jwt::KeySet;
///
/// let keys = KeySet::from_jwks(br#"{ "keys": [
///     { "kty": "OKP", "crv": "Ed25519", "kid": "k1",
///       "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
///     { "kty": "OKP", "crv": "X25519", "kid": "k2", "use": "enc",
///       "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08" }
/// ] }"#)?;
/// assert_eq!(keys.len(), 1);
/// assert_eq!(keys.skipped().len(), 1);
/// # Ok::<(), auth_jwt::KeySetError>(())
/// ```
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    skipped: Vec<SkippedKey>,
}

impl KeySet {
    /// The largest document that is read.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// The most keys a document may list.
    pub const MAX_KEYS: usize = 256;

    /// Reads a JWKS document (RFC 7517 §5), or a single JWK.
    ///
    /// Left out, besides keys that cannot be used by themselves: shared secrets that stand beside
    /// public keys, because a set with public keys is published; and every key that shares both its
    /// `kid` and an algorithm with another, because a token could not say which one it means. That
    /// other one need not be usable: a malformed or weak key of the same type counts.
    ///
    /// # Errors
    ///
    /// If the document is larger than [`MAX_BYTES`](Self::MAX_BYTES), lists more than
    /// [`MAX_KEYS`](Self::MAX_KEYS) keys, or is neither a JWKS nor a JWK.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > Self::MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let document = json::parse(json).map_err(|_| KeySetError::NotJson)?;
        let object = document.as_object().ok_or(KeySetError::NotKeySet)?;
        let entries = match object.get("keys") {
            Some(Value::List(entries)) => &entries[..],
            None if object.get("kty").is_some() => std::slice::from_ref(&document),
            _ => return Err(KeySetError::NotKeySet),
        };
        if entries.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        Ok(Self::from_entries(entries))
    }

    fn from_entries(entries: &[Value<'_>]) -> Self {
        let read: Vec<_> = entries
            .iter()
            .map(VerificationKey::from_jwk_value)
            .collect();
        let usable: Vec<_> = read.iter().flatten().collect();
        // Also by a public key that is of no use here, such as one for encryption.
        let published = entries.iter().any(is_public);
        // Meant for verifying and not fit for it: whoever signs may mean this one all the same.
        let broken: Vec<_> = read
            .iter()
            .zip(entries)
            .filter(|(key, _)| matches!(key, Err(KeyError::Malformed(_) | KeyError::Weak(_))))
            .map(|(_, entry)| entry)
            .collect();
        let verdicts: Vec<_> = read
            .iter()
            .zip(entries)
            .map(|(key, entry)| match key {
                Err(error) => Some(Skip::Unusable(*error)),
                Ok(key) if published && key.is_secret() => Some(Skip::PublishedSecret),
                Ok(key)
                    if usable.iter().filter(|other| ambiguous(key, other)).count() > 1
                        || broken.iter().any(|other| same_name(entry, other)) =>
                {
                    Some(Skip::Ambiguous)
                }
                Ok(_) => None,
            })
            .collect();
        let mut set = Self::default();
        for (index, (key, verdict)) in read.into_iter().zip(verdicts).enumerate() {
            match (key, verdict) {
                (_, Some(reason)) => set.skipped.push(SkippedKey { index, reason }),
                (Ok(key), None) => set.keys.push(key),
                (Err(_), None) => {}
            }
        }
        set
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that can be used.
    pub fn keys(&self) -> impl Iterator<Item = &VerificationKey> {
        self.keys.iter()
    }

    /// The keys that were left out, for a log line at the time the set is loaded.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The keys a token with this `kid` may be signed with.
    ///
    /// A token that names a key is judged by the keys of that name, or, if there is none, by the
    /// keys that have no name; one that names none may be signed by any.
    pub(crate) fn candidates(&self, kid: Option<&str>) -> Vec<&VerificationKey> {
        let by = |wanted: fn(Option<&str>, Option<&str>) -> bool| {
            self.keys
                .iter()
                .filter(|key| wanted(key.kid(), kid))
                .collect::<Vec<_>>()
        };
        match kid {
            None => by(|_, _| true),
            Some(_) => {
                let named = by(|key, kid| key == kid);
                if named.is_empty() {
                    by(|key, _| key.is_none())
                } else {
                    named
                }
            }
        }
    }
}

impl From<VerificationKey> for KeySet {
    fn from(key: VerificationKey) -> Self {
        [key].into_iter().collect()
    }
}

/// Puts keys together as they are; nothing is left out.
impl FromIterator<VerificationKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = VerificationKey>>(keys: I) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            skipped: Vec::new(),
        }
    }
}

/// Whether an entry is of any type but a shared secret's.
fn is_public(entry: &Value<'_>) -> bool {
    let kty = entry.as_object().and_then(|entry| entry.get("kty"));
    kty.and_then(Value::as_text).is_some_and(|kty| kty != "oct")
}

/// Whether two entries are of one type and have one `kid`.
fn same_name(one: &Value<'_>, other: &Value<'_>) -> bool {
    let text = |entry: &Value<'_>, name: &str| {
        let member = entry.as_object()?.get(name)?.as_text();
        member.map(str::to_owned)
    };
    let kid = text(one, "kid");
    kid.is_some() && kid == text(other, "kid") && text(one, "kty") == text(other, "kty")
}

/// Whether a token could not say which of the two it means. A key is ambiguous with itself.
fn ambiguous(one: &VerificationKey, other: &VerificationKey) -> bool {
    let overlap = |algorithm: Algorithm| other.allows(algorithm);
    one.kid().is_some() && one.kid() == other.kid() && one.algorithms().any(overlap)
}

/// A key that was left out of a [`KeySet`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// Where it stands in the document, from 0.
    pub index: usize,
    /// Why it was left out.
    pub reason: Skip,
}

/// Why a key was left out of a [`KeySet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Skip {
    /// It cannot be used by itself.
    #[error(transparent)]
    Unusable(KeyError),

    /// It is a shared secret in a set of public keys.
    #[error("a shared secret stands beside public keys")]
    PublishedSecret,

    /// Another key has the same `kid` and may be used with the same algorithm.
    #[error("another key has the same kid")]
    Ambiguous,
}

/// Why a document is not a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is larger than [`KeySet::MAX_BYTES`].
    #[error("the key set is larger than {} bytes", KeySet::MAX_BYTES)]
    TooLarge,

    /// It lists more than [`KeySet::MAX_KEYS`] keys.
    #[error("the key set lists more than {} keys", KeySet::MAX_KEYS)]
    TooManyKeys,

    /// It is not JSON, repeats a member, or is nested too deeply.
    #[error("the key set is not strict JSON")]
    NotJson,

    /// It has neither a list `keys` nor a `kty`.
    #[error("the document is neither a JWKS nor a JWK")]
    NotKeySet,
}
