//! Where in a request a token may stand, and how it is taken from there.

use std::borrow::Cow;

use auth_core::Secret;
use http::header::{COOKIE, SEC_WEBSOCKET_PROTOCOL};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri};

use crate::bearer::{self, Credentials};
use crate::cross_origin;

/// A place in a request where an [`AuthLayer`](crate::AuthLayer) looks for the token.
///
/// The default is the `Authorization` header alone. Each other place has a danger of its own, so a
/// service names the places it needs, and only for the routes that need them: browsers cannot set
/// headers for an `EventSource` or a `WebSocket`, and that is the usual reason.
///
/// | place | danger | what the layer does about it |
/// |---|---|---|
/// | [`Header`](Self::Header) | none of its own | marks the header as sensitive |
/// | [`Cookie`](Self::Cookie) | the browser sends it with requests that other sites cause (CSRF) | refuses those with 403 `cross_origin`, see below |
/// | [`Query`](Self::Query) | addresses end up in logs, histories and `Referer` headers | removes the parameter before the service inside sees the request; marks the response as `private` |
/// | [`Subprotocol`](Self::Subprotocol) | the handshake may be logged; an answer may repeat the token | removes the token from the header |
///
/// A request with a token in two of the places, or with two in one place, is refused with 400
/// `invalid_request` (RFC 6750 §2).
///
/// # Cookies and other sites
///
/// A token from a cookie counts for `GET`, `HEAD` and `OPTIONS`, which must not change anything.
/// For every other method, and for each WebSocket handshake, the browser must say that the request
/// comes from the same origin: by `Sec-Fetch-Site: same-origin` or `none`, or, in browsers that do
/// not send it, by an `Origin` whose host is that of the request. Requests without either header
/// come from a program and not from a page of another site, and pass. A proxy in front must keep the
/// `Host` header for that comparison. Set the cookie with `HttpOnly`, `Secure`, `SameSite=Lax` or
/// `Strict`, and the prefix `__Host-`.
///
/// # Query parameters
///
/// Layers and proxies outside the `AuthLayer` see the address with the token in it. Keep it out of
/// their logs, and give out tokens for this that live for a minute or less.
///
/// # Example: a browser's server-sent events
///
/// ```
/// use auth_tower::{AuthLayer, TokenFrom};
///
/// # fn layer(layer: AuthLayer) -> AuthLayer {
/// layer.token_from([TokenFrom::Header, TokenFrom::cookie("__Host-session")])
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFrom {
    /// The `Authorization` header, in the scheme `Bearer` (RFC 6750 §2.1).
    Header,
    /// The cookie of this name. Names are compared as they stand.
    Cookie(Cow<'static, str>),
    /// The query parameter of this name (RFC 6750 §2.3); for `EventSource` and `WebSocket`.
    Query(Cow<'static, str>),
    /// The entry of `Sec-WebSocket-Protocol` that follows the entry of this name, as in
    /// `new WebSocket(url, ["bearer", token])`. The service has to accept a protocol that was
    /// offered, such as the name itself, or the browser closes the connection.
    Subprotocol(Cow<'static, str>),
}

impl TokenFrom {
    /// The cookie of this name.
    pub fn cookie(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Cookie(name.into())
    }

    /// The query parameter of this name.
    pub fn query(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Query(name.into())
    }

    /// The WebSocket protocol that follows the one of this name.
    pub fn subprotocol(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Subprotocol(name.into())
    }
}

/// What was found in a request.
pub(crate) struct Found {
    pub(crate) credentials: Credentials,
    /// The address held the token, so the answer must not be stored by shared caches.
    pub(crate) in_query: bool,
}

/// Takes the credentials from the places, and removes them or marks them as sensitive there.
///
/// Every place is read even after a token was found, so that no place keeps one for the logs of
/// the service inside.
pub(crate) fn take(
    places: &[TokenFrom],
    method: &Method,
    uri: &mut Uri,
    headers: &mut HeaderMap,
) -> Found {
    let mut found = Credentials::None;
    let mut in_query = false;
    for place in places {
        let here = match place {
            TokenFrom::Header => bearer::take(headers),
            TokenFrom::Cookie(name) => match from_cookies(name, headers) {
                Credentials::Bearer(_) if cross_origin::is_forged(method, uri, headers) => {
                    Credentials::CrossOrigin
                }
                here => here,
            },
            TokenFrom::Query(name) => {
                let here = from_query(name, uri);
                in_query |= here != Credentials::None;
                here
            }
            TokenFrom::Subprotocol(name) => from_subprotocols(name, headers),
        };
        found = match (found, here) {
            (Credentials::None | Credentials::OtherScheme, here) if here != Credentials::None => {
                here
            }
            (found, Credentials::None | Credentials::OtherScheme) => found,
            _ => Credentials::Malformed,
        };
    }
    Found {
        credentials: found,
        in_query,
    }
}

/// The one token among the values found in a place.
fn only<'a>(values: impl IntoIterator<Item = Option<Cow<'a, str>>>) -> Credentials {
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (None, _) => Credentials::None,
        (Some(Some(value)), None) if bearer::is_b64token(value.as_bytes()) => {
            Credentials::Bearer(Secret::from(&*value))
        }
        _ => Credentials::Malformed,
    }
}

/// Cookies by RFC 6265 §5.4; HTTP/2 may send each in a header of its own.
fn from_cookies(name: &str, headers: &mut HeaderMap) -> Credentials {
    let mut values = Vec::new();
    if let http::header::Entry::Occupied(mut entry) = headers.entry(COOKIE) {
        for header in entry.iter_mut() {
            header.set_sensitive(true);
            for pair in header.as_bytes().split(|&byte| byte == b';') {
                let equals = pair.iter().position(|&byte| byte == b'=');
                let (key, value) = pair.split_at(equals.unwrap_or(pair.len()));
                if equals.is_some() && key.trim_ascii() == name.as_bytes() {
                    values.push(unquoted(value[1..].trim_ascii()).map(str::to_owned));
                }
            }
        }
    }
    // A signed-out browser may keep the cookie without a value.
    values.retain(|value| value.as_deref() != Some(""));
    only(values.into_iter().map(|value| value.map(Cow::Owned)))
}

fn unquoted(value: &[u8]) -> Option<&str> {
    let quoted = value.strip_prefix(b"\"");
    let inside = quoted.and_then(|value| value.strip_suffix(b"\""));
    std::str::from_utf8(inside.unwrap_or(value)).ok()
}

/// Takes the parameter out of the address.
fn from_query(name: &str, uri: &mut Uri) -> Credentials {
    let Some(query) = uri.query() else {
        return Credentials::None;
    };
    let (taken, kept): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| {
        let key = pair.split('=').next().unwrap_or_default();
        decoded(key).is_some_and(|key| key == name)
    });
    if taken.is_empty() {
        return Credentials::None;
    }
    let values = taken.iter().map(|pair| {
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        decoded(value)
    });
    let credentials = only(values);
    let rest = match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    };
    match with_path_and_query(uri, &rest) {
        Some(without) => *uri = without,
        // The address cannot be written without the token; it is not passed on with it.
        None => return Credentials::Malformed,
    }
    credentials
}

