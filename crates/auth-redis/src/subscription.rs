//! Messages of a channel, over a connection of their own.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use deadpool_redis::redis::Client;
use deadpool_redis::redis::aio::PubSub;
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval_at, sleep, timeout};

use crate::cluster::Cluster;
use crate::error::Fault;
use crate::link::{Link, Shared};
use crate::settings::RedisSettings;
use crate::state::RedisState;
use crate::supervisor::pause_before;
use crate::target::Address;

/// What is said on a channel, and when nobody was listening.
///
/// Redis keeps no message for those who are away. So this tells when it began to listen, each time
/// anew, and when it stopped: what was said in between is lost, and whoever must not miss anything has
/// to look elsewhere then. It ends when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    events: mpsc::Receiver<SubscriptionEvent>,
    task: AbortHandle,
}

/// What a [`Subscription`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionEvent {
    /// From here on messages arrive. What was said before is not known.
    Listening,
    /// A message.
    Message(Bytes),
    /// The connection is gone, or its messages came faster than they were taken. It listens again as
    /// soon as it can.
    Lost,
}

impl Subscription {
    pub(crate) fn start(
        runtime: &Handle,
        server: Server,
        settings: Arc<RedisSettings>,
        channel: String,
    ) -> Self {
        let (sender, events) = mpsc::channel(BACKLOG);
        let task = runtime.spawn(listen(server, settings, channel, sender));
        Self {
            events,
            task: task.abort_handle(),
        }
    }

    /// Waits for the next event. `None` when the last handle is gone.
    pub async fn next(&mut self) -> Option<SubscriptionEvent> {
        self.events.recv().await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whom to listen to. It does not keep the handle alive.
#[derive(Clone)]
pub(crate) enum Server {
    One(Weak<Shared>),
    Cluster(Weak<Cluster>),
}

impl Server {
    fn state(&self) -> Option<watch::Receiver<RedisState>> {
        match self {
            Self::One(shared) => Some(shared.upgrade()?.state.subscribe()),
            Self::Cluster(cluster) => Some(cluster.upgrade()?.state.subscribe()),
        }
    }

    /// Where commands go now; of a cluster, any node that is up.
    fn address(&self) -> Option<Address> {
        match self {
            Self::One(shared) => match shared.upgrade()?.link() {
                Link::Up(connected) => Some(Address::clone(&connected.address)),
                _ => None,
            },
            Self::Cluster(cluster) => cluster.upgrade()?.any_address(),
        }
    }

    /// Whether it is as good as before to listen there.
    fn is_still(&self, address: &Address) -> bool {
        match self {
            // Its replacement may have been made by others, who write there.
            Self::One(shared) => shared.upgrade().is_some_and(|shared| match shared.link() {
                Link::Up(connected) => *connected.address == *address,
                Link::Closed => false,
                Link::Connecting | Link::Down(_) => true,
            }),
            Self::Cluster(cluster) => cluster.upgrade().is_some_and(|it| it.has(address)),
        }
    }
}

async fn listen(
    server: Server,
    settings: Arc<RedisSettings>,
    channel: String,
    events: mpsc::Sender<SubscriptionEvent>,
) {
    let Some(mut state) = server.state() else {
        return;
    };
    let mut attempt = 0;
    loop {
        // Room to tell of it comes first: a connection that waits for room is read by nobody, and
        // what arrives over it would fill memory.
        let Ok(room) = events.reserve().await else {
            return;
        };
        // A cluster that is not whole still carries messages.
        let found = server.address();
        let connected = match &found {
            Some(address) => open(&settings, address, &channel).await,
            None => Err(Fault::UNREACHABLE),
        };
        if let (Ok(connection), Some(address)) = (connected, &found) {
            attempt = 0;
            room.send(SubscriptionEvent::Listening);
            forward(connection, &server, &settings, address, &events).await;
            if events.send(SubscriptionEvent::Lost).await.is_err() {
                return;
            }
        }
        let pause = sleep(pause_before(attempt, (settings.random)()));
        attempt += 1;
        tokio::select! {
            () = pause => {}
            changed = state.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

async fn open(settings: &RedisSettings, address: &Address, channel: &str) -> Result<PubSub, Fault> {
    let connect = async {
        let client = Client::open(settings.info(address)?);
        let client = client.map_err(|error| Fault::from_redis(&error))?;
        let mut connection = client
            .get_async_pubsub()
            .await
            .map_err(|error| Fault::from_redis(&error))?;
        connection
            .subscribe(channel)
            .await
            .map_err(|error| Fault::from_redis(&error))?;
        Ok(connection)
    };
    timeout(settings.connect_timeout, connect)
        .await
        .unwrap_or(Err(Fault::TIMEOUT))
}

/// Returns when the connection is of no more use.
async fn forward(
    connection: PubSub,
    server: &Server,
    settings: &RedisSettings,
    address: &Address,
    events: &mpsc::Sender<SubscriptionEvent>,
) {
    let (mut sink, mut messages) = connection.split();
    let first = tokio::time::Instant::now() + settings.check_interval;
    let mut checks = interval_at(first, settings.check_interval);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else {
                    return;
                };
                let payload = Bytes::copy_from_slice(message.get_payload_bytes());
                // Whoever does not keep up has to learn it. Waiting for them would fill memory.
                if events.try_send(SubscriptionEvent::Message(payload)).is_err() {
                    return;
                }
            }
            _ = checks.tick() => {
                let answer = timeout(settings.command_timeout, sink.ping::<()>()).await;
                if !matches!(answer, Ok(Ok(()))) || !server.is_still(address) {
                    return;
                }
            }
        }
    }
}

/// How many messages may wait.
const BACKLOG: usize = 4096;
