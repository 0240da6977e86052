use std::sync::atomic::{AtomicU64, Ordering};

use crate::algorithm::Algorithm;
use crate::json::{Document, Element};
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
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    skipped: Vec<SkippedKey>,
    epoch: Epoch,
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
        let text = std::str::from_utf8(json).map_err(|_| KeySetError::NotJson)?;
        let document = Document::parse(text).map_err(|_| KeySetError::NotJson)?;
        let root = document.root();
        let entries: Vec<_> = match root.get("keys") {
            Some(keys) if keys.is_list() => keys.items().collect(),
            None if root.get("kty").is_some() => vec![root],
            _ => return Err(KeySetError::NotKeySet),
        };
        if entries.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        Ok(Self::from_entries(&entries))
    }

    fn from_entries(entries: &[Element<'_>]) -> Self {
        let read: Vec<_> = entries
            .iter()
            .map(|entry| VerificationKey::from_jwk_element(*entry))
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

    /// Which key set this is: no two have one epoch, whatever keys are in them.
    ///
    /// What was verified with one set is not taken for verified with another, so a source that
    /// finds its document unchanged should go on with the set it has.
    pub fn epoch(&self) -> Epoch {
        self.epoch
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
    pub(crate) fn candidates<'a>(
        &'a self,
        kid: Option<&'a str>,
    ) -> impl Iterator<Item = &'a VerificationKey> {
        let any_named = kid.is_some() && self.keys.iter().any(|key| key.kid() == kid);
        self.keys.iter().filter(move |key| match kid {
            None => true,
            Some(_) if any_named => key.kid() == kid,
            Some(_) => key.kid().is_none(),
        })
    }
}

impl From<VerificationKey> for KeySet {
    fn from(key: VerificationKey) -> Self {
        [key].into_iter().collect()
    }
}

/// A set without keys.
impl Default for KeySet {
    fn default() -> Self {
        Self::from_iter([])
    }
}

/// Puts keys together as they are; nothing is left out.
impl FromIterator<VerificationKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = VerificationKey>>(keys: I) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            skipped: Vec::new(),
            epoch: Epoch::next(),
        }
    }
}

/// Names one key set among all that this process has ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// Whether an entry is of any type but a shared secret's.
fn is_public(entry: &Element<'_>) -> bool {
    let kty = entry.get("kty").and_then(Element::as_text);
    kty.is_some_and(|kty| kty != "oct")
}

/// Whether two entries are of one type and have one `kid`.
fn same_name(one: &Element<'_>, other: &Element<'_>) -> bool {
    fn text<'d>(entry: &Element<'d>, name: &str) -> Option<&'d str> {
        entry.get(name).and_then(Element::as_text)
    }
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
