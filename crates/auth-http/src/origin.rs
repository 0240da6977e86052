use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;

use crate::BuildError;
use crate::path;

/// The one server a client talks to, and the path everything on it is under.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
    /// Begins with a slash and does not end with one, or is empty.
    prefix: Box<str>,
    text: Arc<str>,
}

impl Origin {
    /// Takes a base URL apart. `plain_http` are the hosts that may be spoken to without TLS.
    pub(crate) fn parse(base_url: &str, plain_http: &[Box<str>]) -> Result<Self, BuildError> {
        let refuse = |reason| Err(BuildError::BaseUrl { reason });
        if base_url.contains('#') {
            // `Uri` would drop it in silence.
            return refuse("has a fragment, which no request can carry");
        }
        let Ok(uri) = base_url.parse::<Uri>() else {
            return refuse("is not a URL");
        };
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return refuse("needs a scheme and a host");
        };
        if authority.as_str().contains('@') {
            return refuse("holds a user name or a password, which belong in headers");
        }
        if uri.query().is_some() {
            return refuse("has a query, which belongs to single requests");
        }
        if *scheme != Scheme::HTTPS && *scheme != Scheme::HTTP {
            return refuse("is neither https nor http");
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() {
            return refuse("needs a host");
        }
        let Some(authority) = normalised(scheme, &host, authority) else {
            return refuse("has a port that is not a number from 1 to 65535");
        };
        let name = host.trim_start_matches('[').trim_end_matches(']');
        if *scheme == Scheme::HTTPS && ServerName::try_from(name).is_err() {
            return refuse("has a host that no certificate can be for");
        }
        let prefix = uri.path().trim_end_matches('/');
        if !prefix.is_empty() && path::check_literal(prefix).is_err() {
            return refuse("has a path that is not plain, such as /a/../b or /a//b");
        }
        if *scheme == Scheme::HTTP && !is_loopback(&host) && !named(plain_http, &host) {
            return Err(BuildError::PlainHttp { host: host.into() });
        }
        Ok(Self {
            text: format!("{scheme}://{authority}").into(),
            scheme: scheme.clone(),
            authority,
            prefix: prefix.into(),
        })
    }

    /// Scheme, host and port (the latter where it is not the scheme's own).
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    pub(crate) fn host_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.authority.as_str()).ok()
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The URI of a path below the prefix and of a query, which may be empty; `None` if they cannot
    /// be in one.
    pub(crate) fn uri(&self, path: &str, query: &str) -> Option<Uri> {
        let question = if query.is_empty() { "" } else { "?" };
        let path_and_query = [&self.prefix, path, question, query].concat();
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::try_from(path_and_query).ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// Host and port in lower case, without the scheme's own port; `None` if the port is none.
fn normalised(scheme: &Scheme, host: &str, authority: &Authority) -> Option<Authority> {
    let written = authority.as_str();
    let own = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let text = match written.get(host.len()..)?.strip_prefix(':') {
        None => host.to_owned(),
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => return None,
        Some(port) => match port.parse::<u16>().ok().filter(|port| *port != 0)? {
            port if port == own => host.to_owned(),
            port => format!("{host}:{port}"),
        },
    };
    text.parse().ok()
}

/// Whether a host, an IPv6 address in its brackets, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let v6 = host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        || v6.is_some_and(|v6| v6.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback()))
}

fn named(hosts: &[Box<str>], host: &str) -> bool {
    hosts.iter().any(|named| named.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_an_origin_and_a_prefix() {
        for (base_url, origin, prefix) in [
            ("https://Host.Test", "https://host.test", ""),
            ("HTTPS://host.test:443/", "https://host.test", ""),
            (
                "https://host.test:8443/miso/",
                "https://host.test:8443",
                "/miso",
            ),
            ("http://127.9.9.9:80/a/b", "http://127.9.9.9", "/a/b"),
            ("http://[::1]:3000", "http://[::1]:3000", ""),
            ("http://localhost:3000", "http://localhost:3000", ""),
            ("http://Compose:3000", "http://compose:3000", ""),
        ] {
            let parsed = Origin::parse(base_url, &["compose".into()]).unwrap();
            assert_eq!((&**parsed.text(), parsed.prefix()), (origin, prefix));
        }
    }

    #[test]
    fn what_is_no_plain_origin_is_refused_without_being_repeated() {
        for base_url in [
            "",
            "hunter2",
            "/hunter2",
            "//host.test/hunter2",
            "ftp://host.test/hunter2",
            "https://",
            "https:///hunter2",
            "https://user:hunter2@host.test",
            "https://hunter2@host.test",
            "https://user:hunter2 x@host.test",
            "https://host.test\\@hunter2",
            "https://host.test?token=hunter2",
            "https://host.test/#hunter2",
            "https://host.test/a/../hunter2",
            "https://host.test/a/%2e%2e/hunter2",
            "https://host.test//hunter2",
            "https://host.test/{hunter2}",
            "https://host.test:0/hunter2",
            "https://host.test:/hunter2",
            "https://host.test:99999/hunter2",
            "https://host.test:+1/hunter2",
            "https://hunter2..test",
            "https://höst.test/hunter2",
            "https://host.test/hunter2\n",
        ] {
            let error = Origin::parse(base_url, &[]).unwrap_err();
            assert!(matches!(error, BuildError::BaseUrl { .. }), "{base_url}");
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter2"), "{base_url}: {text}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_and_the_named_hosts() {
        for host in [
            "host.test",
            "10.0.0.1",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "evil-localhost",
            "[::2]",
            "127.1",
        ] {
            let error = Origin::parse(&format!("http://{host}/"), &["other".into()]).unwrap_err();
            assert_eq!(error, BuildError::PlainHttp { host: host.into() });
        }
    }
}
