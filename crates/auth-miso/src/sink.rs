//! The controller as the place the audit trail goes to.

use auth_audit::{AuditEvent, Batch, Delivered, Entity, Level, Sink, SinkFault};
use auth_core::{BoxFuture, Principal};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::error::{MisoError, MisoErrorKind};
use crate::log_entry::{LogEntry, LogLevel, Reference};
use crate::miso::Miso;

/// Sends every batch to `/api/v1/logs/batch`, as entries of contract miso §7.1. Events are masked
/// before they get here.
impl Sink for Miso {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, SinkFault>> {
        Box::pin(async move {
            let entries: Vec<_> = batch.events().map(entry).collect();
            let outcome = self
                .log_batch(&entries)
                .await
                .map_err(|error| fault(&error))?;
            let known = outcome.failed_at.len() as u64;
            match outcome.failed {
                0 => Ok(Delivered::all()),
                failed if failed == known => Err(SinkFault::rejected_some(
                    outcome.failed_at,
                    "the controller refuses some of the entries",
                )),
                // Which of them it has not taken it does not say, and sending any of them again
                // may write it twice.
                _ => Err(SinkFault::rejected_some(
                    0..entries.len(),
                    "the controller does not say which of the entries it has taken",
                )),
            }
        })
    }
}

/// An event in the controller's words.
fn entry(event: &AuditEvent) -> LogEntry {
    let level = match event.level() {
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Warn,
        Level::Info => LogLevel::Info,
        Level::Debug => LogLevel::Debug,
        _ => LogLevel::Audit,
    };
    let (action, resource) = (event.action(), event.resource());
    let message = match event.message() {
        Some(message) => message.to_owned(),
        None => format!("Audit: {action} on {resource}"),
    };
    let mut entry = LogEntry::new(level, message, event.time());
    entry.context = Some(context(event));
    entry.correlation_id = event.correlation_id().map(|id| id.as_str().to_owned());
    let principal = event.principal();
    entry.user_id = principal.map(|principal| Reference::user(principal.subject()));
    let session = principal.and_then(Principal::session_id);
    entry.session_id = session.map(str::to_owned);
    entry
}

/// What the controller has no field for. The caller's own members come first, so that none of them
/// can pass for ours.
fn context(event: &AuditEvent) -> Value {
    let mut context = match event.context() {
        Value::Object(members) => members.clone(),
        Value::Null => Map::new(),
        other => Map::from_iter([("value".to_owned(), other.clone())]),
    };
    let audit = event.level() == Level::Audit;
    let texts = [
        ("action", Some(event.action()).filter(|_| audit)),
        ("resource", Some(event.resource()).filter(|_| audit)),
        ("entityType", event.entity().map(Entity::kind)),
        ("entityId", event.entity().map(Entity::id)),
    ];
    let texts = texts.map(|(name, text)| (name, text.map(Value::from)));
    let values = [
        ("eventId", Some(event.id().to_string().into())),
        ("oldValues", event.old_values().cloned()),
        ("newValues", event.new_values().cloned()),
    ];
    for (name, value) in texts.into_iter().chain(values) {
        if let Some(value) = value {
            context.insert(name.to_owned(), value);
        }
    }
    // These two are the request's, unless the caller speaks of another one.
    for (name, text) in [("method", event.method()), ("path", event.path())] {
        if let Some(text) = text {
            context.entry(name).or_insert_with(|| text.into());
        }
    }
    Value::Object(context)
}

/// Only what the controller cannot read is refused for good; everything else may pass, wrong
/// credentials too, once they are mended. A controller that answers with a failure of its own may
/// fail at an entry; one that is not there, is busy, or refuses the application does not.
fn fault(error: &MisoError) -> SinkFault {
    let invalid = error.kind() == MisoErrorKind::InvalidCall;
    let text = error.to_string();
    let fault = match error.status() {
        _ if invalid => return SinkFault::rejected(text),
        Some(
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY,
        ) => return SinkFault::rejected(text),
        Some(status) if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE => {
            SinkFault::transient(text)
        }
        Some(_) => SinkFault::unreachable(text),
        None if error.reached_the_controller() => SinkFault::transient(text),
        None => SinkFault::unreachable(text),
    };
    match error.retry_after() {
        Some(wait) => fault.retry_after(wait),
        None => fault,
    }
}
