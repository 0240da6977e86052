use std::fmt;

use auth_core::Secret;
use sha2::{Digest, Sha256};

/// The SHA-256 of a token: the same for the same token, and no way back to it.
///
/// A token is long and random, so that its hash cannot be guessed; do not use this for passwords.
/// It may be shown and stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes the token's text.
    pub fn of(token: &Secret) -> Self {
        Self(Sha256::digest(token.expose()).into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash in 64 lower-case hexadecimal digits, as the platform's own clients write it into
    /// their cache keys (contract miso §2.7).
    pub fn to_hex(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4, appendix B.1 and the empty message.
    #[test]
    fn it_is_sha_256_in_hexadecimal() {
        for (token, hash) in [
            (
                "abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
        ] {
            assert_eq!(TokenHash::of(&Secret::from(token)).to_hex(), hash);
        }
    }
}
