//! The second level: what it holds, and what it still has to learn.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use auth_core::{BoxFuture, Clock};
use auth_crypto::KeyRing;
use bytes::Bytes;

use crate::backend::{Backend, BackendFault, HEAD, When};
use crate::batch::{Batches, Read};
use crate::debts::{Debt, Debts, Owed};
use crate::entry::{millis, moment};
use crate::envelope::{self, Content, Form, Secrecy};
use crate::hearing::Hearing;
use crate::message::{Message, What};
use crate::record::{Body, Record, random};
use crate::space::{Cacheable, Rules};
use crate::stamp::{self, Stamp, Stamps};
use crate::stats::{CacheEvent, Counters};

pub(crate) struct LevelTwo {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) hearing: Arc<Hearing>,
    pub(crate) channel: String,
    pub(crate) node: String,
    pub(crate) batches: Batches,
    namespace: String,
    key_ring: Option<KeyRing>,
    clock: Arc<dyn Clock>,
    stamps: Stamps,
    debts: Debts,
    counters: Arc<Counters>,
    /// The records as they were last seen, for what is set while there is nothing to ask.
    records: Mutex<HashMap<&'static str, Known>>,
}

/// A record, and the bytes it was read from: as long as they lie there they are not parsed again.
struct Known {
    bytes: Bytes,
    record: Arc<Record>,
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
            records: Mutex::default(),
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
        let Looked {
            record,
            there,
            value,
        } = &looked;
        let form = self.form(rules, there.at());
        let opened = value
            .as_ref()
            .map(|bytes| envelope::open(bytes, &record.body, key, form));
        let found = match opened {
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
        let head = there
            .value()
            .map_or_else(Bytes::new, |bytes| bytes.slice(..HEAD.min(bytes.len())));
        self.stamps.see(&head, || self.now());
        let record = Arc::clone(record);
        Answer {
            found,
            seen: Some(Seen { record, head }),
        }
    }

