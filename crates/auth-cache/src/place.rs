//! One key of a space, with what is needed to work on it in a task of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cache::{Cache, Inner};
use crate::entry::{Entry, millis};
use crate::envelope::Content;
use crate::flight::Landing;
use crate::fresh::Fresh;
use crate::level_two::{Answer, OLDEST, Seen};
use crate::loaded::{Loaded, Origin};
use crate::lock::Lock;
use crate::shelf::{Began, Kept, Shelf};
use crate::since::Since;
use crate::space::{Cacheable, Consistency, Rules, Space};
use crate::stats::CacheEvent;

pub(crate) struct Place<V> {
    pub(crate) inner: Arc<Inner>,
    pub(crate) shelf: Arc<Shelf<V>>,
    pub(crate) space: &'static str,
    pub(crate) rules: Rules,
    pub(crate) key: Box<str>,
}

impl<V> Clone for Place<V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            shelf: Arc::clone(&self.shelf),
            space: self.space,
            rules: self.rules,
            key: self.key.clone(),
        }
    }
}

/// Who is to load a key.
enum Turn<V> {
    /// We are, with the right to, if there is one to be had.
    Ours(Option<Lock>),
    /// Somebody else was.
    Done(Entry<V>),
}

impl<V: Cacheable> Place<V> {
    pub(crate) fn new<C: Consistency>(
        cache: &Cache,
        shelf: Arc<Shelf<V>>,
        space: &Space<V, C>,
        key: &str,
    ) -> Self {
        Self {
            inner: Arc::clone(&cache.0),
            shelf,
            space: space.name(),
            rules: *space.rules(),
            key: key.into(),
        }
    }

    /// Fills the place and lets the outcome land; what is left to do after that keeps nobody waiting.
    /// What is there already is enough, unless it is to be refreshed.
    pub(crate) async fn fill<T, E, Fut>(
        self,
        began: Began,
        load: impl FnOnce(Option<Loaded<V>>) -> Fut,
        landing: Landing<Result<Loaded<V>, E>>,
        is_refresh: bool,
    ) where
        T: Into<Fresh<V>>,
        Fut: Future<Output = Result<T, E>>,
    {
        let Self { inner, shelf, .. } = &self;
        // Somebody else's load may have landed between the look into memory and this flight.
        if !is_refresh
            && let Some((entry, now)) = inner.fresh(shelf, &self.key, began.era, &self.rules)
        {
            inner.counters.memory_hit();
            return landing.land(Ok(entry.loaded(Origin::Memory, now)));
        }
        let read_at = inner.now();
        let asked = Since::new(read_at);
        let (remote, seen) = self.read_level_two(began).await;
        let now = inner.now();
        let remote = match remote {
            Some(entry) if self.is_usable(&entry, is_refresh, now) => {
                inner.counters.note(CacheEvent::RedisHit);
                return landing.land(Ok(entry.loaded(Origin::Redis, now)));
            }
            remote => remote,
        };
        let lock = match self.take_turn(began).await {
            Turn::Ours(lock) => lock,
            Turn::Done(entry) => {
                inner.counters.note(CacheEvent::LoadedByOther);
                return landing.land(Ok(entry.loaded(Origin::Redis, inner.now())));
            }
        };
        // What there is, for the loader, and should it fail; and up to when it is known that nobody had changed it.
        let local = shelf.find(&self.key, began.era);
        let known = self.known(local.as_ref(), remote.as_ref());
        let local = local.map(|entry| (entry.lifetime.stored_at, entry));
        let remote = remote.map(|entry| (read_at, entry));

        let seen = self.prepare_level_two(seen).await;
        inner.counters.note(CacheEvent::LoadStarted);
        let fresh: Fresh<V> = match load(known).await {
            Ok(fresh) => fresh.into(),
            Err(error) => {
                inner.counters.note(CacheEvent::LoadFailed);
                let outcome = self.fall_back([local, remote], began).ok_or(error);
                self.give_back(lock).await;
                return landing.land(outcome);
            }
        };
        let now = inner.now();
        let rules = match fresh.is_negative {
            true => self.rules.of_negative(),
            false => self.rules.with_ttl(fresh.ttl),
        };
        let rules = rules.ending(fresh.until);
        let content = Content {
            lifetime: inner.begin(&rules, now),
            value: fresh.value,
            tags: fresh.tags.into(),
        };
        let loaded = Loaded::new(content.value.clone(), Origin::Loader, 0);
        let is_kept = self.publish(began, &content, now);
        // Who asks for what must be confirmed is to find it there.
        let landing = if self.rules.is_confirmed {
            Some(landing)
        } else {
            landing.land(Ok(loaded.clone()));
            None
        };
        if is_kept {
            self.write_level_two(&content, began, asked, seen).await;
        }
        self.give_back(lock).await;
        if let Some(landing) = landing {
            landing.land(Ok(loaded));
        }
    }

