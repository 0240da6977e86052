use std::fmt;
use std::sync::Arc;

use auth_core::Secret;
use auth_core::config::{ConfigError, Env, Reader, Variable};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::origin::is_loopback;

/// Which calls go through a proxy, as the usual variables say it.
///
/// | variable | |
/// |---|---|
/// | `HTTPS_PROXY`, `https_proxy` | the proxy for `https`: it is asked for a tunnel (CONNECT), and TLS is spoken through that with the server itself |
/// | `HTTP_PROXY`, `http_proxy` | the proxy for plain `http`; the upper-case name is not read where `REQUEST_METHOD` is set, because there it may be a header of a request (CVE-2016-5385) |
/// | `ALL_PROXY`, `all_proxy` | for both, where there is no other |
/// | `NO_PROXY`, `no_proxy` | hosts, domains, addresses and networks (`10.0.0.0/8`) that are called directly, separated by commas; `*` for all |
///
/// The proxy itself may be `http` or `https`. A user name and a password in its URL are sent to it
/// and to nobody else. Loopback is always called directly. A proxy that cannot be used is an error,
/// and not a reason to go without.
///
/// # Example
///
/// ```
/// use auth_core::config::Env;
/// use auth_http::{HttpClient, ProxySettings};
///
/// let env = Env::from_pairs([
///     ("HTTPS_PROXY", "http://proxy.example:3128"),
///     ("NO_PROXY", "intern.example"),
/// ]);
/// let client = HttpClient::builder("https://controller.example")
///     .proxy(ProxySettings::from_env(&env)?)
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ProxySettings {
    https: Option<Secret>,
    http: Option<Secret>,
    direct: String,
}

impl ProxySettings {
    /// No proxy: everything is called directly. What a client does unless told otherwise.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// Every variable that does not hold the URL of a proxy, at once.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut reader = env.reader();
        let settings = Self::read(&mut reader);
        reader.finish(|| Some(settings))
    }

    /// The same with a reader of the caller's, who has other settings to read too.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let in_cgi = reader.text(&REQUEST_METHOD).is_some();
        let http = if in_cgi {
            &HTTP_PROXY_IN_CGI
        } else {
            &HTTP_PROXY
        };
        let mut url = |variable| {
            let url = reader.secret(variable)?;
            if !is_proxy(url.expose()) {
                reader.reject(variable, "is not the URL of a proxy");
                return None;
            }
            Some(url)
        };
        let (https, http, all) = (url(&HTTPS_PROXY), url(http), url(&ALL_PROXY));
        Self {
            https: https.or_else(|| all.clone()),
            http: http.or(all),
            direct: reader.text(&NO_PROXY).unwrap_or_default(),
        }
    }
}

/// Which schemes have a proxy, and nothing of its URL: that may hold a password.
impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("https", &self.https.is_some())
            .field("http", &self.http.is_some())
            .finish_non_exhaustive()
    }
}

/// The settings, ready to be asked.
#[derive(Clone)]
pub(crate) struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    pub(crate) fn new(settings: &ProxySettings) -> Self {
        if settings.https.is_none() && settings.http.is_none() {
            return Self(None);
        }
        let url = |url: &Option<Secret>| url.as_ref().map_or("", Secret::expose).to_owned();
        let matcher = Matcher::builder()
            .https(url(&settings.https))
            .http(url(&settings.http))
            .no(settings.direct.as_str());
        Self(Some(Arc::new(matcher.build())))
    }

    /// The proxy that calls to this URL go through.
    pub(crate) fn to(&self, uri: &Uri) -> Option<Intercept> {
        let matcher = self.0.as_ref()?;
        let remote = uri.host().is_some_and(|host| !is_loopback(host));
        matcher.intercept(uri).filter(|_| remote)
    }

    /// What a proxy wants to see with each request that goes through it in plain `http`.
    pub(crate) fn authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        self.to(uri)?.basic_auth().cloned()
    }
}

fn is_proxy(url: &str) -> bool {
    let matcher = Matcher::builder().all(url).build();
    let Some(proxy) = matcher.intercept(&Uri::from_static("https://host.test")) else {
        return false;
    };
    matches!(proxy.uri().scheme_str(), Some("http" | "https"))
}

