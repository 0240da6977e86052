use std::fmt;

use auth_core::Secret;
use zeroize::Zeroizing;

use crate::xaes::{self, Message, NONCE, TAG};

/// Seals values, so that whoever holds them can neither read nor change them, nor put one in
/// another's place.
///
/// The cipher is XAES-256-GCM (C2SP, v1), with nonces chosen at random. What is sealed begins with a
/// version and the name of its key, so that keys can be changed while sealed values lie around:
///
/// | bytes | what |
/// |---|---|
/// | 1 | the version, `1` |
/// | 1 | how long the name of the key is |
/// | 1 to 64 | the name of the key |
/// | 24 | the nonce |
/// | as many as the text | the text, encrypted |
/// | 16 | the tag over all of it and the context |
///
/// # Example: a value that cannot be moved
///
/// ```
/// use auth_core::Secret;
/// use auth_crypto::{KeyRing, SealingKey};
///
/// let key = Secret::from("00".repeat(32)); // openssl rand -hex 32
/// let ring = KeyRing::new(SealingKey::from_hex("2026-11", &key)?);
///
/// let sealed = ring.seal(b"users:1", b"refresh token")?;
/// assert_eq!(ring.open(b"users:1", &sealed)?.as_slice(), b"refresh token");
/// assert!(ring.open(b"users:2", &sealed).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Example: a new key
///
/// ```
/// # use auth_core::Secret;
/// # use auth_crypto::{KeyRing, SealingKey};
/// # let key = |byte: &str| Secret::from(byte.repeat(32));
/// let old = KeyRing::new(SealingKey::from_hex("2025", &key("00"))?);
/// let sealed = old.seal(b"", b"text")?;
///
/// // First on all nodes as one that opens, then as the one that seals.
/// let new = KeyRing::new(SealingKey::from_hex("2026", &key("01"))?)
///     .also_opening(SealingKey::from_hex("2025", &key("00"))?);
/// assert_eq!(new.open(b"", &sealed)?.as_slice(), b"text");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyRing {
    /// The first one seals.
    keys: Vec<SealingKey>,
}

impl KeyRing {
    /// Seals and opens with this key.
    pub fn new(key: SealingKey) -> Self {
        Self { keys: vec![key] }
    }

    /// Opens with this key too. Of two keys of one name the first is taken.
    #[must_use]
    pub fn also_opening(mut self, key: SealingKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Seals a text. It can be opened with the same context only: say there what it is and whose, such
    /// as the key that it is stored under.
    ///
    /// # Errors
    ///
    /// [`NotSealed`] if the system has no random bytes, or the text is longer than 64 GiB.
    pub fn seal(&self, context: &[u8], text: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let Some(key) = self.keys.first() else {
            return Err(NotSealed(()));
        };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| NotSealed(()))?;
        let mut sealed = header(&key.name);
        let associated = [&*sealed, context].concat();
        let message = Message {
            text,
            associated: &associated,
        };
        let encrypted = xaes::seal(&key.key, &nonce, &message).ok_or(NotSealed(()))?;
        sealed.extend(nonce);
        sealed.extend(encrypted);
        Ok(sealed)
    }

    /// Opens what was sealed in this context. The text is wiped from memory when it is dropped.
    ///
    /// # Errors
    ///
    /// [`NotOpened`], which says why and nothing of the text.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let Parts {
            name,
            nonce,
            encrypted,
        } = Parts::of(sealed).ok_or(NotOpened::Malformed)?;
        let mut keys = self.keys.iter();
        let key = keys.find(|key| key.name.as_bytes() == name);
        let key = key.ok_or(NotOpened::UnknownKey)?;
        let associated = [&*header(&key.name), context].concat();
        let message = Message {
            text: encrypted,
            associated: &associated,
        };
        let text = xaes::open(&key.key, nonce, &message);
        text.map(Zeroizing::new).ok_or(NotOpened::Changed)
    }
}

/// What stands before the nonce.
fn header(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap_or_default();
    [&[VERSION, length], name.as_bytes()].concat()
}

/// What was sealed, taken apart.
struct Parts<'a> {
    name: &'a [u8],
    nonce: &'a [u8; NONCE],
    encrypted: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Option<Self> {
        let [VERSION, length, rest @ ..] = sealed else {
            return None;
        };
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        let (nonce, encrypted) = rest.split_first_chunk()?;
        (encrypted.len() >= TAG).then_some(Self {
            name,
            nonce,
            encrypted,
        })
    }
}

/// A key of 256 bits, and the name that what it seals carries.
#[derive(Clone)]
pub struct SealingKey {
    name: Box<str>,
    key: Zeroizing<[u8; 32]>,
}

