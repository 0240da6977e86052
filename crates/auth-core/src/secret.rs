use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Text that must not reach a log line: a token, a password, a client secret.
///
/// `Debug` is fixed, there is no `Display` and no `Serialize`, and comparing takes the same time
/// wherever two secrets of one length differ (their lengths are not hidden). The memory is wiped
/// when the last clone goes; clones share it, so cloning leaves no second copy behind.
///
/// The one way out is [`expose`](Self::expose), so that `grep expose` finds each place where a
/// secret leaves its type.
///
/// # Example: neither printed nor compared byte by byte
///
/// ```
/// use auth_core::Secret;
///
/// let token = Secret::from("eyJhbGciOi..");
/// assert_eq!(format!("{token:?}"), "Secret(..)");
/// assert_eq!(token, Secret::from("eyJhbGciOi.."));
/// assert_eq!(token.expose().len(), 12);
/// ```
///
/// ```compile_fail
/// // A secret has no `Display`.
/// println!("{}", auth_core::Secret::from("password"));
/// ```
///
/// ```compile_fail
/// // A secret has no `Serialize`.
/// serde_json::to_string(&auth_core::Secret::from("password"));
/// ```
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Returns the text. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// Takes the text from a document, as a token response needs. The parser's own buffer is not
/// wiped.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Bytes that must not reach a log line: a key, a raw HMAC secret.
///
/// The same promises as [`Secret`], for what is not text.
#[derive(Clone)]
pub struct SecretBytes(Arc<Zeroizing<Vec<u8>>>);

impl SecretBytes {
    /// Returns the bytes. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_text_nor_length() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(..)");
        assert_eq!(format!("{:#?}", Secret::from("")), "Secret(..)");
        assert_eq!(
            format!("{:?}", SecretBytes::from(vec![1, 2, 3])),
            "SecretBytes(..)"
        );
    }

    #[test]
    fn equality_is_by_content() {
        assert_eq!(Secret::from("a"), Secret::from("a".to_owned()));
        assert_ne!(Secret::from("a"), Secret::from("b"));
        assert_ne!(Secret::from("a"), Secret::from("aa"));
        assert_eq!(
            SecretBytes::from(vec![7; 4]),
            SecretBytes::from([7; 4].as_slice())
        );
    }

    #[test]
    fn a_secret_is_read_from_a_document() {
        let secret: Secret = serde_json::from_str(r#""s3cret""#).unwrap();
        assert_eq!(secret.expose(), "s3cret");
    }
}