    /// Whether what was found in level two spares the load.
    fn is_usable(&self, entry: &Entry<V>, is_refresh: bool, now: u64) -> bool {
        entry.lifetime.is_fresh(now)
            && !(is_refresh && entry.lifetime.wants_refresh(&self.rules, now))
    }

    /// The younger one of what is here and what is in level two, fresh or stale.
    fn known(&self, local: Option<&Entry<V>>, remote: Option<&Entry<V>>) -> Option<Loaded<V>> {
        let now = self.inner.now();
        let local = local.map(|entry| (Origin::Memory, entry));
        let remote = remote.map(|entry| (Origin::Redis, entry));
        let (origin, entry) = [local, remote]
            .into_iter()
            .flatten()
            .filter(|(_, entry)| entry.lifetime.adopted(&self.rules, now).is_servable(now))
            .max_by_key(|(_, entry)| entry.lifetime.stored_at)?;
        Some(entry.clone().loaded(origin, now))
    }

    /// Waits until it is our turn to load, where only one process at a time may.
    async fn take_turn(&self, began: Began) -> Turn<V> {
        let (Some(level_two), Some(lease)) = (&self.inner.level_two, self.rules.lease) else {
            return Turn::Ours(None);
        };
        let until = Instant::now() + lease;
        loop {
            match level_two.lock(self.space, &self.key, lease).await {
                Some(Some(lock)) => {
                    // Whoever had it before may have been done just now.
                    let (entry, _) = self.read_level_two(began).await;
                    return match entry.filter(|it| it.lifetime.is_fresh(self.inner.now())) {
                        Some(entry) => {
                            level_two.unlock(lock).await;
                            Turn::Done(entry)
                        }
                        None => Turn::Ours(Some(lock)),
                    };
                }
                // Nobody can say whose turn it is.
                None => return Turn::Ours(None),
                Some(None) => {}
            }
            let pause = LOCK_PAUSE.mul_f64(0.5 + (self.inner.random)().clamp(0.0, 1.0));
            if Instant::now() + pause >= until {
                return Turn::Ours(None);
            }
            tokio::time::sleep(pause).await;
            let (entry, _) = self.read_level_two(began).await;
            if let Some(entry) = entry.filter(|it| it.lifetime.is_fresh(self.inner.now())) {
                return Turn::Done(entry);
            }
        }
    }

    async fn give_back(&self, lock: Option<Lock>) {
        if let (Some(level_two), Some(lock)) = (&self.inner.level_two, lock) {
            level_two.unlock(lock).await;
        }
    }

    /// Keeps what was loaded in memory. Whether it may be kept at all.
    fn publish(&self, began: Began, content: &Content<V>, now: u64) -> bool {
        let value = content.value.clone();
        let tags = content.tags.clone();
        let Some(kept) = Kept::new(value, content.lifetime, tags, began.era, now, &self.rules)
        else {
            return false;
        };
        let is_kept = if self.inner.must_confirm(&self.rules) {
            self.still(began)
        } else {
            self.shelf.publish(&self.key, began, kept)
        };
        if !is_kept {
            self.inner.counters.note(CacheEvent::Fenced);
        }
        is_kept
    }

