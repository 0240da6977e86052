//! The token in the `Authorization` header (RFC 6750 §2.1).

use auth_core::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

/// What a request presents itself with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Nothing.
    None,
    /// Something in a scheme other than `Bearer`.
    OtherScheme,
    /// A token, of the right form as far as RFC 6750 goes.
    Bearer(Secret),
    /// Something that claims to be a bearer token and cannot be one, or more than one token.
    Malformed,
    /// A token in a cookie, sent by a browser for a page of another origin.
    CrossOrigin,
}

/// Takes the credentials, and marks the header as not for logs.
pub(crate) fn take(headers: &mut HeaderMap) -> Credentials {
    let credentials = read(headers);
    if let http::header::Entry::Occupied(mut entry) = headers.entry(AUTHORIZATION) {
        for value in entry.iter_mut() {
            value.set_sensitive(true);
        }
    }
    credentials
}

fn read(headers: &HeaderMap) -> Credentials {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Credentials::None,
        (Some(value), None) => read_value(value),
        // Which of two counts is a matter of opinion, and opinions differ between programs.
        (Some(_), Some(_)) => Credentials::Malformed,
    }
}

fn read_value(value: &HeaderValue) -> Credentials {
    let bytes = value.as_bytes();
    let scheme_end = bytes.iter().position(u8::is_ascii_whitespace);
    let (scheme, rest) = bytes.split_at(scheme_end.unwrap_or(bytes.len()));
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Credentials::OtherScheme;
    }
    // RFC 9110 §11.4 has spaces there; a tab is somebody's attempt to be read in two ways.
    let token = rest.trim_ascii_end();
    let token = &token[token.iter().take_while(|&&byte| byte == b' ').count()..];
    match std::str::from_utf8(token) {
        Ok(text) if is_b64token(token) => Credentials::Bearer(Secret::from(text)),
        _ => Credentials::Malformed,
    }
}

/// `b64token` of RFC 6750 §2.1.
pub(crate) fn is_b64token(token: &[u8]) -> bool {
    let unpadded = token.iter().rposition(|&byte| byte != b'=');
    let unpadded = &token[..unpadded.map_or(0, |last| last + 1)];
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    !unpadded.is_empty() && unpadded.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&[u8]], expected: &Credentials) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        assert_eq!(take(&mut headers), *expected, "{values:?}");
        assert!(headers.values().all(HeaderValue::is_sensitive));
    }

    #[test]
    fn a_token_is_taken_in_any_spelling_of_the_scheme() {
        let token = Credentials::Bearer("a.b-c_d~e+f/g==".into());
        check(&[b"Bearer a.b-c_d~e+f/g=="], &token);
        check(&[b"bearer a.b-c_d~e+f/g=="], &token);
        check(&[b"BEARER   a.b-c_d~e+f/g== "], &token);
    }

    #[test]
    fn other_schemes_are_no_credentials_of_ours() {
        check(&[], &Credentials::None);
        for value in [
            &b""[..],
            b"Basic dXNlcjpwYXNz",
            b"BearerX abc",
            b"abc",
            b"DPoP abc",
        ] {
            check(&[value], &Credentials::OtherScheme);
        }
    }

    #[test]
    fn what_cannot_be_a_bearer_token_is_malformed() {
        for value in [
            &b"Bearer"[..],
            b"Bearer ",
            b"Bearer ==",
            b"Bearer a b",
            b"Bearer a,b",
            b"Bearer a=b",
            b"Bearer \"abc\"",
            b"Bearer\tabc",
            b"Bearer \tabc",
            b"Bearer abc\xff",
            b"Bearer \xc3\xa4",
        ] {
            check(&[value], &Credentials::Malformed);
        }
        check(&[b"Bearer abc", b"Bearer abc"], &Credentials::Malformed);
        check(&[b"Basic abc", b"Bearer abc"], &Credentials::Malformed);
    }
}
