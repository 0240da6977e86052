use std::sync::{Mutex, PoisonError, RwLock};

use auth_audit::AuditLog;
use auth_http::{Exchange, FaultKind, Observer};
use serde_json::json;

use crate::health::Condition;

/// Watches every call to the provider: for the audit trail, and for the question how it is.
pub(crate) struct Watcher {
    /// Set once the trail exists, and taken away when it ends.
    audit: RwLock<Option<AuditLog>>,
    condition: Mutex<Condition>,
    /// Paths that are not audited: minting, which would be noise, and the trail itself.
    unaudited: Vec<Box<str>>,
}

impl Watcher {
    pub(crate) fn new(unaudited: Vec<Box<str>>) -> Self {
        Self {
            audit: RwLock::new(None),
            condition: Mutex::new(Condition::Untried),
            unaudited,
        }
    }

    pub(crate) fn watch_into(&self, audit: AuditLog) {
        *self.audit.write().unwrap_or_else(PoisonError::into_inner) = Some(audit);
    }

    pub(crate) fn let_go(&self) {
        *self.audit.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn condition(&self) -> Condition {
        *self
            .condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watcher {
    fn observe(&self, exchange: &Exchange) {
        // A refusal is an answer too; a call that could not be put together says nothing.
        let condition = match (exchange.status(), exchange.fault()) {
            (None, Some(FaultKind::InvalidRequest)) => None,
            (Some(status), _) if !status.is_server_error() => Some(Condition::Good),
            _ => Some(Condition::Failing),
        };
        if let Some(condition) = condition {
            *self
                .condition
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = condition;
        }
        let mut unaudited = self.unaudited.iter();
        let unaudited = unaudited.any(|path| exchange.path().starts_with(&**path));
        if auth_audit::is_delivering() || unaudited {
            return;
        }
        let audit = self.audit.read().unwrap_or_else(PoisonError::into_inner);
        let Some(audit) = &*audit else { return };
        let (method, path) = (exchange.method(), exchange.path());
        let mut draft = audit
            .event(format!("http.request.{method}"), path)
            .context(json!({
                "method": method.as_str(),
                "url": path,
                "statusCode": exchange.status().map(|status| status.as_u16()),
                "error": exchange.fault().map(FaultKind::code),
                "duration": u64::try_from(exchange.elapsed().as_millis()).unwrap_or(u64::MAX),
                "requestSize": exchange.request_bytes(),
                "responseSize": exchange.response_bytes(),
            }));
        if let Some(id) = exchange.correlation_id() {
            draft = draft.correlation_id(id.clone());
        }
        draft.emit();
    }
}
