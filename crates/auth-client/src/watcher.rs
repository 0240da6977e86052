use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use auth_audit::AuditLog;
use auth_core::{Clock, UnixTime};
use auth_http::{Exchange, FaultKind, Observer};
use serde_json::json;

use crate::health::Condition;

/// Watches every call to the provider: for the audit trail, and for the question how it is.
pub(crate) struct Watcher {
    /// Set once the trail exists, and taken away when it ends.
    audit: RwLock<Option<AuditLog>>,
    /// Of the calls that decide something.
    latest: Mutex<Option<(Condition, UnixTime)>>,
    /// Of the calls that deliver log entries.
    latest_of_logs: Mutex<Option<(Condition, UnixTime)>>,
    clock: Arc<dyn Clock>,
    /// Where client tokens are minted.
    token_path: Box<str>,
}

impl Watcher {
    pub(crate) fn new(clock: Arc<dyn Clock>, token_path: Box<str>) -> Self {
        Self {
            audit: RwLock::new(None),
            latest: Mutex::new(None),
            latest_of_logs: Mutex::new(None),
            clock,
            token_path,
        }
    }

    pub(crate) fn watch_into(&self, audit: AuditLog) {
        *self.audit.write().unwrap_or_else(PoisonError::into_inner) = Some(audit);
    }

    pub(crate) fn let_go(&self) {
        *self.audit.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How the provider is, but for its log endpoints.
    pub(crate) fn condition(&self) -> Condition {
        self.condition_of(&self.latest)
    }

    /// How the log endpoints of the provider are.
    pub(crate) fn condition_of_logs(&self) -> Condition {
        self.condition_of(&self.latest_of_logs)
    }

    /// A failure is news for half a minute only: a balancer that keeps requests away because of it
    /// also keeps the call away that would show that it is over. One that lies ahead of the clock
    /// was noted by a clock that has been set back since, and is no news either.
    fn condition_of(&self, latest: &Mutex<Option<(Condition, UnixTime)>>) -> Condition {
        let now = self.clock.unix_now();
        match *latest.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Condition::Untried,
            Some((Condition::Failing, at)) if at > now || now.saturating_since(at) >= NEWS => {
                Condition::Untried
            }
            Some((condition, _)) => condition,
        }
    }

    /// What a call says of the provider. A refusal is an answer too, unless it refuses this
    /// application; a call that could not be put together, or was given up, says nothing.
    fn judge(&self, exchange: &Exchange) -> Option<Condition> {
        let minting = exchange.template() == &*self.token_path;
        match (exchange.status(), exchange.fault()) {
            (None, Some(FaultKind::InvalidRequest)) | (_, Some(FaultKind::Canceled)) => None,
            (Some(status), None) if status.is_success() => Some(Condition::Good),
            (Some(status), _) if status.is_client_error() && !minting => Some(Condition::Good),
            _ => Some(Condition::Failing),
        }
    }

    /// Minting is noise, and the trail does not tell of itself.
    fn is_unaudited(&self, exchange: &Exchange) -> bool {
        let posted = *exchange.method() == "POST";
        let path = exchange.template();
        posted && (path == &*self.token_path || matches!(path, LOG | LOG_BATCH))
    }
}

impl Observer for Watcher {
    fn observe(&self, exchange: &Exchange) {
        if let Some(condition) = self.judge(exchange) {
            let now = self.clock.unix_now();
            let latest = if auth_audit::is_delivering() || is_of_logs(exchange.template()) {
                &self.latest_of_logs
            } else {
                &self.latest
            };
            let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
            *latest = Some((condition, now));
        }
        if auth_audit::is_delivering() || self.is_unaudited(exchange) {
            return;
        }
        let audit = self.audit.read().unwrap_or_else(PoisonError::into_inner);
        let Some(audit) = &*audit else { return };
        // The template and not the path: what was put into it may be a secret.
        let (method, path) = (exchange.method(), exchange.template());
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

const NEWS: Duration = Duration::from_secs(30);
/// Log entries decide nothing, so what becomes of them says nothing of readiness.
fn is_of_logs(template: &str) -> bool {
    template == LOG
        || template
            .strip_prefix(LOG)
            .is_some_and(|rest| rest.starts_with('/'))
}

const LOG: &str = "/api/v1/logs";
const LOG_BATCH: &str = "/api/v1/logs/batch";
