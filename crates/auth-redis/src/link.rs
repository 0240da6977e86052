//! One server, as all clones of a handle share it: the connection in use, or why there is none.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use deadpool_redis::redis::aio::MultiplexedConnection;
use tokio::sync::{Notify, watch};

use crate::error::Fault;
use crate::finder::Finder;
use crate::settings::RedisSettings;
use crate::state::RedisState;
use crate::target::Address;

pub(crate) struct Shared {
    pub(crate) settings: Arc<RedisSettings>,
    pub(crate) finder: Finder,
    pub(crate) state: watch::Sender<RedisState>,
    /// Wakes the supervisor when the connection in use was given up.
    pub(crate) lost: Notify,
    link: RwLock<Link>,
    /// Of the whole handle, which may have several servers.
    ups: Arc<AtomicU64>,
    /// Who else wants to know of changes: the cluster that this server belongs to.
    changed: Option<Arc<Notify>>,
    next_serial: AtomicU64,
}

/// The breaker: closed is `Up`, open is `Down`.
#[derive(Clone)]
pub(crate) enum Link {
    Connecting,
    Up(Connected),
    Down(Fault),
    /// For good: the handle was shut down.
    Closed,
}

/// A connection in use. Clones send over the same socket.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) address: Arc<Address>,
    pub(crate) serial: u64,
    /// Failures in a row. They belong to this connection, so that a late one of its predecessor
    /// does not count against it.
    failures: Arc<AtomicU32>,
}

impl Shared {
    pub(crate) fn new(
        settings: Arc<RedisSettings>,
        finder: Finder,
        ups: Arc<AtomicU64>,
        changed: Option<Arc<Notify>>,
    ) -> Self {
        Self {
            settings,
            finder,
            state: watch::Sender::new(RedisState::Connecting),
            lost: Notify::new(),
            link: RwLock::new(Link::Connecting),
            ups,
            changed,
            next_serial: AtomicU64::new(0),
        }
    }

    pub(crate) fn link(&self) -> Link {
        self.link
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn is_in_use(&self, serial: u64) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        link.is_up(serial)
    }

