use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Secret;
use auth_mask::{MaskPolicy, Masker};
use http::header::{AUTHORIZATION, HOST, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::breaker::{Circuit, Permit, Sign};
use crate::budget::RetryBudget;
use crate::connect::{self, Pool, Versions};
use crate::connections::Connections;
use crate::credential::{Credential, Kind};
use crate::fault::{Fault, FaultKind};
use crate::observer::{self, Observer};
use crate::origin::Origin;
use crate::path::Complaint;
use crate::proxy::{Proxies, ProxySettings};
use crate::routes::{Route, Routes};
use crate::tls::{self, TlsVersion};
use crate::token::{TokenProvider, TokenSource};
use crate::{BuildError, CircuitBreaker, CircuitState, RequestBuilder, RetryPolicy};

/// Calls one service: a pool of connections, the rules of every call, and those who watch.
///
/// Cloning it is cheap, and clones share the pool. It needs a tokio runtime with I/O and time
/// enabled, in which its calls are made.
#[derive(Clone)]
pub struct HttpClient(Arc<Handle>);

/// What clients that differ in their credentials do not share, and what they do.
struct Handle {
    credentials: Vec<Credential>,
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    /// In the order in which they are preferred; at least one.
    targets: Vec<Target>,
    pub(crate) pool: Pool,
    /// How many there may be at a time, if that is bounded.
    pub(crate) connections: Option<Arc<Connections>>,
    routes: Routes,
    pub(crate) deadline: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) user_agent: HeaderValue,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: RetryBudget,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    /// For what is kept of the bodies of refusals.
    pub(crate) masker: Masker,
}

/// One of the servers that a client may call.
struct Target {
    origin: Origin,
    circuit: Circuit,
    /// For the proxy, where each request to this origin passes it in the open.
    proxy_authorization: Option<HeaderValue>,
    /// The `Host` header, where it is certain that HTTP/1.1 is spoken: the stack would put it
    /// together for every request. HTTP/2 has `:authority` instead.
    host: Option<HeaderValue>,
}

impl HttpClient {
    /// Starts a client of the server at a base URL, such as `https://controller.example/miso`. The
    /// URL's path is put before the path of every call.
    pub fn builder(base_url: &str) -> HttpClientBuilder {
        HttpClientBuilder {
            base_url: base_url.into(),
            fallbacks: Vec::new(),
            deadline: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_connections: None,
            max_response_bytes: 1024 * 1024,
            plain_http: Vec::new(),
            tls: tls::Settings::default(),
            proxy: ProxySettings::none(),
            versions: Versions::default(),
            user_agent: concat!("auth-http/", env!("CARGO_PKG_VERSION")).into(),
            retry: RetryPolicy::default(),
            circuit_breaker: CircuitBreaker::default(),
            mask: MaskPolicy::default(),
            observers: Vec::new(),
        }
    }

    /// The origin the client is bound to: scheme and host, and the port where it is not the
    /// scheme's own. Of several the first.
    pub fn origin(&self) -> &str {
        self.0.inner.origin(0).text()
    }

    /// Each origin the client may call, and what may pass to it now.
    pub fn circuits(&self) -> impl Iterator<Item = (&str, CircuitState)> {
        let targets = self.0.inner.targets.iter();
        targets.map(|target| (&**target.origin.text(), target.circuit.state()))
    }

