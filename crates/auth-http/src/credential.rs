use std::sync::Arc;

use auth_core::{BoxFuture, Secret};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::fault::{Fault, FaultKind};
use crate::request::OWN_HEADERS;
use crate::token::{Token, TokenError, TokenFailure, TokenProvider, TokenSource};

/// What a client adds to each of its calls, after everything else.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) name: HeaderName,
    pub(crate) kind: Kind,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Fixed(Secret),
    Token {
        tokens: Arc<dyn Tokens>,
        /// Whether `Bearer` goes before it (RFC 6750 §2.1).
        bearer: bool,
    },
}

/// A [`TokenProvider`] of any source.
pub(crate) trait Tokens: Send + Sync {
    fn get(&self) -> BoxFuture<'_, Result<Box<dyn Sent + '_>, Fault>>;
}

/// A token that is sent along.
pub(crate) trait Sent: Send + Sync {
    fn secret(&self) -> &Secret;

    /// Says that it was refused, and hears whether another is worth trying.
    fn refused(&self) -> bool;
}

impl<S: TokenSource> Tokens for TokenProvider<S> {
    fn get(&self) -> BoxFuture<'_, Result<Box<dyn Sent + '_>, Fault>> {
        Box::pin(async move {
            match self.get().await {
                Ok(token) => Ok(Box::new((self, token)) as Box<dyn Sent + '_>),
                Err(error) => {
                    let fault = no_token("there is no token to send along");
                    let fault = match self.failure(&error) {
                        TokenFailure::Permanent => fault.permanent(),
                        TokenFailure::Transient { retry_after } => {
                            fault.with_retry_after(retry_after)
                        }
                    };
                    Err(match error {
                        TokenError::Source(error) => fault.with_source(error),
                        panicked => fault.with_source(panicked),
                    })
                }
            }
        })
    }
}

impl<S: TokenSource> Sent for (&TokenProvider<S>, Arc<Token<S::Details>>) {
    fn secret(&self) -> &Secret {
        self.1.secret()
    }

    fn refused(&self) -> bool {
        self.0.refused(&self.1)
    }
}

/// Adds credentials to headers, but for those that the request brings itself. What comes back are
/// the tokens that were fetched for it.
pub(crate) async fn add<'a>(
    credentials: &'a [Credential],
    headers: &mut HeaderMap,
) -> Result<Vec<Box<dyn Sent + 'a>>, Fault> {
    let mut sent = Vec::new();
    for Credential { name, kind } in credentials {
        if headers.contains_key(name) {
            continue;
        }
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(
                no_token("a credential was given for a header of the client's own").permanent(),
            );
        }
        let value = match kind {
            Kind::Fixed(secret) => header(secret.expose()),
            Kind::Token {
                tokens,
                bearer: as_bearer,
            } => {
                let token = tokens.get().await?;
                let value = match as_bearer {
                    false => header(token.secret().expose()),
                    true => bearer(token.secret().expose()),
                };
                sent.push(token);
                value
            }
        };
        let what = "the credential to send along is empty or holds what no header may hold";
        let value = value.ok_or_else(|| no_token(what).permanent())?;
        headers.insert(name, value);
    }
    Ok(sent)
}

/// A token as `Bearer …` (RFC 6750 §2.1), unless it is empty or cannot be sent.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let text = ["Bearer ", token].concat();
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(text)).ok()?;
    value.set_sensitive(true);
    Some(value).filter(|_| !token.is_empty())
}

fn header(secret: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret).ok()?;
    value.set_sensitive(true);
    Some(value).filter(|_| !secret.is_empty())
}

/// Whether there is a token that was not sent before.
pub(crate) fn has_another(tokens: &[Box<dyn Sent + '_>], before: &[Box<dyn Sent + '_>]) -> bool {
    let mut new = tokens.iter().map(|token| token.secret());
    new.any(|secret| before.iter().all(|it| it.secret() != secret))
}

/// Whether a text is of a credential that was added.
pub(crate) fn any_repeats(
    credentials: &[Credential],
    tokens: &[Box<dyn Sent + '_>],
    text: &str,
) -> bool {
    let fixed = credentials.iter().filter_map(|it| match &it.kind {
        Kind::Fixed(secret) => Some(secret),
        Kind::Token { .. } => None,
    });
    let mut secrets = fixed.chain(tokens.iter().map(|token| token.secret()));
    secrets.any(|secret| repeats(text, secret.expose().as_bytes()))
}

/// Whether a text is a part of a credential, or one is a part of it. What is very short is in
/// everything, and says nothing.
pub(crate) fn repeats(text: &str, value: &[u8]) -> bool {
    let value = value.strip_prefix(b"Bearer ").unwrap_or(value);
    let (text, shortest) = (text.as_bytes(), text.len().min(value.len()));
    let within = |whole: &[u8], part: &[u8]| whole.windows(part.len()).any(|it| it == part);
    shortest >= SHORTEST && (within(text, value) || within(value, text))
}

const SHORTEST: usize = 4;

fn no_token(what: &'static str) -> Fault {
    Fault::new(FaultKind::Credential, what)
}