fn with_path_and_query(uri: &Uri, rest: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

/// Undoes percent encoding. `None` for what is no text. A plus sign stays one: it may be part of a
/// token, and none holds a space.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Takes the entry after the one of this name out of the header, so that no answer repeats it.
fn from_subprotocols(name: &str, headers: &mut HeaderMap) -> Credentials {
    let mut offered = Vec::new();
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let Ok(text) = value.to_str() else {
            return Credentials::None;
        };
        let entries = text.split(',').map(str::trim).map(str::to_owned);
        offered.extend(entries);
    }
    let mut tokens = Vec::new();
    let mut kept = Vec::new();
    let mut offered = offered.into_iter();
    while let Some(entry) = offered.next() {
        if entry == name {
            tokens.push(offered.next().map(Cow::Owned));
        }
        kept.push(entry);
    }
    if !tokens.is_empty()
        && let Ok(rest) = HeaderValue::from_str(&kept.join(", "))
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, rest);
    }
    only(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, headers: &[(&'static str, &str)]) -> (Uri, HeaderMap) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        (uri.parse().unwrap(), map)
    }

    fn places() -> [TokenFrom; 4] {
        [
            TokenFrom::Header,
            TokenFrom::cookie("sid"),
            TokenFrom::query("access_token"),
            TokenFrom::subprotocol("bearer"),
        ]
    }

    #[track_caller]
    fn check(uri: &str, headers: &[(&'static str, &str)], expected: &Credentials) {
        let (mut uri, mut headers) = request(uri, headers);
        let found = take(&places(), &Method::GET, &mut uri, &mut headers);
        assert_eq!(found.credentials, *expected, "{uri} {headers:?}");
        assert!(!format!("{uri} {headers:?}").contains("t0k.en"), "{uri}");
    }

    #[test]
    fn token_is_taken_from_each_place() {
        let token = Credentials::Bearer("t0k.en".into());
        check("/", &[("authorization", "Bearer t0k.en")], &token);
        check("/", &[("cookie", "a=b; sid=t0k.en;c")], &token);
        check(
            "/",
            &[("cookie", "a=b"), ("cookie", "sid=\"t0k.en\"")],
            &token,
        );
        check("/?access_token=t0k.en", &[], &token);
        check("/?a=1&access%5Ftoken=t0k%2een&b", &[], &token);
        let protocols = [("sec-websocket-protocol", "bearer,t0k.en, chat")];
        check("/", &protocols, &token);
        let protocols = [
            ("sec-websocket-protocol", "bearer"),
            ("sec-websocket-protocol", "t0k.en"),
        ];
        check("/", &protocols, &token);
        let basic = [("authorization", "Basic x"), ("cookie", "sid=t0k.en")];
        check("/", &basic, &token);
    }

    #[test]
    fn similar_names_hold_no_token() {
        for (uri, headers) in [
            ("/?Access_token=x&access_token2=x&=x", &[][..]),
            ("/", &[("cookie", "SID=x; sid2=x; xsid=x; sid")]),
            ("/", &[("cookie", "sid=")]),
            ("/", &[("sec-websocket-protocol", "chat, x")]),
        ] {
            check(uri, headers, &Credentials::None);
        }
    }

    #[test]
    fn two_tokens_are_malformed() {
        for (uri, headers) in [
            ("/?access_token=x&access_token=x", &[][..]),
            ("/", &[("cookie", "sid=x; sid=y")]),
            ("/", &[("cookie", "sid=x"), ("cookie", "sid=x")]),
            ("/", &[("sec-websocket-protocol", "bearer, x, bearer, x")]),
            ("/?access_token=x", &[("cookie", "sid=x")]),
            ("/", &[("authorization", "Bearer x"), ("cookie", "sid=x")]),
            ("/", &[("authorization", "Bearer"), ("cookie", "sid=x")]),
        ] {
            check(uri, headers, &Credentials::Malformed);
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_malformed() {
        for (uri, headers) in [
            ("/?access_token", &[][..]),
            ("/?access_token=", &[]),
            ("/?access_token=a%2", &[]),
            ("/?access_token=a%+1", &[]),
            ("/?access_token=%ff", &[]),
            ("/?access_token=a%20b", &[]),
            ("/", &[("cookie", "sid=a,b")]),
            ("/", &[("sec-websocket-protocol", "bearer")]),
        ] {
            check(uri, headers, &Credentials::Malformed);
        }
    }

    #[test]
    fn the_rest_of_the_request_stays() {
        let (mut uri, mut headers) = request(
            "http://h.test/a%20b?x=%31&access_token=t0k.en&y",
            &[("sec-websocket-protocol", "chat, bearer")],
        );
        let found = take(&places(), &Method::GET, &mut uri, &mut headers);
        assert!(found.in_query);
        assert_eq!(uri, "http://h.test/a%20b?x=%31&y");

        let (mut uri, mut headers) = request(
            "/?access_token2=x",
            &[("sec-websocket-protocol", "chat, bearer, t0k.en, v2")],
        );
        let found = take(&places(), &Method::GET, &mut uri, &mut headers);
        assert!(!found.in_query);
        assert_eq!(uri, "/?access_token2=x");
        assert_eq!(headers["sec-websocket-protocol"], "chat, bearer, v2");
    }
}
