use std::fmt;
use std::time::Duration;

/// A value, where it came from and how old it is.
///
/// `Debug` shows the latter two only: a value may be what must not be logged.
#[derive(Clone)]
pub struct Loaded<V> {
    value: V,
    origin: Origin,
    /// In whole milliseconds, which are turned into a duration for those who ask.
    age_millis: u64,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The memory of this process.
    Memory,
    /// Redis.
    Redis,
    /// The loader, just now.
    Loader,
    /// An entry that had expired: the loader failed, and the space allows it.
    Stale,
}

impl<V> Loaded<V> {
    pub(crate) fn new(value: V, origin: Origin, age_millis: u64) -> Self {
        Self {
            value,
            origin,
            age_millis,
        }
    }

    /// The value.
    pub fn value(&self) -> &V {
        &self.value
    }

    /// Takes the value out.
    pub fn into_value(self) -> V {
        self.value
    }

    /// Where it came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// How long ago a loader made it, or somebody set it.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.age_millis)
    }
}

impl<V> fmt::Debug for Loaded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("origin", &self.origin)
            .field("age", &self.age())
            .finish_non_exhaustive()
    }
}
