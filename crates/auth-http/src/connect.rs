use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{CertificateError, ClientConfig};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::connections::Connections;
use crate::fault::{BoxError, Fault, FaultKind};
use crate::payload::{BodyFailed, Outgoing};
use crate::proxy::Proxies;
use crate::watched::{AnswerBroke, How, Watched};

/// The pool of connections below a client.
pub(crate) type Pool = Client<Connector, Outgoing>;

/// What the pool is made of.
pub(crate) struct Settings {
    pub(crate) tls: ClientConfig,
    pub(crate) tls_to_proxies: ClientConfig,
    /// The time each connection has to come about, name lookup and TLS included.
    pub(crate) patience: Duration,
    pub(crate) proxies: Proxies,
    pub(crate) versions: Versions,
    /// How many there may be at a time, if that is bounded.
    pub(crate) connections: Option<Arc<Connections>>,
}

/// Which versions of HTTP are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Over TLS what both sides agree on (ALPN), HTTP/1.1 otherwise.
    #[default]
    Negotiated,
    Http1,
    /// HTTP/2 without asking.
    Http2,
}

/// Makes the pool.
pub(crate) fn pool(settings: Settings) -> Pool {
    let Settings {
        tls,
        tls_to_proxies,
        patience,
        proxies,
        versions,
        connections,
    } = settings;
    let mut http = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
    http.enforce_http(false);
    http.set_nodelay(true);
    // Shared out among a name's addresses, so that a dead first one does not use it all up.
    http.set_connect_timeout(Some(patience));
    let tcp = Tcp(http);
    let to_proxy = HttpsConnectorBuilder::new()
        .with_tls_config(tls_to_proxies)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp.clone());
    let way = Way {
        tcp,
        to_proxy,
        proxies: proxies.clone(),
    };
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    let https = match versions {
        Versions::Negotiated => https.enable_all_versions().wrap_connector(way),
        Versions::Http1 => https.enable_http1().wrap_connector(way),
        Versions::Http2 => https.enable_http2().wrap_connector(way),
    };
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        // Of headers it takes a hundred; saying so would cost an allocation an answer.
        .http1_max_buf_size(MAX_HEAD)
        .http2_only(versions == Versions::Http2)
        .http2_max_header_list_size(MAX_HEAD as u32)
        // One connection carries all calls: if it is dead, all of them wait for nothing.
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PING)
        .build(Connector(Arc::new(Connecting {
            https,
            patience,
            proxies,
            versions,
            connections,
        })))
}

/// Says in which phase the pool failed, from what the connectors below left in its error.
pub(crate) fn fault(error: hyper_util::client::legacy::Error) -> Fault {
    if error.is_connect() {
        return connect_fault(&error).with_source(error);
    }
    if let Some(BodyFailed { what, .. }) = find(&error) {
        return Fault::new(FaultKind::Send, *what)
            .permanent()
            .with_source(error);
    }
    // An answer of HTTP/2 has begun when its headers are there, and then there is no error here.
    let began = find::<AnswerBroke>(&error).is_some();
    let hyper = find::<hyper::Error>(&error);
    let fault = if hyper.is_some_and(hyper::Error::is_canceled) {
        // The stack handed the request back: it was still waiting when its connection closed.
        Fault::new(FaultKind::Send, "the connection closed before the request").unsent()
    } else if hyper.is_some_and(was_not_processed) {
        Fault::new(
            FaultKind::Send,
            "the server ended the connection before the request",
        )
        .unsent()
    } else if hyper.is_some_and(hyper::Error::is_parse) {
        Fault::new(FaultKind::Receive, "the answer is not HTTP as it should be").permanent()
    } else if began {
        Fault::new(FaultKind::Receive, "the answer broke off in its headers")
    } else {
        Fault::new(
            FaultKind::Send,
            "the connection failed before an answer began",
        )
    };
    fault.with_source(error)
}

/// Whether a server of HTTP/2 has said that it did not process the request: by GOAWAY with a lower
/// stream as its last one, or by REFUSED_STREAM (RFC 9113 §8.7).
///
/// The stack fails the streams above the last one with the GOAWAY itself, and the others, which may
/// have been processed, with the end of the connection. It has no public type for either, so they
/// are recognised by texts that begin with what the peer sent.
fn was_not_processed(error: &hyper::Error) -> bool {
    error.source().is_some_and(|source| {
        let text = source.to_string();
        text.starts_with("connection error received: ")
            || text
                == "stream error received: refused stream before processing any application logic"
    })
}

fn connect_fault(error: &(dyn StdError + 'static)) -> Fault {
    if let Some(ProxyFailed { what, lasting, .. }) = find(error) {
        let fault = Fault::new(FaultKind::Connect, *what);
        return if *lasting { fault.permanent() } else { fault };
    }
    if find::<ResolveFailed>(error).is_some() {
        return Fault::new(FaultKind::Resolve, "looking up the host's address failed");
    }
    if find::<ConnectTimedOut>(error).is_some() {
        return Fault::new(FaultKind::Connect, "connecting took too long");
    }
    if find::<ConnectFailed>(error).is_some() {
        return Fault::new(FaultKind::Connect, "connecting failed");
    }
    let Some(tls) = find::<rustls::Error>(error) else {
        // The connection broke during the handshake; trust was not at stake.
        return Fault::new(
            FaultKind::Tls,
            "the connection failed during the TLS handshake",
        )
        .transient();
    };
    Fault::new(FaultKind::Tls, tls_complaint(tls))
}

fn tls_complaint(error: &rustls::Error) -> &'static str {
    use CertificateError::*;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return "the TLS handshake failed";
    };
    match certificate {
        UnknownIssuer => "the server's certificate is from an authority that is not trusted here",
        NotValidForName | NotValidForNameContext { .. } => {
            "the server's certificate is for another host"
        }
        Expired | ExpiredContext { .. } => "the server's certificate has expired",
        NotValidYet | NotValidYetContext { .. } => "the server's certificate is not valid yet",
        BadSignature => "the server's certificate is not signed by the authority it names",
        Revoked => "the server's certificate was revoked",
        _ => "the server's certificate is not acceptable",
    }
}

