//! Keys that verify signatures, and the forms they come in.

mod hmac;
mod jwk;
mod pem;
mod roca;

use std::fmt;

use auth_core::SecretBytes;
use aws_lc_rs::hmac as aws_hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use crate::algorithm::Algorithm;
use crate::json::{Document, Element};

/// A key that can verify signatures, and the algorithms it may be used with.
///
/// The algorithms follow from the key, never from a token: an RSA key cannot be taken for an HMAC
/// secret. `Debug` shows the `kid` and the algorithms, never the key.
///
/// # Example: a public key from a file
///
/// ```
/// use auth_jwt::{Algorithm, VerificationKey};
///
/// # let pem = "-----BEGIN PUBLIC KEY-----\n\
/// # MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
/// # -----END PUBLIC KEY-----\n";
/// let key = VerificationKey::from_public_pem(pem.as_bytes())?;
/// assert!(key.algorithms().eq([Algorithm::EdDSA]));
/// # Ok::<(), auth_jwt::KeyError>(())
/// ```
pub struct VerificationKey {
    kid: Option<Box<str>>,
    checks: Vec<(Algorithm, Check)>,
}

/// A key readied for one algorithm, so that verifying does not parse it again.
enum Check {
    PublicKey(ParsedPublicKey),
    Secret(Box<aws_hmac::Key>),
}

impl VerificationKey {
    /// Reads one JSON Web Key (RFC 7517, RFC 7518 §6, RFC 8037 §2).
    ///
    /// `use` must be `sig` and `key_ops` must include `verify` where they are stated, and `alg`
    /// pins the key to that one algorithm. Private members are passed over.
    ///
    /// # Errors
    ///
    /// If the document is not a strict JSON object, or the key is of another type, malformed, too
    /// weak, or not for verifying signatures.
    pub fn from_jwk(json: &[u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(json).map_err(|_| NO_OBJECT)?;
        let jwk = Document::parse(text).map_err(|_| NO_OBJECT)?;
        Self::from_jwk_element(jwk.root())
    }

    pub(crate) fn from_jwk_element(jwk: Element<'_>) -> Result<Self, KeyError> {
        if jwk.is_object() {
            jwk::import(jwk)
        } else {
            Err(NO_OBJECT)
        }
    }

    /// Reads a public key in PEM: `PUBLIC KEY` (RFC 7468 §13) or `RSA PUBLIC KEY`.
    ///
    /// The key has no `kid`, so it is tried whatever `kid` a token names.
    ///
    /// # Errors
    ///
    /// If the text is not PEM, is a private key, or the key is of another type or too weak.
    pub fn from_public_pem(pem: &[u8]) -> Result<Self, KeyError> {
        pem::import(pem)
    }

    /// Takes a shared secret for one HMAC algorithm.
    ///
    /// # Errors
    ///
    /// If `algorithm` is not an HMAC, the secret is shorter than its hash (RFC 7518 §3.2), or the
    /// secret is itself the text of a key (PEM, DER, SSH or JSON, in base64 or not): whoever
    /// verifies with a *public* key as the secret accepts tokens that anybody can sign.
    pub fn from_secret(secret: &SecretBytes, algorithm: Algorithm) -> Result<Self, KeyError> {
        hmac::import(secret.expose(), &[algorithm])
    }

    /// Gives the key a `kid`, replacing the one it has.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The identifier a token's header names the key by.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithms the key may be used with.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.checks.iter().map(|(algorithm, _)| *algorithm)
    }

    pub(crate) fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms().any(|allowed| allowed == algorithm)
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.algorithms().any(Algorithm::is_symmetric)
    }

    /// Whether the signature over `message` is this key's, by this algorithm.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let check = self
            .checks
            .iter()
            .find(|(allowed, _)| *allowed == algorithm);
        match check {
            Some((_, Check::PublicKey(key))) => key.verify_sig(message, signature).is_ok(),
            Some((_, Check::Secret(key))) => aws_hmac::verify(key, message, signature).is_ok(),
            None => false,
        }
    }

    /// Readies a key for each algorithm it may be used with.
    fn new(
        algorithms: &[Algorithm],
        ready: impl Fn(Algorithm) -> Result<Check, KeyError>,
    ) -> Result<Self, KeyError> {
        let checks = algorithms
            .iter()
            .map(|&algorithm| Ok((algorithm, ready(algorithm)?)))
            .collect::<Result<_, KeyError>>()?;
        Ok(Self { kid: None, checks })
    }

    fn from_rsa_components(n: &[u8], e: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeyError> {
        // The bits of the number, not of its spelling.
        let bits = n
            .first()
            .map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(KeyError::Weak("an RSA key has 2048 to 8192 bits"));
        }
        if e.last().is_none_or(|last| last % 2 == 0) || e == [1] {
            return Err(KeyError::Weak(
                "the RSA exponent is not an odd number above 1",
            ));
        }
        // Beyond it the library below verifies nothing; in use are 3 and 65537.
        if e.len() > 5 || e.len() == 5 && e[0] > 1 {
            return Err(KeyError::Unsupported("the RSA exponent is over 33 bits"));
        }
        // The library below takes an even one, and then verifies nothing with it.
        if n.last().is_none_or(|last| last % 2 == 0) {
            return Err(KeyError::Malformed("the RSA modulus is even"));
        }
        if roca::is_fingerprint_of(n) {
            return Err(KeyError::Weak(
                "the RSA key is one of those that can be factored (ROCA)",
            ));
        }
        Self::new(algorithms, |algorithm| {
            let parameters = rsa_parameters(algorithm).ok_or(MISMATCH)?;
            let components = RsaPublicKeyComponents { n, e };
            let parsed = components.to_parsed_public_key(parameters);
            parsed
                .map(Check::PublicKey)
                .map_err(|_| KeyError::Malformed("the RSA key is not valid"))
        })
    }

    /// Readies an elliptic-curve key: an uncompressed point, or the 32 bytes of Ed25519.
    fn from_curve_point(point: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::new(&[algorithm], |algorithm| {
            let curve: &'static dyn VerificationAlgorithm = match algorithm {
                Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
                Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
                Algorithm::ES512 => &ECDSA_P521_SHA512_FIXED,
                Algorithm::EdDSA => &ED25519,
                _ => return Err(MISMATCH),
            };
            ParsedPublicKey::new(curve, point)
                .map(Check::PublicKey)
                .map_err(|_| KeyError::Malformed("the point is not on the curve"))
        })
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.algorithms().collect();
        f.debug_struct("VerificationKey")
            .field("kid", &self.kid)
            .field("algorithms", &algorithms)
            .finish_non_exhaustive()
    }
}

/// Why a key cannot be used. Nothing of the key is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is not written the way its type is.
    #[error("the key is malformed: {0}")]
    Malformed(&'static str),

    /// The key would be too easy to find or to forge with.
    #[error("the key is too weak: {0}")]
    Weak(&'static str),

    /// The key is not meant for verifying signatures.
    #[error("the key is not for verifying signatures: {0}")]
    NotForVerifying(&'static str),

    /// The key is of a type, on a curve or for an algorithm that is not supported.
    #[error("the key is not supported: {0}")]
    Unsupported(&'static str),
}

const NO_OBJECT: KeyError = KeyError::Malformed("it is not a JSON object");

const MISMATCH: KeyError = KeyError::Unsupported("the algorithm does not fit the type of the key");

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
