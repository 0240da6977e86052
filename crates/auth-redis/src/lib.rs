//! Redis as one handle that stays usable while Redis does not.
//!
//! [`Redis`] is cheap to clone and never makes a caller wait for a dead server: it connects in the
//! background, sends every command over one shared connection, gives each a fixed time, and answers
//! at once while the server is away. [`Redis::state`] and [`Redis::state_changes`] tell how it is,
//! because a cache above must know when it may have missed something.
//!
//! ```no_run
//! use std::time::Duration;
//! use auth_redis::Redis;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let redis = Redis::builder("redis://127.0.0.1:6379/0")
//!     .key_prefix("my-app:")
//!     .connect()?; // the server may be away: this fails only if the settings make no sense
//!
//! redis.set("greeting", b"hello", Duration::from_secs(60)).await?;
//! assert_eq!(redis.get("greeting").await?.as_deref(), Some(&b"hello"[..]));
//! redis.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # How it fails
//!
//! A command has [`command_timeout`](RedisSettings::command_timeout) (250 ms) from call to answer.
//! The breaker opens when the connection breaks or three commands in a row found no working
//! server; from then on commands fail at once with [`RedisErrorKind::Unavailable`], and a task in
//! the background reconnects with full jitter until a `PING` is answered. No command is ever sent
//! twice. A command that timed out may still have been carried out.
//!
//! # Limits
//!
//! It needs a tokio runtime with time and I/O enabled, and the runtime must outlive the handle. One
//! standalone server over plain TCP: TLS, Sentinel and Cluster are not there yet, and a URL that
//! asks for one of them is refused instead of being read as something weaker.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod command;
mod error;
mod link;
mod redis;
mod settings;
mod state;
mod supervisor;

pub use crate::error::{RedisError, RedisErrorKind};
pub use crate::redis::Redis;
pub use crate::settings::RedisSettings;
pub use crate::state::{RedisState, RedisStateChanges};