/// The first error of a type in a chain. I/O errors are looked into: they hide what they wrap.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let inner = error.downcast_ref().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// From the outside in: when there is a place for it, within the time allowed, over TLS where the
/// scheme says so, through a proxy where there is one, over TCP.
///
/// The pool clones it for every call, whether it connects or not.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Connecting>);

struct Connecting {
    https: HttpsConnector<Way>,
    patience: Duration,
    proxies: Proxies,
    versions: Versions,
    connections: Option<Arc<Connections>>,
}

/// TCP or, to a proxy that is spoken to so, TLS.
type Hop = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<Watched<TokioIo<MaybeHttpsStream<Hop>>>>;
    type Error = BoxError;
    type Future = BoxFuture<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // So are all below it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = Arc::clone(&self.0);
        Box::pin(async move {
            let place = match &this.connections {
                Some(connections) => connections.place(&uri).await?,
                None => None,
            };
            // Without a tunnel the proxy has to be told where each request goes.
            let proxied = uri.scheme() == Some(&Scheme::HTTP) && this.proxies.to(&uri).is_some();
            let way = How {
                proxied,
                http2: this.versions == Versions::Http2,
            };
            let connecting = this.https.clone().call(uri);
            let Ok(stream) = tokio::time::timeout(this.patience, connecting).await else {
                return Err(ConnectTimedOut.into());
            };
            let watched = Watched::new(TokioIo::new(stream?), way, place);
            Ok(TokioIo::new(watched))
        })
    }
}

/// Straight to the server, or through a proxy.
#[derive(Clone)]
struct Way {
    tcp: Tcp,
    to_proxy: ToProxy,
    proxies: Proxies,
}

type ToProxy = HttpsConnector<Tcp>;
type TunnelError = <Tunnel<ToProxy> as Service<Uri>>::Error;

impl Service<Uri> for Way {
    type Response = Hop;
    type Error = BoxError;
    type Future = BoxFuture<Result<Hop, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.to(&uri) else {
            let connecting = self.tcp.call(uri);
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        };
        if uri.scheme() == Some(&Scheme::HTTP) {
            let connecting = self.to_proxy.call(proxy.uri().clone());
            return Box::pin(async move { connecting.await.map_err(ProxyFailed::reached) });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let connecting = tunnel.call(uri);
        Box::pin(async move { connecting.await.map_err(ProxyFailed::let_through) })
    }
}

/// TCP, with its failures marked, so that what is not marked is a failure of TLS.
#[derive(Clone)]
struct Tcp(HttpConnector<Resolver>);

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(BoxError::from)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { connecting.await.map_err(|e| ConnectFailed(e.into()).into()) })
    }
}

/// The system's resolver, with its failures marked.
#[derive(Clone, Debug)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = <GaiResolver as Service<Name>>::Response;
    type Error = ResolveFailed;
    type Future = BoxFuture<Result<Self::Response, ResolveFailed>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ResolveFailed>> {
        self.0.poll_ready(cx).map_err(ResolveFailed)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.call(name);
        Box::pin(async move { resolving.await.map_err(ResolveFailed) })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name was not resolved")]
struct ResolveFailed(#[source] io::Error);

/// What a proxy did not do. The error behind it holds no address and no credential.
#[derive(Debug, thiserror::Error)]
#[error("no connection through the proxy")]
struct ProxyFailed {
    what: &'static str,
    /// Whether somebody has to do something about it.
    lasting: bool,
    source: BoxError,
}

impl ProxyFailed {
    fn reached(source: BoxError) -> BoxError {
        let what = "connecting to the proxy failed";
        let lasting = find::<rustls::Error>(source.as_ref()).is_some();
        Self {
            what,
            lasting,
            source,
        }
        .into()
    }

    fn let_through(error: TunnelError) -> BoxError {
        let (what, lasting) = match &error {
            TunnelError::ConnectFailed(_) => return Self::reached(error.into()),
            TunnelError::ProxyAuthRequired => ("the proxy does not accept our credentials", true),
            _ => ("the proxy did not connect to the server", false),
        };
        let source = error.into();
        Self {
            what,
            lasting,
            source,
        }
        .into()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no TCP connection")]
struct ConnectFailed(#[source] BoxError);

#[derive(Debug, thiserror::Error)]
#[error("the time to connect ran out")]
struct ConnectTimedOut;

/// How often a connection of HTTP/2 with calls under way is asked whether it is alive, and how long
/// it has to say so.
const PING: Duration = Duration::from_secs(10);
/// How long a connection may be idle, or take nothing of what there is to send.
pub(crate) const IDLE: Duration = Duration::from_secs(90);
const MAX_HEAD: usize = 64 * 1024;
