//! The second level: what it holds, under which keys, and how it is read and filled.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Clock;
use auth_crypto::KeyRing;
use bytes::Bytes;

use crate::backend::{Backend, BackendFault, HEAD, When};
use crate::batch::{Batches, Read};
use crate::debts::Debts;
use crate::entry::{millis, moment};
use crate::envelope::{self, Content, Form, Secrecy};
use crate::hearing::Hearing;
use crate::record::{Record, random};
use crate::records::Records;
use crate::space::{Cacheable, Rules};
use crate::stamp::{self, Stamps};
use crate::stats::{CacheEvent, Counters};

pub(crate) struct LevelTwo {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) hearing: Arc<Hearing>,
    pub(crate) channel: String,
    pub(crate) node: String,
    pub(crate) batches: Batches,
    pub(crate) namespace: String,
    key_ring: Option<KeyRing>,
    clock: Arc<dyn Clock>,
    pub(crate) stamps: Stamps,
    pub(crate) debts: Debts,
    pub(crate) counters: Arc<Counters>,
    /// The records as they were last seen, for what is set while there is nothing to ask.
    pub(crate) records: Records,
}

/// What level two had to say about a key.
pub(crate) struct Answer<V> {
    pub(crate) found: Option<Content<V>>,
    /// What was there, readable or not. `None` if it is not known; then nothing can be written.
    pub(crate) seen: Option<Seen>,
}

/// What a load found when it began, and what must still be there when it ends.
pub(crate) struct Seen {
    record: Arc<Record>,
    head: Bytes,
}

/// What lies under a key.
struct Looked {
    record: Arc<Record>,
    /// What is under the key itself.
    there: Read,
    /// The same, or what lies apart from it.
    value: Option<Bytes>,
}

impl<V> Answer<V> {
    pub(crate) const NONE: Self = Self {
        found: None,
        seen: None,
    };
}

