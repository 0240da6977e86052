use std::fmt;

use auth_core::Secret;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// A key that makes tags: HMAC-SHA-256 (RFC 2104, FIPS 198-1).
///
/// A tag is the same for the same message, and nobody without the key can make one or find the
/// message by trying.
///
/// # Example: the same message, the same tag
///
/// ```
/// use auth_core::Secret;
/// use auth_crypto::HmacKey;
///
/// let key = HmacKey::new(&Secret::from("32 random bytes, or more of them"))?;
/// assert_eq!(key.tag(b"ada"), key.tag(b"ada"));
/// assert_ne!(key.tag(b"ada"), key.tag(b"bob"));
/// # Ok::<(), auth_crypto::WeakKey>(())
/// ```
#[derive(Clone)]
pub struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// Takes the key's text, byte by byte; nothing is decoded.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if it has fewer than 32 bytes: RFC 2104 §3 discourages keys shorter than the
    /// tag.
    pub fn new(key: &Secret) -> Result<Self, WeakKey> {
        let bytes = key.expose().as_bytes();
        if bytes.len() < SHORTEST {
            return Err(WeakKey(()));
        }
        Hmac::new_from_slice(bytes)
            .map(Self)
            .map_err(|_| WeakKey(()))
    }

    /// The tag of a message.
    pub fn tag(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

/// A key that is too short to keep anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an HMAC key has at least 32 bytes; take random ones")]
pub struct WeakKey(());

/// In bytes.
const SHORTEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of RFC 4231 are too short for this type, or no text; these tags are those of
    /// Python's `hmac`. One key is longer than a block and hashed first.
    #[test]
    fn it_is_hmac_sha_256() {
        for (key, message, tag) in [
            (
                "0123456789abcdef0123456789abcdef",
                "what do ya want for nothing?",
                "137e6557c3c13a1ca5dc7e52a389a0f86be8cb4db4ae61c62396058b00acacd0",
            ),
            (
                &*"k".repeat(131),
                "",
                "c68b7ace04e8bf0b01c1ed872ac04ac02cb9acb6a6d01fae07f52ff2d6c9bcee",
            ),
        ] {
            let key = HmacKey::new(&Secret::from(key)).unwrap();
            let shown: String = key
                .tag(message.as_bytes())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(shown, tag);
        }
    }

    #[test]
    fn a_short_key_is_refused_and_none_is_shown() {
        assert!(HmacKey::new(&Secret::from("k".repeat(31))).is_err());
        let key = HmacKey::new(&Secret::from("k".repeat(32))).unwrap();
        assert_eq!(format!("{key:?}"), "HmacKey(..)");
    }
}
