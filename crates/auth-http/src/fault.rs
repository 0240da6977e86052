use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{CorrelationId, Problem};
use http::{Method, StatusCode};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// A call that did not produce a usable answer.
///
/// Printed, it names the method, the path's template, what failed, and of an answer its status and
/// its problem's code, if that has the shape of one and is no part of a credential. It never shows a query, a header or a body: those may carry
/// tokens. The HTTP stack behind it is reachable only through [`source`](StdError::source), so it
/// can change without a breaking release.
///
/// The whole [`problem`](Self::problem) is there to be asked for; its detail is the server's own
/// words and should be masked before it is logged. The [`body`](Self::body) is masked already.
pub struct Fault(Box<Inner>);

struct Inner {
    kind: FaultKind,
    what: Cow<'static, str>,
    request: Option<RequestLine>,
    sent: Sent,
    transient: bool,
    status: Option<StatusCode>,
    problem: Option<Problem>,
    body: Option<Box<str>>,
    retry_after: Option<Duration>,
    correlation_id: Option<CorrelationId>,
    source: Option<BoxError>,
}

/// In which phase a call failed.
///
/// Of a call that was tried several times it is the phase of the last attempt, and what is said of
/// sending below is said of that one. An earlier attempt may have reached the server: a call may
/// have been sent to one that then hung up, and find no connection the next time. A call that is
/// not [idempotent](crate::RequestBuilder::idempotent) is tried again only if nothing of it was
/// sent, so of such calls it holds for all attempts; but for those whose token was refused, which
/// had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// The request is not one that can be sent; a mistake of the caller. Nothing was sent.
    InvalidRequest,
    /// There was no token to send along. Nothing was sent to the server; the
    /// [`source`](StdError::source) says what the token's issuer said.
    Credential,
    /// The origin has failed several times in a row and is left alone for a while. Nothing was
    /// sent.
    CircuitOpen,
    /// All the connections to the origin that
    /// [`max_connections_per_origin`](crate::HttpClientBuilder::max_connections_per_origin) allows
    /// were in use until the deadline. Nothing was sent, and nothing is said of the origin.
    NoFreeConnection,
    /// The host's name has no address, or nobody could say. Nothing was sent.
    Resolve,
    /// There was no connection to be had, or not in time. Nothing was sent.
    Connect,
    /// No trust was established: a certificate that is not good, or no common ground. Nothing
    /// was sent.
    Tls,
    /// The connection failed before the first byte of an answer. The server may have acted.
    Send,
    /// An answer began, but broke off or is not HTTP. The server has probably acted.
    Receive,
    /// The deadline passed. The server may have acted, unless the text says `while connecting`.
    Deadline,
    /// The answer is longer than is allowed.
    TooLarge,
    /// The answer is a redirect, which is never followed.
    Redirect,
    /// The answer's status is not one of success.
    Status,
    /// The answer's body is not what was expected.
    Decode,
    /// The caller gave the call up. Only an [`Exchange`](crate::Exchange) says so: nobody is left
    /// to get a fault. The server may have acted.
    Canceled,
}

impl FaultKind {
    /// The stable code, for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Credential => "credential",
            Self::CircuitOpen => "circuit_open",
            Self::NoFreeConnection => "no_free_connection",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Deadline => "deadline",
            Self::TooLarge => "too_large",
            Self::Redirect => "redirect",
            Self::Status => "status",
            Self::Decode => "decode",
            Self::Canceled => "canceled",
        }
    }
}

impl Fault {
    /// In which phase it failed.
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// Whether the same call may succeed later, with nobody doing anything: of statuses 408, 425,
    /// 429, 500, 502, 503 and 504. It does not say that calling again is safe.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// The status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// What the answer's body says went wrong, if it says so in a shape that is known: RFC 9457,
    /// the platform's, FastAPI's `detail`, or `error` with a `code` or a `message`.
    pub fn problem(&self) -> Option<&Problem> {
        self.0.problem.as_ref()
    }

