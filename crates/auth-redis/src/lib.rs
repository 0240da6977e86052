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
//! # Servers
//!
//! The URL says what there is: one server, the primary of a service behind sentinels, or a cluster;
//! by TLS where the scheme begins with `rediss` ([`Redis::builder`]). Callers see no difference, but
//! that a script's keys must be in one slot of a cluster.
//!
//! - **Sentinels** are asked at each attempt to connect, and who they name must say itself that it is
//!   the primary. At every [`check_interval`](RedisSettings::check_interval) both are asked again: a
//!   primary that was demoted is left, and so is one that still takes itself for the primary while
//!   more than half of all sentinels in the URL name another. What it was told meanwhile is lost, so
//!   let it refuse to write by `min-replicas-to-write`. Sentinels that are away, or too few, cost a
//!   connection nothing. For the questions a connection to each is kept.
//! - **Cluster.** Every node has a breaker and a connection of its own, so a dead one costs the others
//!   nothing. Commands follow a slot that moved, or is about to, within their time and from node to
//!   node up to eight times. Several keys at once are several
//!   commands.
//! - **Access lists** must allow, besides the commands that you call: `PING`, with sentinels `ROLE`
//!   (and at the sentinels `SENTINEL GET-MASTER-ADDR-BY-NAME`), in a cluster `CLUSTER SLOTS` and
//!   `ASKING`. `CLUSTER INFO` is asked too, so that a cluster is called up when its nodes say so;
//!   a node that refuses it is believed to be.
//! - **TLS.** Certificates are checked against the system's authorities, or against
//!   [`ca`](RedisSettings::ca) and no others; nothing switches the check off.
//!
//! # How it fails
//!
//! A command has [`command_timeout`](RedisSettings::command_timeout) (250 ms) from call to answer.
//! The breaker opens when the connection breaks or three commands in a row found no working
//! server; from then on commands fail at once with [`RedisErrorKind::Unavailable`], and a task in
//! the background reconnects with full jitter until a `PING` is answered. No command is ever carried
//! out twice. A command that timed out may still have been carried out.
//!
//! # Limits
//!
//! It needs a tokio runtime with time and I/O enabled, and the one that it was connected in must
//! outlive the handle. Commands may be called from any.
//! Replicas are never read. Sentinels and the nodes of a cluster must be reachable under the
//! addresses that they give each other. redis-rs asks rustls for the default cryptography of the
//! process: where none is set, the first connection by TLS sets aws-lc.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod cluster;
mod command;
mod error;
mod finder;
mod link;
mod redis;
mod script;
mod sentinels;
mod settings;
mod state;
mod subscription;
mod supervisor;
mod target;
mod tls;
mod value;

pub use crate::error::{RedisError, RedisErrorKind};
pub use crate::redis::Redis;
pub use crate::script::Script;
pub use crate::settings::RedisSettings;
pub use crate::state::{RedisState, RedisStateChanges};
pub use crate::subscription::{Subscription, SubscriptionEvent};
pub use crate::value::RedisValue;
