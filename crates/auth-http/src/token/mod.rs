//! A client's own tokens: fetched when needed, renewed ahead of their end, fetched once however
//! many wait.
//!
//! [`TokenSource`] is the port: one request to an issuer. [`TokenProvider`] is the engine in front
//! of it, and [`HttpClient::with_bearer_tokens`](crate::HttpClient::with_bearer_tokens) sends what
//! it provides.

mod provider;
mod source;
#[cfg(test)]
mod tests;

pub use self::provider::{Token, TokenProvider};
pub use self::source::{NewToken, TokenError, TokenFailure, TokenSource};
