use std::fmt;
use std::time::Duration;

use auth_core::UnixTime;

/// What a loader brings, with what only it can know of it.
///
/// A loader that has nothing to add returns the value alone.
///
/// ```
/// use std::time::Duration;
/// use auth_cache::{Bounded, Cache, Fresh, Space};
///
/// const USERS: Space<Option<String>, Bounded> = Space::new("users", Duration::from_secs(300));
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let cache = Cache::builder("my-app").build();
/// let load = || async {
///     // Nobody of that name: remembered, but not for long.
///     Ok::<_, String>(Fresh::negative(None))
/// };
/// assert_eq!(cache.get_or_load(&USERS, "ada", load).await.unwrap().value(), &None);
/// # }
/// ```
#[derive(Clone)]
pub struct Fresh<V> {
    pub(crate) value: V,
    pub(crate) ttl: Option<Duration>,
    pub(crate) until: Option<UnixTime>,
    pub(crate) tags: Vec<Box<str>>,
    pub(crate) is_negative: bool,
}

impl<V> Fresh<V> {
    /// A value like any other of its space.
    pub fn new(value: V) -> Self {
        Self {
            value,
            ttl: None,
            until: None,
            tags: Vec::new(),
            is_negative: false,
        }
    }

    /// A value that says that there is none. It lives for the space's
    /// [`negative_ttl`](crate::Space::negative_ttl) and is never served after that.
    pub fn negative(value: V) -> Self {
        Self {
            is_negative: true,
            ..Self::new(value)
        }
    }

    /// Gives the value a lifetime of its own. One that is longer than the space's is cut to it.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Gives the value an end of its own, such as that of a certificate or of somebody else's cache:
    /// neither fresh nor stale is it served after it. One that is later than the
    /// [space's](crate::Space::until) changes nothing.
    #[must_use]
    pub fn until(mut self, end: UnixTime) -> Self {
        self.until = Some(end);
        self
    }

    /// Ties the value to a tag, by which it can be [deleted](crate::Cache::delete_tag).
    #[must_use]
    pub fn tag(mut self, tag: impl Into<Box<str>>) -> Self {
        self.tags.push(tag.into());
        self
    }
}

impl<V> From<V> for Fresh<V> {
    fn from(value: V) -> Self {
        Self::new(value)
    }
}

impl<V> fmt::Debug for Fresh<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh")
            .field("ttl", &self.ttl)
            .field("until", &self.until)
            .field("is_negative", &self.is_negative)
            .finish_non_exhaustive()
    }
}
