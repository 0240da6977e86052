use std::fmt;

use auth_audit::{AuditLog, EventDraft, Level};
use http::Extensions;

use crate::refusal::Refusal;

/// The audit trail, for a handler to write to.
///
/// What is emitted carries the correlation id, the path and the user of the request. With the
/// feature `axum` it is an extractor; where no [`ContextLayer`](crate::ContextLayer) with an audit
/// trail covers the route the answer is 500 `audit_log_missing`.
///
/// # Example: who opened it
///
/// ```
/// use auth_tower::Log;
/// use serde_json::json;
///
/// async fn open(log: Log) {
///     log.audit("door.opened", "cellar").context(json!({ "key": 7 })).emit();
///     log.warn("it is dark down there");
/// }
/// ```
#[derive(Clone)]
pub struct Log(AuditLog);

/// What a layer leaves in a request; nobody else can put it there.
#[derive(Clone)]
pub(crate) struct Trail(pub(crate) AuditLog);

impl Log {
    /// Takes the trail from a request's extensions: what the extractor does, for services without
    /// axum.
    ///
    /// # Errors
    ///
    /// [`Refusal::AuditLogMissing`] if no layer has put one there.
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, Refusal> {
        let trail = extensions.get::<Trail>().ok_or(Refusal::AuditLogMissing)?;
        Ok(Self(trail.0.clone()))
    }

    /// Begins an event: what was done, and to what. Nothing happens until it is emitted.
    pub fn audit(&self, action: impl Into<String>, resource: impl Into<String>) -> EventDraft<'_> {
        self.0.event(action, resource)
    }

    /// Begins a line of this level. Nothing happens until it is emitted.
    pub fn line(&self, level: Level, message: impl Into<String>) -> EventDraft<'_> {
        self.0
            .event("log", "application")
            .level(level)
            .message(message)
    }

    /// Writes a line: something happened.
    pub fn info(&self, message: impl Into<String>) {
        self.line(Level::Info, message).emit();
    }

    /// Writes a line: something may fail.
    pub fn warn(&self, message: impl Into<String>) {
        self.line(Level::Warn, message).emit();
    }

    /// Writes a line: something failed.
    pub fn error(&self, message: impl Into<String>) {
        self.line(Level::Error, message).emit();
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log(..)")
    }
}