    /// The beginning of the answer's body, masked: of a status that is not one of success, if there
    /// was anything to read. JSON is masked by the names in it, and any text by what looks like a
    /// secret; at most 2 KiB are kept. It is not part of any other text of the fault.
    pub fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// How long the server asked to be left alone (RFC 9110 §10.2.3), or will be left alone because
    /// its circuit is open.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The correlation id of the answer, or else the one that was sent.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.0.correlation_id.as_ref()
    }
}

/// What the client itself needs to know and to set.
impl Fault {
    pub(crate) fn new(kind: FaultKind, what: impl Into<Cow<'static, str>>) -> Self {
        use FaultKind::*;
        Self(Box::new(Inner {
            kind,
            what: what.into(),
            request: None,
            sent: match kind {
                InvalidRequest | Credential | CircuitOpen | NoFreeConnection | Resolve
                | Connect | Tls => Sent::No,
                Send | Deadline | Canceled => Sent::Maybe,
                _ => Sent::Answered,
            },
            transient: matches!(
                kind,
                Credential
                    | CircuitOpen
                    | NoFreeConnection
                    | Resolve
                    | Connect
                    | Send
                    | Receive
                    | Deadline
            ),
            status: None,
            problem: None,
            body: None,
            retry_after: None,
            correlation_id: None,
            source: None,
        }))
    }

    /// A fault made of a status; `what` says it in words.
    pub(crate) fn of_status(kind: FaultKind, status: StatusCode, problem: Option<Problem>) -> Self {
        Self::of_status_hiding(kind, status, problem, |_| false)
    }

    /// The same, without the problem's code if that `is_secret`.
    pub(crate) fn of_status_hiding(
        kind: FaultKind,
        status: StatusCode,
        problem: Option<Problem>,
        is_secret: impl FnOnce(&str) -> bool,
    ) -> Self {
        let code = problem.as_ref().and_then(Problem::code);
        let code = code.filter(|code| is_code(code) && !is_secret(code));
        let mut what = answered(status, code);
        if kind == FaultKind::Redirect {
            what.push_str(", a redirect, which is never followed");
        }
        let mut fault = Self::new(kind, what);
        fault.0.transient = matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504);
        fault.0.problem = problem;
        fault.with_status(status)
    }

    pub(crate) fn deadline(doing: &str) -> Self {
        let what = format!("the deadline passed while {doing}");
        Self::new(FaultKind::Deadline, what)
    }

    pub(crate) fn broke_off_in_body(error: Option<hyper::Error>) -> Self {
        let mut fault = Self::new(FaultKind::Receive, "the answer broke off in its body");
        fault.0.source = error.map(Into::into);
        fault
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_body(mut self, body: Option<Box<str>>) -> Self {
        self.0.body = body;
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    pub(crate) fn with_correlation_id(mut self, id: Option<&CorrelationId>) -> Self {
        self.0.correlation_id = self.0.correlation_id.or_else(|| id.cloned());
        self
    }

    pub(crate) fn about(mut self, request: &RequestLine) -> Self {
        self.0.request = Some(request.clone());
        self
    }

    pub(crate) fn unsent(mut self) -> Self {
        self.0.sent = Sent::No;
        self
    }

    pub(crate) fn permanent(mut self) -> Self {
        self.0.transient = false;
        self
    }

    pub(crate) fn transient(mut self) -> Self {
        self.0.transient = true;
        self
    }

    pub(crate) fn sent(&self) -> Sent {
        self.0.sent
    }
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The server did not process it: no byte was written, or HTTP/2 says so.
    No,
    /// It may have reached the server.
    Maybe,
    /// An answer began.
    Answered,
}

/// What may be shown of a request: its method, and its path before the values are in.
#[derive(Clone, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Method,
    /// `None` if the path was refused: it may hold anything then.
    pub(crate) template: Option<Arc<str>>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(request) = &self.0.request {
            match &request.template {
                Some(template) => write!(f, "{} {template}: ", request.method)?,
                None => write!(f, "{}: ", request.method)?,
            }
        }
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.0.kind)
            .field("text", &format_args!("{self}"))
            .field("transient", &self.0.transient)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A status in words, with what a program and a person can use of its problem.
