use auth_audit::Stats;
use auth_redis::RedisState;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// How the parts of a client are; made by [`AuthClient::health`](crate::AuthClient::health).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The provider, by what became of the latest call to it. Log entries do not count.
    pub provider: Condition,
    /// Where the provider takes log entries, by what became of the latest ones.
    pub logs: Condition,
    /// Redis, if there is one. Without it the client works from memory.
    pub redis: Option<RedisState>,
    /// The audit trail.
    pub audit: Stats,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// Nobody has tried yet.
    Untried,
    /// It answers.
    Good,
    /// It does not answer, or fails.
    Failing,
}

impl Health {
    /// Whether the client can do its work: the provider does not fail. A Redis that is away slows
    /// it down and no more, and an audit trail that cannot be delivered waits.
    pub fn is_ready(&self) -> bool {
        self.provider != Condition::Failing
    }
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let word = |condition| match condition {
            Condition::Untried => "untried",
            Condition::Good => "good",
            Condition::Failing => "failing",
        };
        let redis = self.redis.map(|state| match state {
            RedisState::Up => "up",
            RedisState::Connecting => "connecting",
            _ => "down",
        });
        let mut object = serializer.serialize_struct("Health", 6)?;
        object.serialize_field("ready", &self.is_ready())?;
        object.serialize_field("provider", word(self.provider))?;
        object.serialize_field("logs", word(self.logs))?;
        object.serialize_field("redis", redis.unwrap_or("none"))?;
        object.serialize_field("auditPending", &self.audit.pending)?;
        object.serialize_field("auditDropped", &self.audit.dropped)?;
        object.end()
    }
}
