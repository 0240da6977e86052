//! Hearing what others changed, and noticing when something may have been missed.
//!
//! Messages are numbered by the store. One that does not follow upon the last, a store that counts
//! anew, and a number that the store has given out and we have not heard are gaps: then memory drops
//! whatever minds. And as long as nothing confirms that all was heard, memory serves what minds for a
//! bounded time only.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use auth_core::Clock;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::backend::{Backend, Listener, Notice};
use crate::entry::moment;
use crate::message::{Message, What};
use crate::shelf::AnyShelf;
use crate::stats::{CacheEvent, Counters};

/// The shelves by the names of their spaces. One name may have several, of different types.
pub(crate) type Shelves = RwLock<HashMap<&'static str, Vec<Arc<dyn AnyShelf>>>>;

pub(crate) struct Hearing {
    /// Whether somebody listens for us.
    is_heard: AtomicBool,
    gaps: AtomicU64,
    /// In milliseconds since 1970: what others announced before that was heard.
    confirmed_at: AtomicU64,
    /// Whether it is known where the messages begin.
    has_begun: watch::Sender<bool>,
    shelves: Shelves,
    counters: Arc<Counters>,
}

impl Hearing {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            is_heard: AtomicBool::new(false),
            gaps: AtomicU64::new(0),
            confirmed_at: AtomicU64::new(0),
            has_begun: watch::Sender::new(false),
            shelves: RwLock::default(),
            counters,
        }
    }

    /// Whether the caller is the one to listen. What it gets goes with the task that does.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Post> {
        if self.is_heard.load(Ordering::Acquire) || self.is_heard.swap(true, Ordering::AcqRel) {
            return None;
        }
        let post = Post(Arc::downgrade(self));
        // Somebody listened before, and may have missed anything since. Who asks from here on waits.
        if self.has_begun.send_replace(false) {
            self.gap();
        }
        Some(post)
    }

    pub(crate) fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Acquire)
    }

    pub(crate) fn confirmed_at(&self) -> u64 {
        self.confirmed_at.load(Ordering::Acquire)
    }

    /// Waits until it is known where the messages begin: what is kept from then on is not kept in
    /// ignorance of an earlier one.
    pub(crate) async fn has_begun(&self) {
        if *self.has_begun.borrow() {
            return;
        }
        // Where nobody listens any more there is nothing to wait for.
        let _ = self.has_begun.subscribe().wait_for(|begun| *begun).await;
    }

    pub(crate) fn add(&self, space: &'static str, shelf: Arc<dyn AnyShelf>) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        shelves.entry(space).or_default().push(shelf);
    }

    fn gap(&self) {
        self.gaps.fetch_add(1, Ordering::AcqRel);
        self.counters.note(CacheEvent::Gap);
    }

    /// Something may have been missed; memory drops what minds, and so all is known that was announced before this
    /// moment. In this order: whoever sees that all is known sees the gap, too.
    pub(crate) fn know_again_from(&self, moment: u64) {
        self.gap();
        self.confirmed_at.store(moment, Ordering::Release);
    }

    /// Does to memory what somebody else did to their own.
    pub(crate) fn apply(&self, space: &str, what: &What) {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        for shelf in shelves.get(space).into_iter().flatten() {
            match what {
                What::Key(key) => shelf.forget(key),
                What::Mark(mark) => shelf.forget_marked(mark),
                What::All => shelf.forget_all(),
            }
        }
    }
}

/// The place of whoever listens. It is given up when the task ends before its time: with the runtime it runs on, or
/// by a panic. Then the next one to use the cache has another task listen.
pub(crate) struct Post(Weak<Hearing>);

impl Post {
    /// Nobody needs to take it over.
    fn close(mut self) {
        self.0 = Weak::new();
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        if let Some(hearing) = self.0.upgrade() {
            hearing.has_begun.send_replace(true);
            hearing.is_heard.store(false, Ordering::Release);
        }
    }
}

/// Where we are in the messages.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reel {
    /// The last one that was heard, with all before it.
    heard: Option<u64>,
    /// The last one that had been said at the previous look, and when that was.
    said: Option<(u64, u64)>,
}

impl Reel {
    /// A message came. Whether one before it was missed.
    fn hear(&mut self, number: u64) -> bool {
        let Some(heard) = self.heard else {
            return false;
        };
        // Twice is no harm, and late is none: what it says is done all the same.
        if heard.wrapping_sub(number) < LATE {
            return false;
        }
        self.heard = Some(number);
        number != heard.wrapping_add(1)
    }

    /// The store says which was the last one. Whether one was missed, and up to which moment all was
    /// heard.
    fn look(&mut self, last: u64, now: u64) -> (bool, Option<u64>) {
        let Some(heard) = self.heard else {
            self.heard = Some(last);
            self.said = None;
            // What was said before is not known.
            return (true, Some(now));
        };
        // It counts anew. Numbers wrap in theory only.
        if last < heard {
            *self = Self {
                heard: Some(last),
                said: None,
            };
            return (true, Some(now));
        }
        match self.said.take() {
            // It had the time between two looks to arrive.
            Some((said, _)) if heard < said => {
                self.heard = Some(last);
                (true, Some(now))
            }
            previous => {
                self.said = Some((last, now));
                if last == heard {
                    (false, Some(now))
                } else {
                    (false, previous.map(|(_, then)| then))
                }
            }
        }
    }
}