    /// Reads a key and the record of its space in one round trip: an entry is one only if the record
    /// admits it. `None` if it cannot be read.
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
    async fn write_apart(
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

    /// Notes that something was changed. From here on it is not read.
    pub(crate) fn owe(self: &Arc<Self>, debt: Debt, until: u64) -> Due {
        let now = self.now();
        let stamp = self.stamps.next(now, &random());
        let (debt, owed) = self.debts.note(debt, stamp, None, until, now);
        let level_two = Arc::clone(self);
        Due {
            level_two,
            debt,
            owed,
        }
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
        let Looked {
            record,
            there,
            value,
        } = &looked;
        let form = self.form(rules, there.at());
        let opened = value
            .as_ref()
            .map(|bytes| envelope::open::<V>(bytes, &record.body, key, form));
        let Some(Ok(Some(found))) = opened else {
            return false;
        };
        found.lifetime.is_fresh(self.now())
    }

    /// Has what is owed made known when the level is back, unless somebody does already: whoever did may have gone
    /// with a runtime.
    fn collect_later(self: &Arc<Self>) {
        if self.debts.are_any() && self.debts.begin_collection() {
            let collection = Collection(Arc::downgrade(self));
            tokio::spawn(collect(collection, self.backend.ready()));
        }
    }

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

    async fn try_to_pay(&self, debt: &Debt, owed: &Owed, is_first: bool) -> Option<Paid> {
        let mut paid = Paid::AsOwed;
        let (space, what) = match debt {
            Debt::Key { space, key } => {
                let now = self.now();
                let at = self.key(space, key);
                let left = Duration::from_millis(owed.until.saturating_sub(now));
                // Somebody may have deleted it later, and after so long nothing there says so any more.
                let is_alive = !left.is_zero() && !owed.since.is(OLDEST, now);
                let value = owed.value.as_deref().filter(|_| is_alive);
                if value.is_none() && owed.value.is_some() {
                    paid = Paid::AsDeletion;
                }
                let stamp = owed.stamp.as_bytes();
                // Others may have changed it since, and theirs is the later change. Where that was in the same
                // millisecond nobody can say: then whoever deletes is right, which costs no more than a load.
                let later = match value {
                    Some(_) => owed.stamp.earliest(),
                    None => owed.stamp.latest(),
                };
                let when = match is_first {
                    true => When::Always,
                    false => When::HeadIsBefore(later.as_bytes()),
                };
                let written = match value {
                    // That it was changed stays known for as long as a load from before may take.
                    Some(value) if left < LONGEST_LOAD => {
                        let stamp = owed.stamp.as_str();
                        self.write_apart(space, key, stamp, value, left, when)
                            .await?
                    }
                    Some(value) => {
                        self.heed(self.backend.write(&at, value, Some(left), when).await)?
                    }
                    None => {
                        let ttl = Some(LONGEST_LOAD);
                        self.heed(self.backend.write(&at, stamp, ttl, when).await)?
                    }
                };
                if !written && self.debts.is_current(debt, owed) {
                    // Then memory must not go on serving ours.
                    self.hearing.apply(space, &What::Key(key.clone()));
                }
                (*space, What::Key(key.clone()))
            }
            Debt::Mark { space, mark } => {
                let change = |body: &mut Body, now| body.mark(mark, now, owed.until);
                self.change_record(space, change).await?;
                (*space, What::Mark(mark.clone()))
            }
            Debt::Space(space) => {
                self.change_record(space, |body, _| *body = Body::begin())
                    .await?;
                (*space, What::All)
            }
        };
        let message = Message::new(&self.node, space, what).write();
        self.heed(self.backend.announce(&self.channel, &message).await)?;
        self.debts.settle(debt, owed);
        Some(paid)
    }

    async fn change_record(
        &self,
        space: &'static str,
        change: impl Fn(&mut Body, u64),
    ) -> Option<()> {
        for _ in 0..TRIES {
            let key = self.record_key(space);
            let values = self.heed(self.backend.read(&[&key]).await)?;
            let record = Record::read(values.first()?.as_ref());
            let mut body = record.body.clone();
            change(&mut body, self.now());
            if self.write_record(space, &record, &body).await? {
                return Some(());
            }
        }
        self.counters.note(CacheEvent::RedisFault);
        None
    }

    async fn write_record(&self, space: &'static str, old: &Record, new: &Body) -> Option<bool> {
        let stamp = self.stamps.next(self.now(), &random());
        let json = serde_json::to_vec(new).ok()?;
        let bytes = [stamp.as_bytes(), &json].concat();
        let key = self.record_key(space);
        let when = When::HeadIs(&old.head);
        let written = self.heed(self.backend.write(&key, &bytes, None, when).await)?;
        if written {
            let bytes = Bytes::from(bytes);
            let record = Arc::new(Record::read(Some(&bytes)));
            self.remember(space, bytes, &record);
        }
        Some(written)
    }

    /// The record of a space now, which begins if there is none.
    async fn record(&self, space: &'static str) -> Option<Body> {
        let key = self.record_key(space);
        for _ in 0..TRIES {
            let values = self.heed(self.backend.read(&[&key]).await)?;
            let record = self.read_record(space, values.first()?.as_ref());
            if !record.is_missing() {
                return Some(record.body.clone());
            }
            let begun = Body::begin();
            if self.write_record(space, &record, &begun).await? {
                return Some(begun);
            }
            // Somebody else was faster, and theirs is as good.
        }
        None
    }

    /// The record of a space as it was last seen. Without one, what was set is not kept but deleted: it might
    /// come back after a clearing that nobody has heard of.
    fn remembered(&self, space: &str) -> Option<Body> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.get(space).map(|known| known.record.body.clone())
    }

    /// What these bytes say. Every read needs it, and it changes only when many entries are deleted.
    pub(crate) fn read_record(&self, space: &'static str, bytes: Option<&Bytes>) -> Arc<Record> {
        if let Some(bytes) = bytes {
            let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = records.get(space).filter(|known| known.bytes == *bytes) {
                return Arc::clone(&known.record);
            }
        }
        let record = Arc::new(Record::read(bytes));
        if let Some(bytes) = bytes {
            self.remember(space, bytes.clone(), &record);
        }
        record
    }

    fn remember(&self, space: &'static str, bytes: Bytes, record: &Arc<Record>) {
        if record.is_missing() {
            return;
        }
        let record = Arc::clone(record);
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.insert(space, Known { bytes, record });
    }

    /// A fault ends here: it is counted, and nobody above hears of it.
    pub(crate) fn heed<T>(&self, outcome: Result<T, BackendFault>) -> Option<T> {
        outcome
            .inspect_err(|_| self.counters.note(CacheEvent::RedisFault))
            .ok()
    }