impl SealingKey {
    /// Takes a key in 64 hexadecimal digits, as `openssl rand -hex 32` prints one.
    ///
    /// # Errors
    ///
    /// [`UnusableKey`] if it is none, or the name is not of 1 to 64 ASCII letters, digits, `-`, `_` and
    /// `.`. The name is public; it is not a place for anything else.
    pub fn from_hex(name: &str, key: &Secret) -> Result<Self, UnusableKey> {
        let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(belongs) {
            return Err(UnusableKey::Name);
        }
        let (pairs, rest) = key.expose().as_bytes().as_chunks::<2>();
        let mut bytes = Zeroizing::new([0; 32]);
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(UnusableKey::Key);
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            let digits = high.zip(low).ok_or(UnusableKey::Key)?;
            *byte = u8::try_from(digits.0 << 4 | digits.1).map_err(|_| UnusableKey::Key)?;
        }
        Ok(Self {
            name: name.into(),
            key: bytes,
        })
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({:?}, ..)", self.name)
    }
}

/// A key that nothing can be sealed with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableKey {
    /// The name has other letters than it may, or is too long.
    #[error("the name of a key has 1 to 64 ASCII letters, digits, `-`, `_` and `.`")]
    Name,
    /// The key has not 64 hexadecimal digits.
    #[error("a key has 64 hexadecimal digits: openssl rand -hex 32")]
    Key,
}

/// A text that could not be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has no random bytes, or the text is too long")]
pub struct NotSealed(());

/// A sealed value that could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotOpened {
    /// It was not sealed here, or by a later version.
    #[error("it is no sealed value of a known version")]
    Malformed,
    /// It was sealed with a key that is not in the ring.
    #[error("the key it was sealed with is not in the ring")]
    UnknownKey,
    /// It was changed, or sealed in another context, or with another key of the same name.
    #[error("it was changed, or sealed in another context")]
    Changed,
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, digit: &str) -> SealingKey {
        SealingKey::from_hex(name, &Secret::from(digit.repeat(64))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_context_only() {
        let ring = KeyRing::new(key("a", "0"));
        for text in [&b""[..], b"text", &[7; 100_000]] {
            let sealed = ring.seal(b"context", text).unwrap();
            assert_eq!(sealed.len(), 2 + 1 + NONCE + text.len() + TAG);
            assert_eq!(*ring.open(b"context", &sealed).unwrap(), text);
            for context in [&b""[..], b"text", b"context "] {
                assert_eq!(ring.open(context, &sealed), Err(NotOpened::Changed));
            }
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_to_the_same_bytes() {
        let ring = KeyRing::new(key("a", "0"));
        let sealed = || ring.seal(b"", b"text").unwrap();
        assert_ne!(sealed(), sealed());
    }

    #[test]
    fn not_a_bit_can_be_changed() {
        let ring = KeyRing::new(key("a", "0")).also_opening(key("c", "0"));
        let sealed = ring.seal(b"", b"text").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(ring.open(b"", &changed).is_err(), "{bit}");
        }
        for length in 0..sealed.len() {
            assert!(ring.open(b"", &sealed[..length]).is_err(), "{length}");
        }
        assert!(ring.open(b"", &[&*sealed, b"x"].concat()).is_err());
    }

    #[test]
    fn a_key_is_known_by_its_name() {
        let old = KeyRing::new(key("old", "1"));
        let sealed = old.seal(b"", b"text").unwrap();
        let new = KeyRing::new(key("new", "2"));
        assert_eq!(new.open(b"", &sealed), Err(NotOpened::UnknownKey));
        let both = new.also_opening(key("old", "1"));
        assert_eq!(*both.open(b"", &sealed).unwrap(), b"text");
        // It seals with the new one.
        let sealed = both.seal(b"", b"text").unwrap();
        assert_eq!(old.open(b"", &sealed), Err(NotOpened::UnknownKey));
        let other = KeyRing::new(key("new", "3"));
        assert_eq!(other.open(b"", &sealed), Err(NotOpened::Changed));
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_none_is_shown() {
        for (name, digits, expected) in [
            ("", "0", UnusableKey::Name),
            ("a b", "0", UnusableKey::Name),
            ("ä", "0", UnusableKey::Name),
            ("a", "x", UnusableKey::Key),
            ("a", "00", UnusableKey::Key),
            ("a", "ä", UnusableKey::Key),
        ] {
            let key = SealingKey::from_hex(name, &Secret::from(digits.repeat(64)));
            assert_eq!(key.unwrap_err(), expected, "{name:?} {digits:?}");
        }
        assert!(SealingKey::from_hex(&"a".repeat(65), &Secret::from("0".repeat(64))).is_err());
        assert!(SealingKey::from_hex("a", &Secret::from("0".repeat(63))).is_err());
        let shown = format!("{:?}", KeyRing::new(key("a", "7")));
        assert!(!shown.contains("77"), "{shown}");
    }
}