    pub(crate) fn is_closed(&self) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        matches!(&*link, Link::Closed)
    }

    /// Puts a new connection to use after there was none.
    pub(crate) fn raise(&self, (connection, address): (MultiplexedConnection, Address)) -> u64 {
        let connected = self.connected(connection, address);
        let serial = connected.serial;
        self.transition(Link::Up(connected), |_| {
            self.count_up();
            true
        });
        serial
    }

    /// Counted before the first command can succeed: whoever compares the count after an answer
    /// learns that there was a gap before it.
    fn count_up(&self) {
        self.ups.fetch_add(1, Ordering::AcqRel);
    }

    /// Puts a new connection in the place of one that works but has grown old. `None` if that one
    /// was given up meanwhile.
    ///
    /// To the same server nothing has happened. Another may not have heard everything the former
    /// did, which is as good as a loss: it is counted, and told to whoever waits for changes.
    pub(crate) fn renew(
        &self,
        old: u64,
        (connection, address): (MultiplexedConnection, Address),
    ) -> Option<u64> {
        let connected = self.connected(connection, address);
        let serial = connected.serial;
        let address = Arc::clone(&connected.address);
        let mut is_elsewhere = false;
        let renewed = self.transition(Link::Up(connected), |link| match link {
            Link::Up(current) if current.serial == old => {
                is_elsewhere = current.address != address;
                if is_elsewhere {
                    self.count_up();
                }
                true
            }
            _ => false,
        });
        if is_elsewhere {
            self.state.send_modify(|_| {});
        }
        renewed.then_some(serial)
    }

    fn connected(&self, connection: MultiplexedConnection, address: Address) -> Connected {
        Connected {
            connection,
            address: Arc::new(address),
            serial: self.next_serial.fetch_add(1, Ordering::Relaxed),
            failures: Arc::default(),
        }
    }

    /// Says that there is no connection to be had.
    pub(crate) fn lower(&self, fault: &Fault) {
        self.transition(Link::Down(fault.while_down()), |_| true);
    }

    pub(crate) fn close(&self) {
        self.transition(Link::Closed, |_| true);
    }

    pub(crate) fn succeeded(&self, connected: &Connected) {
        // Reading first spares all the tasks that share the connection from fighting for a cache
        // line that hardly ever changes.
        if connected.failures.load(Ordering::Relaxed) != 0 {
            connected.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn failed(&self, connected: &Connected, fault: &Fault) {
        if !fault.counts() && !fault.breaks_connection {
            return self.succeeded(connected);
        }
        let failures = connected.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures < FAILURES_TO_OPEN && !fault.breaks_connection {
            return;
        }
        let down = Link::Down(fault.while_down());
        if self.transition(down, |link| link.is_up(connected.serial)) {
            self.lost.notify_one();
        }
    }

    /// The one place where the link changes. What was shut down stays so.
    ///
    /// The state is shown under the same lock, so that two changes cannot be shown in the wrong
    /// order.
    fn transition(&self, next: Link, applies: impl FnOnce(&Link) -> bool) -> bool {
        let mut link = self.link.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*link, Link::Closed) || !applies(&link) {
            return false;
        }
        let state = match next {
            Link::Up(_) => RedisState::Up,
            Link::Connecting => RedisState::Connecting,
            Link::Down(_) | Link::Closed => RedisState::Down,
        };
        *link = next;
        let changed = self
            .state
            .send_if_modified(|current| std::mem::replace(current, state) != state);
        drop(link);
        if changed {
            if let Some(changed) = &self.changed {
                changed.notify_one();
            }
            let address = match &self.finder {
                Finder::Fixed(address) => address.to_string(),
                Finder::Sentinel { .. } => self.settings.address(),
            };
            match state {
                RedisState::Up => tracing::info!(address, "redis is up"),
                _ => tracing::warn!(address, "redis is down"),
            }
        }
        true
    }
}

impl Link {
    fn is_up(&self, serial: u64) -> bool {
        matches!(self, Self::Up(connected) if connected.serial == serial)
    }
}

/// Two may be bad luck.
const FAILURES_TO_OPEN: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use auth_testkit::RedisServer;
    use deadpool_redis::redis::Client;

    async fn connect(server: &RedisServer) -> (MultiplexedConnection, Address) {
        let client = Client::open(server.url()).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let (host, port) = ("127.0.0.1".to_owned(), server.port());
        (connection, Address { host, port })
    }

    #[tokio::test]
    async fn to_be_renewed_is_nothing_to_the_same_server_and_a_gap_to_another() {
        let Some(one) = RedisServer::start() else {
            return;
        };
        let other = RedisServer::start().unwrap();
        let settings = RedisSettings::from_url("redis-sentinel://127.0.0.1/main");
        let (sentinels, service) = (Vec::new(), "main".to_owned());
        let finder = Finder::Sentinel { sentinels, service };
        let shared = Shared::new(Arc::new(settings), finder, Arc::default(), None);
        let ups = || shared.ups.load(Ordering::Acquire);
        let first = shared.raise(connect(&one).await);
        let mut changes = shared.state.subscribe();

        let second = shared.renew(first, connect(&one).await).unwrap();
        assert_eq!((ups(), changes.has_changed().unwrap()), (1, false));
        assert_eq!(shared.renew(first, connect(&other).await), None);
        assert_eq!((ups(), changes.has_changed().unwrap()), (1, false));

        let third = shared.renew(second, connect(&other).await).unwrap();
        assert_eq!((ups(), changes.has_changed().unwrap()), (2, true));
        assert_eq!(*changes.borrow_and_update(), RedisState::Up);
        assert!(shared.is_in_use(third));
    }
}
