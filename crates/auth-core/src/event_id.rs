use std::fmt;

/// The identifier of one event, by which a receiver knows an event it has seen before.
///
/// It is made once, where the event is, and stays the same however often the event is delivered.
///
/// # Example: no two are alike
///
/// ```
/// use auth_core::EventId;
///
/// assert_ne!(EventId::random(), EventId::random());
/// assert_eq!(EventId::random().to_string().len(), 36);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(uuid::Uuid);

impl EventId {
    /// Makes a new one: a random UUID (version 4).
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4())
    }
}

/// As text: a UUID in lower case, with hyphens.
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl serde::Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
