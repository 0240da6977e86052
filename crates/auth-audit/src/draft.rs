use std::future::Future;

use auth_core::{CorrelationId, EventId, Principal, RequestContext};
use serde_json::Value;

use crate::event::{AuditEvent, Entity, Level};
use crate::queue::NotDurable;
use crate::{AuditLog, is_delivering};

/// An event before it is emitted; made by [`AuditLog::event`].
///
/// When it is emitted it takes time and identifier, and from the current [`RequestContext`]
/// whatever was not set: correlation id, principal, method and path. Then it is masked, and only
/// then queued.
#[derive(Clone, Debug)]
#[must_use = "an event does nothing until it is emitted"]
pub struct EventDraft<'a> {
    log: &'a AuditLog,
    level: Level,
    action: String,
    resource: String,
    entity: Option<Entity>,
    old_values: Option<Value>,
    new_values: Option<Value>,
    context: Value,
    message: Option<String>,
    correlation_id: Option<CorrelationId>,
    principal: Option<Principal>,
}

impl<'a> EventDraft<'a> {
    pub(crate) fn new(log: &'a AuditLog, action: String, resource: String) -> Self {
        Self {
            log,
            level: Level::default(),
            action,
            resource,
            entity: None,
            old_values: None,
            new_values: None,
            context: Value::Null,
            message: None,
            correlation_id: None,
            principal: None,
        }
    }

    /// Sets how loud it is. [`Level::Audit`] unless set.
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets the thing it was done to, by type and id.
    pub fn entity(mut self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.entity = Some(Entity {
            kind: kind.into(),
            id: id.into(),
        });
        self
    }

    /// Sets what the entity was before.
    pub fn old_values(mut self, values: Value) -> Self {
        self.old_values = Some(values);
        self
    }

    /// Sets what the entity is now.
    pub fn new_values(mut self, values: Value) -> Self {
        self.new_values = Some(values);
        self
    }

    /// Sets whatever else is to be told.
    pub fn context(mut self, context: Value) -> Self {
        self.context = context;
        self
    }

    /// Sets a sentence for people.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets what ties it to a request, instead of what the current request says.
    pub fn correlation_id(mut self, id: CorrelationId) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Sets who did it, instead of who the current request says.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Queues the event and returns at once. It never waits and never panics, and needs no runtime
    /// where it is called; what cannot be queued is counted.
    pub fn emit(self) {
        let queue = self.log.queue();
        if is_delivering() {
            queue.suppress();
        } else {
            queue.push(self.build(), None);
        }
    }

    /// Queues the event at once, and resolves when the sink has accepted it.
    ///
    /// Not to wait for the answer loses the answer only: the event stays queued.
    ///
    /// # Errors
    ///
    /// [`NotDurable`] if the sink will never have it.
    pub fn emit_durable(self) -> impl Future<Output = Result<(), NotDurable>> + Send + use<> {
        let queue = self.log.queue();
        let answer = if is_delivering() {
            // It would wait for the delivery that waits for it.
            queue.suppress();
            None
        } else {
            let (sender, answer) = tokio::sync::oneshot::channel();
            queue.push(self.build(), Some(sender));
            Some(answer)
        };
        async move {
            match answer {
                None => Err(NotDurable::Suppressed),
                Some(answer) => answer.await.unwrap_or(Err(NotDurable::Closed)),
            }
        }
    }

    /// The event as it would be queued, masked; nothing is queued.
    pub fn build(self) -> AuditEvent {
        let masker = self.log.masker();
        let value = |mut value: Value| {
            masker.mask_value_in_place(&mut value);
            value
        };
        let text = |text: String| masker.mask_text(&text);
        let request = RequestContext::current();
        let request = request.as_ref();
        AuditEvent {
            id: EventId::random(),
            time: self.log.now(),
            level: self.level,
            action: text(self.action),
            resource: masker.mask_url(&self.resource),
            entity: self.entity.map(|entity| Entity {
                kind: text(entity.kind),
                id: masker.mask_url(&entity.id),
            }),
            old_values: self.old_values.map(value),
            new_values: self.new_values.map(value),
            context: value(self.context),
            message: self.message.map(text),
            correlation_id: self
                .correlation_id
                .or_else(|| Some(request?.correlation_id().clone())),
            principal: self.principal.or_else(|| request?.principal().cloned()),
            method: request.and_then(|request| Some(request.method()?.to_string())),
            path: request.and_then(|request| Some(masker.mask_url(request.path()?))),
        }
    }
}