impl LevelTwo {
    /// Whether the values of sealed spaces can be kept here.
    pub(crate) fn can_seal(&self) -> bool {
        self.key_ring.is_some()
    }

    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        namespace: &str,
        key_ring: Option<KeyRing>,
        clock: Arc<dyn Clock>,
        counters: Arc<Counters>,
    ) -> Self {
        let namespace = escape(namespace).into_owned();
        Self {
            backend,
            hearing: Arc::new(Hearing::new(Arc::clone(&counters))),
            channel: format!("{namespace}:changes"),
            node: random(),
            batches: Batches::default(),
            namespace,
            key_ring,
            clock,
            stamps: Stamps::default(),
            debts: Debts::default(),
            counters,
            records: Records::default(),
        }
    }

    pub(crate) fn owed(&self) -> u64 {
        self.debts.count()
    }

    pub(crate) async fn read<V: Cacheable>(
        self: &Arc<Self>,
        space: &'static str,
        key: &str,
        rules: &Rules,
    ) -> Answer<V> {
        self.collect_later();
        if self.debts.concern(space, key) {
            return Answer::NONE;
        }
        let Some(looked) = self.look(space, key).await else {
            return Answer::NONE;
        };
        let found = match self.open(&looked, key, rules) {
            Some(Ok(found)) => found,
            Some(Err(envelope::Unreadable)) => {
                self.counters.note(CacheEvent::Unreadable);
                None
            }
            None => None,
        };
        // A change may have been made while we read.
        if self.debts.concern(space, key) {
            return Answer::NONE;
        }
        let head = looked
            .there
            .value()
            .map_or_else(Bytes::new, |bytes| bytes.slice(..HEAD.min(bytes.len())));
        self.stamps.see(&head, || self.now());
        let record = looked.record;
        Answer {
            found,
            seen: Some(Seen { record, head }),
        }
    }

    /// Reads a key and the record of its space in one round trip, and in a second one what lies apart: an entry is
    /// one only if the record admits it. `None` if it cannot be read.
    ///
    /// In which order the two are read does not matter, as long as both are read after this was asked for. A
    /// change that was over by then shows in both. Of one that comes between them, the older record may
    /// admit what the change deletes, and then the read came first; or it refuses what was written under the newer
    /// one, which is a miss. The newer record refuses what the change deletes.
    async fn look(self: &Arc<Self>, space: &'static str, key: &str) -> Option<Looked> {
        let there = self.read_one(space, self.key(space, key)).await?;
        let stamp = there
            .value()
            .and_then(|it| envelope::stamp_of_what_lies_apart(it));
        let Some(stamp) = stamp else {
            return Some(Looked {
                record: Arc::clone(there.record()),
                value: there.value().cloned(),
                there,
            });
        };
        let apart = self.apart_key(space, stamp, key);
        let apart = self.read_one(space, apart).await?;
        Some(Looked {
            record: Arc::clone(apart.record()),
            value: apart.value().cloned(),
            there,
        })
    }

    /// The value of what lies there, if there is any.
    fn open<V: Cacheable>(
        &self,
        looked: &Looked,
        key: &str,
        rules: &Rules,
    ) -> Option<Result<Option<Content<V>>, envelope::Unreadable>> {
        let form = self.form(rules, looked.there.at());
        let value = looked.value.as_ref()?;
        Some(envelope::open(value, &looked.record.body, key, form))
    }

    async fn read_one(self: &Arc<Self>, space: &'static str, at: String) -> Option<Read> {
        if self.backend.reads_in_one_step() {
            self.read_in_batch(space, at).await
        } else {
            self.read_alone(space, at).await
        }
    }

    /// Has a record begin where there is none, before a loader is asked: one that began after it could not tell what
    /// was changed meanwhile and forgotten again. `None` if there cannot be one; then nothing can be written.
    pub(crate) async fn prepare(&self, space: &'static str, seen: Seen) -> Option<Seen> {
        if !seen.record.is_missing() {
            return Some(seen);
        }
        let head = seen.record.head.clone();
        let body = self.record(space).await?;
        let record = Arc::new(Record { head, body });
        Some(Seen { record, ..seen })
    }

    /// Writes what a loader brought, if nobody has changed anything since it was asked. Whether it
    /// is there now.
    pub(crate) async fn fill<V: Cacheable>(
        &self,
        space: &'static str,
        key: &str,
        content: &Content<V>,
        rules: &Rules,
        seen: Seen,
    ) -> bool {
        let at = self.key(space, key);
        let form = self.form(rules, &at);
        let Some(bytes) = envelope::seal(content, &seen.record.body, &seen.head, form) else {
            return false;
        };
        let now = self.now();
        let left = content.lifetime.left(now);
        let when = When::HeadIs(&seen.head);
        // It may have been changed so lately that the stamp must stay for longer than the value.
        let stamp = stamp::of_late(&seen.head, millis(CERTAINLY_OVER), now);
        let written = match stamp.filter(|_| left < LONGEST_LOAD) {
            Some(stamp) => {
                self.write_apart(space, key, stamp, &bytes, left, when)
                    .await
            }
            None => self.heed(self.backend.write(&at, &bytes, Some(left), when).await),
        };
        written == Some(true)
    }

    /// Writes a value that must go before its stamp may. Whether it is there.
    pub(crate) async fn write_apart(
        &self,
        space: &str,
        key: &str,
        stamp: &str,
        bytes: &[u8],
        left: Duration,
        when: When<'_>,
    ) -> Option<bool> {
        let (at, apart) = (self.key(space, key), self.apart_key(space, stamp, key));
        // First, so that nobody is sent there in vain.
        let written = self.backend.write(&apart, bytes, Some(left), When::Always);
        self.heed(written.await)?;
        let there = envelope::apart(stamp);
        let written = self.backend.write(&at, &there, Some(LONGEST_LOAD), when);
        self.heed(written.await)
    }

    /// Whether there is an entry, changed or not.
    pub(crate) async fn has<V: Cacheable>(
        self: &Arc<Self>,
        space: &'static str,
        key: &str,
        rules: &Rules,
    ) -> bool {
        let Some(looked) = self.look(space, key).await else {
            return false;
        };
        let found = self.open::<V>(&looked, key, rules);
        matches!(found, Some(Ok(Some(found))) if found.lifetime.is_fresh(self.now()))
    }

    /// A fault ends here: it is counted, and nobody above hears of it.
    pub(crate) fn heed<T>(&self, outcome: Result<T, BackendFault>) -> Option<T> {
        outcome
            .inspect_err(|_| self.counters.note(CacheEvent::RedisFault))
            .ok()
    }

    pub(crate) fn form<'a>(&'a self, rules: &Rules, key: &'a str) -> Form<'a> {
        Form {
            shape: rules.shape,
            key,
            secrecy: match (rules.is_sealed, &self.key_ring) {
                (false, _) => Secrecy::Plain,
                (true, Some(keys)) => Secrecy::Sealed(keys),
                (true, None) => Secrecy::Unsealable,
            },
        }
    }

    pub(crate) fn now(&self) -> u64 {
        moment(self.clock.now())
    }

    /// Names cannot hold the separator, and the key comes last, so two entries never share a key.
    pub(crate) fn key(&self, space: &str, key: &str) -> String {
        let Self { namespace, .. } = self;
        format!("{namespace}:entry:{}:{key}", escape(space))
    }

    /// Where the value of an entry lies that must go before its stamp may.
    fn apart_key(&self, space: &str, stamp: &str, key: &str) -> String {
        let Self { namespace, .. } = self;
        format!("{namespace}:apart:{}:{stamp}:{key}", escape(space))
    }

    pub(crate) fn record_key(&self, space: &str) -> String {
        let Self { namespace, .. } = self;
        format!("{namespace}:space:{}", escape(space))
    }
}

pub(crate) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['%', ':']) {
        Cow::Owned(name.replace('%', "%25").replace(':', "%3A"))
    } else {
        Cow::Borrowed(name)
    }
}

/// For so long it stays known that something was changed. A load that took longer is not written to level two, because
/// nothing is left there to compare with.
pub(crate) const LONGEST_LOAD: Duration = Duration::from_secs(5 * 60);

/// A load that took longer is not written, and a value that is owed for longer is made good as a deletion. What is
/// missing to [`LONGEST_LOAD`] is for writes that take their time and clocks that differ.
pub(crate) const OLDEST: Duration = LONGEST_LOAD.saturating_sub(Duration::from_secs(30));

/// Twice that: whoever made a change may have another clock.
const CERTAINLY_OVER: Duration = LONGEST_LOAD.saturating_mul(2);
