use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};
use rustls::RootCertStore;

use crate::connect::{self, Pool};
use crate::observer::Observer;
use crate::origin::Origin;
use crate::{BuildError, RequestBuilder, tls};

/// Calls one server: a pool of connections, the rules of every call, and those who watch.
///
/// Cloning it is cheap, and clones share the pool. It needs a tokio runtime with I/O and time
/// enabled, in which its calls are made.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) origin: Origin,
    pub(crate) pool: Pool,
    pub(crate) deadline: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) user_agent: HeaderValue,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
}

impl HttpClient {
    /// Starts a client of the server at a base URL, such as `https://controller.example/miso`. The
    /// URL's path is put before the path of every call.
    pub fn builder(base_url: &str) -> HttpClientBuilder {
        HttpClientBuilder {
            base_url: base_url.into(),
            deadline: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_response_bytes: 1024 * 1024,
            plain_http: Vec::new(),
            extra_roots: Vec::new(),
            user_agent: concat!("auth-http/", env!("CARGO_PKG_VERSION")).into(),
            observers: Vec::new(),
        }
    }

    /// The origin the client is bound to: scheme and host, and the port where it is not the
    /// scheme's own.
    pub fn origin(&self) -> &str {
        self.0.origin.text()
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

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("origin", &self.origin())
            .field("deadline", &self.0.deadline)
            .field("max_response_bytes", &self.0.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// Puts an [`HttpClient`] together.
#[must_use]
pub struct HttpClientBuilder {
    base_url: Box<str>,
    deadline: Duration,
    connect_timeout: Duration,
    max_response_bytes: usize,
    plain_http: Vec<Box<str>>,
    extra_roots: Vec<Box<[u8]>>,
    user_agent: Box<str>,
    observers: Vec<Arc<dyn Observer>>,
}

impl HttpClientBuilder {
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

    /// Adds somebody who watches all calls; there may be several.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Sets the `User-Agent` header. `auth-http/` and the version unless set.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Trusts the authorities of a PEM document, besides those the system trusts.
    pub fn extra_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.extra_roots.push(pem.as_ref().into());
        self
    }

    /// Finishes the client. Nothing is sent yet; for `https` the system's root certificates are
    /// read from disk.
    ///
    /// # Errors
    ///
    /// The [`BuildError`] of the first thing that is wrong.
    pub fn build(self) -> Result<HttpClient, BuildError> {
        let origin = Origin::parse(&self.base_url, &self.plain_http)?;
        for (setting, is_zero) in [
            ("deadline", self.deadline.is_zero()),
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("max_response_bytes", self.max_response_bytes == 0),
        ] {
            if is_zero {
                return Err(BuildError::Zero { setting });
            }
        }
        let user_agent = HeaderValue::from_str(&self.user_agent);
        let user_agent = user_agent.map_err(|_| BuildError::UserAgent)?;
        // Without TLS nobody is trusted; what was given is looked at all the same.
        let mut roots = RootCertStore::empty();
        if origin.is_https() {
            roots = tls::roots(&self.extra_roots)?;
        } else {
            for pem in &self.extra_roots {
                tls::add_pem(&mut roots, pem)?;
            }
        }
        Ok(HttpClient(Arc::new(Inner {
            origin,
            pool: connect::pool(tls::config(roots)?, self.connect_timeout),
            deadline: self.deadline,
            max_response_bytes: self.max_response_bytes,
            user_agent,
            observers: self.observers,
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
