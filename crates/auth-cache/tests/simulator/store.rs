//! A shared store in this process, and the way of one node to it, on which things go wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_cache::{Backend, BackendFault, HEAD, Listener, Notice, When};
use auth_core::BoxFuture;
use bytes::Bytes;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep};

use crate::Weather;

/// What all nodes share.
pub(crate) struct Store {
    values: Mutex<HashMap<String, (Bytes, Option<Instant>)>>,
    count: Mutex<u64>,
    channel: broadcast::Sender<(u64, Bytes)>,
}

impl Store {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            values: Mutex::default(),
            count: Mutex::new(1000),
            channel: broadcast::channel(100_000).0,
        })
    }

    /// Forgets everything, the count of messages too.
    pub(crate) fn flush(&self, count: u64) {
        self.values.lock().unwrap().clear();
        *self.count.lock().unwrap() = count;
    }

    fn get(&self, key: &str) -> Option<Bytes> {
        let mut values = self.values.lock().unwrap();
        if values.get(key)?.1.is_some_and(|end| end <= Instant::now()) {
            values.remove(key);
        }
        values.get(key).map(|(value, _)| value.clone())
    }
}

/// Chance, the same each time for the same seed.
pub(crate) struct Dice(Mutex<u64>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1))
    }

    /// From zero up to one.
    pub(crate) fn roll(&self) -> f64 {
        let mut state = self.0.lock().unwrap();
        // Xorshift: poor for secrets, and good enough for weather.
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&self, bound: usize) -> usize {
        (self.roll() * bound as f64) as usize
    }
}

/// One node's way to the store.
#[derive(Clone)]
pub(crate) struct Way {
    store: Arc<Store>,
    dice: Arc<Dice>,
    weather: Weather,
    /// Some stores say so, and others do not.
    reads_in_one_step: bool,
    is_cut: Arc<AtomicBool>,
    changes: watch::Sender<()>,
}

impl Way {
    pub(crate) fn new(store: &Arc<Store>, dice: &Arc<Dice>, weather: Weather) -> Self {
        Self {
            store: Arc::clone(store),
            dice: Arc::clone(dice),
            weather,
            reads_in_one_step: dice.below(3) > 0,
            is_cut: Arc::default(),
            changes: watch::Sender::new(()),
        }
    }

    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
        self.changes.send_replace(());
    }

    /// A call: it takes its time, and may fail before or after it was done.
    async fn call<T>(&self, act: impl FnOnce(&Store) -> T) -> Result<T, BackendFault> {
        let fails = |way: &Self| {
            way.is_cut.load(Ordering::SeqCst) || way.dice.roll() < way.weather.failing / 2.0
        };
        sleep(self.delay()).await;
        if fails(self) {
            return Err(BackendFault::new());
        }
        let done = act(&self.store);
        sleep(self.delay()).await;
        if fails(self) {
            return Err(BackendFault::new());
        }
        Ok(done)
    }

    fn delay(&self) -> Duration {
        self.weather.delay.mul_f64(self.dice.roll() / 2.0)
    }
}

impl Backend for Way {
    fn read<'a>(
        &'a self,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, BackendFault>> {
        Box::pin(self.call(move |store| keys.iter().map(|key| store.get(key)).collect()))
    }

    fn reads_in_one_step(&self) -> bool {
        self.reads_in_one_step
    }

    fn write<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Option<Duration>,
        when: When<'a>,
    ) -> BoxFuture<'a, Result<bool, BackendFault>> {
        Box::pin(self.call(move |store| {
            let there = store.get(key).unwrap_or_default();
            let head = &there[..HEAD.min(there.len())];
            let applies = match when {
                When::HeadIs(expected) => head == expected,
                When::HeadIsBefore(later) => head < later,
                _ => true,
            };
            if applies {
                let end = ttl.map(|ttl| Instant::now() + ttl);
                let value = (Bytes::copy_from_slice(value), end);
                store.values.lock().unwrap().insert(key.to_owned(), value);
            }
            applies
        }))
    }

    fn announce<'a>(
        &'a self,
        _channel: &'a str,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, BackendFault>> {
        Box::pin(self.call(move |store| {
            let mut count = store.count.lock().unwrap();
            *count += 1;
            // Under the lock, so that the numbers are in order.
            let _ = store
                .channel
                .send((*count, Bytes::copy_from_slice(message)));
            *count
        }))
    }

    fn position<'a>(&'a self, _channel: &'a str) -> BoxFuture<'a, Result<u64, BackendFault>> {
        Box::pin(self.call(|store| *store.count.lock().unwrap()))
    }

    fn listen(&self, _channel: &str) -> Box<dyn Listener> {
        Box::new(Ear {
            way: self.clone(),
            messages: None,
            arriving: None,
            changes: self.changes.subscribe(),
        })
    }

    fn ready(&self) -> BoxFuture<'static, bool> {
        let (is_cut, mut changes) = (Arc::clone(&self.is_cut), self.changes.subscribe());
        Box::pin(async move {
            while is_cut.load(Ordering::SeqCst) {
                if changes.changed().await.is_err() {
                    return false;
                }
            }
            true
        })
    }
}

struct Ear {
    way: Way,
    messages: Option<broadcast::Receiver<(u64, Bytes)>>,
    /// On its way, and when it is there.
    arriving: Option<(u64, Bytes, Instant)>,
    changes: watch::Receiver<()>,
}

impl Listener for Ear {
    fn next(&mut self) -> BoxFuture<'_, Option<Notice>> {
        Box::pin(async move {
            loop {
                let is_cut = self.way.is_cut.load(Ordering::SeqCst);
                match (&mut self.messages, is_cut) {
                    (None, true) => {
                        self.changes.changed().await.ok()?;
                    }
                    (None, false) => {
                        self.messages = Some(self.way.store.channel.subscribe());
                        return Some(Notice::Listening);
                    }
                    (Some(_), true) => {
                        self.messages = None;
                        return Some(Notice::Lost);
                    }
                    (Some(messages), false) => {
                        // In here nothing is lost if nobody waits any more.
                        let Some((number, bytes, at)) = self.arriving.clone() else {
                            let (number, bytes) = tokio::select! {
                                message = messages.recv() => message.ok()?,
                                _ = self.changes.changed() => continue,
                            };
                            self.arriving =
                                Some((number, bytes, Instant::now() + self.way.delay()));
                            continue;
                        };
                        tokio::time::sleep_until(at).await;
                        self.arriving = None;
                        // Silently: nobody is told that it existed.
                        if self.way.dice.roll() >= self.way.weather.lost {
                            return Some(Notice::Message(number, bytes));
                        }
                    }
                }
            }
        })
    }
}
