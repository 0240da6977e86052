//! Whether a browser sends a request for a page of another origin.

use http::header::{HOST, ORIGIN, UPGRADE};
use http::{HeaderMap, Method, Uri};

/// Whether the cookies of this request must not count: it may change something, and a page of
/// another origin caused it.
///
/// A WebSocket handshake is a `GET`, but what follows may change anything.
pub(crate) fn is_forged(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let is_safe = is_safe && !headers.contains_key(UPGRADE);
    !is_safe && !is_same_origin(uri, headers)
}

fn is_same_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        // Without the header no page of another origin is behind it; with two nothing is certain.
        return !headers.contains_key(ORIGIN);
    };
    let host = match headers.get(HOST) {
        Some(host) => host.as_bytes(),
        None => uri.authority().map_or("", |it| it.as_str()).as_bytes(),
    };
    let origin = origin.as_bytes();
    let authority = [&b"https://"[..], b"http://"]
        .into_iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    authority.is_some_and(|it| !host.is_empty() && it.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use http::Request;

    #[track_caller]
    fn check(method: &str, headers: &[(&str, &str)], is_forged: bool) {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let found = super::is_forged(request.method(), request.uri(), request.headers());
        assert_eq!(found, is_forged, "{method} {headers:?}");
    }

    #[test]
    fn only_requests_of_other_origins_that_may_change_something_are_forged() {
        let other = ("origin", "https://other.test");
        let own = ("origin", "https://shop.test");
        let host = ("host", "shop.test");
        check("POST", &[host], false);
        check("POST", &[host, own], false);
        check("POST", &[host, ("origin", "https://SHOP.test")], false);
        check("POST", &[host, ("sec-fetch-site", "same-origin")], false);
        check("POST", &[host, ("sec-fetch-site", "none")], false);
        check("GET", &[host, other], false);
        check("GET", &[host, ("sec-fetch-site", "cross-site")], false);

        check("POST", &[host, other], true);
        check("DELETE", &[host, other], true);
        check("POST", &[own, other, host], true);
        check("POST", &[own], true);
        check("POST", &[host, ("origin", "null")], true);
        check("POST", &[host, ("origin", "https://shop.test:8443")], true);
        check(
            "POST",
            &[host, ("origin", "https://shop.test.evil.test")],
            true,
        );
        check("POST", &[host, ("sec-fetch-site", "same-site")], true);
        check("POST", &[host, own, ("sec-fetch-site", "cross-site")], true);
        check("GET", &[host, other, ("upgrade", "websocket")], true);
    }
}