    /// What may be served although it has expired, unless it was deleted while the loader ran.
    fn fall_back(&self, stale: [Option<(u64, Entry<V>)>; 2], began: Began) -> Option<Loaded<V>> {
        let now = self.inner.now();
        // The younger one, of what nobody can have changed for too long without our knowing.
        let (known_at, entry) = stale
            .into_iter()
            .flatten()
            .filter(|(known_at, _)| !self.inner.is_doubtful(*known_at, &self.rules, now))
            .max_by_key(|(_, entry)| entry.lifetime.stored_at)?;
        if !self.rules.rest.is_zero() {
            let until = now.saturating_add(millis(self.rules.rest));
            entry.rest_until(until);
        }
        self.stale(entry, known_at, began, now)
    }

    /// The value of an entry of memory, fresh or not, as far as the space allows it.
    pub(crate) fn stale_in_memory(&self, began: Began, entry: Entry<V>) -> Option<Loaded<V>> {
        let known_at = entry.lifetime.stored_at;
        self.stale(entry, known_at, began, self.inner.now())
    }

    /// The value of an entry, fresh or not, as far as the space allows it: that it has expired, and for how
    /// long others may have changed it without our knowing.
    fn stale(&self, entry: Entry<V>, known_at: u64, began: Began, now: u64) -> Option<Loaded<V>> {
        if self.rules.is_confirmed && self.inner.level_two.is_some() {
            return None;
        }
        let lifetime = entry.lifetime.adopted(&self.rules, now);
        let is_doubtful = self.inner.is_doubtful(known_at, &self.rules, now);
        if !lifetime.is_servable(now) || is_doubtful || !self.still(began) {
            return None;
        }
        self.inner.counters.note(CacheEvent::StaleServed);
        Some(entry.loaded(Origin::Stale, now))
    }

    /// Reads level two, and keeps in memory what is worth it.
    pub(crate) async fn read_level_two(&self, began: Began) -> (Option<Entry<V>>, Option<Seen>) {
        let answer = match &self.inner.level_two {
            Some(level_two) => {
                level_two.hearing.has_begun().await;
                level_two.read(self.space, &self.key, &self.rules).await
            }
            None => Answer::NONE,
        };
        let now = self.inner.now();
        let entry = answer.found.and_then(|content: Content<V>| {
            let lifetime = content.lifetime.adopted(&self.rules, now);
            let (value, tags) = (content.value, content.tags);
            let kept = Kept::new(value, lifetime, tags, began.era, now, &self.rules)?;
            if !self.inner.must_confirm(&self.rules) {
                self.shelf.publish(&self.key, began, kept.clone());
            }
            Some(kept.into_entry())
        });
        (entry, answer.seen)
    }

    /// What must be there before the loader is asked, so that its value can be written after.
    async fn prepare_level_two(&self, seen: Option<Seen>) -> Option<Seen> {
        let level_two = self.inner.level_two.as_ref()?;
        level_two.prepare(self.space, seen?).await
    }

    async fn write_level_two(
        &self,
        content: &Content<V>,
        began: Began,
        asked: Since,
        seen: Option<Seen>,
    ) {
        let (Some(level_two), Some(seen)) = (&self.inner.level_two, seen) else {
            return;
        };
        let _order = self.shelf.stripe(&self.key).order.lock().await;
        // A deletion that came before this waits behind us no longer; one that comes now does.
        if self.still(began) && !asked.is(OLDEST, self.inner.now()) {
            level_two
                .fill(self.space, &self.key, content, &self.rules, seen)
                .await;
        }
    }

    /// Whether nothing was deleted since.
    pub(crate) fn still(&self, began: Began) -> bool {
        self.shelf.began(&self.key, self.inner.gaps(&self.rules)) == began
    }
}

const LOCK_PAUSE: Duration = Duration::from_millis(40);
