use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_core::config::{ConfigError, ConfigProblem};
use bytes::Bytes;
use deadpool_redis::redis::{AsyncConnectionConfig, Cmd, cmd};
use deadpool_redis::{Manager, Pool};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};

use crate::command;
use crate::error::RedisError;
use crate::link::Shared;
use crate::settings::RedisSettings;
use crate::state::{RedisState, RedisStateChanges};
use crate::supervisor::supervise;

/// A handle to one Redis server. Clones share everything; the last one to go closes the connection.
///
/// Keys are text and get the handle's prefix; values are bytes. Every method fails alike: see
/// [`RedisError`], and the crate's front page for when.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
    supervisor: Arc<Supervisor>,
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
    /// Starts settings for the server at `redis://[user]:[password]@host[:port][/db]`.
    ///
    /// A URL that cannot be used is reported by [`connect`](RedisSettings::connect).
    pub fn builder(url: &str) -> RedisSettings {
        RedisSettings::from_url(url)
    }

    pub(crate) fn connect(settings: RedisSettings) -> Result<Self, ConfigError> {
        let unusable = || {
            let remedy = "name a host that can be connected to";
            ConfigError::from(ConfigProblem::new(
                "the Redis address",
                "cannot be used",
                remedy,
            ))
        };
        let target = settings.target.clone()?;
        let runtime = Handle::try_current().map_err(|_| {
            let remedy = "connect to Redis from within a tokio runtime";
            ConfigProblem::new("the async runtime", "is not running", remedy)
        })?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(settings.connect_timeout))
            // Commands are timed by us, from the call and not from the moment of sending.
            .set_response_timeout(None);
        let info = target.connection_info().ok_or_else(unusable)?;
        let manager = Manager::new_with_config(info, config).map_err(|_| unusable())?;
        let pool = Pool::builder(manager)
            .max_size(POOL_SIZE)
            .build()
            .map_err(|_| unusable())?;

        let shared = Arc::new(Shared::new(settings, pool));
        let task = runtime.spawn(supervise(Arc::clone(&shared)));
        Ok(Self {
            shared,
            supervisor: Arc::new(Supervisor {
                abort: task.abort_handle(),
                task: Mutex::new(Some(task)),
            }),
        })
    }

    /// How the handle is now.
    pub fn state(&self) -> RedisState {
        *self.shared.state.borrow()
    }

    /// Follows how the handle is.
    pub fn state_changes(&self) -> RedisStateChanges {
        RedisStateChanges::new(self.shared.state.subscribe())
    }

    /// How often a connection came up after there was none. Between two moments with the same count
    /// no connection was lost and regained, so nothing that Redis reports can have been missed for
    /// that reason.
    pub fn ups(&self) -> u64 {
        self.shared.ups()
    }

    /// Asks whether the server answers.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub async fn ping(&self) -> Result<(), RedisError> {
        command::run(&self.shared, "PING", &cmd("PING")).await
    }

    /// Returns the value of a key, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, RedisError> {
        let command = self.command("GET", key);
        let value: Option<Vec<u8>> = command::run(&self.shared, "GET", &command).await?;
        Ok(value.map(Bytes::from))
    }

    /// Returns the values of several keys in their order, in one round trip.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<Bytes>>, RedisError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let command = self.command_of_keys("MGET", keys);
        let values: Vec<Option<Vec<u8>>> = command::run(&self.shared, "MGET", &command).await?;
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
        let mut command = self.command("SET", key);
        command.arg(value);
        if let Some(ttl) = ttl.into() {
            command.arg("PX").arg(millis(ttl));
        }
        command::run(&self.shared, "SET", &command).await
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
        let command = self.command_of_keys("DEL", keys);
        command::run(&self.shared, "DEL", &command).await
    }

    /// Lets a key expire after this time, and returns whether there is such a key. A time shorter
    /// than a millisecond counts as one.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, RedisError> {
        let mut command = self.command("PEXPIRE", key);
        command.arg(millis(ttl));
        command::run(&self.shared, "PEXPIRE", &command).await
    }

    /// Whether there is such a key.
    ///
    /// # Errors
    ///
    /// As every command.
    pub async fn exists(&self, key: &str) -> Result<bool, RedisError> {
        let command = self.command("EXISTS", key);
        command::run(&self.shared, "EXISTS", &command).await
    }

    /// Appends values to a list and returns its length then.
    ///
    /// # Errors
    ///
    /// As every command; [`Rejected`](crate::RedisErrorKind::Rejected) if the key holds something
    /// other than a list.
    pub async fn push(&self, list: &str, values: &[&[u8]]) -> Result<u64, RedisError> {
        let (name, mut command) = if values.is_empty() {
            ("LLEN", self.command("LLEN", list))
        } else {
            ("RPUSH", self.command("RPUSH", list))
        };
        for value in values {
            command.arg(*value);
        }
        command::run(&self.shared, name, &command).await
    }

    /// Closes the connection, for all clones. Commands fail from now on; those under way end within
    /// their time.
    pub async fn shutdown(&self) {
        self.shared.close();
        self.supervisor.abort.abort();
        let task = self.supervisor.task.lock();
        let task = task.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // It ends by being stopped, and that is what was asked for.
            let _ = task.await;
        }
    }

    fn command(&self, name: &'static str, key: &str) -> Cmd {
        self.command_of_keys(name, &[key])
    }

    fn command_of_keys(&self, name: &'static str, keys: &[&str]) -> Cmd {
        let prefix = &*self.shared.settings.key_prefix;
        let mut command = cmd(name);
        for key in keys {
            command.arg([prefix, key].concat());
        }
        command
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("address", &self.shared.settings.address())
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

/// One connection serves all commands; a second is there while it is replaced.
const POOL_SIZE: usize = 2;