fn answered(status: StatusCode, code: Option<&str>) -> String {
    let mut text = format!("the server answered {}", status.as_u16());
    if let Some(reason) = status.canonical_reason() {
        text.push(' ');
        text.push_str(reason);
    }
    if let Some(code) = code {
        text.push_str(" (");
        text.push_str(code);
        text.push(')');
    }
    text
}

/// Whether it looks like the name of an error: a few words, as in `invalid_grant`, `AUTH-401`,
/// `user.notFound` or `AccessDenied`. A server that puts something else there, such as the token it
/// did not like, is not repeated; what is random has digits and capitals where no word has them.
fn is_code(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= MAX_CODE
        && digits <= MAX_DIGITS
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.split(['_', '-', '.']).all(is_word)
}

/// Letters of one case or in camel case, where no part is of one letter; then digits.
fn is_word(text: &str) -> bool {
    let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_capital = |c: char| c.is_ascii_uppercase();
    let mut parts = letters.split(is_capital);
    let is_part = |part: &str| part.len() != 1 && part.bytes().all(|it| it.is_ascii_lowercase());
    let is_camel = parts.next().is_some_and(is_part) && parts.all(|it| it.len() > 1 && is_part(it));
    let is_upper = letters.chars().all(is_capital);
    let is_lower = letters.bytes().all(|byte| byte.is_ascii_lowercase());
    (1..=MAX_WORD).contains(&text.len()) && (is_camel || is_upper || is_lower)
}

const MAX_CODE: usize = 48;
const MAX_WORD: usize = 24;
const MAX_DIGITS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_shown_with_its_code_and_nothing_else_of_the_body() {
        let problem = |status| Problem::new(status).with_detail("the token s3cr3t is no good");
        let unauthorized = problem(StatusCode::UNAUTHORIZED);
        let title = |text: &str| {
            let body = serde_json::to_vec(&serde_json::json!({ "title": text })).unwrap();
            Problem::from_json(StatusCode::UNAUTHORIZED, &body).unwrap()
        };
        for (problem, expected) in [
            (unauthorized.clone(), "401 Unauthorized"),
            (
                unauthorized.clone().with_code("expired"),
                "401 Unauthorized (expired)",
            ),
            (
                unauthorized.clone().with_code("s3cr3t is expired"),
                "401 Unauthorized",
            ),
            (unauthorized.with_code("s".repeat(25)), "401 Unauthorized"),
            (title("Token s3cr3t expired"), "401 Unauthorized"),
        ] {
            let status = problem.status();
            let fault = Fault::of_status(FaultKind::Status, status, Some(problem));
            assert_eq!(fault.to_string(), format!("the server answered {expected}"));
            assert!(!format!("{fault:?}").contains("s3cr3t"));
        }
    }

    #[test]
    fn what_looks_random_is_no_code() {
        for code in [
            "expired",
            "c",
            "CODE",
            "E1",
            "AADSTS50011",
            "invalid_grant",
            "AUTH-401",
            "user.not_found",
            "Unauthorized",
            "notFound",
            "AccessDenied",
            "AUTH_InvalidToken.3",
        ] {
            assert!(is_code(code), "{code}");
        }
        for secret in [
            "",
            "401",
            "not found",
            "a__b",
            "a.",
            // 32 random bytes as base64url, and fewer of them.
            "q7Wd0vZk3nT9sLxYb2RfHg5uJcM1pEoA8iKtVhXe_-N",
            "qWdvZknTsLxYbRfHguJcMpEoAiKtVhXe",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl",
            "deadbeefcafe0123456789",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "JBSWY3DPEHPK3PXP",
            "hunter2x",
            "abcdefghijklmnopqrstuvwxyz",
        ] {
            assert!(!is_code(secret), "{secret}");
        }
    }
}