/// How far back a number may be and still be of the same count.
const LATE: u64 = 100_000;

/// Listens until the cache or the backend is gone.
pub(crate) async fn listen(
    post: Post,
    backend: Weak<dyn Backend>,
    listener: Box<dyn Listener>,
    channel: String,
    node: String,
    clock: Arc<dyn Clock>,
    check_interval: Duration,
) {
    let hearing = post.0.clone();
    hear(
        hearing,
        backend,
        listener,
        channel,
        node,
        clock,
        check_interval,
    )
    .await;
    post.close();
}

async fn hear(
    hearing: Weak<Hearing>,
    backend: Weak<dyn Backend>,
    mut listener: Box<dyn Listener>,
    channel: String,
    node: String,
    clock: Arc<dyn Clock>,
    check_interval: Duration,
) {
    let now = || moment(clock.now());
    let position = || async {
        let backend = backend.upgrade()?;
        backend.position(&channel).await.ok()
    };
    let mut reel = Reel::default();
    let mut is_listening = false;
    let mut looked_at = now();
    let asked_at = now();
    // Nothing is kept before this, so what was said before it does not matter.
    if let Some(last) = position().await {
        reel.heard = Some(last);
        if let Some(hearing) = hearing.upgrade() {
            hearing.confirmed_at.store(asked_at, Ordering::Release);
        }
    }
    match hearing.upgrade() {
        Some(hearing) => hearing.has_begun.send_replace(true),
        None => return,
    };
    let mut checks = interval(check_interval);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let notice = tokio::select! {
            notice = listener.next() => match notice {
                Some(notice) => Some(notice),
                None => return,
            },
            _ = checks.tick() => None,
        };
        let asked_at = now();
        if asked_at < std::mem::replace(&mut looked_at, asked_at)
            && let Some(hearing) = hearing.upgrade()
        {
            // The clock was set back: for how long nobody has heard does not show any more.
            reel.said = None;
            hearing.confirmed_at.store(0, Ordering::Release);
            hearing.gap();
        }
        let last = match &notice {
            None if !is_listening => continue,
            None | Some(Notice::Listening) => position().await,
            _ => None,
        };
        let Some(hearing) = hearing.upgrade() else {
            return;
        };
        match notice {
            Some(Notice::Message(number, bytes)) => {
                if reel.hear(number) {
                    hearing.gap();
                }
                obey(&hearing, &bytes, &node);
            }
            Some(Notice::Listening) => {
                is_listening = true;
                // Everything up to the last one is over: whether it was heard shows at once.
                match (last, reel.heard) {
                    (Some(last), Some(heard)) if last == heard => {
                        hearing.confirmed_at.store(asked_at, Ordering::Release);
                    }
                    (Some(last), _) => {
                        reel.heard = Some(last);
                        hearing.know_again_from(asked_at);
                    }
                    // It will show at the next look.
                    (None, _) => {}
                }
                reel.said = None;
            }
            Some(Notice::Lost) => {
                is_listening = false;
                reel.said = None;
            }
            None => {
                if let Some(last) = last {
                    let (missed, confirmed) = reel.look(last, asked_at);
                    if missed {
                        hearing.gap();
                    }
                    if let Some(confirmed) = confirmed {
                        hearing.confirmed_at.store(confirmed, Ordering::Release);
                    }
                }
            }
        }
    }
}

fn obey(hearing: &Hearing, bytes: &Bytes, node: &str) {
    match Message::read(bytes) {
        Some(message) if *message.from == *node => {}
        Some(message) => {
            hearing.counters.note(CacheEvent::Invalidated);
            hearing.apply(&message.space, &message.what);
        }
        None => hearing.gap(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_does_not_follow_is_a_gap() {
        let mut reel = Reel {
            heard: Some(1_000_005),
            said: None,
        };
        assert!(!reel.hear(1_000_006));
        assert!(!reel.hear(1_000_006), "twice is no harm");
        assert!(reel.hear(1_000_008));
        assert!(!reel.hear(1_000_009));
        assert!(!reel.hear(1_000_007), "it was late");
        assert!(!reel.hear(1_000_010));
        assert!(reel.hear(1), "it counts anew");
    }

    #[test]
    fn what_was_said_and_is_not_heard_by_the_next_look_is_a_gap() {
        let mut reel = Reel {
            heard: Some(5),
            said: None,
        };
        assert_eq!(reel.look(5, 100), (false, Some(100)));
        // It may be on its way.
        assert_eq!(reel.look(7, 200), (false, Some(100)));
        assert!(!reel.hear(6));
        assert_eq!(reel.look(7, 300), (true, Some(300)));
        assert_eq!(reel.look(8, 400), (false, None));
        assert!(!reel.hear(8));
        // What was said at the look before was heard; of what came since nothing is known.
        assert_eq!(reel.look(9, 500), (false, Some(400)));
    }

    #[test]
    fn a_store_that_has_forgotten_is_a_gap() {
        let mut reel = Reel {
            heard: Some(5),
            said: None,
        };
        assert_eq!(reel.look(0, 100), (true, Some(100)));
        assert_eq!(reel.heard, Some(0));
        let mut reel = Reel::default();
        assert_eq!(reel.look(3, 100), (true, Some(100)));
    }
}
