//! The records of spaces in level two: read with every value, and written when many entries are deleted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::backend::When;
use crate::level_two::LevelTwo;
use crate::record::{Body, Record, random};
use crate::stats::CacheEvent;

/// The records as they were last seen.
#[derive(Default)]
pub(crate) struct Records(Mutex<HashMap<&'static str, Known>>);

impl Records {
    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record, and the bytes it was read from: as long as they lie there they are not parsed again.
struct Known {
    bytes: Bytes,
    record: Arc<Record>,
}

impl LevelTwo {
    /// Writes a record in the place of an old one. Whether that was still there.
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

    /// Changes the record, whoever else does.
    pub(crate) async fn change_record(
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

    /// The record of a space now, which begins if there is none.
    pub(crate) async fn record(&self, space: &'static str) -> Option<Body> {
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
    pub(crate) fn remembered(&self, space: &str) -> Option<Body> {
        let records = self.records.lock();
        records.get(space).map(|known| known.record.body.clone())
    }

    /// What these bytes say. Every read needs it, and it changes only when many entries are deleted.
    pub(crate) fn read_record(&self, space: &'static str, bytes: Option<&Bytes>) -> Arc<Record> {
        if let Some(bytes) = bytes {
            let records = self.records.lock();
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
        let mut records = self.records.lock();
        records.insert(space, Known { bytes, record });
    }
}

const TRIES: usize = 10;
