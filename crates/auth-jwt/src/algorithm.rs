use std::fmt;
use std::str::FromStr;

/// A signature algorithm of RFC 7518 §3.1 or RFC 8037 §3.1. `none` is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256; the key has at least 32 bytes.
    HS256,
    /// HMAC with SHA-384; the key has at least 48 bytes.
    HS384,
    /// HMAC with SHA-512; the key has at least 64 bytes.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256; the key has 2048 to 8192 bits.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384; the key has 2048 to 8192 bits.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512; the key has 2048 to 8192 bits.
    RS512,
    /// RSASSA-PSS with SHA-256; the key has 2048 to 8192 bits.
    PS256,
    /// RSASSA-PSS with SHA-384; the key has 2048 to 8192 bits.
    PS384,
    /// RSASSA-PSS with SHA-512; the key has 2048 to 8192 bits.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Every algorithm this crate verifies.
    pub const ALL: [Self; 13] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];

    /// What any RSA key may be used with unless its JWK names one.
    pub(crate) const RSA: [Self; 6] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
    ];

    pub(crate) const HMAC: [Self; 3] = [Self::HS256, Self::HS384, Self::HS512];

    /// The name as it stands in a token's header, such as `RS256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Whether the same secret signs and verifies.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    /// The fewest bytes a secret may have: those of the hash (RFC 7518 §3.2). Zero where keys are
    /// not secrets.
    pub(crate) const fn min_secret_bytes(self) -> usize {
        match self {
            Self::HS256 => 32,
            Self::HS384 => 48,
            Self::HS512 => 64,
            _ => 0,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a name exactly as the registry spells it: `rs256` is not an algorithm, and neither is
/// `none`.
impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

/// The name is not that of an [`Algorithm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no signature algorithm of this name is supported")]
#[non_exhaustive]
pub struct UnknownAlgorithm;
