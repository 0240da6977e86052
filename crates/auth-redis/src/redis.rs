use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_core::config::{ConfigError, ConfigProblem};
use bytes::Bytes;
use deadpool_redis::redis::{Cmd, FromRedisValue, cmd};
use futures_util::future::try_join_all;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use crate::cluster::{Cluster, look_after, slot};
use crate::command;
use crate::error::{Fault, RedisError};
use crate::finder::Finder;
use crate::link::Shared;
use crate::script::Script;
use crate::settings::RedisSettings;
use crate::state::{RedisState, RedisStateChanges};
use crate::subscription::{Server, Subscription};
use crate::supervisor::supervise;
use crate::target::Topology;
use crate::value::RedisValue;

/// A handle to one Redis: a server, the primary behind sentinels, or a cluster. Clones share
/// everything; the last one to go closes the connections.
///
/// Keys and channels are text and get the handle's prefix; values are bytes. Every method fails
/// alike: see [`RedisError`], and the crate's front page for when.
#[derive(Clone)]
pub struct Redis {
    /// Where everything in the background runs.
    runtime: Handle,
    settings: Arc<RedisSettings>,
    servers: Servers,
    ups: Arc<AtomicU64>,
    supervisor: Arc<Supervisor>,
}

#[derive(Clone)]
enum Servers {
    One(Arc<Shared>),
    Cluster(Arc<Cluster>),
}

/// Stops the task when the last handle goes.
struct Supervisor {
    abort: AbortHandle,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl Redis {
    /// Starts settings for what a URL names:
    ///
    /// - `redis://[user]:[password]@host[:port][/db]`, one server;
    /// - `redis-sentinel://[user]:[password]@host[:port],…/service[/db]`, the primary of a service,
    ///   as these sentinels know it;
    /// - `redis-cluster://[user]:[password]@host[:port],…`, a cluster, some of whose nodes these are.
    ///
    /// With `rediss` in place of `redis` they are spoken to by TLS, sentinels too. What is not a letter or
    /// a digit in a user or password is percent-encoded. A URL that cannot be used is reported by
    /// [`connect`](RedisSettings::connect).
    pub fn builder(url: &str) -> RedisSettings {
        RedisSettings::from_url(url)
    }

    pub(crate) fn connect(settings: RedisSettings) -> Result<Self, ConfigError> {
        let target = settings.target.clone()?;
        settings.check_tls().map_err(|fault| {
            let remedy = "give PEM to ca and client_certificate, and a URL that begins with rediss";
            ConfigProblem::new("the certificates for Redis", fault, remedy)
        })?;
        let runtime = Handle::try_current().map_err(|_| {
            let remedy = "connect to Redis from within a tokio runtime";
            ConfigProblem::new("the async runtime", "is not running", remedy)
        })?;
        let settings = Arc::new(settings);
        let ups = Arc::<AtomicU64>::default();
        let finder = match target.topology {
            Topology::Standalone(address) => Finder::Fixed(address),
            Topology::Sentinel { sentinels, service } => Finder::Sentinel { sentinels, service },
            Topology::Cluster(seeds) => {
                let (ours, count) = (Arc::clone(&settings), Arc::clone(&ups));
                let cluster = Arc::new(Cluster::new(runtime.clone(), ours, seeds, count));
                let task = runtime.spawn(look_after(Arc::clone(&cluster)));
                let servers = Servers::Cluster(cluster);
                return Ok(Self::new(runtime, settings, servers, ups, task));
            }
        };
        let shared = Shared::new(Arc::clone(&settings), finder, Arc::clone(&ups), None);
        let shared = Arc::new(shared);
        let task = runtime.spawn(supervise(Arc::clone(&shared)));
        let servers = Servers::One(shared);
        Ok(Self::new(runtime, settings, servers, ups, task))
    }

    fn new(
        runtime: Handle,
        settings: Arc<RedisSettings>,
        servers: Servers,
        ups: Arc<AtomicU64>,
        task: JoinHandle<()>,
    ) -> Self {
        Self {
            runtime,
            settings,
            servers,
            ups,
            supervisor: Arc::new(Supervisor {
                abort: task.abort_handle(),
                task: Mutex::new(Some(task)),
            }),
        }
    }

    /// Whether it is a cluster, whose keys lie on several servers.
    pub fn is_cluster(&self) -> bool {
        matches!(self.servers, Servers::Cluster(_))
    }

    /// How the handle is now. A cluster is up while every slot has an owner that answers.
    pub fn state(&self) -> RedisState {
        *self.watch().borrow()
    }

    /// Follows how the handle is.
    pub fn state_changes(&self) -> RedisStateChanges {
        RedisStateChanges::new(self.watch().subscribe())
    }

    /// How often a connection came up after there was none. Between two moments with the same count
    /// no connection was lost and regained, so nothing that Redis reports can have been missed for
    /// that reason. Of a cluster, those of every node count, and so does every change of owner; behind
    /// sentinels, every change of the server.
    pub fn ups(&self) -> u64 {
        self.ups.load(Ordering::Acquire)
    }

    /// Asks whether the server answers.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.run("PING", None, &cmd("PING")).await
    }

