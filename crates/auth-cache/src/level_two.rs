//! The second level: what Redis holds, and what it still has to delete.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use auth_redis::{Redis, RedisError, RedisState, RedisStateChanges};

use crate::debts::{Debt, Debts, Receipt};
use crate::entry::Lifetime;
use crate::envelope;
use crate::space::Cacheable;
use crate::stats::Counters;

pub(crate) struct LevelTwo {
    pub(crate) redis: Redis,
    namespace: String,
    debts: Debts,
    counters: Arc<Counters>,
}

/// What Redis had to say about a key.
pub(crate) struct Answer<V> {
    pub(crate) found: Option<(V, Lifetime)>,
    /// What an entry must carry to be read, until the space is cleared. `None` if it is not known;
    /// then nothing can be written.
    pub(crate) generation: Option<String>,
}

impl<V> Answer<V> {
    pub(crate) const NONE: Self = Self {
        found: None,
        generation: None,
    };
}

impl LevelTwo {
    pub(crate) fn new(redis: Redis, namespace: &str, counters: Arc<Counters>) -> Self {
        Self {
            redis,
            namespace: escape(namespace),
            debts: Debts::default(),
            counters,
        }
    }

    pub(crate) fn owed(&self) -> u64 {
        self.debts.count()
    }

    pub(crate) async fn read<V: Cacheable>(&self, space: &'static str, key: &str) -> Answer<V> {
        if self.debts.concern(space, key) {
            return Answer::NONE;
        }
        // Both in one round trip: an entry is one only if it is of the generation of its space.
        let keys = [self.generation_key(space), self.key(space, key)];
        let values = self.redis.get_many(&[&keys[0], &keys[1]]).await;
        let Some(mut values) = self.heed(values) else {
            return Answer::NONE;
        };
        let (Some(value), Some(generation)) = (values.pop(), values.pop()) else {
            return Answer::NONE;
        };
        let Ok(generation) = String::from_utf8(generation.unwrap_or_default().into()) else {
            self.counters.unreadable.add();
            return Answer::NONE;
        };
        let found = match value.map(|bytes| envelope::open(&bytes, &generation)) {
            Some(Ok(found)) => found,
            Some(Err(envelope::Unreadable)) => {
                self.counters.unreadable.add();
                None
            }
            None => None,
        };
        // A deletion may have been asked for while we read.
        if self.debts.concern(space, key) {
            return Answer::NONE;
        }
        Answer {
            found,
            generation: Some(generation),
        }
    }

    /// Writes an entry of this generation. Whether it is there now.
    pub(crate) async fn write<V: Cacheable>(
        &self,
        space: &'static str,
        key: &str,
        (value, lifetime): (&V, &Lifetime),
        generation: &str,
        now: u64,
    ) -> bool {
        let Some(bytes) = envelope::seal(value, lifetime, generation) else {
            return false;
        };
        let key = self.key(space, key);
        let written = self.redis.set(&key, &bytes, lifetime.left(now)).await;
        self.heed(written).is_some()
    }

    /// The generation of a space now.
    pub(crate) async fn generation(&self, space: &'static str) -> Option<String> {
        if self.debts.concern(space, "") {
            return None;
        }
        let generation = self.redis.get(&self.generation_key(space)).await;
        let generation = self.heed(generation)?.unwrap_or_default();
        String::from_utf8(generation.into()).ok()
    }

    /// Notes that something must be deleted. From here on it is not read.
    pub(crate) fn owe(&self, debt: Debt) -> (Debt, Receipt) {
        self.debts.note(debt)
    }

    /// What was owed is gone, because something newer lies there; a whole space cannot be settled by
    /// that.
    pub(crate) async fn replaced(self: &Arc<Self>, owed: (Debt, Receipt)) {
        match owed {
            (debt @ Debt::Key { .. }, receipt) => self.debts.settle(&debt, receipt),
            owed => {
                self.pay(owed).await;
            }
        }
    }

    /// Deletes what is owed, now or when Redis is back. Returns how many keys there were, if Redis
    /// has said so.
    pub(crate) async fn pay(self: &Arc<Self>, owed: (Debt, Receipt)) -> Option<u64> {
        let paid = self.delete(std::slice::from_ref(&owed)).await;
        if paid.is_none() && self.debts.begin_collection() {
            tokio::spawn(collect(Arc::downgrade(self), self.redis.state_changes()));
        }
        paid
    }

    /// Deletes and settles; nothing is settled unless all of it was deleted.
    async fn delete(&self, owed: &[(Debt, Receipt)]) -> Option<u64> {
        let mut keys = Vec::new();
        for (debt, _) in owed {
            match debt {
                Debt::Key { space, key } => keys.push(self.key(space, key)),
                Debt::Space(space) => {
                    // Its entries stay until they expire, and nobody reads them any more.
                    let key = self.generation_key(space);
                    let generation = new_generation();
                    let set = self.redis.set(&key, generation.as_bytes(), None).await;
                    self.heed(set)?;
                }
            }
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let deleted = self.heed(self.redis.delete(&keys).await)?;
        for (debt, receipt) in owed {
            self.debts.settle(debt, *receipt);
        }
        Some(deleted)
    }

    /// A fault ends here: it is counted, and nobody above hears of it.
    fn heed<T>(&self, outcome: Result<T, RedisError>) -> Option<T> {
        outcome
            .inspect_err(|error| {
                self.counters.redis_faults.add();
                tracing::debug!(%error, "the cache goes without redis");
            })
            .ok()
    }

    /// Names cannot hold the separator, and the key comes last, so two entries never share a key.
    fn key(&self, space: &str, key: &str) -> String {
        let Self { namespace, .. } = self;
        format!("{namespace}:entry:{}:{key}", escape(space))
    }

    fn generation_key(&self, space: &str) -> String {
        let Self { namespace, .. } = self;
        format!("{namespace}:generation:{}", escape(space))
    }
}

/// Has everything deleted that is owed, and ends when nothing is, or when the cache is gone.
async fn collect(level: Weak<LevelTwo>, mut changes: RedisStateChanges) {
    // While it waits it holds no handle, so it keeps neither the cache nor the connection alive.
    while changes.reached(RedisState::Up).await {
        let Some(level) = level.upgrade() else {
            return;
        };
        let owed = level.debts.next_to_collect();
        if owed.is_empty() {
            return;
        }
        if level.delete(&owed).await.is_none() {
            drop(level);
            // It is up and does not do it. Asking in a loop would not help it.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn escape(name: &str) -> String {
    name.replace('%', "%25").replace(':', "%3A")
}

/// One that was never there: what carries an old one must not come back to life.
fn new_generation() -> String {
    let [a, b] = [(); 2].map(|()| RandomState::new().hash_one(()));
    format!("{a:016x}{b:016x}")
}

const PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_of_different_names_never_collide() {
        // There is no server behind this handle, and none is needed to name keys.
        let redis = Redis::builder("redis://127.0.0.1:1").connect().unwrap();
        let key = |namespace, space, key| {
            LevelTwo::new(redis.clone(), namespace, Arc::default()).key(space, key)
        };
        let keys = [
            key("a", "b", "c:d"),
            key("a", "b:c", "d"),
            key("a", "b%3Ac", "d"),
            key("a:entry", "b", "c:d"),
            key("a", "entry:b", "c:d"),
            key("a%3Aentry", "b", "c:d"),
            LevelTwo::new(redis.clone(), "a", Arc::default()).generation_key("b"),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{key}");
        }
    }

    #[test]
    fn no_two_generations_are_alike() {
        assert_ne!(new_generation(), new_generation());
    }
}