    /// Starts a GET request.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Starts a POST request.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// Starts a PUT request.
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.request(Method::PUT, path)
    }

    /// Starts a PATCH request.
    pub fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    /// Starts a DELETE request.
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// Starts a request of any method.
    ///
    /// The path begins with a slash and may hold `{names}`, to be filled by
    /// [`segment`](RequestBuilder::segment). A path that is a URL, holds a query, dot segments or
    /// characters no path may hold, leads to a fault when it is sent, before anything is.
    ///
    /// The path as it is given here is shown in faults, traces and metrics. What differs from call
    /// to call, or is secret, belongs into a segment.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, path)
    }

    /// The same client, which sends `Authorization: Bearer …` (RFC 6750 §2.1) with each of its
    /// calls.
    ///
    /// A token that the server refuses (401) is replaced and the call sent once more, if its retry
    /// policy is not [`never`](RetryPolicy::never) and its body can be sent again: what was refused
    /// had no effect. Both happens within the deadline, and is one call to those who watch.
    ///
    /// The token is added last and to the calls of this client only, so it goes to its origins and
    /// nowhere else. A request that sets the header itself is sent with that.
    #[must_use]
    pub fn with_bearer_tokens<S: TokenSource>(&self, tokens: &TokenProvider<S>) -> Self {
        let tokens = Arc::new(tokens.clone());
        let bearer = true;
        self.with(AUTHORIZATION, Kind::Token { tokens, bearer })
    }

    /// The same client, which sends a token in a header of the service's own; otherwise as
    /// [`with_bearer_tokens`](Self::with_bearer_tokens).
    #[must_use]
    pub fn with_header_tokens<S: TokenSource>(
        &self,
        header: HeaderName,
        tokens: &TokenProvider<S>,
    ) -> Self {
        let tokens = Arc::new(tokens.clone());
        let bearer = false;
        self.with(header, Kind::Token { tokens, bearer })
    }

    /// The same client, which sends a credential that does not change, such as an API key, with
    /// each of its calls.
    #[must_use]
    pub fn with_secret_header(&self, header: HeaderName, value: &Secret) -> Self {
        self.with(header, Kind::Fixed(value.clone()))
    }

    fn with(&self, name: HeaderName, kind: Kind) -> Self {
        let others = self.0.credentials.iter().filter(|it| it.name != name);
        let mut credentials: Vec<_> = others.cloned().collect();
        credentials.push(Credential { name, kind });
        Self(Arc::new(Handle {
            credentials,
            inner: Arc::clone(&self.0.inner),
        }))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0.inner
    }

    pub(crate) fn credentials(&self) -> &[Credential] {
        &self.0.credentials
    }
}

impl Inner {
    pub(crate) fn origin(&self, index: usize) -> &Origin {
        &self.targets[index].origin
    }

    /// The route of a path, if it may be asked for.
    pub(crate) fn route(&self, path: &str) -> Result<Arc<Route>, Complaint> {
        self.routes.find(path, self.origin(0))
    }

