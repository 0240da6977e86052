use std::fmt;

use deadpool_redis::PoolError;
use deadpool_redis::redis::{self, ErrorKind, ServerErrorKind};

/// A command that did not produce an answer.
///
/// It names the command and nothing else: a key may hold a user's id, a value a secret, and the
/// server's own message quotes both. The library below is not reachable through it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("redis {command}: {fault}")]
pub struct RedisError {
    command: &'static str,
    fault: Fault,
}

/// What a [`RedisError`] is, in general.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisErrorKind {
    /// There is no working connection, or the server says that it cannot serve just now.
    Unavailable,
    /// No answer came in time. The command may or may not have been carried out.
    Timeout,
    /// The server does not accept our credentials, or does not allow us this command.
    Denied,
    /// The server understood and refused, as for a list command on what is no list.
    Rejected,
    /// The answer is not what the command promises.
    Protocol,
}

impl RedisError {
    pub(crate) fn new(command: &'static str, fault: Fault) -> Self {
        Self { command, fault }
    }

    /// What it is, in general.
    pub fn kind(&self) -> RedisErrorKind {
        self.fault.kind
    }

    /// Whether the same call may succeed later, with nobody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.fault.kind,
            RedisErrorKind::Unavailable | RedisErrorKind::Timeout
        )
    }

    /// The command as Redis spells it.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// The first word of the server's refusal, such as `WRONGTYPE`.
    pub fn code(&self) -> Option<&str> {
        self.fault.code.as_deref()
    }
}

/// What went wrong, and what it says of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: RedisErrorKind,
    /// The connection will never carry an answer again.
    pub(crate) breaks_connection: bool,
    what: &'static str,
    code: Option<Box<str>>,
}

impl Fault {
    pub(crate) const TIMEOUT: Self = Self::plain(RedisErrorKind::Timeout, "no answer in time");
    pub(crate) const CLOSED: Self =
        Self::plain(RedisErrorKind::Unavailable, "the handle was shut down");

    const fn plain(kind: RedisErrorKind, what: &'static str) -> Self {
        Self {
            kind,
            breaks_connection: false,
            what,
            code: None,
        }
    }

    /// Whether the breaker counts it. A refusal does not count: it takes a working server to refuse.
    pub(crate) fn counts(&self) -> bool {
        matches!(
            self.kind,
            RedisErrorKind::Unavailable | RedisErrorKind::Timeout
        )
    }

    /// The same cause as the answer to commands that come while the breaker is open.
    pub(crate) fn while_down(&self) -> Self {
        match self.kind {
            // Waiting does not help against a wrong password, so nobody should be told to wait.
            RedisErrorKind::Denied => Self {
                breaks_connection: false,
                ..self.clone()
            },
            _ => Self::plain(RedisErrorKind::Unavailable, "the server cannot be reached"),
        }
    }

    pub(crate) fn from_pool(error: &PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::from_redis(error),
            _ => Self::plain(RedisErrorKind::Unavailable, "no connection can be had"),
        }
    }

    pub(crate) fn from_redis(error: &redis::RedisError) -> Self {
        let (kind, what) = match error.kind() {
            ErrorKind::AuthenticationFailed => {
                (RedisErrorKind::Denied, "the server refused our credentials")
            }
            ErrorKind::Server(ServerErrorKind::NoPerm) => (
                RedisErrorKind::Denied,
                "the server does not allow this command",
            ),
            ErrorKind::Io => (RedisErrorKind::Unavailable, "the connection broke"),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::TryAgain,
            ) => (
                RedisErrorKind::Unavailable,
                "the server cannot serve just now",
            ),
            ErrorKind::Server(_) | ErrorKind::Extension => match error.code() {
                Some("NOAUTH" | "WRONGPASS") => {
                    (RedisErrorKind::Denied, "the server refused our credentials")
                }
                _ => (RedisErrorKind::Rejected, "the server refused the command"),
            },
            _ => (
                RedisErrorKind::Protocol,
                "the answer is not what was expected",
            ),
        };
        // A server that turned read-only was demoted: only another connection leads to the new one.
        let demoted = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
        Self {
            kind,
            breaks_connection: demoted
                || error.is_unrecoverable_error()
                || kind == RedisErrorKind::Unavailable && error.is_io_error(),
            what,
            code: error.code().and_then(word),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

/// A code is a short word in capitals. Whatever else stands in its place is text of the server's and
/// may quote ours.
fn word(code: &str) -> Option<Box<str>> {
    let is_word = code.len() <= 24 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_word.then(|| code.into())
}
