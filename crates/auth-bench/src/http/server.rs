//! A server on 127.0.0.1 that takes what it is sent, for where nobody else has one.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::http::runtime;

/// It runs in a thread of its own until the process ends.
pub(super) struct Server {
    /// Plain; TLS is on the next port.
    pub(super) port: u16,
    pub(super) pem: String,
}

impl Server {
    pub(super) fn start() -> anyhow::Result<Self> {
        let (plain, secure) = neighbours()?;
        let port = plain.local_addr()?.port();
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)?;
        let tls = TlsAcceptor::from(Arc::new(config));
        let runtime = runtime()?;
        thread::spawn(move || {
            runtime.block_on(async {
                let secure = accept(secure, Some(tls));
                futures_util::future::join(accept(plain, None), secure).await
            })
        });
        Ok(Self {
            port,
            pem: certified.cert.pem(),
        })
    }
}

/// Two ports, one after the other.
fn neighbours() -> anyhow::Result<(TcpListener, TcpListener)> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let free = (0..100).find_map(|_| {
        let first = bind(0).ok()?;
        let next = first.local_addr().ok()?.port().checked_add(1)?;
        Some((first, bind(next).ok()?))
    });
    free.context("no two ports in a row are free")
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>) -> std::io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let tls = tls.clone();
        tokio::spawn(async move {
            match tls {
                None => serve(stream).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(async |request: Request<Incoming>| {
        request.into_body().collect().await?;
        let answer = Bytes::from_static(br#"{"success":true,"message":"ok"}"#);
        Ok::<_, hyper::Error>(Response::new(Full::new(answer)))
    });
    // A client that goes away is the end of its connection and of nothing else.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A kilobyte of JSON.
pub(super) fn document() -> Vec<u8> {
    let entry = r#"{"timestamp":"2026-03-23T10:11:12Z","level":"info","message":"order placed"}"#;
    format!("[{}]", [entry; 13].join(",")).into_bytes()
}
