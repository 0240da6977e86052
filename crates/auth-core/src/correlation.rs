use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

/// The identifier that ties together everything done for one request, across services.
///
/// 1 to 128 characters of `[A-Za-z0-9_.:+/=@-]`: what comes from outside is refused if it is
/// longer or holds anything else, so that it can neither flood a log nor forge a line in it
/// (contract miso §13 A17).
///
/// # Example: from the request, or new
///
/// ```
/// use auth_core::CorrelationId;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("x-request-id", "order-17".parse()?);
/// assert_eq!(CorrelationId::from_headers(&headers).unwrap().as_str(), "order-17");
///
/// assert_eq!(CorrelationId::random().as_str().len(), 36);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CorrelationId(Arc<str>);

/// The request headers that may carry it, first found first taken (contract miso §1.1).
const HEADERS: [&str; 4] = [
    "x-correlation-id",
    "correlation-id",
    "x-request-id",
    "request-id",
];

const MAX_LENGTH: usize = 128;

impl CorrelationId {
    /// The header to send it in.
    pub const HEADER: http::HeaderName = http::HeaderName::from_static("x-correlation-id");

    /// Makes a new one: a random UUID (version 4).
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// Takes one from outside, or `None` if it is empty, too long or has a character outside the
    /// allowed set.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:+/=@-".contains(&byte);
        let fits = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.into()))
    }

    /// Takes the first usable one of `x-correlation-id`, `correlation-id`, `x-request-id` and
    /// `request-id`.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        HEADERS
            .into_iter()
            .filter_map(|name| headers.get(name)?.to_str().ok())
            .find_map(Self::parse)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a17_what_could_flood_or_forge_a_log_is_refused() {
        let long = "a".repeat(MAX_LENGTH + 1);
        for text in [
            "", &long, "a b", "a\nb", "a\u{0}", "ä", "{}", "<x>", "\"", "a;b",
        ] {
            assert_eq!(CorrelationId::parse(text), None, "{text:?}");
        }
        for text in ["a", &long[1..], "a-b_c", "00-4bf92f:1.2/3+4=@"] {
            assert!(CorrelationId::parse(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn the_headers_are_asked_in_the_contracts_order_and_bad_ones_passed_over() {
        let mut headers = HeaderMap::new();
        headers.insert("request-id", "fourth".parse().unwrap());
        headers.insert("x-request-id", "third".parse().unwrap());
        headers.insert("correlation-id", "not usable".parse().unwrap());
        assert_eq!(
            CorrelationId::from_headers(&headers).unwrap().as_str(),
            "third"
        );
        headers.insert("x-correlation-id", "first".parse().unwrap());
        assert_eq!(
            CorrelationId::from_headers(&headers).unwrap().as_str(),
            "first"
        );
        assert_eq!(CorrelationId::from_headers(&HeaderMap::new()), None);
    }

    #[test]
    fn random_ones_differ_and_pass_their_own_check() {
        let (one, two) = (CorrelationId::random(), CorrelationId::random());
        assert_ne!(one, two);
        assert_eq!(CorrelationId::parse(one.as_str()), Some(one));
    }
}
