//! Signing tokens: for issuers, and for tests of those who verify.
//!
//! Nothing is added to the claims: what a token says is the caller's business.

mod public;

use std::fmt;

use auth_core::{Secret, SecretBytes};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{error, hmac};
use jsonwebtoken::EncodingKey;
use serde::Serialize;
use serde_json::json;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::{KeyError, VerificationKey};

/// A key that signs tokens with one algorithm.
///
/// `Debug` shows the algorithm and the `kid`, never the key.
///
/// # Example: a token and the key that verifies it
///
/// ```
/// use auth_jwt::mint::SigningKey;
/// use auth_jwt::{Algorithm, KeySet, jws};
///
/// let key = SigningKey::generate(Algorithm::EdDSA)?.with_kid("k1");
/// let token = key.sign(&serde_json::json!({ "sub": "u1" }))?;
///
/// let keys = KeySet::from(key.verification_key()?);
/// let verified = jws::verify(token.expose(), &keys, 1024)?;
/// assert_eq!(verified.payload, br#"{"sub":"u1"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SigningKey {
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    typ: Option<Box<str>>,
    key: Key,
}

enum Key {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(hmac::Algorithm, SecretBytes),
}

impl SigningKey {
    /// Makes a new key: RSA of 2048 bits, the algorithm's curve, or as many random bytes as the
    /// hash has.
    ///
    /// # Errors
    ///
    /// [`MintError::Signing`] if the operating system has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<Self, MintError> {
        let key = match algorithm {
            _ if algorithm.is_symmetric() => {
                let mut secret = vec![0; algorithm.min_secret_bytes()];
                aws_lc_rs::rand::fill(&mut secret)?;
                return Self::from_secret(&SecretBytes::from(secret), algorithm);
            }
            Algorithm::EdDSA => Key::Ed25519(Ed25519KeyPair::generate()?),
            _ => match (ecdsa_signing(algorithm), rsa_encoding(algorithm)) {
                (Some(curve), _) => Key::Ecdsa(EcdsaKeyPair::generate(curve)?),
                (_, Some(encoding)) => Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?, encoding),
                (None, None) => return Err(MintError::Signing),
            },
        };
        Ok(Self::new(algorithm, key))
    }

    /// Reads a private key in PEM: `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// [`MintError::Key`] if the text is not such a key, or the key does not fit the algorithm.
    pub fn from_private_pem(pem: &[u8], algorithm: Algorithm) -> Result<Self, MintError> {
        let not_pem = |_| KeyError::Malformed("it is not a private key in PEM for this algorithm");
        let refused = |_| KeyError::Malformed("the private key is not valid for this algorithm");
        let key = if let Some(encoding) = rsa_encoding(algorithm) {
            let pem = EncodingKey::from_rsa_pem(pem).map_err(not_pem)?;
            let pair = RsaKeyPair::from_der(pem.as_bytes()).map_err(refused)?;
            Key::Rsa(pair, encoding)
        } else if let Some(curve) = ecdsa_signing(algorithm) {
            let pem = EncodingKey::from_ec_pem(pem).map_err(not_pem)?;
            Key::Ecdsa(EcdsaKeyPair::from_pkcs8(curve, pem.as_bytes()).map_err(refused)?)
        } else if algorithm == Algorithm::EdDSA {
            let pem = EncodingKey::from_ed_pem(pem).map_err(not_pem)?;
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem.as_bytes());
            Key::Ed25519(pair.map_err(refused)?)
        } else {
            return Err(KeyError::Unsupported("a shared secret is not written in PEM").into());
        };
        Ok(Self::new(algorithm, key))
    }

    /// Takes a shared secret, under the same conditions as
    /// [`VerificationKey::from_secret`].
    ///
    /// # Errors
    ///
    /// [`MintError::Key`] as there.
    pub fn from_secret(secret: &SecretBytes, algorithm: Algorithm) -> Result<Self, MintError> {
        VerificationKey::from_secret(secret, algorithm)?;
        let hash = match algorithm {
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        Ok(Self::new(algorithm, Key::Hmac(hash, secret.clone())))
    }

    fn new(algorithm: Algorithm, key: Key) -> Self {
        Self {
            algorithm,
            kid: None,
            typ: Some("JWT".into()),
            key,
        }
    }

    /// Names the key in the header of what it signs.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Sets the type in the header of what it signs; `JWT` unless set.
    #[must_use]
    pub fn with_token_type(mut self, typ: impl Into<Box<str>>) -> Self {
        self.typ = Some(typ.into());
        self
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name in the header of what it signs.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Signs the claims, as they are, into a token.
    ///
    /// # Errors
    ///
    /// [`MintError::Claims`] if they cannot be written as JSON; [`MintError::Signing`] if the
    /// signature cannot be made.
    pub fn sign(&self, claims: &impl Serialize) -> Result<Secret, MintError> {
        let mut header = json!({ "alg": self.algorithm.name() });
        if let Some(typ) = &self.typ {
            header["typ"] = (**typ).into();
        }
        if let Some(kid) = &self.kid {
            header["kid"] = (**kid).into();
        }
        let payload = serde_json::to_vec(claims).map_err(|_| MintError::Claims)?;
        self.sign_parts(header.to_string().as_bytes(), &payload)
    }

    /// Signs a header and a payload of any content, and checks neither: the header may name another
    /// algorithm, and the payload need not be JSON. For tests that need tokens no honest issuer
    /// would make; whoever issues tokens calls [`sign`](Self::sign).
    ///
    /// # Errors
    ///
    /// [`MintError::Signing`] if the signature cannot be made.
    pub fn sign_parts(&self, header: &[u8], payload: &[u8]) -> Result<Secret, MintError> {
        let mut token = format!(
            "{}.{}",
            base64url::encode(header),
            base64url::encode(payload)
        );
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url::encode(&signature));
        Ok(token.into())
    }

    /// The signature over any message.
    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, MintError> {
        let random = SystemRandom::new();
        Ok(match &self.key {
            Key::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)?;
                signature
            }
            Key::Ecdsa(pair) => pair.sign(&random, message)?.as_ref().to_vec(),
            Key::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Key::Hmac(hash, secret) => {
                let key = hmac::Key::new(*hash, secret.expose());
                hmac::sign(&key, message).as_ref().to_vec()
            }
        })
    }

    /// The key that verifies what this one signs.
    ///
    /// # Errors
    ///
    /// [`MintError::Key`] if the key is too weak to be verified with.
    pub fn verification_key(&self) -> Result<VerificationKey, MintError> {
        let key = match (&self.key, self.public_jwk()) {
            (Key::Hmac(_, secret), _) => VerificationKey::from_secret(secret, self.algorithm)?,
            (_, Some(jwk)) => VerificationKey::from_jwk(jwk.to_string().as_bytes())?,
            (_, None) => return Err(MintError::Signing),
        };
        Ok(match &self.kid {
            Some(kid) => key.with_kid(kid.clone()),
            None => key,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),

    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written as JSON")]
    Claims,

    /// The signature could not be made.
    #[error("the signature could not be made")]
    Signing,
}

/// Says nothing about the cause, by design of the library below.
impl From<error::Unspecified> for MintError {
    fn from(_: error::Unspecified) -> Self {
        Self::Signing
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_SHA512,
        Algorithm::PS256 => &RSA_PSS_SHA256,
        Algorithm::PS384 => &RSA_PSS_SHA384,
        Algorithm::PS512 => &RSA_PSS_SHA512,
        _ => return None,
    })
}

fn ecdsa_signing(algorithm: Algorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    Some(match algorithm {
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Algorithm::ES512 => &ECDSA_P521_SHA512_FIXED_SIGNING,
        _ => return None,
    })
}
