//! Whose turn it is to load a key, where only one process at a time may.

use std::time::Duration;

use crate::backend::When;
use crate::level_two::{LevelTwo, escape};
use crate::record::random;
use crate::stamp::Stamp;

/// The right to load a key.
pub(crate) struct Lock {
    key: String,
    stamp: Stamp,
}

impl LevelTwo {
    /// Whether this node may load the key; the others wait. `None` if nobody can say.
    pub(crate) async fn lock(
        &self,
        space: &'static str,
        key: &str,
        lease: Duration,
    ) -> Option<Option<Lock>> {
        let lock = Lock {
            key: format!("{}:load:{}:{key}", self.namespace, escape(space)),
            stamp: self.stamps.next(self.now(), &random()),
        };
        let stamp = lock.stamp.as_bytes();
        let when = When::HeadIs(b"");
        let written = self.backend.write(&lock.key, stamp, Some(lease), when);
        let is_ours = self.heed(written.await)?;
        Some(is_ours.then_some(lock))
    }

    pub(crate) async fn unlock(&self, lock: Lock) {
        // Only our own; it ends by itself if this is lost.
        let when = When::HeadIs(lock.stamp.as_bytes());
        let soon = Some(Duration::from_millis(1));
        self.heed(self.backend.write(&lock.key, b"", soon, when).await);
    }
}