    /// Returns the value of a key, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, RedisError> {
        let key = self.key(key);
        let value: Option<Vec<u8>> = self.run_on("GET", &key, |it| it).await?;
        Ok(value.map(Bytes::from))
    }

    /// Returns the values of several keys in their order, in one round trip; in a cluster, in one
    /// to each of their nodes at once.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<Bytes>>, RedisError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if self.is_cluster() {
            return try_join_all(keys.iter().map(|key| self.get(key))).await;
        }
        let mut command = cmd("MGET");
        for key in keys {
            command.arg(self.key(key));
        }
        let values: Vec<Option<Vec<u8>>> = self.run("MGET", None, &command).await?;
        Ok(values.into_iter().map(|it| it.map(Bytes::from)).collect())
    }

    /// Sets the value of a key: for a time, or with `None` until it is deleted. A time shorter than
    /// a millisecond counts as one.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: impl Into<Option<Duration>>,
    ) -> Result<(), RedisError> {
        let ttl = ttl.into();
        let set = |command: &mut Cmd| {
            command.arg(value);
            if let Some(ttl) = ttl {
                command.arg("PX").arg(millis(ttl));
            }
        };
        self.run_with("SET", &self.key(key), set).await
    }

    /// Sets the value of a key for a time, unless there is one. Returns whether it was set.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn set_if_absent(
        &self,
        key: &str,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, RedisError> {
        let set = |command: &mut Cmd| {
            command.arg(value).arg("NX").arg("PX").arg(millis(ttl));
        };
        let done: Option<String> = self.run_with("SET", &self.key(key), set).await?;
        Ok(done.is_some())
    }

    /// Deletes keys and returns how many of them there were.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn delete(&self, keys: &[&str]) -> Result<u64, RedisError> {
        if keys.is_empty() {
            return Ok(0);
        }
        if self.is_cluster() {
            let one = async |key: &&str| {
                let key = self.key(key);
                self.run_on::<u64>("DEL", &key, |it| it).await
            };
            return Ok(try_join_all(keys.iter().map(one)).await?.into_iter().sum());
        }
        let mut command = cmd("DEL");
        for key in keys {
            command.arg(self.key(key));
        }
        self.run("DEL", None, &command).await
    }

    /// Lets a key expire after this time, and returns whether there is such a key. A time shorter
    /// than a millisecond counts as one.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, RedisError> {
        self.run_on("PEXPIRE", &self.key(key), |it| it.arg(millis(ttl)))
            .await
    }

    /// Whether there is such a key.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn exists(&self, key: &str) -> Result<bool, RedisError> {
        self.run_on("EXISTS", &self.key(key), |it| it).await
    }

    /// Appends values to a list and returns its length then.
    ///
    /// # Errors
    ///
    /// As every command; [`Rejected`](crate::RedisErrorKind::Rejected) if the key holds something
    /// other than a list.
    pub async fn push(&self, list: &str, values: &[&[u8]]) -> Result<u64, RedisError> {
        let name = if values.is_empty() { "LLEN" } else { "RPUSH" };
        let push = |command: &mut Cmd| {
            for value in values {
                command.arg(*value);
            }
        };
        self.run_with(name, &self.key(list), push).await
    }

    /// Says something on a channel, to whoever is listening. Returns how many there were; in a
    /// cluster, at the node that was asked.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn publish(&self, channel: &str, message: &[u8]) -> Result<u64, RedisError> {
        let mut command = cmd("PUBLISH");
        command.arg(self.key(channel)).arg(message);
        self.run("PUBLISH", None, &command).await
    }

    /// What the server calls a channel of this handle: its name with the handle's prefix. For scripts
    /// that publish, because only their keys get the prefix by themselves.
    pub fn channel(&self, name: &str) -> String {
        self.key(name)
    }

    /// Listens on a channel, over a connection of its own, until the subscription is dropped. What
    /// it tells first is when it began.
    pub fn subscribe(&self, channel: &str) -> Subscription {
        let server = match &self.servers {
            Servers::One(shared) => Server::One(Arc::downgrade(shared)),
            Servers::Cluster(cluster) => Server::Cluster(Arc::downgrade(cluster)),
        };
        let (settings, channel) = (Arc::clone(&self.settings), self.key(channel));
        Subscription::start(&self.runtime, server, settings, channel)
    }

    /// Runs a script on keys, with arguments; it finds them as `KEYS` and `ARGV`.
    ///
    /// In a cluster the keys must be in one slot: give them the same text in braces, as `{user:1}:a`
    /// and `{user:1}:b`.
    ///
    /// # Errors
    ///
    /// As every command; [`Rejected`](crate::RedisErrorKind::Rejected) also if the keys are in several
    /// slots of a cluster.
    pub async fn run_script(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<RedisValue, RedisError> {
        let keys: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
        let slot = match self.servers {
            Servers::One(_) => None,
            Servers::Cluster(_) => {
                let mut slots = keys.iter().map(|key| slot(key));
                let first = slots.next();
                if slots.any(|slot| Some(slot) != first) {
                    return Err(RedisError::new("EVALSHA", Fault::CROSS_SLOT));
                }
                first
            }
        };
        let call = |name, text: &str| {
            let mut command = cmd(name);
            command.arg(text).arg(keys.len()).arg(&keys);
            for argument in arguments {
                command.arg(*argument);
            }
            command
        };
        let deadline = self.deadline();
        let by_hash = call("EVALSHA", script.hash());
        let outcome = self.run_until("EVALSHA", slot, &by_hash, deadline).await;
        match outcome {
            // It was not run, so this is no second time.
            Err(error) if error.code() == Some("NOSCRIPT") => {
                let by_source = call("EVAL", script.source());
                self.run_until("EVAL", slot, &by_source, deadline).await
            }
            outcome => outcome,
        }
    }

    /// Sends a command that has no method here, such as one of streams or sorted sets: its name, its
    /// one key, and what comes after the key.
    ///
    /// Commands that block the connection (`BLPOP`, `XREAD BLOCK`) or change it (`SELECT`,
    /// `SUBSCRIBE`, `MULTI`) are not for this handle: all callers share the connection.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn command(
        &self,
        name: &'static str,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<RedisValue, RedisError> {
        let add = |command: &mut Cmd| {
            for argument in arguments {
                command.arg(*argument);
            }
        };
        self.run_with(name, &self.key(key), add).await
    }

    /// Closes the connection, for all clones. Commands fail from now on; those under way end within
    /// their time.
    pub async fn shutdown(&self) {
        match &self.servers {
            Servers::One(shared) => shared.close(),
            Servers::Cluster(cluster) => cluster.close(),
        }
        self.supervisor.abort.abort();
        let task = self.supervisor.task.lock();
        let task = task.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // It ends by being stopped, and that is what was asked for.
            let _ = task.await;
        }
    }

    /// A command on one key.
    async fn run_on<T: FromRedisValue>(
        &self,
        name: &'static str,
        key: &str,
        add: impl FnOnce(&mut Cmd) -> &mut Cmd,
    ) -> Result<T, RedisError> {
        let add = |command: &mut Cmd| {
            add(command);
        };
        self.run_with(name, key, add).await
    }

    async fn run_with<T: FromRedisValue>(
        &self,
        name: &'static str,
        key: &str,
        add: impl FnOnce(&mut Cmd),
    ) -> Result<T, RedisError> {
        let mut command = cmd(name);
        command.arg(key);
        add(&mut command);
        let slot = match self.servers {
            Servers::One(_) => None,
            Servers::Cluster(_) => Some(slot(key)),
        };
        self.run(name, slot, &command).await
    }

    async fn run<T: FromRedisValue>(
        &self,
        name: &'static str,
        slot: Option<u16>,
        command: &Cmd,
    ) -> Result<T, RedisError> {
        self.run_until(name, slot, command, self.deadline()).await
    }

    /// Of a command that is called now.
    fn deadline(&self) -> Instant {
        Instant::now() + self.settings.command_timeout
    }

    async fn run_until<T: FromRedisValue>(
        &self,
        name: &'static str,
        slot: Option<u16>,
        command: &Cmd,
        deadline: Instant,
    ) -> Result<T, RedisError> {
        let outcome = match &self.servers {
            Servers::One(shared) => command::run(shared, command, deadline).await,
            Servers::Cluster(cluster) => cluster.run(slot, command, deadline).await,
        };
        outcome.map_err(|fault| RedisError::new(name, fault))
    }

    fn watch(&self) -> &watch::Sender<RedisState> {
        match &self.servers {
            Servers::One(shared) => &shared.state,
            Servers::Cluster(cluster) => &cluster.state,
        }
    }

    fn key(&self, key: &str) -> String {
        [&*self.settings.key_prefix, key].concat()
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("address", &self.settings.address())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

fn millis(ttl: Duration) -> u64 {
    // Redis refuses times near the end of 64 bits, and nobody can tell a century from for ever.
    u64::try_from(ttl.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, CENTURY_MILLIS)
}

const CENTURY_MILLIS: u64 = 100 * 365 * 24 * 60 * 60 * 1000;