    fn form<'a>(&'a self, rules: &Rules, key: &'a str) -> Form<'a> {
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

    fn now(&self) -> u64 {
        moment(self.clock.now())
    }

    /// Names cannot hold the separator, and the key comes last, so two entries never share a key.
    fn key(&self, space: &str, key: &str) -> String {
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

/// A change by whoever made it. Nobody else carries it out until this is dropped.
pub(crate) struct Due {
    level_two: Arc<LevelTwo>,
    debt: Debt,
    owed: Owed,
}

impl Due {
    /// Adds what was set to what is owed, so that it is written and not only deleted. Whether it could be:
    /// it may be too large, or must be sealed and cannot, or nobody knows the record of the space.
    pub(crate) async fn add_value<V: Cacheable>(
        &mut self,
        content: &Content<V>,
        rules: &Rules,
    ) -> bool {
        let level_two = &self.level_two;
        let Debt::Key { space, key } = &self.debt else {
            return false;
        };
        let (record, is_current) = match level_two.record(space).await {
            Some(record) => (record, true),
            // What is written under it may not count any more.
            None => match level_two.remembered(space) {
                Some(record) => (record, false),
                None => return false,
            },
        };
        let at = level_two.key(space, key);
        let form = level_two.form(rules, &at);
        let sealed = envelope::seal(content, &record, self.owed.stamp.as_bytes(), form);
        let Some(bytes) = sealed else {
            return false;
        };
        let (debt, owed) = (&self.debt, &mut self.owed);
        level_two.debts.amend(debt, owed, bytes.into());
        is_current
    }

    /// Makes the change known, now or when the level is back. Whether it is known now, as it was made. Of several
    /// changes of a key the last one is made known, and by whoever made it.
    pub(crate) async fn pay(self) -> bool {
        let Self {
            level_two,
            debt,
            owed,
        } = &self;
        if matches!(debt, Debt::Key { .. }) && !level_two.debts.is_current(debt, owed) {
            return false;
        }
        let paid = level_two.try_to_pay(debt, owed, true).await;
        level_two.debts.release(debt, owed);
        level_two.collect_later();
        paid == Some(Paid::AsOwed)
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        // It may have been stopped with its runtime. Then the next one to read or change something sees to it.
        self.level_two.debts.release(&self.debt, &self.owed);
    }
}

/// What level two has learned of a change.
#[derive(PartialEq)]
enum Paid {
    AsOwed,
    /// A value that must not be written any more.
    AsDeletion,
}

/// The right to load a key.
pub(crate) struct Lock {
    key: String,
    stamp: Stamp,
}

/// The duty to collect. It is given up when the task ends before its time: with the runtime it runs on, or by a
/// panic. Then the next one to read or change something has another task collect.
struct Collection(Weak<LevelTwo>);

impl Drop for Collection {
    fn drop(&mut self) {
        if let Some(level) = self.0.upgrade() {
            level.debts.break_off_collection();
        }
    }
}

/// Has everything made known that is owed, and ends when nothing is, or when the cache is gone.
async fn collect(mut collection: Collection, mut ready: BoxFuture<'static, bool>) {
    // While it waits it holds no handle, so it keeps neither the cache nor the connection alive.
    while ready.await {
        let Some(level) = collection.0.upgrade() else {
            return;
        };
        let owed = level.debts.next_to_collect();
        if owed.is_empty() {
            // It has ended in there, and somebody may have begun another.
            collection.0 = Weak::new();
            return;
        }
        let mut failed = false;
        for (debt, owed) in owed {
            // A later change of the same may have been shared since this was taken.
            if !level.debts.is_current(&debt, &owed) {
                continue;
            }
            match level.try_to_pay(&debt, &owed, false).await {
                Some(_) => level.counters.note(CacheEvent::Replayed),
                // The fault may be of this one alone.
                None => {
                    level.debts.postpone(&debt, &owed);
                    failed = true;
                }
            }
        }
        ready = level.backend.ready();
        drop(level);
        if failed {
            // It is there and does not do it. Asking in a loop would not help it.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn escape(name: &str) -> Cow<'_, str> {
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

const PAUSE: Duration = Duration::from_millis(200);
const TRIES: usize = 10;
