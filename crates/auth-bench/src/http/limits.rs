//! What ours is compared with.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::case::Operation;
use crate::http::{PATH, Task, operation, runtime};

pub(super) const CLIENT: &str = "hyper-util legacy client";
pub(super) const CLIENT_TLS: &str = "hyper-util legacy + hyper-rustls";
pub(super) const CLIENT_IN_TIME: &str = "hyper-util legacy client, with a deadline";
pub(super) const REQWEST: &str = "reqwest";
pub(super) const CONNECTION: &str = "hyper http1 conn, own free list (no legacy pool)";

/// The client that ours is built on, used as its documentation shows: a server that does not answer
/// is waited for without end.
pub(super) fn client(task: &Task, concurrency: usize) -> anyhow::Result<Operation> {
    prepare(task, concurrency, None)
}

/// The same, as it is used where servers may hang. A timer costs more than it seems: a thread that
/// waits must then be woken by the clock too.
pub(super) fn client_in_time(task: &Task, concurrency: usize) -> anyhow::Result<Operation> {
    prepare(task, concurrency, Some(Duration::from_secs(30)))
}

fn prepare(
    task: &Task,
    concurrency: usize,
    deadline: Option<Duration>,
) -> anyhow::Result<Operation> {
    let uri: Uri = task.url().parse()?;
    if uri.scheme_str() == Some("http") {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        return posting(task, uri, concurrency, deadline, http);
    }
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls(task)?)
        .https_only()
        .enable_http1()
        .build();
    posting(task, uri, concurrency, deadline, https)
}

fn posting<C>(
    task: &Task,
    uri: Uri,
    concurrency: usize,
    deadline: Option<Duration>,
    connector: C,
) -> anyhow::Result<Operation>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let body = task.body.clone();
    Ok(operation(runtime()?, concurrency, move || {
        let answer = client.request(request(uri.clone(), body.clone()));
        let answered = async move {
            match answer.await {
                Ok(answer) => read(answer).await,
                Err(_) => false,
            }
        };
        async move {
            match deadline {
                None => answered.await,
                Some(deadline) => timeout(deadline, answered).await.unwrap_or(false),
            }
        }
    }))
}

/// What most programs use. It has a deadline for each call only where one is set, and here none is.
pub(super) fn reqwest(task: &Task, concurrency: usize) -> anyhow::Result<Operation> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(task)?)
        .http1_only()
        .no_proxy()
        .build()?;
    let (url, body) = (task.url(), task.body.clone());
    Ok(operation(runtime()?, concurrency, move || {
        let call = client.post(&url).header(CONTENT_TYPE, "application/json");
        let call = call.header(AUTHORIZATION, "Bearer x").body(body.clone());
        let answer = call.send();
        async move {
            let Ok(answer) = answer.await else {
                return false;
            };
            let right = answer.status().is_success();
            let body = answer.bytes().await;
            right && body.is_ok_and(|body| !body.is_empty())
        }
    }))
}

/// Whom all of them trust, and with whose cryptography.
fn tls(task: &Task) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(task.pem.as_bytes())?)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// A connection per task that posts, and no client: the least that this stack costs.
pub(super) fn connection(task: &Task, concurrency: usize) -> anyhow::Result<Operation> {
    let (port, body) = (task.port, task.body.clone());
    let idle = Rc::new(RefCell::new(Vec::new()));
    Ok(operation(runtime()?, concurrency, move || {
        let (idle, body) = (Rc::clone(&idle), body.clone());
        async move {
            let kept = idle.borrow_mut().pop();
            let connected = match kept {
                Some(kept) => Some(kept),
                None => connect(port).await.ok(),
            };
            let Some(mut connection) = connected else {
                return false;
            };
            let mut request = request(Uri::from_static(PATH), body);
            let headers = request.headers_mut();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1"));
            if connection.ready().await.is_err() {
                return false;
            }
            let Ok(answer) = connection.send_request(request).await else {
                return false;
            };
            let right = read(answer).await;
            idle.borrow_mut().push(connection);
            right
        }
    }))
}

async fn connect(port: u16) -> anyhow::Result<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(requests)
}

fn request(uri: Uri, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    request
}

async fn read(answer: Response<Incoming>) -> bool {
    let right = answer.status().is_success();
    let body = answer.into_body().collect().await;
    right && body.is_ok_and(|body| !body.to_bytes().is_empty())
}
