//! One request out, one typed answer or fault back.
//!
//! An [`HttpClient`] is bound to the origin of one service when it is built. Its calls take a
//! *path*, never a URL, so a credential that was meant for one server cannot be sent to another:
//! there is no way to say so. Whatever happens to a call, the caller gets a [`Response`] or a
//! [`Fault`] before the deadline, and neither shows a header, a query or a body when it is printed.
//!
//! ```no_run
//! use auth_core::Secret;
//! use auth_http::HttpClient;
//! use http::StatusCode;
//!
//! #[derive(serde::Deserialize)]
//! struct Roles {
//!     roles: Vec<String>,
//! }
//!
//! # async fn run(token: Secret) -> Result<(), Box<dyn std::error::Error>> {
//! let client = HttpClient::builder("https://controller.example/miso").build()?;
//! let answer = client
//!     .get("/api/v1/users/{user}/roles")
//!     .segment("user", "ada/lovelace") // sent as one segment: ada%2Flovelace
//!     .query("environment", "dev")
//!     .bearer(&token)
//!     .send()
//!     .await;
//! let roles = match answer {
//!     Ok(response) => response.json::<Roles>()?.roles,
//!     Err(fault) if fault.status() == Some(StatusCode::NOT_FOUND) => Vec::new(),
//!     Err(fault) => return Err(fault.into()),
//! };
//! # Ok(())
//! # }
//! ```
//!
//! # Limits, and how to move them
//!
//! | what | unless set | setter |
//! |---|---|---|
//! | the whole call, from connecting to the body's last byte | 30 s | [`deadline`](HttpClientBuilder::deadline) |
//! | one connection, name lookup and TLS included | 5 s | [`connect_timeout`](HttpClientBuilder::connect_timeout) |
//! | attempts at one call | 3, and a tenth more than there are calls in all | [`retry`](HttpClientBuilder::retry) |
//! | failures in a row, before an origin is left alone | 5 | [`circuit_breaker`](HttpClientBuilder::circuit_breaker) |
//! | the body of an answer | 1 MiB | [`max_response_bytes`](HttpClientBuilder::max_response_bytes) |
//! | the status line and headers of an answer | 64 KiB, 100 headers | none |
//! | a connection that is idle, or takes nothing of what is sent | closed after 90 s | none |
//! | connections at a time, by HTTP/1.1 | as many as there are calls under way | [`max_connections_per_origin`](HttpClientBuilder::max_connections_per_origin) |
//!
//! # What is sent twice, and what never is
//!
//! A call that failed before anything was sent is tried again. A call that is idempotent (the safe
//! methods are, others where [`idempotent`](RequestBuilder::idempotent) says so) is also sent again
//! when the connection failed before the first byte of an answer, and when the answer is 408, 425,
//! 429, 502, 503 or 504. An answer of success is sent for exactly once, whatever becomes of it: an
//! empty body, one that is not JSON or one that breaks off included (contract miso §13 B3).
//! [`RetryPolicy`] says how often and after which pauses; a budget that all calls of a client share
//! keeps the sum of it within a tenth.
//!
//! # Bodies
//!
//! A request carries [JSON](RequestBuilder::json), a [form](RequestBuilder::form), a
//! [form with files](RequestBuilder::multipart), or [anything else](RequestBuilder::body), as bytes
//! or as a [stream](RequestBody::stream). An answer is read whole within its bound, or
//! [piece by piece](RequestBuilder::send_streaming).
//!
//! # A server that is down
//!
//! Each origin has a [`CircuitBreaker`]: after a few failures in a row calls fail at once, with
//! [`FaultKind::CircuitOpen`], until a trial shows that the origin is back. With a
//! [`fallback`](HttpClientBuilder::fallback) they go to another server of the same service.
//! [`circuits`](HttpClient::circuits) and [`Observer::circuit_changed`] say how it stands.
//!
//! # Credentials
//!
//! A credential of one call is given with [`bearer`](RequestBuilder::bearer) or
//! [`secret_header`](RequestBuilder::secret_header). One of the application itself is given to the
//! client, once: [`with_bearer_tokens`](HttpClient::with_bearer_tokens) takes a [`TokenProvider`],
//! which fetches a token through a [`TokenSource`], renews it ahead of its end, and replaces it when
//! a server refuses it.
//!
//! # Whom it trusts, and by which way it goes
//!
//! `https` is checked against the authorities that the system trusts, those and
//! [others](HttpClientBuilder::extra_root_certificates), or
//! [others only](HttpClientBuilder::only_root_certificates). There is a
//! [client certificate](HttpClientBuilder::client_certificate) and a
//! [least version](HttpClientBuilder::min_tls_version). Plain `http` is for loopback, and for hosts
//! that [`allow_plain_http`](HttpClientBuilder::allow_plain_http) names. Proxies are what
//! [`ProxySettings`] says. What weakens any of it is in [`danger`].
//!
//! # What is not here
//!
//! Redirects are not followed, cookies are not kept and compressed bodies are not asked for. There
//! is no HTTP/3.
//!
//! # Reading order
//!
//! `client`, `origin`, `tls` and `proxy` are what is settled once. `request`, `path` and `send` make
//! a call; `payload` and `multipart` are what it carries; `connect`, `connections`, `retry`,
//! `budget`, `breaker` and `body` are its parts; `response`, `streaming`, `fault`, `problem_body`
//! and `excerpt` are what comes back. `token` and `credential` are the client's own tokens; `record`
//! and `observer` are who watches.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod body;
mod breaker;
mod budget;
mod build_error;
mod client;
mod connect;
mod connections;
mod credential;
pub mod danger;
mod excerpt;
mod fault;
mod multipart;
mod observer;
mod origin;
mod path;
mod payload;
mod problem_body;
mod proxy;
mod record;
mod request;
mod response;
mod retry;
mod retry_after;
mod routes;
mod send;
mod streaming;
mod tls;
mod token;
mod watched;

pub use crate::breaker::{CircuitBreaker, CircuitState};
pub use crate::build_error::BuildError;
pub use crate::client::{HttpClient, HttpClientBuilder};
pub use crate::fault::{Fault, FaultKind};
pub use crate::multipart::Multipart;
pub use crate::observer::{Exchange, Observer};
pub use crate::payload::RequestBody;
pub use crate::proxy::ProxySettings;
pub use crate::request::RequestBuilder;
pub use crate::response::Response;
pub use crate::retry::RetryPolicy;
pub use crate::streaming::StreamingResponse;
pub use crate::tls::TlsVersion;
pub use crate::token::{NewToken, Token, TokenError, TokenFailure, TokenProvider, TokenSource};
