use std::time::SystemTime;

use auth_core::{CorrelationId, EventId, Principal};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

/// One event of the trail, masked.
///
/// It is made by [`EventDraft`](crate::EventDraft) and does not change any more. As JSON it is one
/// object of the parts below, without those it does not have; a sink with a shape of its own asks
/// for them one by one.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    pub(crate) id: EventId,
    pub(crate) time: SystemTime,
    pub(crate) level: Level,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) entity: Option<Entity>,
    pub(crate) old_values: Option<Value>,
    pub(crate) new_values: Option<Value>,
    pub(crate) context: Value,
    pub(crate) message: Option<String>,
    pub(crate) correlation_id: Option<CorrelationId>,
    pub(crate) principal: Option<Principal>,
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
}

impl AuditEvent {
    /// Its identifier, the same in every attempt to deliver it.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// When it was emitted.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// The time as RFC 3339 text in UTC, to the microsecond.
    pub fn timestamp(&self) -> String {
        auth_core::to_rfc3339(self.time)
    }

    /// How loud it is.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What was done, such as `admin.opened`.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// What it was done to or on.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The thing it was done to, where it has a type and an id of its own.
    pub fn entity(&self) -> Option<&Entity> {
        self.entity.as_ref()
    }

    /// What the entity was before.
    pub fn old_values(&self) -> Option<&Value> {
        self.old_values.as_ref()
    }

    /// What the entity is now.
    pub fn new_values(&self) -> Option<&Value> {
        self.new_values.as_ref()
    }

    /// Whatever else was told; `null` if nothing was.
    pub fn context(&self) -> &Value {
        &self.context
    }

    /// A sentence for people.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// What ties it to everything else done for the same request.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.correlation_id.as_ref()
    }

    /// Who did it.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// The method of the request in which it happened.
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The path of the request in which it happened.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }
}

impl Serialize for AuditEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let context = Some(&self.context).filter(|context| !context.is_null());
        let principal = self.principal.as_ref();
        let texts = [
            ("message", self.message()),
            (
                "correlationId",
                self.correlation_id().map(CorrelationId::as_str),
            ),
            ("subject", principal.map(Principal::subject)),
            ("issuer", principal.and_then(Principal::issuer)),
            ("username", principal.and_then(Principal::username)),
            ("method", self.method()),
            ("path", self.path()),
            ("entityType", self.entity().map(Entity::kind)),
            ("entityId", self.entity().map(Entity::id)),
        ];
        let values = [
            ("oldValues", self.old_values()),
            ("newValues", self.new_values()),
            ("context", context),
        ];
        let mut object =
            serializer.serialize_struct("AuditEvent", 5 + texts.len() + values.len())?;
        object.serialize_field("id", &self.id)?;
        object.serialize_field("timestamp", &self.timestamp())?;
        object.serialize_field("level", self.level.as_str())?;
        object.serialize_field("action", &self.action)?;
        object.serialize_field("resource", &self.resource)?;
        for (name, text) in texts {
            match text {
                Some(text) => object.serialize_field(name, text)?,
                None => object.skip_field(name)?,
            }
        }
        for (name, value) in values {
            match value {
                Some(value) => object.serialize_field(name, value)?,
                None => object.skip_field(name)?,
            }
        }
        object.end()
    }
}

/// A thing with a type and an id, such as the user whose role was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    pub(crate) kind: String,
    pub(crate) id: String,
}

impl Entity {
    /// What it is, such as `User`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Which one it is.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// How loud an event is (contract miso §7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Part of the trail whatever anybody has set: the default.
    #[default]
    Audit,
    /// Something failed.
    Error,
    /// Something may fail.
    Warn,
    /// Something happened.
    Info,
    /// For those who look for a fault.
    Debug,
}

impl Level {
    /// Its stable name, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}
