use std::error::Error;
use std::sync::Arc;
use std::{fmt, io};

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
    /// The server does not accept our credentials or our certificate, or does not allow us this
    /// command; or its own certificate is not one to trust.
    Denied,
    /// The server understood and refused, as for a list command on what is no list.
    Rejected,
    /// The answer is not what the command promises.
    Protocol,
}

impl RedisError {
    pub(crate) fn new(command: &'static str, fault: Fault) -> Self {
        // A detour is in the server's own words.
        let detour = None;
        let fault = Fault { detour, ..fault };
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
    /// What the server of a cluster says about where to go instead.
    pub(crate) detour: Option<Detour>,
    what: &'static str,
    code: Option<Box<str>>,
}

/// Where a cluster sends a command that it did not carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Detour {
    /// To the new owner of the slot. The address is as the server wrote it.
    Moved(Box<str>),
    /// To whom the slot is being moved, this once.
    Ask(Box<str>),
    /// Nowhere: the same again in a moment.
    Again,
}

impl Fault {
    pub(crate) const TIMEOUT: Self = Self::plain(RedisErrorKind::Timeout, "no answer in time");
    pub(crate) const CLOSED: Self =
        Self::plain(RedisErrorKind::Unavailable, "the handle was shut down");
    pub(crate) const UNREACHABLE: Self =
        Self::plain(RedisErrorKind::Unavailable, "the server cannot be reached");
    pub(crate) const NO_SERVICE: Self = Self::plain(
        RedisErrorKind::Rejected,
        "the sentinels do not know the service",
    );
    pub(crate) const NOT_PRIMARY: Self = Self {
        kind: RedisErrorKind::Unavailable,
        breaks_connection: true,
        detour: None,
        what: "the server is not the primary any more",
        code: None,
    };
    pub(crate) const NO_OWNER: Self = Self::plain(
        RedisErrorKind::Unavailable,
        "no node of the cluster owns the slot",
    );
    pub(crate) const ASTRAY: Self = Self::plain(
        RedisErrorKind::Unavailable,
        "the nodes of the cluster send the command to each other",
    );
    pub(crate) const CROSS_SLOT: Self = Self::plain(
        RedisErrorKind::Rejected,
        "the keys are not in one slot of the cluster",
    );
    pub(crate) const MISUNDERSTOOD: Self = Self::plain(
        RedisErrorKind::Protocol,
        "the answer is not what was expected",
    );
    pub(crate) const UNUSABLE: Self = Self::plain(
        RedisErrorKind::Denied,
        "the settings for TLS cannot be used",
    );

    const fn plain(kind: RedisErrorKind, what: &'static str) -> Self {
        Self {
            kind,
            breaks_connection: false,
            detour: None,
            what,
            code: None,
        }
    }

    /// Whether the breaker counts it. A refusal does not count: it takes a working server to refuse.
    /// Nor does one that concerns some of the keys, or only those who write.
    pub(crate) fn counts(&self) -> bool {
        let is_of_some = self.detour.is_some()
            || matches!(self.code.as_deref(), Some("CLUSTERDOWN" | "NOREPLICAS"));
        !is_of_some
            && matches!(
                self.kind,
                RedisErrorKind::Unavailable | RedisErrorKind::Timeout
            )
    }

    /// Whether a working server has refused it for good.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.kind, RedisErrorKind::Denied | RedisErrorKind::Rejected)
    }

    /// The same cause as the answer to commands that come while the breaker is open.
    pub(crate) fn while_down(&self) -> Self {
        match self.kind {
            // Waiting does not help against a wrong password or name, so nobody should be told to wait.
            RedisErrorKind::Denied | RedisErrorKind::Rejected => Self {
                breaks_connection: false,
                ..self.clone()
            },
            _ => Self::UNREACHABLE,
        }
    }

    pub(crate) fn from_pool(error: &PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::from_redis(error),
            _ => Self::plain(RedisErrorKind::Unavailable, "no connection can be had"),
        }
    }

    pub(crate) fn from_redis(error: &redis::RedisError) -> Self {
        if let Some(fault) = tls_fault(error) {
            return fault;
        }
        let (kind, what) = match error.kind() {
            ErrorKind::InvalidClientConfig => return Self::UNUSABLE,
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
                // A script that runs for too long, or a primary without its replicas.
                Some("BUSY" | "NOREPLICAS") => (
                    RedisErrorKind::Unavailable,
                    "the server cannot serve just now",
                ),
                _ => (RedisErrorKind::Rejected, "the server refused the command"),
            },
            _ => return Self::MISUNDERSTOOD.of(error),
        };
        let address = || error.redirect_node().map(|(address, _)| Box::from(address));
        let detour = match error.kind() {
            ErrorKind::Server(ServerErrorKind::Moved) => address().map(Detour::Moved),
            ErrorKind::Server(ServerErrorKind::Ask) => address().map(Detour::Ask),
            ErrorKind::Server(ServerErrorKind::TryAgain) => Some(Detour::Again),
            _ => None,
        };
        // A server that turned read-only was demoted: only another connection leads to the new one.
        let demoted = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
        Self {
            kind,
            breaks_connection: demoted
                || error.is_unrecoverable_error()
                || kind == RedisErrorKind::Unavailable && error.is_io_error(),
            detour,
            what,
            code: error.code().and_then(word),
        }
    }

    fn of(self, error: &redis::RedisError) -> Self {
        Self {
            breaks_connection: error.is_unrecoverable_error(),
            code: error.code().and_then(word),
            ..self
        }
    }

    /// The first word of the server's refusal.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref()
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

/// What went wrong with TLS, which waiting does not mend. Everything else that TLS reports is a
/// connection that broke.
fn tls_fault(error: &redis::RedisError) -> Option<Fault> {
    let source = error.source()?;
    // redis-rs keeps it behind a pointer of its own.
    let shared = source.downcast_ref::<Arc<dyn Error + Send + Sync>>();
    let io = match shared {
        Some(shared) => shared.downcast_ref::<io::Error>()?,
        None => source.downcast_ref::<io::Error>()?,
    };
    let what = match io.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            "the server's certificate is not one to trust"
        }
        rustls::Error::AlertReceived(_) => "the server refused our side of TLS",
        _ => return None,
    };
    Some(Fault {
        breaks_connection: true,
        ..Fault::plain(RedisErrorKind::Denied, what)
    })
}

/// A code is a short word in capitals. Whatever else stands in its place is text of the server's and
/// may quote ours.
fn word(code: &str) -> Option<Box<str>> {
    let is_word = code.len() <= 24 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_word.then(|| code.into())
}