const EXPECTS: &str = "the URL of an http or https proxy, such as http://proxy.example:3128";
const HTTPS_PROXY: Variable = Variable::new("HTTPS_PROXY", EXPECTS).alias("https_proxy");
const HTTP_PROXY: Variable = Variable::new("HTTP_PROXY", EXPECTS).alias("http_proxy");
const HTTP_PROXY_IN_CGI: Variable = Variable::new("http_proxy", EXPECTS);
const ALL_PROXY: Variable = Variable::new("ALL_PROXY", EXPECTS).alias("all_proxy");
const NO_PROXY: Variable = Variable::new("NO_PROXY", "hosts separated by commas").alias("no_proxy");
const REQUEST_METHOD: Variable = Variable::new("REQUEST_METHOD", "nothing outside of CGI");

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy for a URL, and what it is told.
    fn way(env: &[(&str, &str)], url: &str) -> Option<(String, Option<HeaderValue>)> {
        let settings = ProxySettings::from_env(&Env::from_pairs(env.iter().copied())).unwrap();
        let proxy = Proxies::new(&settings).to(&url.parse().unwrap())?;
        Some((proxy.uri().to_string(), proxy.basic_auth().cloned()))
    }

    #[track_caller]
    fn check(env: &[(&str, &str)], url: &str, expected: Option<&str>) {
        let proxy = way(env, url).map(|(proxy, _)| proxy);
        assert_eq!(proxy.as_deref(), expected, "{env:?} {url}");
    }

    #[test]
    fn each_scheme_has_the_proxy_of_its_variable() {
        let (one, two) = ("http://one.test:1/", "https://two.test:2/");
        for (env, https, http) in [
            (
                [("HTTPS_PROXY", one), ("HTTP_PROXY", two)],
                Some(one),
                Some(two),
            ),
            (
                [("https_proxy", one), ("http_proxy", two)],
                Some(one),
                Some(two),
            ),
            (
                [("ALL_PROXY", one), ("HTTP_PROXY", two)],
                Some(one),
                Some(two),
            ),
            (
                [("all_proxy", one), ("HTTP_PROXY", "")],
                Some(one),
                Some(one),
            ),
            ([("HTTPS_PROXY", "one.test:1"), ("X", "")], Some(one), None),
            ([("HTTP_PROXY", two), ("REQUEST_METHOD", "GET")], None, None),
            (
                [("http_proxy", two), ("REQUEST_METHOD", "GET")],
                None,
                Some(two),
            ),
        ] {
            check(&env, "https://host.test/", https);
            check(&env, "http://host.test/", http);
        }
    }

    #[test]
    fn what_no_proxy_names_and_loopback_are_called_directly() {
        let no = " intern.test, .dot.test,10.0.0.0/8,192.168.1.1";
        let env = [("ALL_PROXY", "http://proxy.test"), ("NO_PROXY", no)];
        for url in [
            "https://intern.test/",
            "https://a.intern.test:8443/",
            "https://b.dot.test/",
            "http://10.1.2.3/",
            "http://192.168.1.1/",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://[::1]:8443/",
        ] {
            check(&env, url, None);
        }
        for url in [
            "https://notintern.test/",
            "https://intern.test.evil/",
            "https://localhost.evil/",
            "http://11.1.2.3/",
            "http://192.168.1.10/",
        ] {
            check(&env, url, Some("http://proxy.test/"));
        }
        check(
            &[("ALL_PROXY", "http://p.test"), ("NO_PROXY", "*")],
            "https://a.test/",
            None,
        );
    }

    #[test]
    fn credentials_of_a_proxy_are_told_to_it_and_shown_to_nobody() {
        let env = [("HTTPS_PROXY", "http://user:p%40ss@proxy.test:3128")];
        let (proxy, header) = way(&env, "https://host.test").unwrap();
        assert_eq!(proxy, "http://proxy.test:3128/");
        let header = header.unwrap();
        assert!(header.is_sensitive());
        // user:p@ss
        assert_eq!(header, "Basic dXNlcjpwQHNz");
        let settings = ProxySettings::from_env(&Env::from_pairs(env)).unwrap();
        assert_eq!(
            format!("{settings:?}"),
            "ProxySettings { https: true, http: false, .. }"
        );
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_and_not_passed_by() {
        for url in [
            "socks5://proxy.test",
            "ftp://proxy.test",
            "http://",
            "http://hunter2 @proxy.test",
            "://hunter2",
            "/hunter2",
        ] {
            for name in ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"] {
                let error = ProxySettings::from_env(&Env::from_pairs([(name, url)])).unwrap_err();
                let text = format!("{error} {error:?}");
                assert!(text.contains("is not the URL of a proxy"), "{text}");
                assert!(!text.contains("hunter2"), "{text}");
            }
        }
    }
}