    /// Adds what the way to an origin needs of headers.
    pub(crate) fn address(&self, index: usize, headers: &mut HeaderMap) {
        let target = &self.targets[index];
        if let Some(credentials) = &target.proxy_authorization {
            headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        if let Some(host) = &target.host {
            headers.insert(HOST, host.clone());
        }
    }

    pub(crate) fn origins(&self) -> usize {
        self.targets.len()
    }

    /// Lets an attempt through to the first origin, from `first` on and round, that is not left
    /// alone.
    pub(crate) fn admit(&self, first: usize) -> Result<(usize, Permit<'_>), Fault> {
        let mut soonest: Option<Duration> = None;
        for index in (first..self.targets.len()).chain(0..first) {
            match self.targets[index].circuit.admit() {
                Ok(mut permit) => {
                    self.tell_circuit(index, permit.opened.take());
                    return Ok((index, permit));
                }
                Err(left) => soonest = Some(soonest.map_or(left, |soonest| soonest.min(left))),
            }
        }
        let what = "the origin has failed several times in a row and is left alone for a while";
        Err(Fault::new(FaultKind::CircuitOpen, what).with_retry_after(soonest))
    }

    /// Which origin, from `first` on and round, would be let through to now.
    pub(crate) fn next(&self, first: usize) -> Option<usize> {
        let mut order = (first..self.targets.len()).chain(0..first);
        order.find(|&index| self.targets[index].circuit.would_admit())
    }

    /// Takes note of what came of an attempt, and says whether another attempt has reported the
    /// same event.
    pub(crate) fn settle(&self, index: usize, permit: Permit<'_>, sign: Sign) -> bool {
        let settled = permit.settle(sign);
        self.tell_circuit(index, settled.change);
        settled.is_repeated
    }

    fn tell_circuit(&self, index: usize, change: Option<CircuitState>) {
        let Some(state) = change else { return };
        let origin = self.origin(index).text();
        tracing::warn!(origin = &**origin, ?state, "circuit changed");
        observer::tell(&self.observers, |it| it.circuit_changed(origin, state));
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("origin", &self.origin())
            .field("deadline", &self.0.inner.deadline)
            .field("max_response_bytes", &self.0.inner.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// Puts an [`HttpClient`] together.
#[must_use]
pub struct HttpClientBuilder {
    base_url: Box<str>,
    fallbacks: Vec<Box<str>>,
    deadline: Duration,
    connect_timeout: Duration,
    max_connections: Option<usize>,
    max_response_bytes: usize,
    plain_http: Vec<Box<str>>,
    pub(crate) tls: tls::Settings,
    proxy: ProxySettings,
    versions: Versions,
    user_agent: Box<str>,
    retry: RetryPolicy,
    circuit_breaker: CircuitBreaker,
    mask: MaskPolicy,
    observers: Vec<Arc<dyn Observer>>,
}

impl HttpClientBuilder {
    /// Adds the base URL of another server of the same service; there may be several. It is called
    /// when those before it are not to be had, and it gets the same credentials.
    ///
    /// A call goes to the first server whose circuit is not open. If it is tried again, it goes to
    /// the next one whose circuit is not open, and at once if it has not been there.
    pub fn fallback(mut self, base_url: &str) -> Self {
        self.fallbacks.push(base_url.into());
        self
    }

    /// The time a call has in all: connecting, sending, the answer and its body, further attempts.
    /// 30 seconds unless set.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The time one connection has to come about, name lookup and TLS included. 5 seconds unless
    /// set. The deadline goes on meanwhile.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How many connections to one origin there may be at a time, idle ones and those that are being
    /// opened included. No bound unless set: there are as many then as there are calls under way,
    /// and how many those are the application decides, by what it takes in itself.
    ///
    /// A call that finds all of them in use waits for one, in turn and until its deadline; then it
    /// fails with [`NoFreeConnection`](crate::FaultKind::NoFreeConnection). A connection is in use
    /// until the body of its answer was read or dropped, or its call given up; by one that is given
    /// up while a server takes nothing of what is sent, for up to 90 seconds more.
    ///
    /// HTTP/2 carries all calls to an origin on one connection, so there the bound holds no call
    /// back: only as many connections are tried as that before there is the one.
    pub fn max_connections_per_origin(mut self, max: usize) -> Self {
        self.max_connections = Some(max);
        self
    }

    /// The length of the longest body that is read. 1 MiB unless set.
    pub fn max_response_bytes(mut self, max: usize) -> Self {
        self.max_response_bytes = max;
        self
    }

    /// Allows plain `http` to a host: everything sent can then be read and changed on the way,
    /// credentials included. Meant for networks within one machine, such as that of a compose
    /// file. Loopback needs no permission.
    pub fn allow_plain_http(mut self, host: &str) -> Self {
        self.plain_http.push(host.into());
        self
    }

    /// Adds somebody who watches all calls; there may be several. One that panics is logged, and keeps neither the
    /// call from its outcome nor the others from hearing of it.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// When a call that failed is made again; [`RetryPolicy::idempotent`] unless set.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// When an origin that keeps failing is left alone; [`CircuitBreaker::new`] unless set.
    pub fn circuit_breaker(mut self, policy: CircuitBreaker) -> Self {
        self.circuit_breaker = policy;
        self
    }

    /// By which policy the bodies are masked that faults keep; [`MaskPolicy::default`] unless set.
    pub fn mask_policy(mut self, policy: MaskPolicy) -> Self {
        self.mask = policy;
        self
    }

    /// Sets the `User-Agent` header. `auth-http/` and the version unless set.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Trusts the authorities of a PEM document, besides those the system trusts.
    pub fn extra_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.roots.push(pem.as_ref().into());
        self
    }

    /// Trusts the authorities of a PEM document and none of those the system trusts: for servers
    /// whose certificates are all from an authority of one's own. What
    /// [`extra_root_certificates`](Self::extra_root_certificates) names is trusted too.
    pub fn only_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.only_those = true;
        self.extra_root_certificates(pem)
    }

    /// Shows a certificate of our own to servers that ask for one (mutual TLS): its chain, ours
    /// first, and its private key, both in PEM. A proxy never sees it.
    pub fn client_certificate(mut self, chain: impl AsRef<[u8]>, key: &Secret) -> Self {
        self.tls.identity = Some(tls::ClientIdentity {
            chain: chain.as_ref().into(),
            key: key.clone(),
        });
        self
    }

    /// The least version of TLS that is spoken; 1.2 unless set.
    pub fn min_tls_version(mut self, version: TlsVersion) -> Self {
        self.tls.min_version = version;
        self
    }

    /// Speaks HTTP/1.1 only. Unless set, HTTP/2 is spoken to servers that agree on it over TLS.
    pub fn http1_only(mut self) -> Self {
        self.versions = Versions::Http1;
        self
    }

    /// Speaks HTTP/2 only, in plain `http` too, where it is not asked for first ("prior
    /// knowledge", RFC 9113 §3.3). A server that does not speak it cannot be called.
    pub fn http2_only(mut self) -> Self {
        self.versions = Versions::Http2;
        self
    }

    /// Which calls go through a proxy; none unless set. The environment is not looked at by
    /// itself: see [`ProxySettings::from_env`].
    pub fn proxy(mut self, settings: ProxySettings) -> Self {
        self.proxy = settings;
        self
    }

    /// Finishes the client. Nothing is sent yet; for `https` the system's root certificates are
    /// read from disk.
    ///
    /// # Errors
    ///
    /// The [`BuildError`] of the first thing that is wrong.
    pub fn build(self) -> Result<HttpClient, BuildError> {
        let proxies = Proxies::new(&self.proxy);
        let base_urls = std::iter::once(&self.base_url).chain(&self.fallbacks);
        let targets = base_urls
            .map(|base_url| {
                let origin = Origin::parse(base_url, &self.plain_http)?;
                let root = origin.uri("/", "");
                let is_http1 = match self.versions {
                    Versions::Negotiated => !origin.is_https(),
                    Versions::Http1 => true,
                    Versions::Http2 => false,
                };
                Ok(Target {
                    host: origin.host_header().filter(|_| is_http1),
                    proxy_authorization: root
                        .filter(|_| !origin.is_https())
                        .and_then(|root| proxies.authorization(&root)),
                    circuit: Circuit::new(self.circuit_breaker.clone()),
                    origin,
                })
            })
            .collect::<Result<Vec<_>, BuildError>>()?;
        for (setting, is_zero) in [
            ("deadline", self.deadline.is_zero()),
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("max_response_bytes", self.max_response_bytes == 0),
            (
                "max_connections_per_origin",
                self.max_connections == Some(0),
            ),
        ] {
            if is_zero {
                return Err(BuildError::Zero { setting });
            }
        }
        let user_agent = HeaderValue::from_str(&self.user_agent);
        let user_agent = user_agent.map_err(|_| BuildError::UserAgent)?;
        let tls = tls::configs(&self.tls, targets.iter().any(|it| it.origin.is_https()))?;
        if self.tls.any_certificate {
            tracing::warn!(
                origin = &**targets[0].origin.text(),
                "the server's certificate is not checked: anybody can be this server"
            );
        }
        let roots = targets.iter().filter_map(|it| it.origin.uri("/", ""));
        let connections = self.max_connections;
        let connections = connections.map(|max| Arc::new(Connections::new(max, roots)));
        let inner = Inner {
            pool: connect::pool(connect::Settings {
                tls: tls.servers,
                tls_to_proxies: tls.proxies,
                patience: self.connect_timeout,
                proxies,
                versions: self.versions,
                connections: connections.clone(),
            }),
            connections,
            targets,
            routes: Routes::new(),
            deadline: self.deadline,
            max_response_bytes: self.max_response_bytes,
            user_agent,
            retry: self.retry,
            budget: RetryBudget::default(),
            observers: self.observers,
            masker: Masker::new(self.mask),
        };
        Ok(HttpClient(Arc::new(Handle {
            credentials: Vec::new(),
            inner: Arc::new(inner),
        })))
    }
}

/// The base URL is left out: until it is checked it may hold a password.
impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("deadline", &self.deadline)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}
