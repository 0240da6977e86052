use std::time::SystemTime;

use auth_core::{CorrelationId, to_rfc3339};
use serde::Serialize;
use serde_json::Value;

/// One entry of the controller's log or audit trail (contract miso §7.1).
///
/// What goes in here is sent as it is: mask it first. `auth-client` does.
///
/// # Example
///
/// ```
/// use std::time::UNIX_EPOCH;
/// use auth_miso::{LogEntry, LogLevel};
///
/// let entry = LogEntry::new(LogLevel::Warn, "the disk is filling up", UNIX_EPOCH);
/// assert_eq!(
///     serde_json::to_string(&entry)?,
///     r#"{"timestamp":"1970-01-01T00:00:00.000000Z","level":"warn","message":"the disk is filling up"}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LogEntry {
    /// When it happened.
    pub timestamp: String,
    /// How grave it is, or that it is an audit event.
    pub level: LogLevel,
    /// What happened, in words.
    pub message: String,
    /// The environment; the client's own unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The application; the client's own unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The application as the controller refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<Reference>,
    /// The client id; the client's own unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The user as the controller refers to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Reference>,
    /// Everything else, as one object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// What ties it to a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The session at the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

impl LogEntry {
    /// An entry with what every entry has.
    pub fn new(level: LogLevel, message: impl Into<String>, at: SystemTime) -> Self {
        Self {
            timestamp: to_rfc3339(at),
            level,
            message: message.into(),
            environment: None,
            application: None,
            application_id: None,
            client_id: None,
            user_id: None,
            context: None,
            correlation_id: None,
            session_id: None,
        }
    }

    /// Sets everything else.
    #[must_use]
    pub fn context(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }

    /// Sets the user it is about.
    #[must_use]
    pub fn user(mut self, id: &str) -> Self {
        self.user_id = Some(Reference::user(id));
        self
    }

    /// Sets what ties it to a request.
    #[must_use]
    pub fn correlation_id(mut self, id: &CorrelationId) -> Self {
        self.correlation_id = Some(id.as_str().to_owned());
        self
    }
}

/// How grave a [`LogEntry`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something may fail.
    Warn,
    /// Part of the audit trail.
    Audit,
    /// Something happened.
    Info,
    /// Of interest to developers.
    Debug,
}

/// How the controller refers to a user or an application: of a bare identifier, which is all that
/// is known here, id, key and name are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    id: String,
    key: String,
    name: String,
    r#type: &'static str,
}

impl Reference {
    /// A user.
    pub fn user(id: &str) -> Self {
        Self::new(id, "User")
    }

    /// An application.
    pub fn application(id: &str) -> Self {
        Self::new(id, "Application")
    }

    fn new(id: &str, kind: &'static str) -> Self {
        let id = id.to_owned();
        Self {
            key: id.clone(),
            name: id.clone(),
            id,
            r#type: kind,
        }
    }
}
