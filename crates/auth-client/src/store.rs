//! The application's own use of the cache.

use std::time::Duration;

use auth_cache::{BestEffort, Space};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::AuthClient;

impl AuthClient {
    /// A value the application has put into the cache; `None` if it is not there any more, or is no
    /// `T`. It lies apart from everything the client remembers itself.
    pub async fn cache_get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let found = self.0.cache.get(&space(Duration::MAX), key).await?;
        serde_json::from_value(found.into_value()).ok()
    }

    /// Puts a value into the cache for so long.
    ///
    /// # Errors
    ///
    /// If it cannot be written as JSON. A Redis that is away is no error: memory serves.
    pub async fn cache_set<T: Serialize>(
        &self,
        key: &str,
        value: &T,
        ttl: Duration,
    ) -> Result<(), serde_json::Error> {
        let value = serde_json::to_value(value)?;
        self.0.cache.set(&space(ttl), key, value).await;
        Ok(())
    }

    /// Takes a value out of the cache. Whether it was there.
    pub async fn cache_delete(&self, key: &str) -> bool {
        let deleted = self.0.cache.delete(&space(Duration::MAX), key).await;
        deleted.existed()
    }

    /// Empties the application's part of the cache, in Redis too.
    pub async fn cache_clear(&self) {
        self.0.cache.clear_space(&space(Duration::MAX)).await;
    }
}

fn space(ttl: Duration) -> Space<Value, BestEffort> {
    Space::new("application", ttl)
}
